"""GetMetricData and GetMetricStatistics."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from .clock import MINUTE
from .errors import ApiError, not_done_here
from .metrics import Bucket, Datapoints, Series, buckets
from .world import DATAPOINTS_PER_CALL, Call, World

NAMESPACE = "AWS/DynamoDB"
QUERIES_PER_CALL = 500
DATAPOINTS_PER_STATISTICS_CALL = 1440
UNIT = "Count"
_QUERY_ID = re.compile(r"[a-z][a-zA-Z0-9_]*")
_PERIOD = "The parameter Period must be a value in the set [ 1, 5, 10, 20, 30 ], or a multiple of 60."
_BEFORE = "The parameter StartTime must be less than the parameter EndTime."
_NOTHING: Datapoints = ([], [])


class _Answer(NamedTuple):
    id: str
    label: str
    datapoints: Datapoints


def get_metric_data(world: World, call: Call) -> dict[str, Any]:
    parameters = call.parameters
    _require(parameters, "MetricDataQueries", "StartTime", "EndTime")
    start, end = parameters["StartTime"], parameters["EndTime"]
    if start >= end:
        raise ApiError("ValidationError", _BEFORE)
    queries = parameters["MetricDataQueries"]
    if len(queries) > QUERIES_PER_CALL:
        raise ApiError(
            "ValidationError", f"The collection MetricDataQueries must not have a size greater than {QUERIES_PER_CALL}."
        )
    if len({query["Id"] for query in queries}) < len(queries):
        raise ApiError("ValidationError", "The values for parameter id in MetricDataQueries are not unique.")
    periods: dict[int, list[Bucket]] = {}
    answers = [_answer(world, query, start, end, periods) for query in queries]
    limit = min(parameters.get("MaxDatapoints", DATAPOINTS_PER_CALL), world.datapoints_per_page)
    return _page(answers, limit, parameters)


def _answer(world: World, query: Any, start: float, end: float, periods: dict[int, list[Bucket]]) -> _Answer:
    if "MetricStat" not in query or not query.keys() <= {"Id", "Label", "MetricStat", "ReturnData"}:
        raise not_done_here(f"a metric data query with {', '.join(sorted(query))}")
    if not query.get("ReturnData", True):
        raise not_done_here("a metric data query whose data is not returned")
    if not _QUERY_ID.fullmatch(query["Id"]):
        raise ApiError("ValidationError", f"The value '{query['Id']}' for parameter Id is not matching the pattern.")
    statistic = query["MetricStat"]
    if statistic["Stat"] not in ("Sum", "Maximum"):
        raise not_done_here(f"the statistic {statistic['Stat']}")
    period = statistic["Period"]
    if period not in periods:
        _check_period(period, "ValidationError")
        # Whole periods of the clock: one that began before the start is left out.
        first = int(start) // MINUTE * MINUTE
        periods[period] = buckets(math.ceil(first / period) * period, end, period)
    metric = statistic["Metric"]
    datapoints = _NOTHING
    if statistic.get("Unit", UNIT) == UNIT:
        datapoints = _read(world, metric, periods[period], statistic["Stat"])
    return _Answer(query["Id"], query.get("Label", metric["MetricName"]), datapoints)


def _page(answers: list[_Answer], limit: int, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The datapoints from where the token says, as many as a page holds; queries told in full before are left out."""
    token = parameters.get("NextToken")
    offset = 0 if token is None else _offset(token, parameters)
    page_end = offset + limit
    results: list[dict[str, Any]] = []
    position = 0
    for answer in answers:
        timestamps, values = answer.datapoints
        begin, position = position, position + len(values)
        if offset and position <= offset:
            continue
        low, high = max(offset - begin, 0), max(page_end - begin, 0)
        results.append(
            {
                "Id": answer.id,
                "Label": answer.label,
                "Timestamps": timestamps[low:high],
                "Values": values[low:high],
                "StatusCode": "Complete" if position <= page_end else "PartialData",
            }
        )
    page: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
    if position > page_end:
        page["NextToken"] = _token(page_end, parameters)
    return page


def _token(offset: int, parameters: Mapping[str, Any]) -> str:
    """Where the next page begins, good for the same question only."""
    question = {name: value for name, value in parameters.items() if name not in ("NextToken", "MaxDatapoints")}
    digest = hashlib.sha256(json.dumps(question, sort_keys=True).encode()).hexdigest()[:16]
    return base64.urlsafe_b64encode(f"{offset} {digest}".encode()).decode()


def _offset(token: str, parameters: Mapping[str, Any]) -> int:
    try:
        offset = int(base64.urlsafe_b64decode(token).split()[0])
    except (ValueError, IndexError, binascii.Error):
        offset = -1
    if offset < 0 or _token(offset, parameters) != token:
        raise ApiError("InvalidNextToken", "The service is unable to parse the NextToken.")
    return offset


def get_metric_statistics(world: World, call: Call) -> dict[str, Any]:
    parameters = call.parameters
    _require(parameters, "Namespace", "MetricName", "StartTime", "EndTime", "Period")
    if parameters.get("ExtendedStatistics") or parameters.get("Statistics") not in (None, ["Sum"]):
        raise not_done_here("any statistic but Sum")
    if "Statistics" not in parameters:
        raise ApiError("MissingParameter", "At least one of Statistics and ExtendedStatistics must be specified.")
    period, start, end = parameters["Period"], parameters["StartTime"], parameters["EndTime"]
    _check_period(period, "InvalidParameterValue")
    if start >= end:
        raise ApiError("InvalidParameterValue", _BEFORE)
    # Here the periods are counted from the start, not from the full hour.
    first = int(start) // MINUTE * MINUTE
    requested = math.ceil((end - first) / period)
    if requested > DATAPOINTS_PER_STATISTICS_CALL:
        raise ApiError(
            "InvalidParameterCombination",
            f"You have requested up to {requested:,} datapoints, which exceeds the limit of "
            f"{DATAPOINTS_PER_STATISTICS_CALL:,}. You may reduce the datapoints requested by increasing Period, or "
            "decreasing the time range.",
        )
    timestamps, values = _NOTHING
    if parameters.get("Unit", UNIT) == UNIT:
        timestamps, values = _read(world, parameters, buckets(first, end, period))
    datapoints = [
        {"Timestamp": timestamp, "Sum": value, "Unit": UNIT}
        for timestamp, value in zip(timestamps, values, strict=True)
    ]
    return {"Label": parameters["MetricName"], "Datapoints": datapoints}


def _require(parameters: Mapping[str, Any], *names: str) -> None:
    for name in names:
        if name not in parameters:
            raise ApiError("MissingParameter", f"The request must contain the parameter {name}.")


def _check_period(period: int, code: str) -> None:
    if period in (1, 5, 10, 20, 30):
        raise not_done_here("periods under a minute")
    if period < MINUTE or period % MINUTE:
        raise ApiError(code, _PERIOD)


def _read(world: World, metric: Mapping[str, Any], periods: list[Bucket], statistic: str = "Sum") -> Datapoints:
    """The datapoints of this very metric: another namespace, or one dimension more or less, is another metric."""
    if metric["Namespace"] != NAMESPACE:
        return _NOTHING
    dimensions = {dimension["Name"]: dimension["Value"] for dimension in metric.get("Dimensions") or ()}
    if dimensions.keys() == {"TableName"}:
        index = None
    elif dimensions.keys() == {"TableName", "GlobalSecondaryIndexName"}:
        index = dimensions["GlobalSecondaryIndexName"]
    else:
        return _NOTHING
    return world.metrics.read(Series(dimensions["TableName"], index, metric["MetricName"]), periods, statistic)


def make_partial(result: dict[str, Any], ids: Iterable[str]) -> None:
    """Spoil the results of these queries, in turn as AWS may: an internal error, or half of the data."""
    wanted = set(ids)
    spoilt = [answer for answer in result["MetricDataResults"] if answer["Id"] in wanted]
    for number, answer in enumerate(spoilt):
        status, keep = ("PartialData", len(answer["Values"]) // 2) if number % 2 else ("InternalError", 0)
        answer.update(Timestamps=answer["Timestamps"][:keep], Values=answer["Values"][:keep], StatusCode=status)
    result.pop("NextToken", None)
