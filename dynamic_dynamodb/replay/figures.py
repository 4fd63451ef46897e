"""The figures of a replay: what was, what would have been, and what two other ways would have cost. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from dynamic_dynamodb.model import Change, Dimension, Resource
from dynamic_dynamodb.replay.costs import Prices, provisioned_cost, request_cost, seconds_at, unit_seconds
from dynamic_dynamodb.replay.engine import Replayed
from dynamic_dynamodb.replay.history import MILLI

Steps = Sequence[tuple[int, int]]
_LEAST_UNITS = 1


@dataclass(frozen=True)
class Provision:
    """One way to provide capacity, as it went: `capacity` and `throttled` and `served` are in thousandths of a unit.

    `cost` is in US dollars. `unit_seconds` is 0 for on-demand mode, `capacity` too.
    """

    unit_seconds: int = 0
    cost: Fraction = Fraction(0)
    served: int = 0
    throttled: int = 0
    throttled_minutes: int = 0
    increases: int = 0
    decreases: int = 0

    def __add__(self, other: Provision) -> Provision:
        return Provision(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(Provision)))

    @property
    def use(self) -> Fraction | None:
        """The share of the provisioned capacity that was used, from 0 on; None where none was provisioned."""
        return Fraction(self.served, MILLI * self.unit_seconds) if self.unit_seconds else None


@dataclass(frozen=True)
class DimensionFigures:
    """The reads or the writes of one resource, over its life in the history.

    `real` is None where nobody knows what was provisioned. `held` counts checks that held a decrease back, and
    `held_by_ration` those of them in which DynamoDB would not have taken it.
    """

    real: Provision | None
    real_throttled: int
    real_throttled_minutes: int
    replayed: Provision
    peak: Provision
    peak_units: int
    on_demand: Provision
    seconds: int
    seconds_at_maximum: int
    seconds_at_minimum: int
    held: int
    held_by_ration: int


@dataclass(frozen=True)
class ResourceFigures:
    """A table or an index. `decreases` are counted as DynamoDB does: reads and writes together are one."""

    resource: Resource
    begin: datetime
    end: datetime
    dimensions: dict[Dimension, DimensionFigures]
    decreases: int
    busiest_day: date | None
    busiest_day_decreases: int
    changes: list[tuple[datetime, Change]]


def resource_figures(replayed: Replayed, start: datetime, prices: Prices) -> ResourceFigures:
    """All figures of one resource of a history that begins at `start`."""
    history, simulated = replayed.history, replayed.simulated
    changes = [(start + timedelta(seconds=second), change) for second, change in simulated.changes]
    days = Counter(when.date() for when, change in changes if change.has_decrease)
    busiest = max(days.items(), key=lambda item: item[1], default=(None, 0))
    return ResourceFigures(
        history.resource,
        start + timedelta(minutes=history.begin),
        start + timedelta(minutes=history.end),
        {dimension: _dimension_figures(replayed, dimension, prices) for dimension in Dimension},
        sum(days.values()),
        busiest[0],
        busiest[1],
        changes,
    )


def _dimension_figures(replayed: Replayed, dimension: Dimension, prices: Prices) -> DimensionFigures:
    history = replayed.history
    figures, capacity = history.dimensions[dimension], replayed.simulated.capacity[dimension]
    scaling = replayed.options.scaling[dimension]
    begin, end = history.begin * 60, history.end * 60
    demand = sum(capacity.demand[history.begin : history.end])
    real_throttled = _throttled(figures.throttled[history.begin : history.end])
    # What is first known of the provisioned units holds from the beginning.
    real_steps = [
        (min(begin, 60 * minute) if not number else 60 * minute, units)
        for number, (minute, units) in enumerate(figures.provisioned)
    ]

    def provision(steps: Steps, throttled: tuple[int, int]) -> Provision:
        seconds = unit_seconds(steps, begin, end)
        kept = [units for second, units in steps if second < end]
        ups = sum(after > before for before, after in pairwise(kept))
        downs = sum(after < before for before, after in pairwise(kept))
        cost = provisioned_cost(seconds, dimension, prices)
        return Provision(seconds, cost, demand - throttled[0], *throttled, ups, downs)

    peak = max(_LEAST_UNITS, -(-max(capacity.demand[history.begin : history.end], default=0) // (60 * MILLI)))
    minimum = scaling.min_provisioned or _LEAST_UNITS
    of_this = [held for held in replayed.held if dimension in held.change.dimensions]
    return DimensionFigures(
        real=provision(real_steps, real_throttled) if real_steps else None,
        real_throttled=real_throttled[0],
        real_throttled_minutes=real_throttled[1],
        replayed=provision(capacity.steps, _throttled(capacity.throttled)),
        peak=provision([(begin, peak)], (0, 0)),
        peak_units=peak,
        on_demand=Provision(0, request_cost(demand, dimension, prices), demand),
        seconds=end - begin,
        seconds_at_maximum=seconds_at(capacity.steps, scaling.max_provisioned, begin, end),
        seconds_at_minimum=seconds_at(capacity.steps, minimum, begin, end),
        held=len(of_this),
        held_by_ration=sum(held.is_rationed for held in of_this),
    )


def _throttled(minutes: Iterable[int]) -> tuple[int, int]:
    """How much in all, and in how many minutes."""
    some = [each for each in minutes if each]
    return sum(some), len(some)
