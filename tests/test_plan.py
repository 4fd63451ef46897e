"""From decisions to the change that may be made now: restraints in their order, and the ration of decreases."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dynamic_dynamodb.model import Decision, Dimension, Resource, ResourceState
from dynamic_dynamodb.option_kinds import WINDOWS
from dynamic_dynamodb.options import ResourceOptions, ScalingOptions
from dynamic_dynamodb.plan import Plan, next_decrease, plan

READS, WRITES = Dimension.READS, Dimension.WRITES
MIDNIGHT = datetime(2026, 3, 2, tzinfo=timezone.utc)
NOON = MIDNIGHT + timedelta(hours=12)
TABLE = Resource("orders")


def state(reads: int = 100, writes: int = 100, status: str = "ACTIVE", **ration: Any) -> ResourceState:
    return ResourceState(status, {READS: reads, WRITES: writes}, **ration)


def planned(
    reads: int,
    writes: int,
    now: datetime = NOON,
    before: ResourceState | None = None,
    table: ResourceState | None = None,
    scaling: dict[Dimension, dict[str, Any]] | None = None,
    **options: Any,
) -> Plan:
    before = before or state()
    decisions = {
        READS: Decision(reads, 1, "reason for reads"),
        WRITES: Decision(writes, 1, "reason for writes"),
    }
    of_dimensions = {each: ScalingOptions(**(scaling or {}).get(each, {})) for each in Dimension}
    return plan(TABLE, table or before, before, decisions, ResourceOptions(**options, scaling=of_dimensions), now)


def units(result: Plan) -> tuple[int, int] | None:
    return (result.change.after[READS], result.change.after[WRITES]) if result.change else None


def words(result: Plan) -> str:
    return "\n".join(f"{note.level}: {note.text}" for note in result.notes)


def test_nothing_to_do_is_one_line_with_both_reasons() -> None:
    result = planned(100, 100)
    assert result.change is None
    assert words(result) == "info: orders: no change (reads: reason for reads; writes: reason for writes)"


def test_a_change_says_from_where_to_where_and_why() -> None:
    assert str(planned(150, 40).change) == (
        "orders: reads 100 -> 150 (reason for reads), writes 100 -> 40 (reason for writes)"
    )


@pytest.mark.parametrize(
    ("table", "index", "is_changed"),
    [
        ("ACTIVE", "ACTIVE", True),
        ("UPDATING", "ACTIVE", False),
        ("ACTIVE", "CREATING", False),
        ("ACTIVE", "UPDATING", False),
        ("DELETING", "DELETING", False),
    ],
)
def test_only_what_is_active_is_changed(table: str, index: str, is_changed: bool) -> None:
    result = planned(150, 100, before=state(status=index), table=state(status=table))
    assert (result.change is not None) == is_changed
    assert words(result).startswith("warning") != is_changed


@pytest.mark.parametrize(
    ("reads", "writes", "off", "expected"),
    [
        pytest.param(50, 50, {READS}, (100, 50), id="the decrease of the one that is off"),
        pytest.param(150, 50, {READS}, (150, 50), id="an increase is not a decrease"),
        pytest.param(50, 50, {READS, WRITES}, None, id="both"),
    ],
)
def test_decreases_where_down_scaling_is_off(
    reads: int, writes: int, off: set[Dimension], expected: tuple[int, int] | None
) -> None:
    assert units(planned(reads, writes, scaling={each: {"down_scaling": False} for each in off})) == expected


@pytest.mark.parametrize(
    ("before", "after", "minimum", "expected"),
    [
        pytest.param((100, 100), (50, 50), None, (50, 50), id="both decrease"),
        pytest.param((100, 100), (50, 100), None, None, id="a lone decrease of reads"),
        pytest.param((100, 100), (100, 50), None, None, id="a lone decrease of writes"),
        pytest.param((100, 100), (50, 150), None, (100, 150), id="an increase is not held back"),
        pytest.param((100, 1), (50, 1), None, (50, 1), id="the other stands at 1"),
        pytest.param((100, 20), (50, 20), 20, (50, 20), id="the other stands at its minimum"),
        pytest.param((100, 10), (50, 10), 20, (50, 10), id="or even below it"),
        pytest.param((100, 10), (50, 20), 20, (100, 20), id="the other is on its way up to the minimum"),
        pytest.param((100, 21), (50, 21), 20, None, id="the other is above its minimum"),
    ],
)
def test_decreases_together(
    before: tuple[int, int], after: tuple[int, int], minimum: int | None, expected: tuple[int, int] | None
) -> None:
    scaling = {WRITES: {"min_provisioned": minimum}}
    result = planned(*after, before=state(*before), scaling=scaling, always_decrease_rw_together=True)
    assert units(result) == expected


def test_a_lone_decrease_is_made_without_that_option() -> None:
    assert units(planned(50, 100)) == (50, 100)


@pytest.mark.parametrize(
    ("windows", "time", "is_open"),
    [
        ("22:00-23:59", "22:00", True),
        ("22:00-23:59", "23:59", True),
        ("22:00-23:59", "21:59", False),
        ("22:00-23:59", "00:00", False),
        ("22:00-02:00", "02:00", True),
        ("22:00-02:00", "02:01", False),
        ("22:00-02:00", "21:59", False),
        ("22:00-02:00", "23:00", True),
        ("12:00-12:00", "12:00", True),
        ("12:00-12:00", "12:01", False),
        ("00:00-06:00,22:00-23:59", "05:00", True),
        ("00:00-06:00,22:00-23:59", "12:00", False),
    ],
)
def test_decreases_wait_for_a_maintenance_window(windows: str, time: str, is_open: bool) -> None:
    now = datetime.fromisoformat(f"2026-03-02T{time}:59+00:00")
    result = planned(150, 50, now=now, maintenance_windows=WINDOWS.parse(windows))
    assert units(result) == (150, 50 if is_open else 100)
    assert ("outside the maintenance windows" in words(result)) != is_open


def test_maintenance_windows_are_in_utc_whatever_the_clock_says() -> None:
    now = datetime(2026, 3, 2, 1, 30, tzinfo=timezone(timedelta(hours=3)))
    assert units(planned(100, 50, now=now, maintenance_windows=WINDOWS.parse("22:00-23:00"))) == (100, 50)


@pytest.mark.parametrize(
    ("today", "last", "possible_from"),
    [
        pytest.param(0, None, NOON, id="none yet"),
        pytest.param(3, NOON, NOON, id="three today"),
        pytest.param(4, NOON - timedelta(minutes=59), NOON + timedelta(minutes=1), id="four, the last within the hour"),
        pytest.param(4, NOON - timedelta(minutes=60), NOON, id="four, the last an hour ago"),
        pytest.param(9, NOON - timedelta(hours=3), NOON, id="nine, one an hour"),
        pytest.param(27, NOON - timedelta(hours=3), MIDNIGHT + timedelta(days=1), id="all of the day"),
        pytest.param(4, MIDNIGHT - timedelta(seconds=1), NOON, id="four, but yesterday"),
        pytest.param(4, None, NOON, id="unknown when: DynamoDB will say"),
    ],
)
def test_ration_of_decreases(today: int, last: datetime | None, possible_from: datetime) -> None:
    before = state(decreases_today=today, last_decrease=last)
    assert next_decrease(before, NOON) == possible_from
    result = planned(150, 50, before=before)
    assert units(result) == (150, 50 if possible_from == NOON else 100)
    assert (f"next decrease at {possible_from:%Y-%m-%d %H:%M:%S} UTC" in words(result)) == (possible_from > NOON)


def test_the_ration_starts_anew_at_midnight() -> None:
    now = MIDNIGHT + timedelta(hours=23, minutes=45)
    before = state(decreases_today=4, last_decrease=now - timedelta(minutes=5))
    assert next_decrease(before, now) == MIDNIGHT + timedelta(days=1)


def test_a_change_that_is_held_back_says_what_and_why() -> None:
    result = planned(100, 50, maintenance_windows=WINDOWS.parse("22:00-23:00"))
    assert words(result).splitlines() == [
        "info: orders: writes 100 -> 50 (reason for writes): held back, outside the maintenance windows",
        "info: orders: no change",
    ]


wholes = st.integers(1, 50)


@given(
    wholes, wholes, wholes, wholes, st.booleans(), st.booleans(), st.booleans(), st.none() | wholes, st.integers(0, 6)
)
def test_reads_and_writes_are_alike(
    reads: int,
    writes: int,
    to_reads: int,
    to_writes: int,
    together: bool,
    down: bool,
    open_now: bool,
    minimum: int,
    today: int,
) -> None:
    """What is true of reads is true of writes when all figures and options are swapped."""
    common = {
        "always_decrease_rw_together": together,
        "maintenance_windows": WINDOWS.parse("00:00-23:59" if open_now else "00:00-00:01"),
    }
    ration = {"decreases_today": today, "last_decrease": NOON - timedelta(minutes=5)}
    special = {"down_scaling": down, "min_provisioned": minimum}
    one = planned(to_reads, to_writes, before=state(reads, writes, **ration), scaling={READS: special}, **common)
    other = planned(to_writes, to_reads, before=state(writes, reads, **ration), scaling={WRITES: special}, **common)
    assert units(one) == (units(other)[::-1] if units(other) else None)  # type: ignore[index]
    assert units(one) != (reads, writes)
