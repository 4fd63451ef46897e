"""CloudWatch: the history of metrics, as long and as detailed as it is kept."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from dynamic_dynamodb.aws.errors import translated
from dynamic_dynamodb.aws.retry import Patience, with_backoff
from dynamic_dynamodb.exceptions import AwsError
from dynamic_dynamodb.model import Resource

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

_QUERIES_PER_CALL = 500
_DATAPOINTS_PER_CALL = 100_800
"""The most that GetMetricData takes and returns ("CloudWatch service quotas" in the CloudWatch User Guide)."""

_ATTEMPTS = 10


@dataclass(frozen=True)
class Metric:
    """A metric of a resource, with the statistic that is wanted of each period."""

    resource: Resource
    name: str
    statistic: str = "Sum"


@dataclass(frozen=True)
class Stretch:
    """A stretch of time, in which there is a figure for each period of `seconds`."""

    start: datetime
    end: datetime
    seconds: int

    @property
    def periods(self) -> int:
        """How many there are in it."""
        return (self.end - self.start) // timedelta(seconds=self.seconds)

    @property
    def queries_per_call(self) -> int:
        """For how many metrics the figures fit into one answer."""
        return max(1, min(_QUERIES_PER_CALL, _DATAPOINTS_PER_CALL // max(1, self.periods)))


def stretches(start: datetime, now: datetime) -> list[Stretch]:
    """From start to now, in the most detailed figures that are still there.

    CloudWatch keeps those by the minute for 15 days and those by 5 minutes for 63 ("Metrics retention" in the
    CloudWatch User Guide). Both times are whole multiples of 5 minutes.
    """
    # Minutes that are about to be dropped could be gone by the time of the call.
    detailed_from = max(start, now - timedelta(days=15) + timedelta(minutes=5))
    found = [Stretch(start, detailed_from, 300)] if start < detailed_from else []
    return [*found, Stretch(detailed_from, now, 60)]


Figures = dict[Metric, "array[float]"]
"""For each metric one figure a period, from the start of the stretch on; NaN where CloudWatch has none."""


def get_figures(client: CloudWatchClient, metrics: Sequence[Metric], stretch: Stretch, patience: Patience) -> Figures:
    """Ask for the figures of at most `stretch.queries_per_call` metrics. Raises AwsError."""
    return with_backoff(lambda: _get_metric_data(client, metrics, stretch), _ATTEMPTS, patience)


def _get_metric_data(client: CloudWatchClient, metrics: Sequence[Metric], stretch: Stretch) -> Figures:
    by_id = {f"q{number}": metric for number, metric in enumerate(metrics)}
    figures: Figures = {metric: array("d", [math.nan]) * stretch.periods for metric in metrics}
    complete: dict[str, bool] = {}
    with translated("cloudwatch:GetMetricData"):
        pages = client.get_paginator("get_metric_data").paginate(
            MetricDataQueries=[_query(name, metric, stretch.seconds) for name, metric in by_id.items()],
            StartTime=stretch.start,
            EndTime=stretch.end,
        )
        for page in pages:
            for result in page["MetricDataResults"]:
                complete[result["Id"]] = result["StatusCode"] == "Complete"
                series = figures[by_id[result["Id"]]]
                for timestamp, value in zip(result["Timestamps"], result["Values"], strict=True):
                    period = int((timestamp - stretch.start).total_seconds()) // stretch.seconds
                    if 0 <= period < stretch.periods:
                        series[period] = value
    if not all(complete.get(name) for name in by_id):
        text = "cloudwatch:GetMetricData failed: it returned incomplete data"
        raise AwsError(text, "cloudwatch:GetMetricData incomplete", is_transient=True)
    return figures


def _query(name: str, metric: Metric, period: int) -> Any:
    dimensions = [{"Name": "TableName", "Value": metric.resource.table}]
    if metric.resource.index:
        dimensions.append({"Name": "GlobalSecondaryIndexName", "Value": metric.resource.index})
    asked = {"Namespace": "AWS/DynamoDB", "MetricName": metric.name, "Dimensions": dimensions}
    return {"Id": name, "MetricStat": {"Metric": asked, "Period": period, "Stat": metric.statistic}}
