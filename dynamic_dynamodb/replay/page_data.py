"""The minutes of one resource, small enough for a page that holds a hundred of them. Pure."""

from __future__ import annotations

import base64
import gzip
import json
import sys
from array import array
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.replay.engine import Replayed
from dynamic_dynamodb.replay.figures import ResourceFigures
from dynamic_dynamodb.replay.history import MILLI

_LARGEST = 2**32 - 1


def page_data(replayed: Replayed, figures: ResourceFigures, start: datetime) -> str:
    """JSON with what the figure of a resource shows; times are milliseconds since 1970.

    Series have one unsigned number of 32 bits a minute, in whole units, compressed and in base 64.
    """
    history = replayed.history
    return json.dumps(
        {
            "label": history.resource.label,
            "begin": _milliseconds(start + timedelta(minutes=history.begin)),
            "end": _milliseconds(start + timedelta(minutes=history.end)),
            **{dimension.plural: _dimension(replayed, figures, dimension, start) for dimension in Dimension},
        },
        separators=(",", ":"),
    )


def _dimension(replayed: Replayed, figures: ResourceFigures, dimension: Dimension, start: datetime) -> dict[str, Any]:
    history = replayed.history
    capacity, real = replayed.simulated.capacity[dimension], history.dimensions[dimension]

    def series(values: array[int]) -> str:
        return _packed(values[history.begin : history.end])

    def times(seconds: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
        return [(_milliseconds(start + timedelta(seconds=second)), units) for second, units in seconds]

    return {
        "demand": series(capacity.demand),
        "throttled_was": series(real.throttled),
        "throttled": series(capacity.throttled),
        "was": times([(max(minute, history.begin) * 60, units) for minute, units in real.provisioned]),
        "would": times(capacity.steps),
        "marks": [
            [_milliseconds(when), change.before[dimension], change.after[dimension], change.reasons[dimension]]
            for when, change in figures.changes
            if dimension in change.dimensions
        ],
    }


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp()) * 1000


def _packed(milli_units: array[int]) -> str:
    whole = array("I", [min(_LARGEST, round(value / MILLI)) for value in milli_units])
    if sys.byteorder == "big":
        whole.byteswap()
    return base64.b64encode(gzip.compress(whole.tobytes(), 6, mtime=0)).decode("ascii")
