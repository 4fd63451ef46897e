"""The operations: parameters in, result out, or ApiError."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import cloudwatch, dynamodb, sns
from .errors import ApiError
from .faults import Fault, tables_named
from .world import Call, World

__all__ = ["OPERATIONS", "ApiError", "perform"]

OPERATIONS: dict[str, Callable[[World, Call], dict[str, Any]]] = {
    "ListTables": dynamodb.list_tables,
    "DescribeTable": dynamodb.describe_table,
    "UpdateTable": dynamodb.update_table,
    "GetMetricData": cloudwatch.get_metric_data,
    "GetMetricStatistics": cloudwatch.get_metric_statistics,
    "Publish": sns.publish,
}


def perform(world: World, call: Call, faults: list[Fault]) -> dict[str, Any]:
    """Do what the call asks for. Timestamps in the result are `Timestamp`s, for the protocol to write."""
    result = OPERATIONS[call.operation](world, call)
    for fault in faults:
        if fault.kind == "partial":
            cloudwatch.make_partial(result, _ids_about(fault.table, call.parameters["MetricDataQueries"]))
    return result


def _ids_about(table: str | None, queries: list[dict[str, Any]]) -> list[str]:
    """The queries that name the table; None: all."""
    return [query["Id"] for query in queries if table is None or table in tables_named({"MetricDataQueries": [query]})]
