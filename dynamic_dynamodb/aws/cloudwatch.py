"""CloudWatch: the sums of metrics over a window, many in one call."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from threading import Lock
from typing import TYPE_CHECKING, Any

from dynamic_dynamodb.aws.errors import translated
from dynamic_dynamodb.aws.retry import Patience, with_backoff
from dynamic_dynamodb.exceptions import AccessDenied, AwsError
from dynamic_dynamodb.log_handler import logger
from dynamic_dynamodb.model import Measured, MetricQuery, Window

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_QUERIES_PER_CALL = 500
"""The most that GetMetricData takes ("CloudWatch service quotas" in the CloudWatch User Guide)."""

_QUERIES_ALONE = 4
"""How many GetMetricStatistics calls are made one after the other: those of a table, so that tables go in parallel."""

_NAMESPACE = "AWS/DynamoDB"
_PERIOD_SECONDS = 60
_MOST_DATAPOINTS = 1440
"""The most that GetMetricStatistics returns (its page in the CloudWatch API Reference)."""

_ATTEMPTS = 10


class CloudWatch:
    """Measures with GetMetricData, or, once that has been refused, with GetMetricStatistics."""

    def __init__(self, client: CloudWatchClient, patience: Patience) -> None:
        self._client = client
        self._patience = patience
        self._is_data_allowed = True
        self._lock = Lock()

    @property
    def queries_per_call(self) -> int:
        """How many queries `measure` takes."""
        return _QUERIES_PER_CALL if self._is_data_allowed else _QUERIES_ALONE

    def measure(self, queries: Sequence[MetricQuery]) -> Measured | None:
        """Answer queries. One without datapoints has the sum 0: CloudWatch has none of an idle table.

        None if GetMetricData has been refused: then the same is to be asked anew, with fewer queries at a time.
        """
        if not self._is_data_allowed:
            return {query: self._measure_alone(query) for query in queries}
        try:
            return self._measure_together(queries)
        except AccessDenied as error:
            with self._lock:
                is_first, self._is_data_allowed = self._is_data_allowed, False
            if is_first:
                logger.warning("%s; going on with cloudwatch:GetMetricStatistics, which takes more calls", error)
            return None

    def _measure_together(self, queries: Sequence[MetricQuery]) -> Measured:
        measured: dict[MetricQuery, Fraction | AwsError] = {}

        def measure_the_rest() -> None:
            rest = [query for query in queries if query not in measured]
            measured.update(self._get_metric_data(rest))
            if len(measured) < len(queries):
                text = "cloudwatch:GetMetricData failed: it returned incomplete data"
                raise AwsError(text, "cloudwatch:GetMetricData incomplete", is_transient=True)

        try:
            with_backoff(measure_the_rest, _ATTEMPTS, self._patience)
        except AccessDenied:
            raise
        except AwsError as error:
            return {query: measured.get(query, error) for query in queries}
        return measured

    def _get_metric_data(self, queries: Sequence[MetricQuery]) -> dict[MetricQuery, Fraction]:
        """One call, or more where the answer has several pages. Queries whose result is not complete are left out."""
        by_id = {f"q{number}": query for number, query in enumerate(queries)}
        sums = {query: Decimal(0) for query in queries}
        complete: dict[str, bool] = {}
        with translated("cloudwatch:GetMetricData"):
            pages = self._client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=[
                    {
                        "Id": identifier,
                        "MetricStat": {"Metric": _metric(query), "Period": _PERIOD_SECONDS, "Stat": "Sum"},
                    }
                    for identifier, query in by_id.items()
                ],
                StartTime=min(query.window.start for query in queries),
                EndTime=max(query.window.end for query in queries),
            )
            for page in pages:
                for result in page["MetricDataResults"]:
                    query = by_id[result["Id"]]
                    # A result that goes on on the next page is PartialData until then.
                    complete[result["Id"]] = result["StatusCode"] == "Complete"
                    sums[query] += _sum_within(query, zip(result["Timestamps"], result["Values"], strict=True))
            return {query: Fraction(sums[query]) for name, query in by_id.items() if complete.get(name)}

    def _measure_alone(self, query: MetricQuery) -> Fraction | AwsError:
        try:
            return Fraction(sum(self._get_metric_statistics(query, *piece) for piece in _pieces(query.window)))
        except AwsError as error:
            return error

    def _get_metric_statistics(self, query: MetricQuery, start: datetime, end: datetime) -> Decimal:
        def call() -> Decimal:
            with translated("cloudwatch:GetMetricStatistics"):
                answer = self._client.get_metric_statistics(
                    **_metric(query), StartTime=start, EndTime=end, Period=_PERIOD_SECONDS, Statistics=["Sum"]
                )
                return _sum_within(query, ((point["Timestamp"], point["Sum"]) for point in answer["Datapoints"]))

        return with_backoff(call, _ATTEMPTS, self._patience)


def _pieces(window: Window) -> Iterator[tuple[datetime, datetime]]:
    """The window in stretches that one GetMetricStatistics can answer."""
    start = window.start
    while start < window.end:
        end = min(window.end, start + timedelta(seconds=_MOST_DATAPOINTS * _PERIOD_SECONDS))
        yield start, end
        start = end


def _metric(query: MetricQuery) -> Any:
    dimensions = [{"Name": "TableName", "Value": query.resource.table}]
    if query.resource.index:
        dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": query.resource.index})
    return {"Namespace": _NAMESPACE, "MetricName": query.metric, "Dimensions": dimensions}


def _sum_within(query: MetricQuery, points: Iterable[tuple[datetime, float]]) -> Decimal:
    """The sum of the datapoints in the query's own window, each taken for the decimal number that was sent."""
    window = query.window
    inside = (value for timestamp, value in points if window.start <= timestamp < window.end)
    return sum((Decimal(repr(value)) for value in inside), Decimal(0))
