"""One table or index in one check: what is known of it, and what has to be asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from dynamic_dynamodb.decision import needs_consumption, needs_throttles
from dynamic_dynamodb.exceptions import AwsError
from dynamic_dynamodb.model import Dimension, Measured, MetricQuery, Resource, ResourceState, Usage, Window
from dynamic_dynamodb.notifications import needs_alarms
from dynamic_dynamodb.options import ResourceOptions


@dataclass(frozen=True)
class Case:
    """A resource with the options of its rule, its state and its table's, and the window to look at."""

    resource: Resource
    options: ResourceOptions
    table_state: ResourceState
    state: ResourceState
    window: Window

    def queries(self) -> list[MetricQuery]:
        """The metrics that its options need: none where all scaling is off and no alarm can be sent."""
        return [
            MetricQuery(self.resource, metric, self.window)
            for dimension in Dimension
            for metric in self._metrics(dimension)
        ]

    def _metrics(self, dimension: Dimension) -> Iterator[str]:
        if needs_consumption(self.options.scaling[dimension]) or needs_alarms(self.options, dimension):
            yield dimension.consumed_metric
        if needs_throttles(self.options.scaling[dimension]):
            yield dimension.throttled_metric

    def usage(self, measured: Measured) -> dict[Dimension, Usage]:
        """What was measured. Raises AwsError where a query has failed: nothing may be taken for 0 then."""
        sums: dict[str, Fraction] = {}
        for query in self.queries():
            answer = measured[query]
            if isinstance(answer, AwsError):
                raise answer
            sums[query.metric] = answer
        return {
            dimension: Usage(
                self.window.seconds, sums.get(dimension.consumed_metric), sums.get(dimension.throttled_metric)
            )
            for dimension in Dimension
        }


def look_back(options: ResourceOptions, now: datetime) -> Window:
    """The window that the options ask for, cut to whole minutes, since CloudWatch keeps one datapoint a minute."""
    start = (now - timedelta(minutes=options.lookback_window_start)).replace(second=0, microsecond=0)
    return Window(start, start + timedelta(minutes=options.lookback_period))
