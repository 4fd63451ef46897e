"""The daemon: one process for each instance, found through a pid file that it holds locked for all its life."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from dynamic_dynamodb.exceptions import DynamicDynamoDBError
from dynamic_dynamodb.safe_files import open_own
from dynamic_dynamodb.signals import Signals

_STOP_SECONDS = 330
"""Longer than the longest call to AWS can last with its retries (see the page "Running" of the documentation)."""

_LOCK_SECONDS = 1.0
_POLL_SECONDS = 0.02

Ready = Callable[[], None]
"""To be called once when everything works."""


class _Locked(Exception):
    """Another process holds the pid file."""


@dataclass(frozen=True)
class Instance:
    """A daemon by its name and the directory of its pid file."""

    name: str
    directory: str

    @property
    def title(self) -> str:
        """How messages call it."""
        return f"dynamic-dynamodb ({self.name})"

    def path(self, suffix: str) -> str:
        """A file of this instance."""
        return os.path.join(self.directory, f"dynamic-dynamodb.{self.name}.{suffix}")

    @property
    def pid_file(self) -> str:
        """The pid file."""
        return self.path("pid")

    def run(self, work: Callable[[Ready], None], ready: Ready) -> None:
        """Do the work as this instance. Raises DynamicDynamoDBError if it runs already, or cannot have its pid file."""
        descriptor = self._take()
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
            work(ready)
        finally:
            self._give_up(descriptor)

    def start(self, work: Callable[[Ready], None], signals: Signals) -> None:
        """Do the work in the background. Returns once it is ready, or raises DynamicDynamoDBError with its reason."""
        _open_missing_streams()
        reader, writer = os.pipe()
        launcher = os.fork()
        if launcher == 0:
            os.close(reader)
            _become_daemon(self, work, signals, writer)
        os.close(writer)
        os.waitpid(launcher, 0)
        with os.fdopen(reader, encoding="utf-8") as pipe:
            answer = pipe.read()
        if answer != _READY:
            raise DynamicDynamoDBError(answer or f"{self.title} ended before it was ready")

    def stop(self) -> bool:
        """End the daemon and wait until it is gone. False if there was none; the pid file of a dead one is removed."""
        pid = self.running_pid()
        if pid is None:
            if self.has_pid_file:
                self._give_up(self._take())
            return False
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_SECONDS
        while self.running_pid() == pid:
            if time.monotonic() > deadline:
                raise DynamicDynamoDBError(f"{self.title} (pid {pid}) has not ended within {_STOP_SECONDS} seconds")
            time.sleep(_POLL_SECONDS)
        return True

    def running_pid(self) -> int | None:
        """The process that runs as this instance, if any: what an unlocked pid file says does not matter."""
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                descriptor = open_own(self.pid_file, os.O_RDONLY)
            except FileNotFoundError:
                return None
            except OSError as error:
                raise self._unusable(error) from error
            try:
                _lock(descriptor, fcntl.LOCK_SH)
                return None
            except _Locked:
                text = os.read(descriptor, 32).decode("ascii", "replace").strip()
            finally:
                os.close(descriptor)
            if text.isdigit():
                return int(text)
            # It has just been locked and is about to be written.
            if time.monotonic() > deadline:
                raise DynamicDynamoDBError(f"{self.pid_file} is locked, but holds no process number")
            time.sleep(_POLL_SECONDS)

    @property
    def has_pid_file(self) -> bool:
        """Whether there is one, of a running daemon or of a dead one."""
        return os.path.lexists(self.pid_file)

    def _take(self) -> int:
        """Open and lock the pid file."""
        deadline = time.monotonic() + _LOCK_SECONDS
        while True:
            try:
                descriptor = open_own(self.pid_file, os.O_RDWR | os.O_CREAT)
            except OSError as error:
                raise self._unusable(error) from error
            try:
                _lock(descriptor, fcntl.LOCK_EX)
                # The one who held it before may have removed it in between: then this is not the file of that name.
                if _is_at(descriptor, self.pid_file):
                    return descriptor
            except FileNotFoundError:
                pass
            except _Locked:
                # It may be no more than somebody who asks for the status at this moment.
                if time.monotonic() > deadline:
                    os.close(descriptor)
                    pid = self.running_pid()
                    raise DynamicDynamoDBError(f"{self.title} is running already, pid {pid}") from None
                time.sleep(_POLL_SECONDS)
            os.close(descriptor)

    def _give_up(self, descriptor: int) -> None:
        """Remove the pid file while it is still locked, so that it cannot be that of a successor, and unlock it."""
        with suppress(OSError):
            if _is_at(descriptor, self.pid_file):
                os.unlink(self.pid_file)
        os.close(descriptor)

    def _unusable(self, error: OSError) -> DynamicDynamoDBError:
        reason = "it is a symbolic link" if error.errno == errno.ELOOP else error.strerror
        return DynamicDynamoDBError(f"the pid file {self.pid_file} cannot be used: {reason}")


_READY = "ready"


def _is_at(descriptor: int, path: str) -> bool:
    return os.path.samestat(os.fstat(descriptor), os.lstat(path))


def _lock(descriptor: int, kind: int) -> None:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        raise _Locked from None


def _open_missing_streams() -> None:
    """Open the standard streams that the caller has closed: their numbers must not go to other files."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def _become_daemon(instance: Instance, work: Callable[[Ready], None], signals: Signals, writer: int) -> None:
    """Detach, work, and exit. What keeps it from being ready goes into the pipe."""
    from daemon import DaemonContext

    pipe = os.fdopen(writer, "wb", buffering=0)

    def tell(text: str) -> None:
        # Once it is ready the launcher no longer listens, and the number of the pipe may be that of another file.
        with suppress(OSError, ValueError):
            pipe.write(text.encode())

    def be_ready() -> None:
        tell(_READY)
        # The launcher reads up to here. In a failure it reads until this process is gone.
        pipe.close()

    code = 1
    try:
        handled = dict.fromkeys((signal.SIGTERM, signal.SIGINT, signal.SIGHUP), signals.handle)
        ignored = dict.fromkeys((signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU))
        umask = os.umask(0)
        DaemonContext(
            files_preserve=[pipe],
            detach_process=True,
            umask=umask,
            # Relative paths of the configuration mean the same at every reload.
            working_directory=os.getcwd(),
            signal_map={**handled, **ignored},
        ).open()
        instance.run(work, be_ready)
        code = 0
    except DynamicDynamoDBError as error:
        tell(str(error))
    except Exception as error:
        tell(f"{type(error).__name__}: {error}")
    finally:
        os._exit(code)
