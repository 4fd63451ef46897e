"""The outcome of a replay as text for a terminal. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from datetime import datetime
from fractions import Fraction

from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.replay.figures import Provision, ResourceFigures
from dynamic_dynamodb.replay.history import MILLI
from dynamic_dynamodb.replay.report import WAYS, Figures, Report, share

_WIDTH = 100
_UNKNOWN, _NOT_MEANT = "unknown", "-"


def as_text(report: Report) -> str:
    """The whole report."""
    return "\n".join([*_introduction(report), *_resources(report), *_totals(report)])


def _introduction(report: Report) -> Iterator[str]:
    yield f"Replay of {in_words(report.start)} to {in_words(report.end)} UTC, from {report.source}."
    checks = f"{report.checks} checks, one every {report.interval} s, of each table. Nothing was changed."
    for paragraph in (checks, report.prices_in_words(), report.model_in_words()):
        yield from textwrap.wrap(paragraph, _WIDTH)
    for name in report.skipped:
        yield f"{name}: skipped, since it is an on-demand table"
    yield from report.failures


def in_words(moment: datetime) -> str:
    """To the minute."""
    return f"{moment:%Y-%m-%d %H:%M}"


def _resources(report: Report) -> Iterator[str]:
    for resource in report.resources:
        for dimension in Dimension:
            figures = resource.dimensions[dimension]
            yield ""
            yield from _table(f"{resource.resource.label}, {dimension.plural}", figures)
        yield decreases_in_words(resource)


def decreases_in_words(resource: ResourceFigures) -> str:
    """The decreases of a resource against DynamoDB's ration."""
    words = f"  Decreases of {resource.resource.label}, reads and writes together: {resource.decreases}"
    if resource.busiest_day:
        words += f"; busiest day {resource.busiest_day} with {resource.busiest_day_decreases} (27 at most)"
    return words


def _totals(report: Report) -> Iterator[str]:
    for dimension in Dimension:
        yield ""
        yield from _table(f"In all, {dimension.plural}", report.total([dimension]))
    yield ""
    yield from _table("In all", report.total())
    yield f"  Decreases: {report.decreases}; notifications that would have been sent: {report.notifications}"


def rows(figures: Figures) -> list[tuple[str, list[str]]]:
    """The lines of a table: a title and a cell for each way."""
    ways: dict[str, Provision | None] = {way: getattr(figures, way) for way in WAYS}

    def row(title: str, show: Callable[[Provision], str], unknown: str = _UNKNOWN) -> tuple[str, list[str]]:
        return title, [show(way) if way else unknown for way in ways.values()]

    throttled = row("throttled units", lambda way: amount(Fraction(way.throttled, MILLI)))
    minutes = row("minutes with throttling", lambda way: amount(Fraction(way.throttled_minutes)))
    # What was throttled is known even where nobody knows the units.
    throttled[1][0] = amount(Fraction(figures.real_throttled, MILLI))
    minutes[1][0] = amount(Fraction(figures.real_throttled_minutes))
    changes = row("increases / decreases", lambda way: f"{way.increases} / {way.decreases}")
    changes[1][2:] = [_NOT_MEANT, _NOT_MEANT]
    return [
        row("cost, US dollars", lambda way: f"{float(way.cost):,.2f}"),
        row("unit-hours", lambda way: amount(Fraction(way.unit_seconds, 3600)) if way.unit_seconds else _NOT_MEANT),
        throttled,
        minutes,
        row("average use", lambda way: f"{float(100 * way.use):.1f}%" if way.use is not None else _NOT_MEANT),
        changes,
    ]


def _table(title: str, figures: Figures) -> Iterator[str]:
    yield f"{title:42}" + "".join(f"{name:>14}" for name in WAYS.values())
    for name, cells in rows(figures):
        yield f"  {name:40}" + "".join(f"{cell:>14}" for cell in cells)
    at_maximum, at_minimum = (
        f"{float(share(seconds, figures.seconds)):.1f}%"
        for seconds in (figures.seconds_at_maximum, figures.seconds_at_minimum)
    )
    yield f"  replayed: at the maximum for {at_maximum} of the time, at the minimum for {at_minimum};"
    yield f"  a decrease held back in {figures.held} checks, in {figures.held_by_ration} of them by DynamoDB's ration"


def amount(value: Fraction) -> str:
    """A number for people, with at most one decimal."""
    return f"{float(value):,.1f}".removesuffix(".0")
