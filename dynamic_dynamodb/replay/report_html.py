"""The outcome of a replay as one page, which needs nothing but itself."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from html import escape
from importlib import resources
from typing import Any

from dynamic_dynamodb import __version__
from dynamic_dynamodb.exceptions import DynamicDynamoDBError
from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.replay.figures import ResourceFigures
from dynamic_dynamodb.replay.report import Figures, Report, share
from dynamic_dynamodb.replay.report_text import in_words, rows

_COLUMNS = (
    ("cost as it was", "replayed", "constant peak", "on demand"),
    ("throttled as it was", "replayed"),
    ("minutes with throttling as it was", "replayed"),
    ("average use as it was", "replayed"),
    ("increases / decreases as it was", "replayed"),
    ("decreases on the busiest day",),
    ("checks that held a decrease back",),
    ("time at maximum", "at minimum"),
)


def require_library() -> Any:
    """The library that draws. Raises DynamicDynamoDBError where it is not installed."""
    try:
        return importlib.import_module("plotly.offline")
    except ImportError as error:
        raise DynamicDynamoDBError(
            "--report: an HTML report needs the library plotly; pip install 'dynamic-dynamodb[report]' installs it"
        ) from error


def as_html(report: Report) -> str:
    """The page."""
    directory = resources.files("dynamic_dynamodb.replay")
    template = (directory / "page.html").read_text(encoding="utf-8")
    parts = {
        "TITLE": escape(f"Replay of {in_words(report.start)} to {in_words(report.end)} UTC"),
        "INTRODUCTION": "\n".join(f"<p>{escape(text)}</p>" for text in _introduction(report)),
        "SUMMARY": "\n".join(_summary(report)),
        "FIGURES": "\n".join(_figure(number, page) for number, page in enumerate(report.pages)),
        "SCRIPT": (directory / "page.js").read_text(encoding="utf-8"),
        "PLOTLY": require_library().get_plotlyjs(),
    }
    pieces = template.split("@@")
    # Every second piece is the name of a part; what is put in is not searched again.
    return "".join(parts[piece] if number % 2 else piece for number, piece in enumerate(pieces))


def _introduction(report: Report) -> Iterator[str]:
    yield (
        f"From {report.source}; {report.checks} checks, one every {report.interval} s, of each table. Nothing was "
        f"changed. {report.decreases} decreases; {report.notifications} notifications would have been sent. "
        f"Made by dynamic-dynamodb {__version__}."
    )
    yield report.prices_in_words()
    yield report.model_in_words()
    if report.skipped:
        yield f"Skipped, since they are on-demand tables: {', '.join(report.skipped)}."
    yield from report.failures


def _summary(report: Report) -> Iterator[str]:
    headings = "".join(f"<th>{escape(title)}</th>" for group in _COLUMNS for title in group)
    yield f"<thead><tr><th>table or index</th><th></th>{headings}</tr></thead><tbody>"
    yield _row("In all", "", report.total(), "total")
    for dimension in Dimension:
        yield _row("In all", dimension.plural, report.total([dimension]), "total")
    for number, resource in enumerate(report.resources):
        label = f'<a href="#figure-{number}">{escape(resource.resource.label)}</a>'
        for dimension in Dimension:
            yield _row(label, dimension.plural, resource.dimensions[dimension], "", resource)
    yield "</tbody>"


def _row(label: str, dimension: str, figures: Figures, kind: str, resource: ResourceFigures | None = None) -> str:
    cost, _, throttled, minutes, use, changes = (cells for _, cells in rows(figures))
    busiest = f"{resource.busiest_day_decreases} of 27" if resource else ""
    title = f' title="{resource.busiest_day}"' if resource and resource.busiest_day else ""
    cells = [*cost, *throttled[:2], *minutes[:2], *use[:2], *changes[:2]]
    held = f"{figures.held} ({figures.held_by_ration} by the ration)"
    limits = [
        f"{float(share(seconds, figures.seconds)):.1f}%"
        for seconds in (figures.seconds_at_maximum, figures.seconds_at_minimum)
    ]
    shown = "".join(f"<td>{escape(cell)}</td>" for cell in cells)
    shown += f"<td{title}>{busiest}</td>" + "".join(f"<td>{cell}</td>" for cell in (held, *limits))
    return f'<tr class="{kind}"><th>{label}</th><th>{dimension}</th>{shown}</tr>'


def _figure(number: int, page: str) -> str:
    # Nothing in a name may end the script.
    data = page.replace("<", "\\u003c")
    return (
        f'<section class="figure" id="figure-{number}"><h2></h2><div class="plot"></div>'
        f'<script type="application/json">{data}</script></section>'
    )
