"""The real command, as a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

SCRIPT = Path(sys.executable).with_name("dynamic-dynamodb")
LONGEST_SECONDS = 60

KEYS = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret"}


@dataclass(frozen=True)
class Finished:
    """How a run ended: its exit code, the lines of its log without their times, and what it said on stderr."""

    code: int
    lines: list[str]
    stderr: str

    def at(self, level: str) -> list[str]:
        """The messages of one level."""
        start = f"dynamic-dynamodb - {level} - "
        return [line.removeprefix(start) for line in self.lines if line.startswith(start)]


class Running:
    """A process whose log is read line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process

    def wait_for(self, words: str, times: int = 1) -> None:
        """Read on until so many lines with these words have come."""
        assert self.process.stdout is not None
        seen: list[str] = []
        while times:
            line = self.process.stdout.readline()
            assert line, f"it has ended, or taken too long, without {words!r}: {seen}"
            seen.append(line)
            times -= words in line


class Command:
    """`dynamic-dynamodb` with nothing in its environment but an end point, keys and what is given here."""

    def __init__(self, directory: Path, end_point: str, keys: Mapping[str, str] = KEYS) -> None:
        self._directory = directory
        self._environment = {
            "PATH": os.environ["PATH"],
            "AWS_ENDPOINT_URL": end_point,
            "AWS_CONFIG_FILE": str(directory / "no-config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(directory / "no-credentials"),
            "AWS_EC2_METADATA_DISABLED": "true",
            **keys,
        }

    def _arguments(self, configuration: str, *argv: str) -> list[str]:
        """A configuration may be left out ("")."""
        arguments = [str(SCRIPT), "--pid-file-dir", str(self._directory), *argv]
        if configuration:
            file = self._directory / "dynamic-dynamodb.conf"
            file.write_text(dedent(configuration))
            arguments += ["-c", str(file)]
        return arguments

    def run_once(self, configuration: str, *argv: str) -> Finished:
        """One check."""
        done = subprocess.run(
            self._arguments(configuration, "--run-once", *argv),
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=LONGEST_SECONDS,
            check=False,
        )
        lines = [line.partition(" - ")[2] for line in done.stdout.splitlines()]
        return Finished(done.returncode, lines, done.stderr)

    @contextmanager
    def running(self, configuration: str, *argv: str) -> Iterator[Running]:
        """Check after check, until it is told to stop or the time is up."""
        with subprocess.Popen(
            self._arguments(configuration, *argv),
            env=self._environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as process:
            time_is_up = threading.Timer(LONGEST_SECONDS, process.kill)
            time_is_up.start()
            try:
                yield Running(process)
            finally:
                time_is_up.cancel()
                process.kill()
