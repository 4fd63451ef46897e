"""What CloudWatch knows of the past, minute by minute, of tables and indexes. Pure."""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from dynamic_dynamodb.exceptions import HistoryError
from dynamic_dynamodb.model import Dimension, Resource

MILLI = 1000
"""Consumed units are counted in thousandths, as whole numbers, so that sums are exact."""

MOST_MINUTES = 366 * 1440
LARGEST_FIGURE = 10**12


@dataclass
class DimensionHistory:
    """The reads or the writes of one resource, for every minute of the history; a minute without figures has 0.

    `consumed` is in thousandths of a unit, `throttled` in thousandths of an event. `provisioned` has units a second
    from a minute of the history on, by rising minute; it is empty where they are not known.
    """

    consumed: array[int]
    throttled: array[int]
    provisioned: list[tuple[int, int]] = field(default_factory=list)

    def demand(self) -> array[int]:
        """What was asked for in each minute, in thousandths of a unit: an event is taken for one unit."""
        return array("q", map(int.__add__, self.consumed, self.throttled))


@dataclass(frozen=True)
class ResourceHistory:
    """A table or an index. It exists from the minute `begin` of the history until before the minute `end`."""

    resource: Resource
    begin: int
    end: int
    dimensions: Mapping[Dimension, DimensionHistory]


@dataclass(frozen=True)
class History:
    """All of it: `start` is a whole minute in UTC. `on_demand` are tables without provisioned units."""

    start: datetime
    minutes: int
    resources: Mapping[Resource, ResourceHistory]
    on_demand: frozenset[str] = frozenset()

    @property
    def end(self) -> datetime:
        """The first moment that is not in it."""
        return self.start + timedelta(minutes=self.minutes)

    @property
    def tables(self) -> list[str]:
        """The names of all tables."""
        return sorted({resource.table for resource in self.resources} | self.on_demand)

    def of_table(self, table: str) -> list[ResourceHistory]:
        """A table and, behind it, its indexes."""
        return [each for resource, each in sorted(self.resources.items()) if resource.table == table]

    def last(self, minutes: int) -> History:
        """The end of it, of that many minutes."""
        cut = self.minutes - minutes
        if cut <= 0:
            return self
        kept = [_cut(each, cut) for each in self.resources.values() if each.end > cut]
        resources = {each.resource: each for each in kept}
        return History(self.start + timedelta(minutes=cut), minutes, resources, self.on_demand)


def _cut(history: ResourceHistory, cut: int) -> ResourceHistory:
    def shifted(each: DimensionHistory) -> DimensionHistory:
        before = [units for minute, units in each.provisioned if minute <= cut][-1:]
        provisioned = [(0, units) for units in before]
        provisioned += [(minute - cut, units) for minute, units in each.provisioned if minute > cut]
        return DimensionHistory(each.consumed[cut:], each.throttled[cut:], provisioned)

    dimensions = {dimension: shifted(each) for dimension, each in history.dimensions.items()}
    return ResourceHistory(history.resource, max(0, history.begin - cut), history.end - cut, dimensions)


def steps(values: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """From provisioned units at minutes, in their order, to those at which they change."""
    changes: list[tuple[int, int]] = []
    for minute, units in values:
        if not changes or changes[-1][1] != units:
            changes.append((minute, units))
    return changes


def checked(history: History) -> History:
    """The history with each index within the life of its table. Raises HistoryError where an index has no table."""
    resources = {}
    for resource, each in history.resources.items():
        if resource.table in history.on_demand:
            continue
        table = history.resources.get(Resource(resource.table))
        if table is None:
            raise HistoryError(
                f"{resource.label} is there without its table {resource.table}; a table must be there too"
            )
        begin, end = max(each.begin, table.begin), min(each.end, table.end)
        if begin < end:
            resources[resource] = ResourceHistory(resource, begin, end, each.dimensions)
    return History(history.start, history.minutes, resources, history.on_demand)
