"""The stand-in for AWS, as boto3 meets it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError
from botocore.parsers import ResponseParserError

from tests.stand_in import KINDS, Call, Fault, FaultPlan, StandIn, World

ROOT = Path(__file__).resolve().parents[1]
NOON = datetime(2026, 3, 14, 12, 0, 30, tzinfo=timezone(timedelta(0)))
MINUTE = timedelta(minutes=1)
TOPIC = "arn:aws:sns:eu-west-1:123456789012:scaling"
CONSUMED = "ConsumedReadCapacityUnits"
SIGNATURE = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260314/eu-west-1/monitoring/aws4_request,"
THREADS = 16


@dataclass
class Clock:
    """A clock that goes when it is told to."""

    time: datetime = NOON

    def __call__(self) -> datetime:
        return self.time

    def go(self, **amount: float) -> None:
        self.time += timedelta(**amount)


class Clients:
    """boto3 clients that try once, or as often as said."""

    def __init__(self, session: boto3.Session, url: str, attempts: int = 1) -> None:
        # The refusals wanted here are the server's, not boto3's own.
        config = Config(
            retries={"total_max_attempts": attempts, "mode": "standard"},
            read_timeout=20,
            max_pool_connections=THREADS,
            parameter_validation=False,
        )

        def make(service: Any) -> Any:
            return session.client(service, region_name="eu-west-1", endpoint_url=url, config=config)

        self.dynamodb, self.cloudwatch, self.sns = make("dynamodb"), make("cloudwatch"), make("sns")

    def describe(self, table: str = "orders") -> dict[str, Any]:
        described: dict[str, Any] = self.dynamodb.describe_table(TableName=table)["Table"]
        return described

    def update(self, reads: int = 0, writes: int = 0, table: str = "orders", **indexes: tuple[int, int]) -> Any:
        """One UpdateTable; units of the table only if there are any."""
        parameters: dict[str, Any] = {"ProvisionedThroughput": units(reads, writes)} if reads or writes else {}
        if indexes:
            parameters["GlobalSecondaryIndexUpdates"] = [
                {"Update": {"IndexName": name, "ProvisionedThroughput": units(*pair)}} for name, pair in indexes.items()
            ]
        return self.dynamodb.update_table(TableName=table, **parameters)

    def metric_data(self, *queries: dict[str, Any], start: int = -15, end: int = -10, **more: Any) -> Any:
        """GetMetricData; start and end are minutes from noon."""
        return self.cloudwatch.get_metric_data(MetricDataQueries=queries, StartTime=at(start), EndTime=at(end), **more)

    def statistics(self, start: int = -15, end: int = -10, period: int = 60, **more: Any) -> dict[datetime, float]:
        answer = self.cloudwatch.get_metric_statistics(
            **{"Namespace": "AWS/DynamoDB", "MetricName": CONSUMED, "Dimensions": dimensions("orders")}
            | {"StartTime": at(start), "EndTime": at(end), "Period": period, "Statistics": ["Sum"]}
            | more
        )
        return {point["Timestamp"]: point["Sum"] for point in answer["Datapoints"]}


def at(minute: int, seconds: float = 0) -> datetime:
    return NOON.replace(second=0) + minute * MINUTE + timedelta(seconds=seconds)


def units(reads: int, writes: int) -> dict[str, int]:
    return {"ReadCapacityUnits": reads, "WriteCapacityUnits": writes}


def dimensions(table: str, index: str | None = None) -> list[dict[str, str]]:
    named = [{"Name": "TableName", "Value": table}]
    return named if index is None else [*named, {"Name": "GlobalSecondaryIndexName", "Value": index}]


def query(
    id: str = "a", table: str = "orders", index: str | None = None, period: int = 60, namespace: str = "AWS/DynamoDB"
) -> dict[str, Any]:
    metric = {"Namespace": namespace, "MetricName": CONSUMED, "Dimensions": dimensions(table, index)}
    return {"Id": id, "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}}


def points(answer: dict[str, Any], id: str = "a") -> dict[datetime, float]:
    (found,) = [result for result in answer["MetricDataResults"] if result["Id"] == id]
    return dict(zip(found["Timestamps"], found["Values"], strict=True))


@contextmanager
def refused(code: str, *words: str, status: int = 400) -> Iterator[None]:
    with pytest.raises(ClientError) as caught:
        yield
    response = caught.value.response
    assert (response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
    assert [word for word in words if word not in response["Error"]["Message"]] == []


@pytest.fixture(scope="module", autouse=True)
def _environment_of_nobody() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("AWS_") or name.lower().endswith("_proxy") or name in ("HOME", "BOTO_CONFIG"):
                patch.delenv(name)
        for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
            patch.setenv(name, os.devnull)
        yield


@pytest.fixture(scope="module")
def session(_environment_of_nobody: None) -> boto3.Session:
    return boto3.Session(aws_access_key_id="AKIDEXAMPLE", aws_secret_access_key="nothing")


@pytest.fixture(scope="module")
def stand_in() -> Iterator[StandIn]:
    with StandIn(World()) as serving:
        yield serving


@pytest.fixture(scope="module")
def aws(session: boto3.Session, stand_in: StandIn) -> Clients:
    return Clients(session, stand_in.url)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def world(stand_in: StandIn, clock: Clock) -> Iterator[World]:
    """A fresh world with one table of 100 reads and 50 writes, and two indexes."""
    stand_in.world = World(clock)
    stand_in.world.add_table("orders", 100, 50, indexes=[("by_day", 20, 10), ("by_user", 8, 4)])
    yield stand_in.world
    assert stand_in.crashes == []


def get(url: str) -> Any:
    return json.loads(open_url(url).read())


def open_url(request: str | urllib.request.Request) -> Any:
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20)


def call_by_query(url: str, fields: dict[str, str], signed: bool = True) -> ElementTree.Element:
    """A call as older SDKs make it; the answer's XML, whatever its status."""
    body = urllib.parse.urlencode({"Version": "2010-08-01", **fields}).encode()
    request = urllib.request.Request(url, body)
    if signed:
        request.add_header("Authorization", SIGNATURE)
    try:
        return ElementTree.fromstring(open_url(request).read())
    except urllib.error.HTTPError as error:
        return ElementTree.fromstring(error.read())


def texts(answer: ElementTree.Element, name: str) -> list[str | None]:
    return [element.text for element in answer.iter() if element.tag.rpartition("}")[2] == name]


class TestListTables:
    def test_pages_hold_all_names_in_order(self, aws: Clients, world: World) -> None:
        for number in range(250):
            world.add_table(f"t-{number:03}", 1, 1)
        pages = list(aws.dynamodb.get_paginator("list_tables").paginate())
        assert [len(page["TableNames"]) for page in pages] == [100, 100, 51]
        assert [name for page in pages for name in page["TableNames"]] == [
            "orders", *(f"t-{number:03}" for number in range(250))
        ]  # fmt: skip
        assert pages[0]["LastEvaluatedTableName"] == "t-098"
        assert "LastEvaluatedTableName" not in pages[-1]

    def test_a_page_is_no_longer_than_asked_for_or_set(self, aws: Clients, world: World) -> None:
        world.add_table("zebra", 1, 1)
        assert aws.dynamodb.list_tables(Limit=1)["TableNames"] == ["orders"]
        assert aws.dynamodb.list_tables(ExclusiveStartTableName="orders")["TableNames"] == ["zebra"]
        assert aws.dynamodb.list_tables(ExclusiveStartTableName="p")["TableNames"] == ["zebra"]
        world.page_size = 1
        assert aws.dynamodb.list_tables(Limit=50)["LastEvaluatedTableName"] == "orders"

    def test_a_limit_out_of_range_is_refused(self, aws: Clients, world: World) -> None:
        with refused("ValidationException", "limit"):
            aws.dynamodb.list_tables(Limit=101)


class TestDescribeTable:
    def test_a_provisioned_table(self, aws: Clients, world: World) -> None:
        table = aws.describe()
        assert table["TableStatus"] == "ACTIVE"
        assert table["TableArn"].endswith(":table/orders")
        assert table["CreationDateTime"] == NOON
        assert table["ProvisionedThroughput"] == {
            "NumberOfDecreasesToday": 0, "ReadCapacityUnits": 100, "WriteCapacityUnits": 50
        }  # fmt: skip
        assert "BillingModeSummary" not in table
        by_day = table["GlobalSecondaryIndexes"][0]
        assert (by_day["IndexName"], by_day["IndexStatus"]) == ("by_day", "ACTIVE")
        assert by_day["ProvisionedThroughput"]["ReadCapacityUnits"] == 20

    def test_a_table_without_indexes_does_not_mention_them(self, aws: Clients, world: World) -> None:
        world.add_table("plain", 1, 1, status="CREATING")
        assert "GlobalSecondaryIndexes" not in aws.describe("plain")
        assert aws.describe("plain")["TableStatus"] == "CREATING"

    def test_an_on_demand_table_has_no_units(self, aws: Clients, world: World) -> None:
        world.add_table("bursty", 5, 5, on_demand=True, indexes=[("i", 5, 5)])
        table = aws.describe("bursty")
        assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
        for resource in (table, table["GlobalSecondaryIndexes"][0]):
            assert resource["ProvisionedThroughput"]["ReadCapacityUnits"] == 0
            assert resource["ProvisionedThroughput"]["WriteCapacityUnits"] == 0

    def test_a_deleted_table_or_index_is_gone(self, aws: Clients, world: World) -> None:
        world.delete_index("orders", "by_day")
        assert [index["IndexName"] for index in aws.describe()["GlobalSecondaryIndexes"]] == ["by_user"]
        world.delete_table("orders")
        with refused("ResourceNotFoundException", "orders"):
            aws.describe()
        assert aws.dynamodb.list_tables()["TableNames"] == []


class TestUpdateTable:
    def test_table_and_indexes_change_at_once(self, aws: Clients, world: World) -> None:
        answer = aws.update(200, 60, by_day=(21, 10), by_user=(4, 4))
        assert answer["TableDescription"]["ProvisionedThroughput"]["ReadCapacityUnits"] == 200
        assert answer["TableDescription"]["TableStatus"] == "ACTIVE"
        assert world.updates == [("orders", None, 200, 60), ("orders", "by_day", 21, 10), ("orders", "by_user", 4, 4)]
        assert [world.throughput("orders", index) for index in (None, "by_day", "by_user")] == [
            (200, 60), (21, 10), (4, 4)
        ]  # fmt: skip
        table = aws.describe()
        assert table["ProvisionedThroughput"]["LastIncreaseDateTime"] == NOON
        assert "LastDecreaseDateTime" not in table["ProvisionedThroughput"]
        by_user = table["GlobalSecondaryIndexes"][1]["ProvisionedThroughput"]
        assert (by_user["LastDecreaseDateTime"], by_user["NumberOfDecreasesToday"]) == (NOON, 1)

    @pytest.mark.parametrize(
        ("update", "code", "words"),
        [
            ({"reads": 9, "writes": 9, "table": "nope"}, "ResourceNotFoundException", "nope"),
            ({"reads": 100, "writes": 50}, "ValidationException", "for the table will not change. The requested value"),
            ({"reads": 200, "writes": 50, "by_day": (20, 10)}, "ValidationException", "by_day will not change"),
            ({"reads": 100, "writes": 50, "by_day": (21, 10)}, "ValidationException", "for the table will not change"),
            ({"reads": 200, "writes": 0}, "ValidationException", "greater than or equal to 1"),
            ({"reads": 200, "writes": 50, "by_day": (0, 10)}, "ValidationException", "greater than or equal to 1"),
            ({"reads": 200, "writes": 50, "by_night": (9, 9)}, "ValidationException", "by_night"),
            ({"reads": 5, "writes": 5, "table": "bursty"}, "ValidationException", "PAY_PER_REQUEST"),
            ({"table": "bursty", "i": (9, 9)}, "ValidationException", "PAY_PER_REQUEST"),
            ({"reads": 9, "writes": 9, "table": "young"}, "ResourceInUseException", "young"),
            ({"reads": 200, "writes": 50, "half_built": (9, 9)}, "ResourceInUseException", "half_built"),
            ({}, "ValidationException", "At least one of"),
        ],
    )
    def test_what_aws_refuses_changes_nothing(
        self, aws: Clients, world: World, update: dict[str, Any], code: str, words: str
    ) -> None:
        world.add_table("bursty", 1, 1, on_demand=True, indexes=[("i", 1, 1)])
        world.add_table("young", 1, 1, status="CREATING")
        world.add_index("orders", "half_built", 1, 1, status="CREATING")
        before = world.all_throughput()
        with refused(code, words):
            aws.update(**update)
        assert world.updates == []
        assert world.all_throughput() == before

    def test_a_busy_index_does_not_keep_the_others_from_changing(self, aws: Clients, world: World) -> None:
        world.set_status("orders", "UPDATING", "by_day")
        aws.update(200, 50, by_user=(9, 9))
        assert world.throughput("orders") == (200, 50)

    def test_one_index_cannot_be_changed_twice_in_a_call(self, aws: Clients, world: World) -> None:
        twice = [{"Update": {"IndexName": "by_day", "ProvisionedThroughput": units(reads, 10)}} for reads in (30, 40)]
        with refused("ValidationException", "by_day"):
            aws.dynamodb.update_table(TableName="orders", GlobalSecondaryIndexUpdates=twice)

    def test_what_the_stand_in_does_not_know_it_does_not_ignore(self, aws: Clients, world: World) -> None:
        with refused("NotImplemented", "BillingMode", status=501):
            aws.dynamodb.update_table(TableName="orders", BillingMode="PAY_PER_REQUEST")

    def test_an_update_takes_its_time(self, aws: Clients, world: World, clock: Clock) -> None:
        world.update_seconds = 60
        assert aws.update(200, 50, by_day=(5, 5))["TableDescription"]["TableStatus"] == "UPDATING"
        clock.go(seconds=59)
        table = aws.describe()
        assert (table["TableStatus"], table["ProvisionedThroughput"]["ReadCapacityUnits"]) == ("UPDATING", 100)
        assert [index["IndexStatus"] for index in table["GlobalSecondaryIndexes"]] == ["UPDATING", "ACTIVE"]
        assert world.throughput("orders", "by_day") == (20, 10)
        with refused("ResourceInUseException", "orders"):
            aws.update(300, 50)
        with refused("ResourceInUseException", "orders"):
            aws.update(by_user=(9, 9))
        clock.go(seconds=1)
        table = aws.describe()
        assert (table["TableStatus"], table["ProvisionedThroughput"]["ReadCapacityUnits"]) == ("ACTIVE", 200)
        assert [index["IndexStatus"] for index in table["GlobalSecondaryIndexes"]] == ["ACTIVE", "ACTIVE"]
        assert world.throughput("orders", "by_day") == (5, 5)
        aws.update(300, 50)

    def test_an_index_alone_makes_its_table_updating(self, aws: Clients, world: World, clock: Clock) -> None:
        world.update_seconds = 60
        aws.update(by_day=(30, 10))
        assert aws.describe()["TableStatus"] == "UPDATING"
        clock.go(minutes=1)
        assert aws.describe()["TableStatus"] == "ACTIVE"
        assert world.throughput("orders") == (100, 50)


class TestRation:
    def test_four_decreases_then_one_an_hour(self, aws: Clients, world: World, clock: Clock) -> None:
        for reads in (99, 98, 97, 96):
            aws.update(reads, 50)
        assert aws.describe()["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 4
        clock.go(minutes=59, seconds=59)
        with refused("LimitExceededException", "Next decrease can be made at Saturday, March 14, 2026 1:00:30 PM UTC"):
            aws.update(95, 50)
        clock.go(seconds=1)
        aws.update(95, 50)
        with refused("LimitExceededException", "Number of decreases today: 5"):
            aws.update(94, 50)

    def test_the_day_of_utc_brings_four_more(self, aws: Clients, world: World, clock: Clock) -> None:
        clock.time = datetime(2026, 3, 14, 23, 50, tzinfo=NOON.tzinfo)
        world.set_decreases("orders", today=7, last=clock.time)
        with refused("LimitExceededException", "Next decrease can be made at Sunday, March 15, 2026 12:00:00 AM UTC"):
            aws.update(99, 50)
        clock.go(minutes=10)
        assert aws.describe()["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0
        for reads in (99, 98, 97, 96):
            aws.update(reads, 50)
        with refused("LimitExceededException"):
            aws.update(95, 50)

    def test_a_decrease_with_an_increase_is_a_decrease(self, aws: Clients, world: World) -> None:
        world.set_decreases("orders")
        with refused("LimitExceededException"):
            aws.update(200, 49)
        aws.update(200, 50)
        assert world.throughput("orders") == (200, 50)

    def test_table_and_each_index_have_a_ration_of_their_own(self, aws: Clients, world: World) -> None:
        world.set_decreases("orders", "by_day", today=4, last=NOON - 10 * MINUTE)
        aws.update(99, 50, by_user=(7, 4))
        with refused("LimitExceededException", "Next decrease can be made at Saturday, March 14, 2026 12:50:30 PM UTC"):
            aws.update(by_day=(19, 10))

    def test_one_refused_decrease_refuses_the_whole_call(self, aws: Clients, world: World) -> None:
        world.set_decreases("orders", "by_user")
        with refused("LimitExceededException"):
            aws.update(200, 60, by_day=(15, 10), by_user=(7, 4))
        assert world.updates == []
        assert world.throughput("orders", "by_day") == (20, 10)
        assert aws.describe()["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0

    def test_it_can_be_lifted(self, aws: Clients, world: World) -> None:
        world.set_decreases("orders")
        world.ration_decreases = False
        aws.update(99, 50)
        assert aws.describe()["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 5


class TestGetMetricData:
    def test_the_start_is_included_and_the_end_is_not(self, aws: Clients, world: World) -> None:
        world.put_metric("orders", None, CONSUMED, {at(minute): float(minute) for minute in range(-20, 0)})
        answer = aws.metric_data(query())
        assert points(answer) == {at(minute): float(minute) for minute in range(-15, -10)}
        (result,) = answer["MetricDataResults"]
        assert (result["StatusCode"], result["Label"]) == ("Complete", CONSUMED)
        assert "NextToken" not in answer
        assert result["Timestamps"] not in (sorted(result["Timestamps"]), sorted(result["Timestamps"], reverse=True))

    def test_a_start_inside_a_minute_takes_the_minute_along(self, aws: Clients, world: World) -> None:
        world.put_metric("orders", None, CONSUMED, {at(minute): 1.0 for minute in range(-20, 0)})
        answer = aws.cloudwatch.get_metric_data(
            MetricDataQueries=[query()], StartTime=at(-15, 59), EndTime=at(-13, 1)
        )  # fmt: skip
        assert sorted(points(answer)) == [at(-15), at(-14), at(-13)]

    def test_longer_periods_are_those_of_the_clock(self, aws: Clients, world: World) -> None:
        world.put_metric("orders", None, CONSUMED, {at(minute): 1.0 for minute in range(-20, 0)})
        assert points(aws.metric_data(query(period=300))) == {at(-15): 5.0}
        assert points(aws.metric_data(query(period=300), start=-13, end=-3)) == {at(-10): 5.0, at(-5): 2.0}

    def test_only_the_very_metric_is_answered(self, aws: Clients, world: World) -> None:
        world.put_metric("orders", None, CONSUMED, {at(-12): 1.0})
        world.put_metric("orders", "by_day", CONSUMED, {at(-12): 2.0})
        no_dimensions = query("c")
        no_dimensions["MetricStat"]["Metric"]["Dimensions"] = []
        one_more = query("d")
        one_more["MetricStat"]["Metric"]["Dimensions"].append({"Name": "Operation", "Value": "Query"})
        other_unit = query("e")
        other_unit["MetricStat"]["Unit"] = "Bytes"
        answer = aws.metric_data(
            query(), query("b", index="by_day"), no_dimensions, one_more, other_unit, query("f", namespace="Mine"),
            query("g", table="none"), query("h", index="by_user"),
        )  # fmt: skip
        assert points(answer, "a") == {at(-12): 1.0}
        assert points(answer, "b") == {at(-12): 2.0}
        assert [points(answer, id) for id in "cdefgh"] == [{}] * 6
        assert {result["StatusCode"] for result in answer["MetricDataResults"]} == {"Complete"}

    def test_what_was_put_goes_before_the_function(self, aws: Clients, world: World) -> None:
        asked: list[Any] = []

        def metric(table: str, index: str | None, name: str, minute: datetime) -> float:
            asked.append((table, index, name, minute))
            return 7.0

        world.metric = metric
        world.put_metric("orders", "by_day", CONSUMED, {at(-15): 0.0, at(-14): None})
        assert points(aws.metric_data(query(index="by_day"), end=-12)) == {at(-15): 0.0, at(-13): 7.0}
        assert asked == [("orders", "by_day", CONSUMED, at(-13))]

    def test_puts_add_up_and_the_last_one_counts(self, aws: Clients, world: World) -> None:
        world.put_metric("orders", None, CONSUMED, {at(-15): 1.0, at(-14): 1.0})
        world.put_metric("orders", None, CONSUMED, {at(-14): 2.0, at(-13): 2.0})
        assert points(aws.metric_data(query())) == {at(-15): 1.0, at(-14): 2.0, at(-13): 2.0}

    def test_a_time_inside_a_minute_cannot_be_put(self, world: World) -> None:
        for wrong in (at(-15, 1), at(-15).replace(tzinfo=None)):
            with pytest.raises(ValueError, match="whole minute"):
                world.put_metric("orders", None, CONSUMED, {wrong: 1.0})

    def test_put_load_covers_the_last_whole_minutes(self, aws: Clients, world: World) -> None:
        world.put_load("orders", None, CONSUMED, 30.0, minutes=3)
        assert points(aws.metric_data(query(), end=5)) == {at(-3): 30.0, at(-2): 30.0, at(-1): 30.0}

    def test_pages_cut_queries_and_say_so(self, aws: Clients, world: World) -> None:
        for table in ("orders", "second", "third"):
            world.put_metric(table, None, CONSUMED, {at(minute): float(-minute) for minute in range(-15, -10)})
        queries = [query("a"), query("none", "idle"), query("b", "second"), query("c", "third")]
        world.datapoints_per_page = 7
        first = aws.metric_data(*queries)
        told = [(result["Id"], result["StatusCode"], len(result["Values"])) for result in first["MetricDataResults"]]
        assert told == [("a", "Complete", 5), ("none", "Complete", 0), ("b", "PartialData", 2), ("c", "PartialData", 0)]
        second = aws.metric_data(*queries, NextToken=first["NextToken"])
        told = [(result["Id"], result["StatusCode"], len(result["Values"])) for result in second["MetricDataResults"]]
        assert told == [("b", "Complete", 3), ("c", "PartialData", 4)]
        third = aws.metric_data(*queries, NextToken=second["NextToken"])
        assert "NextToken" not in third
        assert points(first, "b") | points(second, "b") == points(first, "a")
        assert points(second, "c") | points(third, "c") == points(first, "a")
        world.datapoints_per_page = 100
        full = aws.metric_data(*queries, MaxDatapoints=5)
        assert [result["StatusCode"] for result in full["MetricDataResults"][:2]] == ["Complete", "Complete"]
        rest = aws.metric_data(*queries, MaxDatapoints=10, NextToken=full["NextToken"])
        assert [result["Id"] for result in rest["MetricDataResults"]] == ["b", "c"]
        assert "NextToken" not in rest

    def test_a_token_is_good_for_its_question_only(self, aws: Clients, world: World) -> None:
        world.put_load("orders", None, CONSUMED, 1.0)
        token = aws.metric_data(query(), MaxDatapoints=3)["NextToken"]
        with refused("InvalidNextToken"):
            aws.metric_data(query("b"), NextToken=token)
        with refused("InvalidNextToken"):
            aws.metric_data(query(), NextToken="made up")

    def test_500_queries_and_no_more(self, aws: Clients, world: World) -> None:
        world.metric = lambda table, index, name, minute: float(table[1:])
        queries = [query(f"q{number}", f"t{number}") for number in range(501)]
        answer = aws.metric_data(*queries[:500])
        assert [result["Id"] for result in answer["MetricDataResults"]] == [f"q{number}" for number in range(500)]
        assert set(points(answer, "q499").values()) == {499.0}
        with refused("ValidationError", "500"):
            aws.metric_data(*queries)

    @pytest.mark.parametrize(
        ("queries", "end", "words"),
        [
            ([query(period=90)], -10, "multiple of 60"),
            ([query("A1")], -10, "A1"),
            ([query(), query()], -10, "not unique"),
            ([query()], -15, "StartTime must be less than"),
        ],
    )
    def test_refusals(self, aws: Clients, world: World, queries: list[Any], end: int, words: str) -> None:
        with refused("ValidationError", words):
            aws.metric_data(*queries, end=end)


class TestGetMetricStatistics:
    def test_the_start_is_cut_to_the_minute_and_the_end_is_left_out(self, aws: Clients, world: World) -> None:
        world.put_metric("orders", None, CONSUMED, {at(minute): float(minute) for minute in range(-20, 0)})
        world.put_metric("orders", "by_day", CONSUMED, {at(-15): 1000.0})
        wanted = {at(minute): float(minute) for minute in range(-15, -10)}
        assert aws.statistics() == wanted
        assert aws.statistics(StartTime=at(-15, 59)) == wanted
        assert list(aws.statistics()) not in (sorted(wanted), sorted(wanted, reverse=True))
        assert aws.statistics(Dimensions=dimensions("orders", "by_day")) == {at(-15): 1000.0}
        assert aws.statistics(Dimensions=[]) == aws.statistics(Namespace="Mine") == {}

    def test_periods_are_counted_from_the_start(self, aws: Clients, world: World) -> None:
        world.put_metric("orders", None, CONSUMED, {at(minute): 1.0 for minute in range(-20, 0)})
        assert aws.statistics(start=-13, end=-6, period=300) == {at(-13): 5.0, at(-8): 2.0}

    def test_1440_datapoints_and_no_more(self, aws: Clients, world: World) -> None:
        world.metric = lambda table, index, name, minute: 1.0
        assert len(aws.statistics(start=-1440, end=0)) == 1440
        with refused("InvalidParameterCombination", "1,441"):
            aws.statistics(start=-1441, end=0)

    def test_refusals(self, aws: Clients, world: World) -> None:
        with refused("InvalidParameterValue", "StartTime must be less than"):
            aws.statistics(end=-15)
        with pytest.raises(aws.cloudwatch.exceptions.InvalidParameterValueException, match="multiple of 60"):
            aws.statistics(period=61)


class TestPublish:
    def test_a_message_arrives(self, aws: Clients, world: World) -> None:
        assert aws.sns.publish(TopicArn=TOPIC, Subject="s" * 100, Message="grüße & <more>")["MessageId"]
        aws.sns.publish(TopicArn=TOPIC, Message="no subject")
        assert world.published == [(TOPIC, "s" * 100, "grüße & <more>"), (TOPIC, None, "no subject")]

    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"Subject": "s" * 101}, "Subject"),
            ({"Subject": "grüße"}, "Subject"),
            ({"Subject": "two\nlines"}, "Subject"),
            ({"Subject": ""}, "Subject"),
            ({"Message": ""}, "Empty message"),
            ({"Message": "m" * 262_145}, "too long"),
            ({"TopicArn": "scaling"}, "TopicArn"),
            ({"TopicArn": TOPIC.replace("eu-west-1", "us-east-1")}, "TopicArn"),
        ],
    )
    def test_refusals(self, aws: Clients, world: World, parameters: dict[str, str], words: str) -> None:
        with refused("InvalidParameter", words):
            aws.sns.publish(**{"TopicArn": TOPIC, "Message": "m"} | parameters)
        assert world.published == []


# One call of each protocol.
CALLS: dict[str, Callable[[Clients], Any]] = {
    "dynamodb": lambda aws: aws.describe(),
    "cloudwatch": lambda aws: aws.metric_data(query()),
    "sns": lambda aws: aws.sns.publish(TopicArn=TOPIC, Message="m"),
}


class TestFaults:
    @pytest.mark.parametrize("service", CALLS)
    @pytest.mark.parametrize(
        ("kind", "in_json", "in_query"),
        [
            ("throttle", ("ThrottlingException", 400), ("Throttling", 400)),
            ("internal", ("InternalServerError", 500), ("InternalServerError", 500)),
            ("unavailable", ("ServiceUnavailable", 503), ("ServiceUnavailable", 503)),
            ("denied", ("AccessDeniedException", 400), ("AccessDenied", 403)),
            ("expired", ("ExpiredTokenException", 400), ("ExpiredToken", 403)),
            ("unrecognized", ("UnrecognizedClientException", 400), ("InvalidClientTokenId", 403)),
            ("not_found", ("ResourceNotFoundException", 400), ("NotFound", 404)),
            ("in_use", ("ResourceInUseException", 400), ("ResourceInUse", 400)),
            ("limit", ("LimitExceededException", 400), ("LimitExceeded", 400)),
            ("validation", ("ValidationException", 400), ("ValidationError", 400)),
        ],
    )
    def test_refusals_come_in_the_words_of_the_protocol(
        self, aws: Clients, world: World, service: str, kind: str, in_json: Any, in_query: Any
    ) -> None:
        world.faults.add(Fault(kind, times=1))
        code, status = in_query if service == "sns" else in_json
        with refused(code, status=status):
            CALLS[service](aws)
        CALLS[service](aws)
        assert list(world.faults.injected.values()) == [1]

    def test_a_denial_names_the_action(self, aws: Clients, world: World) -> None:
        world.faults.add(Fault("denied"))
        with refused("AccessDeniedException", "is not authorized to perform: cloudwatch:GetMetricData because no"):
            aws.metric_data(query())
        with refused(
            "AccessDeniedException", "perform: dynamodb:DescribeTable on resource: arn:aws:dynamodb:", "orders"
        ):
            aws.describe()

    @pytest.mark.parametrize("service", CALLS)
    @pytest.mark.parametrize("kind", ["reset", "lost_answer"])
    def test_resets(self, aws: Clients, world: World, service: str, kind: str) -> None:
        world.faults.add(Fault(kind, times=1))
        with pytest.raises(ConnectionClosedError):
            CALLS[service](aws)
        CALLS[service](aws)

    def test_a_reset_is_no_orderly_close(self, stand_in: StandIn, world: World) -> None:
        world.faults.add(Fault("reset"))
        parts = urllib.parse.urlsplit(stand_in.url)
        body = urllib.parse.urlencode({"Action": "Publish", "Version": "2010-03-31"})
        with socket.create_connection((parts.hostname, parts.port or 0), timeout=20) as connection:
            head = f"POST / HTTP/1.1\r\nAuthorization: {SIGNATURE}\r\nContent-Length: {len(body)}\r\n\r\n"
            connection.sendall(f"{head}{body}".encode())
            with pytest.raises(ConnectionResetError):
                connection.recv(1)

    def test_truncated_is_an_empty_answer_in_json_and_an_error_in_xml(self, aws: Clients, world: World) -> None:
        world.faults.add(Fault("truncated"))
        listed = aws.dynamodb.list_tables()
        assert set(listed) == set(aws.metric_data(query())) == {"ResponseMetadata"}
        assert int(listed["ResponseMetadata"]["HTTPHeaders"]["content-length"]) > 1000
        with pytest.raises(ResponseParserError):
            CALLS["sns"](aws)

    def test_truncated_is_seen_by_its_checksum_in_dynamodb(
        self, session: boto3.Session, stand_in: StandIn, world: World
    ) -> None:
        world.faults.add(Fault("truncated", times=1))
        assert Clients(session, stand_in.url, attempts=2).describe()["TableName"] == "orders"
        assert world.count("DescribeTable") == 2

    def test_garbage_is_no_answer(self, aws: Clients, world: World) -> None:
        world.faults.add(Fault("garbage"))
        assert set(aws.dynamodb.list_tables()) == set(aws.metric_data(query())) == {"ResponseMetadata"}
        with pytest.raises(ResponseParserError):
            CALLS["sns"](aws)

    @pytest.mark.parametrize("kind", sorted(KINDS - {"partial"}))
    def test_only_slow_and_lost_answer_let_the_call_take_effect(self, aws: Clients, world: World, kind: str) -> None:
        world.faults.add(Fault(kind, "UpdateTable"))
        with suppress(ClientError, HTTPClientError):
            aws.update(200, 50)
        assert world.faults.injected == {("UpdateTable", kind): 1}
        assert world.throughput("orders") == ((200, 50) if kind in ("slow", "lost_answer") else (100, 50))

    def test_partial_results_have_no_token(self, aws: Clients, world: World) -> None:
        world.put_load("orders", None, CONSUMED, 1.0)
        world.put_load("second", None, CONSUMED, 1.0)
        world.faults.add(Fault("partial", table="orders", times=1))
        queries = [query("a"), query("b"), query("c", "second")]
        answer = aws.metric_data(*queries, MaxDatapoints=11)
        told = {result["Id"]: (result["StatusCode"], len(result["Values"])) for result in answer["MetricDataResults"]}
        assert told == {"a": ("InternalError", 0), "b": ("PartialData", 2), "c": ("PartialData", 1)}
        assert "NextToken" not in answer
        assert len(points(aws.metric_data(*queries), "a")) == 5

    def test_slow_answers_late_but_well(self, aws: Clients, world: World) -> None:
        world.faults.add(Fault("slow", seconds=0.1))
        begin = time.monotonic()
        assert aws.describe()["TableName"] == "orders"
        assert time.monotonic() - begin >= 0.1

    def test_slow_comes_on_top_of_another_fault(self, aws: Clients, world: World) -> None:
        world.faults.add(Fault("slow", seconds=0.01))
        world.faults.add(Fault("throttle"))
        with refused("ThrottlingException"):
            aws.describe()
        assert world.faults.injected == {("DescribeTable", "slow"): 1, ("DescribeTable", "throttle"): 1}

    def test_slow_holds_no_other_call_up(self, session: boto3.Session) -> None:
        world = World()
        world.add_table("fast", 1, 1)
        world.faults.add(Fault("slow", table="slow", seconds=600))
        with StandIn(world) as stand_in, ThreadPoolExecutor(1) as pool:
            aws = Clients(session, stand_in.url)
            waiting = pool.submit(aws.describe, "slow")
            deadline = time.monotonic() + 10
            while not world.faults.injected and time.monotonic() < deadline:
                time.sleep(0.001)
            assert aws.describe("fast")["TableName"] == "fast"
            assert aws.metric_data(query())["MetricDataResults"]
            assert not waiting.done()
            stand_in.close()
            assert isinstance(waiting.exception(), HTTPClientError | ClientError)

    def test_operation_table_after_and_times_choose_the_calls(self, aws: Clients, world: World) -> None:
        world.add_table("second", 1, 1)
        world.faults.add(Fault("throttle", "DescribeTable", "orders", times=2, after=1))
        outcomes = []
        for table in ("orders", "second", "orders", "second", "orders", "orders"):
            try:
                outcomes.append((table, aws.describe(table)["TableName"] == table))
            except ClientError:
                outcomes.append((table, False))
        assert outcomes == [
            ("orders", True), ("second", True), ("orders", False), ("second", True), ("orders", False), ("orders", True)
        ]  # fmt: skip
        assert world.faults.injected == {("DescribeTable", "throttle"): 2}

    def test_a_table_is_met_in_dimensions_too(self, aws: Clients, world: World) -> None:
        world.faults.add(Fault("throttle", table="orders"))
        aws.metric_data(query(table="second"))
        aws.statistics(Dimensions=dimensions("second"))
        with refused("ThrottlingException"):
            aws.metric_data(query("a", "second"), query("b", "orders", "by_day"))
        with refused("ThrottlingException"):
            aws.statistics()

    def test_chance_is_the_same_every_time(self) -> None:
        def strikes(seed: int) -> list[bool]:
            plan = FaultPlan(seed)
            plan.add(Fault("throttle", probability=0.3))
            return [bool(plan.strike("ListTables", {})) for _ in range(1000)]

        assert strikes(0) == strikes(0) != strikes(1)
        assert 250 < sum(strikes(0)) < 350

    def test_cleared_faults_strike_no_more(self, aws: Clients, world: World) -> None:
        world.faults.add(Fault("throttle"))
        world.faults.clear()
        aws.describe()

    @pytest.mark.parametrize(
        ("kind", "operation"), [("thrott", None), ("throttle", "DescribeTabel"), ("partial", "UpdateTable")]
    )
    def test_a_fault_that_could_never_strike_is_an_error(self, kind: str, operation: str | None) -> None:
        with pytest.raises(ValueError, match=r"called|partial"):
            Fault(kind, operation)


DATA_FIELDS = {
    "StartTime": "2026-03-14T11:45:00Z",
    "EndTime": "2026-03-14T11:48:00Z",
    "MetricDataQueries.member.1.Id": "a",
    "MetricDataQueries.member.1.MetricStat.Metric.Namespace": "AWS/DynamoDB",
    "MetricDataQueries.member.1.MetricStat.Metric.MetricName": CONSUMED,
    "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Name": "TableName",
    "MetricDataQueries.member.1.MetricStat.Metric.Dimensions.member.1.Value": "orders",
    "MetricDataQueries.member.1.MetricStat.Period": "60",
    "MetricDataQueries.member.1.MetricStat.Stat": "Sum",
}
STATISTICS_FIELDS = {
    "Namespace": "AWS/DynamoDB",
    "MetricName": CONSUMED,
    "Dimensions.member.1.Name": "TableName",
    "Dimensions.member.1.Value": "orders",
    "StartTime": "2026-03-14T11:45:00.000Z",
    "EndTime": "2026-03-14T11:48:00",
    "Period": "180",
    "Statistics.member.1": "Sum",
}


class TestQueryProtocolOfCloudWatch:
    def test_get_metric_data(self, stand_in: StandIn, world: World) -> None:
        world.put_load("orders", None, CONSUMED, 12.5)
        answer = call_by_query(stand_in.url, {"Action": "GetMetricData", **DATA_FIELDS})
        assert answer.tag == "{http://monitoring.amazonaws.com/doc/2010-08-01/}GetMetricDataResponse"
        result = answer[0][0][0]
        values, times = result.find("{*}Values"), result.find("{*}Timestamps")
        assert values is not None
        assert times is not None
        assert [value.text for value in values] == ["12.5"] * 3
        assert sorted(str(time.text) for time in times) == [f"2026-03-14T11:{minute}:00Z" for minute in (45, 46, 47)]
        assert texts(answer, "StatusCode") == ["Complete"]

    def test_get_metric_statistics(self, stand_in: StandIn, world: World) -> None:
        world.put_load("orders", None, CONSUMED, 12.5)
        answer = call_by_query(stand_in.url, {"Action": "GetMetricStatistics", **STATISTICS_FIELDS})
        assert texts(answer, "Timestamp") == ["2026-03-14T11:45:00Z"]
        assert texts(answer, "Sum") == ["37.5"]

    def test_text_is_escaped(self, stand_in: StandIn, world: World) -> None:
        odd = {"MetricDataQueries.member.1.Label": "a < b & c"}
        assert texts(call_by_query(stand_in.url, {"Action": "GetMetricData", **DATA_FIELDS, **odd}), "Label") == [
            "a < b & c"
        ]

    def test_both_protocols_give_the_same_call(self, aws: Clients, stand_in: StandIn, world: World) -> None:
        call_by_query(stand_in.url, {"Action": "GetMetricData", **DATA_FIELDS})
        aws.metric_data(query(), end=-12)
        assert world.calls[0] == world.calls[1]

    def test_refusals(self, stand_in: StandIn, world: World) -> None:
        fields = {**DATA_FIELDS, "EndTime": "2026-03-14T11:45:00Z"}
        assert texts(call_by_query(stand_in.url, {"Action": "GetMetricData", **fields}), "Code") == ["ValidationError"]
        assert texts(call_by_query(stand_in.url, {"Action": "PutMetricData"}), "Code") == ["InvalidAction"]
        unsigned = call_by_query(stand_in.url, {"Action": "GetMetricData", **DATA_FIELDS}, signed=False)
        assert texts(unsigned, "Code") == ["MissingAuthenticationToken"]
        world.faults.add(Fault("throttle"))
        throttled = call_by_query(stand_in.url, {"Action": "GetMetricStatistics", **STATISTICS_FIELDS})
        assert texts(throttled, "Code") == ["Throttling"]


class TestRecords:
    def test_calls_are_kept_with_refused_ones(self, aws: Clients, world: World, stand_in: StandIn) -> None:
        aws.describe()
        with refused("ResourceNotFoundException"):
            aws.describe("nope")
        aws.dynamodb.list_tables(Limit=3)
        assert world.calls == [
            Call("DescribeTable", {"TableName": "orders"}),
            Call("DescribeTable", {"TableName": "nope"}),
            Call("ListTables", {"Limit": 3}),
        ]
        assert (world.calls[0].region, world.calls[0].access_key) == ("eu-west-1", "AKIDEXAMPLE")
        assert (world.count(), world.count("DescribeTable"), world.count("UpdateTable")) == (3, 2, 0)
        assert get(f"{stand_in.url}/_calls") == {"DescribeTable": 2, "ListTables": 1}

    def test_only_counts_when_calls_are_not_kept(self, aws: Clients, world: World) -> None:
        world.keep_calls = False
        aws.describe()
        assert (world.calls, world.count("DescribeTable")) == ([], 1)

    def test_throughput_over_http(self, aws: Clients, world: World, stand_in: StandIn) -> None:
        aws.update(200, 60)
        assert get(f"{stand_in.url}/_throughput") == {
            "orders": [200, 60], "orders/by_day": [20, 10], "orders/by_user": [8, 4]
        }  # fmt: skip

    def test_an_unknown_operation_is_refused(self, aws: Clients, world: World) -> None:
        with refused("UnknownOperationException"):
            aws.dynamodb.describe_limits()


class TestServer:
    def test_16_threads_at_once(self, aws: Clients, world: World) -> None:
        calls_each = 20
        for number in range(THREADS):
            world.add_table(f"t{number}", 1, 1)

        def work(number: int) -> None:
            for reads in range(2, 2 + calls_each):
                aws.update(reads, 1, table=f"t{number}")
                assert aws.describe(f"t{number}")["ProvisionedThroughput"]["ReadCapacityUnits"] == reads
                aws.sns.publish(TopicArn=TOPIC, Message=str(number))

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(work, range(THREADS)))
        assert world.count() == len(world.calls) == 3 * THREADS * calls_each
        assert len(world.updates) == len(world.published) == THREADS * calls_each

    def test_one_of_many_wins_a_table(self, aws: Clients, world: World) -> None:
        world.update_seconds = 60
        start = threading.Barrier(THREADS)

        def work(number: int) -> str:
            start.wait(timeout=10)
            try:
                aws.update(200 + number, 50)
            except ClientError as error:
                return str(error.response["Error"]["Code"])
            return "done"

        with ThreadPoolExecutor(THREADS) as pool:
            outcomes = sorted(pool.map(work, range(THREADS)))
        assert outcomes == ["ResourceInUseException"] * (THREADS - 1) + ["done"]
        assert len(world.updates) == 1

    def test_latency(self, aws: Clients, world: World, stand_in: StandIn) -> None:
        stand_in.latency_seconds = 0.05
        try:
            begin = time.monotonic()
            aws.describe()
            assert time.monotonic() - begin >= 0.05
        finally:
            stand_in.latency_seconds = 0

    def test_closed_it_refuses_connections(self, session: boto3.Session) -> None:
        with StandIn() as stand_in:
            aws = Clients(session, stand_in.url)
            aws.dynamodb.list_tables()
        with pytest.raises(EndpointConnectionError):
            aws.dynamodb.list_tables()

    def test_an_error_of_its_own_is_not_hidden(self, session: boto3.Session) -> None:
        world = World()
        world.metric = lambda table, index, name, minute: 1 / 0
        with (
            pytest.raises(RuntimeError, match="stand-in itself"),
            StandIn(world) as stand_in,
            refused("InternalServerError", "division by zero", status=500),
        ):
            Clients(session, stand_in.url).metric_data(query())


class TestProcess:
    @pytest.mark.parametrize("end", ["close stdin", "SIGTERM"])
    def test_serves_a_fleet_until_told_to_stop(self, session: boto3.Session, end: str) -> None:
        command = [sys.executable, "-m", "tests.stand_in", "--tables", "3", "--indexes-per-table", "1", "--reads", "40"]
        with subprocess.Popen(
            [*command, "--writes", "20", "--seed", "5"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                url = process.stdout.readline().decode().strip()
                aws = Clients(session, url)
                assert aws.dynamodb.list_tables()["TableNames"] == ["table-00001", "table-00002", "table-00003"]
                aws.update(50, 20, table="table-00002")
                throughput = get(f"{url}/_throughput")
                assert (throughput["table-00002"], throughput["table-00003/index-01"]) == ([50, 20], [40, 20])
                loads = points(aws.metric_data(query(table="table-00001"))).values()
                assert (len(loads), set(loads)) == (5, {1192.6})
                process.stdin.close() if end == "close stdin" else process.send_signal(signal.SIGTERM)
                assert process.wait(10) == 0
            finally:
                process.kill()
