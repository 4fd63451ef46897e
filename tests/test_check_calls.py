"""Whole checks: how many calls to AWS they take, exactly, and which metrics they ask for."""

from __future__ import annotations

import pytest

from tests.fleet import (
    CONSUMED_READS,
    CONSUMED_WRITES,
    READ_THROTTLES,
    TOPIC,
    WRITE_THROTTLES,
    Checked,
    Fleet,
)

CONSUMED = {CONSUMED_READS, CONSUMED_WRITES}


def counts(checked: Checked) -> dict[str, int]:
    operations = [call.operation for call in checked.calls]
    return {operation: operations.count(operation) for operation in operations}


def metrics(checked: Checked) -> set[str]:
    """The names of the metrics that were asked for; each at most once."""
    names = [
        query["MetricStat"]["Metric"]["MetricName"]
        for call in checked.calls
        if call.operation == "GetMetricData"
        for query in call.parameters["MetricDataQueries"]
    ]
    assert len(names) == len(set(names))
    return set(names)


@pytest.mark.parametrize(
    ("tables", "pages", "measurings"), [(1, 1, 1), (60, 1, 1), (125, 2, 1), (126, 2, 2), (260, 3, 3)]
)
def test_a_check_takes_no_more_calls_than_it_must(fleet: Fleet, tables: int, pages: int, measurings: int) -> None:
    for number in range(tables):
        busy = number % 2 == 0
        fleet.add(f"t{number:03}", reads=95 if busy else 50, writes=50)
        fleet.add(f"t{number:03}", "by_day", reads=95 if busy else 50, writes=50)
    fleet.add("ungoverned", reads=95)
    fleet.configure("[table: t]\n[gsi: by_day table: t]")
    changed = (tables + 1) // 2
    checked = fleet.check()
    assert (checked.tally.resources, checked.tally.changed) == (2 * tables, 2 * changed)
    assert counts(checked) == {
        "ListTables": pages,
        "DescribeTable": tables,
        "GetMetricData": measurings,
        "UpdateTable": changed,
    }
    assert len({update.table for update in checked.updates}) == changed
    again = fleet.check()
    assert counts(again) == {"ListTables": pages, "DescribeTable": tables, "GetMetricData": measurings}


@pytest.mark.parametrize("concurrency", [1, 2, 64])
def test_the_calls_are_the_same_however_many_go_at_a_time(fleet: Fleet, concurrency: int) -> None:
    for number in range(200):
        fleet.add(f"t{number:03}", reads=95, writes=50)
    fleet.configure(f"[global]\nmax-concurrency: {concurrency}\n[table: t]\nthrottled-reads-upper-threshold: 5")
    # 600 queries
    assert counts(fleet.check()) == {"ListTables": 2, "DescribeTable": 200, "GetMetricData": 2, "UpdateTable": 200}


def test_each_table_is_described_once_and_each_metric_asked_for_once(fleet: Fleet) -> None:
    for number in range(150):
        fleet.add(f"t{number:03}", reads=50)
        fleet.add(f"t{number:03}", "by_day", reads=50)
    fleet.configure("[table: t]\n[gsi: by_day table: t]")
    checked = fleet.check()
    described = [call.parameters["TableName"] for call in checked.calls if call.operation == "DescribeTable"]
    assert sorted(described) == [f"t{number:03}" for number in range(150)]
    asked = [
        str(query["MetricStat"])
        for call in checked.calls
        if call.operation == "GetMetricData"
        for query in call.parameters["MetricDataQueries"]
    ]
    assert len(asked) == len(set(asked)) == 600


def test_without_getmetricdata_there_is_one_call_for_each_metric(fleet: Fleet) -> None:
    for number in range(130):
        fleet.add(f"t{number:03}", reads=95)
        fleet.add(f"t{number:03}", "by_day", reads=50)
    fleet.fail("denied", "GetMetricData")
    fleet.configure("[table: t]\n[gsi: by_day table: t]\n[table: other]")
    first = fleet.check()
    assert len(first.updates) == 130
    assert len(first.about("WARNING", "IAM permission cloudwatch:GetMetricData is missing")) == 1
    assert first.count("GetMetricStatistics") == 520
    again = fleet.check()
    assert (again.count("GetMetricData"), again.count("GetMetricStatistics")) == (0, 520)
    assert again.about("cloudwatch:GetMetricData") == []


REFUSED = "enable-reads-up-scaling: false\nenable-reads-down-scaling: false\n"
WRITES_OFF = "enable-writes-autoscaling: false\n"
ALARM = f"reads-upper-alarm-threshold: 80\nsns-topic-arn: {TOPIC}\n"


@pytest.mark.parametrize(
    ("options", "asked"),
    [
        pytest.param("", CONSUMED, id="defaults"),
        pytest.param("enable-reads-autoscaling: false", {CONSUMED_WRITES}, id="reads off"),
        pytest.param("enable-writes-autoscaling: false", {CONSUMED_READS}, id="writes off"),
        pytest.param("enable-reads-up-scaling: false", CONSUMED, id="no scaling up"),
        pytest.param("enable-reads-down-scaling: false", CONSUMED, id="no scaling down"),
        pytest.param(REFUSED, {CONSUMED_WRITES}, id="no scaling of reads in either direction"),
        pytest.param(REFUSED + WRITES_OFF, set(), id="all off"),
        pytest.param(REFUSED + WRITES_OFF + ALARM, set(), id="all off, an alarm for nobody"),
        pytest.param(
            REFUSED + WRITES_OFF + ALARM + "sns-message-types: scale-up", set(), id="all off, for nobody either"
        ),
        pytest.param(
            REFUSED + WRITES_OFF + ALARM + "sns-message-types: high-throughput-alarm", {CONSUMED_READS}, id="an alarm"
        ),
        pytest.param("throttled-reads-upper-threshold: 1", CONSUMED | {READ_THROTTLES}, id="throttled reads"),
        pytest.param("throttled-writes-upper-threshold: 1", CONSUMED | {WRITE_THROTTLES}, id="throttled writes"),
        pytest.param("throttled-reads-upper-threshold: 0", CONSUMED, id="a threshold of 0 is off"),
        pytest.param(
            "increase-throttled-by-provisioned-reads-scale: {0: 1}", CONSUMED | {READ_THROTTLES}, id="by provisioned"
        ),
        pytest.param(
            "increase-throttled-by-consumed-writes-scale: {0: 1}", CONSUMED | {WRITE_THROTTLES}, id="by consumed"
        ),
        pytest.param(
            "increase-throttled-by-provisioned-reads-scale: {0: 1}\nenable-reads-up-scaling: false",
            CONSUMED,
            id="a scale without scaling up",
        ),
        pytest.param(
            "throttled-reads-upper-threshold: 1\nenable-reads-up-scaling: false",
            CONSUMED | {READ_THROTTLES},
            id="throttles hold decreases back",
        ),
        pytest.param("throttled-reads-upper-threshold: 1\n" + REFUSED + WRITES_OFF, set(), id="a threshold for nobody"),
    ],
)
@pytest.mark.parametrize("index", [None, "by_day"], ids=["table", "index"])
def test_no_metric_is_asked_for_that_no_option_needs(
    fleet: Fleet, options: str, asked: set[str], index: str | None
) -> None:
    fleet.add("orders", reads=95, writes=95)
    fleet.add("orders", "by_day", reads=95, writes=95)
    off = REFUSED + WRITES_OFF
    table, index_options = (off, options) if index else (options, off)
    fleet.configure(f"[table: orders]\n{table}\n[gsi: by_day table: orders]\n{index_options}")
    checked = fleet.check()
    assert metrics(checked) == asked
    assert checked.count("GetMetricData") == (1 if asked else 0)
    assert checked.tally.failed == 0


def test_a_table_without_a_metric_keeps_to_its_limits_all_the_same(fleet: Fleet) -> None:
    fleet.add("orders", None, (5, 5))
    fleet.configure(f"[table: orders]\n{REFUSED}{WRITES_OFF}min-provisioned-reads: 8\nmin-provisioned-writes: 8")
    checked = fleet.check()
    assert checked.updates == [("orders", None, 8, 5)]
    assert counts(checked) == {"ListTables": 1, "DescribeTable": 1, "UpdateTable": 1}
