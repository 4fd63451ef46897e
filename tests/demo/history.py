"""Three days and nights of the demonstration's load, as somebody would write a history by hand: CSV."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.demo.scenario import DAY, NIGHT, RESOURCES, Load

_START = datetime(2026, 3, 2)
_DAYS = 3
_MORNING, _EVENING = 7, 22

_BUSY = 0.9
"""From this share of the day's load on, requests are throttled where they are by day."""

_HEADER = (
    "timestamp,table,index,consumed_reads,throttled_reads,consumed_writes,throttled_writes,"
    "provisioned_reads,provisioned_writes"
)


def as_csv() -> str:
    """The whole file. The units were all the time what the tables have at first."""
    return "\n".join([_HEADER, *_rows()]) + "\n"


def _rows() -> Iterator[str]:
    for minute in range(_DAYS * 1440):
        time = _START + timedelta(minutes=minute)
        light = _daylight(time.hour + time.minute / 60)
        # No minute is quite like another: up to 7 percent less than the load.
        share = 60 * (1 - (minute * 7919 % 100) / 1400)
        for resource in RESOURCES:
            if not resource.is_on_demand:
                day, night = DAY[resource.label], NIGHT.get(resource.label, Load())
                reads = round(share * (night.reads + light * (day.reads - night.reads)))
                writes = round(share * (night.writes + light * (day.writes - night.writes)))
                throttled = day.throttled_reads if light > _BUSY else 0
                units = f"{resource.reads},{resource.writes}" if minute == 0 else ","
                yield (
                    f"{time:%Y-%m-%dT%H:%MZ},{resource.table},{resource.index},{reads},{throttled},{writes},0,{units}"
                )


def _daylight(hour: float) -> float:
    """How much of the day's load there is: 0 by night, 1 in the middle of the day."""
    return max(0.0, math.sin(math.pi * (hour - _MORNING) / (_EVENING - _MORNING)))
