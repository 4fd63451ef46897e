"""The demonstration itself: three runs of the command, each shown as a table, and a replay."""

from __future__ import annotations

import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.demo import command
from tests.demo.account import Account, Units, serving
from tests.demo.command import Finished, Log
from tests.demo.history import as_csv
from tests.demo.interrupts import Interrupts
from tests.demo.scenario import CONFIGURATION, DIMENSIONS, RESOURCES, RUNS, Load, Resource, Run

_WIDTH = 110
_ROW = "{:25} {:6} {:>10} {:>5} {:>9}  {}"
_REASON_INDENT = len(_ROW.format("", "", "", "", "", ""))
_CONFIGURATION_FILE = "demo.conf"
_HISTORY_FILE = "demo-history.csv"
_CHECKOUT = Path(__file__).resolve().parents[2]
_REPORT = Path("build", "demo-report.html")


def run(interrupts: Interrupts) -> int:
    """Show everything; 0 if it all went as expected, else 1."""
    with tempfile.TemporaryDirectory(prefix="dynamic-dynamodb-demo-") as directory, serving() as url:
        Path(directory, _CONFIGURATION_FILE).write_text(CONFIGURATION, encoding="utf-8")
        account = Account()
        account.create(RESOURCES)
        _introduce(url)
        scenes: list[_Scene] = []
        for number, each in enumerate(RUNS, 1):
            interrupts.heed()
            account.put_load(RESOURCES, each.load)
            before = account.describe(RESOURCES)
            # The counters and the pid file of a daemon would be in /tmp otherwise.
            arguments = ["-c", _CONFIGURATION_FILE, "--pid-file-dir", ".", *each.options]
            _say("", f"{number}. {each.title}", "", f"$ {command.NAME} {' '.join(arguments)}", "")
            finished = command.run(arguments, Path(directory), interrupts)
            scene = _Scene(each, finished, before, account.describe(RESOURCES), scenes[-1] if scenes else None)
            _say(*scene.as_text())
            if surprises := list(scene.surprises()):
                _say("", *(f"NOT AS EXPECTED: {surprise}" for surprise in surprises))
                return 1
            scenes.append(scene)
        if not _replay(Path(directory), interrupts):
            return 1
    _conclude(*scenes[1:])
    return 0


@dataclass
class _Scene:
    """One run of the command, with the provisioned units before and after it, and the scene before this."""

    run: Run
    finished: Finished
    before: Units
    after: Units
    previous: _Scene | None
    log: Log = field(init=False)

    def __post_init__(self) -> None:
        self.log = command.read_log(self.finished.stdout, [resource.label for resource in RESOURCES])

    def as_text(self) -> Iterator[str]:
        """What to show of it, line by line."""
        if self.finished.exit_code:
            yield self.finished.stdout
        else:
            last = "would get" if self.run.is_dry else "got"
            yield _ROW.format("table or index", "", "consumed/s", "had", last, "reason, in the program's own words")
            yield "-" * _WIDTH
            for resource in RESOURCES:
                yield from self._rows(resource)
            yield "-" * _WIDTH
            yield from self.log.rest
        yield from self.finished.stderr.splitlines()

    def _rows(self, resource: Resource) -> Iterator[str]:
        load = self.run.load.get(resource.label, Load())
        reasons = self.log.reasons
        for dimension in DIMENSIONS:
            key = resource.label, dimension
            had, got = self.before[key], self.after[key]
            if self.run.is_dry:
                got = self.log.units.get(key, got)
            label = resource.label if dimension == DIMENSIONS[0] else ""
            reason = reasons.get(key) or (reasons.get((resource.label, ""), "") if label else "")
            first, *more = textwrap.wrap(reason, _WIDTH - _REASON_INDENT) or [""]
            consumed = f"{getattr(load, dimension):g}"
            yield _ROW.format(label, dimension, consumed, had or "-", got or "-", first).rstrip()
            yield from (" " * _REASON_INDENT + line for line in more)

    def surprises(self) -> Iterator[str]:
        """What is not as it should be."""
        if self.finished.exit_code:
            yield f"the command ended with exit code {self.finished.exit_code}"
            return
        for key, expected in self.run.expected.items():
            before, after = self.before[key], self.after[key]
            seen = "stay" if after == before else "grow" if after > before else "shrink"
            if seen != expected:
                yield f"{' '.join(key)} should {expected}, and went from {before} to {after}"
            elif seen != "stay" and not self.log.reasons.get(key):
                yield f"the log has no reason why {' '.join(key)} went from {before} to {after}"
        if self.previous and self.previous.run.is_dry:
            for key, announced in self.previous.log.units.items():
                if self.after[key] != announced:
                    yield f"{' '.join(key)} should be {announced} as the dry run had said, and is {self.after[key]}"
        if self.run.is_dry and not self.log.units:
            yield "the dry run does not say what it would change"

    def grown(self) -> int:
        """How many throughputs are greater than before."""
        return sum(self.after[key] > self.before[key] for key in self.after)

    def shrunk(self) -> int:
        """How many throughputs are smaller than before."""
        return sum(self.after[key] < self.before[key] for key in self.after)


def _introduce(url: str) -> None:
    _say(
        "Dynamic DynamoDB at work",
        "========================",
        "",
        f"moto, a stand-in for AWS, listens on {url}, and AWS_ENDPOINT_URL leads the program there:",
        "nothing of this leaves your machine.",
        "",
        "It holds these tables, with half an hour of CloudWatch data:",
        "",
        *(f"    {resource.label:25} {resource.story}" for resource in RESOURCES),
        "",
        f"This is the configuration file, {_CONFIGURATION_FILE}:",
        "",
        textwrap.indent(CONFIGURATION.rstrip(), "    "),
        "",
        "The program looks at five minutes of that data, from 15 to 10 minutes ago, and decides on the reads and the",
        "writes of each table and index. All figures below are capacity units per second.",
    )


def _replay(directory: Path, interrupts: Interrupts) -> bool:
    """Show what the configuration would have done to three days; whether it went as expected."""
    (directory / _HISTORY_FILE).write_text(as_csv(), encoding="utf-8")
    report = _CHECKOUT / _REPORT
    report.parent.mkdir(exist_ok=True)
    arguments = ["-c", _CONFIGURATION_FILE, "--history", _HISTORY_FILE, "--report"]
    _say(
        "",
        f"{len(RUNS) + 1}. What would this configuration have done to three such days and nights? No AWS is needed.",
        "",
        f"$ {command.NAME} {' '.join(arguments)} {_REPORT}",
        "",
    )
    finished = command.run([*arguments, str(report)], directory, interrupts)
    _, total, figures = finished.stdout.rpartition("\nIn all  ")
    _say(*(total + figures).strip().splitlines(), *finished.stderr.splitlines())
    if finished.exit_code or not total:
        _say("", f"NOT AS EXPECTED: the command ended with exit code {finished.exit_code}")
        return False
    return True


def _conclude(day: _Scene, night: _Scene) -> None:
    text = (
        f"All went as expected: the dry run changed nothing; by day {day.grown()} throughputs grew and {day.shrunk()} "
        f"shrank, just as the dry run had said; by night {night.shrunk()} shrank. The sessions table kept its units by "
        "night: where nothing at all is consumed, the program takes units away only with "
        "allow-scaling-down-reads-on-0-percent. Without --run-once it makes such a check every five minutes. "
        "README.rst tells how to install and run it, and example-dynamic-dynamodb.conf shows its options."
    )
    _say("", *textwrap.wrap(text, _WIDTH, break_on_hyphens=False))


def _say(*lines: str) -> None:
    for line in lines:
        print(line, flush=True)
