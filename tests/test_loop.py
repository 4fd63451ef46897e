"""When checks start, on a clock that the test moves and by the real one; and what SIGHUP changes."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.loop import Loop
from dynamic_dynamodb.signals import Signals
from dynamic_dynamodb.store import CounterStore
from tests.fleet import hurry_botocore
from tests.processes import DONE, Home, descriptors, is_alive, terminate, wait_for
from tests.stand_in import Call, Fault, StandIn, World


class TimedSignals(Signals):
    """Waits by a clock that moves at once. `on_wait` is called before each wait with its number; the last one ends."""

    def __init__(self, waits: int) -> None:
        super().__init__()
        self.now = 1000.0
        self.waits: list[float] = []
        self.on_wait: Callable[[int], None] = lambda number: None
        self._most = waits

    def monotonic(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        before = self._hung_up
        self.on_wait(len(self.waits))
        # A signal cuts the wait short, here to 10 seconds.
        self.now += min(10.0, seconds) if self._hung_up and not before else seconds
        if len(self.waits) == self._most:
            self.handle(signal.SIGTERM, None)


class SlowWorld(World):
    """Checks last as many seconds as `durations` say, one after the other; `starts` are their times."""

    def __init__(self, signals: TimedSignals, durations: Sequence[float]) -> None:
        super().__init__()
        self.starts: list[float] = []
        self._signals = signals
        self._durations = iter(durations)

    def record(self, call: Call) -> None:
        super().record(call)
        if call.operation == "ListTables":
            self.starts.append(self._signals.now - 1000.0)
            self._signals.now += next(self._durations, 0.0)


@pytest.fixture
def timed(
    tmp_path: Path, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> Callable[..., tuple[SlowWorld, TimedSignals]]:
    """Runs a loop over checks of these durations, and returns the world and the signals with what they recorded."""
    path = tmp_path / "dynamic-dynamodb.conf"

    def configure(interval: int) -> None:
        path.write_text(f"[global]\ncheck-interval: {interval}\n[logging]\nlog-file: {tmp_path}/log\n[table: ^orders$]")

    def run(
        durations: Sequence[float],
        faults: Sequence[Fault] = (),
        hang_up_with: int | None = None,
        reload: Callable[[], object] | None = None,
        on_wait: Callable[[int], None] = lambda number: None,
    ) -> tuple[SlowWorld, TimedSignals]:
        configure(60)
        argv = ["-c", str(path)]
        signals = TimedSignals(len(durations) + (hang_up_with is not None))
        monkeypatch.setattr("dynamic_dynamodb.loop.time", SimpleNamespace(monotonic=signals.monotonic))
        stand_in.world = world = SlowWorld(signals, durations)
        world.add_table("orders", 10, 10)
        for fault in faults:
            world.faults.add(fault)
        loop = Loop(load(argv), reload or (lambda: load(argv)), CounterStore(str(tmp_path / "counters")), signals)
        logging.getLogger("dynamic-dynamodb").addHandler(caplog.handler)
        signals.on_wait = on_wait
        if hang_up_with is not None:

            def hang_up(number: int) -> None:
                if number == 1:
                    configure(hang_up_with)
                    signals.handle(signal.SIGHUP, None)

            signals.on_wait = hang_up
        loop.run()
        return world, signals

    return run


class TestByTheMonotonicClock:
    @pytest.mark.parametrize(
        ("durations", "waits", "starts", "late"),
        [
            pytest.param([0, 0, 0], [60, 60, 60], [0, 60, 120], [], id="quick checks"),
            pytest.param([40, 40, 40], [20, 20, 20], [0, 60, 120], [], id="the rest of the interval"),
            pytest.param([60, 60], [0, 0], [0, 60], [], id="exactly the interval"),
            pytest.param([70, 5, 0], [0, 55, 60], [0, 70, 130], [10.0], id="one that is late moves the next ones"),
            pytest.param([200, 90], [0, 0], [0, 200], [140.0, 30.0], id="none is made up for"),
        ],
    )
    def test_the_next_check_starts_an_interval_after_this_one(
        self,
        timed: Callable[..., tuple[SlowWorld, TimedSignals]],
        caplog: pytest.LogCaptureFixture,
        durations: list[float],
        waits: list[float],
        starts: list[float],
        late: list[float],
    ) -> None:
        world, signals = timed(durations)
        assert signals.waits == waits
        assert world.starts == starts
        warnings = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert warnings == [
            f"The check took {seconds} s longer than check-interval; the next one follows at once" for seconds in late
        ]

    @pytest.mark.parametrize("kind", ["denied", "garbage", "expired"])
    def test_a_check_that_fails_is_followed_by_the_next(
        self, timed: Callable[..., tuple[SlowWorld, TimedSignals]], caplog: pytest.LogCaptureFixture, kind: str
    ) -> None:
        world, signals = timed([5, 5, 5], [Fault(kind, "DescribeTable", times=2)])
        assert signals.waits == [55, 55, 55]
        results = [match[0] for match in DONE.findall("".join(f"{line}\n" for line in caplog.messages))]
        assert results == ["1", "1", "1"]
        assert caplog.text.count("0 changed, 1 failed") == 2
        assert world.counts()["ListTables"] == 3

    def test_aws_that_is_down_for_a_while(
        self,
        timed: Callable[..., tuple[SlowWorld, TimedSignals]],
        stand_in: StandIn,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        hurry_botocore(monkeypatch)
        with ExitStack() as stack:

            def on_wait(number: int) -> None:
                if number == 1:
                    stand_in.close()
                elif number == 3:
                    again = StandIn(stand_in.world, port=int(stand_in.url.rpartition(":")[2]))
                    stack.enter_context(again)

            _, signals = timed([0, 0, 0, 0], on_wait=on_wait)
        assert signals.waits == [60, 60, 60, 60]
        done = DONE.findall("".join(f"{line}\n" for line in caplog.messages))
        fine, failed = ("1", "0", "0", "0"), ("0", "0", "1", "0")
        assert done == [fine, failed, failed, fine]
        errors = [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR]
        assert len(errors) == 2
        assert all(error.startswith("no table could be checked: dynamodb:ListTables failed: ") for error in errors)

    @pytest.mark.parametrize(("interval", "starts"), [(60, [0, 60, 120]), (7, [0, 60, 67]), (300, [0, 60, 360])])
    def test_a_new_interval_holds_from_the_next_check_on(
        self, timed: Callable[..., tuple[SlowWorld, TimedSignals]], interval: int, starts: list[float]
    ) -> None:
        world, signals = timed([0, 0, 0], hang_up_with=interval)
        assert world.starts == starts
        assert signals.waits[:2] == [60, 50]

    def test_a_mistake_in_the_program_does_not_end_it(
        self, timed: Callable[..., tuple[SlowWorld, TimedSignals]], caplog: pytest.LogCaptureFixture
    ) -> None:
        def broken() -> object:
            raise ZeroDivisionError("a mistake")

        world, _ = timed([0, 0, 0], hang_up_with=60, reload=broken)
        assert world.starts == [0, 60, 120]
        assert "a mistake in the program; the next check follows" in caplog.messages


class RecordingWorld(World):
    """Knows in what order and when the operations were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.times: list[tuple[str, float]] = []

    def record(self, call: Call) -> None:
        super().record(call)
        self.times.append((call.operation, time.monotonic()))

    def starts(self) -> list[float]:
        return [moment for operation, moment in self.times if operation == "ListTables"]


class TestAsAProcess:
    @pytest.fixture
    def world(self, stand_in: StandIn) -> RecordingWorld:
        stand_in.world = world = RecordingWorld()
        world.add_table("orders", 10, 10)
        return world

    @pytest.fixture
    def home(self, tmp_path: Path, world: RecordingWorld) -> Iterator[Home]:
        with Home(tmp_path) as home:
            home.configure(interval=1)
            yield home

    def test_a_check_a_second(self, home: Home, world: RecordingWorld) -> None:
        process = home.spawn()
        wait_for(lambda: len(world.starts()) >= 4, "four checks")
        first, *_, fourth = world.starts()[:4]
        assert 1.5 < fourth - first < 6
        assert terminate(process).code == 0

    def test_never_two_at_a_time(self, home: Home, world: RecordingWorld) -> None:
        world.faults.add(Fault("slow", "GetMetricData", seconds=1.2))
        process = home.spawn()
        wait_for(lambda: home.checks() >= 3, "three checks")
        assert terminate(process).code == 0
        operations = [operation for operation, _ in world.times]
        order = ["ListTables", "DescribeTable", "GetMetricData"]
        assert operations[:9] == order * 3
        lines = home.log().splitlines()
        warnings = [number for number, line in enumerate(lines) if "longer than check-interval" in line]
        assert len(warnings) >= 3
        assert all("Check done" in lines[number - 1] for number in warnings)


COUNTING = "[table: ^orders$]\nnum-read-checks-before-scale-down: 1000\nreads-lower-threshold: 60"


class TestSighup:
    @pytest.fixture
    def home(self, tmp_path: Path, world: World) -> Iterator[Home]:
        world.add_table("orders", 10, 10)
        # Half of the units: no reason to scale by the defaults.
        world.metric = lambda table, index, metric, minute: 300.0 if metric.startswith("Consumed") else None
        with Home(tmp_path) as home:
            yield home

    def test_a_good_configuration_holds_from_the_next_check_on(self, home: Home, world: World) -> None:
        home.configure(COUNTING, interval=1)
        pid = home.start()
        home.wait_for_log("Check done", times=2)
        home.configure(COUNTING.replace("1000", "2"), interval=1)
        os.kill(pid, signal.SIGHUP)
        home.wait_for_log(" -> ")
        before, after = home.log().split("SIGHUP: the configuration has been read again")
        assert "changed" not in before.replace("0 changed", "")
        # The counters were kept, or the first check could not have decreased.
        assert DONE.findall(after)[:1] in ([], [("1", "1", "0", "0")])
        assert world.updates[0] == ("orders", None, 5, 10)
        assert home.pid() == pid

    def test_a_bad_one_is_reported_and_the_old_one_stays(self, home: Home, world: World) -> None:
        home.configure(interval=1)
        pid = home.start()
        home.wait_for_log("Check done")
        home.log_file.rename(home.log_file.with_suffix(".1"))
        home.configure("[table: (]\n[table: ^orders$]\nincrease-reads-with: -1")
        os.kill(pid, signal.SIGHUP)
        log = home.wait_for_log("SIGHUP: the configuration cannot be used; the one before stays in force")
        errors = [line.partition(" - ERROR - ")[2] for line in log.splitlines() if " - ERROR - " in line]
        assert len(errors) == 3
        assert "[table: (]: '(' is not a valid regular expression" in errors[0]
        assert "increase-reads-with" in errors[1]
        checks = home.checks()
        wait_for(lambda: home.checks() >= checks + 2, "checks by the old configuration")
        assert is_alive(pid)

    def test_log_and_descriptors_after_many(self, home: Home) -> None:
        pid = home.start()
        home.wait_for_log("Check done")
        rotated = home.log_file.with_suffix(".1")
        home.log_file.rename(rotated)
        counts = []
        for number in range(1, 9):
            os.kill(pid, signal.SIGHUP)
            home.wait_for_log("SIGHUP: the configuration has been read again", times=number)
            counts.append(len(descriptors(pid)))
        assert "Check done" in rotated.read_text()
        assert "SIGHUP" not in rotated.read_text()
        assert descriptors(pid).count(str(home.log_file)) == 1
        assert max(counts[4:]) <= max(counts[:4]), counts
