"""The options of a replay, declared as all others are; the command line alone can say them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from dynamic_dynamodb import option_kinds as kinds
from dynamic_dynamodb.option import flagged
from dynamic_dynamodb.option_kinds import Kind

REPLAY = "Replay options"
PRICES_AS_OF = "2024-11-01"
"""The date from which on the default prices hold (us-east-1, standard table class)."""

_LONGEST_DAYS = 63
_UNIT_MINUTES = {"d": 1440, "h": 60, "m": 1}


def _parse_span(text: str) -> int:
    match = re.fullmatch(r"([0-9]{1,6})([dhm])", text)
    minutes = int(match[1]) * _UNIT_MINUTES[match[2]] if match else 0
    if not 0 < minutes <= _LONGEST_DAYS * 1440:
        raise ValueError(
            f"{text!r} is no length of time; it must be days, hours or minutes such as 14d, 36h or 90m, "
            f"at most {_LONGEST_DAYS}d, since CloudWatch has no more detailed figures from before that"
        )
    return minutes


def _show_span(minutes: int) -> str:
    return f"{minutes}m"


SPAN: Kind[int] = Kind("str", _parse_span, _show_span)
"""Minutes."""


def _parse_report(text: str) -> str:
    if not text.endswith((".html", ".json")):
        raise ValueError(f"{text!r} is no name of a report; it must end in .html or .json")
    return text


REPORT: Kind[str] = Kind("str", _parse_report, str)


@dataclass(frozen=True)
class ReplayOptions:
    """What is replayed, how the simulated tables behave, and what a unit costs."""

    span: int | None = flagged(
        "replay",
        SPAN,
        "Change nothing; tell what this configuration would have done in this time until now, such as 14d or 36h",
        group=REPLAY,
    )
    save_history: str | None = flagged(
        "save-history", kinds.TEXT, "Keep the history that the replay has fetched in this file", group=REPLAY
    )
    history: str | None = flagged(
        "history",
        kinds.TEXT,
        "Replay the history of this file (of --save-history, or CSV) without AWS; with --replay, the end of it",
        group=REPLAY,
    )
    report: str | None = flagged(
        "report", REPORT, "Write the outcome of the replay to this file, which ends in .html or .json", group=REPLAY
    )
    update_delay: int = flagged(
        "update-delay",
        kinds.integer(0, 3600),
        "Seconds until an update of a table takes effect in the replay",
        "30",
        group=REPLAY,
    )
    metrics_delay: int = flagged(
        "metrics-delay",
        kinds.integer(0, 86400),
        "Seconds until CloudWatch has the figures of a minute in the replay",
        "120",
        group=REPLAY,
    )
    price_read_hour: Fraction = flagged(
        "price-read-hour",
        kinds.POSITIVE_NUMBER,
        f"US dollars for a provisioned read unit and hour, as of {PRICES_AS_OF} in us-east-1",
        "0.00013",
        group=REPLAY,
    )
    price_write_hour: Fraction = flagged(
        "price-write-hour",
        kinds.POSITIVE_NUMBER,
        f"US dollars for a provisioned write unit and hour, as of {PRICES_AS_OF} in us-east-1",
        "0.00065",
        group=REPLAY,
    )
    price_read_million: Fraction = flagged(
        "price-read-million",
        kinds.POSITIVE_NUMBER,
        f"US dollars for a million read request units on demand, as of {PRICES_AS_OF} in us-east-1",
        "0.125",
        group=REPLAY,
    )
    price_write_million: Fraction = flagged(
        "price-write-million",
        kinds.POSITIVE_NUMBER,
        f"US dollars for a million write request units on demand, as of {PRICES_AS_OF} in us-east-1",
        "0.625",
        group=REPLAY,
    )

    @property
    def is_wanted(self) -> bool:
        """Whether the command is to make a replay."""
        return self.span is not None or self.history is not None
