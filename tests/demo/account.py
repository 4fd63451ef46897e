"""The AWS account of the demonstration: moto's server in a thread, so that it cannot outlive this process."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import boto3
from moto.backends import get_backend
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.server import ThreadedMotoServer

from tests.demo.scenario import Load, Resource

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch.type_defs import DimensionTypeDef, MetricDatumTypeDef

Units = Mapping[tuple[str, str], int]
"""Provisioned units by label and dimension, in all 0 where a table is on-demand."""

_HASH_KEY: Any = [{"AttributeName": "id", "KeyType": "HASH"}]
_ATTRIBUTES: Any = [{"AttributeName": "id", "AttributeType": "S"}]
_MINUTES_OF_DATA = 30
"""More than the program looks back, so that it does not matter when in these minutes it looks."""


@contextmanager
def serving() -> Iterator[str]:
    """Serve on a free port of the loopback interface; the URL is where boto3 goes from then on."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = os.environ["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
        yield url
    finally:
        server.stop()


class Account:
    """DynamoDB and CloudWatch in it."""

    def __init__(self) -> None:
        self._dynamodb = boto3.client("dynamodb")
        self._cloudwatch = boto3.client("cloudwatch")

    def create(self, resources: Sequence[Resource]) -> None:
        """Create the tables with their indexes."""
        for table in resources:
            if table.index:
                continue
            request: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST"} if table.is_on_demand else _throughput(table)
            indexes = [
                {
                    "IndexName": index.index,
                    "KeySchema": _HASH_KEY,
                    "Projection": {"ProjectionType": "ALL"},
                    **_throughput(index),
                }
                for index in resources
                if index.index and index.table == table.table
            ]
            if indexes:
                request["GlobalSecondaryIndexes"] = indexes
            self._dynamodb.create_table(
                TableName=table.table, KeySchema=_HASH_KEY, AttributeDefinitions=_ATTRIBUTES, **request
            )

    def describe(self, resources: Sequence[Resource]) -> Units:
        """What DescribeTable says now."""
        units = {}
        for resource in resources:
            described: Any = self._dynamodb.describe_table(TableName=resource.table)["Table"]
            if resource.index:
                (described,) = (
                    index for index in described["GlobalSecondaryIndexes"] if index["IndexName"] == resource.index
                )
            throughput = described.get("ProvisionedThroughput", {})
            units[resource.label, "reads"] = throughput.get("ReadCapacityUnits", 0)
            units[resource.label, "writes"] = throughput.get("WriteCapacityUnits", 0)
        return units

    def put_load(self, resources: Sequence[Resource], loads: Mapping[str, Load]) -> None:
        """Let CloudWatch know this load, and no other, for every minute of the last half hour."""
        # CloudWatch itself has no call to remove datapoints.
        get_backend("cloudwatch")[DEFAULT_ACCOUNT_ID][self._cloudwatch.meta.region_name].reset()
        this_minute = datetime.now(timezone.utc).replace(second=0, microsecond=0)
        minutes = [this_minute - timedelta(minutes=ago) for ago in range(_MINUTES_OF_DATA)]
        for resource in resources:
            data = [
                _datum(resource, metric, minute, value)
                for metric, value in _a_minute_of(loads.get(resource.label, Load())).items()
                # An idle table has no datapoints.
                if value
                for minute in minutes
            ]
            if data:
                self._cloudwatch.put_metric_data(Namespace="AWS/DynamoDB", MetricData=data)


def _throughput(resource: Resource) -> dict[str, Any]:
    return {"ProvisionedThroughput": {"ReadCapacityUnits": resource.reads, "WriteCapacityUnits": resource.writes}}


def _a_minute_of(load: Load) -> Mapping[str, float]:
    return {
        "ConsumedReadCapacityUnits": load.reads * 60,
        "ConsumedWriteCapacityUnits": load.writes * 60,
        "ReadThrottleEvents": load.throttled_reads,
    }


def _datum(resource: Resource, metric: str, minute: datetime, value: float) -> MetricDatumTypeDef:
    dimensions: list[DimensionTypeDef] = [{"Name": "TableName", "Value": resource.table}]
    if resource.index:
        dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": resource.index})
    return {"MetricName": metric, "Dimensions": dimensions, "Timestamp": minute, "Value": value}
