"""Recorded runs of the original: this program must do the same, but where it departs on purpose."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.fleet import Aws
from tests.runs import NOON, Program
from tests.stand_in import World

GOLDEN = Path(__file__).parent / "golden"
CASES = [case for name in ("agree.json", "departures.json") for case in json.loads((GOLDEN / name).read_text())]


class RecordedWorld:
    """The stand-in for AWS as a case describes it, check by check."""

    def __init__(self, world: World, case: dict[str, Any]) -> None:
        self.world = world
        self.case = case
        self.check = 0
        world.now = self.now
        world.ration_decreases = False
        world.metric = self.metric
        for table in case["tables"]:
            world.add_table(table["name"], table["reads"], table["writes"], table.get("status", "ACTIVE"))
            for index in table.get("gsis", ()):
                world.add_index(table["name"], index["name"], index["reads"], index["writes"], index["status"])

    def now(self) -> datetime:
        return NOON + timedelta(minutes=5 * self.check)

    def metric(self, table: str, index: str | None, name: str, minute: datetime) -> float | None:
        values = self.case["metrics"].get(f"{table}/{index}" if index else table, {}).get(name)
        value = values[min(self.check, len(values) - 1)] if values else None
        return None if value is None else value / 5

    def forget_decreases(self) -> None:
        for table in self.case["tables"]:
            for index in (None, *(index["name"] for index in table.get("gsis", ()))):
                self.world.set_decreases(table["name"], index, today=0)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_recorded_run(case: dict[str, Any], aws: Aws, tmp_path: Path) -> None:
    world = aws.new_world()
    recorded = RecordedWorld(world, case)
    file = tmp_path / "dynamic-dynamodb.conf"
    file.write_text(case["config"])
    program = Program(["-c", str(file), *case["argv"]], account=aws.account())
    updates, publishes = [], []
    for check in range(case["checks"]):
        recorded.check = check
        world.updates.clear()
        world.published.clear()
        assert program.check(recorded.now()).failed == 0
        recorded.forget_decreases()
        for table, index, reads, writes in world.updates:
            updates.append({"check": check, "table": table, "gsi": index, "reads": reads, "writes": writes})
        publishes.extend({"check": check, "topic": each.topic_arn} for each in world.published)
    assert _sorted(updates) == _sorted(case["updates"])
    assert _sorted(publishes) == _sorted(case["publishes"])


def _sorted(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(entries, key=lambda entry: json.dumps(entry, sort_keys=True))
