"""The simulated capacity: what holds for every demand, and answers that were worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.replay.costs import Prices, prices, provisioned_cost, request_cost, seconds_at, unit_seconds
from dynamic_dynamodb.replay.history import MILLI
from dynamic_dynamodb.replay.options import ReplayOptions
from dynamic_dynamodb.replay.simulate import Capacity
from tests.replays import READS, WRITES, milli

MINUTES = 40
DEMANDS = st.lists(st.integers(0, 2_000_000), min_size=MINUTES, max_size=MINUTES)
"""Thousandths of a unit in each minute; at most what 33 units a second can serve."""

STEPS = st.lists(
    st.tuples(st.integers(1, MINUTES * 60), st.integers(1, 30)), max_size=8, unique_by=lambda step: step[0]
)


def simulated(
    demand: Sequence[int], units: int, steps: Sequence[tuple[int, int]] = (), pause: int = MINUTES
) -> Capacity:
    """Run to the end, stopping every so many minutes."""
    capacity = Capacity(milli(each / MILLI for each in demand), 0, units)
    for second, later in sorted(steps):
        capacity.change(second, later)
    for minute in range(0, len(demand) + pause, pause):
        capacity.advance(min(minute, len(demand)))
    return capacity


def units_at(second: int, units: int, steps: Sequence[tuple[int, int]]) -> int:
    return ([units] + [later for begin, later in sorted(steps) if begin <= second])[-1]


def by_the_book(demand: Sequence[int], units: int, steps: Sequence[tuple[int, int]]) -> list[int]:
    """What is throttled, reckoned the slow way: second by second, and each unused amount with its age."""
    throttled, unused = [], dict[int, int]()
    for minute, wanted in enumerate(demand):
        own = sum(units_at(second, units, steps) for second in range(minute * 60, minute * 60 + 60)) * MILLI
        missing = max(0, wanted - own)
        for when in sorted(when for when in unused if when >= minute - 5):
            used = min(missing, unused[when])
            unused[when] -= used
            missing -= used
        unused[minute] = max(0, own - wanted)
        throttled.append(missing)
    return throttled


@given(DEMANDS, st.integers(1, 30), STEPS)
def test_every_minute_serves_or_throttles_its_demand_as_the_book_says(
    demand: list[int], units: int, steps: list[tuple[int, int]]
) -> None:
    capacity = simulated(demand, units, steps)
    expected = by_the_book(demand, units, steps)
    for minute, wanted in enumerate(demand):
        served, throttled = capacity.sums(minute, minute + 1)
        assert throttled == expected[minute]
        assert served + throttled == wanted
        assert served >= 0


@given(DEMANDS, st.integers(1, 30), STEPS, st.lists(st.integers(0, 20), min_size=9, max_size=9))
def test_more_units_never_throttle_more(
    demand: list[int], units: int, steps: list[tuple[int, int]], more: list[int]
) -> None:
    steps = sorted(steps)
    raised = [(second, each + extra) for (second, each), extra in zip(steps, more[1:], strict=False)]
    fewer, many = simulated(demand, units, steps), simulated(demand, units + more[0], raised)
    assert all(high <= low for high, low in zip(many.throttled, fewer.throttled, strict=True))


@given(DEMANDS, st.integers(1, 30), STEPS, st.integers(1, 7))
def test_it_does_not_matter_how_often_one_looks(
    demand: list[int], units: int, steps: list[tuple[int, int]], pause: int
) -> None:
    assert simulated(demand, units, steps, pause).throttled == simulated(demand, units, steps).throttled


@given(st.integers(1, 30), STEPS, st.integers(0, 600), st.integers(601, 3000))
def test_cost_is_the_integral_of_the_units_to_the_cent(
    units: int, steps: list[tuple[int, int]], begin: int, end: int
) -> None:
    timeline = [(0, units), *sorted(steps)]
    by_seconds = sum(units_at(second, units, steps) for second in range(begin, end))
    assert unit_seconds(timeline, begin, end) == by_seconds
    million = 10**6
    assert provisioned_cost(by_seconds * million, WRITES, PRICES) == Fraction(by_seconds * million, 3600) * Fraction(
        "0.00065"
    )
    at_limit = sum(units_at(second, units, steps) == units for second in range(begin, end))
    assert seconds_at(timeline, units, begin, end) == at_limit


PRICES: Prices = prices(ReplayOptions())


@pytest.mark.parametrize(
    ("dimension", "a_month", "a_million"),
    [(READS, "9.49", "0.125"), (WRITES, "47.45", "0.625")],
    ids=["reads", "writes"],
)
def test_prices(dimension: Dimension, a_month: str, a_million: str) -> None:
    month = 730 * 3600
    assert provisioned_cost(100 * month, dimension, PRICES) == Fraction(a_month)
    assert request_cost(MILLI * 10**6, dimension, PRICES) == Fraction(a_million)


@pytest.mark.parametrize(
    ("spike_minutes", "throttled"),
    [
        # 100 units serve 6,000 a minute. At 50 a second, five minutes leave 15,000 unused; 300 a second are 18,000.
        pytest.param(1, [0], id="within the burst: 6,000 and 12,000 of the 15,000"),
        pytest.param(2, [0, 9_000], id="6,000 and the last 3,000"),
        pytest.param(3, [0, 9_000, 12_000], id="6,000 alone"),
    ],
)
def test_spike(spike_minutes: int, throttled: list[int]) -> None:
    load = [50] * 10 + [300] * spike_minutes + [50] * 10
    capacity = simulated([60 * each * MILLI for each in load], 100)
    assert list(capacity.throttled[10 : 10 + spike_minutes]) == [each * MILLI for each in throttled]
    assert sum(capacity.throttled) == sum(throttled) * MILLI


def test_unused_capacity_is_gone_after_five_minutes() -> None:
    # Nothing for a minute, then all of the 10 units for five, so that no minute leaves anything: 600 are left of the
    # first for five minutes, and not for a sixth.
    for busy, expected in ((4, 0), (5, 600)):
        demand = [0] + [600] * busy + [1200]
        assert sum(simulated([each * MILLI for each in demand], 10).throttled) == expected * MILLI


def test_units_that_change_within_a_minute_count_by_the_second() -> None:
    # 45 seconds of 10 units and 15 of 30 serve 900; nothing was left before, since all was used.
    capacity = simulated([600_000, 1_000_000, 1_800_000], 10, [(105, 30)])
    assert list(capacity.throttled) == [0, 100_000, 0]


def test_nothing_is_known_of_minutes_that_have_not_been() -> None:
    capacity = Capacity(milli([60] * 10), 0, 1)
    capacity.advance(4)
    assert capacity.sums(-5, 20) == (4 * 60 * MILLI, 0)
    assert capacity.sums(4, 10) == (0, 0)
