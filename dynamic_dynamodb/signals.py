"""Signals, as something that a loop can wait for."""

from __future__ import annotations

import signal
from threading import Event
from types import FrameType, TracebackType


class Signals:
    """While entered, SIGTERM and SIGINT set `stopping`, and SIGHUP is remembered until it is taken."""

    def __init__(self) -> None:
        self.stopping = Event()
        self._hung_up = False
        self._wake = Event()
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
        else:
            self.stopping.set()
        self._wake.set()

    def take_hangup(self) -> bool:
        """Whether there was a SIGHUP since the last time that this was asked."""
        hung_up, self._hung_up = self._hung_up, False
        return hung_up

    def wait(self, seconds: float) -> None:
        """Wait so long, or until a signal comes."""
        self._wake.wait(seconds)
        self._wake.clear()
