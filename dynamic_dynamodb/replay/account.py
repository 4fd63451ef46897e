"""A simulated table with its indexes, as the account that a check asks and changes. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction

from dynamic_dynamodb.exceptions import AwsError, LimitReached, NotFound, TableBusy
from dynamic_dynamodb.model import Change, Dimension, Message, MetricQuery, Resource, ResourceState, TableDescription
from dynamic_dynamodb.plan import next_decrease
from dynamic_dynamodb.replay.history import MILLI, ResourceHistory
from dynamic_dynamodb.replay.simulate import Capacity

_IS_CONSUMED = {dimension.consumed_metric: (dimension, True) for dimension in Dimension}
_METRICS = _IS_CONSUMED | {dimension.throttled_metric: (dimension, False) for dimension in Dimension}


@dataclass(frozen=True)
class Delays:
    """Seconds until an update takes effect, and until CloudWatch has the figures of a minute that has ended."""

    update: int = 30
    metrics: int = 120


@dataclass
class Simulated:
    """A table or an index: `capacity` by dimension, and what DynamoDB remembers of its decreases."""

    resource: Resource
    begin: int
    end: int
    capacity: Mapping[Dimension, Capacity]
    described: dict[Dimension, int]
    is_updating: bool = False
    decreases: int = 0
    last_decrease: datetime | None = None
    changes: list[tuple[int, Change]] = field(default_factory=list)

    def state(self, now: datetime) -> ResourceState:
        """What DescribeTable tells of it."""
        is_today = self.last_decrease is not None and self.last_decrease.date() == now.date()
        return ResourceState(
            "UPDATING" if self.is_updating else "ACTIVE",
            dict(self.described),
            self.decreases if is_today else 0,
            self.last_decrease,
        )


class SimulatedTable:
    """Answers as DynamoDB and CloudWatch would at the second that `go_to` has set, counted from the history's start."""

    def __init__(
        self,
        start: datetime,
        histories: Sequence[ResourceHistory],
        units: Mapping[tuple[Resource, Dimension], int],
        delays: Delays,
    ) -> None:
        self._start = start
        self._delays = delays
        self._second = 0
        self._updating_until: int | None = None
        self.published = 0
        self.resources = {each.resource: _simulated(each, units) for each in histories}
        self._table = self.resources[Resource(histories[0].resource.table)]
        self._description: tuple[datetime, TableDescription] | None = None
        self.measured = _Figures(self)

    @property
    def now(self) -> datetime:
        """The simulated time."""
        return self._start + timedelta(seconds=self._second)

    def go_to(self, second: int) -> None:
        """Let the time pass, with all that happens meanwhile."""
        self._second = second
        for each in self.resources.values():
            for capacity in each.capacity.values():
                capacity.advance(min(second // 60, each.end))
        if self._updating_until is not None and second >= self._updating_until:
            self._updating_until = None
            self._description = None
            for each in self.resources.values():
                each.is_updating = False
                each.described = {dimension: capacity.units for dimension, capacity in each.capacity.items()}

    def describe_table(self, name: str) -> TableDescription:
        """The table and those of its indexes that exist at this time."""
        minute, now = self._second // 60, self.now
        if name != self._table.resource.table or not self._table.begin <= minute < self._table.end:
            raise NotFound(name)
        indexes = {
            each.resource.index: each.state(now)
            for each in self.resources.values()
            if each.resource.index and each.begin <= minute < each.end
        }
        return TableDescription(self._table.state(now), indexes)

    def update_table(self, changes: Sequence[Change]) -> None:
        """Accept changes, which take effect later; refuse what DynamoDB would refuse."""
        now = self.now
        if self._updating_until is not None:
            raise TableBusy("UPDATING")
        for change in changes:
            if change.has_decrease and next_decrease(self.resources[change.resource].state(now), now) > now:
                raise LimitReached("rationed")
        effective = self._second + self._delays.update
        for change in changes:
            each = self.resources[change.resource]
            if change.has_decrease:
                each.decreases = each.state(now).decreases_today + 1
                each.last_decrease = now
            for dimension in change.dimensions:
                each.capacity[dimension].change(effective, change.after[dimension])
            each.changes.append((self._second, change))
            each.is_updating = True
        self._table.is_updating = True
        self._updating_until = effective
        if not self._delays.update:
            self.go_to(self._second)

    def publish(self, topic_arn: str, message: Message) -> None:
        """Count a notification, which goes nowhere."""
        self.published += 1

    def figure(self, query: MetricQuery) -> Fraction:
        """What CloudWatch has by now for the query's window."""
        dimension, is_consumed = _METRICS[query.metric]
        window = query.window
        begin = (window.start - self._start) // _MINUTE
        end = min((window.end - self._start) // _MINUTE, (self._second - self._delays.metrics) // 60)
        served, throttled = self.resources[query.resource].capacity[dimension].sums(begin, end)
        return Fraction(served if is_consumed else throttled, MILLI)


_MINUTE = timedelta(minutes=1)


class _Figures(Mapping[MetricQuery, "Fraction | AwsError"]):
    """Measurements that are made when they are looked up: which are needed is left to the one who asks."""

    def __init__(self, table: SimulatedTable) -> None:
        self._table = table

    def __getitem__(self, query: MetricQuery) -> Fraction | AwsError:
        return self._table.figure(query)

    def __iter__(self) -> Iterator[MetricQuery]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _simulated(history: ResourceHistory, units: Mapping[tuple[Resource, Dimension], int]) -> Simulated:
    described = {dimension: units[history.resource, dimension] for dimension in Dimension}
    capacity = {}
    for dimension, each in history.dimensions.items():
        demand: array[int] = each.demand()
        capacity[dimension] = Capacity(demand, history.begin, described[dimension])
    return Simulated(history.resource, history.begin, history.end, capacity, described)
