"""ListTables, DescribeTable and UpdateTable."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .errors import ApiError, not_done_here, validation
from .metrics import Timestamp
from .tables import Capacity, Change, Table
from .world import Call, World

TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/"
MOST_NAMES_ON_A_PAGE = 100


def _only(parameters: Any, *known: str) -> None:
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        raise not_done_here(f"the parameter {', '.join(unknown)}")


def list_tables(world: World, call: Call) -> dict[str, Any]:
    _only(call.parameters, "Limit", "ExclusiveStartTableName")
    limit = call.parameters.get("Limit", world.page_size)
    if not 1 <= limit <= max(MOST_NAMES_ON_A_PAGE, world.page_size):
        raise validation(
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
            f"Member must have value between 1 and {MOST_NAMES_ON_A_PAGE}"
        )
    after = call.parameters.get("ExclusiveStartTableName", "")
    names, more = world.names_after(after, min(limit, world.page_size))
    return {"TableNames": names, "LastEvaluatedTableName": names[-1]} if more else {"TableNames": names}


def describe_table(world: World, call: Call) -> dict[str, Any]:
    _only(call.parameters, "TableName")
    with world.lock:
        return {"Table": _description(world.table(_table_name(call)), world.now())}


def update_table(world: World, call: Call) -> dict[str, Any]:
    _only(call.parameters, "TableName", "ProvisionedThroughput", "GlobalSecondaryIndexUpdates")
    name = _table_name(call)
    changes = _changes(call)
    with world.lock:
        return {"TableDescription": _description(world.update_table(name, changes), world.now())}


def _table_name(call: Call) -> str:
    name = call.parameters.get("TableName")
    if not isinstance(name, str) or not name:
        raise validation("The parameter 'TableName' is required but was not present in the request")
    return name


def _changes(call: Call) -> list[Change]:
    """What the call asks for, found sound in itself, whatever the table is like."""
    changes: list[Change] = []
    units = call.parameters.get("ProvisionedThroughput")
    if units is not None:
        changes.append(_change(None, units, "provisionedThroughput"))
    for position, action in enumerate(call.parameters.get("GlobalSecondaryIndexUpdates") or (), start=1):
        _only(action, "Update")
        update = action["Update"]
        _only(update, "IndexName", "ProvisionedThroughput")
        path = f"globalSecondaryIndexUpdates.{position}.member.update.provisionedThroughput"
        change = _change(update["IndexName"], update["ProvisionedThroughput"], path)
        if any(change.index == other.index for other in changes):
            raise validation(
                "One or more parameter values were invalid: Only one global secondary index update per index is "
                f"allowed simultaneously. Index: {change.index}"
            )
        changes.append(change)
    if not changes:
        raise validation(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )
    return changes


def _change(index: str | None, units: Any, path: str) -> Change:
    for name in ("ReadCapacityUnits", "WriteCapacityUnits"):
        value = units.get(name)
        if value is None:
            raise validation(f"1 validation error detected: Value at '{path}.{name}' must not be null")
        if type(value) is not int:
            raise ApiError("SerializationException", f"{name} is no whole number: {value!r}")
        if value < 1:
            raise validation(
                f"1 validation error detected: Value '{value}' at '{path}.{name[0].lower()}{name[1:]}' failed to "
                "satisfy constraint: Member must have value greater than or equal to 1"
            )
    return Change(index, units["ReadCapacityUnits"], units["WriteCapacityUnits"])


def _description(table: Table, now: datetime) -> dict[str, Any]:
    capacity = table.capacity
    arn = TABLE_ARN + capacity.name
    described: dict[str, Any] = {
        "TableName": capacity.name,
        "TableStatus": capacity.status,
        "TableArn": arn,
        "CreationDateTime": Timestamp(table.created.timestamp()),
        "ItemCount": 0,
        "TableSizeBytes": 0,
        "ProvisionedThroughput": _throughput(capacity, table.on_demand, now),
    }
    if table.on_demand:
        described["BillingModeSummary"] = {"BillingMode": "PAY_PER_REQUEST"}
    if table.indexes:
        described["GlobalSecondaryIndexes"] = [
            {
                "IndexName": index.name,
                "IndexStatus": index.status,
                "IndexArn": f"{arn}/index/{index.name}",
                "ItemCount": 0,
                "ProvisionedThroughput": _throughput(index, table.on_demand, now),
            }
            for index in table.indexes.values()
        ]
    return described


def _throughput(capacity: Capacity, on_demand: bool, now: datetime) -> dict[str, Any]:
    described: dict[str, Any] = {
        "NumberOfDecreasesToday": capacity.decreases_today(now),
        "ReadCapacityUnits": 0 if on_demand else capacity.reads,
        "WriteCapacityUnits": 0 if on_demand else capacity.writes,
    }
    if capacity.last_increase is not None:
        described["LastIncreaseDateTime"] = Timestamp(capacity.last_increase.timestamp())
    if capacity.last_decrease is not None:
        described["LastDecreaseDateTime"] = Timestamp(capacity.last_decrease.timestamp())
    return described
