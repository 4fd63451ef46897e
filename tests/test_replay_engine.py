"""The checks of the replay: the same decisions as the real loop's, and days whose outcome was worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.memory import Counters
from dynamic_dynamodb.model import (
    Change,
    Dimension,
    Message,
    MetricQuery,
    Resource,
    ResourceState,
    TableDescription,
)
from dynamic_dynamodb.replay.account import Delays
from dynamic_dynamodb.replay.costs import prices
from dynamic_dynamodb.replay.engine import Plan, check, check_times
from dynamic_dynamodb.replay.figures import resource_figures
from dynamic_dynamodb.replay.history import MILLI, ResourceHistory
from dynamic_dynamodb.replay.options import ReplayOptions
from dynamic_dynamodb.resolve import govern
from tests.replays import DAY, READS, START, WRITES, changes, dimension, replayed, resource, rule
from tests.runs import NOON, Program
from tests.stand_in import StandIn
from tests.test_golden import CASES

# ---- The same as the real loop ----

EVERYTHING = """
[global]
check-interval: 300
[default_options]
min-provisioned-reads: 5
min-provisioned-writes: 5
[table: ^orders$]
reads-upper-threshold: 80
increase-consumed-reads-scale: {70: 10, 85: 25, 100: 50, 150: 100}
throttled-reads-upper-threshold: 50
increase-throttled-by-provisioned-writes-scale: {0.5: 20, 5: 60}
max-provisioned-reads: 400
num-read-checks-before-scale-down: 3
num-read-checks-reset-percent: 85
allow-scaling-down-writes-on-0-percent: true
[gsi: ^by-date$ table: ^orders$]
decrease-consumed-reads-scale: {10: 40, 40: 20}
increase-throttled-by-consumed-reads-scale: {1: 10, 10: 50}
lookback-window-start: 10
[table: ^logs$]
always-decrease-rw-together: true
increase-writes-unit: units
increase-writes-with: 7
maintenance-windows: 22:00-06:00, 12:00-12:30
decrease-reads-unit: units
decrease-reads-with: 3
"""


def wave(level: float, phase: int, spikes: Sequence[int] = ()) -> Any:
    def units(minute: int) -> float:
        base = level * (0.55 - 0.5 * math.cos(2 * math.pi * (minute + phase) / DAY)) * (1 + (minute * 7919 % 100) / 400)
        return round(base * (4 if any(0 <= minute - spike < 12 for spike in spikes) else 1) * 2) / 2

    return units


def a_day() -> list[ResourceHistory]:
    rare = lambda minute: 90 if minute % 173 < 9 else 0  # noqa: E731
    orders = resource(dimension(DAY, wave(90, 0, [400, 900]), rare), dimension(DAY, wave(40, 200, [700]), rare))
    index = resource(dimension(DAY, wave(30, 600, [300])), dimension(DAY, wave(5, 0)), Resource("orders", "by-date"))
    logs = resource(dimension(DAY, wave(12, 300)), dimension(DAY, wave(80, 500, [200, 1000])), Resource("logs"))
    return [orders, index, logs]


def test_makes_the_same_changes_as_the_real_loop(stand_in: StandIn, tmp_path: Path) -> None:
    file = tmp_path / "dynamic-dynamodb.conf"
    file.write_text(EVERYTHING)
    orders, index, logs = a_day()
    rules = govern(["orders", "logs"], load(["-c", str(file)]).rules).rules
    tables = [replayed(rules["orders"], orders, index), replayed(rules["logs"], logs)]
    expected = sorted(
        (second, each.history.resource.table, each.history.resource.index, change.after[READS], change.after[WRITES])
        for table in tables
        for each in table.resources
        for second, change in each.simulated.changes
    )

    world, clock = stand_in.world, [START]
    world.now = lambda: clock[0]
    world.update_seconds = Delays().update
    world.add_table("orders", 100, 100, indexes=[("by-date", 100, 100)])
    world.add_table("logs", 100, 100)
    for table in tables:
        for each in table.resources:
            _put_metrics(stand_in, each.history.resource, each.simulated.capacity)
    program = Program(["-c", str(file)])
    made = []
    for second in range(900, DAY * 60, 300):
        clock[0] = START + timedelta(seconds=second)
        world.updates.clear()
        assert program.check(clock[0]).failed == 0
        made += [(second, each.table, each.index_name or "", each.reads, each.writes) for each in world.updates]
    assert len(made) > 60
    assert sorted(made) == expected
    assert {entry[1:3] for entry in made} == {("orders", ""), ("orders", "by-date"), ("logs", "")}


def _put_metrics(stand_in: StandIn, of: Resource, capacity: Mapping[Dimension, Any]) -> None:
    """What the simulated table served and throttled becomes what CloudWatch says."""
    minutes = [START + timedelta(minutes=minute) for minute in range(DAY)]
    for dimension_, each in capacity.items():
        sums = [each.sums(minute, minute + 1) for minute in range(DAY)]
        for metric, column in ((dimension_.consumed_metric, 0), (dimension_.throttled_metric, 1)):
            values = [both[column] / MILLI or None for both in sums]
            stand_in.world.put_metric(of.table, of.index or None, metric, dict(zip(minutes, values, strict=True)))


# ---- The recorded runs of the original ----


class RecordedTable:
    """A table of a recorded run, as an account of the replay: its figures are those of the record, whatever is made."""

    def __init__(self, case: dict[str, Any], table: dict[str, Any]) -> None:
        self.check = 0
        self.measured = _RecordedFigures(case, self)
        self.published: list[str] = []
        self.updates: list[Change] = []
        self._table = _recorded_state(table)
        self._indexes = {index["name"]: _recorded_state(index) for index in table.get("gsis", ())}

    def describe_table(self, name: str) -> TableDescription:
        return TableDescription(self._table, dict(self._indexes))

    def update_table(self, changes: Sequence[Change]) -> None:
        for change in changes:
            self.updates.append(change)
            state = ResourceState("ACTIVE", change.after)
            if change.resource.index:
                self._indexes[change.resource.index] = state
            else:
                self._table = state

    def publish(self, topic_arn: str, message: Message) -> None:
        self.published.append(topic_arn)


class _RecordedFigures(dict[MetricQuery, Any]):
    def __init__(self, case: dict[str, Any], table: RecordedTable) -> None:
        super().__init__()
        self._metrics = case["metrics"]
        self._of = table

    def __missing__(self, query: MetricQuery) -> Fraction:
        of = query.resource
        values = self._metrics.get(f"{of.table}/{of.index}" if of.index else of.table, {}).get(query.metric)
        value = values[min(self._of.check, len(values) - 1)] if values else None
        return Fraction(str(value or 0)) * query.window.seconds / 300


def _recorded_state(recorded: dict[str, Any]) -> ResourceState:
    return ResourceState(recorded.get("status", "ACTIVE"), {READS: recorded["reads"], WRITES: recorded["writes"]})


@pytest.mark.parametrize("case", [case for case in CASES if not case["argv"]], ids=lambda case: case["name"])
def test_recorded_run(case: dict[str, Any], tmp_path: Path) -> None:
    file = tmp_path / "dynamic-dynamodb.conf"
    file.write_text(case["config"])
    by_name = {table["name"]: table for table in case["tables"]}
    updates, publishes = [], []
    for name, governing in govern(by_name, load(["-c", str(file)]).rules).rules.items():
        account, counters = RecordedTable(case, by_name[name]), Counters()
        for number in range(case["checks"]):
            account.check = number
            assert not check(account, name, governing, NOON + timedelta(minutes=5 * number), counters).failures
            for change in account.updates:
                of, after = change.resource, change.after
                updates.append((number, of.table, of.index or None, after[READS], after[WRITES]))
            publishes += [(number, topic) for topic in account.published]
            account.updates, account.published = [], []
    recorded = [(each["check"], each["table"], each["gsi"], each["reads"], each["writes"]) for each in case["updates"]]
    assert sorted(updates, key=str) == sorted(recorded, key=str)
    assert sorted(publishes) == sorted((each["check"], each["topic"]) for each in case["publishes"])


# ---- By hand ----


def test_constant_load_changes_nothing_and_costs_its_units(tmp_path: Path) -> None:
    result = replayed(rule(tmp_path), resource(dimension(DAY, lambda _: 50), dimension(DAY, lambda _: 50)))
    assert result.checks == 24 * 12 - 3
    (of,) = result.resources
    assert changes(of) == []
    figures = resource_figures(of, START, prices(ReplayOptions()))
    reads, writes = (figures.dimensions[each] for each in Dimension)
    assert reads.real == reads.replayed
    assert (reads.replayed.cost, writes.replayed.cost) == (Fraction("0.312"), Fraction("1.56"))
    assert (reads.peak_units, reads.peak.cost) == (50, Fraction("0.156"))
    assert reads.on_demand.cost == Fraction(50 * 86_400, 10**6) * Fraction("0.125")
    assert reads.replayed.use == Fraction(1, 2)
    assert (reads.replayed.throttled, reads.seconds_at_minimum, figures.busiest_day) == (0, 0, None)


def test_a_step_is_answered_as_soon_as_it_fills_the_window(tmp_path: Path) -> None:
    def step(minute: int) -> int:
        return 50 if minute < 720 else 95

    # At 12:10 the window is 11:55 to 12:00; at 12:15 it is all above 90 percent, and once at 150 it is 63.
    (of,) = replayed(rule(tmp_path), resource(dimension(DAY, step), dimension(DAY, lambda _: 50))).resources
    assert changes(of) == [("12:15", 150, 100)]
    assert of.simulated.capacity[READS].steps == [(0, 100), (12 * 3600 + 15 * 60 + 30, 150)]
    figures = resource_figures(of, START, prices(ReplayOptions()))
    assert (figures.decreases, figures.busiest_day) == (0, None)
    reads = figures.dimensions[READS]
    assert reads.replayed.unit_seconds == 100 * 86_400 + 50 * (86_400 - 44_130)
    assert (reads.replayed.increases, reads.replayed.decreases, reads.replayed.throttled) == (1, 0, 0)


def test_a_spike_within_the_burst_is_served_and_seen(tmp_path: Path) -> None:
    def spike(minute: int) -> int:
        return 300 if minute == 722 else 50

    # (4 · 50 + 300) / 5 is 100 percent of 100: the program adds 50 percent when it sees it at 12:15.
    (of,) = replayed(rule(tmp_path), resource(dimension(DAY, spike), dimension(DAY, lambda _: 50))).resources
    assert changes(of) == [("12:15", 150, 100)]
    assert not any(of.simulated.capacity[READS].throttled)


THIRTY_DECREASES = "decrease-reads-unit: units\ndecrease-reads-with: 1\nmin-provisioned-reads: 10\n"


def test_thirty_wanted_decreases_are_rationed(tmp_path: Path) -> None:
    low = resource(dimension(DAY, lambda _: 1, provisioned=[(0, 40)]), dimension(DAY, lambda _: 50))
    (of,) = replayed(rule(tmp_path, THIRTY_DECREASES), low).resources
    # Four are free, at 0:15 to 0:30, then one an hour until 23:30: 27 of the 30, so 13 units are left.
    assert [when for when, _, _ in changes(of)] == ["00:15", "00:20", "00:25", "00:30"] + [
        f"{hour:02}:30" for hour in range(1, 24)
    ]
    assert changes(of)[-1][1] == 13
    figures = resource_figures(of, START, prices(ReplayOptions()))
    assert (figures.decreases, figures.busiest_day, figures.busiest_day_decreases) == (27, START.date(), 27)
    reads = figures.dimensions[READS]
    # All 285 checks want one.
    assert (reads.held, reads.held_by_ration) == (285 - 27, 285 - 27)
    assert figures.dimensions[WRITES].held == 0


def test_the_ration_begins_anew_with_the_day(tmp_path: Path) -> None:
    low = resource(dimension(2 * DAY, lambda _: 1, provisioned=[(0, 400)]), dimension(2 * DAY, lambda _: 50))
    (of,) = replayed(rule(tmp_path, THIRTY_DECREASES), low).resources
    tomorrow = [when for when, _, _ in changes(of) if when >= "24"]
    assert tomorrow[:5] == ["24:00", "24:05", "24:10", "24:15", "25:15"]
    assert len(tomorrow) == 27


def test_a_check_sees_no_more_than_cloudwatch_has(tmp_path: Path) -> None:
    def step(minute: int) -> int:
        return 50 if minute < 720 else 95

    early = "lookback-window-start: 5\nlookback-period: 5"
    history = resource(dimension(DAY, step), dimension(DAY, lambda _: 50))
    by_delay = {
        seconds: changes(replayed(rule(tmp_path, early), history, delays=Delays(30, seconds)).resources[0])[:1]
        for seconds in (0, 120, 240)
    }
    # With two of five minutes missing, 95 units a second look like 57; with four, 50 look like 10.
    assert by_delay == {0: [("12:05", 150, 100)], 120: [], 240: [("00:05", 50, 50)]}


def test_an_update_under_way_holds_up_the_next(tmp_path: Path) -> None:
    high = resource(dimension(120, lambda _: 1000), dimension(120, lambda _: 50))
    throttled = rule(tmp_path, "throttled-reads-upper-threshold: 10")
    slow = replayed(throttled, high, delays=Delays(1200, 120)).resources[0]
    assert [when for when, _, _ in changes(slow)][:2] == ["00:15", "00:35"]


def test_counters_go_on_from_check_to_check(tmp_path: Path) -> None:
    low = resource(dimension(60, lambda _: 10), dimension(60, lambda _: 50))
    (of,) = replayed(rule(tmp_path, "num-read-checks-before-scale-down: 4"), low).resources
    assert changes(of) == [("00:30", 50, 100), ("00:50", 25, 100)]


def test_notifications_are_counted(tmp_path: Path) -> None:
    topic = "sns-topic-arn: arn:aws:sns:us-east-1:123456789012:scaling\nsns-message-types: scale-up\n"
    high = resource(dimension(60, lambda minute: 95), dimension(60, lambda _: 50))
    assert replayed(rule(tmp_path, topic), high).notifications == 1


@pytest.mark.parametrize(
    ("begin", "interval", "first", "expected"),
    [(0, 300, 0, 900), (0, 420, 0, 1260), (0, 300, 37, 937), (100, 300, 0, 6000), (101, 300, 0, 6300)],
)
def test_first_check(begin: int, interval: int, first: int, expected: int, tmp_path: Path) -> None:
    table = resource(dimension(DAY), begin=begin)
    times = list(check_times(table, [rule(tmp_path).options], Plan(START, interval, first=first)))
    assert times[0] == expected
    assert times[-1] < DAY * 60 <= times[-1] + interval
