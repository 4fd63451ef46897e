"""The command as real processes: run it, wait for what it does, and end it whatever happens.

Also a process that ends in the middle of what it does with files, where the test is to say at which step.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")

ROOT = Path(__file__).resolve().parents[1]
LIMIT_SECONDS = 30.0
_POLL_SECONDS = 0.01

_DROP_CAPABILITY = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(24, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
)
"""prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE): from the next exec on root is bound by permissions like anybody else."""

_RACE = """
import json, os, sys
import boto3, daemon, requests
import dynamic_dynamodb.daemon, dynamic_dynamodb.loop, dynamic_dynamodb.store
from dynamic_dynamodb.cli import main

def run(arguments):
    pid = os.fork()
    if pid == 0:
        code = main(arguments)
        sys.stdout.flush()
        os._exit(code)
    return pid

def code(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

command, *after = json.loads(sys.argv[2])
for _ in range(int(sys.argv[1])):
    codes = sorted(map(code, [run(command), run(command)]))
    print("codes", *codes, *[code(run(each)) for each in after], flush=True)
"""

DONE = re.compile(r"Check done: (\d+) resources, (\d+) changed, (\d+) failed, (\d+) skipped in \d+\.\d s\n")


def wait_for(condition: Callable[[], T], what: str, seconds: float = LIMIT_SECONDS) -> T:
    """Wait until the condition holds, and return what it gave."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(_POLL_SECONDS)
    return value


@contextmanager
def time_limit(seconds: int = int(LIMIT_SECONDS)) -> Iterator[None]:
    """What hangs in here fails."""

    def fail(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"not within {seconds} s")

    before = signal.signal(signal.SIGALRM, fail)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def is_alive(pid: int) -> bool:
    """Whether a process runs: one that nobody has reaped yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


def resident_kib(pid: int) -> int:
    """Resident memory."""
    (figure,) = re.findall(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(figure)


def descriptors(pid: int) -> list[str]:
    """What the descriptors of a process stand for."""
    links = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):
            links.append(os.readlink(link))
    return sorted(links)


def threads(pid: int) -> int:
    """How many threads a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    code: int
    stdout: str
    stderr: str


class Home:
    """A directory with a configuration, a log and pid files, and all processes that work in it: they end with it."""

    def __init__(self, directory: Path, instance: str = "default", pids: Path | None = None) -> None:
        self.directory = directory
        self.instance = instance
        self.configuration = directory / "dynamic-dynamodb.conf"
        self.log_file = directory / "dynamic-dynamodb.log"
        self.pids = pids or directory / "pids"
        self.pids.mkdir(exist_ok=True)
        self.pid_file = self.pids / f"dynamic-dynamodb.{instance}.pid"
        self.counters = self.pids / f"dynamic-dynamodb.{instance}.counters"
        self._spawned: list[subprocess.Popen[str]] = []
        self.configure()

    def __enter__(self) -> Home:
        return self

    def __exit__(self, *_: object) -> None:
        # Again until none is left: one may have forked just before it was killed.
        while found := list(self.processes()):
            for pid in found:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        for process in self._spawned:
            process.communicate()

    def processes(self) -> Iterator[int]:
        """Those that have the directory in their command line, which is of this test alone."""
        mark = f"{self.pids}\0".encode()
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if mark in (entry / "cmdline").read_bytes() and is_alive(int(entry.name)):
                    yield int(entry.name)

    def configure(
        self, rules: str = "[table: ^orders$]", interval: int = 300, logging: str | None = None, general: str = ""
    ) -> None:
        """Write the configuration file; `logging` are the lines of that section, None the usual ones."""
        lines = [
            f"[global]\ncheck-interval: {interval}\n{dedent(general)}",
            f"[logging]\n{f'log-file: {self.log_file}' if logging is None else logging}",
            dedent(rules),
        ]
        self.configuration.write_text("\n".join(lines) + "\n")

    def command(self, *arguments: str) -> list[str]:
        """The command line."""
        return [
            sys.executable, "-m", "dynamic_dynamodb", "-c", str(self.configuration),
            "--instance", self.instance, *arguments, "--pid-file-dir", str(self.pids),
        ]  # fmt: skip

    def spawn(
        self, *arguments: str, before: Sequence[str] = (), environment: Mapping[str, str] | None = None, umask: int = -1
    ) -> subprocess.Popen[str]:
        """Begin the command, whose output is kept; `before` stands in front of it."""
        process = subprocess.Popen(
            [*before, *self.command(*arguments)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.directory,
            env={**os.environ, "PYTHONPATH": str(ROOT), **(environment or {})},
            umask=umask,
        )
        self._spawned.append(process)
        return process

    def run(self, *arguments: str, **options: Any) -> Finished:
        """Run the command to its end."""
        return finish(self.spawn(*arguments, **options))

    def control(self, action: str, **options: Any) -> Finished:
        """Run it with --daemon."""
        return self.run("--daemon", action, **options)

    def start(self, **options: Any) -> int:
        """Start the daemon and return its pid."""
        started = self.control("start", **options)
        assert started.code == 0, started
        return self.pid()

    def race(self, tries: int, *arguments: str, after: Sequence[str] = ()) -> Finished:
        """Run the command twice at the same moment and, if given, the one with the arguments `after`; again and again.

        They are forks of a process that has imported all, which makes them quick. It prints the exit codes of each try.
        """
        commands = [self.command(*each)[3:] for each in (arguments, after) if each]
        before = [sys.executable, "-c", _RACE, str(tries), json.dumps(commands)]
        return finish(self.spawn(before=before), 4 * LIMIT_SECONDS)

    def spawn_without_root_powers(self, *arguments: str, **options: Any) -> subprocess.Popen[str]:
        """Begin the command so that permissions hold for it, whoever runs the tests."""
        return self.spawn(*arguments, before=[sys.executable, "-c", _DROP_CAPABILITY], **options)

    def has_pid(self) -> bool:
        """Whether the pid file holds a number."""
        return self.pid_file.is_file() and self.pid_file.read_text().strip().isdigit()

    def pid(self) -> int:
        """What the pid file says, once it does."""
        wait_for(self.has_pid, "a pid file")
        return int(self.pid_file.read_text())

    def log(self) -> str:
        """The log so far, with what midnight has rotated away."""
        files = [*sorted(self.log_file.parent.glob(f"{self.log_file.name}.*")), self.log_file]
        return "".join(each.read_text() for each in files if each.exists())

    def wait_for_log(self, text: str, times: int = 1) -> str:
        """Wait until the log file holds the text so many times, and return it."""
        wait_for(lambda: self.log().count(text) >= times, f"{times} times {text!r} in the log")
        return self.log()

    def checks(self) -> int:
        """How many checks the log file tells of."""
        return len(DONE.findall(self.log()))


def finish(process: subprocess.Popen[str], seconds: float = LIMIT_SECONDS) -> Finished:
    """Wait for the end of a process."""
    stdout, stderr = process.communicate(timeout=seconds)
    return Finished(process.returncode, stdout or "", stderr or "")


def terminate(process: subprocess.Popen[str]) -> Finished:
    """Send SIGTERM and wait for the end."""
    process.terminate()
    return finish(process)


class Killed(BaseException):
    """The process has ended here."""


class Crashing:
    """Stands for the module os and counts what is done through it. Step number `at` fails; after Killed, all do."""

    def __init__(self, at: int, error: type[BaseException]) -> None:
        self._at = at
        self._error = error
        self.steps = 0
        self._is_dead = False

    def __getattr__(self, name: str) -> Any:
        value = getattr(os, name)
        return self._stepping(value) if callable(value) else value

    def _stepping(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            self.step()
            result = function(*arguments, **options)
            return CrashingFile(result, self) if function is os.fdopen else result

        return call

    def step(self) -> None:
        if self.steps == self._at or self._is_dead:
            self._is_dead = self._error is Killed
            self.steps += 1
            raise self._error(28, "No space left on device")
        self.steps += 1


class CrashingFile:
    """A file whose text is on disk by half when its writing fails."""

    def __init__(self, file: Any, crashing: Crashing) -> None:
        self._file = file
        self._crashing = crashing

    def __enter__(self) -> CrashingFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        self._crashing.step()
        return getattr(self._file, name)

    def write(self, text: str) -> None:
        self._file.write(text[: len(text) // 2])
        self._file.flush()
        self._crashing.step()
        self._file.write(text[len(text) // 2 :])
