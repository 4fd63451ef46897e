"""Check after check, until somebody says stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event

from dynamic_dynamodb.log_handler import logger


def loop(check: Callable[[], object], interval_seconds: float, stopping: Event) -> None:
    """Call `check` every `interval_seconds`, counted from start to start, until the event is set."""
    while not stopping.is_set():
        started = time.monotonic()
        try:
            check()
        except Exception:
            logger.exception("The check failed because of a mistake in the program; the next one follows")
        stopping.wait(max(0.0, started + interval_seconds - time.monotonic()))
