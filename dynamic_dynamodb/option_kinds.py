"""The kinds of value that an option can have: how its text is read, what is refused, and how the value is shown.

Every `parse` raises ValueError with a text that completes the sentence "OPTION: ..." and says what would be right.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

from dynamic_dynamodb.model import MessageType, Unit

T = TypeVar("T")

SECRET_MASK = "********"

Scale = tuple[tuple[Fraction, Fraction], ...]
"""Pairs of a threshold in percent and an amount, by rising threshold."""

MaintenanceWindows = tuple[tuple[int, int], ...]
"""Pairs of the first and the last minute of the UTC day, both included; across midnight the last is the lower one."""


@dataclass(frozen=True)
class Kind(Generic[T]):
    """`name` is the type as help texts and the documentation show it; `choices` are all values, if they are few."""

    name: str
    parse: Callable[[str], T]
    show: Callable[[T], Any]
    choices: tuple[str, ...] = ()


def _quoted(text: str) -> str:
    first_line, newline, _ = text.partition("\n")
    # What follows is not shown: it may be a key that was indented by mistake.
    return f"{first_line!r} and more (an indented line continues the value above it)" if newline else repr(text)


def _parse_boolean(text: str) -> bool:
    if text.lower() in ("true", "yes", "on", "1"):
        return True
    if text.lower() in ("false", "no", "off", "0"):
        return False
    raise ValueError(f"{_quoted(text)} is neither true nor false")


BOOLEAN: Kind[bool] = Kind("bool", _parse_boolean, bool)


def integer(at_least: int, at_most: int = 10**18) -> Kind[int]:
    """Whole numbers from `at_least` to `at_most`."""

    def parse(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]+", text):
            raise ValueError(f"{_quoted(text)} is not a whole number; it must be one of at least {at_least}")
        # Python refuses to make an int of thousands of digits.
        if float(text) < at_least:
            raise ValueError(f"{text} is too low; it must be a whole number of at least {at_least}")
        if float(text) > at_most:
            raise ValueError(f"{text} is too high; it must be a whole number of at most {at_most}")
        return int(text)

    return Kind("int", parse, int)


DURATION = integer(1, 10**9)
"""Seconds, of a length that one can wait for."""

LOOK_BACK = integer(1, 15 * 24 * 60)
"""Minutes: CloudWatch keeps figures by the minute for 15 days, and before that a busy table would look idle."""

_NUMBERS = Context(prec=50, traps=[])
"""How texts become numbers: bounded, lest 1e-999999999 become a fraction of a thousand million digits."""

_TOO_HIGH, _TOO_LOW = Decimal("1e12"), Decimal("1e-30")


def _plain_number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else float(value)


def _parse_positive_number(text: str) -> Fraction:
    number = _NUMBERS.create_decimal(text)
    if number.is_nan():
        raise ValueError(f"{_quoted(text)} is not a number; it must be one above 0")
    if number < _TOO_LOW:
        raise ValueError(f"{text} is too low; it must be a number above 0")
    if number >= _TOO_HIGH:
        raise ValueError(f"{text} is too high; it must be a number below {_TOO_HIGH:f}")
    return Fraction(number)


POSITIVE_NUMBER: Kind[Fraction] = Kind("float", _parse_positive_number, _plain_number)


def _parse_text(text: str) -> str:
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise ValueError(f"{_quoted(text)} is not plain text; it must be one line without control characters")
    return text


TEXT: Kind[str] = Kind("str", _parse_text, str)


def _parse_key(text: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        # The value is a secret and never quoted in the message.
        and_more = " (an indented line continues the value above it)" if "\n" in text else ""
        raise ValueError(f"it must be one word of ASCII characters{and_more}")
    return text


KEY: Kind[str] = Kind("str", _parse_key, str)


def _parse_region(text: str) -> str:
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", text):
        raise ValueError(f"{_quoted(text)} is not the name of an AWS region, such as us-east-1")
    return text


REGION: Kind[str] = Kind("str", _parse_region, str)


def choice(*values: str) -> Kind[str]:
    """One of a few words, in any case."""

    def parse(text: str) -> str:
        if text.lower() not in values:
            raise ValueError(f"{_quoted(text)} is unknown; it must be one of {', '.join(values)}")
        return text.lower()

    return Kind("str", parse, str, values)


LOG_LEVEL = choice("debug", "info", "warning", "error")


def _parse_pattern(text: str) -> re.Pattern[str]:
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"{_quoted(text)} is not a valid regular expression: {error}") from None


def _show_pattern(pattern: re.Pattern[str]) -> str:
    return pattern.pattern


PATTERN: Kind[re.Pattern[str]] = Kind("regex", _parse_pattern, _show_pattern)


def _parse_instance(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._-]+", text):
        raise ValueError(f"{_quoted(text)} is no instance name; it must be made of letters, digits, '.', '_' and '-'")
    return text


INSTANCE: Kind[str] = Kind("str", _parse_instance, str)


def _parse_unit(text: str) -> Unit:
    try:
        return Unit(text)
    except ValueError:
        raise ValueError(f"{_quoted(text)} is no unit; it must be percent or units") from None


UNIT: Kind[Unit] = Kind("str", _parse_unit, lambda unit: unit.value)


def _scale_number(node: ast.expr) -> Fraction:
    literal = ast.literal_eval(node)
    if type(literal) not in (int, float):
        raise ValueError
    # The text of a float is what somebody wrote: 0.1 and not the binary fraction next to it.
    number = _NUMBERS.create_decimal(repr(literal))
    if number != 0 and not _TOO_LOW <= number < _TOO_HIGH:
        raise ValueError
    return Fraction(number)


def _parse_scale(text: str) -> Scale:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            literal = ast.parse(text, mode="eval").body
        if not isinstance(literal, ast.Dict):
            raise ValueError
        scale = {
            _scale_number(key): _scale_number(amount)
            for key, amount in zip(literal.keys, literal.values, strict=True)
            if key is not None
        }
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise ValueError(
            f"{_quoted(text)} is no scale; it must be a dictionary of thresholds in percent to amounts, "
            "all of them numbers of at least 0, such as {0: 0, 0.25: 5, 1: 20}"
        ) from None
    if not scale or len(scale) < len(literal.keys):
        raise ValueError(
            f"{_quoted(text)} must have at least one threshold and none of them twice, such as {{0: 0, 0.25: 5, 1: 20}}"
        )
    return tuple(sorted(scale.items()))


def _show_scale(scale: Scale) -> dict[str, int | float]:
    return {str(_plain_number(threshold)): _plain_number(amount) for threshold, amount in scale}


SCALE: Kind[Scale] = Kind("dict", _parse_scale, _show_scale)


def _parse_windows(text: str) -> MaintenanceWindows:
    windows = []
    for part in text.split(","):
        match = re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])\s*-\s*([01]?[0-9]|2[0-3]):([0-5][0-9])", part.strip())
        if not match:
            raise ValueError(
                f"{_quoted(part.strip())} is not a maintenance window; it must be HH:MM-HH:MM in UTC, "
                "several of them separated by commas, such as 22:00-23:59,00:00-06:00"
            )
        start_hour, start_minute, end_hour, end_minute = map(int, match.groups())
        windows.append((start_hour * 60 + start_minute, end_hour * 60 + end_minute))
    return tuple(windows)


def _show_windows(windows: MaintenanceWindows) -> str:
    return ",".join(f"{start // 60:02d}:{start % 60:02d}-{end // 60:02d}:{end % 60:02d}" for start, end in windows)


WINDOWS: Kind[MaintenanceWindows] = Kind("str", _parse_windows, _show_windows)


def _parse_message_types(text: str) -> frozenset[MessageType]:
    types = set()
    for part in text.split(","):
        try:
            types.add(MessageType(part.strip()))
        except ValueError:
            known = ", ".join(message_type.value for message_type in MessageType)
            raise ValueError(f"{_quoted(part.strip())} is not a message type; it must be one of {known}") from None
    return frozenset(types)


def _show_message_types(types: frozenset[MessageType]) -> str:
    return ",".join(message_type.value for message_type in MessageType if message_type in types)


MESSAGE_TYPES: Kind[frozenset[MessageType]] = Kind("str", _parse_message_types, _show_message_types)


def _parse_topic_arn(text: str) -> str:
    if not re.fullmatch(r"arn:[^:\s]+:sns:[a-z0-9-]+:[^:\s]*:[^:\s]+", text):
        raise ValueError(
            f"{_quoted(text)} is not the ARN of an SNS topic, "
            "such as arn:aws:sns:us-east-1:123456789012:dynamic-dynamodb"
        )
    return text


TOPIC_ARN: Kind[str] = Kind("str", _parse_topic_arn, str)


def _parse_url(text: str) -> str:
    # The value is never quoted in the message: it may hold a password.
    problem = ValueError("it must be a URL that starts with http:// or https:// and names a host")
    try:
        parts = urlsplit(text)
        if parts.scheme not in ("http", "https") or not parts.hostname or re.search(r"[\s\x00-\x1f]", text):
            raise problem
        _ = parts.port
    except ValueError:
        raise problem from None
    return text


def public_url(url: str) -> str:
    """The URL as it may be shown: user, password and query are secrets and become a mask."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    return parts._replace(
        netloc=f"{SECRET_MASK if user else ''}{at}{host}",
        query=SECRET_MASK if parts.query else "",
        fragment="",
    ).geturl()


URL: Kind[str] = Kind("str", _parse_url, public_url)
