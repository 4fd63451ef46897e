"""The outcome of a replay for programs; docs/replay.rst describes it. Pure."""

from __future__ import annotations

import json
from datetime import datetime
from fractions import Fraction
from typing import Any

from dynamic_dynamodb.model import Change, Dimension
from dynamic_dynamodb.replay.figures import Provision, ResourceFigures
from dynamic_dynamodb.replay.history import MILLI
from dynamic_dynamodb.replay.options import PRICES_AS_OF
from dynamic_dynamodb.replay.report import WAYS, Figures, Report

FORMAT, VERSION = "dynamic-dynamodb-replay", 1


def as_json(report: Report) -> str:
    """The JSON text."""
    return json.dumps(
        {
            "format": FORMAT,
            "version": VERSION,
            "source": report.source,
            "start": _time(report.start),
            "end": _time(report.end),
            "check_interval_seconds": report.interval,
            "checks": report.checks,
            "update_delay_seconds": report.delays.update,
            "metrics_delay_seconds": report.delays.metrics,
            "prices": {
                "as_of": None if report.are_prices_own else PRICES_AS_OF,
                "unit_hour": _by_dimension(report.prices.unit_hour),
                "million_requests": _by_dimension(report.prices.million_requests),
            },
            "notifications": report.notifications,
            "skipped": list(report.skipped),
            "failures": list(report.failures),
            "total": {
                **_figures(report.total()),
                **{dimension.plural: _figures(report.total([dimension])) for dimension in Dimension},
                "rationed_decreases": report.decreases,
            },
            "resources": [_resource(each) for each in report.resources],
        },
        indent=1,
    )


def _resource(each: ResourceFigures) -> dict[str, Any]:
    return {
        "table": each.resource.table,
        "index": each.resource.index,
        "begin": _time(each.begin),
        "end": _time(each.end),
        **{dimension.plural: _figures(figures) for dimension, figures in each.dimensions.items()},
        "rationed_decreases": each.decreases,
        "busiest_day": str(each.busiest_day) if each.busiest_day else None,
        "busiest_day_decreases": each.busiest_day_decreases,
        "changes": [change_as_json(when, change) for when, change in each.changes],
    }


def change_as_json(when: datetime, change: Change) -> dict[str, Any]:
    """A change with its reasons."""
    return {
        "time": _time(when),
        **{
            dimension.plural: {
                "before": change.before[dimension],
                "after": change.after[dimension],
                "reason": change.reasons[dimension],
            }
            for dimension in change.dimensions
        },
    }


def _figures(figures: Figures) -> dict[str, Any]:
    shown: dict[str, Any] = {way: _provision(getattr(figures, way)) for way in WAYS}
    if hasattr(figures, "peak_units"):
        shown["peak_units"] = figures.peak_units
    return shown | {
        "real_throttled_units": _number(Fraction(figures.real_throttled, MILLI)),
        "real_throttled_minutes": figures.real_throttled_minutes,
        "seconds": figures.seconds,
        "seconds_at_maximum": figures.seconds_at_maximum,
        "seconds_at_minimum": figures.seconds_at_minimum,
        "checks_that_held_back_a_decrease": figures.held,
        "of_these_because_of_the_ration": figures.held_by_ration,
    }


def _provision(provision: Provision | None) -> dict[str, Any] | None:
    if provision is None:
        return None
    return {
        "cost": round(float(provision.cost), 6),
        "unit_hours": _number(Fraction(provision.unit_seconds, 3600)),
        "served_units": _number(Fraction(provision.served, MILLI)),
        "throttled_units": _number(Fraction(provision.throttled, MILLI)),
        "throttled_minutes": provision.throttled_minutes,
        "average_use": None if provision.use is None else round(float(provision.use), 6),
        "increases": provision.increases,
        "decreases": provision.decreases,
    }


def _number(value: Fraction) -> int | float:
    return int(value) if value.denominator == 1 else round(float(value), 6)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _by_dimension(values: dict[Dimension, Fraction]) -> dict[str, float]:
    return {dimension.plural: float(value) for dimension, value in values.items()}
