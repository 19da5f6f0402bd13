"""One series on its own, from failure to failure: false alarms and delays of the mixture, beside the limit.

Rule of this file: what happens between two failures is put in closed form, for a healthy model without blips; `Jumping`
gives the same evidence as the detector's own class, transaction by transaction (a test holds it to that).
"""

from collections.abc import Iterator, Sequence
from math import floor, log
from types import MappingProxyType

from benchmarks.detection.generator import Stream
from benchmarks.detection.limits import BASES, BUDGET, INTERVALS, RATES
from prober.detect.mixture import DAY, GRID, TOO_NEAR, Evidence, ratios

BURN_IN = 5000
"""Transactions of healthy life before a change: then the mixture is in its steady state."""
HEALTHY, CHANGED = 1, 0
"""Streams of a scenario: those of its healthy life and of its trouble."""
NUMBERS = MappingProxyType(
    {
        (base, interval, rate): 101 + 21 * first + 7 * second + third
        for first, base in enumerate(BASES)
        for second, interval in enumerate(INTERVALS)
        for third, rate in enumerate(RATES)
    }
)
"""Scenario numbers of the grid, 101 to 163."""


class Jumping:
    """The evidence of one series with one healthy rate, moved on by many transactions at once."""

    __slots__ = ("_down", "_kept", "_rest", "_step", "_up", "_values")

    def __init__(self, interval: float, healthy: float) -> None:
        self._step = interval / DAY
        self._up = ratios(0.0, 0.0, healthy, failed=True)[1]
        self._down = ratios(0.0, 0.0, healthy, failed=False)[1]
        self._kept = [index for index, p in enumerate(GRID) if p > TOO_NEAR * healthy]
        self._rest = Evidence(interval, healthy).dump()[:6]
        self.reset()

    def reset(self) -> None:
        """Begin anew."""
        self._values = [float(one or 0.0) for one in self._rest]

    def succeed(self, count: int) -> None:
        """Take in so many successes: x -> (x + d) g, again and again."""
        step, values = self._step, []
        for value, factor in zip(self._values, self._down, strict=True):
            power = factor**count
            passed = count if factor == 1.0 else factor * (1.0 - power) / (1.0 - factor)
            values.append(value * power + step * passed)
        self._values = values

    def fail(self) -> float:
        """Take in a failure; return the evidence in days."""
        step = self._step
        self._values = values = [(one + step) * factor for one, factor in zip(self._values, self._up, strict=True)]
        return sum([values[index] for index in self._kept]) / len(self._kept)


def gaps(stream: Stream, p: float) -> Iterator[int]:
    """Give the numbers of successes before each failure, if each transaction fails with probability `p`."""
    position = 0
    while True:
        yield 0 if p >= 1.0 else floor(log(1.0 - stream.u(position)) / log(1.0 - p))
        position += 1


def records(base: float, interval: int, replicate: int, highest: float) -> list[tuple[float, float]]:
    """Return when a healthy series first had how much evidence, as (days, evidence), up to `highest`."""
    evidence, found, most, count = Jumping(interval, base), [], 0.0, 0
    for gap in gaps(Stream(NUMBERS[base, interval, RATES[0]], replicate, HEALTHY), base):
        evidence.succeed(gap)
        count += gap + 1
        days = evidence.fail()
        if days > most:
            most = days
            found.append((count * interval / DAY, days))
            if days >= highest:
                return found
    raise AssertionError("the gaps never end")


def run_length(healthy: Sequence[Sequence[tuple[float, float]]], threshold: float) -> float:
    """Return the mean time in days until the evidence reaches a threshold."""
    return sum(next(at for at, days in one if days >= threshold) for one in healthy) / len(healthy)


def threshold(healthy: Sequence[Sequence[tuple[float, float]]], run: float = BUDGET) -> float:
    """Return the evidence that healthy series reach once in `run` days on the average."""
    low, high = 0.0, min(one[-1][1] for one in healthy)
    for _ in range(40):
        middle = (low + high) / 2.0
        low, high = (middle, high) if run_length(healthy, middle) < run else (low, middle)
    return high


def delay(base: float, interval: int, rate: float, replicate: int, thresholds: Sequence[float]) -> list[int] | None:
    """Return how many transactions after a change each of the (rising) thresholds is reached.

    `None` when the lowest was reached before the change.
    """
    number, evidence, left = NUMBERS[base, interval, rate], Jumping(interval, base), BURN_IN
    for gap in gaps(Stream(number, replicate, HEALTHY), base):
        if gap >= left:
            evidence.succeed(left)
            break
        evidence.succeed(gap)
        left -= gap + 1
        if evidence.fail() >= thresholds[0]:
            return None
    found: list[int] = []
    count = 0
    for gap in gaps(Stream(number, replicate, CHANGED), rate):
        evidence.succeed(gap)
        count += gap + 1
        days = evidence.fail()
        while days >= thresholds[len(found)]:
            found.append(count)
            if len(found) == len(thresholds):
                return found
    raise AssertionError("the gaps never end")
