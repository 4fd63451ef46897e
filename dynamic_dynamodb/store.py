"""The counters in a file, so that they outlive a restart and count from one `--run-once` to the next."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from dynamic_dynamodb.log_handler import logger
from dynamic_dynamodb.memory import Counters
from dynamic_dynamodb.model import Dimension, Resource
from dynamic_dynamodb.safe_files import open_own

_VERSION = 1
_DAY_SECONDS = 24 * 3600
_DIMENSIONS = {dimension.plural: dimension for dimension in Dimension}

_Entries = dict[tuple[Resource, Dimension], tuple[int, float]]
"""A count, and since when it is that, in seconds since 1970."""


class CounterStore:
    """The file. Nothing that happens to it stops the program: without it, counting starts at 0."""

    def __init__(self, path: str, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        # None: what the file holds cannot be used.
        self._stored: _Entries | None = {}
        self._is_writable = True

    def load(self) -> Counters:
        """The stored counters, without those that have not changed for a day."""
        entries: _Entries = {}
        is_usable = True
        try:
            with os.fdopen(open_own(self._path, os.O_RDONLY), encoding="utf-8") as file:
                entries = _from_json(json.load(file))
        except FileNotFoundError:
            pass
        except (OSError, ValueError, RecursionError) as error:
            logger.warning("%s: the stored counters are ignored and will be replaced: %s", self._path, error)
            is_usable = False
        now = self._clock()
        fresh = {key: entry for key, entry in entries.items() if abs(now - entry[1]) <= _DAY_SECONDS}
        self._stored = fresh if is_usable else None
        return {key: count for key, (count, _) in fresh.items()}

    def save(self, counters: Counters) -> None:
        """Store the counters if they have changed. At any moment the file holds the old ones or the new ones, whole."""
        now = self._clock()
        entries: _Entries = {}
        for key, count in counters.items():
            stored = (self._stored or {}).get(key)
            if count:
                entries[key] = stored if stored and stored[0] == count else (count, now)
        if entries == self._stored:
            return
        try:
            _replace(self._path, json.dumps(_to_json(entries)))
        except OSError as error:
            if self._is_writable:
                logger.error("%s: the counters cannot be stored (%s); scaling goes on", self._path, error.strerror)
            self._is_writable = False
        else:
            self._stored = entries
            self._is_writable = True


def _replace(path: str, text: str) -> None:
    # Each process writes a file of its own, so that two that run at the same moment cannot mix their contents.
    temporary = f"{path}.{os.getpid()}.tmp"
    with suppress(FileNotFoundError):
        os.unlink(temporary)
    try:
        with os.fdopen(open_own(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL), "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    # Where this fails, the new content is there all the same, if perhaps not after a loss of power.
    with suppress(OSError):
        directory = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _to_json(entries: _Entries) -> Any:
    return {
        "version": _VERSION,
        "counters": [
            {
                "table": resource.table,
                "index": resource.index,
                "dimension": dimension.plural,
                "count": count,
                "since": since,
            }
            for (resource, dimension), (count, since) in sorted(entries.items(), key=lambda entry: entry[0][0])
        ],
    }


def _from_json(content: Any) -> _Entries:
    """Raises ValueError for anything that `_to_json` has not made."""
    try:
        if content["version"] != _VERSION:
            raise ValueError(f"they have the version {content['version']!r} and not {_VERSION}")
        return {
            (Resource(str(each["table"]), str(each["index"])), _DIMENSIONS[each["dimension"]]): (
                max(0, int(each["count"])),
                float(each["since"]),
            )
            for each in content["counters"]
        }
    except (AttributeError, KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"they are damaged ({type(error).__name__})") from error
