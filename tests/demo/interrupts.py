"""Ctrl-C and SIGTERM, heeded only where nothing can be left half done or running."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # It takes a while to import, and an interrupt in that time would end in a traceback.
    import subprocess


class Interrupts:
    """From now on the signals end the command that runs, and raise KeyboardInterrupt where it is asked for."""

    def __init__(self) -> None:
        self._has_come = False
        self._process: subprocess.Popen[str] | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self._come())

    def _come(self) -> None:
        # No exception from here: Python would swallow it, with a traceback, if it came in the midst of an import.
        self._has_come = True
        if self._process:
            self._process.kill()

    def end(self, process: subprocess.Popen[str]) -> None:
        """Kill this process at an interrupt, or now if there was one."""
        self._process = process
        if self._has_come:
            process.kill()

    def heed(self) -> None:
        """Raise KeyboardInterrupt if there was an interrupt."""
        if self._has_come:
            raise KeyboardInterrupt
