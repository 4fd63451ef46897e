"""The arithmetic alone."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dynamic_dynamodb.calculators import (
    amount_at_or_above,
    amount_at_or_below,
    at_least,
    at_most,
    decreased,
    increased,
    percent,
)
from dynamic_dynamodb.model import Unit, figure

PERCENT, UNITS = Unit.PERCENT, Unit.UNITS
SCALE = ((Fraction(5), Fraction(30)), (Fraction(25), Fraction(2)), (Fraction(90), Fraction(100)))


@pytest.mark.parametrize(
    ("base", "amount", "unit", "up", "down"),
    [
        (100, 55, PERCENT, 155, 45),
        (100, 7, PERCENT, 107, 93),
        (3, 50, PERCENT, 5, 2),
        (1, 1, PERCENT, 2, 1),
        (1, 100, PERCENT, 2, 0),
        (10, 200, PERCENT, 30, -10),
        (10, 7, UNITS, 17, 3),
        (10, Fraction(5, 2), UNITS, 13, 8),
        (40, Fraction(5, 2), PERCENT, 41, 39),
        (10**12, 1, PERCENT, 10**12 + 10**10, 10**12 - 10**10),
    ],
)
def test_amounts(base: int, amount: int | Fraction, unit: Unit, up: int, down: int) -> None:
    assert (increased(base, amount, unit), decreased(base, amount, unit)) == (up, down)


@pytest.mark.parametrize(
    ("value", "below", "above"),
    [(0, 0, 30), (4, 0, 30), (5, 30, 30), (6, 30, 2), (25, 2, 2), (26, 2, 100), (90, 100, 100), (91, 100, 0)],
)
def test_look_up(value: int, below: int, above: int) -> None:
    assert (amount_at_or_below(SCALE, value), amount_at_or_above(SCALE, value)) == (below, above)


def test_a_scale_with_a_threshold_of_0_has_no_amount_at_0() -> None:
    assert amount_at_or_below(((Fraction(0), Fraction(7)),), 0) == 0
    assert amount_at_or_below(((Fraction(0), Fraction(7)),), Fraction(1, 1000)) == 7


def test_percent_is_exact_and_0_of_nothing() -> None:
    assert percent(1, 3) == Fraction(100, 3)
    assert percent(5, 0) == 0


@pytest.mark.parametrize(("limit", "most", "least"), [(None, 5, 5), (4, 4, 5), (6, 5, 6)])
def test_limits(limit: int | None, most: int, least: int) -> None:
    assert (at_most(5, limit), at_least(5, limit)) == (most, least)


@pytest.mark.parametrize(
    ("value", "text"), [(Fraction(1, 3), "0.33"), (100, "100"), (Fraction(1, 2), "0.5"), (0, "0"), (1000, "1000")]
)
def test_figures_for_people(value: Fraction | int, text: str) -> None:
    assert figure(value) == text
