"""The command: from the argument list to an exit code."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timezone
from threading import Event
from typing import TYPE_CHECKING

from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.exceptions import ConfigurationError, DynamicDynamoDBError
from dynamic_dynamodb.rules import Configuration

if TYPE_CHECKING:
    from dynamic_dynamodb.tally import Tally

# boto3 and requests are imported where they are needed, so that `--version`, `--help` and errors come at once.


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (None: those of the process) and return its exit code.

    Wrong usage, `--help` and `--version` end in argparse's SystemExit.
    """
    try:
        configuration = load(argv)
        _tell(configuration.warnings, "warning: ")
        if configuration.command.show_config:
            return _show(configuration)
        return _run(configuration)
    except ConfigurationError as error:
        _tell(error.warnings, "warning: ")
        _tell(error.problems)
    except DynamicDynamoDBError as error:
        _tell([str(error)])
    return 1


def _tell(lines: Sequence[str], prefix: str = "") -> None:
    for line in lines:
        print(f"{prefix}{line}", file=sys.stderr)


def _show(configuration: Configuration) -> int:
    from dynamic_dynamodb.aws.clients import effective_region
    from dynamic_dynamodb.config.show import show

    general = replace(configuration.general, region=effective_region(configuration.general))
    print(show(replace(configuration, general=general)))
    return 0


def _run(configuration: Configuration) -> int:
    from dynamic_dynamodb.log_handler import logger, set_up
    from dynamic_dynamodb.loop import loop

    stopping = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    set_up(configuration.logging, configuration.command.dry_run)
    for warning in configuration.warnings:
        logger.warning("%s", warning)
    check = _make_check(configuration)
    if configuration.command.run_once:
        return 1 if check().failed else 0
    loop(check, configuration.general.check_interval, stopping)
    return 0


def _make_check(configuration: Configuration) -> Callable[[], Tally]:
    from dynamic_dynamodb.aws.account import Account
    from dynamic_dynamodb.aws.clients import make_clients
    from dynamic_dynamodb.aws.sns import region_of
    from dynamic_dynamodb.check import Check
    from dynamic_dynamodb.circuit_breaker import why_open
    from dynamic_dynamodb.memory import Memory

    topics = (
        options.sns_topic_arn
        for rule in configuration.rules
        for options in (rule.options, *(index_rule.options for index_rule in rule.index_rules))
    )
    account = Account(make_clients(configuration.general, (region_of(topic) for topic in topics if topic)))
    memory = Memory()
    return lambda: Check(account, why_open, configuration, memory, datetime.now(timezone.utc)).run()
