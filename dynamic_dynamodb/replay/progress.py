"""How far a long piece of work has got, on stderr, where somebody looks at it."""

from __future__ import annotations

import sys
from typing import TextIO

_WIDTH = 30


class Progress:
    """A bar that is drawn over itself, if the stream is a terminal, and else nothing."""

    def __init__(self, title: str, total: int, stream: TextIO | None = None) -> None:
        self._title = title
        self._total = max(1, total)
        self._done = 0
        self._stream = stream or sys.stderr
        self._is_shown = self._stream is not None and self._stream.isatty()
        self.draw()

    def step(self) -> None:
        """One more is done."""
        self._done += 1
        self.draw()

    def draw(self) -> None:
        """Show it."""
        if self._is_shown:
            filled = _WIDTH * self._done // self._total
            bar = "#" * filled + "." * (_WIDTH - filled)
            self._stream.write(f"\r{self._title} [{bar}] {self._done}/{self._total} ")
            self._stream.flush()

    def close(self) -> None:
        """Wipe it away: the next line begins where it stood."""
        if self._is_shown:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
