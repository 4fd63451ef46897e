"""One table and its indexes, once they are measured: decide, change them together, notify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dynamic_dynamodb.case import Case
from dynamic_dynamodb.decision import decide
from dynamic_dynamodb.exceptions import AwsError
from dynamic_dynamodb.memory import Counters
from dynamic_dynamodb.model import Change, Dimension, Measured, Message, Note, Resource, Usage
from dynamic_dynamodb.notifications import alarm_message, change_message
from dynamic_dynamodb.plan import Plan, plan
from dynamic_dynamodb.tally import Failure
from dynamic_dynamodb.update import apply


class ChangingAccount(Protocol):
    """What is asked of AWS here; both methods raise AwsError."""

    def update_table(self, changes: Sequence[Change]) -> None:
        """Change one table and its indexes together."""

    def publish(self, topic_arn: str, message: Message) -> None:
        """Send a notification."""


@dataclass
class Outcome:
    """What came of one table, for the caller to log, count and remember: it has been told to nobody yet."""

    notes: list[Note] = field(default_factory=list)
    counters: Counters = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    changed: int = 0


@dataclass(frozen=True)
class Server:
    """Serves one table after the other; `counters` are those before this check, and are only read."""

    account: ChangingAccount
    counters: Mapping[tuple[Resource, Dimension], int]
    now: datetime
    dry_run: bool

    def serve(self, cases: Sequence[Case], measured: Measured) -> Outcome:
        """Serve the cases of one table. A failure of one of them does not keep another from being served."""
        outcome = Outcome()
        changes = {}
        for case in cases:
            try:
                usage = case.usage(measured)
            except AwsError as error:
                outcome.failures.append(Failure(case.resource.label, error))
                continue
            self._publish(case, alarm_message(case.resource, case.state.throughput, usage, case.options), outcome)
            planned = self._plan(case, usage, outcome)
            outcome.notes.extend(planned.notes)
            if planned.change:
                changes[planned.change] = case
        if self.dry_run:
            outcome.notes.extend(Note("info", f"would change {change}") for change in changes)
        elif changes:
            self._make(changes, outcome)
        return outcome

    def _plan(self, case: Case, usage: Mapping[Dimension, Usage], outcome: Outcome) -> Plan:
        decisions = {}
        for dimension in Dimension:
            key = (case.resource, dimension)
            scaling = case.options.scaling[dimension]
            provisioned = case.state.throughput[dimension]
            decisions[dimension] = decide(provisioned, usage[dimension], scaling, self.counters.get(key, 0))
            outcome.counters[key] = decisions[dimension].counter
        return plan(case.resource, case.table_state, case.state, decisions, case.options, self.now)

    def _make(self, cases: Mapping[Change, Case], outcome: Outcome) -> None:
        updated = apply(self.account.update_table, list(cases))
        outcome.notes.extend(updated.notes)
        outcome.changed = len(updated.changes)
        by_resource = {change.resource: case for change, case in cases.items()}
        for change in updated.changes:
            case = by_resource.pop(change.resource)
            outcome.notes.append(Note("info", f"changed {change}"))
            outcome.counters.update({(change.resource, dimension): 0 for dimension in change.dimensions})
            self._publish(case, change_message(change), outcome)
        if updated.error:
            outcome.failures.extend(Failure(resource.label, updated.error) for resource in by_resource)

    def _publish(self, case: Case, message: Message | None, outcome: Outcome) -> None:
        topic = case.options.sns_topic_arn
        if message and topic and message.types & case.options.message_types and not self.dry_run:
            try:
                self.account.publish(topic, message)
            except AwsError as error:
                outcome.failures.append(Failure(case.resource.label, error, counts=False))
