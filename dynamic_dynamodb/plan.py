"""From the decisions on one resource to the change that may be made of it now, or none, with the reasons in words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

from dynamic_dynamodb.model import Change, Decision, Dimension, Note, Resource, ResourceState
from dynamic_dynamodb.options import ResourceOptions

_FREE_DECREASES_A_DAY = 4
_MOST_DECREASES_A_DAY = 27


@dataclass(frozen=True)
class Plan:
    """The change to make, if any, and what there is to say."""

    change: Change | None
    notes: tuple[Note, ...]


@dataclass(frozen=True, kw_only=True)
class HeldBack(Note):
    """That these decreases are not made now; `is_rationed` where it is DynamoDB that would not take them."""

    change: Change
    is_rationed: bool


@dataclass(frozen=True)
class _Situation:
    state: ResourceState
    options: ResourceOptions
    now: datetime


_Targets = Mapping[Dimension, int]
_Restraint = Callable[[_Targets, _Situation], tuple[_Targets, str]]


def plan(
    resource: Resource,
    table_state: ResourceState,
    state: ResourceState,
    decisions: Mapping[Dimension, Decision],
    options: ResourceOptions,
    now: datetime,
) -> Plan:
    """Hold back what must not be done now. `table_state` is that of the resource's table; `now` has a time zone."""
    before = state.throughput
    targets: _Targets = {dimension: decision.target for dimension, decision in decisions.items()}
    reasons = {dimension: decision.reason for dimension, decision in decisions.items()}
    wanted = Change(resource, before, targets, reasons)
    if not wanted.dimensions:
        return Plan(None, (_nothing_to_do(resource, decisions),))
    if not (table_state.is_active and state.is_active):
        status = state.status if table_state.is_active else f"{table_state.status} (the table)"
        return Plan(None, (Note("warning", f"{wanted}: not now, since it is {status}"),))
    notes: list[Note] = []
    situation = _Situation(state, options, now)
    for restraint in _RESTRAINTS:
        kept, reason = restraint(targets, situation)
        held = [dimension for dimension in targets if kept[dimension] != targets[dimension]]
        if held:
            change = Change(resource, before, {**before, **{each: targets[each] for each in held}}, reasons)
            is_rationed = restraint is _hold_rationed
            notes.append(HeldBack("info", f"{change}: held back, {reason}", change=change, is_rationed=is_rationed))
        targets = kept
    change = Change(resource, before, targets, reasons)
    if not change.dimensions:
        return Plan(None, (*notes, Note("info", f"{resource.label}: no change")))
    return Plan(change, tuple(notes))


def _nothing_to_do(resource: Resource, decisions: Mapping[Dimension, Decision]) -> Note:
    figures = "; ".join(f"{dimension.plural}: {decisions[dimension].reason}" for dimension in Dimension)
    return Note("info", f"{resource.label}: no change ({figures})")


def _without_decreases(targets: _Targets, before: _Targets, of: Callable[[Dimension], bool]) -> _Targets:
    return {
        dimension: before[dimension] if target < before[dimension] and of(dimension) else target
        for dimension, target in targets.items()
    }


def _hold_disabled(targets: _Targets, situation: _Situation) -> tuple[_Targets, str]:
    scaling = situation.options.scaling
    kept = _without_decreases(targets, situation.state.throughput, lambda each: not scaling[each].down_scaling)
    return kept, "scaling down is off"


def _hold_lone(targets: _Targets, situation: _Situation) -> tuple[_Targets, str]:
    before, scaling = situation.state.throughput, situation.options.scaling

    def is_alone(dimension: Dimension) -> bool:
        (other,) = set(Dimension) - {dimension}
        stands_lowest = targets[other] == before[other] <= (scaling[other].min_provisioned or 1)
        return targets[other] >= before[other] and not stands_lowest

    together = situation.options.always_decrease_rw_together
    kept = _without_decreases(targets, before, lambda each: together and is_alone(each))
    return kept, "reads and writes are to be decreased together (always-decrease-rw-together)"


def _hold_outside_windows(targets: _Targets, situation: _Situation) -> tuple[_Targets, str]:
    windows = situation.options.maintenance_windows
    now = situation.now.astimezone(timezone.utc)
    minute = now.hour * 60 + now.minute
    is_open = windows is None or any(
        start <= minute <= end if start <= end else minute >= start or minute <= end for start, end in windows
    )
    kept = _without_decreases(targets, situation.state.throughput, lambda each: not is_open)
    return kept, "outside the maintenance windows"


def _hold_rationed(targets: _Targets, situation: _Situation) -> tuple[_Targets, str]:
    possible_from = next_decrease(situation.state, situation.now)
    kept = _without_decreases(targets, situation.state.throughput, lambda each: possible_from > situation.now)
    return kept, f"DynamoDB allows the next decrease at {possible_from.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


_RESTRAINTS: tuple[_Restraint, ...] = (_hold_disabled, _hold_lone, _hold_outside_windows, _hold_rationed)


def next_decrease(state: ResourceState, now: datetime) -> datetime:
    """From when DynamoDB allows a decrease; `now` where it does already.

    DynamoDB allows four in a UTC day and then one if there was none in the past hour, 27 a day at most, for a table
    and each of its indexes separately ("Service, account, and table quotas" in the DynamoDB Developer Guide).
    """
    today = now.astimezone(timezone.utc).replace(hour=0, minute=0, second=0, microsecond=0)
    tomorrow = today + timedelta(days=1)
    if state.last_decrease is None or state.last_decrease < today or state.decreases_today < _FREE_DECREASES_A_DAY:
        return now
    if state.decreases_today >= _MOST_DECREASES_A_DAY:
        return tomorrow
    return max(now, min(tomorrow, state.last_decrease + timedelta(hours=1)))
