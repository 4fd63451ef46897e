"""The real command's life: exit codes, what a user sees when AWS does not answer, the loop and its end."""

from __future__ import annotations

import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import LONGEST_SECONDS, Command
from tests.fleet import CONSUMED_READS
from tests.stand_in import Fault, StandIn, World

LAST_LINE = "Check done: "


@pytest.fixture
def command(stand_in: StandIn, tmp_path: Path) -> Command:
    return Command(tmp_path, stand_in.url)


@pytest.fixture
def dead_url() -> Iterator[str]:
    """A port that is taken, so that nobody else gets it, and that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


def add(world: World, name: str, reads: float = 50) -> None:
    """A table of 100 units with a steady load in units a second."""
    world.add_table(name, 100, 100)
    world.put_load(name, None, CONSUMED_READS, reads * 60)


class TestExitCodes:
    @pytest.mark.parametrize(
        ("fault", "code", "changed"),
        [
            pytest.param(None, 0, 3, id="all is well"),
            pytest.param(Fault("in_use", "UpdateTable", "orders"), 0, 2, id="a busy table"),
            pytest.param(Fault("limit", "UpdateTable", "quiet"), 0, 2, id="a refused decrease"),
            pytest.param(Fault("limit", "UpdateTable", "orders"), 1, 2, id="a refused increase"),
            pytest.param(Fault("denied", "DescribeTable", "orders"), 1, 2, id="a table that cannot be described"),
            pytest.param(Fault("denied", "UpdateTable", "orders"), 1, 2, id="a table that cannot be changed"),
            pytest.param(Fault("not_found", "DescribeTable", "orders"), 1, 2, id="a table that is gone"),
            pytest.param(Fault("validation", "GetMetricData"), 1, 0, id="no metrics"),
            pytest.param(Fault("expired", "ListTables"), 1, 0, id="expired credentials"),
        ],
    )
    def test_of_one_run(self, command: Command, world: World, fault: Fault | None, code: int, changed: int) -> None:
        for name in ("orders", "users"):
            add(world, name, reads=95)
        add(world, "quiet", reads=10)
        if fault:
            world.faults.add(fault)
        done = command.run_once("[table: .*]")
        assert (done.code, done.stderr, len(world.updates)) == (code, "", changed)
        assert len(done.at("ERROR")) == code
        assert f"{changed} changed" in done.at("INFO")[-1]

    def test_without_credentials_there_is_one_clear_line(self, stand_in: StandIn, world: World, tmp_path: Path) -> None:
        for number in range(20):
            add(world, f"t{number}")
        done = Command(tmp_path, stand_in.url, keys={}).run_once("[table: .*]")
        assert (done.code, done.stderr) == (1, "")
        (error,) = done.at("ERROR")
        assert error == "no table could be checked: no usable AWS credentials: Unable to locate credentials"
        assert len(done.lines) == 2
        assert done.at("INFO")[-1].startswith(LAST_LINE)
        assert world.count() == 0

    def test_a_dead_end_point_is_one_clear_line(self, tmp_path: Path, dead_url: str) -> None:
        done = Command(tmp_path, dead_url).run_once("[table: .*]")
        assert (done.code, done.stderr) == (1, "")
        (error,) = done.at("ERROR")
        assert error.startswith("no table could be checked: dynamodb:ListTables failed: Could not connect to the")
        assert len(done.lines) == 2


class TestRefusedListing:
    @pytest.mark.parametrize(
        ("rules", "code", "updated"),
        [
            ("[table: orders]\n[table: ^users$]", 0, ["orders", "users"]),
            ("[table: orders]\n[table: ^us.*]", 1, ["orders"]),
        ],
        ids=["plain names", "a pattern"],
    )
    def test_plain_names_are_served(
        self, command: Command, world: World, rules: str, code: int, updated: list[str]
    ) -> None:
        for name in ("orders", "users"):
            add(world, name, reads=95)
        world.faults.add(Fault("denied", "ListTables"))
        done = command.run_once(rules)
        assert (done.code, done.stderr) == (code, "")
        assert sorted(update.table for update in world.updates) == updated
        assert "IAM permission dynamodb:ListTables is missing" in done.at("WARNING")[0]
        assert len(done.at("ERROR")) == code


class TestLoop:
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
    def test_a_signal_ends_its_sleep_at_once(self, command: Command, world: World, number: signal.Signals) -> None:
        add(world, "orders")
        with command.running("[global]\ncheck-interval: 300\n[table: orders]") as running:
            running.wait_for(LAST_LINE)
            running.process.send_signal(number)
            assert running.process.wait(timeout=10) == 0
            assert running.process.stdout
            assert "Traceback" not in running.process.stdout.read()
        assert world.count("ListTables") == 1

    def test_check_follows_on_check(self, command: Command, world: World) -> None:
        add(world, "orders")
        with command.running("[table: orders]", "--check-interval", "1") as running:
            running.wait_for(LAST_LINE, times=2)
            running.process.terminate()
            assert running.process.wait(timeout=10) == 0
        assert world.count("ListTables") >= 2

    def test_a_failed_check_does_not_end_it(self, command: Command, world: World) -> None:
        add(world, "orders", reads=95)
        world.faults.add(Fault("expired", "ListTables", times=1))
        with command.running("[table: orders]", "--check-interval", "1") as running:
            running.wait_for("AWS does not accept the credentials")
            running.wait_for("1 changed")
            running.process.terminate()
            assert running.process.wait(timeout=10) == 0
        assert world.updates == [("orders", None, 150, 100)]

    def test_a_signal_ends_the_waits_before_further_attempts(self, command: Command, world: World) -> None:
        world.add_table("orders", 100, 100)
        asked = threading.Event()
        world.metric = lambda table, index, metric, minute: asked.set()
        world.faults.add(Fault("partial", "GetMetricData"))
        with command.running("[table: orders]") as running:
            assert asked.wait(timeout=LONGEST_SECONDS)
            running.process.terminate()
            # All ten attempts would take more than a minute.
            assert running.process.wait(timeout=10) == 0
        assert world.updates == []
