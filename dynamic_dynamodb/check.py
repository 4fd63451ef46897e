"""One pass over all tables and indexes: many at a time, each as soon as what it needs is there, told in order."""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction
from typing import Protocol, TypeVar

from dynamic_dynamodb.case import Case
from dynamic_dynamodb.exceptions import AccessDenied, AwsError
from dynamic_dynamodb.log_handler import logger
from dynamic_dynamodb.memory import Memory
from dynamic_dynamodb.model import Measured, MetricQuery, Note
from dynamic_dynamodb.resolve import by_plain_name, further_matches, govern
from dynamic_dynamodb.rules import Configuration, TableRule
from dynamic_dynamodb.scheduler import Scheduler, Task
from dynamic_dynamodb.serve import CircuitBreaker, Outcome, Server, TableAccount
from dynamic_dynamodb.tally import Failure, Tally

T = TypeVar("T")


class Account(TableAccount, Protocol):
    """All that a check asks of AWS, from several threads. Every method raises AwsError."""

    @property
    def queries_per_call(self) -> int:
        """How many queries `measure` takes."""

    def begin_check(self) -> None:
        """Called at the start of each check."""

    def list_tables(self) -> list[str]:
        """The names of all tables."""

    def measure(self, queries: Sequence[MetricQuery]) -> Measured | None:
        """The sums of metrics, each of them or the error that stands for it. None: ask anew, in smaller portions."""


@dataclass(frozen=True)
class Surroundings:
    """What a check works with. `is_stopping` says, at any time, that no further table is to be begun."""

    account: Account
    circuit_breaker: CircuitBreaker
    executor: Executor
    is_stopping: Callable[[], bool]


@dataclass
class _Table:
    """A table on its way through the check."""

    outcome: Outcome = field(default_factory=Outcome)
    cases: list[Case] = field(default_factory=list)
    unanswered: int = 0
    measured: dict[MetricQuery, Fraction | AwsError] = field(default_factory=dict)
    is_finished: bool = False


class Check:
    """One pass. `now` has a time zone and is the time of everything in it."""

    def __init__(self, surroundings: Surroundings, configuration: Configuration, memory: Memory, now: datetime) -> None:
        self._account = surroundings.account
        self._is_stopping = surroundings.is_stopping
        self._rules = configuration.rules
        self._memory = memory
        self._server = Server(
            surroundings.account, surroundings.circuit_breaker, memory.counters, now, configuration.command.dry_run
        )
        self._scheduler = Scheduler(
            surroundings.executor, configuration.general.max_concurrency, surroundings.is_stopping
        )
        self._tally = Tally()
        self._told: set[str] = set()
        self._live_tables: set[str] | None = None
        self._tables: dict[str, _Table] = {}
        self._in_order: deque[str] = deque()
        self._unopened = 0
        self._queries: list[MetricQuery] = []

    def run(self) -> Tally:
        """Make the pass. What fails is logged and counted; only a mistake in the program itself raises."""
        started = time.monotonic()
        self._account.begin_check()
        try:
            self._run()
        except AwsError as error:
            self._tally.failures.append(Failure("no table could be checked", error))
        for note in self._tally.errors():
            self._tell(note)
        logger.info("%s", self._tally.summary(time.monotonic() - started))
        return self._tally

    def _run(self) -> None:
        rules = self._resolve()
        self._tables = {name: _Table() for name in rules}
        self._in_order = deque(rules)
        self._unopened = len(rules)
        self._scheduler.run(self._open(name, rule) for name, rule in rules.items())
        for name in self._in_order:
            if self._tables[name].is_finished:
                self._record(name)
        if self._is_stopping():
            logger.info("Stopping: tables that have not been served yet are left for the next time")
            return
        self._tell_unused_index_rules(rules.values())
        self._forget_vanished()
        self._memory.told = self._told

    def _resolve(self) -> Mapping[str, TableRule]:
        """The tables to serve, by name, each with its rule."""
        try:
            names = self._account.list_tables()
        except AccessDenied as error:
            named, others = by_plain_name(self._rules)
            text = f"{error}; going on with the tables that the configuration names in full"
            self._tell(Note("warning", text, once=True))
            for rule in others:
                problem = "this is no plain table name, so it takes the permission dynamodb:ListTables"
                self._tally.resources += 1
                self._tally.failures.append(Failure(rule.label, AwsError(problem)))
            return named
        self._live_tables = set(names)
        governed = govern(names, self._rules)
        for rule in governed.unused:
            self._tell(Note("warning", f"{rule.label} governs no table", once=True))
        if logger.isEnabledFor(logging.DEBUG):
            for name in governed.rules:
                for rule in further_matches(name, self._rules):
                    logger.debug("%s: %s matches too, but another rule comes first", name, rule.label)
        return governed.rules

    def _open(self, name: str, rule: TableRule) -> Task:
        outcome = self._tables[name].outcome
        return Task(
            work=lambda: self._safely(name, outcome, lambda: self._server.open(name, rule, outcome)),
            then=lambda cases: self._opened(name, cases or []),
        )

    def _opened(self, name: str, cases: list[Case]) -> None:
        table = self._tables[name]
        table.cases = cases
        queries = [query for case in cases for query in case.queries()]
        table.unanswered = len(queries)
        self._queries.extend(queries)
        self._unopened -= 1
        self._ask()
        if not queries:
            self._serve(name)

    def _ask(self) -> None:
        """Ask for the metrics as soon as they fill a call, or when there are no more to come."""
        while len(self._queries) >= self._account.queries_per_call or (self._queries and not self._unopened):
            size = self._account.queries_per_call
            batch, self._queries = self._queries[:size], self._queries[size:]
            self._scheduler.add(self._measure(batch))

    def _measure(self, batch: list[MetricQuery]) -> Task:
        def measure() -> Measured | None:
            try:
                return self._account.measure(batch)
            except Exception:
                logger.exception("metrics: a mistake in the program")
                return dict.fromkeys(batch, AwsError("a mistake in the program, see above", "mistake metrics"))

        return Task(work=measure, then=lambda measured: self._measured(batch, measured))

    def _measured(self, batch: list[MetricQuery], measured: Measured | None) -> None:
        if measured is None:
            self._queries = batch + self._queries
            self._ask()
            return
        for query in batch:
            table = self._tables[query.resource.table]
            table.measured[query] = measured[query]
            table.unanswered -= 1
            if not table.unanswered:
                self._serve(query.resource.table)

    def _serve(self, name: str) -> None:
        table = self._tables[name]

        def serve() -> None:
            self._server.serve(table.cases, table.measured, table.outcome)

        def finish(_: None) -> None:
            table.is_finished = True
            table.cases, table.measured = [], {}
            while self._in_order and self._tables[self._in_order[0]].is_finished:
                self._record(self._in_order.popleft())

        self._scheduler.add(Task(lambda: self._safely(name, table.outcome, serve), finish))

    def _safely(self, name: str, outcome: Outcome, work: Callable[[], T]) -> T | None:
        """A mistake in the program that one table brings to light must not keep the others from being served."""
        try:
            return work()
        except Exception:
            logger.exception("%s: a mistake in the program", name)
            outcome.fail(name, AwsError("a mistake in the program, see above", f"mistake {name}"))
            return None

    def _record(self, name: str) -> None:
        outcome = self._tables[name].outcome
        for note in outcome.notes:
            self._tell(note)
        self._memory.counters.update(outcome.counters)
        self._tally.add(outcome.resources, outcome.changed, outcome.skipped, outcome.failures)

    def _tell_unused_index_rules(self, rules: Iterable[TableRule]) -> None:
        """Rules for indexes that govern none although their table rule governs tables; unless some are not known."""
        outcomes = [table.outcome for table in self._tables.values()]
        if any(outcome.live_indexes is None for outcome in outcomes):
            return
        used = {id(index_rule) for outcome in outcomes for index_rule in outcome.index_rules}
        for rule in {id(rule): rule for rule in rules}.values():
            for index_rule in rule.index_rules:
                if id(index_rule) not in used:
                    label = f"[gsi: {index_rule.pattern.pattern} table: {rule.pattern.pattern}]"
                    self._tell(Note("warning", f"{label} governs no index", once=True))

    def _forget_vanished(self) -> None:
        """Drop the counters of what surely exists no more."""
        for key in list(self._memory.counters):
            resource = key[0]
            table = self._tables.get(resource.table)
            live_indexes = table.outcome.live_indexes if table else None
            is_table_gone = self._live_tables is not None and resource.table not in self._live_tables
            is_index_gone = resource.index and live_indexes is not None and resource.index not in live_indexes
            if is_table_gone or is_index_gone:
                del self._memory.counters[key]

    def _tell(self, note: Note) -> None:
        """Log a note; one that is told `once` only if it was not so already in the check before."""
        if note.once:
            self._told.add(note.text)
            if note.text in self._memory.told:
                return
        logger.log(getattr(logging, note.level.upper()), "%s", note.text)
