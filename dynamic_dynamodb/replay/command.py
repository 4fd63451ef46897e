"""The replay as the command runs it: get the history, keep it, replay it, tell the outcome."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from dynamic_dynamodb.exceptions import AwsError, DynamicDynamoDBError, HistoryError
from dynamic_dynamodb.replay import history_file
from dynamic_dynamodb.replay.account import Delays
from dynamic_dynamodb.replay.costs import prices
from dynamic_dynamodb.replay.engine import Plan, replay
from dynamic_dynamodb.replay.figures import ResourceFigures, resource_figures
from dynamic_dynamodb.replay.history import History, ResourceHistory
from dynamic_dynamodb.replay.progress import Progress
from dynamic_dynamodb.replay.report import Report, has_own_prices
from dynamic_dynamodb.replay.report_json import as_json
from dynamic_dynamodb.replay.report_text import as_text
from dynamic_dynamodb.replay.workers import processors, work_through
from dynamic_dynamodb.resolve import govern
from dynamic_dynamodb.rules import Configuration, TableRule
from dynamic_dynamodb.signals import Signals

_PATIENCE_SECONDS = 300
"""For how long failing calls may keep it waiting, all together."""

INTERRUPTED = 130
"""The exit code, as shells have it of Ctrl-C."""


@dataclass(frozen=True)
class _Table:
    rule: TableRule
    histories: Sequence[ResourceHistory]


@dataclass(frozen=True)
class _Result:
    """What a process sends back of one table: small, whatever the length of the history."""

    figures: list[ResourceFigures]
    pages: list[str]
    checks: int
    notifications: int
    failures: list[str]


def run(configuration: Configuration, signals: Signals) -> int:
    """Make the replay; an exit code. Raises DynamicDynamoDBError."""
    options = configuration.replay
    if options.report:
        _check_report(options.report)
    history = _history(configuration, signals)
    if history is None or signals.stopping.is_set():
        return _interrupted()
    if options.save_history:
        history_file.write(options.save_history, history)
    report = _replay(configuration, history, signals.stopping.is_set)
    if report is None:
        return _interrupted()
    print(as_text(report))
    if options.report:
        _write_report(options.report, report)
        print(f"\nThe report is in {options.report}")
    return 0


def _interrupted() -> int:
    print("Interrupted: nothing was changed", file=sys.stderr)
    return INTERRUPTED


def _history(configuration: Configuration, signals: Signals) -> History | None:
    options = configuration.replay
    if options.history:
        history = history_file.read(options.history)
        return history.last(options.span) if options.span else history
    assert options.span is not None
    return _fetch(configuration, options.span, signals)


def _fetch(configuration: Configuration, minutes: int, signals: Signals) -> History | None:
    # Without AWS none of this is needed, nor installed perhaps.
    from concurrent.futures import ThreadPoolExecutor

    from dynamic_dynamodb.aws.account import Account
    from dynamic_dynamodb.aws.clients import make_clients
    from dynamic_dynamodb.aws.retry import Patience
    from dynamic_dynamodb.replay.fetch import Source, fetch

    clients = make_clients(configuration.general, ())
    patience = Patience(signals.stopping, _PATIENCE_SECONDS)
    with ThreadPoolExecutor(configuration.general.max_concurrency) as executor:
        account = Account(clients, patience)
        source = Source(account, clients.cloudwatch, patience, executor, signals.stopping.is_set)
        try:
            return fetch(source, configuration.rules, minutes, datetime.now(timezone.utc))
        except AwsError:
            # A call that failed is not made again while it stops, which is no error then.
            if signals.stopping.is_set():
                return None
            raise


def _replay(configuration: Configuration, history: History, is_stopping: Callable[[], bool]) -> Report | None:
    options = configuration.replay
    governed = govern(history.tables, configuration.rules).rules
    tables = [_Table(rule, history.of_table(name)) for name, rule in governed.items() if name not in history.on_demand]
    skipped = [name for name in governed if name in history.on_demand]
    if not tables and not skipped:
        raise HistoryError("there is nothing to replay: no rule of the configuration governs a table of the history")
    delays = Delays(options.update_delay, options.metrics_delay)
    plan = Plan(history.start, configuration.general.check_interval, delays)
    price = prices(options)
    with_pages = bool(options.report and options.report.endswith(".html"))

    def work(table: _Table) -> _Result:
        replayed = replay(table.rule, table.histories, plan)
        figures = [resource_figures(each, plan.start, price) for each in replayed.resources]
        pages = []
        if with_pages:
            from dynamic_dynamodb.replay.page_data import page_data

            pages = [page_data(*pair, plan.start) for pair in zip(replayed.resources, figures, strict=True)]
        failures = sorted(replayed.failures)
        return _Result(figures, pages, replayed.checks, replayed.notifications, failures)

    progress = Progress("replaying", len(tables))
    results: dict[int, _Result] = {}
    try:
        for position, result in work_through(tables, work, processors(), is_stopping):
            results[position] = result
            progress.step()
    finally:
        progress.close()
    if len(results) < len(tables):
        return None
    in_order = [results[position] for position in range(len(tables))]
    return Report(
        source=options.history or "CloudWatch",
        start=history.start,
        end=history.end,
        interval=plan.interval,
        delays=delays,
        prices=price,
        are_prices_own=has_own_prices(options),
        resources=[figures for result in in_order for figures in result.figures],
        checks=max((result.checks for result in in_order), default=0),
        notifications=sum(result.notifications for result in in_order),
        skipped=skipped,
        failures=sorted({failure for result in in_order for failure in result.failures}),
        pages=[page for result in in_order for page in result.pages],
    )


def _check_report(path: str) -> None:
    """Find out before the long work what would keep the report from being written."""
    directory = os.path.dirname(os.path.expanduser(path)) or "."
    if not os.path.isdir(directory):
        raise DynamicDynamoDBError(f"--report: there is no directory {directory}")
    if path.endswith(".html"):
        from dynamic_dynamodb.replay.report_html import require_library

        require_library()


def _write_report(path: str, report: Report) -> None:
    if path.endswith(".html"):
        from dynamic_dynamodb.replay.report_html import as_html

        content = as_html(report)
    else:
        content = as_json(report)
    try:
        with open(os.path.expanduser(path), "w", encoding="utf-8") as file:
            file.write(content)
    except OSError as error:
        raise DynamicDynamoDBError(f"{path}: the report cannot be written ({error.strerror})") from error
