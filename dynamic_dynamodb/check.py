"""One pass over all tables and indexes: resolve, describe, ask the circuit breakers, measure, serve."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Protocol

from dynamic_dynamodb.case import Case, look_back
from dynamic_dynamodb.exceptions import AccessDenied, AwsError, NotFound
from dynamic_dynamodb.log_handler import logger
from dynamic_dynamodb.memory import Memory
from dynamic_dynamodb.model import Dimension, Measured, MetricQuery, Note, Resource, TableDescription
from dynamic_dynamodb.resolve import by_plain_name, further_matches, govern
from dynamic_dynamodb.rules import Configuration, TableRule
from dynamic_dynamodb.serve import ChangingAccount, Outcome, Server
from dynamic_dynamodb.tally import Failure, Tally


class Account(ChangingAccount, Protocol):
    """All that a check asks of AWS. Every method raises AwsError."""

    def list_tables(self) -> list[str]:
        """The names of all tables."""

    def describe_table(self, name: str) -> TableDescription:
        """A table and its indexes."""

    def measure(self, queries: Sequence[MetricQuery]) -> Measured:
        """The sums of metrics, each of them or the error that stands for it."""


CircuitBreaker = Callable[[str, float, Resource], str]
"""Asks an URL, for so many milliseconds at most; the answer says why the circuit is open, or is empty."""


@dataclass
class Check:
    """One pass. `now` has a time zone and is the time of everything in it."""

    account: Account
    circuit_breaker: CircuitBreaker
    configuration: Configuration
    memory: Memory
    now: datetime
    _tally: Tally = field(default_factory=Tally, init=False)
    _told: set[str] = field(default_factory=set, init=False)

    def run(self) -> Tally:
        """Make the pass. What fails is logged and counted; only a mistake in the program itself raises."""
        started = time.monotonic()
        try:
            self._run()
            self.memory.told = self._told
        except AwsError as error:
            self._tally.failures.append(Failure("no table could be checked", error))
        for note in self._tally.errors():
            _log(note)
        logger.info(self._tally.summary(time.monotonic() - started))
        return self._tally

    def _run(self) -> None:
        cases = [case for name, rule in self._resolve().items() for case in self._cases(name, rule)]
        self._tell_unused_index_rules(cases)
        self._tally.resources += len(cases)
        cases = [case for case in cases if self._is_circuit_closed(case)]
        measured = self.account.measure([query for case in cases for query in case.queries()])
        server = Server(self.account, self.memory.counters, self.now, self.configuration.command.dry_run)
        for _, cases_of_table in groupby(cases, key=lambda case: case.resource.table):
            self._record(server.serve(list(cases_of_table), measured))

    def _resolve(self) -> Mapping[str, TableRule]:
        """The tables to serve, by name, each with its rule."""
        rules = self.configuration.rules
        try:
            names = self.account.list_tables()
        except AccessDenied as error:
            named, others = by_plain_name(rules)
            self._tell_once(Note("warning", f"{error}; going on with the tables that the configuration names in full"))
            for rule in others:
                text = "this is no plain table name, so it takes the permission dynamodb:ListTables"
                self._fail(rule.label, AwsError(text))
            return named
        governed = govern(names, rules)
        for rule in governed.unused:
            self._tell_once(Note("warning", f"{rule.label} governs no table"))
        if logger.isEnabledFor(logging.DEBUG):
            for name in governed.rules:
                for rule in further_matches(name, rules):
                    logger.debug("%s: %s matches too, but another rule comes first", name, rule.label)
        return governed.rules

    def _cases(self, name: str, rule: TableRule) -> list[Case]:
        """The table, and those of its indexes that a rule governs."""
        try:
            description = self.account.describe_table(name)
        except NotFound:
            self._fail(name, AwsError("the table does not exist, or not any more", f"{name} is gone"))
            return []
        except AwsError as error:
            self._fail(name, error)
            return []
        if description.is_on_demand:
            self._tally.resources += 1
            self._tally.skipped += 1
            self._tell_once(Note("info", f"{name}: skipped, since it is an on-demand table"))
            return []
        table = description.table
        cases = [Case(Resource(name), rule.options, table, table, look_back(rule.options, self.now))]
        for index, index_rule in govern(description.indexes, rule.index_rules).rules.items():
            window = look_back(index_rule.options, self.now)
            cases.append(Case(Resource(name, index), index_rule.options, table, description.indexes[index], window))
        return cases

    def _tell_unused_index_rules(self, cases: Sequence[Case]) -> None:
        """Rules for indexes that govern none, although their table rule governs tables; unless some are not known."""
        used = {id(case.options) for case in cases}
        for rule in self.configuration.rules if not self._tally.failures else ():
            for index_rule in rule.index_rules:
                if id(rule.options) in used and id(index_rule.options) not in used:
                    label = f"[gsi: {index_rule.pattern.pattern} table: {rule.pattern.pattern}]"
                    self._tell_once(Note("warning", f"{label} governs no index"))

    def _is_circuit_closed(self, case: Case) -> bool:
        url = case.options.circuit_breaker_url
        if not url:
            return True
        problem = self.circuit_breaker(url, float(case.options.circuit_breaker_timeout), case.resource)
        if problem:
            self._tally.skipped += 1
            logger.warning("%s: skipped, since %s", case.resource.label, problem)
            for dimension in Dimension:
                self.memory.counters.pop((case.resource, dimension), None)
        return not problem

    def _record(self, outcome: Outcome) -> None:
        for note in outcome.notes:
            _log(note)
        self.memory.counters.update(outcome.counters)
        self._tally.failures.extend(outcome.failures)
        self._tally.changed += outcome.changed

    def _fail(self, label: str, error: AwsError) -> None:
        self._tally.resources += 1
        self._tally.failures.append(Failure(label, error))

    def _tell_once(self, note: Note) -> None:
        """Log what will be so in many checks to come, if it was not so in the one before."""
        self._told.add(note.text)
        if note.text not in self.memory.told:
            _log(note)


def _log(note: Note) -> None:
    logger.log(getattr(logging, note.level.upper()), "%s", note.text)
