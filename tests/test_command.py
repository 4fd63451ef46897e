"""The real command against moto: what it does to tables, indexes and topics."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from tests.command import KEYS, Command
from tests.fleet import CONSUMED_READS, CONSUMED_WRITES, READ_THROTTLES, Breaker

Units = tuple[int, int]


class Moto:
    """moto's AWS, to set up and to look at."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.dynamodb = self.client("dynamodb")
        self.cloudwatch = self.client("cloudwatch")

    def client(self, service: Any, region: str = "us-east-1") -> Any:
        keys = (KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"])
        return boto3.Session(*keys, region_name=region).client(service, endpoint_url=self.url)

    def reset(self) -> None:
        urllib.request.urlopen(urllib.request.Request(f"{self.url}/moto-api/reset", method="POST"), timeout=20).close()

    def add(self, name: str, units: Units = (100, 100), indexes: dict[str, Units] | None = None) -> None:
        key = [{"AttributeName": "id", "KeyType": "HASH"}]
        more: dict[str, Any] = {}
        if indexes:
            more["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": index,
                    "KeySchema": key,
                    "Projection": {"ProjectionType": "ALL"},
                    "ProvisionedThroughput": _throughput(index_units),
                }
                for index, index_units in indexes.items()
            ]
        self.dynamodb.create_table(
            TableName=name,
            KeySchema=key,
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            ProvisionedThroughput=_throughput(units),
            **more,
        )

    def load(self, table: str, a_minute: Mapping[str, float], index: str | None = None) -> None:
        """The same sums for every minute of the last half hour, by metric."""
        dimensions = [{"Name": "TableName", "Value": table}]
        if index:
            dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": index})
        this_minute = datetime.now(timezone.utc).replace(second=0, microsecond=0)
        data = [
            {
                "MetricName": metric,
                "Dimensions": dimensions,
                "Timestamp": this_minute - timedelta(minutes=ago),
                "Value": value,
            }
            for metric, value in a_minute.items()
            for ago in range(30)
        ]
        self.cloudwatch.put_metric_data(Namespace="AWS/DynamoDB", MetricData=data)

    def describe(self, table: str) -> Any:
        return self.dynamodb.describe_table(TableName=table)["Table"]

    def units(self, table: str) -> Units:
        return _units(self.describe(table))


def _throughput(units: Units) -> dict[str, int]:
    return {"ReadCapacityUnits": units[0], "WriteCapacityUnits": units[1]}


def _units(described: Any) -> Units:
    throughput = described["ProvisionedThroughput"]
    return throughput["ReadCapacityUnits"], throughput["WriteCapacityUnits"]


@pytest.fixture(scope="module")
def server() -> Iterator[Moto]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        yield Moto("http://{}:{}".format(*server.get_host_and_port()))
    finally:
        server.stop()


@pytest.fixture
def moto(server: Moto) -> Moto:
    server.reset()
    return server


@pytest.fixture
def command(server: Moto, tmp_path: Path) -> Command:
    return Command(tmp_path, server.url)


def windows_from_now(start_hours: int, end_hours: int) -> str:
    now = datetime.now(timezone.utc)
    return "-".join(f"{now + timedelta(hours=hours):%H:%M}" for hours in (start_hours, end_hours))


@dataclass(frozen=True)
class Scenario:
    """A table of 100 reads and 100 writes, its load (units a second, throttled events a minute), and its new units."""

    name: str
    options: str
    after: Units
    reads: float = 50
    writes: float = 50
    read_throttles: float = 0
    units: Units = (100, 100)


SCENARIOS = [
    Scenario("idle", "", (100, 100)),
    Scenario("up", "", (150, 100), reads=95),
    Scenario("up-above-provisioned", "", (195, 100), reads=130),
    Scenario("down", "", (50, 50), reads=10, writes=29),
    Scenario("up-and-down", "", (150, 50), reads=95, writes=10),
    Scenario("up-by-units", "increase-reads-unit: units\nincrease-reads-with: 7", (107, 100), reads=95),
    Scenario("float-threshold", "reads-upper-threshold: 49.5", (150, 100)),
    Scenario("maximum", "max-provisioned-reads: 120", (120, 100), reads=95),
    Scenario("minimum", "min-provisioned-reads: 80", (80, 100), reads=10),
    Scenario("above-the-maximum", "max-provisioned-reads: 60", (60, 100)),
    Scenario("below-the-minimum", "min-provisioned-reads: 120", (120, 100)),
    Scenario("granular-up", "increase-consumed-reads-scale: {0: 0, 50: 10, 80: 40}", (110, 100), reads=60),
    Scenario("granular-down", "decrease-consumed-reads-scale: {10: 60, 30: 20}", (80, 100), reads=20),
    Scenario(
        "throttled",
        "throttled-reads-upper-threshold: 100\nincrease-reads-unit: units\nincrease-reads-with: 20",
        (120, 100),
        read_throttles=50,
    ),
    Scenario(
        "throttled-by-provisioned",
        "increase-throttled-by-provisioned-reads-scale: {1: 10, 5: 30, 50: 80}",
        (130, 100),
        read_throttles=600,  # ten a second
    ),
    Scenario(
        "throttled-by-consumed",
        "increase-throttled-by-consumed-reads-scale: {1: 10, 5: 30, 50: 80}",
        (180, 100),
        read_throttles=1800,  # 60 percent of the consumed
    ),
    Scenario("together", "always-decrease-rw-together: true", (50, 50), reads=10, writes=10),
    Scenario("not-together", "always-decrease-rw-together: true", (100, 100), reads=10),
    Scenario("window-open", "maintenance-windows: 00:00-23:59", (50, 100), reads=10),
    Scenario("window-closed", f"maintenance-windows: {windows_from_now(2, 4)}", (150, 100), reads=95, writes=10),
    Scenario("off", "enable-reads-autoscaling: false\nenable-writes-autoscaling: false", (100, 100), 95, 10),
]


@pytest.fixture(scope="module")
def scaled(server: Moto, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Units]:
    """The units of all tables of the scenarios after one run over them all."""
    server.reset()
    for each in SCENARIOS:
        server.add(each.name)
        load = {CONSUMED_READS: each.reads * 60, CONSUMED_WRITES: each.writes * 60, READ_THROTTLES: each.read_throttles}
        server.load(each.name, load)
    sections = "\n".join(f"[table: ^{each.name}$]\n{each.options}\n" for each in SCENARIOS)
    done = Command(tmp_path_factory.mktemp("scaled"), server.url).run_once(sections)
    assert (done.code, done.stderr, done.at("ERROR"), done.at("WARNING")) == (0, "", [], [])
    return {each.name: server.units(each.name) for each in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda each: each.name)
def test_a_table_is_scaled(scaled: dict[str, Units], scenario: Scenario) -> None:
    assert scaled[scenario.name] == scenario.after


def test_a_table_and_its_indexes_are_scaled(moto: Moto, command: Command) -> None:
    moto.add("orders", indexes={"by_day": (10, 10), "by_user": (10, 10), "other": (10, 10)})
    moto.load("orders", {CONSUMED_READS: 50 * 60, CONSUMED_WRITES: 95 * 60})
    moto.load("orders", {CONSUMED_READS: 9.5 * 60, CONSUMED_WRITES: 5 * 60}, "by_day")
    moto.load("orders", {CONSUMED_READS: 5 * 60, CONSUMED_WRITES: 1 * 60}, "by_user")
    moto.load("orders", {CONSUMED_READS: 20 * 60}, "other")
    done = command.run_once("[table: orders]\n[gsi: by_ table: orders]")
    assert done.code == 0
    table = moto.describe("orders")
    assert _units(table) == (100, 150)
    assert {index["IndexName"]: _units(index) for index in table["GlobalSecondaryIndexes"]} == {
        "by_day": (15, 10),
        "by_user": (10, 5),
        "other": (10, 10),
    }


def test_the_command_line_alone_configures_a_table(moto: Moto, command: Command) -> None:
    for name in ("orders", "orders-old"):
        moto.add(name)
        moto.load(name, {CONSUMED_READS: 70 * 60})
    done = command.run_once("", "-t", "^orders$", "--reads-upper-threshold", "60", "--increase-reads-with", "20")
    assert (done.code, moto.units("orders"), moto.units("orders-old")) == (0, (120, 100), (100, 100))


def test_a_dry_run_changes_nothing(moto: Moto, command: Command, tmp_path: Path) -> None:
    moto.add("orders", indexes={"by_day": (10, 10)})
    moto.load("orders", {CONSUMED_READS: 95 * 60, CONSUMED_WRITES: 10 * 60})
    moto.load("orders", {CONSUMED_READS: 9.5 * 60}, "by_day")
    before = moto.describe("orders")
    files = {path.name for path in tmp_path.iterdir()}
    done = command.run_once("[table: orders]\n[gsi: by_day table: orders]", "--dry-run")
    assert (done.code, done.stderr) == (0, "")
    assert moto.describe("orders") == before
    assert {path.name for path in tmp_path.iterdir()} - files == {"dynamic-dynamodb.conf"}
    assert all(" - dryrun - " in line for line in done.lines)
    would = [line for line in done.lines if "would change" in line]
    assert [line.split(": ")[0].rpartition(" change ")[2] for line in would] == ["orders", "orders - GSI"]


class Inbox:
    """A queue that is subscribed to a topic."""

    def __init__(self, moto: Moto, region: str) -> None:
        self.sns, self.sqs = moto.client("sns", region), moto.client("sqs", region)
        self.topic: str = self.sns.create_topic(Name="scaling")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="inbox")["QueueUrl"]
        queue_arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=queue_arn["Attributes"]["QueueArn"])

    def messages(self) -> dict[str, str]:
        """What has come, by subject."""
        received = self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get("Messages", [])
        bodies = [json.loads(message["Body"]) for message in received]
        return {body["Subject"]: body["Message"] for body in bodies}


@pytest.mark.parametrize("region", ["us-east-1", "eu-west-1"])
def test_notifications_arrive(moto: Moto, command: Command, region: str) -> None:
    inbox = Inbox(moto, region)
    assert f":{region}:" in inbox.topic
    for name, reads in (("calm", 50), ("orders", 95), ("quiet", 10)):
        moto.add(name)
        moto.load(name, {CONSUMED_READS: reads * 60, CONSUMED_WRITES: 50 * 60})
    configuration = f"""
        [default_options]
        sns-topic-arn: {inbox.topic}
        sns-message-types: scale-up,scale-down, high-throughput-alarm, low-throughput-alarm
        reads-upper-alarm-threshold: 80
        reads-lower-alarm-threshold: 20
        [table: .*]
        """
    assert command.run_once(configuration, "--dry-run").code == 0
    assert inbox.messages() == {}
    assert command.run_once(configuration).code == 0
    messages = inbox.messages()
    assert messages.keys() == {
        "High throughput alarm: orders",
        "Scaled up: orders",
        "Low throughput alarm: quiet",
        "Scaled down: quiet",
    }
    assert "reads: up from 100 to 150" in messages["Scaled up: orders"]
    assert "reads: 10% consumed (10 of 100 provisioned units)" in messages["Low throughput alarm: quiet"]


def test_a_topic_that_does_not_exist_is_an_error_and_stops_nothing(moto: Moto, command: Command) -> None:
    moto.add("orders")
    moto.load("orders", {CONSUMED_READS: 95 * 60})
    topic = "arn:aws:sns:us-east-1:123456789012:nowhere"
    done = command.run_once(f"[table: orders]\nsns-topic-arn: {topic}\nsns-message-types: scale-up")
    assert (done.code, moto.units("orders")) == (0, (150, 100))
    (error,) = done.at("ERROR")
    assert error.startswith("orders: sns:Publish failed (NotFound")


@pytest.mark.parametrize(("status", "after"), [(204, (150, 100)), (503, (100, 100))])
def test_the_circuit_breaker_is_asked_first(moto: Moto, command: Command, status: int, after: Units) -> None:
    moto.add("orders")
    moto.load("orders", {CONSUMED_READS: 95 * 60})
    with Breaker(status) as breaker:
        url = f"http://sesame:hush@{breaker.host}/state"
        done = command.run_once(f"[global]\ncircuit-breaker-url: {url}\n[table: orders]")
    assert (done.code, moto.units("orders")) == (0, after)
    assert [asked.headers["x-table-name"] for asked in breaker.asked] == ["orders"]
    assert len(done.at("WARNING")) == (status == 503)
    assert not any("hush" in line for line in done.lines)


def test_the_count_of_checks_goes_on_in_the_next_run(moto: Moto, command: Command) -> None:
    moto.add("orders")
    moto.load("orders", {CONSUMED_READS: 10 * 60})
    configuration = "[table: orders]\nnum-read-checks-before-scale-down: 2"
    assert command.run_once(configuration, "--dry-run").code == 0
    made = []
    for _ in range(2):
        assert command.run_once(configuration).code == 0
        made.append(moto.units("orders"))
    assert made == [(100, 100), (50, 100)]
