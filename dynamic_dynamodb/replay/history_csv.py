"""A history as CSV, written by hand or by another program. Pure."""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone

from dynamic_dynamodb.model import Dimension, Resource
from dynamic_dynamodb.replay.history import (
    LARGEST_FIGURE,
    MILLI,
    MOST_MINUTES,
    DimensionHistory,
    History,
    ResourceHistory,
    steps,
)

FIGURES = ("consumed", "throttled")
NEEDED = ("timestamp", "table", "consumed_reads", "consumed_writes")
"""The columns that must be there."""

OPTIONAL = ("index", "throttled_reads", "throttled_writes", "provisioned_reads", "provisioned_writes")


@dataclass
class _Rows:
    """Those of one resource: minutes since 1970, and thousandths of units by column."""

    minutes: array[int] = field(default_factory=lambda: array("q"))
    columns: dict[tuple[str, Dimension], array[int]] = field(
        default_factory=lambda: {(name, dimension): array("q") for name in FIGURES for dimension in Dimension}
    )
    provisioned: dict[Dimension, dict[int, int]] = field(default_factory=lambda: {each: {} for each in Dimension})


def read_csv(header: str, lines: Iterator[str]) -> History:
    """Read the lines behind the header. Raises ValueError at the line that is wrong."""
    columns = [name.strip().lower() for name in next(csv.reader([header]), [])]
    missing = [name for name in NEEDED if name not in columns]
    unknown = [name for name in columns if name not in NEEDED + OPTIONAL]
    if missing or unknown or len(set(columns)) < len(columns):
        raise ValueError(
            "is neither a history of this program nor CSV with its header; that must have the columns "
            f"{', '.join(NEEDED)}, and may have {', '.join(OPTIONAL)}"
        )
    found: dict[Resource, _Rows] = {}
    try:
        for cells in csv.reader(lines, strict=True):
            if not cells:
                continue
            if len(cells) != len(columns):
                raise ValueError(f"has {len(cells)} cells; it must have {len(columns)}, as the header")
            _add(dict(zip(columns, map(str.strip, cells), strict=True)), found)
    except csv.Error as error:
        raise ValueError(f"is no CSV: {error}") from None
    if not found:
        raise ValueError("has a header and no figures; it must have a line for each minute with figures")
    return _history(found)


def _add(row: Mapping[str, str], found: dict[Resource, _Rows]) -> None:
    if not row["table"]:
        raise ValueError("the cell table is empty; it must be the name of a table")
    rows = found.setdefault(Resource(row["table"], row.get("index", "")), _Rows())
    minute = _minute(row["timestamp"])
    rows.minutes.append(minute)
    for (name, dimension), values in rows.columns.items():
        column = f"{name}_{dimension.plural}"
        values.append(_number(row.get(column, ""), column))
    for dimension in Dimension:
        column = f"provisioned_{dimension.plural}"
        units = _number(row.get(column, ""), column)
        if units:
            rows.provisioned[dimension][minute] = max(1, units // MILLI)


def _minute(text: str) -> int:
    iso = re.sub(r"[zZ]$", "+00:00", text)
    try:
        moment = datetime.fromisoformat(iso)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=timezone.utc)
        return int(moment.timestamp() // 60)
    except (ValueError, OverflowError):
        raise ValueError(f"timestamp is {text!r}; it must be a time such as 2026-03-02T14:05:00Z, in UTC") from None


def _number(text: str, column: str) -> int:
    if not text:
        return 0
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number <= LARGEST_FIGURE:
        raise ValueError(f"{column} is {text!r}; it must be a number from 0 to {LARGEST_FIGURE}, or empty")
    return round(number * MILLI)


def _history(found: Mapping[Resource, _Rows]) -> History:
    first = min(min(rows.minutes) for rows in found.values())
    minutes = max(max(rows.minutes) for rows in found.values()) + 1 - first
    if minutes > MOST_MINUTES:
        raise ValueError(f"spans {minutes // 1440} days; it must be at most {MOST_MINUTES // 1440} days")
    resources = {}
    for resource, rows in sorted(found.items()):
        dimensions = {}
        for dimension in Dimension:
            series = []
            for name in FIGURES:
                dense = array("q", bytes(8 * minutes))
                for minute, value in zip(rows.minutes, rows.columns[name, dimension], strict=True):
                    dense[minute - first] += value
                series.append(dense)
            provisioned = steps(
                (minute - first, units) for minute, units in sorted(rows.provisioned[dimension].items())
            )
            dimensions[dimension] = DimensionHistory(series[0], series[1], provisioned)
        begin, end = min(rows.minutes) - first, max(rows.minutes) + 1 - first
        resources[resource] = ResourceHistory(resource, begin, end, dimensions)
    start = datetime.fromtimestamp(0, timezone.utc) + timedelta(minutes=first)
    return History(start, minutes, resources)
