"""`python -m tests.demo`, as `make demo` runs it, in an environment that is against it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pytest

ROOT = Path(__file__).resolve().parents[1]
DEAD_END = "http://127.0.0.1:1"
HOSTILE = {
    "AWS_ACCESS_KEY_ID": "junk",
    "AWS_SECRET_ACCESS_KEY": "junk",
    "AWS_SESSION_TOKEN": "junk",
    "AWS_PROFILE": "no-such-profile",
    "AWS_REGION": "eu-north-1",
    "AWS_DEFAULT_REGION": "eu-north-1",
    "AWS_ENDPOINT_URL": DEAD_END,
    "AWS_ENDPOINT_URL_DYNAMODB": DEAD_END,
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "MOTO_PORT": "1",
    "http_proxy": DEAD_END,
    "HTTPS_PROXY": DEAD_END,
}


@contextmanager
def demo(temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """The demonstration, as the leader of a process group of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.demo"],
        cwd=ROOT,
        env={"PATH": os.defpath, "LC_ALL": "C", "TMPDIR": str(temporary), **HOSTILE},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    watchdog = Timer(60, process.kill)
    watchdog.start()
    try:
        with process:
            yield process
    finally:
        watchdog.cancel()


def assert_nothing_is_left(process: subprocess.Popen[str], output: str, temporary: Path) -> None:
    """No server, no process and no file."""
    (port,) = re.findall(r"listens on http://127\.0\.0\.1:(\d+)", output)
    with socket.socket() as client:
        assert client.connect_ex(("127.0.0.1", int(port))) != 0
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert not list(temporary.iterdir())


def test_shows_three_runs_and_what_came_of_them(tmp_path: Path) -> None:
    with demo(tmp_path) as process:
        output, errors = process.communicate()
    assert (process.returncode, errors) == (0, "")
    assert max(len(line) for line in output.splitlines()) <= 110
    _, dry_run, day, night, replay = output.split("\n$ dynamic-dynamodb -c demo.conf ")
    for run, options, rows in (
        (dry_run, "--dry-run --run-once", ["orders reads 96 100 150 96%", "archive reads 2 200 40 1%"]),
        (day, "--run-once", ["orders reads 96 100 150 96%", "by-price reads 38 40 70 95%"]),
        (night, "--run-once", ["orders reads 4 150 75 2.67%", "sessions reads 0 85 85 0%"]),
    ):
        assert f" {options}\n" in run
        assert "Check done: 8 resources" in run
        for row in (*rows, "events reads"):
            assert row in " ".join(run.split())
    assert "300 throttled events" in day
    assert "limited to the maximum of 200" in " ".join(day.split())
    assert "skipped, since it is an on-demand table" in day
    assert "README.rst" in output
    report = ROOT / "build" / "demo-report.html"
    assert f"The report is in {report}" in replay
    assert "catalogue - GSI: by-price" in report.read_text(encoding="utf-8")
    assert_nothing_is_left(process, output, tmp_path)


@pytest.mark.parametrize(
    ("line", "send", "number"),
    [
        pytest.param("$ dynamic-dynamodb", os.killpg, signal.SIGINT, id="Ctrl-C, which goes to the whole group"),
        pytest.param("Check done", os.kill, signal.SIGTERM, id="SIGTERM between two runs"),
    ],
)
def test_ends_everything_when_it_is_interrupted(
    tmp_path: Path, line: str, send: Callable[[int, int], None], number: int
) -> None:
    with demo(tmp_path) as process:
        assert process.stdout
        output = ""
        for each in process.stdout:
            output += each
            if line in each:
                break
        send(process.pid, number)
        rest, errors = process.communicate(timeout=10)
    assert process.returncode == 130
    assert "Traceback" not in rest + errors
    assert "Interrupted" in errors
    assert_nothing_is_left(process, output, tmp_path)
