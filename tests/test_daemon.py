"""The daemon as real processes: start, stop, restart, status, foreground, and all signals."""

from __future__ import annotations

import fcntl
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.processes import DONE, ROOT, Finished, Home, finish, is_alive, terminate, wait_for
from tests.stand_in import Fault, World

UNITS = (10, 10)
MORE_READS = "[table: ^orders$]\nmin-provisioned-reads: 20"
"""A rule that makes the reads of UNITS 20, whatever the load."""
COUNTING = "[table: ^orders$]\nnum-read-checks-before-scale-down: 1000\nreads-lower-threshold: 60"


@pytest.fixture
def home(tmp_path: Path, world: World) -> Iterator[Home]:
    world.add_table("orders", *UNITS)
    # Half of the units: no reason to scale by the defaults.
    world.metric = lambda table, index, metric, minute: 300.0 if metric.startswith("Consumed") else None
    with Home(tmp_path) as home:
        yield home


def locked_by_somebody(path: Path) -> bool:
    with path.open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        return False


def assert_no_daemon(home: Home) -> None:
    """It may still be on its way out when the one who waited for its last word goes on."""
    wait_for(lambda: not list(home.processes()), "no daemon")


class TestStart:
    def test_it_returns_once_the_daemon_works(self, home: Home, world: World) -> None:
        started = home.control("start")
        pid = home.pid()
        assert started == Finished(0, f"dynamic-dynamodb (default) has been started, pid {pid}\n", "")
        assert is_alive(pid)
        assert locked_by_somebody(home.pid_file)
        home.wait_for_log("Check done: 1 resources, 0 changed, 0 failed, 0 skipped")
        assert home.log().count(" - INFO - Version ") == 1
        assert world.counts() == {"ListTables": 1, "DescribeTable": 1, "GetMetricData": 1}
        assert {number: os.readlink(f"/proc/{pid}/fd/{number}") for number in range(3)} == dict.fromkeys(
            range(3), os.devnull
        )
        assert os.getsid(pid) not in (os.getsid(0), pid)
        assert list(home.processes()) == [pid]

    def test_a_second_one_is_refused(self, home: Home) -> None:
        pid = home.start()
        again = home.control("start")
        assert again == Finished(1, "", f"dynamic-dynamodb (default) is running already, pid {pid}\n")
        assert is_alive(pid)
        assert home.pid() == pid

    def test_of_two_at_the_same_moment_one_succeeds(self, tmp_path: Path, home: Home) -> None:
        tries = 5

        def race(number: int) -> None:
            (tmp_path / f"{number}").mkdir()
            with Home(tmp_path / f"{number}") as one:
                finished = one.race(tries, "--daemon", "start", after=("--daemon", "stop"))
                lines = [
                    r"dynamic-dynamodb \(default\) has been started, pid (\d+)",
                    r"dynamic-dynamodb \(default\) has been stopped",
                    "codes 0 1 0",
                ]
                started = re.fullmatch("".join(f"{line}\n" for line in lines * tries), finished.stdout)
                assert started, finished
                refusals = [f"dynamic-dynamodb (default) is running already, pid {pid}\n" for pid in started.groups()]
                assert finished.stderr == "".join(refusals)
                assert_no_daemon(one)

        with ThreadPoolExecutor(4) as executor:
            list(executor.map(race, range(4)))

    def test_after_a_kill(self, home: Home) -> None:
        pid = home.start()
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_alive(pid), "the end of the killed daemon")
        assert home.pid_file.read_text() == f"{pid}\n"
        assert home.start() != pid

    def test_two_instances_run_side_by_side(self, home: Home) -> None:
        other = Home(home.directory, "other.one_2-b", home.pids)
        pids = {home.start(), other.start()}
        assert len(pids) == 2
        assert other.control("stop").stdout == "dynamic-dynamodb (other.one_2-b) has been stopped\n"
        assert [home.control("status").code, other.control("status").code] == [0, 3]

    def test_it_says_when_the_log_goes_nowhere(self, home: Home) -> None:
        home.configure(logging="")
        started = home.control("start")
        assert started.code == 0
        assert started.stderr == (
            "warning: the log goes nowhere; a daemon needs log-file or log-config-file to keep one\n"
        )

    @pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"], ids=["stdin", "stdout", "stderr", "all"])
    def test_with_a_stream_closed(self, home: Home, closed: str) -> None:
        started = home.control("start", before=["sh", "-c", f'exec "$@" {closed}', "sh"])
        assert (started.code, started.stderr) == (0, "")
        assert [os.readlink(f"/proc/{home.pid()}/fd/{number}") for number in range(3)] == [os.devnull] * 3

    @pytest.mark.parametrize(("umask", "mode"), [(0o000, 0o644), (0o022, 0o644), (0o077, 0o600)])
    def test_modes_of_the_files(self, home: Home, umask: int, mode: int) -> None:
        home.configure(COUNTING)
        home.start(umask=umask)
        home.wait_for_log("Check done")
        wait_for(home.counters.exists, "stored counters")
        files = {each.name: each.stat().st_mode & 0o777 for each in (home.pid_file, home.log_file, home.counters)}
        assert set(files.values()) == {mode}, files

    def test_a_link_to_the_log_is_followed_in_a_private_directory(self, home: Home) -> None:
        target = home.directory / "elsewhere.log"
        home.log_file.symlink_to(target)
        home.start()
        wait_for(lambda: target.exists() and "Check done" in target.read_text(), "a log behind the link")

    def test_relative_paths_mean_those_of_the_caller(self, home: Home) -> None:
        home.configure(logging="log-file: here.log")
        home.start()
        wait_for((home.directory / "here.log").exists, "a log in the working directory")


def link(kind: Callable[[Path, Path], None]) -> Callable[[Home], None]:
    """Put a link at the pid path; what it leads to must stay as it is."""

    def prepare(home: Home) -> None:
        target = home.directory / "target"
        target.write_text("precious")
        kind(target, home.pid_file)

    return prepare


def log_link_where_anybody_may_write(home: Home) -> None:
    home.pids.chmod(0o1777)
    target = home.directory / "target"
    target.write_text("precious")
    (home.pids / "a.log").symlink_to(target)
    home.configure(logging=f"log-file: {home.pids}/a.log")


CANNOT_START = {
    "pid directory is missing": (lambda home: home.pids.rmdir(), "cannot be used: No such file or directory"),
    "pid directory is not writable": (lambda home: home.pids.chmod(0o555), "cannot be used: Permission denied"),
    "symbolic link at the pid path": (link(os.symlink), "cannot be used: it is a symbolic link"),
    "hard link at the pid path": (link(os.link), "cannot be used: it is not a plain file of this user"),
    "pipe at the pid path": (lambda home: os.mkfifo(home.pid_file), "it is not a plain file of this user"),
    "directory at the pid path": (lambda home: home.pid_file.mkdir(), "cannot be used: Is a directory"),
    "bad configuration": (lambda home: home.configure("[table: (]"), r"dynamic-dynamodb.conf:\d+: .* valid regular"),
    "no configuration": (lambda home: home.configuration.unlink(), "cannot be read .No such file or directory.;"),
    "log that cannot be opened": (
        lambda home: home.configure(logging="log-file: /no/such/a.log"),
        r"log-file: /no/such/a.log cannot be opened \(No such file or directory\)",
    ),
    "link to a log where anybody may write": (
        log_link_where_anybody_may_write,
        r"a.log cannot be opened \(it is a symbolic link where anybody may write\)",
    ),
    "missing log-config-file": (
        lambda home: home.configure(logging="log-config-file: /no/such.conf"),
        r"log-config-file: /no/such.conf cannot be read \(No such file or directory\)",
    ),
    "unknown AWS profile": (lambda home: None, r"AWS cannot be set up: .*\(?nobody\)?"),
}


@pytest.mark.parametrize("case", CANNOT_START)
def test_what_keeps_the_daemon_from_starting_is_said(home: Home, world: World, case: str) -> None:
    prepare, reason = CANNOT_START[case]
    prepare(home)
    environment = {"AWS_PROFILE": "nobody"} if "AWS" in case else {}
    started = finish(home.spawn_without_root_powers("--daemon", "start", environment=environment))
    assert (started.code, started.stdout) == (1, "")
    assert re.search(reason, started.stderr), started.stderr
    assert started.stderr.count("\n") == 1
    assert_no_daemon(home)
    assert world.counts() == {}
    target = home.directory / "target"
    assert not target.exists() or target.read_text() == "precious"


class TestStop:
    def test_it_waits_until_the_daemon_is_gone(self, home: Home) -> None:
        pid = home.start()
        home.wait_for_log("Check done")
        assert home.control("stop") == Finished(0, "dynamic-dynamodb (default) has been stopped\n", "")
        assert not is_alive(pid)
        assert not home.pid_file.exists()
        assert home.log().endswith(" - dynamic-dynamodb - INFO - Stopped\n")
        assert home.control("stop") == Finished(0, "dynamic-dynamodb (default) was not running\n", "")

    def test_during_the_start(self, home: Home) -> None:
        starting = home.spawn("--daemon", "start")
        pid = home.pid()
        assert home.control("stop").code == 0
        assert finish(starting).code == 0
        assert not is_alive(pid)
        assert_no_daemon(home)


class TestRestart:
    def test_with_the_changed_file(self, home: Home, world: World) -> None:
        pid = home.start()
        home.configure(MORE_READS)
        assert home.control("restart").code == 0
        assert home.pid() != pid
        assert not is_alive(pid)
        wait_for(lambda: world.throughput("orders") == (20, 10), "the units of the new rule")

    def test_with_a_bad_file_the_old_one_runs_on(self, home: Home) -> None:
        pid = home.start()
        home.configure("[table: ^orders$]\nreads-upper-threshold: many")
        restarted = home.control("restart")
        assert (restarted.code, restarted.stdout) == (1, "")
        assert "reads-upper-threshold: 'many' is not a number" in restarted.stderr
        home.configure()
        assert home.control("status").stdout == f"dynamic-dynamodb (default) is running, pid {pid}\n"

    def test_of_none_starts_one(self, home: Home) -> None:
        restarted = home.control("restart")
        assert restarted.stdout.splitlines() == [
            "dynamic-dynamodb (default) was not running",
            f"dynamic-dynamodb (default) has been started, pid {home.pid()}",
        ]


class TestStatus:
    def test_in_each_state(self, home: Home) -> None:
        absent = Finished(3, "dynamic-dynamodb (default) is not running\n", "")
        assert home.control("status") == absent
        pid = home.start()
        assert home.control("status") == Finished(0, f"dynamic-dynamodb (default) is running, pid {pid}\n", "")
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not is_alive(pid), "the end of the killed daemon")
        dead = f"dynamic-dynamodb (default) is dead, but its pid file {home.pid_file} is there\n"
        assert home.control("status") == Finished(1, dead, "")
        assert home.start() != pid
        home.control("stop")
        assert home.control("status") == absent

    def test_of_a_pid_file_that_is_none(self, home: Home) -> None:
        home.pid_file.symlink_to("/no/such/file")
        status = home.control("status")
        assert (status.code, status.stdout) == (4, "")
        assert status.stderr.endswith("cannot be used: it is a symbolic link\n")

    def test_a_number_that_now_belongs_to_another_process_is_nobodys(self, home: Home) -> None:
        with subprocess.Popen(["sleep", "60"]) as stranger:
            try:
                home.pid_file.write_text(f"{stranger.pid}\n")
                assert home.control("status").code == 1
                assert home.control("stop").stdout == "dynamic-dynamodb (default) was not running\n"
                assert home.control("status").code == 3
                home.pid_file.write_text(f"{stranger.pid}\n")
                assert home.start() != stranger.pid
                assert home.control("stop").stdout == "dynamic-dynamodb (default) has been stopped\n"
                assert stranger.poll() is None
            finally:
                stranger.kill()


@pytest.mark.parametrize("action", ["foreground", "fg"])
def test_in_the_foreground_it_has_a_pid_file_and_can_be_stopped(home: Home, action: str) -> None:
    process = home.spawn("--daemon", action)
    home.wait_for_log("Check done")
    assert home.pid() == process.pid
    assert home.control("status").code == 0
    assert home.control("fg").code == 1
    assert home.control("stop").code == 0
    assert finish(process) == Finished(0, "", "")
    assert not home.pid_file.exists()


class TestSigterm:
    def test_during_the_start(self, tmp_path: Path, home: Home) -> None:
        def end(number: int) -> int:
            (tmp_path / f"{number}").mkdir()
            with Home(tmp_path / f"{number}") as one:
                process = one.spawn("--daemon", "fg")
                time.sleep(number * 0.03)
                finished = terminate(process)
                assert finished.stderr == ""
                assert not one.pid_file.exists()
                # Before the program handles signals it has done nothing.
                assert finished.code == 0 or (finished.code == -signal.SIGTERM and not one.log_file.exists())
                return finished.code

        with ThreadPoolExecutor(2) as executor:
            assert 0 in executor.map(end, range(24))

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_in_the_sleep(self, home: Home, number: int) -> None:
        process = home.spawn("--daemon", "fg")
        home.wait_for_log("Check done")
        process.send_signal(number)
        assert finish(process).code == 0

    @pytest.mark.parametrize(("seconds", "at_most"), [(2, 8), (60, 20)], ids=["that is answered", "that is not"])
    def test_in_a_slow_call(self, home: Home, world: World, seconds: float, at_most: float) -> None:
        world.faults.add(Fault("slow", "GetMetricData", seconds=seconds))
        process = home.spawn("--daemon", "fg")
        wait_for(lambda: world.count("GetMetricData"), "the slow call")
        began = time.monotonic()
        assert terminate(process).code == 0
        assert time.monotonic() - began < at_most
        assert world.count("GetMetricData") == 1
        assert "Stopping: " in home.log()

    def test_updates_under_way_are_finished_and_no_more_are_begun(self, home: Home, world: World) -> None:
        for number in range(20):
            world.add_table(f"t{number:02}", *UNITS)
        home.configure("[table: ^t]\nmin-provisioned-reads: 20", general="max-concurrency: 4")
        world.faults.add(Fault("slow", "UpdateTable", seconds=1))
        pid = home.start()
        wait_for(lambda: world.count("UpdateTable"), "an update")
        assert home.control("stop").code == 0
        assert not is_alive(pid)
        changed = re.findall(r"changed (t\d\d): reads 10 -> 20", home.log())
        assert sorted(changed) == sorted(update.table for update in world.updates)
        assert 1 <= len(changed) == world.count("UpdateTable") < 20
        (done,) = DONE.findall(home.log())
        assert int(done[1]) == len(changed)

    def test_in_a_storm_of_signals(self) -> None:
        script = (
            "from dynamic_dynamodb.signals import Signals\n"
            "with Signals() as signals:\n"
            "    print('ready', flush=True)\n"
            "    while not signals.stopping.is_set():\n"
            "        signals.take_hangup(); signals.wait(0.0); signals.wait(0.0005)\n"
            "    print('ended', flush=True)\n"
        )
        with subprocess.Popen([sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout
                process.stdout.readline()
                for _ in range(4000):
                    process.send_signal(signal.SIGHUP)
                    time.sleep(0.0001)
                for number in (signal.SIGTERM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                    os.kill(process.pid, number)
                # The last of them may find its handlers gone, so that the exit code says nothing.
                process.wait(10)
                assert process.stdout.read() == b"ended\n"
            finally:
                process.kill()
