"""python -m tests.stand_in: the stand-in as a process of its own, with a fleet of tables under a steady load."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import zlib
from collections.abc import Sequence
from functools import cache
from types import FrameType

from .clock import MINUTE
from .metrics import MetricFunction
from .server import StandIn
from .world import World

HEAVIEST_LOAD = 1.2


def steady_load(seed: int, reads: int, writes: int) -> MetricFunction:
    """Each resource has its own load, from 0 to 120 percent of these units, and is throttled above 100 percent."""
    units = {"Read": reads, "Write": writes}

    @cache
    def per_minute(table: str, index: str | None, metric_name: str) -> float | None:
        kind = "Read" if "Read" in metric_name else "Write"
        share = HEAVIEST_LOAD * zlib.crc32(f"{seed}/{table}/{index or ''}/{kind}".encode()) / 0xFFFFFFFF
        provisioned = units[kind] * MINUTE
        if metric_name.startswith("Consumed"):
            return round(share * provisioned, 1)
        throttled = round((share - 1) * provisioned)
        return float(throttled) if throttled > 0 else None

    return lambda table, index, metric_name, minute: per_minute(table, index, metric_name)


def fleet(tables: int, indexes_per_table: int, reads: int, writes: int, seed: int) -> World:
    """table-00001 and so on, each with index-01 and so on."""
    world = World()
    world.keep_calls = False
    world.metric = steady_load(seed, reads, writes)
    for number in range(1, tables + 1):
        indexes = [(f"index-{index:02}", reads, writes) for index in range(1, indexes_per_table + 1)]
        world.add_table(f"table-{number:05}", reads, writes, indexes=indexes)
    return world


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the URL and serve until stdin is closed or SIGTERM comes."""
    parser = argparse.ArgumentParser(prog="python -m tests.stand_in", description=main.__doc__)
    parser.add_argument("--tables", type=int, default=10)
    parser.add_argument("--indexes-per-table", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--reads", type=int, default=100, help="provisioned units of each table and index")
    parser.add_argument("--writes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0, help="of the loads")
    parser.add_argument("--update-seconds", type=float, default=0.0, help="how long an update takes")
    options = parser.parse_args(arguments)

    world = fleet(options.tables, options.indexes_per_table, options.reads, options.writes, options.seed)
    world.update_seconds = options.update_seconds
    done = threading.Event()

    def stop(number: int, frame: FrameType | None) -> None:
        done.set()

    def wait_for_end_of_input() -> None:
        # Not through sys.stdin, whose lock this thread would hold while the interpreter ends.
        while os.read(sys.stdin.fileno(), 4096):
            pass
        done.set()

    signal.signal(signal.SIGTERM, stop)
    with StandIn(world, options.port, options.latency_ms / 1000) as stand_in:
        print(stand_in.url, flush=True)
        threading.Thread(target=wait_for_end_of_input, daemon=True).start()
        done.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
