"""Tables and indexes as DynamoDB keeps them: throughput, status, and the ration of decreases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from .clock import UTC, utc_day
from .errors import ApiError, validation

UNRATIONED_DECREASES_A_DAY = 4
PAUSE_BETWEEN_RATIONED_DECREASES = timedelta(hours=1)
GUIDE = "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."


def _in_words(moment: datetime) -> str:
    return f"{moment:%A, %B} {moment.day}, {moment.year} {moment.hour % 12 or 12}:{moment:%M:%S %p} UTC"


@dataclass
class Capacity:
    """The provisioned units of a table or of one index, and what DynamoDB remembers of their changes."""

    name: str
    reads: int
    writes: int
    status: str = "ACTIVE"
    last_increase: datetime | None = None
    last_decrease: datetime | None = None
    pending: tuple[int, int] | None = None
    _decreases: int = 0
    _counted_on: date | None = None

    def decreases_today(self, now: datetime) -> int:
        return self._decreases if self._counted_on == utc_day(now) else 0

    def set_decreases(self, today: int, last: datetime | None, now: datetime) -> None:
        self._decreases, self._counted_on, self.last_decrease = today, utc_day(now), last

    def is_decreased_by(self, change: Change) -> bool:
        """One falling dimension makes it a decrease, also if the other one rises."""
        return change.reads < self.reads or change.writes < self.writes

    def is_increased_by(self, change: Change) -> bool:
        return change.reads > self.reads or change.writes > self.writes

    def decrease_allowed_at(self, now: datetime) -> datetime:
        """The earliest moment of the next decrease: now, or one to come."""
        if self.decreases_today(now) < UNRATIONED_DECREASES_A_DAY or self.last_decrease is None:
            return now
        next_day = datetime.combine(utc_day(now) + timedelta(days=1), time.min, UTC)
        return max(now, min(self.last_decrease + PAUSE_BETWEEN_RATIONED_DECREASES, next_day))

    def refuse_rationed_decrease(self, now: datetime) -> None:
        """LimitExceededException, unless a decrease may be made now."""
        allowed_at = self.decrease_allowed_at(now)
        if allowed_at <= now or self.last_decrease is None:
            return
        raise ApiError(
            "LimitExceededException",
            "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After "
            f"the first {UNRATIONED_DECREASES_A_DAY} decreases, each subsequent decrease in the same UTC day can be "
            f"performed at most once every 3600 seconds. Number of decreases today: {self.decreases_today(now)}. "
            f"Last decrease at {_in_words(self.last_decrease.astimezone(UTC))}. "
            f"Next decrease can be made at {_in_words(allowed_at.astimezone(UTC))}",
        )

    def accept(self, change: Change, now: datetime, takes_effect_later: bool) -> None:
        """Remember the change, and make it unless it takes effect later."""
        if self.is_decreased_by(change):
            self.set_decreases(self.decreases_today(now) + 1, now, now)
        if self.is_increased_by(change):
            self.last_increase = now
        if takes_effect_later:
            self.status, self.pending = "UPDATING", (change.reads, change.writes)
        else:
            self.reads, self.writes = change.reads, change.writes

    def finish(self) -> None:
        """Make the change that was accepted."""
        if self.pending is not None:
            self.reads, self.writes = self.pending
            self.pending = None
        self.status = "ACTIVE"


@dataclass(frozen=True)
class Change:
    """What UpdateTable asks for: new units of the table (index None) or of one index."""

    index: str | None
    reads: int
    writes: int


@dataclass
class Table:
    """A table with its indexes. Every reader calls `settle` first, so that time needs no thread of its own."""

    capacity: Capacity
    created: datetime
    on_demand: bool = False
    indexes: dict[str, Capacity] = field(default_factory=dict)
    updating_until: datetime | None = None

    def settle(self, now: datetime) -> None:
        """End the update whose time has come."""
        if self.updating_until is not None and now >= self.updating_until:
            self.updating_until = None
            self.capacity.finish()
            for index in self.indexes.values():
                if index.pending is not None:
                    index.finish()

    def resource(self, index: str | None) -> Capacity:
        """The table's own capacity, or an index's; KeyError if there is no such index."""
        return self.capacity if index is None else self.indexes[index]

    def change(self, changes: list[Change], now: datetime, ration: bool, update_seconds: float) -> None:
        """Make all the changes or, with ApiError, none of them."""
        self._refuse_while_busy(changes)
        pairs = list(self._pair(changes))
        for capacity, change in pairs:
            if ration and capacity.is_decreased_by(change):
                capacity.refuse_rationed_decrease(now)
        later = update_seconds > 0
        for capacity, change in pairs:
            capacity.accept(change, now, later)
        if later:
            self.capacity.status = "UPDATING"
            self.updating_until = now + timedelta(seconds=update_seconds)

    def _refuse_while_busy(self, changes: list[Change]) -> None:
        in_use = "Attempt to change a resource which is still in use: "
        name = self.capacity.name
        if self.capacity.status != "ACTIVE":
            doing = {"CREATING": "created", "DELETING": "deleted"}.get(self.capacity.status, "updated")
            raise ApiError("ResourceInUseException", f"{in_use}Table is being {doing}: {name}")
        for change in changes:
            index = self.indexes.get(change.index) if change.index is not None else None
            if index is not None and index.status != "ACTIVE":
                raise ApiError(
                    "ResourceInUseException", f"{in_use}Index is being updated. Table: {name}, index: {index.name}"
                )

    def _pair(self, changes: list[Change]) -> Iterator[tuple[Capacity, Change]]:
        """Each change with what it changes, once it is found to make sense."""
        if self.on_demand:
            raise validation(
                "One or more parameter values were invalid: Neither ReadCapacityUnits nor WriteCapacityUnits can be "
                "specified when BillingMode is PAY_PER_REQUEST"
            )
        for change in changes:
            what = "table" if change.index is None else f"index {change.index}"
            if change.index is not None and change.index not in self.indexes:
                raise validation(f"The table does not have the specified index: {change.index}")
            capacity = self.resource(change.index)
            if (change.reads, change.writes) == (capacity.reads, capacity.writes):
                raise validation(
                    f"The provisioned throughput for the {what} will not change. The requested value equals the "
                    f"current value. Current ReadCapacityUnits provisioned for the {what}: {capacity.reads}. "
                    f"Requested ReadCapacityUnits: {change.reads}. Current WriteCapacityUnits provisioned for the "
                    f"{what}: {capacity.writes}. Requested WriteCapacityUnits: {change.writes}. {GUIDE}"
                )
            yield capacity, change
