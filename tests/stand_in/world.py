"""What the stand-in knows: tables, metrics, faults to inject, and a record of what was asked of it."""

from __future__ import annotations

import threading
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from .clock import utc_now
from .errors import ApiError
from .faults import FaultPlan
from .metrics import MetricFunction, Metrics, Series
from .tables import Capacity, Change, Table

DATAPOINTS_PER_CALL = 100_800


@dataclass(frozen=True)
class Call:
    """One call as it came in, also if it was refused. Region and key are those it was signed for and with."""

    operation: str
    parameters: Mapping[str, Any]
    region: str = field(default="", compare=False)
    access_key: str = field(default="", compare=False)


class Update(NamedTuple):
    """A throughput change that was accepted; index_name None is the table itself."""

    table: str
    index_name: str | None
    reads: int
    writes: int


class Published(NamedTuple):
    """A notification that SNS took; subject None if it had none."""

    topic_arn: str
    subject: str | None
    message: str


class World:
    """The state behind the stand-in. Tests set it up, move its clock and read its records, from any thread.

    now: the clock; it must give times with a time zone.
    page_size: names on a page of ListTables.
    update_seconds: how long a table stays UPDATING, by that clock.
    """

    def __init__(
        self, now: Callable[[], datetime] = utc_now, page_size: int = 100, update_seconds: float = 0.0
    ) -> None:
        self.now = now
        self.page_size = page_size
        self.update_seconds = update_seconds
        self.ration_decreases = True
        self.datapoints_per_page = DATAPOINTS_PER_CALL
        self.faults = FaultPlan()
        self.metrics = Metrics()
        self.keep_calls = True
        self.calls: list[Call] = []
        self.updates: list[Update] = []
        self.published: list[Published] = []
        self.lock = threading.RLock()
        self._counts: Counter[str] = Counter()
        self._tables: dict[str, Table] = {}
        self._names: list[str] = []

    def add_table(
        self,
        name: str,
        reads: int,
        writes: int,
        status: str = "ACTIVE",
        on_demand: bool = False,
        indexes: Iterable[tuple[str, int, int]] = (),
    ) -> None:
        """Add a table with its indexes, each a (name, reads, writes). An on-demand table has no units of its own."""
        with self.lock:
            if name in self._tables:
                raise ValueError(f"there is a table {name} already")
            self._tables[name] = Table(Capacity(name, reads, writes, status), self.now(), on_demand)
            insort(self._names, name)
            for index, index_reads, index_writes in indexes:
                self.add_index(name, index, index_reads, index_writes)

    def add_index(self, table: str, name: str, reads: int, writes: int, status: str = "ACTIVE") -> None:
        with self.lock:
            indexes = self._tables[table].indexes
            if name in indexes:
                raise ValueError(f"there is an index {name} of {table} already")
            indexes[name] = Capacity(name, reads, writes, status)

    def delete_table(self, name: str) -> None:
        with self.lock:
            del self._tables[name]
            self._names.remove(name)

    def delete_index(self, table: str, name: str) -> None:
        with self.lock:
            del self._tables[table].indexes[name]

    def set_status(self, table: str, status: str, index: str | None = None) -> None:
        with self.lock:
            self._settled(table).resource(index).status = status

    def set_decreases(self, table: str, index: str | None = None, today: int = 4, last: datetime | None = None) -> None:
        """Pretend that there were so many decreases today, the last one then (None: just now)."""
        with self.lock:
            now = self.now()
            self._settled(table).resource(index).set_decreases(today, last or now, now)

    def throughput(self, table: str, index: str | None = None) -> tuple[int, int]:
        """Provisioned reads and writes; KeyError if there is no such table or index."""
        with self.lock:
            capacity = self._settled(table).resource(index)
            return capacity.reads, capacity.writes

    def all_throughput(self) -> dict[str, tuple[int, int]]:
        """Provisioned reads and writes by TABLE and TABLE/INDEX."""
        with self.lock:
            found: dict[str, tuple[int, int]] = {}
            for name in self._names:
                found[name] = self.throughput(name)
                for index in self._tables[name].indexes:
                    found[f"{name}/{index}"] = self.throughput(name, index)
            return found

    @property
    def metric(self) -> MetricFunction:
        """The sum of one minute of what was not put: (table, index, metric name, minute) -> sum, or None."""
        return self.metrics.function

    @metric.setter
    def metric(self, function: MetricFunction) -> None:
        self.metrics.function = function

    def put_metric(
        self, table: str, index: str | None, metric_name: str, sums: Mapping[datetime, float | None]
    ) -> None:
        """Set the sums of whole minutes; they go before `metric`. None is no datapoint."""
        self.metrics.put(Series(table, index, metric_name), sums)

    def put_load(self, table: str, index: str | None, metric_name: str, per_minute: float, minutes: int = 60) -> None:
        """The same sum for each of the last whole minutes."""
        this_minute = self.now().replace(second=0, microsecond=0)
        past = (this_minute - timedelta(minutes=ago) for ago in range(1, minutes + 1))
        self.put_metric(table, index, metric_name, dict.fromkeys(past, per_minute))

    def record(self, call: Call) -> None:
        with self.lock:
            self._counts[call.operation] += 1
            if self.keep_calls:
                self.calls.append(call)

    def count(self, operation: str | None = None) -> int:
        """Calls of one operation, or of all."""
        with self.lock:
            return sum(self._counts.values()) if operation is None else self._counts[operation]

    def counts(self) -> dict[str, int]:
        with self.lock:
            return dict(self._counts)

    def names_after(self, name: str, limit: int) -> tuple[list[str], bool]:
        """At most limit table names, in order, behind that one; and whether there are more."""
        with self.lock:
            begin = bisect_right(self._names, name)
            return self._names[begin : begin + limit], begin + limit < len(self._names)

    def table(self, name: str) -> Table:
        """The table as it is now. Hold the lock while reading it."""
        if name not in self._tables:
            raise ApiError("ResourceNotFoundException", f"Requested resource not found: Table: {name} not found")
        return self._settled(name)

    def update_table(self, name: str, changes: list[Change]) -> Table:
        """Make all the changes or, with ApiError, none of them. Hold the lock while reading the table."""
        with self.lock:
            table = self.table(name)
            table.change(changes, self.now(), self.ration_decreases, self.update_seconds)
            self.updates.extend(Update(name, change.index, change.reads, change.writes) for change in changes)
            return table

    def publish(self, topic_arn: str, subject: str | None, message: str) -> None:
        with self.lock:
            self.published.append(Published(topic_arn, subject, message))

    def _settled(self, name: str) -> Table:
        table = self._tables[name]
        table.settle(self.now())
        return table
