"""The time zone, and units of time."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

# datetime.UTC is younger than Python 3.10.
UTC = timezone(timedelta(0))
MINUTE = 60


def utc_now() -> datetime:
    return datetime.now(UTC)


def utc_day(moment: datetime) -> date:
    return moment.astimezone(UTC).date()
