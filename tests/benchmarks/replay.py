"""How long a replay takes, and how much memory: the real command on a made-up history of days, nights and spikes."""

from __future__ import annotations

import argparse
import math
import random
import subprocess
import sys
import tempfile
import time
from array import array
from datetime import datetime, timezone
from pathlib import Path

from dynamic_dynamodb.model import Dimension, Resource
from dynamic_dynamodb.replay import history_file
from dynamic_dynamodb.replay.history import MILLI, DimensionHistory, History, ResourceHistory

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
DAY = 1440
SPIKES_A_DAY = 2
UNITS_PER_LEVEL = 1.3

CONFIGURATION = """
[global]
check-interval: {interval}
[default_options]
min-provisioned-reads: 5
min-provisioned-writes: 5
throttled-reads-upper-threshold: 100
throttled-writes-upper-threshold: 100
num-read-checks-before-scale-down: 3
num-write-checks-before-scale-down: 3
[table: .*]
[gsi: .* table: .*]
"""


def load(minutes: int, level: float, seed: int) -> array[int]:
    """Thousandths of units a minute: low at midnight, `level` a second at noon, and spikes of some minutes."""
    dice = random.Random(seed)
    sums = array("q")
    spike = 0
    for minute in range(minutes):
        spike = spike - 1 if spike else dice.randint(3, 20) * (dice.random() < SPIKES_A_DAY / DAY)
        units = level * (0.55 - 0.45 * math.cos(2 * math.pi * minute / DAY)) * dice.uniform(0.85, 1.15)
        sums.append(round(60 * units * (2.5 if spike else 1)) * MILLI)
    return sums


def made_up_history(resources: int, days: int) -> History:
    """Half of the resources are tables, half of them indexes, one to each table."""
    minutes = days * DAY
    made = {}
    for number in range(resources):
        table = f"table-{number // 2:03}"
        resource = Resource(table, "index" if number % 2 else "")
        level = 20.0 + 2 * number
        dimensions = {
            dimension: DimensionHistory(
                load(minutes, level, 2 * number + position),
                array("q", bytes(8 * minutes)),
                [(0, round(level * UNITS_PER_LEVEL))],
            )
            for position, dimension in enumerate(Dimension)
        }
        made[resource] = ResourceHistory(resource, 0, minutes, dimensions)
    return History(START, minutes, made)


def pss_mb(pid: int) -> float:
    """The memory of a process and of its children, what they share counted once; 0 when it has gone."""
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    own = next((int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")), 0)
    return own / 1024 + sum(pss_mb(int(child)) for child in children)


def run(arguments: list[str]) -> tuple[float, float]:
    """Seconds and peak MB of the command."""
    started, peak = time.monotonic(), 0.0
    command = [sys.executable, "-m", "dynamic_dynamodb", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, pss_mb(process.pid))
            time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return time.monotonic() - started, peak


def main() -> int:
    """Print a line for each check interval and kind of report."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.replay", description=__doc__)
    parser.add_argument("--resources", type=int, default=100)
    parser.add_argument("--days", type=int, default=14)
    parser.add_argument("--intervals", type=int, nargs="+", default=[300, 60], help="check-interval (default: 300 60)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        history = Path(directory, "history")
        history_file.write(str(history), made_up_history(options.resources, options.days))
        print(f"{options.resources} resources, {options.days} days; the history has {size_mb(history):.1f} MB")
        print(f"{'interval':>8} {'report':>8} {'seconds':>8} {'peak MB':>8} {'report MB':>9}")
        for interval in options.intervals:
            configuration = Path(directory, f"{interval}.conf")
            configuration.write_text(CONFIGURATION.format(interval=interval))
            for kind in ("", "json", "html"):
                report = Path(directory, f"report.{kind}")
                more = ["--report", str(report)] if kind else []
                seconds, peak = run(["-c", str(configuration), "--history", str(history), *more])
                size = size_mb(report) if kind else 0.0
                print(f"{interval:>8} {kind or '-':>8} {seconds:>8.1f} {peak:>8.1f} {size:>9.1f}", flush=True)
    return 0


def size_mb(path: Path) -> float:
    """Of a file."""
    return path.stat().st_size / 1e6


if __name__ == "__main__":
    sys.exit(main())
