"""What a replay has to tell, before it becomes text, JSON or a page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from fractions import Fraction

from dynamic_dynamodb.model import Dimension
from dynamic_dynamodb.replay.account import Delays
from dynamic_dynamodb.replay.costs import Prices
from dynamic_dynamodb.replay.figures import DimensionFigures, Provision, ResourceFigures
from dynamic_dynamodb.replay.options import PRICES_AS_OF, ReplayOptions

WAYS = {
    "real": "as it was",
    "replayed": "replayed",
    "peak": "constant peak",
    "on_demand": "on demand",
}
"""The ways to provide capacity that are compared, in words."""


@dataclass(frozen=True)
class Total:
    """Sums over resources and dimensions; `real` is None where what really was is not known of all of them."""

    real: Provision | None
    real_throttled: int
    real_throttled_minutes: int
    replayed: Provision
    peak: Provision
    on_demand: Provision
    seconds: int
    seconds_at_maximum: int
    seconds_at_minimum: int
    held: int
    held_by_ration: int


Figures = DimensionFigures | Total


@dataclass(frozen=True)
class Report:
    """The outcome. `skipped` are on-demand tables, `failures` what a check could not do; `pages` are for the page."""

    source: str
    start: datetime
    end: datetime
    interval: int
    delays: Delays
    prices: Prices
    are_prices_own: bool
    resources: Sequence[ResourceFigures]
    checks: int
    notifications: int
    skipped: Sequence[str] = ()
    failures: Sequence[str] = ()
    pages: Sequence[str] = field(default=(), repr=False)

    @property
    def decreases(self) -> int:
        """As DynamoDB counts them."""
        return sum(each.decreases for each in self.resources)

    def total(self, dimensions: Iterable[Dimension] = tuple(Dimension)) -> Total:
        """The sums over all resources."""
        wanted = list(dimensions)
        return total([each.dimensions[dimension] for each in self.resources for dimension in wanted])

    def prices_in_words(self) -> str:
        """What was reckoned with."""
        hours, millions = self.prices.unit_hour, self.prices.million_requests
        reads, writes = Dimension.READS, Dimension.WRITES
        origin = "as given" if self.are_prices_own else f"us-east-1, as of {PRICES_AS_OF}"
        return (
            f"Prices in US dollars ({origin}): a provisioned unit for an hour {float(hours[reads]):g} for reads and "
            f"{float(hours[writes]):g} for writes; a million request units on demand {float(millions[reads]):g} for "
            f"reads and {float(millions[writes]):g} for writes."
        )

    def model_in_words(self) -> str:
        """The model, in short."""
        return (
            "Model: a throttled event was a request of one unit, and lost; unused capacity of the last 300 seconds can "
            f"be used; an update takes effect after {self.delays.update} s; CloudWatch knows a minute "
            f"{self.delays.metrics} s after its end; DynamoDB takes 4 decreases a UTC day, then one an hour."
        )


def total(figures: Sequence[DimensionFigures]) -> Total:
    """The sums of figures."""
    zero = Provision()
    known = [each.real for each in figures if each.real is not None]
    return Total(
        sum(known, zero) if len(known) == len(figures) else None,
        sum(each.real_throttled for each in figures),
        sum(each.real_throttled_minutes for each in figures),
        sum((each.replayed for each in figures), zero),
        sum((each.peak for each in figures), zero),
        sum((each.on_demand for each in figures), zero),
        sum(each.seconds for each in figures),
        sum(each.seconds_at_maximum for each in figures),
        sum(each.seconds_at_minimum for each in figures),
        sum(each.held for each in figures),
        sum(each.held_by_ration for each in figures),
    )


def has_own_prices(options: ReplayOptions) -> bool:
    """Whether any price differs from the defaults."""
    default = ReplayOptions()
    names = ("price_read_hour", "price_write_hour", "price_read_million", "price_write_million")
    return any(getattr(options, name) != getattr(default, name) for name in names)


def share(part: int, whole: int) -> Fraction:
    """In percent; 0 of nothing."""
    return Fraction(100 * part, whole) if whole else Fraction(0)
