"""Fetch the history of all tables and indexes that a configuration governs. Nothing is changed."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dynamic_dynamodb.aws.account import Account
from dynamic_dynamodb.aws.history import Figures, Metric, Stretch, get_figures, stretches
from dynamic_dynamodb.aws.retry import Patience
from dynamic_dynamodb.exceptions import NotFound
from dynamic_dynamodb.model import Dimension, Resource, TableDescription
from dynamic_dynamodb.replay.history import MILLI, DimensionHistory, History, ResourceHistory, checked, steps
from dynamic_dynamodb.replay.progress import Progress
from dynamic_dynamodb.resolve import govern
from dynamic_dynamodb.rules import TableRule
from dynamic_dynamodb.scheduler import Scheduler, Task

_AT_A_TIME = 4
"""An answer has 100,800 figures and takes 20 MB while it is read; more at a time would be no faster."""

_PROVISIONED = {dimension: f"Provisioned{dimension.capacity}" for dimension in Dimension}


@dataclass(frozen=True)
class Source:
    """Where the history comes from. `client` is boto3's CloudWatch client."""

    account: Account
    client: Any
    patience: Patience
    executor: Executor
    is_stopping: Callable[[], bool]


@dataclass
class _Series:
    """The metrics of one resource, one figure a minute: NaN where there is none."""

    figures: dict[str, array[float]] = field(default_factory=dict)


def fetch(source: Source, rules: Sequence[TableRule], minutes: int, now: datetime) -> History | None:
    """The last minutes before `now`, which is cut to 5 minutes; None if it was stopped. Raises AwsError."""
    end = now - timedelta(minutes=now.minute % 5, seconds=now.second, microseconds=now.microsecond)
    start = end - timedelta(minutes=-(-minutes // 5) * 5)
    governed = govern(source.account.list_tables(), rules).rules
    descriptions = _describe(source, list(governed))
    on_demand = frozenset(name for name, each in descriptions.items() if each.is_on_demand)
    resources = []
    for name, description in descriptions.items():
        if name not in on_demand:
            resources.append(Resource(name))
            resources += [
                Resource(name, index) for index in govern(description.indexes, governed[name].index_rules).rules
            ]
    series = _fetch_series(source, resources, stretches(start, end))
    if source.is_stopping():
        return None
    histories = {}
    for resource in resources:
        description = descriptions[resource.table]
        state = description.indexes[resource.index] if resource.index else description.table
        histories[resource] = _history(resource, series.pop(resource).figures, state.throughput)
    return checked(History(start, (end - start) // timedelta(minutes=1), histories, on_demand))


def _run(source: Source, tasks: Iterable[Task], progress: Progress) -> None:
    def counted(task: Task) -> Task:
        def then(result: Any) -> None:
            progress.step()
            task.then(result)

        return Task(task.work, then)

    try:
        Scheduler(source.executor, _AT_A_TIME, source.is_stopping).run(map(counted, tasks))
    finally:
        progress.close()


def _describe(source: Source, names: Sequence[str]) -> dict[str, TableDescription]:
    found: dict[str, TableDescription] = {}

    def describe(name: str) -> TableDescription | None:
        try:
            return source.account.describe_table(name)
        except NotFound:
            return None

    def task(name: str) -> Task:
        def then(description: TableDescription | None) -> None:
            if description:
                found[name] = description

        return Task(lambda: describe(name), then)

    _run(source, map(task, names), Progress("describing tables", len(names)))
    return dict(sorted(found.items()))


def _fetch_series(source: Source, resources: Sequence[Resource], parts: Sequence[Stretch]) -> dict[Resource, _Series]:
    metrics = [metric for resource in resources for metric in _metrics(resource)]
    series = {resource: _Series() for resource in resources}
    total = sum(part.periods * part.seconds // 60 for part in parts)
    calls = []
    for number, part in enumerate(parts):
        offset = sum(earlier.periods * earlier.seconds // 60 for earlier in parts[:number])
        size = part.queries_per_call
        calls += [(metrics[first : first + size], part, offset) for first in range(0, len(metrics), size)]

    def task(asked: Sequence[Metric], part: Stretch, offset: int) -> Task:
        def then(figures: Figures) -> None:
            for metric, values in figures.items():
                by_name = series[metric.resource].figures
                whole = by_name.setdefault(metric.name, array("d", [math.nan]) * total)
                _place(values, part.seconds // 60, metric.statistic == "Sum", whole, offset)

        return Task(lambda: get_figures(source.client, asked, part, source.patience), then)

    _run(source, (task(*call) for call in calls), Progress("fetching history", len(calls)))
    return series


def _metrics(resource: Resource) -> Iterable[Metric]:
    for dimension in Dimension:
        yield Metric(resource, dimension.consumed_metric)
        yield Metric(resource, dimension.throttled_metric)
        yield Metric(resource, _PROVISIONED[dimension], "Maximum")


def _place(values: array[float], width: int, is_sum: bool, whole: array[float], offset: int) -> None:
    """Put figures where they belong; one of several minutes is spread over them, if it is their sum."""
    if width == 1:
        whole[offset : offset + len(values)] = values
        return
    for period, value in enumerate(values):
        if not math.isnan(value):
            begin = offset + period * width
            whole[begin : begin + width] = array("d", [value / width if is_sum else value]) * width


def _history(resource: Resource, figures: dict[str, array[float]], present: Any) -> ResourceHistory:
    minutes = len(next(iter(figures.values()), ()))
    first = min((_first(values) for values in figures.values()), default=minutes)
    begin = first if first < minutes else 0
    dimensions = {}
    for dimension in Dimension:
        known = enumerate(figures[_PROVISIONED[dimension]])
        provisioned = steps((minute, round(units)) for minute, units in known if units > 0)
        dimensions[dimension] = DimensionHistory(
            _exact(figures[dimension.consumed_metric]),
            _exact(figures[dimension.throttled_metric]),
            # Without any figure of the past, there is no sign of a change.
            provisioned or [(begin, present[dimension])],
        )
    return ResourceHistory(resource, begin, minutes, dimensions)


def _first(values: array[float]) -> int:
    return next((minute for minute, value in enumerate(values) if not math.isnan(value)), len(values))


def _exact(values: array[float]) -> array[int]:
    return array("q", [0 if math.isnan(value) else round(value * MILLI) for value in values])
