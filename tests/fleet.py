"""What the tests of AWS's side and of whole checks share: a clock, tables under a load, a circuit breaker, a log."""

from __future__ import annotations

import logging
import socketserver
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from textwrap import dedent
from types import SimpleNamespace

import pytest

from dynamic_dynamodb.aws.account import Account
from dynamic_dynamodb.aws.clients import Clients, make_clients
from dynamic_dynamodb.aws.retry import Patience
from dynamic_dynamodb.options import GlobalOptions
from dynamic_dynamodb.tally import Tally
from tests.runs import NOON, Program
from tests.stand_in import Call, Fault, Published, StandIn, Update, World

CONSUMED_READS, CONSUMED_WRITES = "ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"
READ_THROTTLES, WRITE_THROTTLES = "ReadThrottleEvents", "WriteThrottleEvents"
TOPIC = "arn:aws:sns:us-east-1:123456789012:scaling"

BACKOFF = [1, 2, 4, 8, 10, 10, 10, 10, 10]
"""The waits, in seconds, between ten attempts."""


class Hasty(threading.Event):
    """What the back-off waits with, but without waiting: the seconds are kept in `waits`."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        return self.is_set()


def endless_account(clients: Clients, stopping: threading.Event) -> Account:
    """An account that does not give up before the attempts at each call are used up."""
    return Account(clients, Patience(stopping, seconds=1e9))


def hurry_botocore(patch: pytest.MonkeyPatch) -> None:
    """From now on botocore does not wait before it tries again."""
    patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda seconds: None))


class Aws:
    """A stand-in with clients for it. To make clients is slow, so the tests of a module share them."""

    def __init__(self, stand_in: StandIn, clients: Clients) -> None:
        self.stand_in = stand_in
        self.clients = clients
        self.stopping = Hasty()

    def new_world(self) -> World:
        """Forget everything: from now on the stand-in serves this empty world."""
        self.stopping = Hasty()
        self.stand_in.world = World()
        return self.stand_in.world

    def account(self) -> Account:
        """The account, as a new process sees it."""
        return endless_account(self.clients, self.stopping)


@contextmanager
def shared_aws() -> Iterator[Aws]:
    """To be entered by a fixture of a module. Nothing waits before it tries again."""
    with StandIn() as stand_in, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", stand_in.url)
        hurry_botocore(patch)
        options = GlobalOptions("AKIAIOSFODNN7EXAMPLE", "not-a-secret", region="us-east-1")
        yield Aws(stand_in, make_clients(options, ["us-east-1", "eu-west-1"]))


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, start: datetime = NOON) -> None:
        self.time = start

    def __call__(self) -> datetime:
        return self.time

    def go(self, **amount: float) -> None:
        self.time += timedelta(**amount)


@dataclass(frozen=True)
class Checked:
    """What one check did, by the stand-in's record and by the log, whose lines begin with their level.

    Tables are served at the same time: updates and notifications are in the order of the names.
    """

    tally: Tally
    updates: Sequence[Update]
    published: Sequence[Published]
    calls: Sequence[Call]
    lines: Sequence[str]

    def at(self, level: str) -> list[str]:
        """The messages of one level."""
        return [line.removeprefix(f"{level} ") for line in self.lines if line.startswith(f"{level} ")]

    def about(self, *words: str) -> list[str]:
        """The lines that hold all these words."""
        return [line for line in self.lines if all(word in line for word in words)]

    def count(self, operation: str) -> int:
        return sum(call.operation == operation for call in self.calls)


class Fleet:
    """Tables under loads that stay until changed, and a program that checks them at the time of `clock`."""

    def __init__(self, aws: Aws, directory: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.world = world = aws.new_world()
        self.waits = aws.stopping.waits
        self._account = aws.account()
        self.clock = Clock()
        self._loads: dict[tuple[str, str | None, str], float | None] = {}
        self._file = directory / "dynamic-dynamodb.conf"
        self._caplog = caplog
        self._program: Program | None = None
        world.now = self.clock
        world.metric = lambda table, index, metric, minute: self._loads.get((table, index, metric))
        caplog.set_level(logging.DEBUG, logger="dynamic-dynamodb")

    def load(
        self,
        table: str,
        index: str | None = None,
        reads: float | None = None,
        writes: float | None = None,
        read_throttles: float | None = None,
        write_throttles: float | None = None,
    ) -> None:
        """Units consumed a second, and throttled events a minute; None: CloudWatch has no datapoints."""
        a_minute = {
            CONSUMED_READS: None if reads is None else reads * 60,
            CONSUMED_WRITES: None if writes is None else writes * 60,
            READ_THROTTLES: read_throttles,
            WRITE_THROTTLES: write_throttles,
        }
        self._loads.update({(table, index, metric): value for metric, value in a_minute.items()})

    def add(
        self, table: str, index: str | None = None, units: tuple[int, int] = (100, 100), **load: float | None
    ) -> None:
        """A table, or an index of one that is there, with its load."""
        if index is None:
            self.world.add_table(table, *units)
        else:
            self.world.add_index(table, index, *units)
        self.load(table, index, **load)

    def fail(self, kind: str, operation: str, table: str | None = None, times: int | None = None) -> None:
        self.world.faults.add(Fault(kind, operation, table, times))

    def configure(self, text: str, *argv: str) -> None:
        """A program with this configuration file; it remembers nothing."""
        self._file.write_text(dedent(text))
        self._program = Program(["-c", str(self._file), *argv], account=self._account)

    def check(self) -> Checked:
        assert self._program is not None, "configure first"
        world = self.world
        updates, published, calls = len(world.updates), len(world.published), len(world.calls)
        self._caplog.clear()
        tally = self._program.check(self.clock.time)
        lines = [
            f"{record.levelname} {record.getMessage()}"
            for record in self._caplog.records
            if record.name == "dynamic-dynamodb"
        ]
        return Checked(
            tally,
            sorted(world.updates[updates:], key=lambda update: (update.table, update.index_name or "")),
            sorted(world.published[published:], key=lambda message: message.subject or ""),
            world.calls[calls:],
            lines,
        )


@dataclass(frozen=True)
class Asked:
    """A request that a circuit breaker got; the names of the headers are in lower case."""

    path: str
    headers: dict[str, str]


class Breaker:
    """A circuit breaker on loopback. It answers with `status`; None: not at all, until it is closed."""

    def __init__(self, status: int | None = 200) -> None:
        self.status = status
        self.asked: list[Asked] = []
        self.closing = threading.Event()
        self._server = _BreakerServer(self)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"http://{self.host}/state"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def __enter__(self) -> Breaker:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()


class _BreakerServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, breaker: Breaker) -> None:
        self.breaker = breaker
        super().__init__(("127.0.0.1", 0), _BreakerHandler)

    def server_bind(self) -> None:
        # HTTPServer would look its own name up, which can take seconds.
        socketserver.TCPServer.server_bind(self)


class _BreakerHandler(BaseHTTPRequestHandler):
    server: _BreakerServer

    def do_GET(self) -> None:
        breaker = self.server.breaker
        breaker.asked.append(Asked(self.path, {name.lower(): value for name, value in self.headers.items()}))
        if breaker.status is None:
            breaker.closing.wait()
            return
        # Wherever a redirect leads to, all is well there.
        self.send_response(200 if self.path == "/elsewhere" else breaker.status)
        if breaker.status in (301, 302, 307):
            self.send_header("Location", f"http://{breaker.host}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
