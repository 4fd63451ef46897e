"""How often calls that fail are made again, and when the program gives up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import TypeVar

from retrying import Retrying

from dynamic_dynamodb.exceptions import AwsError

T = TypeVar("T")

_LONGEST_WAIT_SECONDS = 10.0


class Patience:
    """What failing calls may cost in one check: `seconds` of waiting for them in all, so that no check lasts for ever.

    It also ends when `stopping` is set: then calls are made that have not been made before, but none again.
    """

    def __init__(self, stopping: Event, seconds: float) -> None:
        self._stopping = stopping
        self._seconds = seconds
        self._lost = 0.0
        self._lock = Lock()

    def begin_check(self) -> None:
        """Start anew."""
        self._lost = 0.0

    @property
    def is_over(self) -> bool:
        """Whether no call that has failed is to be made again."""
        return self._stopping.is_set() or self._lost >= self._seconds

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Make one call inside. Raises AwsError without making it when too much time has been lost in this check."""
        if self._lost >= self._seconds:
            raise AwsError("not tried any more in this check, since too many calls to AWS have failed", "given up")
        started = time.monotonic()
        try:
            yield
        except AwsError as error:
            if error.is_transient:
                self._lose(time.monotonic() - started)
            raise

    def wait(self, seconds: float) -> None:
        """Wait, if need be until `stopping` is set and no longer."""
        self._lose(seconds)
        self._stopping.wait(seconds)

    def _lose(self, seconds: float) -> None:
        with self._lock:
            self._lost += seconds


def with_backoff(call: Callable[[], T], attempts: int, patience: Patience) -> T:
    """Make a call, and make it again after 1, 2, 4, 8, 10, 10, ... seconds while it fails for a transient reason."""

    def attempt() -> T:
        with patience.spending():
            return call()

    def wait(failures: int, _milliseconds: int) -> int:
        patience.wait(min(2.0 ** (failures - 1), _LONGEST_WAIT_SECONDS))
        # The library's own sleep, which no signal ends, has nothing left to do.
        return 0

    retrying = Retrying(
        stop_func=lambda failures, _milliseconds: failures >= attempts or patience.is_over,
        wait_func=wait,
        retry_on_exception=lambda error: isinstance(error, AwsError) and error.is_transient,
    )
    result: T = retrying.call(attempt)
    return result
