"""What a monitoring server that scrapes every 15 seconds knows of the fleet.

Rule of this file: a gauge holds the last result until the next; a range has its left end open, as in Prometheus 3; and
`increase` extrapolates to the ends of the range as the server does, also towards a counter's start at zero.
"""

from bisect import bisect_right
from collections.abc import Sequence

from benchmarks.detection.generator import PERIOD

TICK = 15_000
"""Milliseconds between two scrapes, and between two evaluations of the rules."""


class Scrapes:
    """One cell as scraped: a gauge that is zero after a failure, a counter of failures, one of transactions.

    `first` is when its first transaction was, `failures` when it failed, all in ms on the base schedule.
    """

    __slots__ = ("_first", "failures", "zeros")

    def __init__(self, first: int, failures: Sequence[int]) -> None:
        self._first = first
        self.failures = failures
        self.zeros = [tick for at in failures for tick in range(following(at), following(at + PERIOD))]
        """The ticks at which the gauge is zero."""

    def unavailable(self, tick: int, width: int) -> float:
        """Return one minus `avg_over_time` of the gauge over the last `width` ticks; all was well before the run."""
        return (bisect_right(self.zeros, tick) - bisect_right(self.zeros, tick - width)) / width

    def failed(self, tick: int, width: int) -> float:
        """Return `increase` of the counter of failures over the last `width` ticks."""
        count = bisect_right(self.failures, tick * TICK)
        before = bisect_right(self.failures, max(tick - width + 1, 0) * TICK)
        return increase(before, count, tick, width) if count > before else 0.0

    def finished(self, tick: int, width: int) -> float:
        """Return `increase` of the counter of transactions over the last `width` ticks."""
        return increase(self._count(max(tick - width + 1, 0)), self._count(tick), tick, width)

    def _count(self, tick: int) -> int:
        return max((tick * TICK - self._first) // PERIOD + 1, 0)


def increase(before: int, now: int, tick: int, width: int) -> float:
    """Return what the server makes of a counter that went from `before` to `now` within `width` ticks up to `tick`.

    The last scrape is at the right end; the first lies one tick inside the left end, if scraping is as old as that.
    Source: `extrapolatedRate` in Prometheus' documentation of `increase`: up to 1.1 average intervals to the end of the
    range are added, half an interval otherwise, and never more than takes the counter back to zero.
    """
    samples = min(width, tick + 1)
    if samples < 2:
        return 0.0
    sampled = (samples - 1) * TICK
    missing = float((width - samples + 1) * TICK)
    if now > before:
        missing = min(missing, sampled * before / (now - before)) if missing <= 1.1 * TICK else 0.5 * TICK
    return (now - before) * (sampled + missing) / sampled


def following(at: int) -> int:
    """Return the first tick at `at` (ms) or later."""
    return -(-at // TICK)
