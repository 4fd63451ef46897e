"""300 checks under random faults, in a process of its own, and what became of it and of the tables."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import zlib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.decision import decide
from dynamic_dynamodb.memory import Counters
from dynamic_dynamodb.model import Decision, Dimension, Resource, Usage
from dynamic_dynamodb.store import CounterStore
from tests.fleet import TOPIC
from tests.processes import ROOT, descriptors, resident_kib, threads
from tests.stand_in import Fault, FaultPlan, StandIn, World

SEED = 20261124
CHECKS, SETTLED = 300, 50
TABLES = 30
THREADS = 4
CLIENTS = 4
WINDOW_SECONDS = 300
ERA = 15
"""So many checks a load stays the same."""

DRIVER = """
import json, sys, types
from threading import Event
import botocore.endpoint
from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.loop import Loop
from dynamic_dynamodb.signals import Signals
from dynamic_dynamodb.store import CounterStore

class Hasty(Event):
    def wait(self, timeout=None):
        return self.is_set()

# No waits before further attempts, neither ours nor botocore's.
botocore.endpoint.time = types.SimpleNamespace(sleep=lambda seconds: None)
counters, *argv = sys.argv[1:]
with Signals() as signals:
    signals.stopping = Hasty()
    loop = Loop(load(argv), lambda: load(argv), CounterStore(counters), signals)
    for line in sys.stdin:
        print(json.dumps([failure.label for failure in loop.check().failures]), flush=True)
"""
"""A check of the real loop for each line of its input; it answers with what has failed."""

CONFIGURATION = """
[global]
max-concurrency: {threads}
[logging]
log-file: {log}
[default_options]
min-provisioned-reads: 5
min-provisioned-writes: 5
max-provisioned-reads: 1000
max-provisioned-writes: 1000
num-read-checks-before-scale-down: 2
throttled-writes-upper-threshold: 10
[table: ^t0]
sns-topic-arn: {topic}
sns-message-types: scale-up, scale-down
[table: ^t]
[gsi: .* table: ^t0]
[gsi: .* table: ^t]
"""

PASSING = ("throttle", "internal", "unavailable", "reset", "garbage", "truncated")
REFUSALS = {"in_use", "limit", "validation", "not_found"}
"""What makes an update one that is refused, which is no failure of the check where the rest of the table is served."""
FAULTS = [
    *(Fault(kind, probability=0.0055) for kind in PASSING),
    Fault("lost_answer", probability=0.005),
    Fault("slow", probability=0.002, seconds=0.05),
    Fault("expired", probability=0.001),
    Fault("partial", "GetMetricData", probability=0.05),
    Fault("denied", "DescribeTable", probability=0.004),
    Fault("not_found", "DescribeTable", probability=0.004),
    *(Fault(kind, "UpdateTable", probability=0.004) for kind in ("denied", *sorted(REFUSALS))),
    Fault("denied", "Publish", probability=0.02),
]
"""Together they strike about 5 percent of the calls."""


@cache
def steady_load(name: str, check: int) -> int:
    """The same for ERA checks, which begin at another check for each name."""
    era = (check + zlib.crc32(name.encode())) // ERA
    return random.Random(f"{SEED} {name} {era}").randrange(0, 200)


class Figures(NamedTuple):
    """What the program takes up."""

    resident_kib: int
    sockets: int
    other_descriptors: int
    threads: int


class RememberingPlan(FaultPlan):
    """Knows the tables whose updates were refused, and those whose updates were made, but not answered."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.refused: set[str] = set()
        self.unanswered: set[str] = set()

    def strike(self, operation: str, parameters: Mapping[str, Any]) -> list[Fault]:
        striking = super().strike(operation, parameters)
        kinds = {fault.kind for fault in striking if operation == "UpdateTable"}
        if kinds & REFUSALS:
            self.refused.add(parameters["TableName"])
        if "lost_answer" in kinds:
            self.unanswered.add(parameters["TableName"])
        return striking


class Soak:
    """The world, its changing loads, and what the decision makes of them."""

    def __init__(self, directory: Path) -> None:
        self.check = 0
        self.plan = RememberingPlan(SEED)
        self.world = World(now=self._now)
        self.world.faults = self.plan
        self.world.metric = self._metric
        self.world.keep_calls = False
        for number in range(TABLES):
            self.world.add_table(f"t{number:02}", 100, 100, indexes=[("by_day", 100, 100)])
        self.log = directory / "soak.log"
        self.store = directory / "counters"
        configuration = directory / "soak.conf"
        configuration.write_text(CONFIGURATION.format(threads=THREADS, log=self.log, topic=TOPIC))
        self.argv = ["-c", str(configuration)]
        self._rules = load(self.argv).rules

    def _now(self) -> datetime:
        # A day later each time, so that DynamoDB does not ration decreases.
        return datetime.now(timezone.utc) + timedelta(days=self.check)

    def _load(self, table: str, index: str | None, kind: str) -> int:
        """Units a second."""
        return steady_load(f"{table} {index} {kind}", self.check)

    def _metric(self, table: str, index: str | None, metric: str, minute: datetime) -> float | None:
        kind = "Read" if "Read" in metric else "Write"
        if metric.startswith("Consumed"):
            return self._load(table, index, kind) * 60.0 or None
        return 5.0 if self._load(table, index, kind) > 150 else None

    def _decide(self) -> dict[tuple[Resource, Dimension], Decision]:
        """What the decision says of all resources as they are."""
        counters = self.counters()
        decisions = {}
        for key, provisioned in self.world.all_throughput().items():
            table, _, index = key.partition("/")
            rule = next(rule for rule in self._rules if rule.pattern.match(table))
            options = rule.index_rules[0].options if index else rule.options
            for dimension, units in zip(Dimension, provisioned, strict=True):
                load_now = self._load(table, index or None, dimension.singular.capitalize())
                throttled = Fraction(25 if load_now > 150 else 0) if dimension is Dimension.WRITES else None
                usage = Usage(WINDOW_SECONDS, Fraction(load_now * WINDOW_SECONDS), throttled)
                place = Resource(table, index), dimension
                decisions[place] = decide(units, usage, options.scaling[dimension], counters.get(place, 0))
        return decisions

    def counters(self) -> Counters:
        return CounterStore(str(self.store)).load()

    def units(self) -> dict[tuple[Resource, Dimension], int]:
        return {
            (Resource(*key.split("/")), dimension): units
            for key, provisioned in self.world.all_throughput().items()
            for dimension, units in zip(Dimension, provisioned, strict=True)
        }

    def make_check(self, process: Process) -> int:
        """Make a check and verify what came of it. Returns of how many units it was certain what they had to become.

        All are as they were or as they should be; where no call has failed for good, the latter.
        """
        self.plan.refused.clear()
        self.plan.unanswered.clear()
        before, decisions = self.units(), self._decide()
        failed = process.check()
        stored = self.counters()
        certain = 0
        for place, units in self.units().items():
            resource, target, counter = place[0], decisions[place].target, decisions[place].counter
            assert units in (before[place], target), (self.check, place, before[place], units, target)
            if failed & {"no table could be checked", resource.table, resource.label}:
                continue
            if resource.table not in self.plan.refused:
                assert units == target, (self.check, place, before[place], decisions[place])
                certain += 1
                if resource.table not in self.plan.unanswered:
                    assert stored.get(place, 0) == (counter if target == before[place] else 0), (self.check, place)
        return certain


class Process:
    """The program in a process of its own."""

    def __init__(self, soak: Soak, url: str) -> None:
        environment = {
            **os.environ, "PYTHONPATH": str(ROOT), "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "not-a-secret",
        }  # fmt: skip
        self._process = subprocess.Popen(
            [sys.executable, "-c", DRIVER, str(soak.store), *soak.argv],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def __enter__(self) -> Process:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def check(self) -> set[str]:
        """Make one check; what has failed in it."""
        assert self._process.stdin
        assert self._process.stdout
        print(file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        assert answer, "it has ended"
        return set(json.loads(answer))

    def figures(self) -> Figures:
        pid = self._process.pid
        links = descriptors(pid)
        sockets = sum(link.startswith("socket:") for link in links)
        return Figures(resident_kib(pid), sockets, len(links) - sockets, threads(pid))

    def end(self) -> int:
        self._process.communicate(timeout=30)
        return self._process.returncode


def test_300_checks_under_faults(tmp_path: Path) -> None:
    soak = Soak(tmp_path)
    for fault in FAULTS:
        soak.plan.add(fault)
    figures: dict[int, Figures] = {}
    passed = 0
    with StandIn(soak.world) as stand_in, Process(soak, stand_in.url) as process:
        for soak.check in range(1, CHECKS + 1):
            passed += soak.make_check(process)
            figures[soak.check] = process.figures()
        calls, faults = soak.world.count(), soak.plan.injected.total()
        soak.plan.clear()
        soak.check += 1
        assert soak.make_check(process) == 4 * TABLES
        assert process.end() == 0
    print(f"\n{calls} calls, {faults} faults ({faults / calls:.1%}), {len(soak.world.updates)} updates")
    print(f"{passed} of {CHECKS * 4 * TABLES} units had to become what the decision says, and did")
    for number in (1, SETTLED, CHECKS):
        print(f"check {number}: {figures[number]}")
    assert 0.04 < faults / calls < 0.06
    assert passed > CHECKS * 4 * TABLES * 0.8
    settled, last = figures[SETTLED], figures[CHECKS]
    assert last.resident_kib < 1.05 * settled.resident_kib
    assert (last.threads, last.other_descriptors) == (settled.threads, settled.other_descriptors)
    # The pools keep so many connections, and open them when they need them.
    assert max(each.sockets for each in figures.values()) <= THREADS * CLIENTS
    # At midnight the log is rotated.
    log = "".join(each.read_text() for each in sorted(tmp_path.glob("soak.log*")))
    assert log.count("Check done: ") == CHECKS + 1
    assert "Traceback" not in log
    assert "mistake" not in log
