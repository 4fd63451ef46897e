"""Sums of metrics, as CloudWatch (the stand-in) gives them to real boto3 clients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from threading import Barrier
from typing import TYPE_CHECKING, Any, NoReturn, cast

import pytest
from botocore.exceptions import ClientError

from dynamic_dynamodb.aws.account import Account
from dynamic_dynamodb.aws.clients import make_clients
from dynamic_dynamodb.aws.cloudwatch import CloudWatch
from dynamic_dynamodb.aws.retry import Patience
from dynamic_dynamodb.case import look_back
from dynamic_dynamodb.exceptions import AccessDenied, AwsError, CredentialsRefused
from dynamic_dynamodb.model import Measured, MetricQuery, Resource, Window
from dynamic_dynamodb.options import GlobalOptions, ResourceOptions
from tests.fleet import BACKOFF, CONSUMED_READS, CONSUMED_WRITES, Aws, Hasty, endless_account
from tests.runs import NOON
from tests.stand_in import Fault, StandIn, World

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

MINUTE = timedelta(minutes=1)
THIS_MINUTE = NOON.replace(second=0)
DATA, STATISTICS = "GetMetricData", "GetMetricStatistics"
ALL_TIMES = range(-60, 1)


def query(
    table: str = "orders", index: str = "", metric: str = CONSUMED_READS, start: int = -15, end: int = -10
) -> MetricQuery:
    """Start and end are in minutes from now."""
    window = Window(THIS_MINUTE + start * MINUTE, THIS_MINUTE + end * MINUTE)
    return MetricQuery(Resource(table, index), metric, window)


def put(world: World, of: MetricQuery, values: Mapping[int, float] | Sequence[float]) -> None:
    """Datapoints by minutes from now, or those of the minutes of the query, one after the other."""
    if not isinstance(values, Mapping):
        first = int((of.window.start - THIS_MINUTE) / MINUTE)
        values = dict(enumerate(values, start=first))
    sums = {THIS_MINUTE + minute * MINUTE: value for minute, value in values.items()}
    world.put_metric(of.resource.table, of.resource.index or None, of.metric, sums)


@pytest.fixture
def world(aws: Aws) -> World:
    return aws.new_world()


@pytest.fixture
def account(aws: Aws, world: World) -> Account:
    return aws.account()


@pytest.fixture
def waits(aws: Aws, world: World) -> list[float]:
    """The seconds waited before further attempts."""
    return aws.stopping.waits


def measure(account: Account, queries: Sequence[MetricQuery]) -> Measured:
    """Ask in as many portions as it takes."""
    measured: dict[MetricQuery, Fraction | AwsError] = {}
    while len(measured) < len(queries):
        portion = queries[len(measured) :][: account.queries_per_call]
        measured.update(account.measure(portion) or {})
    return measured


@pytest.fixture(params=[DATA, STATISTICS])
def call(request: pytest.FixtureRequest, world: World) -> str:
    """The call that answers: GetMetricStatistics where the other one is denied."""
    name: str = request.param
    if name == STATISTICS:
        world.faults.add(Fault("denied", DATA))
    return name


@pytest.mark.parametrize(
    ("values", "total"),
    [
        pytest.param([0.1] * 5, Fraction(1, 2), id="tenths"),
        pytest.param([0.1, 0.2, 0.3, 0.4, 0.5], Fraction(3, 2), id="different tenths"),
        pytest.param([1.1, 2.2, 3.3, 4.4, 5.5], Fraction(33, 2), id="above one"),
        pytest.param([123456.7, 0.1, 0.1, 0.1, 0.1], Fraction(1234571, 10), id="large and small"),
        pytest.param([60, 61, 62, 63, 64], Fraction(310), id="whole numbers"),
        pytest.param([0, 0, 0, 0, 0], Fraction(0), id="zeros"),
        pytest.param([1e16, 1, 1e-07, 0, 0], 10**16 + 1 + Fraction(1, 10**7), id="exponents"),
    ],
)
def test_sums_are_exact(account: Account, world: World, call: str, values: list[float], total: Fraction) -> None:
    put(world, query(), values)
    assert measure(account, [query()]) == {query(): total}


def test_the_start_of_the_window_is_included_and_its_end_is_not(account: Account, world: World, call: str) -> None:
    put(world, query(), {-17: 1000, -16: 1000, -15: 1, -14: 2, -13: 4, -12: 8, -11: 16, -10: 1000, -9: 1000})
    assert measure(account, [query()]) == {query(): 31}


@pytest.mark.parametrize(
    "now",
    [THIS_MINUTE, NOON, THIS_MINUTE + timedelta(seconds=59, microseconds=999_999)],
    ids=lambda now: f"{now:%S.%f}",
)
@pytest.mark.parametrize(
    ("start", "period", "total"), [(15, 5, 15 + 14 + 13 + 12 + 11), (1, 1, 1), (3, 2, 3 + 2), (10, 10, 55)]
)
def test_the_window_is_cut_to_whole_minutes(
    account: Account, world: World, call: str, now: datetime, start: int, period: int, total: int
) -> None:
    put(world, query(), {minute: abs(minute) for minute in ALL_TIMES})
    window = look_back(ResourceOptions(lookback_window_start=start, lookback_period=period), now)
    asked = MetricQuery(Resource("orders"), CONSUMED_READS, window)
    assert measure(account, [asked]) == {asked: total}
    asked_for = world.calls[-1].parameters
    assert (asked_for["StartTime"] % 60, asked_for["EndTime"] % 60) == (0, 0)


def test_each_query_gets_its_own_window_of_what_the_call_covers(account: Account, world: World) -> None:
    early, late, wide = query(start=-40, end=-35), query(start=-15, end=-10), query(start=-38, end=-12)
    put(world, query(), {minute: 1000 + minute for minute in ALL_TIMES})
    assert measure(account, [late, early, wide]) == {
        each: sum(1000 + minute for minute in minutes)
        for each, minutes in ((early, range(-40, -35)), (late, range(-15, -10)), (wide, range(-38, -12)))
    }
    assert world.counts() == {DATA: 1}
    covered = [
        datetime.fromtimestamp(world.calls[0].parameters[name], timezone.utc) for name in ("StartTime", "EndTime")
    ]
    assert covered == [early.window.start, late.window.end]


def test_datapoints_in_any_order_count(aws: Aws, account: Account, world: World, call: str) -> None:
    put(world, query(), [1, 10, 100, 1000, 10000])
    metric = {"Namespace": "AWS/DynamoDB", "Dimensions": [{"Name": "TableName", "Value": "orders"}]}
    window = {"StartTime": query().window.start, "EndTime": query().window.end}
    asked: Any = {**metric, **window, "MetricName": CONSUMED_READS, "Period": 60, "Statistics": ["Sum"]}
    answer = aws.clients.cloudwatch.get_metric_statistics(**asked)
    timestamps = [point["Timestamp"] for point in answer["Datapoints"]]
    assert timestamps not in (sorted(timestamps), sorted(timestamps, reverse=True)), "this tests nothing"
    assert measure(account, [query()]) == {query(): 11111}


def test_all_pages_of_an_answer_count(account: Account, world: World) -> None:
    world.datapoints_per_page = 3
    queries = [query(f"t{number}") for number in range(4)]
    for number, each in enumerate(queries):
        put(world, each, [10**number] * 5)
    assert measure(account, queries) == {each: 5 * 10**number for number, each in enumerate(queries)}
    assert world.counts() == {DATA: 7}  # 20 datapoints


def test_an_incomplete_result_is_asked_for_again_alone(account: Account, world: World, waits: list[float]) -> None:
    whole, internal_error, half = query("whole"), query("bad"), query("bad", metric=CONSUMED_WRITES)
    for each, values in ((whole, [1] * 5), (internal_error, [2] * 5), (half, [3] * 5)):
        put(world, each, values)
    world.faults.add(Fault("partial", DATA, table="bad", times=2))
    assert measure(account, [internal_error, whole, half]) == {whole: 5, internal_error: 10, half: 15}
    asked = [[each["MetricStat"]["Metric"] for each in call.parameters["MetricDataQueries"]] for call in world.calls]
    assert [len(metrics) for metrics in asked] == [3, 2, 2]
    assert {metric["Dimensions"][0]["Value"] for metrics in asked[1:] for metric in metrics} == {"bad"}
    assert waits == BACKOFF[:2]


def test_an_incomplete_result_never_counts_for_what_there_is_of_it(
    account: Account, world: World, waits: list[float]
) -> None:
    whole, internal_error, half = query("whole"), query("bad"), query("bad", metric=CONSUMED_WRITES)
    for each in (whole, internal_error, half):
        put(world, each, [1] * 5)
    world.faults.add(Fault("partial", DATA, table="bad"))
    measured = measure(account, [internal_error, whole, half])
    assert measured[whole] == 5
    for each in (internal_error, half):
        answer = measured[each]
        assert isinstance(answer, AwsError)
        assert "incomplete" in str(answer)
    assert (world.counts(), waits) == ({DATA: 10}, BACKOFF)


@pytest.mark.parametrize(
    "asked", [query(), query("never-heard-of"), query(index="by_day")], ids=["table", "unknown table", "index"]
)
def test_no_datapoints_are_0(account: Account, world: World, call: str, asked: MetricQuery) -> None:
    put(world, asked, {-16: 7, -10: 7})
    assert measure(account, [asked]) == {asked: 0}


def test_a_table_and_its_indexes_are_measured_apart(account: Account, world: World, call: str) -> None:
    table, one, other = query(), query(index="by_day"), query(index="by_user")
    writes = query(metric=CONSUMED_WRITES)
    for each, value in ((table, 1), (one, 10), (other, 100), (writes, 1000), (query("orders2"), 10000)):
        put(world, each, [value] * 5)
    assert measure(account, [other, table, writes, one]) == {table: 5, one: 50, other: 500, writes: 5000}


class TestFailures:
    """A failed call is never taken for 0."""

    @pytest.mark.parametrize(
        ("kind", "attempts"),
        [
            ("throttle", 10), ("internal", 10), ("unavailable", 10), ("reset", 10), ("garbage", 10),
            ("truncated", 10), ("lost_answer", 10), ("expired", 1), ("unrecognized", 1), ("validation", 1),
        ],
    )  # fmt: skip
    def test_a_call_that_keeps_failing_is_an_error_for_each_query(
        self, account: Account, world: World, waits: list[float], kind: str, attempts: int
    ) -> None:
        queries = [query(), query("users")]
        put(world, query(), [1] * 5)
        world.faults.add(Fault(kind, DATA))
        measured = measure(account, queries)
        assert all(isinstance(measured[each], AwsError) for each in queries)
        assert (world.counts(), waits) == ({DATA: attempts}, BACKOFF[: attempts - 1])

    @pytest.mark.parametrize("kind", ["throttle", "internal", "unavailable", "reset", "garbage", "truncated"])
    def test_the_tenth_attempt_can_succeed(
        self, account: Account, world: World, waits: list[float], call: str, kind: str
    ) -> None:
        put(world, query(), [1] * 5)
        world.faults.add(Fault(kind, call, times=9))
        assert measure(account, [query()]) == {query(): 5}
        assert (world.count(call), waits) == (10, BACKOFF)

    def test_a_dead_end_point_is_tried_ten_times(self, stand_in: StandIn) -> None:
        stopping = Hasty()
        account = endless_account(make_clients(GlobalOptions(), ()), stopping)
        stand_in.close()
        assert isinstance(measure(account, [query()])[query()], AwsError)
        assert stopping.waits == BACKOFF

    def test_who_is_to_stop_does_not_try_again(self, aws: Aws, account: Account, world: World, call: str) -> None:
        aws.stopping.set()
        world.faults.add(Fault("internal", call))
        assert isinstance(measure(account, [query()])[query()], AwsError)
        assert (world.count(call), aws.stopping.waits) == (1, [])

    @pytest.mark.parametrize("kind", ["expired", "unrecognized"])
    def test_refused_credentials_are_told_from_other_failures(self, account: Account, world: World, kind: str) -> None:
        world.faults.add(Fault(kind, DATA))
        assert isinstance(measure(account, [query()])[query()], CredentialsRefused)

    def test_a_failed_batch_does_not_cost_the_others_their_sums(
        self, account: Account, world: World, waits: list[float]
    ) -> None:
        queries = [query(f"t{number:04}") for number in range(1100)]
        world.faults.add(Fault("internal", DATA, table="t0700"))
        measured = measure(account, queries)
        failed = [each.resource.table for each in queries if isinstance(measured[each], AwsError)]
        assert failed == [f"t{number:04}" for number in range(500, 1000)]
        assert [measured[each] for each in (*queries[:500], *queries[1000:])] == [0] * 600


@pytest.mark.parametrize(("queries", "calls"), [(0, 0), (1, 1), (500, 1), (501, 2), (1000, 2), (1201, 3)])
def test_500_queries_share_a_call(account: Account, world: World, queries: int, calls: int) -> None:
    asked = [query(f"t{number}") for number in range(queries)]
    for each in asked[-1:]:
        put(world, each, [1] * 5)
    measured = measure(account, asked)
    assert (len(measured), sum(answer for answer in measured.values() if isinstance(answer, Fraction))) == (
        queries, 5 * bool(queries)
    )  # fmt: skip
    assert world.count() == world.count(DATA) == calls


class Refusing:
    """A client that refuses so many GetMetricData calls at the same moment."""

    def __init__(self, calls: int) -> None:
        self._together = Barrier(calls, timeout=20)

    def get_paginator(self, _: str) -> Refusing:
        return self

    def paginate(self, **_: object) -> NoReturn:
        self._together.wait()
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetMetricData")


class TestWithoutGetMetricData:
    """Where the IAM permission for it is missing."""

    def test_the_permission_is_named_once_and_the_sums_are_the_same(
        self, account: Account, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        queries = [query("a"), query("a", "i", start=-40, end=-3), query("b", metric=CONSUMED_WRITES), query("idle")]
        for number, each in enumerate(queries[:3], start=1):
            put(world, each, dict.fromkeys(ALL_TIMES, number / 10))
        allowed = measure(account, queries)
        assert list(allowed.values()) == [Fraction(1, 2), Fraction(37, 5), Fraction(3, 2), 0]
        world.faults.add(Fault("denied", DATA))
        assert [measure(account, queries) for check in range(2)] == [allowed, allowed]
        (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
        assert "IAM permission cloudwatch:GetMetricData is missing" in warning.getMessage()
        assert world.counts() == {DATA: 2, STATISTICS: 8}

    def test_the_call_is_tried_once_for_all_batches(
        self, account: Account, world: World, caplog: pytest.LogCaptureFixture
    ) -> None:
        world.faults.add(Fault("denied", DATA))
        measure(account, [query(f"t{number}") for number in range(501)])
        assert world.counts() == {DATA: 1, STATISTICS: 501}
        assert len(caplog.records) == 1

    def test_two_refusals_at_the_same_moment_are_told_once(self, caplog: pytest.LogCaptureFixture) -> None:
        cloudwatch = CloudWatch(cast("CloudWatchClient", Refusing(calls=2)), Patience(Hasty(), 100))
        with ThreadPoolExecutor(2) as executor:
            answers = list(executor.map(cloudwatch.measure, [[query("a")], [query("b")]]))
        assert answers == [None, None]
        assert len(caplog.records) == 1

    def test_without_either_permission_the_other_one_is_named(self, account: Account, world: World) -> None:
        for operation in (DATA, STATISTICS):
            world.faults.add(Fault("denied", operation))
        answer = measure(account, [query()])[query()]
        assert isinstance(answer, AccessDenied)
        assert "IAM permission cloudwatch:GetMetricStatistics is missing" in str(answer)

    def test_a_failing_metric_does_not_cost_the_others_their_sums(
        self, account: Account, world: World, waits: list[float]
    ) -> None:
        world.faults.add(Fault("denied", DATA))
        world.faults.add(Fault("internal", STATISTICS, table="bad"))
        put(world, query("good"), [1] * 5)
        measured = measure(account, [query("bad"), query("good")])
        assert isinstance(measured[query("bad")], AwsError)
        assert measured[query("good")] == 5
        assert waits == BACKOFF


@pytest.mark.parametrize(("minutes", "calls"), [(1440, 1), (1441, 2), (2880, 2), (5000, 4)])
def test_a_look_back_of_more_than_a_day(account: Account, world: World, call: str, minutes: int, calls: int) -> None:
    world.metric = lambda table, index, metric, minute: 0.1
    asked = query(start=-minutes - 3, end=-3)
    assert measure(account, [asked]) == {asked: Fraction(minutes, 10)}
    assert world.count(call) == (calls if call == STATISTICS else 1)
