"""Fleets: the fewest calls, results that do not depend on the order of completion, and throttled calls."""

from __future__ import annotations

import random
import re
from pathlib import Path

import pytest

from tests.fleet import Aws, Checked, Fleet
from tests.stand_in import Fault

TABLES = 300
CONFIGURATION = """\
[global]
max-concurrency: {concurrency}
[default_options]
throttled-reads-upper-threshold: 5
num-write-checks-before-scale-down: 2
max-provisioned-reads: 180
sns-topic-arn: arn:aws:sns:us-east-1:123456789012:scaling
sns-message-types: scale-up, scale-down, high-throughput-alarm
reads-upper-alarm-threshold: 110
[table: even-.*]
always-decrease-rw-together: true
[table: .*]
increase-reads-unit: units
[gsi: .* table: .*]
[gsi: .* table: even-.*]
decrease-consumed-reads-scale: {{10: 40, 60: 5}}
"""


def checks(aws: Aws, directory: Path, caplog: pytest.LogCaptureFixture, concurrency: int) -> list[Checked]:
    """Two checks of a fleet with random loads, which are the same for every call of this function."""
    dice = random.Random(5)
    fleet = Fleet(aws, directory, caplog)
    for number in range(TABLES):
        name = f"{'even' if number % 2 == 0 else 'odd'}-{number:03}"
        for index in (None, "by_day"):
            fleet.add(
                name,
                index,
                units=(dice.randint(1, 200), dice.randint(1, 200)),
                reads=dice.uniform(0, 200),
                writes=dice.choice([None, dice.uniform(0, 200)]),
                read_throttles=dice.choice([None, 0, 3]),
            )
    fleet.configure(CONFIGURATION.format(concurrency=concurrency))
    done = []
    for _ in range(2):
        done.append(fleet.check())
        fleet.clock.go(minutes=5)
    return done


def test_decisions_and_log_do_not_depend_on_how_many_calls_go_at_a_time(
    aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one_by_one = checks(aws, tmp_path, caplog, concurrency=1)
    together = checks(aws, tmp_path, caplog, concurrency=32)
    assert sum(len(checked.updates) for checked in one_by_one) > TABLES
    for one, other in zip(one_by_one, together, strict=True):
        assert one.updates == other.updates
        assert one.published == other.published
        # All but the last line, which holds the time that the check took.
        assert one.lines[:-1] == other.lines[:-1]
        assert len(one.calls) == len(other.calls)


def test_the_log_is_in_the_order_of_the_names(aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fleet = Fleet(aws, tmp_path, caplog)
    for number in range(60):
        fleet.add(f"t{number:02}", reads=95 if number % 3 else 50, writes=50)
    # The first ones are the slowest.
    for number in range(3):
        fleet.world.faults.add(Fault("slow", "DescribeTable", f"t{number:02}", seconds=0.3 - number / 10))
    fleet.configure("[table: .*]")
    names = [re.findall(r"\bt\d\d\b", line) for line in fleet.check().at("INFO")[:-1]]
    assert names == [[f"t{number:02}"] for number in range(60)]


def test_a_thousand_tables_take_the_fewest_calls(aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fleet = Fleet(aws, tmp_path, caplog)
    for number in range(1000):
        fleet.add(f"t{number:04}", reads=95 if number < 30 else 50, writes=50)
        fleet.add(f"t{number:04}", "by_day", reads=95 if number < 30 else 50, writes=50)
    fleet.configure("[table: t]\n[gsi: by_day table: t]")
    checked = fleet.check()
    kinds = ("ListTables", "DescribeTable", "GetMetricData", "UpdateTable")
    assert [checked.count(kind) for kind in kinds] == [10, 1000, 8, 30]
    assert len(checked.calls) == 1048
    assert (checked.tally.resources, checked.tally.changed, checked.tally.failed) == (2000, 60, 0)


@pytest.mark.parametrize("concurrency", [1, 16])
def test_every_table_is_served_though_a_tenth_of_the_descriptions_is_throttled(
    aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture, concurrency: int
) -> None:
    fleet = Fleet(aws, tmp_path, caplog)
    for number in range(TABLES):
        fleet.add(f"t{number:03}", reads=95, writes=50)
    fleet.world.faults.add(Fault("throttle", "DescribeTable", probability=0.1))
    fleet.configure(f"[global]\nmax-concurrency: {concurrency}\n[table: .*]")
    checked = fleet.check()
    assert fleet.world.faults.injected["DescribeTable", "throttle"] > TABLES / 20
    assert (checked.tally.failed, checked.tally.changed) == (0, TABLES)


def test_a_table_in_trouble_does_not_hold_up_the_others(
    aws: Aws, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A table whose call takes its time is changed last, though it is the first by name."""
    fleet = Fleet(aws, tmp_path, caplog)
    for number in range(30):
        fleet.add(f"t{number:02}", reads=95, writes=50)
    fleet.world.faults.add(Fault("slow", "UpdateTable", "t00", seconds=1))
    fleet.configure("[global]\nmax-concurrency: 2\n[table: .*]")
    fleet.check()
    changed = [update.table for update in fleet.world.updates]
    assert (len(changed), changed[-1]) == (30, "t00")
