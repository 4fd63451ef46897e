"""DynamoDB: list the tables, describe one, update one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dynamic_dynamodb.aws.errors import translated
from dynamic_dynamodb.aws.retry import Patience, with_backoff
from dynamic_dynamodb.model import Change, Dimension, ResourceState, TableDescription, Throughput

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

_UPDATE_ATTEMPTS = 4


def list_tables(client: DynamoDBClient) -> list[str]:
    """The names of all tables of the region."""
    with translated("dynamodb:ListTables"):
        pages = client.get_paginator("list_tables").paginate()
        return [name for page in pages for name in page["TableNames"]]


def describe_table(client: DynamoDBClient, name: str) -> TableDescription:
    """What DynamoDB says of a table and its indexes. Raises NotFound if there is no such table."""
    with translated("dynamodb:DescribeTable"):
        table: Mapping[str, Any] = client.describe_table(TableName=name)["Table"]
        throughput = _state(table["TableStatus"], table.get("ProvisionedThroughput", {}))
        return TableDescription(
            table=throughput,
            indexes={
                index["IndexName"]: _state(index["IndexStatus"], index.get("ProvisionedThroughput", {}))
                for index in table.get("GlobalSecondaryIndexes", ())
            },
            is_on_demand=table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
            or not all(throughput.throughput.values()),
        )


def _state(status: str, described: Mapping[str, Any]) -> ResourceState:
    return ResourceState(
        status=status,
        throughput={dimension: described.get(dimension.capacity, 0) for dimension in Dimension},
        decreases_today=described.get("NumberOfDecreasesToday", 0),
        last_decrease=described.get("LastDecreaseDateTime"),
    )


def update_table(client: DynamoDBClient, changes: Sequence[Change], patience: Patience) -> None:
    """Change a table and its indexes in one call; all `changes` are of the same table.

    Raises LimitReached, ChangeInvalid or TableBusy where DynamoDB refuses the call, which it then does as a whole.
    """
    request: dict[str, Any] = {"TableName": changes[0].resource.table}
    for change in changes:
        if change.resource.index:
            update = {
                "IndexName": change.resource.index,
                "ProvisionedThroughput": _capacities(change.after),
            }
            request.setdefault("GlobalSecondaryIndexUpdates", []).append({"Update": update})
        else:
            request["ProvisionedThroughput"] = _capacities(change.after)

    def call() -> None:
        with translated("dynamodb:UpdateTable"):
            # An answer without this is not DynamoDB's, which botocore does not notice.
            _ = client.update_table(**request)["TableDescription"]

    with_backoff(call, _UPDATE_ATTEMPTS, patience)


def _capacities(throughput: Throughput) -> dict[str, int]:
    return {dimension.capacity: throughput[dimension] for dimension in Dimension}
