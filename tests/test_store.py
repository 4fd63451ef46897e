"""The stored counters: what outlives a restart, a crash, damage and other people's files."""

from __future__ import annotations

import itertools
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.loop import Loop
from dynamic_dynamodb.memory import Counters
from dynamic_dynamodb.model import Dimension, Resource
from dynamic_dynamodb.signals import Signals
from dynamic_dynamodb.store import CounterStore
from tests.processes import ROOT, Crashing, Finished, Home, Killed, terminate, time_limit
from tests.stand_in import Fault, World

DAY_SECONDS = 24 * 3600
MOST_STEPS = 16
"""More than a write of the counters takes; a test counts them."""

TABLE, INDEX = Resource("orders"), Resource("orders", "by_day")
SOME: Counters = {(TABLE, Dimension.READS): 2, (INDEX, Dimension.WRITES): 1}
OTHER: Counters = {(TABLE, Dimension.READS): 3}
THIRD_CHECK = "[table: ^orders$]\nnum-read-checks-before-scale-down: 3\nreads-lower-threshold: 60"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "dynamic-dynamodb.default.counters"


def stored(path: Path, counters: Counters = SOME, clock: Callable[[], float] = time.time) -> str:
    """Store counters, and return the text of the file."""
    store = CounterStore(str(path), clock)
    store.load()
    store.save(counters)
    return path.read_text()


def loaded(path: Path, clock: Callable[[], float] = time.time) -> Counters:
    return CounterStore(str(path), clock).load()


def identity(path: Path) -> tuple[int, int]:
    """Changes with every write."""
    return path.stat().st_ino, path.stat().st_mtime_ns


class TestTheFile:
    def test_what_is_stored_is_loaded_again(self, path: Path) -> None:
        content = json.loads(stored(path, {**SOME, (TABLE, Dimension.WRITES): 0}))
        assert content["version"] == 1
        assert len(content["counters"]) == 2
        assert loaded(path) == SOME
        assert list(path.parent.iterdir()) == [path]

    def test_without_a_file_counting_starts_at_0(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        assert loaded(path) == {}
        assert caplog.messages == []

    def test_it_is_not_written_where_nothing_changed(self, path: Path) -> None:
        stored(path)
        before = identity(path)
        for counters in (SOME, {**SOME, (Resource("idle"), Dimension.READS): 0}):
            stored(path, counters)
        assert identity(path) == before
        stored(path, OTHER)
        assert identity(path) != before

    def test_it_is_not_made_for_nothing(self, path: Path) -> None:
        store = CounterStore(str(path))
        store.load()
        store.save({(TABLE, Dimension.READS): 0})
        assert not path.exists()

    @pytest.mark.parametrize(
        ("seconds", "count"), [(DAY_SECONDS, 1), (DAY_SECONDS + 1, 0), (-DAY_SECONDS, 1), (-DAY_SECONDS - 1, 0)]
    )
    def test_a_count_is_thrown_away_a_day_after_its_last_change(self, path: Path, seconds: float, count: int) -> None:
        stored(path, OTHER, lambda: 1e9)
        # Another change later does not make this one younger.
        stored(path, {**OTHER, (INDEX, Dimension.READS): 1}, lambda: 1e9 + 10)
        kept = loaded(path, lambda: 1e9 + seconds)
        assert ((TABLE, Dimension.READS) in kept) == bool(count)


ENTRY = {"table": "orders", "index": "", "dimension": "reads", "count": 2, "since": time.time()}


def file_with(**changes: Any) -> str:
    """A file of one counter that is like this."""
    return json.dumps({"version": 1, "counters": [{**ENTRY, **changes}]})


DAMAGED: dict[str, str | bytes] = {
    "empty": "",
    "garbage": "\x00\x01",
    "not UTF-8": b"\xff\xfe{}",
    "no object": "[]",
    "a number": "1",
    "null": "null",
    "no version": '{"counters": []}',
    "another version": '{"version": 2, "counters": []}',
    "version in words": '{"version": "1", "counters": []}',
    "no counters": '{"version": 1}',
    "counters null": '{"version": 1, "counters": null}',
    "counters an object": json.dumps({"version": 1, "counters": {"a": ENTRY}}),
    "a counter that is a list": '{"version": 1, "counters": [[]]}',
    "a counter that is empty": '{"version": 1, "counters": [{}]}',
    "unknown dimension": file_with(dimension="sideways"),
    "dimension a list": file_with(dimension=[]),
    "count in words": file_with(count="many"),
    "count null": file_with(count=None),
    "count infinite": file_with(count=float("inf")),
    "count no number": file_with(count=float("nan")),
    "huge time": file_with(since=10**400),
    "huge number": '{"version": 1, "counters": [{"count": ' + "9" * 10_000 + "}]}",
    "deep nesting": "[" * 100_000,
    "deep objects": '{"a":' * 100_000,
}


class TestDamage:
    @pytest.mark.parametrize("name", DAMAGED)
    @pytest.mark.parametrize("counters", [SOME, {}], ids=["counters", "nothing"])
    def test_it_is_ignored_with_a_warning_and_replaced(
        self, path: Path, caplog: pytest.LogCaptureFixture, name: str, counters: Counters
    ) -> None:
        content = DAMAGED[name]
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        store = CounterStore(str(path))
        assert store.load() == {}
        (warning,) = caplog.records
        assert warning.levelno == logging.WARNING
        assert "the stored counters are ignored and will be replaced" in warning.getMessage()
        store.save(counters)
        assert loaded(path) == counters
        assert len(caplog.records) == 1

    def test_truncated_at_every_byte(self, path: Path) -> None:
        content = stored(path).encode()
        for length in range(len(content)):
            path.write_bytes(content[:length])
            assert loaded(path) == {}
        path.write_bytes(content)
        assert loaded(path) == SOME

    @settings(max_examples=100, deadline=None)
    @given(
        st.one_of(
            st.binary(),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
                lambda inner: (
                    st.lists(inner) | st.dictionaries(st.sampled_from(["version", "counters", *ENTRY]), inner)
                ),
            ).map(lambda value: json.dumps({"version": 1, "counters": [value]}).encode()),
        )
    )
    def test_whatever_the_file_holds_counting_goes_on(self, content: bytes) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory, "counters")
            path.write_bytes(content)
            counters = loaded(path)
            assert all(isinstance(count, int) for count in counters.values())

    @pytest.mark.parametrize("kind", ["symbolic link", "hard link", "pipe", "directory", "somebody else's"])
    def test_what_is_no_file_of_ours_is_not_read(
        self, path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, kind: str
    ) -> None:
        other = path.with_name("other")
        text = stored(other)
        if kind == "pipe":
            os.mkfifo(path)
        elif kind == "directory":
            path.mkdir()
        elif kind == "hard link":
            path.hardlink_to(other)
        elif kind == "symbolic link":
            path.symlink_to(other)
        else:
            other.rename(path)
            monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
        store = CounterStore(str(path))
        with time_limit():
            assert store.load() == {}
        monkeypatch.undo()
        store.save(OTHER)
        if kind == "directory":
            assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.ERROR]
        else:
            assert loaded(path) == OTHER
            assert kind == "somebody else's" or other.read_text() == text
            assert not path.is_symlink()
            assert len(caplog.records) == 1


class TestCrashes:
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.dictionaries(st.sampled_from(sorted(SOME, key=str)), st.integers(0, 5)),
                st.none() | st.integers(0, MOST_STEPS),
                st.sampled_from([OSError, Killed]),
            ),
            max_size=6,
        )
    )
    def test_the_old_or_the_new_content_is_left(
        self, writes: list[tuple[Counters, int | None, type[BaseException]]]
    ) -> None:
        with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
            path = Path(directory, "counters")
            old = {}
            store = CounterStore(str(path))
            for counters, at, error in writes:
                new = {key: count for key, count in counters.items() if count}
                crashing = os if at is None else Crashing(at, error)
                patch.setattr("dynamic_dynamodb.store.os", crashing)
                patch.setattr("dynamic_dynamodb.safe_files.os", crashing)
                try:
                    store.save(counters)
                except Killed:
                    store = CounterStore(str(path))
                patch.undo()
                left = loaded(path)
                assert left in ([new] if at is None else [old, new])
                if error is Killed:
                    store.load()
                old = left

    @pytest.mark.parametrize("error", [OSError, Killed])
    def test_after_a_failure_at_any_step_the_next_write_succeeds(
        self, path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
    ) -> None:
        for at in itertools.count():
            stored(path, SOME)
            store, crashing = CounterStore(str(path)), Crashing(at, error)
            store.load()
            monkeypatch.setattr("dynamic_dynamodb.store.os", crashing)
            monkeypatch.setattr("dynamic_dynamodb.safe_files.os", crashing)
            with suppress(Killed):
                store.save(OTHER)
            monkeypatch.undo()
            assert loaded(path) in (SOME, OTHER)
            if error is Killed:
                # The next process.
                store.load()
            store.save(SOME)
            assert loaded(path) == SOME
            if crashing.steps <= at:
                break
        # The property above strikes at each of them.
        assert 8 <= at <= MOST_STEPS

    def test_a_kill_at_any_moment(self, path: Path) -> None:
        last = 0
        for number in range(12):
            with writing(path):
                deadline = time.monotonic() + 20
                while not loaded(path) or min(loaded(path).values()) == last:
                    assert time.monotonic() < deadline
                time.sleep(number * 0.003)
            last = whole_count(path)

    def test_two_that_write_at_the_same_time(self, path: Path, caplog: pytest.LogCaptureFixture) -> None:
        with writing(path), writing(path):
            deadline = time.monotonic() + 20
            while not path.exists():
                assert time.monotonic() < deadline
            counts = {whole_count(path) for _ in range(300)}
        assert len(counts) > 3
        assert caplog.messages == []


WRITER = """
import sys
from dynamic_dynamodb.store import CounterStore
from dynamic_dynamodb.model import Dimension, Resource
store = CounterStore(sys.argv[1])
count = max(store.load().values(), default=0)
while True:
    count += 1
    store.save({(Resource(f"t{number}"), Dimension.READS): count for number in range(300)})
"""


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """A process that writes a higher count of 300 tables again and again, until it is killed."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stderr=subprocess.PIPE) as process:
        try:
            yield
        finally:
            process.kill()
        assert process.stderr
        assert process.stderr.read() == b""


def whole_count(path: Path) -> int:
    """The count that all the tables have."""
    counts = loaded(path)
    assert len(counts) == 300
    assert len(set(counts.values())) == 1
    return counts[Resource("t0"), Dimension.READS]


@pytest.fixture
def home(tmp_path: Path, world: World) -> Iterator[Home]:
    world.add_table("orders", 10, 10, indexes=[("by_day", 10, 10)])
    world.metric = lambda table, index, metric, minute: 300.0 if metric.startswith("Consumed") else None
    with Home(tmp_path) as home:
        home.configure(THIRD_CHECK)
        yield home


class TestVanished:
    @pytest.mark.parametrize(
        ("fault", "vanish", "left"),
        [
            (None, lambda world: None, {"orders", "orders/by_day", "paused"}),
            (None, lambda world: world.delete_table("orders"), {"paused"}),
            (None, lambda world: world.delete_index("orders", "by_day"), {"orders", "paused"}),
            (Fault("expired", "ListTables"), lambda world: None, {"gone", "orders", "orders/by_day", "paused"}),
            (Fault("denied", "ListTables"), lambda world: None, {"gone", "orders", "orders/by_day", "paused"}),
            (Fault("denied", "DescribeTable"), lambda world: None, {"orders", "orders/by_day", "paused"}),
        ],
        ids=["another table", "the table", "the index", "listing fails", "listing denied", "describing fails"],
    )
    def test_what_is_gone_is_dropped_and_only_that(
        self, home: Home, world: World, fault: Fault | None, vanish: Callable[[World], None], left: set[str]
    ) -> None:
        world.add_table("paused", 10, 10)
        names = [TABLE, INDEX, Resource("gone"), Resource("paused")]
        stored(home.counters, {(resource, Dimension.WRITES): 1 for resource in names})
        vanish(world)
        if fault:
            world.faults.add(fault)
        argv = ["-c", str(home.configuration)]
        with Signals() as signals:
            Loop(load(argv), lambda: load(argv), CounterStore(str(home.counters)), signals).check()
        kept = {
            f"{resource.table}/{resource.index}".rstrip("/")
            for resource, dimension in loaded(home.counters)
            if dimension is Dimension.WRITES
        }
        assert kept == left


class TestProcesses:
    def test_three_single_checks_make_a_decrease(self, home: Home, world: World) -> None:
        for units in ((10, 10), (10, 10), (5, 10)):
            assert home.run("--run-once").code == 0
            assert world.throughput("orders") == units
        assert loaded(home.counters) == {}

    def test_over_restarts_of_the_daemon(self, home: Home, world: World) -> None:
        for number, units in enumerate(((10, 10), (10, 10), (5, 10)), start=1):
            home.control("restart")
            home.wait_for_log("Check done", times=number)
            assert world.throughput("orders") == units

    def test_a_dry_run_stores_nothing(self, home: Home) -> None:
        assert home.run("--run-once", "--dry-run").code == 0
        assert not home.counters.exists()
        stored(home.counters)
        before = identity(home.counters)
        assert home.run("--run-once", "--dry-run").code == 0
        assert identity(home.counters) == before

    def test_two_at_the_same_moment(self, home: Home) -> None:
        home.configure(THIRD_CHECK.replace("3", "1000"))

        assert home.race(10, "--run-once") == Finished(0, "codes 0 0\n" * 10, "")
        assert loaded(home.counters)[TABLE, Dimension.READS] >= 10
        assert home.checks() == 20
        assert " - WARNING - " not in home.log()
        assert list(home.pids.iterdir()) == [home.counters]

    def test_a_directory_that_is_not_writable_is_told_once(self, home: Home, world: World) -> None:
        home.configure(THIRD_CHECK, interval=1)
        home.pids.chmod(0o555)
        process = home.spawn_without_root_powers()
        home.wait_for_log(" -> 5 ")
        assert terminate(process).code == 0
        assert home.log().count(" - ERROR - ") == 1
        assert f"{home.counters}: the counters cannot be stored (Permission denied); scaling goes on" in home.log()
        assert world.updates[0] == ("orders", None, 5, 10)
