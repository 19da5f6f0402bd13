"""The mailboxes of one client, each with evidence of its own: what fails always for a few must not drown in the rest.

Rule of this file: a mean of evidence is evidence. Its expectation is bounded as that of every part is, so it may be
mixed with the pooled evidence of all parts, at the price of a little delay.
"""

from collections.abc import Sequence
from math import isfinite

from prober.detect.mixture import Evidence, Six

SHARE = 0.25
"""Share of a group's evidence that comes from its parts; a trouble of all parts alike is found a few per cent later."""


class Parts:
    """Evidence of every part of a group. `intervals`: seconds between the attempts of each."""

    __slots__ = ("_days", "_series", "_sum")

    def __init__(self, intervals: Sequence[float], healthy: float) -> None:
        self._series = [Evidence(one, healthy) for one in intervals]
        self._days = [one.days(healthy) for one in self._series]
        self._sum = sum(self._days)

    def update(self, index: int, at: float, ratio: Six, healthy: float, *, failed: bool) -> None:
        """Take in one transaction of one part."""
        series = self._series[index]
        if failed:
            series.update(at, ratio, failed=True)
        else:
            series.succeed(at, ratio)
        before, self._days[index] = self._days[index], series.days(healthy)
        # A running sum of floats would drift: exact again with every failure, and those are what counts.
        self._sum = sum(self._days) if failed else self._sum + self._days[index] - before

    def reset(self, healthy: float) -> None:
        """Begin anew."""
        for series in self._series:
            series.reset(healthy)
        self._days = [one.days(healthy) for one in self._series]
        self._sum = sum(self._days)

    def mixed(self, pooled: float) -> float:
        """Return the evidence of the group: that of all parts together, and the mean of what each has by itself."""
        return (1.0 - SHARE) * pooled + SHARE * self._sum / len(self._series)

    def dump(self) -> list[object]:
        """Return what has to survive a restart."""
        return [self._sum, [one.dump() for one in self._series]]

    def load(self, state: list[object], healthy: float) -> None:
        """Take over what `dump` gave; other parts begin anew. Raises `ValueError` or `TypeError`."""
        total, every = state
        if not isinstance(total, float) or not isfinite(total) or not isinstance(every, list):
            raise TypeError("not a state of parts")
        if len(every) != len(self._series):
            return
        fresh = [Evidence(one.interval, healthy) for one in self._series]
        for series, one in zip(fresh, every, strict=True):
            series.load(one)
        self._series = fresh
        self._days = [one.days(healthy) for one in self._series]
        self._sum = total
