"""Replay tables in several processes, and end them all when that is wanted."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import TypeVar

from dynamic_dynamodb.exceptions import DynamicDynamoDBError

T = TypeVar("T")
R = TypeVar("R")

_LOOK_UP_SECONDS = 0.2


def processors() -> int:
    """How many processes this one may use at a time."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def work_through(
    items: Sequence[T], work: Callable[[T], R], processes: int, is_stopping: Callable[[], bool]
) -> Iterator[tuple[int, R]]:
    """The position of each item and what came of it, as they get ready. It ends early, and at once, when it stops."""
    processes = min(processes, len(items))
    if processes <= 1:
        for position, item in enumerate(items):
            if is_stopping():
                return
            yield position, work(item)
        return
    # Forked processes have the history already: nothing of it is copied to them.
    context = multiprocessing.get_context("fork")
    started: list[tuple[BaseProcess, Connection]] = []
    try:
        for number in range(processes):
            reader, writer = context.Pipe(duplex=False)
            process: BaseProcess = context.Process(
                target=_work, args=(items, work, range(number, len(items), processes), writer)
            )
            process.start()
            writer.close()
            started.append((process, reader))
        yield from _collect([reader for _, reader in started], len(items), is_stopping)
    finally:
        for process, reader in started:
            process.kill()
            process.join()
            reader.close()


def _collect(readers: list[Connection], expected: int, is_stopping: Callable[[], bool]) -> Iterator[tuple[int, R]]:
    while expected and not is_stopping():
        for ready in wait(readers, _LOOK_UP_SECONDS):
            assert isinstance(ready, Connection)
            try:
                result = ready.recv()
            except EOFError:
                readers.remove(ready)
                if not readers:
                    raise DynamicDynamoDBError(
                        "a process of the replay has ended too early; there may be too little memory"
                    ) from None
                continue
            if isinstance(result, BaseException):
                raise result
            expected -= 1
            yield result


def _work(items: Sequence[T], work: Callable[[T], R], positions: range, writer: Connection) -> None:
    # Ctrl-C goes to all processes of the terminal; this one is ended by the one that started it.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        for position in positions:
            writer.send((position, work(items[position])))
    except BrokenPipeError:
        pass
    except Exception as error:
        writer.send(error)
