"""Draw the two figures of the documentation. What they show comes from the program's own decisions.

Run it after a change of the decision: `.venv/bin/python docs/figures.py`.
"""

from __future__ import annotations

import math
import re
from array import array
from collections.abc import Iterable, Sequence
from datetime import datetime, timezone
from fractions import Fraction
from pathlib import Path

from dynamic_dynamodb.decision import decide
from dynamic_dynamodb.model import Dimension, Resource, Usage
from dynamic_dynamodb.option_kinds import SCALE
from dynamic_dynamodb.options import ResourceOptions, ScalingOptions
from dynamic_dynamodb.replay.engine import Plan, replay
from dynamic_dynamodb.replay.history import MILLI, DimensionHistory, ResourceHistory
from dynamic_dynamodb.rules import TableRule

HERE = Path(__file__).parent
DAY_MINUTES = 1440
WARM_UP_MINUTES = 60
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 820, 330, 60, 28, 40, 45
DEMAND, PROVISIONED, AXES = "#2a7", "#c40", "#888"

Points = Sequence[tuple[float, float]]


class Chart:
    """A chart as SVG text, with room for x from 0 to `x_end` and y from 0 to `y_end`."""

    def __init__(self, title: str, x_end: float, y_end: float) -> None:
        self._x_end, self._y_end = x_end, y_end
        self._parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
            f'font-size="13" role="img">',
            f"<title>{title}</title>",
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        ]

    def _x(self, value: float) -> float:
        return LEFT + value / self._x_end * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self._y_end * (HEIGHT - TOP - BOTTOM)

    def text(self, x: float, y: float, text: str, anchor: str = "middle", colour: str = "#333") -> None:
        """A text at a place in the picture."""
        self._parts.append(f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="{colour}">{text}</text>')

    def axes(self, x_ticks: Iterable[tuple[float, str]], y_ticks: Iterable[float], x_title: str, y_title: str) -> None:
        """Lines across, with figures."""
        for value in y_ticks:
            y = self._y(value)
            self._parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#ddd"/>')
            self.text(LEFT - 8, y + 4, f"{value:g}", "end")
        for value, label in x_ticks:
            self._parts.append(f'<path d="M{self._x(value):.1f} {HEIGHT - BOTTOM}v5" stroke="{AXES}"/>')
            self.text(self._x(value), HEIGHT - BOTTOM + 19, label)
        self._parts.append(f'<path d="M{LEFT} {TOP}V{HEIGHT - BOTTOM}H{WIDTH - RIGHT}" fill="none" stroke="{AXES}"/>')
        self.text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, x_title)
        self.text(8, 20, y_title, "start")

    def line(self, points: Points, colour: str, step: bool = False) -> None:
        """A line through points; as steps, each value holds until the next point."""
        path = [f"M{self._x(points[0][0]):.1f} {self._y(points[0][1]):.1f}"]
        for x, y in points[1:]:
            path.append(f"H{self._x(x):.1f}V{self._y(y):.1f}" if step else f"L{self._x(x):.1f} {self._y(y):.1f}")
        self._parts.append(f'<path d="{"".join(path)}" fill="none" stroke="{colour}" stroke-width="2"/>')

    def svg(self) -> str:
        """The whole picture."""
        return "\n".join([*self._parts, "</svg>", ""])


def load(minute: int) -> float:
    """Reads a second on an ordinary day: little by night, most in the afternoon, and a rush at 18:00."""
    hour = minute / 60
    by_day = 20 + 130 * math.exp(-(((hour - 14) / 4.5) ** 2))
    rush = 110 * math.exp(-(((hour - 18) / 0.45) ** 2))
    return by_day + rush


def day() -> str:
    """One day of a table with the default options, replayed."""
    minutes = range(-WARM_UP_MINUTES, DAY_MINUTES)
    consumed = array("q", (round(load(minute) * 60) * MILLI for minute in minutes))
    nothing = array("q", bytes(8 * len(consumed)))
    reads = DimensionHistory(consumed, nothing, [(0, 40)])
    writes = DimensionHistory(nothing, nothing, [(0, 5)])
    table = ResourceHistory(Resource("orders"), 0, len(consumed), {Dimension.READS: reads, Dimension.WRITES: writes})
    rule = TableRule(re.compile("orders"), ResourceOptions())
    start = datetime(2026, 3, 1, 23, tzinfo=timezone.utc)
    (replayed,) = replay(rule, [table], Plan(start, 300)).resources
    steps = [
        (max(0.0, second / 60 - WARM_UP_MINUTES), float(units))
        for second, units in replayed.simulated.capacity[Dimension.READS].steps
    ]
    chart = Chart("One day of a table: provisioned units follow the consumed ones", DAY_MINUTES, 350)
    ticks = [(hour * 60, f"{hour}:00") for hour in range(0, 25, 3)]
    chart.axes(ticks, range(0, 351, 50), "time of the day (UTC)", "read capacity units")
    chart.line([(minute, load(minute)) for minute in range(0, DAY_MINUTES + 1, 10)], DEMAND)
    chart.line([*steps, (DAY_MINUTES, steps[-1][1])], PROVISIONED, step=True)
    chart.text(WIDTH - RIGHT, 20, "provisioned", "end", PROVISIONED)
    chart.text(WIDTH - RIGHT - 100, 20, "asked for", "end", DEMAND)
    return chart.svg()


def granular() -> str:
    """What the two scales of the worked example make of 100 units, at each load."""
    options = ScalingOptions(
        increase_consumed_scale=SCALE.parse("{0: 0, 70: 10, 80: 25, 95: 50}"),
        decrease_consumed_scale=SCALE.parse("{10: 50, 30: 20}"),
    )
    percents = [Fraction(each, 2) for each in range(1, 241)]
    targets = [decide(100, Usage(300, each * 300), options, 0).target for each in percents]
    chart = Chart("New units by load on two scales", 120, 200)
    chart.axes([(each, f"{each}%") for each in range(0, 121, 10)], range(0, 201, 50), "consumed", "units, from 100")
    chart.line([(0, 100), (120, 100)], "#bbb")
    chart.line([(float(x), float(y)) for x, y in zip(percents, targets, strict=True)], PROVISIONED, step=True)
    return chart.svg()


FIGURES = {"day.svg": day, "granular.svg": granular}

if __name__ == "__main__":
    for name, draw in FIGURES.items():
        (HERE / name).write_text(draw(), encoding="utf-8")
