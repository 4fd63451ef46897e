"""Logging, as the configuration says."""

from __future__ import annotations

import errno
import logging
import logging.config
import os
import sys
from contextlib import suppress
from io import StringIO, TextIOWrapper
from logging.handlers import TimedRotatingFileHandler
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from dynamic_dynamodb.exceptions import DynamicDynamoDBError
from dynamic_dynamodb.options import LoggingOptions
from dynamic_dynamodb.safe_files import open_for_writing

if TYPE_CHECKING:
    _StreamHandler = logging.StreamHandler[TextIO]
else:
    # Before Python 3.11 it takes no type at run time.
    _StreamHandler = logging.StreamHandler

logger = logging.getLogger("dynamic-dynamodb")

_FORMAT = "%(asctime)s - %(name)s - %(levelname)s - %(message)s"
_KEPT_FILES = 5
_LIBRARIES = ("boto3", "botocore", "urllib3", "requests")


class _ComplainsOnce(logging.Handler):
    """What cannot be logged (a full disk) is said on stderr, once, and does not stop the program."""

    _has_complained = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self._has_complained:
            self._has_complained = True
            with suppress(OSError, ValueError, AttributeError):
                print(f"The log cannot be written: {sys.exc_info()[1]}", file=sys.stderr)


class _Console(_ComplainsOnce, _StreamHandler):
    pass


class _RotatingFile(_ComplainsOnce, TimedRotatingFileHandler):
    def _open(self) -> TextIOWrapper:
        descriptor = open_for_writing(self.baseFilename, os.O_WRONLY | os.O_APPEND)
        return open(descriptor, "a", encoding=self.encoding)


class _DryRunFilter(logging.Filter):
    """Marks every message of a dry run, whatever handlers there are."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg = f"dryrun - {record.msg}"
        return True


def set_up(options: LoggingOptions, dry_run: bool) -> None:
    """Send the log where the options say, in place of where it went before. Raises DynamicDynamoDBError."""
    handler = None if options.log_config_file else _make_handler(options)
    for old in logger.handlers[:]:
        logger.removeHandler(old)
        # What it still holds because the disk is full is lost, but not what is logged from now on.
        with suppress(OSError):
            old.close()
    if options.log_config_file:
        _configure_from_file(os.path.expanduser(options.log_config_file))
    elif handler:
        handler.setFormatter(logging.Formatter(_FORMAT))
        logger.addHandler(handler)
        logger.setLevel(options.log_level.upper())
        logger.propagate = False
    logger.filters = [_DryRunFilter()] if dry_run else []


def _make_handler(options: LoggingOptions) -> logging.Handler:
    if not options.log_file:
        return _Console(sys.stdout)
    path = os.path.expanduser(options.log_file)
    try:
        return _RotatingFile(path, when="midnight", backupCount=_KEPT_FILES, encoding="utf-8")
    except OSError as error:
        reason = "it is a symbolic link where anybody may write" if error.errno == errno.ELOOP else error.strerror
        raise DynamicDynamoDBError(f"log-file: {path} cannot be opened ({reason})") from error


def _configure_from_file(path: str) -> None:
    logger.propagate = True
    logger.setLevel(logging.NOTSET)
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DynamicDynamoDBError(f"log-config-file: {path} cannot be read ({error.strerror})") from error
    try:
        logging.config.fileConfig(StringIO(content.decode()), disable_existing_loggers=False)
    # fileConfig evaluates parts of the file, so that it can raise almost anything.
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise DynamicDynamoDBError(f"log-config-file: {path} is no Python logging configuration ({reason})") from error
    for name in _LIBRARIES:
        library = logging.getLogger(name)
        if library.level == logging.NOTSET:
            # At level debug these log the headers of requests, session tokens included.
            library.setLevel(logging.INFO)
