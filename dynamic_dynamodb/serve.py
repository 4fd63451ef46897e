"""One table and its indexes in a check: describe, ask the circuit breakers; once measured: decide, change, notify."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dynamic_dynamodb.case import Case, look_back
from dynamic_dynamodb.decision import decide
from dynamic_dynamodb.exceptions import AwsError, NotFound
from dynamic_dynamodb.memory import Counters
from dynamic_dynamodb.model import Change, Dimension, Measured, Message, Note, Resource, TableDescription, Usage
from dynamic_dynamodb.notifications import alarm_message, change_message, needs_alarms
from dynamic_dynamodb.plan import Plan, plan
from dynamic_dynamodb.resolve import govern
from dynamic_dynamodb.rules import IndexRule, TableRule
from dynamic_dynamodb.tally import Failure
from dynamic_dynamodb.update import apply


class TableAccount(Protocol):
    """What is asked of AWS here. Every method raises AwsError."""

    def describe_table(self, name: str) -> TableDescription:
        """A table and its indexes."""

    def update_table(self, changes: Sequence[Change]) -> None:
        """Change one table and its indexes together."""

    def publish(self, topic_arn: str, message: Message) -> None:
        """Send a notification."""


CircuitBreaker = Callable[[str, float, Resource], str]
"""Asks an URL, for so many milliseconds at most; the answer says why the circuit is open, or is empty."""


@dataclass
class Outcome:
    """What came of one table, for the caller to log, count and remember: nothing of it has been told to anybody yet.

    `live_indexes` are the names of all its indexes, None if the table could not be described.
    """

    resources: int = 0
    skipped: int = 0
    changed: int = 0
    notes: list[Note] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    counters: Counters = field(default_factory=dict)
    index_rules: Sequence[IndexRule] = ()
    live_indexes: frozenset[str] | None = None

    def fail(self, label: str, error: AwsError, counts: bool = True) -> None:
        """Note a failure."""
        self.failures.append(Failure(label, error, counts))


@dataclass(frozen=True)
class Server:
    """Serves tables, in any thread: it changes nothing but the outcome of the table at hand.

    `counters` are those before this check, and are only read. `now` has a time zone.
    """

    account: TableAccount
    circuit_breaker: CircuitBreaker
    counters: Mapping[tuple[Resource, Dimension], int]
    now: datetime
    dry_run: bool

    def open(self, name: str, rule: TableRule, outcome: Outcome) -> list[Case]:
        """The table, and those of its indexes that a rule governs, as far as they are to be served in this check."""
        try:
            description = self.account.describe_table(name)
        except AwsError as error:
            outcome.resources = 1
            gone = AwsError(f"the table {name} does not exist, or not any more")
            outcome.fail(name, gone if isinstance(error, NotFound) else error)
            return []
        indexes = govern(description.indexes, rule.index_rules).rules
        outcome.index_rules = list(indexes.values())
        outcome.live_indexes = frozenset(description.indexes)
        outcome.resources = 1 + len(indexes)
        if description.is_on_demand:
            outcome.skipped = outcome.resources
            outcome.notes.append(Note("info", f"{name}: skipped, since it is an on-demand table", once=True))
            return []
        table = description.table
        cases = [Case(Resource(name), rule.options, table, table, look_back(rule.options, self.now))]
        for index, index_rule in indexes.items():
            window = look_back(index_rule.options, self.now)
            cases.append(Case(Resource(name, index), index_rule.options, table, description.indexes[index], window))
        return [case for case in cases if self._is_circuit_closed(case, outcome)]

    def _is_circuit_closed(self, case: Case, outcome: Outcome) -> bool:
        url = case.options.circuit_breaker_url
        if not url:
            return True
        problem = self.circuit_breaker(url, float(case.options.circuit_breaker_timeout), case.resource)
        if problem:
            outcome.skipped += 1
            outcome.notes.append(Note("warning", f"{case.resource.label}: skipped, since {problem}"))
            outcome.counters.update({(case.resource, dimension): 0 for dimension in Dimension})
        return not problem

    def serve(self, cases: Sequence[Case], measured: Measured, outcome: Outcome) -> None:
        """Serve the cases of one table. A failure of one of them does not keep another from being served."""
        changes = {}
        for case in cases:
            try:
                usage = case.usage(measured)
            except AwsError as error:
                outcome.fail(case.resource.label, error)
                continue
            if any(needs_alarms(case.options, dimension) for dimension in Dimension):
                self._publish(case, alarm_message(case.resource, case.state.throughput, usage, case.options), outcome)
            planned = self._plan(case, usage, outcome)
            outcome.notes.extend(planned.notes)
            if planned.change:
                changes[planned.change] = case
        if self.dry_run:
            outcome.notes.extend(Note("info", f"would change {change}") for change in changes)
        elif changes:
            self._make(changes, outcome)

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
            for resource in by_resource:
                outcome.fail(resource.label, updated.error)

    def _publish(self, case: Case, message: Message | None, outcome: Outcome) -> None:
        topic = case.options.sns_topic_arn
        if message and topic and message.types & case.options.message_types and not self.dry_run:
            try:
                self.account.publish(topic, message)
            except AwsError as error:
                outcome.fail(case.resource.label, error, counts=False)
