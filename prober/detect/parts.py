"""The mailboxes of one client, each with evidence of its own: what fails always for a few must not drown in the rest.

Rule of this file: a mean of evidence is evidence. Its expectation is bounded as that of every part is, so it may be
mixed with the pooled evidence of all parts, at the price of a little delay.
"""

from collections.abc import Iterator, Sequence
from math import inf, isfinite

from prober.detect.mixture import WHOLE_BELOW, Known, Series, Six

SHARE = 0.25
"""Share of a group's evidence that comes from its parts; a trouble of all parts alike is found a few per cent later."""


class Parts:
    """Evidence of every part of a group. `intervals`: seconds between the attempts of each."""

    __slots__ = ("_count", "_series", "_sum")

    def __init__(self, intervals: Sequence[float], healthy: float) -> None:
        self._series = Series(intervals, healthy)
        self._count = len(intervals)
        self._sum = self._weigh(healthy)

    def _weigh(self, healthy: float) -> float:
        """Weigh all of them anew; return what they weigh together."""
        series = self._series
        for row in range(self._count):
            series.weigh(row, series.days(row, healthy))
            series.look(row, -inf if series.troubled(row) else inf)
        return series.total()

    def update(self, index: int, at: float, ratio: Six, healthy: float, *, failed: bool) -> None:
        """Take in one transaction of one part."""
        series = self._series
        before = series.weighed(index)
        if failed or healthy >= WHOLE_BELOW or series.succeed((index,), at, ratio):
            series.take(index, at, ratio, failed=failed, forget=not failed)
            series.weigh(index, series.days(index, healthy))
            series.look(index, -inf if series.troubled(index) else inf)
        # A running sum of floats would drift: exact again with every failure, and those are what counts.
        self._sum = series.total() if failed else self._sum + series.weighed(index) - before

    def reset(self, healthy: float) -> None:
        """Begin anew."""
        for row in range(self._count):
            self._series.reset(row, healthy)
        self._sum = self._weigh(healthy)

    def mixed(self, pooled: float) -> float:
        """Return the evidence of the group: that of all parts together, and the mean of what each has by itself."""
        return (1.0 - SHARE) * pooled + SHARE * self._sum / self._count

    def copy(self) -> "Parts":
        """Return a copy that stays as it is; it takes microseconds."""
        twin = Parts((), 0.0)
        twin._series, twin._count, twin._sum = self._series.copy(), self._count, self._sum
        return twin

    def dump(self) -> list[object]:
        """Return what has to survive a restart."""
        return [self._sum, list(self.each())]

    @property
    def sum(self) -> float:
        """What they weigh together, in days."""
        return self._sum

    def each(self) -> Iterator[list[float | int | None]]:
        """Give what has to survive a restart of each part."""
        return map(self._series.dump, range(self._count))

    def load(self, state: list[object], healthy: float) -> None:
        """Take over what `dump` gave; other parts begin anew. Raises `ValueError` or `TypeError`."""
        total, every = state
        if not isinstance(total, float) or not isfinite(total) or not isinstance(every, list):
            raise TypeError("not a state of parts")
        if len(every) != self._count:
            return
        for row, known in enumerate([Known.read(one) for one in every]):
            self._series.restore(row, known)
        self._weigh(healthy)
        self._sum = total
