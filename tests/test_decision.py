"""The decision of one dimension: worked examples, tables of rules, and properties that hold for all figures."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_dynamodb.decision import decide, needs_consumption, needs_throttles
from dynamic_dynamodb.model import Decision, Unit, Usage
from dynamic_dynamodb.options import ScalingOptions

SECONDS = 300
PERCENT, UNITS = Unit.PERCENT, Unit.UNITS


def usage(consumed: float | str | Fraction, throttled: int = 0) -> Usage:
    """`consumed` is in units per second."""
    return Usage(SECONDS, Fraction(str(consumed)) * SECONDS, Fraction(throttled))


def scale(**thresholds: int) -> tuple[tuple[Fraction, Fraction], ...]:
    """`_0_25=5` is a threshold of 0.25 percent with the amount 5."""
    pairs = {Fraction(name.strip("_").replace("_", ".")): Fraction(amount) for name, amount in thresholds.items()}
    return tuple(sorted(pairs.items()))


def decided(provisioned: int, used: Usage, counter: int = 0, **options: Any) -> Decision:
    return decide(provisioned, used, ScalingOptions(**options), counter)


@pytest.mark.parametrize(
    ("provisioned", "consumed", "options", "target"),
    [
        pytest.param(100, 95, {}, 150, id="above 90 percent: half more"),
        pytest.param(100, 130, {}, 195, id="from the consumption where that is above the provisioned"),
        pytest.param(100, 130, {"max_provisioned": 180}, 180, id="not above the maximum"),
        pytest.param(100, 600, {"max_provisioned": 500}, 500, id="to the maximum, though more is consumed"),
        pytest.param(100, 90, {}, 100, id="exactly 90 percent is not above it"),
        pytest.param(100, 29, {}, 50, id="below 30 percent: half less"),
        pytest.param(100, 30, {}, 100, id="exactly 30 percent is not below it"),
        pytest.param(100, 29, {"decrease_with": 80}, 100, id="not below the consumption"),
        pytest.param(3, 0.5, {}, 2, id="less is taken away than half a unit too much"),
        pytest.param(10, 1, {"min_provisioned": 8}, 8, id="not below the minimum"),
        pytest.param(5, 2.5, {"min_provisioned": 20}, 20, id="up to the minimum without any load"),
        pytest.param(1000, 100, {"max_provisioned": 500}, 500, id="down to the maximum"),
        pytest.param(1000, 600, {"max_provisioned": 500}, 1000, id="not down to the maximum below the consumption"),
        pytest.param(100, 100, {"increase_with": 55}, 155, id="no unit too many because of binary floats"),
        pytest.param(100, 100, {"increase_with": 10}, 110, id="ten percent are ten units"),
        pytest.param(7, 7, {}, 11, id="an increase is rounded up"),
        pytest.param(100, 95, {"increase_unit": UNITS, "increase_with": 7}, 107, id="increase in units"),
        pytest.param(100, 20, {"decrease_unit": UNITS, "decrease_with": 7}, 93, id="decrease in units"),
        pytest.param(1, 0.1, {}, 1, id="never below 1"),
        pytest.param(10, 1, {"decrease_unit": UNITS, "decrease_with": 70}, 1, id="more units than there are"),
        pytest.param(100, 95.51, {"upper_threshold": Fraction("95.5")}, 150, id="a threshold with a fraction"),
        pytest.param(100, 95.5, {"upper_threshold": Fraction("95.5")}, 100, id="exactly at that threshold"),
        pytest.param(100, 95, {"increase_consumed_with": 10}, 110, id="increase-consumed-with"),
        pytest.param(100, 95, {"increase_consumed_unit": UNITS}, 150, id="increase-consumed-unit"),
        pytest.param(100, 20, {"decrease_consumed_with": 10}, 90, id="decrease-consumed-with"),
        pytest.param(100, 20, {"decrease_consumed_unit": UNITS}, 50, id="decrease-consumed-unit"),
    ],
)
def test_target(provisioned: int, consumed: float, options: dict[str, Any], target: int) -> None:
    assert decided(provisioned, usage(consumed), **options).target == target


@pytest.mark.parametrize(
    ("consumed", "options", "target"),
    [
        pytest.param(99, {"up_scaling": False}, 100, id="up is off"),
        pytest.param(1, {"up_scaling": False}, 50, id="up is off: down all the same"),
        pytest.param(1, {"down_scaling": False}, 100, id="down is off"),
        pytest.param(99, {"down_scaling": False}, 150, id="down is off: up all the same"),
        pytest.param(99, {"autoscaling": False}, 100, id="all is off"),
        pytest.param(99, {"autoscaling": False, "max_provisioned": 50}, 100, id="all is off: no maximum either"),
        pytest.param(1, {"autoscaling": False, "min_provisioned": 500}, 100, id="all is off: no minimum either"),
        pytest.param(0, {"up_scaling": False, "down_scaling": False, "min_provisioned": 120}, 120, id="minimum"),
        pytest.param(0, {}, 100, id="0 percent"),
        pytest.param(0, {"scaling_down_on_0_percent": True}, 50, id="0 percent, allowed"),
        pytest.param(0, {"max_provisioned": 60}, 60, id="0 percent: the maximum holds"),
    ],
)
def test_switches(consumed: float, options: dict[str, Any], target: int) -> None:
    assert decided(100, usage(consumed), **options).target == target


DOCUMENTED = scale(_0=0, _0_25=5, _0_5=10, _1=20, _2=50, _5=100)


@pytest.mark.parametrize(
    ("consumed", "target"),
    [
        (0, 1000),
        ("2.49", 1000),
        ("2.5", 1050),
        ("4.99", 1050),
        (5, 1100),
        (10, 1200),
        (20, 1500),
        (50, 2000),
        (900, 2000),
    ],
)
def test_increase_on_the_documented_scale(consumed: float, target: int) -> None:
    options = {"increase_consumed_scale": DOCUMENTED, "down_scaling": False}
    assert decided(1000, usage(consumed), **options).target == target


def test_the_scale_takes_the_place_of_the_threshold() -> None:
    assert decided(100, usage(95), increase_consumed_scale=scale(_99=10)).target == 100


def test_a_scale_has_no_amount_at_0_percent() -> None:
    assert decided(100, usage(0), increase_consumed_scale=scale(_0=50)).target == 100


@pytest.mark.parametrize(
    ("consumed", "target"),
    [
        pytest.param(5, 50, id="at or below 20"),
        pytest.param(20, 50, id="exactly 20"),
        pytest.param(20.5, 90, id="above 20, at or below 40"),
        pytest.param(40.5, 100, id="above all"),
    ],
)
def test_decrease_on_a_scale(consumed: float, target: int) -> None:
    assert decided(100, usage(consumed), decrease_consumed_scale=scale(_20=50, _40=10)).target == target


def test_amounts_of_scales_may_have_fractions() -> None:
    pairs = ((Fraction(1), Fraction("12.5")),)
    assert decided(10, usage(9), increase_consumed_scale=pairs).target == 12
    assert decided(10, usage("0.1"), decrease_consumed_scale=pairs).target == 9
    in_units = {"increase_consumed_unit": UNITS, "decrease_consumed_unit": UNITS}
    assert decided(10, usage(9), increase_consumed_scale=pairs, **in_units).target == 23
    assert decided(100, usage("0.1"), decrease_consumed_scale=pairs, **in_units).target == 88


@pytest.mark.parametrize(
    ("throttled", "options", "target"),
    [
        pytest.param(11, {"throttled_upper_threshold": 10}, 150, id="more events than the threshold"),
        pytest.param(10, {"throttled_upper_threshold": 10}, 100, id="exactly the threshold"),
        pytest.param(9999, {}, 100, id="off by default"),
        pytest.param(11, {"throttled_upper_threshold": 10, "increase_consumed_with": 5}, 150, id="uses increase-with"),
        pytest.param(
            11,
            {"throttled_upper_threshold": 10, "increase_unit": UNITS, "increase_consumed_unit": PERCENT},
            150,
            id="uses increase-unit",
        ),
        pytest.param(300, {"increase_throttled_by_provisioned_scale": scale(_1=10)}, 110, id="1 event/s of 100: 1%"),
        pytest.param(299, {"increase_throttled_by_provisioned_scale": scale(_1=10)}, 100, id="just below 1%"),
        pytest.param(150, {"increase_throttled_by_consumed_scale": scale(_1=10)}, 110, id="150 of 15000 units: 1%"),
        pytest.param(149, {"increase_throttled_by_consumed_scale": scale(_1=10)}, 100, id="just below 1% of consumed"),
        pytest.param(
            300,
            {
                "increase_throttled_by_provisioned_scale": scale(_1=10),
                "increase_throttled_by_consumed_scale": scale(_1=30),
                "throttled_upper_threshold": 10,
                "increase_with": 20,
            },
            130,
            id="the highest proposal wins",
        ),
        pytest.param(
            300,
            {"increase_throttled_by_provisioned_scale": scale(_1=10), "increase_throttled_by_provisioned_unit": UNITS},
            110,
            id="its own unit",
        ),
    ],
)
def test_throttled_events(throttled: int, options: dict[str, Any], target: int) -> None:
    assert decided(100, usage(50, throttled), **options).target == target


def test_throttled_events_without_consumption_are_0_percent_of_it() -> None:
    options = {"increase_throttled_by_consumed_scale": scale(_0=50, _1=50)}
    assert decided(100, usage(0, 500), **options).target == 100


def test_no_decrease_while_throttled() -> None:
    decision = decided(100, usage(1, 11), throttled_upper_threshold=10, up_scaling=False, counter=2)
    assert (decision.target, decision.counter) == (100, 2)


@pytest.mark.parametrize(
    ("consumed", "counter", "options", "target", "counted"),
    [
        pytest.param(1, 0, {}, 100, 1, id="the first check that wants it counts"),
        pytest.param(1, 1, {}, 100, 2, id="so does the second"),
        pytest.param(1, 2, {}, 50, 3, id="the third does it"),
        pytest.param(1, 7, {}, 50, 8, id="held back before: still wanted"),
        pytest.param(50, 2, {}, 100, 2, id="a check in between leaves the counter"),
        pytest.param(0, 2, {}, 100, 2, id="so does one at 0 percent"),
        pytest.param(95, 2, {}, 150, 0, id="an increase resets it"),
        pytest.param(95, 2, {"max_provisioned": 100}, 100, 2, id="one that the maximum forbids does not"),
        pytest.param(60, 2, {"checks_reset_percent": 60}, 100, 0, id="the reset percentage resets it"),
        pytest.param(59, 2, {"checks_reset_percent": 60}, 100, 2, id="less than that does not"),
        pytest.param(20, 2, {"checks_reset_percent": 10}, 100, 1, id="reset, and counted anew in the same check"),
        pytest.param(50, 2, {"autoscaling": False}, 100, 0, id="scaling off resets it"),
        pytest.param(29, 2, {"decrease_with": 80}, 100, 3, id="dropped by the guard: counted"),
        pytest.param(1, 1, {"min_provisioned": 100}, 100, 1, id="at the minimum nothing is wanted"),
    ],
)
def test_counter(consumed: float, counter: int, options: dict[str, Any], target: int, counted: int) -> None:
    decision = decided(100, usage(consumed), counter, checks_before_scale_down=3, **options)
    assert (decision.target, decision.counter) == (target, counted)


@pytest.mark.parametrize(
    ("used", "options", "words"),
    [
        pytest.param(usage(95), {}, "95% consumed (95 of 100), above 90%: increase 100 by 50 percent", id="up"),
        pytest.param(
            usage(95), {"max_provisioned": 120}, "increase 100 by 50 percent, limited to the maximum of 120", id="max"
        ),
        pytest.param(usage(29), {}, "29% consumed (29 of 100), below 30%: decrease 100 by 50 percent", id="down"),
        pytest.param(usage(29), {"decrease_with": 80}, "but 20 is below the 29 consumed: no change", id="guard"),
        pytest.param(usage(50), {}, "50% consumed (50 of 100)", id="nothing to do"),
        pytest.param(usage(0), {}, "scaling down at 0% is off", id="0 percent"),
        pytest.param(usage(1), {"checks_before_scale_down": 3}, "in check 1 of 3 that must want it", id="counting"),
        pytest.param(usage(1), {"down_scaling": False}, "scaling down is off", id="down off"),
        pytest.param(usage(1), {"autoscaling": False}, "scaling is off", id="all off"),
        pytest.param(usage(1), {"min_provisioned": 100}, "at the minimum", id="at the minimum"),
        pytest.param(usage(50), {"min_provisioned": 200}, "raised to the minimum of 200", id="below the minimum"),
        pytest.param(usage(50, 12), {"throttled_upper_threshold": 10}, "12 throttled events, above 10", id="throttled"),
        pytest.param(
            usage(50, 300),
            {"increase_throttled_by_provisioned_scale": scale(_1=10)},
            "throttled events at a rate of 1% of the provisioned 100",
            id="throttled by provisioned",
        ),
        pytest.param(
            usage(50, 150),
            {"increase_throttled_by_consumed_scale": scale(_1=10)},
            "throttled events of 1% of the consumed units",
            id="throttled by consumed",
        ),
    ],
)
def test_reason(used: Usage, options: dict[str, Any], words: str) -> None:
    assert words in decided(100, used, **options).reason


@pytest.mark.parametrize(
    ("options", "consumption", "throttles"),
    [
        pytest.param({}, True, False, id="defaults"),
        pytest.param({"throttled_upper_threshold": 5}, True, True, id="throttle count"),
        pytest.param(
            {"throttled_upper_threshold": 5, "up_scaling": False}, True, True, id="count also holds decreases"
        ),
        pytest.param({"increase_throttled_by_consumed_scale": scale(_1=1)}, True, True, id="a scale of throttles"),
        pytest.param(
            {"increase_throttled_by_provisioned_scale": scale(_1=1), "up_scaling": False}, True, False, id="not up"
        ),
        pytest.param(
            {"up_scaling": False, "down_scaling": False, "throttled_upper_threshold": 5}, False, False, id="off"
        ),
        pytest.param({"autoscaling": False, "throttled_upper_threshold": 5}, False, False, id="all off"),
    ],
)
def test_what_has_to_be_measured(options: dict[str, Any], consumption: bool, throttles: bool) -> None:
    declared = ScalingOptions(**options)
    assert (needs_consumption(declared), needs_throttles(declared)) == (consumption, throttles)


# Properties

amounts = st.integers(1, 300)
units = st.sampled_from(Unit)
thresholds = st.fractions(0, 400, max_denominator=100)
rising_scales = st.none() | st.lists(
    st.tuples(thresholds, amounts), min_size=1, max_size=5, unique_by=lambda p: p[0]
).map(lambda pairs: tuple(zip(sorted(p[0] for p in pairs), sorted(Fraction(p[1]) for p in pairs), strict=True)))
falling_scales = rising_scales.map(
    lambda pairs: pairs and tuple(zip((p[0] for p in pairs), reversed([p[1] for p in pairs]), strict=True))
)
sums = st.fractions(0, 10**7, max_denominator=1000)


@st.composite
def scaling_options(draw: st.DrawFn) -> ScalingOptions:
    minimum = draw(st.none() | st.integers(1, 2000))
    maximum = draw(st.none() | st.integers(minimum or 1, 5000))
    lower = draw(st.integers(1, 100))
    return ScalingOptions(
        autoscaling=draw(st.sampled_from([True, True, True, False])),
        up_scaling=draw(st.booleans()),
        down_scaling=draw(st.booleans()),
        upper_threshold=draw(st.fractions(lower, 200, max_denominator=10)),
        lower_threshold=lower,
        throttled_upper_threshold=draw(st.integers(0, 100)),
        increase_with=draw(amounts),
        decrease_with=draw(amounts),
        increase_unit=draw(units),
        decrease_unit=draw(units),
        increase_consumed_unit=draw(units),
        increase_consumed_with=draw(amounts),
        increase_consumed_scale=draw(rising_scales),
        decrease_consumed_unit=draw(units),
        decrease_consumed_with=draw(amounts),
        decrease_consumed_scale=draw(falling_scales),
        increase_throttled_by_provisioned_scale=draw(rising_scales),
        increase_throttled_by_provisioned_unit=draw(units),
        increase_throttled_by_consumed_scale=draw(rising_scales),
        increase_throttled_by_consumed_unit=draw(units),
        min_provisioned=minimum,
        max_provisioned=maximum,
        checks_before_scale_down=draw(st.integers(1, 3)),
        checks_reset_percent=draw(st.integers(0, 100)),
        scaling_down_on_0_percent=draw(st.booleans()),
    )


@given(st.integers(1, 10_000), sums, st.integers(0, 10_000), scaling_options(), st.integers(0, 5))
def test_a_change_keeps_the_limits_and_the_consumption(
    provisioned: int, consumed: Fraction, throttled: int, options: ScalingOptions, counter: int
) -> None:
    decision = decide(provisioned, Usage(SECONDS, consumed, Fraction(throttled)), options, counter)
    assert decision.reason
    assert decision.counter >= 0
    if decision.target == provisioned:
        return
    assert decision.target >= max(1, options.min_provisioned or 1)
    assert options.max_provisioned is None or decision.target <= options.max_provisioned
    if decision.target < provisioned:
        assert decision.target >= math.ceil(consumed / SECONDS)


@given(st.integers(1, 10_000), amounts, units, amounts, units, sums)
def test_amounts_are_exact(
    provisioned: int, up: int, up_unit: Unit, down: int, down_unit: Unit, consumed: Fraction
) -> None:
    """Against rational arithmetic written out here."""
    options = ScalingOptions(increase_with=up, increase_unit=up_unit, decrease_with=down, decrease_unit=down_unit)
    target = decide(provisioned, Usage(SECONDS, consumed), options, 0).target
    rate = consumed / SECONDS
    if rate * 10 > provisioned * 9:
        base = max(provisioned, -(-rate.numerator // rate.denominator))
        added = up if up_unit is UNITS else -(-base * up // 100)
        assert target == base + added
    elif 0 < rate * 10 < provisioned * 3:
        wanted = max(1, provisioned - (down if down_unit is UNITS else provisioned * down // 100))
        assert target == (wanted if wanted >= rate else provisioned)
    else:
        assert target == provisioned


@given(st.integers(1, 10_000), sums, sums, scaling_options(), st.integers(0, 100))
def test_more_consumption_never_gives_a_lower_target(
    provisioned: int, one: Fraction, other: Fraction, options: ScalingOptions, throttled: int
) -> None:
    """With consumption, and scales that run the natural way. Throttles by consumption fall as that rises: left out."""
    options = replace(options, increase_throttled_by_consumed_scale=None, checks_reset_percent=0)
    less, more = sorted((one + 1, other + 1))
    targets = [
        decide(provisioned, Usage(SECONDS, each, Fraction(throttled)), options, 5).target for each in (less, more)
    ]
    assert targets[0] <= targets[1]
