"""The command's replay: without AWS, its reports, its errors, and Ctrl-C."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dynamic_dynamodb.cli import main
from dynamic_dynamodb.exceptions import DynamicDynamoDBError
from dynamic_dynamodb.replay import history_file
from dynamic_dynamodb.replay.progress import Progress
from dynamic_dynamodb.replay.workers import work_through
from tests.replays import DAY, TABLE, dimension, history, idle, resource
from tests.stand_in import StandIn

DATA = Path(__file__).parent / "replay_data"
CSV = str(DATA / "two-days.csv")


def run_replay(*argv: str) -> int:
    return main(["-t", ".*", *argv])


# ---- Without AWS ----

FORBIDDEN = """
import socket, sys
def refuse(*_): raise SystemExit("a connection was made")
socket.socket.connect = refuse
from dynamic_dynamodb.cli import main
code = main(sys.argv[1:])
loaded = {"boto3", "botocore", "requests", "retrying", "daemon", "plotly", "numpy"} & set(sys.modules)
sys.exit(f"loaded {loaded}" if loaded else code)
"""


def test_a_history_needs_no_aws_no_credentials_and_no_home(tmp_path: Path) -> None:
    argv = ["-t", "orders", "--history", CSV, "--report", str(tmp_path / "report.json")]
    done = subprocess.run(
        [sys.executable, "-c", FORBIDDEN, *argv],
        env={"PATH": os.defpath, "PYTHONPATH": str(Path(__file__).parent.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "Nothing was changed" in done.stdout


def test_a_saved_history_gives_the_same_as_the_csv(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    saved = str(tmp_path / "saved")
    assert run_replay("--history", CSV, "--save-history", saved) == 0
    first = capsys.readouterr().out.replace(CSV, saved)
    assert run_replay("--history", saved) == 0
    assert capsys.readouterr().out == first
    assert run_replay("--history", saved, "--replay", "12h") == 0
    assert "2026-03-03 12:00 to 2026-03-04 00:00 UTC" in capsys.readouterr().out


# ---- What is told ----


def test_text_has_what_was_and_what_would_have_been(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_replay("--history", CSV) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    text = captured.out
    assert "us-east-1, as of 2024-11-01" in text
    table = text.split("orders, reads")[1].split("orders, writes")[0]
    cells = {line[:42].strip(): line[42:].split() for line in table.splitlines() if line.startswith("  ")}
    # 50 units from midnight, 80 from 8 to 20 o'clock, on both days.
    assert cells["unit-hours"][0] == "3,120"
    assert cells["cost, US dollars"][0] == f"{3120 * 0.00013:.2f}"
    assert cells["throttled units"][0] == "60"
    assert cells["minutes with throttling"][0] == "3"
    assert re.search(r"Decreases of orders, reads and writes together: \d+; busiest day 2026-03-0\d", text)


def test_json_has_the_same_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "report.json"
    assert run_replay("--history", CSV, "--report", str(file), "--price-read-hour", "1") == 0
    assert f"The report is in {file}" in capsys.readouterr().out
    report: Any = json.loads(file.read_text())
    assert (report["format"], report["version"], report["prices"]["as_of"]) == ("dynamic-dynamodb-replay", 1, None)
    assert report["prices"]["unit_hour"] == {"reads": 1.0, "writes": 0.00065}
    (orders,) = report["resources"]
    reads = orders["reads"]
    assert (reads["real"]["unit_hours"], reads["real"]["cost"]) == (3120, 3120.0)
    assert (reads["real_throttled_units"], reads["real_throttled_minutes"]) == (60, 3)
    assert reads["replayed"]["cost"] == pytest.approx(reads["replayed"]["unit_hours"])
    demand = reads["replayed"]["served_units"] + reads["replayed"]["throttled_units"]
    assert demand == reads["on_demand"]["served_units"] == reads["real"]["served_units"] + 60
    assert report["total"]["reads"] == {key: value for key, value in reads.items() if key != "peak_units"}
    for name in ("cost", "unit_hours", "increases", "decreases"):
        both = orders["reads"]["replayed"][name] + orders["writes"]["replayed"][name]
        assert report["total"]["replayed"][name] == pytest.approx(both)
    of_reads = [each["reads"] for each in orders["changes"] if "reads" in each]
    assert reads["replayed"]["increases"] + reads["replayed"]["decreases"] == len(of_reads)
    assert all(each["reason"].endswith("50 percent") for each in of_reads)


def test_what_really_was_is_unknown_without_units(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = str(tmp_path / "history")
    history_file.write(file, history(resource(dimension(DAY, lambda _: 50, provisioned=[]))))
    assert run_replay("--history", file) == 0
    assert re.search(r"cost, US dollars +unknown +\d", capsys.readouterr().out)


# ---- Errors ----


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        (["--report", "r.html"], "--report: is for a replay; it must come with --replay or --history"),
        (["--price-read-hour", "1"], "--price-read-hour: is for a replay"),
        (["--replay", "2w"], "--replay: '2w' is no length of time"),
        (["--replay", "64d"], "at most 63d"),
        (["--replay", "0d"], "--replay: '0d' is no length of time"),
        (["--history", CSV, "--report", "r.txt"], "--report: 'r.txt' is no name of a report"),
        (["--history", CSV, "--report", "no/where.json"], "--report: there is no directory no"),
        (["--history", CSV, "--run-once"], "--run-once: cannot be had together with a replay"),
        (["--history", CSV, "--dry-run"], "--dry-run: cannot be had together with a replay"),
        (["--replay", "1d", "--daemon", "start"], "--daemon: cannot be had together with a replay"),
        (["--history", "nowhere.csv"], "nowhere.csv: the history cannot be read"),
    ],
)
def test_wrong_use_is_told(argv: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_replay(*argv) == 1
    captured = capsys.readouterr()
    assert words in captured.err
    assert len(captured.err.splitlines()) == 1
    assert captured.out == ""


def test_a_history_of_other_tables_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["-t", "others", "--history", CSV]) == 1
    assert capsys.readouterr().err.startswith("there is nothing to replay")


def test_a_missing_library_is_told_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "plotly.offline", None)
    assert run_replay("--history", "not even read", "--report", str(tmp_path / "r.html")) == 1
    assert "pip install 'dynamic-dynamodb[report]'" in capsys.readouterr().err


# ---- Processes, progress, Ctrl-C ----


@pytest.mark.parametrize("processes", [1, 3])
def test_work_is_shared_out(processes: int) -> None:
    results = dict(work_through([1, 2, 3, 4, 5], lambda number: number * 10, processes, lambda: False))
    assert results == {0: 10, 1: 20, 2: 30, 3: 40, 4: 50}


def _fail(number: int) -> int:
    raise ValueError(number)


def _die(number: int) -> int:
    os._exit(1)


@pytest.mark.parametrize(("work", "error"), [(_fail, ValueError), (_die, DynamicDynamoDBError)])
def test_a_process_that_fails_is_noticed(work: Callable[[int], int], error: type[Exception]) -> None:
    with pytest.raises(error):
        list(work_through([1, 2, 3], work, 2, lambda: False))


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals() -> None:
    for stream, expected in ((_Terminal(), "2/3"), (io.StringIO(), "")):
        progress = Progress("replaying", 3, stream)
        progress.step()
        progress.step()
        progress.close()
        assert expected in stream.getvalue()
        assert bool(stream.getvalue()) == bool(expected)


def interrupted(argv: list[str], ready: Callable[[], bool], number: int, **environment: str) -> tuple[int, str, str]:
    """Start the command as a group of its own, as a terminal does, and send it a signal."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dynamic_dynamodb", "-t", ".*", *argv],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    deadline = time.monotonic() + 20
    while not ready() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(process.pid, number)
    out, err = process.communicate(timeout=20)
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    return process.returncode, out, err


def test_ctrl_c_ends_a_replay_at_once(tmp_path: Path) -> None:
    file, saved = str(tmp_path / "history"), tmp_path / "saved"
    tables = [resource(dimension(7 * DAY, idle), name=type(TABLE)(f"table-{number}")) for number in range(30)]
    history_file.write(file, history(*tables))
    argv = ["--history", file, "--save-history", str(saved), "--check-interval", "2"]
    code, out, err = interrupted(argv, saved.exists, signal.SIGINT)
    assert (code, out, err) == (130, "", "Interrupted: nothing was changed\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_fetching(stand_in: StandIn, number: int) -> None:
    for table in range(40):
        stand_in.world.add_table(f"table-{table}", 10, 10)
    stand_in.latency_seconds = 0.2

    def is_fetching() -> bool:
        return stand_in.world.count("DescribeTable") > 2

    code, out, err = interrupted(["--replay", "1d"], is_fetching, number)
    assert (code, out, err) == (130, "", "Interrupted: nothing was changed\n")
    assert stand_in.world.count() < 40
