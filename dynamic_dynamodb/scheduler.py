"""Tasks in the threads of an executor, and what follows on each of them in the thread of the caller."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Task:
    """`work` is called in another thread; `then` gets what it returns, in the thread of the caller."""

    work: Callable[[], Any]
    then: Callable[[Any], None]


class Scheduler:
    """Runs tasks, so many at a time at most. None waits in the executor, so that memory does not grow with them."""

    def __init__(self, executor: Executor, most_at_a_time: int, is_stopping: Callable[[], bool]) -> None:
        self._executor = executor
        self._most_at_a_time = most_at_a_time
        self._is_stopping = is_stopping
        self._added: deque[Task] = deque()

    def add(self, task: Task) -> None:
        """Run a task before those that `run` has not begun yet: what has been begun is brought to its end first."""
        self._added.append(task)

    def run(self, tasks: Iterable[Task]) -> None:
        """Run these tasks and those that are added meanwhile. Once it stops, wait for those that run, and no more."""
        source = iter(tasks)
        running: dict[Future[Any], Task] = {}
        try:
            while True:
                while len(running) < self._most_at_a_time and not self._is_stopping():
                    task = self._added.popleft() if self._added else next(source, None)
                    if task is None:
                        break
                    running[self._executor.submit(task.work)] = task
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    running.pop(future).then(future.result())
        finally:
            # Nothing of this run may go on behind the back of the next one, whatever has been raised.
            wait(running)
