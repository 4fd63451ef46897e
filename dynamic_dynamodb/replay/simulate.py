"""The simulated capacity of one resource and dimension: what it serves, what it throttles. Pure, exact on integers.

Seconds and minutes are counted from the start of the history, amounts in thousandths of a unit.
"""

from __future__ import annotations

from array import array
from collections import deque

from dynamic_dynamodb.replay.history import MILLI

BURST_MINUTES = 5
"""For how long unused capacity can still be used: 300 seconds ("Burst capacity" in the DynamoDB Developer Guide)."""


class Capacity:
    """Units a second that change in steps, and the demand that they serve, minute by minute.

    A minute serves what its units can, and what is left of the unused capacity of the five minutes before it, the
    oldest first. The rest is throttled and lost. `steps` are pairs of a second and the units from then on.
    """

    def __init__(self, demand: array[int], begin_minute: int, units: int) -> None:
        self.demand = demand
        self.throttled = array("q", bytes(demand.itemsize * len(demand)))
        self.steps = [(begin_minute * 60, units)]
        self._minute = begin_minute
        self._step = 0
        self._unused: deque[int] = deque([0] * BURST_MINUTES, BURST_MINUTES)

    @property
    def units(self) -> int:
        """Those of the last step, whether they are in effect already or not."""
        return self.steps[-1][1]

    def change(self, second: int, units: int) -> None:
        """New units from a second on that is not before the last step, nor in a minute that has been simulated."""
        self.steps.append((second, units))

    def advance(self, minute: int) -> None:
        """Simulate until before this minute."""
        demand, throttled, unused = self.demand, self.throttled, self._unused
        capacity = self.steps[self._step][1] * 60 * MILLI
        for now in range(self._minute, minute):
            if self._step + 1 < len(self.steps) and self.steps[self._step + 1][0] < (now + 1) * 60:
                available = self._mixed(now)
                capacity = self.steps[self._step][1] * 60 * MILLI
            else:
                available = capacity
            left = available - demand[now]
            if left < 0:
                left = self._use_burst(-left)
                if left < 0:
                    throttled[now] = -left
                    left = 0
            unused.append(left)
        self._minute = max(minute, self._minute)

    def _mixed(self, minute: int) -> int:
        """The capacity of a minute in which the units change."""
        second, total, end = minute * 60, 0, (minute + 1) * 60
        while self._step + 1 < len(self.steps) and self.steps[self._step + 1][0] < end:
            change = max(second, self.steps[self._step + 1][0])
            total += (change - second) * self.steps[self._step][1]
            second = change
            self._step += 1
        return (total + (end - second) * self.steps[self._step][1]) * MILLI

    def _use_burst(self, wanted: int) -> int:
        """Take from the unused capacity; what is missing, as a negative number, or 0."""
        unused = self._unused
        for age in range(BURST_MINUTES):
            taken = min(wanted, unused[age])
            unused[age] -= taken
            wanted -= taken
            if not wanted:
                return 0
        return -wanted

    def sums(self, begin: int, end: int) -> tuple[int, int]:
        """What was served and what was throttled from the minute `begin` until before `end`, of those simulated."""
        begin, end = max(0, begin), min(end, self._minute)
        if end <= begin:
            return 0, 0
        throttled = sum(self.throttled[begin:end])
        return sum(self.demand[begin:end]) - throttled, throttled
