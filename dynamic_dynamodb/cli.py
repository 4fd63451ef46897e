"""The command: from the argument list to an exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from dynamic_dynamodb.config.load import load
from dynamic_dynamodb.exceptions import ConfigurationError, DynamicDynamoDBError
from dynamic_dynamodb.rules import Configuration
from dynamic_dynamodb.signals import Signals

if TYPE_CHECKING:
    from dynamic_dynamodb.daemon import Instance
    from dynamic_dynamodb.loop import Loop

# boto3 and requests are imported where they are needed, so that `--version`, `--help` and errors come at once.

_DEAD, _NOT_RUNNING, _UNKNOWN = 1, 3, 4
"""Exit codes of `--daemon status` (Linux Standard Base, "Init Script Actions")."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments (None: those of the process) and return its exit code.

    Wrong usage, `--help` and `--version` end in argparse's SystemExit.
    """
    try:
        with Signals() as signals:
            configuration = load(argv)
            _tell(configuration.warnings, "warning: ")
            return _Command(argv, configuration, signals).run()
    except ConfigurationError as error:
        _tell(error.warnings, "warning: ")
        _tell(error.problems)
    except DynamicDynamoDBError as error:
        _tell([str(error)])
    except BrokenPipeError:
        # Whoever reads the output has seen enough.
        pass
    finally:
        _drop_unwritable_output()
    return 1


def _drop_unwritable_output() -> None:
    """What stdout cannot take any more (a full disk, a closed pipe) must not make Python's exit fail in its stead."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(lines: Sequence[str], prefix: str = "") -> None:
    for line in lines:
        print(f"{prefix}{line}", file=sys.stderr)


class _Command:
    def __init__(self, argv: Sequence[str] | None, configuration: Configuration, signals: Signals) -> None:
        self._argv = argv
        self._configuration = configuration
        self._signals = signals

    def run(self) -> int:
        if self._configuration.command.show_config:
            return self._show()
        if self._configuration.replay.is_wanted:
            return self._replay()
        if self._configuration.command.daemon:
            return self._control(self._configuration.command.daemon)
        if self._configuration.command.run_once:
            return 1 if self._make_loop().check().failed else 0
        self._make_loop().run()
        return 0

    def _show(self) -> int:
        from dynamic_dynamodb.aws.clients import effective_region
        from dynamic_dynamodb.config.show import show

        general = replace(self._configuration.general, region=effective_region(self._configuration.general))
        print(show(replace(self._configuration, general=general)))
        return 0

    def _replay(self) -> int:
        from dynamic_dynamodb.replay.command import run

        return run(self._configuration, self._signals)

    def _control(self, action: str) -> int:
        instance = self._instance
        if action == "status":
            return self._status(instance)
        if action in ("foreground", "fg"):
            instance.run(self._work, lambda: None)
            return 0
        if action in ("stop", "restart"):
            what_happened = "has been stopped" if instance.stop() else "was not running"
            print(f"{instance.title} {what_happened}", flush=True)
        if action in ("start", "restart"):
            if not (self._configuration.logging.log_file or self._configuration.logging.log_config_file):
                _tell(["warning: the log goes nowhere; a daemon needs log-file or log-config-file to keep one"])
            instance.start(self._work, self._signals)
            print(f"{instance.title} has been started, pid {instance.running_pid()}")
        return 0

    def _status(self, instance: Instance) -> int:
        try:
            pid = instance.running_pid()
        except DynamicDynamoDBError as error:
            _tell([str(error)])
            return _UNKNOWN
        if pid is not None:
            print(f"{instance.title} is running, pid {pid}")
            return 0
        if instance.has_pid_file:
            print(f"{instance.title} is dead, but its pid file {instance.pid_file} is there")
            return _DEAD
        print(f"{instance.title} is not running")
        return _NOT_RUNNING

    def _work(self, ready: Callable[[], None]) -> None:
        loop = self._make_loop()
        ready()
        loop.run()

    @property
    def _instance(self) -> Instance:
        from dynamic_dynamodb.daemon import Instance

        command = self._configuration.command
        return Instance(command.instance, os.path.expanduser(command.pid_file_dir))

    def _make_loop(self) -> Loop:
        from dynamic_dynamodb.loop import Loop
        from dynamic_dynamodb.store import CounterStore

        store = CounterStore(self._instance.path("counters"))
        return Loop(self._configuration, lambda: load(self._argv), store, self._signals)
