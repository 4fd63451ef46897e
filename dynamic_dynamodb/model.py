"""The nouns of the program, as frozen values: they know no clock, no AWS client and no log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from fractions import Fraction

from dynamic_dynamodb.exceptions import AwsError


class Dimension(Enum):
    """Reads or writes: the same arithmetic under two sets of names."""

    READS = ("reads", "read", "ConsumedReadCapacityUnits", "ReadThrottleEvents", "ReadCapacityUnits")
    WRITES = ("writes", "write", "ConsumedWriteCapacityUnits", "WriteThrottleEvents", "WriteCapacityUnits")

    def __init__(self, plural: str, singular: str, consumed_metric: str, throttled_metric: str, capacity: str) -> None:
        self.plural = plural
        self.singular = singular
        self.consumed_metric = consumed_metric
        self.throttled_metric = throttled_metric
        self.capacity = capacity

    # Members are looked up all the time, and the hash of Enum is computed in Python.
    __hash__ = object.__hash__


Throughput = Mapping[Dimension, int]
"""Provisioned capacity units of both dimensions."""


class Unit(Enum):
    """What an amount of scaling counts."""

    PERCENT = "percent"
    UNITS = "units"


class MessageType(Enum):
    """The kinds of SNS notification that one can subscribe a resource to."""

    SCALE_UP = "scale-up"
    SCALE_DOWN = "scale-down"
    HIGH_THROUGHPUT_ALARM = "high-throughput-alarm"
    LOW_THROUGHPUT_ALARM = "low-throughput-alarm"


@dataclass(frozen=True, order=True)
class Resource:
    """A table, or one of its global secondary indexes: whatever has a throughput of its own."""

    table: str
    index: str = ""

    @property
    def label(self) -> str:
        """The name in log lines and messages."""
        return f"{self.table} - GSI: {self.index}" if self.index else self.table


@dataclass(frozen=True)
class ResourceState:
    """What DescribeTable tells of a table or of an index."""

    status: str
    throughput: Throughput
    decreases_today: int = 0
    last_decrease: datetime | None = None

    @property
    def is_active(self) -> bool:
        """Whether DynamoDB takes an update of it."""
        return self.status == "ACTIVE"


@dataclass(frozen=True)
class TableDescription:
    """One table with all its indexes, by index name."""

    table: ResourceState
    indexes: Mapping[str, ResourceState]
    is_on_demand: bool = False


@dataclass(frozen=True)
class Window:
    """The stretch of time that is looked at: whole minutes, the start included, the end not."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        """The length."""
        return int((self.end - self.start).total_seconds())


@dataclass(frozen=True)
class MetricQuery:
    """The sum of one metric of one resource over a window."""

    resource: Resource
    metric: str
    window: Window


Measured = Mapping[MetricQuery, Fraction | AwsError]
"""The sum for each query, or why there is none."""


@dataclass(frozen=True)
class Usage:
    """What CloudWatch says of one resource and dimension over `seconds`.

    `consumed` are capacity units and `throttled` events, each the sum over the window; None: it was not asked for.
    """

    seconds: int
    consumed: Fraction | None = None
    throttled: Fraction | None = None


@dataclass(frozen=True)
class Decision:
    """What is to become of one resource and dimension, and why. `counter` counts the checks that wanted a decrease."""

    target: int
    counter: int
    reason: str


@dataclass(frozen=True)
class Note:
    """Something to log: `level` is debug, info, warning or error. What lasts is told `once`, not in every check."""

    level: str
    text: str
    once: bool = False


@dataclass(frozen=True)
class Message:
    """A notification, for those who subscribe to any of its types."""

    types: frozenset[MessageType]
    subject: str
    body: str


@dataclass(frozen=True, eq=False)
class Change:
    """New units for one resource; `reasons` has those of the dimensions that change."""

    resource: Resource
    before: Throughput
    after: Throughput
    reasons: Mapping[Dimension, str]

    @property
    def dimensions(self) -> tuple[Dimension, ...]:
        """The dimensions that really change."""
        return tuple(dimension for dimension in Dimension if self.after[dimension] != self.before[dimension])

    @property
    def has_decrease(self) -> bool:
        """Whether DynamoDB counts it against the ration of decreases."""
        return any(self.after[dimension] < self.before[dimension] for dimension in Dimension)

    @property
    def has_increase(self) -> bool:
        """Whether any dimension grows."""
        return any(self.after[dimension] > self.before[dimension] for dimension in Dimension)

    def increases_alone(self) -> Change:
        """The same change without its decreases."""
        after = {dimension: max(self.before[dimension], self.after[dimension]) for dimension in Dimension}
        return Change(self.resource, self.before, after, self.reasons)

    def __str__(self) -> str:
        parts = (
            f"{each.plural} {self.before[each]} -> {self.after[each]} ({self.reasons[each]})"
            for each in self.dimensions
        )
        return f"{self.resource.label}: {', '.join(parts)}"


def figure(value: Fraction | int) -> str:
    """A number for people: at most two decimals, none where they are zero."""
    return f"{float(value):.2f}".rstrip("0").rstrip(".")
