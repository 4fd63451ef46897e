"""Check after check: when the next one is due, signals, a new configuration, the stored counters."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timezone

from dynamic_dynamodb import __version__
from dynamic_dynamodb.aws.account import Account
from dynamic_dynamodb.aws.clients import make_clients
from dynamic_dynamodb.aws.retry import Patience
from dynamic_dynamodb.aws.sns import region_of
from dynamic_dynamodb.check import Check, Surroundings
from dynamic_dynamodb.circuit_breaker import why_open
from dynamic_dynamodb.exceptions import DynamicDynamoDBError
from dynamic_dynamodb.log_handler import logger, set_up
from dynamic_dynamodb.memory import Memory
from dynamic_dynamodb.rules import Configuration
from dynamic_dynamodb.signals import Signals
from dynamic_dynamodb.store import CounterStore
from dynamic_dynamodb.tally import Tally

PATIENCE_SECONDS = 300
"""For how long failing calls may keep a check busy before it gives up on what is left."""


class Loop:
    """All checks of one process. `reload` reads the configuration again, as it was given at the start."""

    def __init__(
        self, configuration: Configuration, reload: Callable[[], Configuration], store: CounterStore, signals: Signals
    ) -> None:
        self._configuration = configuration
        self._reload = reload
        self._store = store
        self._signals = signals
        set_up(configuration.logging, configuration.command.dry_run)
        for warning in configuration.warnings:
            logger.warning("%s", warning)
        self._surroundings = self._make_surroundings(configuration)
        self._memory = Memory(store.load())

    def _make_surroundings(self, configuration: Configuration) -> Surroundings:
        threads = configuration.general.max_concurrency
        clients = make_clients(configuration.general, map(region_of, configuration.topics))
        return Surroundings(
            account=Account(clients, Patience(self._signals.stopping, PATIENCE_SECONDS * threads)),
            circuit_breaker=why_open,
            executor=ThreadPoolExecutor(threads, thread_name_prefix="check"),
            is_stopping=self._signals.stopping.is_set,
        )

    def check(self) -> Tally:
        """One check."""
        try:
            return Check(self._surroundings, self._configuration, self._memory, datetime.now(timezone.utc)).run()
        finally:
            if not self._configuration.command.dry_run:
                self._store.save(self._memory.counters)

    def run(self) -> None:
        """Check after check until a signal says stop. A check that fails is logged, and the next one follows."""
        logger.info("Version %s started; rules for tables: %d", __version__, len(self._configuration.rules))
        due = time.monotonic()
        while not self._signals.stopping.is_set():
            try:
                if self._signals.take_hangup():
                    self._read_again()
                if time.monotonic() >= due:
                    due = time.monotonic() + self._configuration.general.check_interval
                    self.check()
                    self._warn_if_late(time.monotonic() - due)
            except Exception:
                logger.exception("a mistake in the program; the next check follows")
            if not self._signals.stopping.is_set():
                self._signals.wait(max(0.0, due - time.monotonic()))
        logger.info("Stopped")

    def _warn_if_late(self, seconds: float) -> None:
        if seconds > 0:
            logger.warning("The check took %.1f s longer than check-interval; the next one follows at once", seconds)

    def _read_again(self) -> None:
        """Reopen the log, and use the new configuration from the next check on if it is good."""
        try:
            configuration = self._reload()
            surroundings = self._make_surroundings(configuration)
            set_up(configuration.logging, configuration.command.dry_run)
        except DynamicDynamoDBError as error:
            with suppress(DynamicDynamoDBError):
                set_up(self._configuration.logging, self._configuration.command.dry_run)
            for problem in str(error).splitlines():
                logger.error("%s", problem)
            logger.error("SIGHUP: the configuration cannot be used; the one before stays in force")
            return
        logger.info("SIGHUP: the configuration has been read again")
        for warning in configuration.warnings:
            logger.warning("%s", warning)
        self._surroundings.executor.shutdown()
        self._configuration, self._surroundings = configuration, surroundings
