"""What a check did, counted; and its failures, told once for each cause and not once for each table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from dynamic_dynamodb.exceptions import AwsError
from dynamic_dynamodb.model import Note

_MOST_LABELS = 10


@dataclass(frozen=True)
class Failure:
    """What went wrong with what. `counts` is False where the table or index itself could be served."""

    label: str
    error: AwsError
    counts: bool = True


@dataclass
class Tally:
    """Numbers of tables and indexes."""

    resources: int = 0
    changed: int = 0
    skipped: int = 0
    failures: list[Failure] = field(default_factory=list)

    def add(self, resources: int, changed: int, skipped: int, failures: Iterable[Failure]) -> None:
        """Count what came of one table."""
        self.resources += resources
        self.changed += changed
        self.skipped += skipped
        self.failures.extend(failures)

    @property
    def failed(self) -> int:
        """How many could not be checked or updated because of an error."""
        return sum(failure.counts for failure in self.failures)

    def errors(self) -> Iterator[Note]:
        """An error for each cause."""
        by_cause: dict[str, list[Failure]] = {}
        for failure in self.failures:
            by_cause.setdefault(failure.error.cause, []).append(failure)
        for failures in by_cause.values():
            labels = [failure.label for failure in failures]
            where = ", ".join(labels[:_MOST_LABELS])
            if len(labels) > _MOST_LABELS:
                where += f" and {len(labels) - _MOST_LABELS} more"
            yield Note("error", f"{where}: {failures[0].error}")

    def summary(self, seconds: float) -> str:
        """The last line of a check."""
        return (
            f"Check done: {self.resources} resources, {self.changed} changed, {self.failed} failed, "
            f"{self.skipped} skipped in {seconds:.1f} s"
        )
