"""A history in a file: compressed JSON lines, which docs/replay.rst describes. It can be read as CSV too."""

from __future__ import annotations

import gzip
import json
import os
import zlib
from array import array
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from typing import Any, NoReturn

from dynamic_dynamodb.exceptions import HistoryError
from dynamic_dynamodb.model import Dimension, Resource
from dynamic_dynamodb.replay.history import (
    LARGEST_FIGURE,
    MILLI,
    MOST_MINUTES,
    DimensionHistory,
    History,
    ResourceHistory,
    checked,
)
from dynamic_dynamodb.replay.history_csv import read_csv

FORMAT = "dynamic-dynamodb-history"
VERSION = 1
_GZIP = b"\x1f\x8b"


def write(path: str, history: History) -> None:
    """Write a history; the file is complete, or not there. Raises HistoryError."""
    path = os.path.expanduser(path)
    part = f"{path}.part"
    header = {
        "format": FORMAT,
        "version": VERSION,
        "start": history.start.strftime("%Y-%m-%dT%H:%MZ"),
        "minutes": history.minutes,
        "on_demand": sorted(history.on_demand),
        "resources": len(history.resources),
    }
    try:
        with gzip.open(part, "wt", encoding="utf-8", compresslevel=6) as file:
            file.write(json.dumps(header) + "\n")
            for each in history.resources.values():
                file.write(json.dumps(_as_json(each), separators=(",", ":")) + "\n")
        os.replace(part, path)
    except OSError as error:
        raise HistoryError(f"{path}: the history cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):
            os.remove(part)


def _as_json(history: ResourceHistory) -> dict[str, Any]:
    def figures(values: array[int]) -> list[int | float]:
        alive = values[history.begin : history.end]
        return [value // MILLI if value % MILLI == 0 else value / MILLI for value in alive]

    return {
        "table": history.resource.table,
        "index": history.resource.index,
        "begin": history.begin,
        "end": history.end,
        **{
            dimension.plural: {
                "consumed": figures(each.consumed),
                "throttled": figures(each.throttled),
                "provisioned": each.provisioned,
            }
            for dimension, each in history.dimensions.items()
        },
    }


def read(path: str) -> History:
    """Read a history, of this program or CSV, compressed or not. Raises HistoryError, which names file and line."""
    path = os.path.expanduser(path)
    line = 0

    def lines() -> Iterator[str]:
        nonlocal line
        with open(path, "rb") as raw:
            is_compressed = raw.read(2) == _GZIP
        opener = gzip.open if is_compressed else open
        with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
            for text in file:
                line += 1
                yield text

    try:
        source = lines()
        first = next(source, "")
        if not first.strip():
            raise ValueError("is empty; it must be a history of --save-history, or CSV")
        history = _read_json(first, source) if first.lstrip().startswith("{") else read_csv(first, source)
        return checked(history)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise HistoryError(f"{path}:{line + 1}: is damaged or cut off: {error}") from error
    except UnicodeDecodeError as error:
        raise HistoryError(f"{path}:{line + 1}: is neither a history of this program nor CSV in UTF-8") from error
    except OSError as error:
        raise HistoryError(f"{path}: the history cannot be read ({error.strerror})") from error
    except (ValueError, HistoryError) as error:
        raise HistoryError(f"{path}:{max(line, 1)}: {error}") from error


def _read_json(first: str, lines: Iterator[str]) -> History:
    header = _parsed(first)
    if header.get("format") != FORMAT:
        raise ValueError(f"is no history of this program; its first line must say format {FORMAT}")
    if header.get("version") != VERSION:
        raise ValueError(f"has the version {header.get('version')!r}; this program reads version {VERSION}")
    minutes = _whole(header.get("minutes"), "minutes", 1, MOST_MINUTES)
    on_demand = header.get("on_demand", [])
    if not isinstance(on_demand, list) or not all(isinstance(name, str) for name in on_demand):
        raise ValueError("on_demand must be a list of names of tables")
    start = _start(header.get("start"))
    expected = _whole(header.get("resources"), "resources", 0, 10**6)
    resources: dict[Resource, ResourceHistory] = {}
    for line in lines:
        each = _resource(_parsed(line), minutes)
        if each.resource in resources:
            raise ValueError(f"{each.resource.label} is there twice; it must be there once")
        resources[each.resource] = each
    if len(resources) != expected:
        raise ValueError(
            f"has {len(resources)} resources where the first line says {expected}; it is cut off or damaged"
        )
    return History(start, minutes, resources, frozenset(on_demand))


def _parsed(line: str) -> Mapping[str, Any]:
    try:
        found = json.loads(line, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ValueError("is damaged: the line is no JSON object")
    return found


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _whole(value: Any, name: str, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{name} is {value!r}; it must be a whole number from {least} to {most}")
    return value


def _start(text: Any) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=timezone.utc)
    except (TypeError, ValueError):
        raise ValueError(f"start is {text!r}; it must be a time such as 2026-03-02T00:00Z") from None


def _resource(line: Mapping[str, Any], minutes: int) -> ResourceHistory:
    table, index = line.get("table"), line.get("index", "")
    if not isinstance(table, str) or not isinstance(index, str) or not table:
        raise ValueError("table and index must be names")
    begin = _whole(line.get("begin"), "begin", 0, minutes - 1)
    end = _whole(line.get("end"), "end", begin + 1, minutes)
    dimensions = {}
    for dimension in Dimension:
        found = line.get(dimension.plural)
        if not isinstance(found, dict):
            raise ValueError(f"{dimension.plural} must be an object with consumed, throttled and provisioned")
        consumed, throttled = (
            _figures(found.get(name), f"{dimension.plural} {name}", begin, end, minutes)
            for name in ("consumed", "throttled")
        )
        provisioned = _provisioned(found.get("provisioned", []), dimension.plural, minutes)
        dimensions[dimension] = DimensionHistory(consumed, throttled, provisioned)
    return ResourceHistory(Resource(table, index), begin, end, dimensions)


def _figures(values: Any, name: str, begin: int, end: int, minutes: int) -> array[int]:
    if not isinstance(values, list) or len(values) != end - begin:
        raise ValueError(f"{name} must be a list of {end - begin} figures, one for each minute from begin to end")
    series = array("q", bytes(8 * minutes))
    for position, value in enumerate(values, begin):
        if value:
            if type(value) not in (int, float) or not 0 <= value <= LARGEST_FIGURE:
                raise ValueError(
                    f"{name} holds {value!r}; a figure must be null or a number from 0 to {LARGEST_FIGURE}"
                )
            series[position] = round(value * MILLI)
    return series


def _provisioned(pairs: Any, name: str, minutes: int) -> list[tuple[int, int]]:
    if not isinstance(pairs, list):
        raise ValueError(f"{name} provisioned must be a list of pairs of a minute and units")
    steps: list[tuple[int, int]] = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise ValueError(f"{name} provisioned must be a list of pairs of a minute and units")
        minute = _whole(pair[0], f"a minute of {name} provisioned", steps[-1][0] + 1 if steps else 0, minutes - 1)
        steps.append((minute, _whole(pair[1], f"units of {name} provisioned", 1, 10**9)))
    return steps
