"""What is to become of one dimension of one resource in one check: a pure function from figures to a Decision."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

from dynamic_dynamodb.calculators import (
    amount_at_or_above,
    amount_at_or_below,
    at_least,
    at_most,
    decreased,
    increased,
    percent,
)
from dynamic_dynamodb.model import Decision, Unit, Usage, figure
from dynamic_dynamodb.options import ScalingOptions


def needs_consumption(options: ScalingOptions) -> bool:
    """Whether a decision can depend on consumed units: with both directions off, no more than the minimum counts."""
    return options.autoscaling and (options.up_scaling or options.down_scaling)


def needs_throttles(options: ScalingOptions) -> bool:
    """Whether a decision can depend on throttled events."""
    has_scale = options.increase_throttled_by_provisioned_scale or options.increase_throttled_by_consumed_scale
    counts = needs_consumption(options) and options.throttled_upper_threshold > 0
    return bool(counts or (options.autoscaling and options.up_scaling and has_scale))


class _Load:
    """The figures of one check; what was not measured counts as 0, since then no option looks at it."""

    def __init__(self, provisioned: int, usage: Usage) -> None:
        self.provisioned = provisioned
        self.seconds = usage.seconds
        self.throttled = usage.throttled or Fraction(0)
        self.consumed_sum = usage.consumed or Fraction(0)
        self.consumed = self.consumed_sum / usage.seconds
        """In units per second, as the provisioned ones."""
        self.consumed_percent = percent(self.consumed, provisioned)
        self.whole_consumed = math.ceil(self.consumed)
        """The least whole number of units that covers the consumption."""

    def __str__(self) -> str:
        return f"{figure(self.consumed_percent)}% consumed ({figure(self.consumed)} of {self.provisioned})"


def decide(provisioned: int, usage: Usage, options: ScalingOptions, counter: int) -> Decision:
    """Decide on new units.

    `provisioned` are the present units (at least 1), and `counter` says how many checks have wanted a decrease since
    the last change. The target of the result equals `provisioned` where nothing is to be done.
    """
    if not options.autoscaling:
        return Decision(provisioned, 0, "scaling is off")
    load = _Load(provisioned, usage)
    if options.checks_reset_percent and load.consumed_percent >= options.checks_reset_percent:
        counter = 0
    decision = _increase(load, options) or _decrease(load, options, counter)
    for restrain in (_limit_to_maximum, _limit_to_minimum, _guard_consumption):
        decision = restrain(decision, load, options)
    return decision


def _increase(load: _Load, options: ScalingOptions) -> Decision | None:
    if not options.up_scaling:
        return None
    proposals = list(_proposed_increases(load, options))
    best = max(proposals, key=lambda proposal: proposal.target, default=None)
    return best if best and best.target > load.provisioned else None


def _proposed_increases(load: _Load, options: ScalingOptions) -> Iterator[Decision]:
    """All that speaks for an increase; among equals the first counts."""
    base = max(load.provisioned, load.whole_consumed)

    def proposal(amount: int | Fraction, unit: Unit, cause: str) -> Iterator[Decision]:
        if amount:
            wanted = increased(base, amount, unit)
            target = at_most(wanted, options.max_provisioned)
            limited = f", limited to the maximum of {target}" if target < wanted else ""
            yield Decision(target, 0, f"{cause}: increase {base} by {figure(amount)} {unit.value}{limited}")

    if options.increase_throttled_by_provisioned_scale:
        by_provisioned = percent(load.throttled / load.seconds, load.provisioned)
        yield from proposal(
            amount_at_or_below(options.increase_throttled_by_provisioned_scale, by_provisioned),
            options.increase_throttled_by_provisioned_unit,
            f"throttled events at a rate of {figure(by_provisioned)}% of the provisioned {load.provisioned}",
        )
    if options.increase_throttled_by_consumed_scale:
        by_consumed = percent(load.throttled, load.consumed_sum)
        yield from proposal(
            amount_at_or_below(options.increase_throttled_by_consumed_scale, by_consumed),
            options.increase_throttled_by_consumed_unit,
            f"throttled events of {figure(by_consumed)}% of the consumed units",
        )
    if options.increase_consumed_scale is not None:
        yield from proposal(
            amount_at_or_below(options.increase_consumed_scale, load.consumed_percent),
            options.increase_consumed_unit,
            f"{load}, on the scale",
        )
    elif load.consumed_percent > options.upper_threshold:
        yield from proposal(
            options.increase_consumed_with,
            options.increase_consumed_unit,
            f"{load}, above {figure(options.upper_threshold)}%",
        )
    if _is_throttled(load, options):
        yield from proposal(options.increase_with, options.increase_unit, _throttled_in_words(load, options))


def _is_throttled(load: _Load, options: ScalingOptions) -> bool:
    return 0 < options.throttled_upper_threshold < load.throttled


def _throttled_in_words(load: _Load, options: ScalingOptions) -> str:
    return f"{figure(load.throttled)} throttled events, above {options.throttled_upper_threshold}"


def _decrease(load: _Load, options: ScalingOptions, counter: int) -> Decision:
    """A decrease, if it is wanted and has been wanted often enough; else no change, with the reason for that."""

    def no_change(reason: str, counter: int = counter) -> Decision:
        return Decision(load.provisioned, counter, reason)

    if not options.down_scaling:
        return no_change(f"{load}, scaling down is off")
    if not load.consumed_sum and not options.scaling_down_on_0_percent:
        return no_change(f"{load}, scaling down at 0% is off")
    if _is_throttled(load, options):
        return no_change(f"{_throttled_in_words(load, options)}: no decrease")
    if options.decrease_consumed_scale is not None:
        amount = amount_at_or_above(options.decrease_consumed_scale, load.consumed_percent)
        cause = f"{load}, on the scale"
    elif load.consumed_percent < options.lower_threshold:
        amount = options.decrease_consumed_with
        cause = f"{load}, below {figure(options.lower_threshold)}%"
    else:
        amount, cause = 0, str(load)
    unit = options.decrease_consumed_unit
    target = at_least(decreased(load.provisioned, amount, unit), options.min_provisioned or 1) if amount else None
    if target is None or target == load.provisioned:
        return no_change(f"{cause}, at the minimum" if target else cause)
    counter += 1
    cause += f": decrease {load.provisioned} by {figure(amount)} {unit.value}"
    if counter < options.checks_before_scale_down:
        return no_change(
            f"{cause}, in check {counter} of {options.checks_before_scale_down} that must want it", counter
        )
    return Decision(target, counter, cause)


def _limit_to_maximum(decision: Decision, load: _Load, options: ScalingOptions) -> Decision:
    limited = at_most(decision.target, options.max_provisioned)
    if limited == decision.target:
        return decision
    return Decision(limited, decision.counter, f"{decision.reason}, limited to the maximum of {limited}")


def _limit_to_minimum(decision: Decision, load: _Load, options: ScalingOptions) -> Decision:
    limited = at_least(decision.target, options.min_provisioned)
    if limited == decision.target:
        return decision
    return Decision(limited, decision.counter, f"{decision.reason}, raised to the minimum of {limited}")


def _guard_consumption(decision: Decision, load: _Load, options: ScalingOptions) -> Decision:
    if decision.target >= min(load.provisioned, load.whole_consumed):
        return decision
    reason = f"{decision.reason}, but {decision.target} is below the {figure(load.consumed)} consumed: no change"
    return Decision(load.provisioned, decision.counter, reason)
