"""What capacity costs, exactly, in US dollars. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.replay.history import MILLI
from dynamic_dynamodb.replay.options import ReplayOptions


@dataclass(frozen=True)
class Prices:
    """US dollars for a provisioned unit and hour, and for a million request units on demand."""

    unit_hour: dict[Dimension, Fraction]
    million_requests: dict[Dimension, Fraction]


def prices(options: ReplayOptions) -> Prices:
    """Those that the command line gives, or the defaults."""
    return Prices(
        {Dimension.READS: options.price_read_hour, Dimension.WRITES: options.price_write_hour},
        {Dimension.READS: options.price_read_million, Dimension.WRITES: options.price_write_million},
    )


def unit_seconds(steps: Sequence[tuple[int, int]], begin: int, end: int) -> int:
    """The integral of units that change at seconds, from `begin` until `end`; the first step is not after `begin`."""
    ends = [second for second, _ in steps[1:]] + [end]
    total = 0
    for (second, units), following in zip(steps, ends, strict=True):
        total += units * max(0, min(following, end) - max(second, begin))
    return total


def seconds_at(steps: Sequence[tuple[int, int]], units: int | None, begin: int, end: int) -> int:
    """For how long these very units are provisioned."""
    return unit_seconds([(second, int(each == units)) for second, each in steps], begin, end)


def provisioned_cost(seconds: int, dimension: Dimension, at: Prices) -> Fraction:
    """The cost of so many unit-seconds."""
    return Fraction(seconds, 3600) * at.unit_hour[dimension]


def request_cost(milli_units: int, dimension: Dimension, at: Prices) -> Fraction:
    """The cost of so many thousandths of a request unit on demand."""
    return Fraction(milli_units, MILLI * 1_000_000) * at.million_requests[dimension]
