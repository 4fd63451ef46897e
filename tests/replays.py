"""What the tests of the replay share: small histories, configurations from text, and the replay of one table."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timezone
from pathlib import Path
from textwrap import dedent

from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.model import Dimension, Resource
from dynamic_dynamodb.replay.account import Delays
from dynamic_dynamodb.replay.engine import Plan, Replayed, ReplayedTable, replay
from dynamic_dynamodb.replay.history import MILLI, DimensionHistory, History, ResourceHistory
from dynamic_dynamodb.rules import TableRule

START = datetime(2026, 3, 2, tzinfo=timezone.utc)
READS, WRITES = Dimension.READS, Dimension.WRITES
DAY = 1440
TABLE = Resource("orders")

Load = Callable[[int], float]
"""Units a second, in the minute of the history."""


def milli(values: Iterable[float]) -> array[int]:
    """Thousandths of units."""
    return array("q", [round(value * MILLI) for value in values])


def idle(_minute: int) -> float:
    return 0


def dimension(
    minutes: int, load: Load = idle, throttled: Load = idle, provisioned: Sequence[tuple[int, int]] = ((0, 100),)
) -> DimensionHistory:
    """Consumed units a second and throttled events a minute."""
    consumed = milli(60 * load(minute) for minute in range(minutes))
    return DimensionHistory(consumed, milli(map(throttled, range(minutes))), list(provisioned))


def resource(
    reads: DimensionHistory,
    writes: DimensionHistory | None = None,
    name: Resource = TABLE,
    begin: int = 0,
    end: int | None = None,
) -> ResourceHistory:
    minutes = len(reads.consumed)
    by_dimension = {READS: reads, WRITES: writes or dimension(minutes)}
    return ResourceHistory(name, begin, minutes if end is None else end, by_dimension)


def history(*resources: ResourceHistory) -> History:
    minutes = len(resources[0].dimensions[READS].consumed)
    return History(START, minutes, {each.resource: each for each in resources})


def rule(directory: Path, text: str = "") -> TableRule:
    """The first rule of a configuration; without a header, the lines are those of the table's section."""
    file = directory / "replay.conf"
    file.write_text(dedent(text) if "[table:" in text else f"[table: .*]\n{dedent(text)}")
    return load(["-c", str(file)]).rules[0]


def replayed(
    table_rule: TableRule, *resources: ResourceHistory, interval: int = 300, delays: Delays | None = None
) -> ReplayedTable:
    return replay(table_rule, resources, Plan(START, interval, delays or Delays()))


def changes(of: Replayed) -> list[tuple[str, int, int]]:
    """Time of day, reads and writes after each change."""
    return [
        (f"{second // 3600:02}:{second // 60 % 60:02}", change.after[READS], change.after[WRITES])
        for second, change in of.simulated.changes
    ]
