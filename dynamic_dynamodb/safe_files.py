"""Open files that others must not be able to swap for something else: pid files, logs, stored counters."""

from __future__ import annotations

import os
import stat

_MODE = 0o644


def open_for_writing(path: str, flags: int) -> int:
    """Open a file, made with mode 0644 less umask if it is not there, and return its descriptor.

    A symbolic link is not followed where anybody may write to the directory: it may be somebody else's trap. Raises
    OSError.
    """
    directory = os.path.dirname(os.path.abspath(path))
    if os.stat(directory).st_mode & stat.S_IWOTH:
        flags |= os.O_NOFOLLOW
    return os.open(path, flags | os.O_CREAT | os.O_CLOEXEC, _MODE)


def open_own(path: str, flags: int) -> int:
    """Open a file that only this program makes: never through a link, and only if it is a plain file of this user.

    Raises OSError, FileNotFoundError included.
    """
    # Without O_NONBLOCK the opening of a pipe that somebody put there would wait for ever.
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, _MODE)
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_nlink > 1:
        os.close(descriptor)
        raise PermissionError(1, "it is not a plain file of this user")
    return descriptor
