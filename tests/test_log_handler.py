"""Where the log goes, what it looks like, what happens when it cannot be written, and what must never be in it."""

from __future__ import annotations

import logging
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dynamic_dynamodb.exceptions import DynamicDynamoDBError
from dynamic_dynamodb.log_handler import logger, set_up
from dynamic_dynamodb.options import LoggingOptions
from tests.fleet import Breaker
from tests.processes import Finished, Home, terminate
from tests.stand_in import Fault, World

RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} - dynamic-dynamodb - (DEBUG|INFO|WARNING|ERROR) - (.+)")
DAY_SECONDS = 24 * 3600
SCALED = "[table: ^orders$]\nmin-provisioned-reads: 20"

REFERENCE_EXAMPLE = """\
[loggers]
keys=root

[logger_root]
handlers=console,file
level=NOTSET

[formatters]
keys=default

[formatter_default]
format=%(asctime)s - %(name)s - %(levelname)s - %(message)s

[handlers]
keys=file,console

[handler_file]
class=handlers.TimedRotatingFileHandler
interval=midnight
backupCount=7
formatter=default
level=DEBUG
args=('PATH',)

[handler_console]
class=StreamHandler
formatter=default
level=INFO
args=(sys.stdout,)
"""
"""The "Example logging.conf" of the original's documentation; PATH stands for the one in it."""


@pytest.fixture(autouse=True)
def closed_handlers() -> Iterator[None]:
    """What a test opens is closed after it, and the libraries get their levels back."""
    libraries = [logging.getLogger(name) for name in ("boto3", "botocore", "urllib3", "requests")]
    levels = [library.level for library in libraries]
    yield
    for handler in logger.handlers:
        handler.close()
    for library, level in zip(libraries, levels, strict=True):
        library.setLevel(level)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


@pytest.fixture
def home(tmp_path: Path, world: World) -> Iterator[Home]:
    world.add_table("orders", 10, 10)
    with Home(tmp_path) as home:
        home.configure(SCALED)
        yield home


def log_all_levels() -> None:
    for level in ("debug", "info", "warning", "error"):
        getattr(logger, level)("a %s of %d", level, 7)


class TestRecords:
    @pytest.mark.parametrize(
        ("level", "logged"),
        [
            ("debug", ["DEBUG", "INFO", "WARNING", "ERROR"]),
            ("info", ["INFO", "WARNING", "ERROR"]),
            ("warning", ["WARNING", "ERROR"]),
            ("error", ["ERROR"]),
        ],
    )
    def test_format_and_levels(self, path: Path, level: str, logged: list[str]) -> None:
        set_up(LoggingOptions(log_file=str(path), log_level=level), dry_run=False)
        log_all_levels()
        lines = path.read_text().splitlines()
        records = [RECORD.fullmatch(line) for line in lines]
        assert [record and record.groups() for record in records] == [
            (name, f"a {name.lower()} of 7") for name in logged
        ]

    @pytest.mark.parametrize("log_config_file", [False, True])
    def test_a_dry_run_says_so_in_every_message(self, path: Path, log_config_file: bool) -> None:
        configuration = path.with_suffix(".conf")
        configuration.write_text(REFERENCE_EXAMPLE.replace("PATH", str(path)))
        options = LoggingOptions(
            log_file=str(path), log_level="debug", log_config_file=str(configuration) if log_config_file else None
        )
        set_up(options, dry_run=True)
        log_all_levels()
        lines = path.read_text().splitlines()
        assert len(lines) == 4
        assert all(re.search(r" - dynamic-dynamodb - [A-Z]+ - dryrun - a [a-z]+ of 7$", line) for line in lines)
        set_up(options, dry_run=False)
        logger.info("real")
        assert path.read_text().endswith(" - INFO - real\n")

    def test_to_stdout_without_a_file(self, home: Home) -> None:
        home.configure(SCALED, logging="")
        finished = home.run("--run-once")
        assert (finished.code, finished.stderr) == (0, "")
        assert all(RECORD.fullmatch(line) for line in finished.stdout.splitlines())
        assert "changed orders: reads 10 -> 20" in finished.stdout

    def test_a_home_directory_in_the_path(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOME", str(tmp_path))
        set_up(LoggingOptions(log_file="~/a.log"), dry_run=False)
        logger.info("here")
        assert "here" in (tmp_path / "a.log").read_text()


class TestFile:
    def test_it_rotates_at_midnight_and_five_are_kept(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        noon = time.mktime((2026, 3, 2, 12, 0, 0, 0, 0, -1))
        path.write_text("of before\n")
        os.utime(path, (noon, noon))
        now = noon
        monkeypatch.setattr(time, "time", lambda: now)
        set_up(LoggingOptions(log_file=str(path)), dry_run=False)
        for day in range(9):
            for hours in (0, 11.9, 12.1):
                now = noon + day * DAY_SECONDS + hours * 3600
                logger.info("day %d and %.1f hours", day, hours)
        contents = {each.name: re.findall(r"day \d and \S+", each.read_text()) for each in path.parent.iterdir()}
        kept = [f"a.log.2026-03-{day:02}" for day in range(6, 11)]
        assert sorted(contents) == ["a.log", *kept]
        assert contents["a.log"] == ["day 8 and 12.1"]
        for number, name in enumerate(kept, start=4):
            assert contents[name] == [f"day {number - 1} and 12.1", f"day {number} and 0.0", f"day {number} and 11.9"]

    def test_a_file_of_yesterday_is_rotated_by_the_first_record(self, path: Path) -> None:
        path.write_text("of yesterday\n")
        os.utime(path, (time.time() - DAY_SECONDS,) * 2)
        set_up(LoggingOptions(log_file=str(path)), dry_run=False)
        logger.info("of today")
        assert "of yesterday" not in path.read_text()
        assert len(list(path.parent.iterdir())) == 2

    @pytest.mark.parametrize(("mode", "is_followed"), [(0o755, True), (0o1777, False), (0o777, False)])
    def test_a_link_is_followed_in_a_private_directory_alone(self, path: Path, mode: int, is_followed: bool) -> None:
        target = path.with_name("target")
        target.write_text("precious\n")
        path.symlink_to(target)
        path.parent.chmod(mode)
        options = LoggingOptions(log_file=str(path))
        if is_followed:
            set_up(options, dry_run=False)
            logger.info("hello")
        else:
            with pytest.raises(DynamicDynamoDBError, match="it is a symbolic link where anybody may write"):
                set_up(options, dry_run=False)
        assert target.read_text().startswith("precious\n")
        assert ("hello" in target.read_text()) == is_followed

    def test_a_log_that_cannot_be_opened_leaves_the_one_before(self, path: Path) -> None:
        set_up(LoggingOptions(log_file=str(path)), dry_run=False)
        with pytest.raises(DynamicDynamoDBError, match=r"log-file: /no/such/a\.log cannot be opened"):
            set_up(LoggingOptions(log_file="/no/such/a.log"), dry_run=False)
        logger.info("still here")
        assert "still here" in path.read_text()


class TestFullDisk:
    @pytest.mark.parametrize("where", ["log-file", "stdout"])
    def test_scaling_goes_on_and_stderr_tells_it_once(self, home: Home, world: World, where: str) -> None:
        home.configure(SCALED, logging="log-file: /dev/full" if where == "log-file" else "")
        before = ["sh", "-c", 'exec "$@" >/dev/full', "sh"] if where == "stdout" else []
        finished = home.run("--run-once", before=before)
        assert finished == Finished(0, "", "The log cannot be written: [Errno 28] No space left on device\n")
        assert world.throughput("orders") == (20, 10)

    def test_the_log_goes_on_after_a_sighup(self, home: Home) -> None:
        good = home.configuration.read_text()
        home.configure(logging="log-file: /dev/full")
        process = home.spawn("--daemon", "fg")
        home.pid()
        home.configuration.write_text(good)
        process.send_signal(signal.SIGHUP)
        home.wait_for_log("SIGHUP: the configuration has been read again")
        assert terminate(process).stderr.count("\n") == 1
        assert home.log().endswith("Stopped\n")


BROKEN = {
    "empty": "",
    "no section": "hello\nworld\n",
    "no handler": "[loggers]\nkeys=root\n",
    "unknown class": REFERENCE_EXAMPLE.replace("class=StreamHandler", "class=NoSuchHandler"),
    "unknown level": REFERENCE_EXAMPLE.replace("level=INFO", "level=LOUD"),
    "a file that cannot be opened": REFERENCE_EXAMPLE.replace("PATH", "/no/such/a.log"),
    "not UTF-8": b"\xff\xfe",
    "wrong arguments": REFERENCE_EXAMPLE.replace("('PATH',)", "(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)"),
}


class TestConfigFile:
    @pytest.fixture
    def file(self, home: Home) -> Path:
        file = home.directory / "logging.conf"
        home.configure(SCALED, logging=f"log-config-file: {file}")
        return file

    def test_the_example_of_the_original(self, home: Home, file: Path) -> None:
        file.write_text(REFERENCE_EXAMPLE.replace("PATH", str(home.log_file)))
        finished = home.run("--run-once")
        assert (finished.code, finished.stderr) == (0, "")
        for text in (finished.stdout, home.log()):
            assert "dynamic-dynamodb - INFO - changed orders: reads 10 -> 20" in text
            assert "dynamic-dynamodb - INFO - Check done: 1 resources, 1 changed" in text
        assert home.log().startswith(finished.stdout[:19])

    @pytest.mark.parametrize("name", BROKEN)
    def test_a_broken_one_is_one_clear_line(self, tmp_path: Path, name: str) -> None:
        broken, file = BROKEN[name], tmp_path / "logging.conf"
        file.write_bytes(broken if isinstance(broken, bytes) else broken.replace("PATH", f"{tmp_path}/a").encode())
        root = logging.getLogger()
        handlers = root.handlers[:]
        with pytest.raises(DynamicDynamoDBError) as caught:
            set_up(LoggingOptions(log_config_file=str(file)), dry_run=False)
        root.handlers[:] = handlers
        assert re.fullmatch(
            rf"log-config-file: {file} is no Python logging configuration \(\w+: .+\)", str(caught.value)
        )

    @pytest.mark.parametrize("action", [["--run-once"], ["--daemon", "start"]], ids=["once", "daemon"])
    @pytest.mark.parametrize("broken", [True, False], ids=["broken", "missing"])
    def test_exit_1_with_one_line(self, home: Home, file: Path, action: list[str], broken: bool) -> None:
        if broken:
            file.write_text("hello\nworld\n")
        finished = home.run(*action)
        assert (finished.code, finished.stdout) == (1, "")
        assert re.fullmatch(rf"log-config-file: {file} (is no|cannot be read) .*\n", finished.stderr)


class TestSecrets:
    KEY, SECRET, TOKEN = "AKIAI44QH8DHBEXAMPLE", "je7MtGbClwBF+2Zp9Utk", "IQoJb3JpZ2luX2VjEXAMPLE"
    PASSWORD, QUERY = "pass-w0rd", "s3cr3t"

    @pytest.mark.parametrize("keys", ["environment", "file"])
    @pytest.mark.parametrize("log", ["level debug", "log-config-file"])
    def test_none_is_ever_in_a_log(
        self, home: Home, world: World, monkeypatch: pytest.MonkeyPatch, keys: str, log: str
    ) -> None:
        for name, value in (("ACCESS_KEY_ID", self.KEY), ("SECRET_ACCESS_KEY", self.SECRET)):
            monkeypatch.setenv(f"AWS_{name}", value if keys == "environment" else "not-used")
        in_file = f"aws-access-key-id: {self.KEY}\naws-secret-access-key-id: {self.SECRET}\n" if keys == "file" else ""
        monkeypatch.setenv("AWS_SESSION_TOKEN", self.TOKEN)
        world.add_table("users", 10, 10)
        for kind, operation in (("denied", "GetMetricData"), ("throttle", "DescribeTable"), ("reset", "UpdateTable")):
            world.faults.add(Fault(kind, operation, times=1))
        file = home.directory / "logging.conf"
        file.write_text(REFERENCE_EXAMPLE.replace("PATH", str(home.log_file)))
        by_level = f"log-file: {home.log_file}\nlog-level: debug"
        with Breaker(200) as closed, Breaker(503) as opened:
            urls = [
                each.url.replace("//", f"//someone:{self.PASSWORD}@") + f"?token={self.QUERY}"
                for each in (closed, opened)
            ]
            home.configure(
                f"{SCALED}\ncircuit-breaker-url: {urls[0]}\n[table: ^users$]\ncircuit-breaker-url: {urls[1]}\n",
                logging=by_level if log == "level debug" else f"log-config-file: {file}",
                general=in_file,
            )
            finished = home.run("--run-once")
            assert closed.asked[0].headers["authorization"].startswith("Basic ")
        assert {call.access_key for call in world.calls} == {self.KEY}
        assert world.throughput("orders") == (20, 10)
        assert "answered 503" in home.log()
        for text in (home.log(), finished.stdout, finished.stderr):
            for secret in (self.KEY, self.SECRET, self.TOKEN, self.PASSWORD, self.QUERY):
                assert secret not in text
