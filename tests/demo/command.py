"""The real command, run as a process of its own, and what its log says."""

from __future__ import annotations

import re
import subprocess
import sysconfig
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.demo.interrupts import Interrupts

NAME = "dynamic-dynamodb"

_SECONDS_TO_WAIT = 60
_RECORD = re.compile(r"\S+ \S+ - dynamic-dynamodb - [A-Z]+ - (?:dryrun - )?(?P<message>.*)")
_CHANGE = re.compile(
    r"(?P<dimension>reads|writes) \d+ -> (?P<units>\d+) \((?P<reason>.*?)\)(?=$|, (?:reads|writes) \d+ -> \d+ \()"
)
_NO_CHANGE = re.compile(r"no change \(reads: (?P<reads>.*); writes: (?P<writes>.*)\)")


@dataclass(frozen=True)
class Finished:
    """A command that has ended."""

    exit_code: int
    stdout: str
    stderr: str


def run(arguments: Sequence[str], directory: Path, interrupts: Interrupts) -> Finished:
    """Run the command in this directory, and wait for its end. Raises KeyboardInterrupt at an interrupt."""
    with subprocess.Popen(
        [Path(sysconfig.get_path("scripts"), NAME), *arguments],
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        errors="replace",
    ) as process:
        interrupts.end(process)
        try:
            stdout, stderr = process.communicate(timeout=_SECONDS_TO_WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            stdout, stderr = process.communicate()
    interrupts.heed()
    return Finished(process.returncode, stdout, stderr)


@dataclass
class Log:
    """What the log says of each resource: `reasons` by label and dimension, the latter empty where it is about both.

    `units` are those that it announces or reports; `rest` are the messages about no single resource.
    """

    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    units: dict[tuple[str, str], int] = field(default_factory=dict)
    rest: list[str] = field(default_factory=list)

    def read(self, line: str, labels: Collection[str]) -> None:
        """Take in one line."""
        record = _RECORD.fullmatch(line)
        message = record["message"] if record else line
        message = message.removeprefix("would change ").removeprefix("changed ")
        label = next((each for each in labels if message.startswith(f"{each}: ")), None)
        if label is None:
            self.rest.append(message)
            return
        text = message[len(label) + 2 :]
        if changes := list(_CHANGE.finditer(text)):
            for change in changes:
                key = label, change["dimension"]
                self.units[key] = int(change["units"])
                self.reasons[key] = change["reason"]
        else:
            same = _NO_CHANGE.fullmatch(text)
            said: Mapping[str, str] = same.groupdict() if same else {"": text}
            self.reasons.update({(label, dimension): reason for dimension, reason in said.items()})


def read_log(text: str, labels: Collection[str]) -> Log:
    """Understand a log."""
    log = Log()
    for line in text.splitlines():
        log.read(line, labels)
    return log
