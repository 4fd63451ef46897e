"""The metrics of AWS/DynamoDB: one sum a minute for a table or an index, or none."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from .clock import MINUTE, UTC

MetricFunction = Callable[[str, "str | None", str, datetime], "float | None"]


class Series(NamedTuple):
    """What one metric measures. The table's own series (index_name None) does not hold its indexes'."""

    table: str
    index_name: str | None
    metric_name: str


class Timestamp(float):
    """Seconds since 1970. A float, so that JSON writes it without help; XML asks for the text."""

    def text(self) -> str:
        return datetime.fromtimestamp(self, UTC).isoformat().replace("+00:00", "Z")


class Bucket(NamedTuple):
    """One period: the time it is named by and the minutes in it."""

    timestamp: Timestamp
    minutes: tuple[tuple[int, datetime], ...]


Datapoints = tuple[list[Timestamp], list[float]]


def no_metric(table: str, index: str | None, metric_name: str, minute: datetime) -> float | None:
    """An idle world."""
    return None


def buckets(first: int, end: float, period: int) -> list[Bucket]:
    """The periods from first (a whole minute) until before end, in a fixed order that is neither up nor down."""
    in_order = [
        Bucket(
            Timestamp(begin),
            tuple(
                (minute, datetime.fromtimestamp(minute, UTC))
                for minute in range(begin, begin + period, MINUTE)
                if minute < end
            ),
        )
        for begin in range(first, math.ceil(end), period)
    ]
    return in_order[1::2][::-1] + in_order[::2]


class Metrics:
    """What was put, minute by minute; what was not put comes from a function."""

    def __init__(self) -> None:
        self.function: MetricFunction = no_metric
        self._sums: dict[Series, Mapping[int, float | None]] = {}
        self._lock = threading.Lock()

    def put(self, series: Series, sums: Mapping[datetime, float | None]) -> None:
        """Set some minutes; None takes a minute's datapoint away. ValueError for a time inside a minute."""
        fresh: dict[int, float | None] = {}
        for minute, value in sums.items():
            seconds = minute.timestamp()
            if minute.tzinfo is None or seconds % MINUTE:
                raise ValueError(f"{minute!r} is not a whole minute with a time zone")
            fresh[int(seconds)] = value
        with self._lock:
            # A new mapping each time lets readers go without the lock.
            self._sums[series] = {**self._sums.get(series, {}), **fresh}

    def read(self, series: Series, periods: list[Bucket], statistic: str = "Sum") -> Datapoints:
        """The sums of the periods that have any, or the largest of their minutes, as timestamps and values."""
        combine = max if statistic == "Maximum" else float.__add__
        put = self._sums.get(series)
        function = None if self.function is no_metric else self.function
        timestamps: list[Timestamp] = []
        values: list[float] = []
        if put is None and function is None:
            return timestamps, values
        for timestamp, minutes in periods:
            total: float | None = None
            for seconds, minute in minutes:
                value: float | None = None
                if put is not None and seconds in put:
                    value = put[seconds]
                elif function is not None:
                    value = function(series.table, series.index_name, series.metric_name, minute)
                if value is not None:
                    total = float(value) if total is None else combine(total, float(value))
            if total is not None:
                timestamps.append(timestamp)
                values.append(float(total))
        return timestamps, values
