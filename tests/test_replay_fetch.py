"""The history as it is fetched: what is asked of AWS, and what becomes of the answers."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from dynamic_dynamodb.aws.history import stretches
from dynamic_dynamodb.cli import main
from dynamic_dynamodb.model import Resource
from dynamic_dynamodb.replay import history_file
from dynamic_dynamodb.replay.history import History
from tests.replays import READS, WRITES
from tests.stand_in import Fault, World

ORDERS, INDEX = Resource("orders"), Resource("orders", "by-date")
CONSUMED, THROTTLED, PROVISIONED = "ConsumedReadCapacityUnits", "ReadThrottleEvents", "ProvisionedReadCapacityUnits"


@pytest.fixture
def conf(tmp_path: Path) -> str:
    file = tmp_path / "dynamic-dynamodb.conf"
    file.write_text("[table: ^orders$]\n[gsi: ^by- table: ^orders$]\n[table: ^events$]\n")
    return str(file)


@pytest.fixture
def filled(world: World) -> World:
    """Tables of which some are governed; their figures are by the minute of the day."""
    world.add_table("orders", 100, 50, indexes=[("by-date", 30, 30), ("local", 10, 10)])
    world.add_table("events", 0, 0, on_demand=True)
    world.add_table("others", 10, 10)

    def metric(table: str, index: str | None, name: str, minute: datetime) -> float | None:
        of_day = minute.hour * 60 + minute.minute
        figures = {
            CONSUMED: 600.5 + of_day,
            THROTTLED: 3.0 if of_day % 7 == 0 else None,
            PROVISIONED: 100.0 + minute.day,
        }
        return figures.get(name)

    world.metric = metric
    return world


def fetched(tmp_path: Path, *argv: str) -> History:
    file = str(tmp_path / "history")
    assert main([*argv, "--save-history", file]) == 0
    return history_file.read(file)


def test_what_is_governed_is_fetched_to_the_minute(filled: World, conf: str, tmp_path: Path) -> None:
    history = fetched(tmp_path, "-c", conf, "--replay", "36h")
    assert (history.minutes, history.on_demand) == (36 * 60, {"events"})
    assert timedelta() <= datetime.now(timezone.utc) - history.end < timedelta(minutes=6)
    assert set(history.resources) == {ORDERS, INDEX}
    orders = history.resources[ORDERS]
    assert (orders.begin, orders.end) == (0, history.minutes)
    for minute in (0, 1, 777, history.minutes - 1):
        moment = history.start + timedelta(minutes=minute)
        of_day = moment.hour * 60 + moment.minute
        assert orders.dimensions[READS].consumed[minute] == 600_500 + 1000 * of_day
        assert orders.dimensions[READS].throttled[minute] == (3000 if of_day % 7 == 0 else 0)
    provisioned = orders.dimensions[READS].provisioned
    assert provisioned[0] == (0, 100 + history.start.day)
    assert all((history.start + timedelta(minutes=minute)).hour == 0 for minute, _ in provisioned[1:])
    # No figure of the past: what DescribeTable says.
    assert orders.dimensions[WRITES].provisioned == [(0, 50)]
    assert history.resources[INDEX].dimensions[WRITES].provisioned == [(0, 30)]


def test_only_three_kinds_of_call_are_made_and_each_answer_fits(
    filled: World, conf: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["-c", conf, "--replay", "14d"]) == 0
    # 12 metrics of 20,160 figures, of which 5 fit into an answer.
    assert filled.counts() == {"ListTables": 1, "DescribeTable": 2, "GetMetricData": 3}
    assert all(not call.parameters.get("NextToken") for call in filled.calls)
    assert filled.updates == filled.published == []
    asked = [query for call in filled.calls for query in call.parameters.get("MetricDataQueries", ())]
    statistics = {query["MetricStat"]["Metric"]["MetricName"]: query["MetricStat"]["Stat"] for query in asked}
    assert (len(asked), len(statistics), statistics[CONSUMED], statistics[PROVISIONED]) == (12, 6, "Sum", "Maximum")
    assert "events: skipped, since it is an on-demand table" in capsys.readouterr().out


def test_an_answer_of_several_pages_is_read_to_its_end(filled: World, conf: str, tmp_path: Path) -> None:
    filled.datapoints_per_page = 500
    paged = fetched(tmp_path, "-c", conf, "--replay", "12h")
    filled.datapoints_per_page = 100_800
    assert filled.count("GetMetricData") > 3
    whole = fetched(tmp_path, "-c", conf, "--replay", "12h")
    offset = (whole.start - paged.start) // timedelta(minutes=1)
    assert (
        paged.resources[ORDERS].dimensions[READS].consumed[offset:]
        == (whole.resources[ORDERS].dimensions[READS].consumed[: paged.minutes - offset])
    )


def test_figures_older_than_15_days_come_by_five_minutes(filled: World, conf: str, tmp_path: Path) -> None:
    filled.delete_index("orders", "by-date")
    history = fetched(tmp_path, "-c", conf, "--replay", "16d")
    calls = [call.parameters for call in filled.calls if call.operation == "GetMetricData"]
    assert {query["MetricStat"]["Period"] for each in calls for query in each["MetricDataQueries"]} == {60, 300}
    reads = history.resources[ORDERS].dimensions[READS]
    first = history.start.hour * 60 + history.start.minute
    # Spread evenly, so that each five minutes have their sum.
    assert list(reads.consumed[:5]) == [600_500 + 1000 * (first + 2)] * 5
    assert list(reads.consumed[-5:-3]) != [reads.consumed[-5]] * 2
    assert reads.provisioned[0] == (0, 100 + history.start.day)


NOW = datetime(2026, 3, 20, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("days", "expected"),
    [(14, [(20_160, 60, 5)]), (20, [(1_441, 300, 69), (21_595, 60, 4)]), (63, [(13_825, 300, 7), (21_595, 60, 4)])],
)
def test_stretches(days: int, expected: list[tuple[int, int, int]]) -> None:
    found = stretches(NOW - timedelta(days=days), NOW)
    assert [(each.periods, each.seconds, each.queries_per_call) for each in found] == expected
    assert stretches(NOW - timedelta(hours=1), NOW)[0].queries_per_call == 500


def test_a_table_created_in_the_middle_begins_with_its_first_figure(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    world.add_table("orders", 100, 100)
    hour_ago = datetime.now(timezone.utc) - timedelta(hours=1)
    world.metric = lambda table, index, name, minute: 100.0 if minute >= hour_ago else None
    history = fetched(tmp_path, "-t", "orders", "--replay", "6h")
    orders = history.resources[ORDERS]
    assert 295 <= orders.begin <= 306
    assert orders.end == 360


def test_a_table_without_any_figure_is_idle(world: World, tmp_path: Path) -> None:
    world.add_table("orders", 100, 20)
    orders = fetched(tmp_path, "-t", "orders", "--replay", "6h").resources[ORDERS]
    assert (orders.begin, orders.end, orders.dimensions[WRITES].provisioned) == (0, 360, [(0, 20)])


def test_a_table_that_goes_meanwhile_is_left_out(filled: World, conf: str, tmp_path: Path) -> None:
    filled.faults.add(Fault("not_found", "DescribeTable", "orders"))
    assert set(fetched(tmp_path, "-c", conf, "--replay", "1h").resources) == set()


@pytest.mark.parametrize(
    ("kind", "operation", "words"),
    [
        ("denied", "ListTables", "the IAM permission dynamodb:ListTables is missing"),
        ("denied", "GetMetricData", "the IAM permission cloudwatch:GetMetricData is missing"),
        ("expired", "DescribeTable", "AWS does not accept the credentials"),
    ],
)
def test_a_failure_is_one_clear_error(
    filled: World, conf: str, kind: str, operation: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    filled.faults.add(Fault(kind, operation))
    assert main(["-c", conf, "--replay", "1h"]) == 1
    captured: Any = capsys.readouterr()
    assert captured.out == ""
    assert len(captured.err.splitlines()) == 1
    assert words in captured.err
