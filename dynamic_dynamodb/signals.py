"""Signals, as something that a loop can wait for."""

from __future__ import annotations

import signal
from contextlib import suppress
from queue import Empty, SimpleQueue
from threading import Event
from types import FrameType, TracebackType


class Signals:
    """While entered, SIGTERM and SIGINT set `stopping`, and SIGHUP is remembered until it is taken."""

    def __init__(self) -> None:
        self.stopping = Event()
        self._is_told_to_stop = False
        self._hung_up = False
        # Not an Event: a handler would wait for ever for its lock if it has interrupted the one who holds it.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._before: dict[int, object] = {}

    def __enter__(self) -> Signals:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            self._before[number] = signal.signal(number, self.handle)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def handle(self, number: int, _frame: FrameType | None) -> None:
        """What is done on one of the signals."""
        if number == signal.SIGHUP:
            self._hung_up = True
        elif not self._is_told_to_stop:
            # First this: the next signal may interrupt the setting of the event, and must not set it as well.
            self._is_told_to_stop = True
            self.stopping.set()
        self._wake.put(None)

    def take_hangup(self) -> bool:
        """Whether there was a SIGHUP since the last time that this was asked."""
        hung_up, self._hung_up = self._hung_up, False
        return hung_up

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a signal comes."""
        with suppress(Empty):
            self._wake.get(timeout=seconds)
