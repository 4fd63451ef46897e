"""The checks that would have been made of one table and its indexes, by the code that makes the real ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from dynamic_dynamodb.calculators import at_least, at_most
from dynamic_dynamodb.memory import Counters
from dynamic_dynamodb.model import Dimension, Measured, Resource
from dynamic_dynamodb.options import ResourceOptions
from dynamic_dynamodb.plan import HeldBack
from dynamic_dynamodb.replay.account import Delays, Simulated, SimulatedTable
from dynamic_dynamodb.replay.history import MILLI, ResourceHistory
from dynamic_dynamodb.resolve import govern
from dynamic_dynamodb.rules import TableRule
from dynamic_dynamodb.serve import Outcome, Server, TableAccount

_FIRST_HOUR = 60


class ReplayAccount(TableAccount, Protocol):
    """What a check of the replay asks: it can look up every measurement in `measured`."""

    @property
    def measured(self) -> Measured: ...


@dataclass(frozen=True)
class Plan:
    """When checks are made, in seconds from the start of the history, and how the simulated tables behave."""

    start: datetime
    interval: int
    delays: Delays = field(default_factory=Delays)
    first: int = 0


@dataclass
class Replayed:
    """What came of one table or index: `held` has all decreases that were held back, check by check."""

    history: ResourceHistory
    options: ResourceOptions
    simulated: Simulated
    held: list[HeldBack] = field(default_factory=list)


@dataclass
class ReplayedTable:
    """What came of a table and of those of its indexes that a rule governs."""

    resources: list[Replayed]
    checks: int = 0
    notifications: int = 0
    failures: set[str] = field(default_factory=set)


def check(account: ReplayAccount, name: str, rule: TableRule, now: datetime, counters: Counters) -> Outcome:
    """One check of one table, whose counters are brought up to date. No circuit breaker is asked."""
    outcome = Outcome()
    server = Server(account, _no_circuit_breaker, counters, now, dry_run=False)
    cases = server.open(name, rule, outcome)
    server.serve(cases, account.measured, outcome)
    counters.update(outcome.counters)
    return outcome


def _no_circuit_breaker(url: str, timeout_ms: float, resource: Resource) -> str:
    return ""


def governed(rule: TableRule, histories: Sequence[ResourceHistory]) -> dict[Resource, ResourceOptions]:
    """The options of a table and of those of its indexes that a rule governs."""
    table = Resource(histories[0].resource.table)
    indexes = [each.resource.index for each in histories if each.resource.index]
    rules = govern(indexes, rule.index_rules).rules
    return {table: rule.options} | {Resource(table.table, index): each.options for index, each in rules.items()}


def replay(rule: TableRule, histories: Sequence[ResourceHistory], plan: Plan) -> ReplayedTable:
    """Make all checks of one table, whose own history comes first."""
    options = governed(rule, histories)
    units = first_units(histories, options)
    account = SimulatedTable(plan.start, histories, units, plan.delays)
    table = histories[0]
    replayed = {
        each.resource: Replayed(each, options[each.resource], account.resources[each.resource])
        for each in histories
        if each.resource in options
    }
    result = ReplayedTable(list(replayed.values()))
    counters: Counters = {}
    for second in check_times(table, options.values(), plan):
        account.go_to(second)
        outcome = check(account, table.resource.table, rule, account.now, counters)
        result.checks += 1
        result.failures.update(str(failure.error) for failure in outcome.failures)
        for note in outcome.notes:
            if isinstance(note, HeldBack):
                replayed[note.change.resource].held.append(note)
    account.go_to(max(each.end for each in histories) * 60)
    result.notifications = account.published
    return result


def check_times(table: ResourceHistory, options: Iterable[ResourceOptions], plan: Plan) -> Iterator[int]:
    """The seconds at which the table is there and no window reaches back to before the history."""
    look_back = max(each.lookback_window_start for each in options)
    earliest = max(table.begin, look_back) * 60
    skipped = max(0, -(-(earliest - plan.first) // plan.interval))
    return iter(range(plan.first + skipped * plan.interval, table.end * 60, plan.interval))


def first_units(
    histories: Sequence[ResourceHistory], options: Mapping[Resource, ResourceOptions]
) -> dict[tuple[Resource, Dimension], int]:
    """What is provisioned at the beginning of each life.

    That is what really was; where nobody knows, what the busiest minute of the first hour needs, within the limits.
    """
    units = {}
    for each in histories:
        for dimension, history in each.dimensions.items():
            known = [provisioned for minute, provisioned in history.provisioned if minute <= each.begin][-1:]
            known = known or [provisioned for _, provisioned in history.provisioned[:1]]
            if not known:
                demand = history.demand()[each.begin : min(each.end, each.begin + _FIRST_HOUR)]
                known = [max(1, -(-max(demand, default=0) // (60 * MILLI)))]
                if each.resource in options:
                    scaling = options[each.resource].scaling[dimension]
                    known = [at_least(at_most(known[0], scaling.max_provisioned), scaling.min_provisioned)]
            units[each.resource, dimension] = known[0]
    return units
