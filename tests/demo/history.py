"""Three days and nights of the demonstration's load, as somebody would write a history by hand: CSV."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from tests.demo.scenario import DAY, NIGHT, RESOURCES, Load

_START = datetime(2026, 3, 2)
_DAYS = 3
_MORNING, _EVENING = 8, 20

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
        loads = DAY if _MORNING <= time.hour < _EVENING else NIGHT
        # No minute is quite like another: up to 7 percent less than the load.
        share = 1 - (minute * 7919 % 100) / 1400
        for resource in RESOURCES:
            if not resource.is_on_demand:
                load = loads.get(resource.label, Load())
                reads, writes = (round(60 * share * each) for each in (load.reads, load.writes))
                units = f"{resource.reads},{resource.writes}" if minute == 0 else ","
                yield (
                    f"{time:%Y-%m-%dT%H:%MZ},{resource.table},{resource.index},"
                    f"{reads},{load.throttled_reads},{writes},0,{units}"
                )
