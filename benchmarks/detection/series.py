"""One series on its own, from failure to failure: false alarms and delays of the mixture, beside the limit.

Rule of this file: what happens between two failures is put in closed form, for a healthy model without blips; `Jumping`
gives the same evidence as the detector's own class, transaction by transaction (a test holds it to that).
"""

from collections.abc import Iterator, Sequence
from math import floor, log
from types import MappingProxyType

from benchmarks.detection.generator import Stream
from benchmarks.detection.limits import BASES, BUDGET, INTERVALS, RATES
from prober.detect.mixture import DAY, GRID, SHORT, TOO_NEAR, Evidence, aimed, ratios

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

    @property
    def days(self) -> float:
        """The evidence in days."""
        return sum([self._values[index] for index in self._kept]) / len(self._kept)

    def fail(self) -> float:
        """Take in a failure; return the evidence in days."""
        step = self._step
        self._values = values = [(one + step) * factor for one, factor in zip(self._values, self._up, strict=True)]
        return sum([values[index] for index in self._kept]) / len(self._kept)


class Aiming(Jumping):
    """The same, aimed at `target` days as in the guaranteed setting: it walks while a failure may reach them."""

    __slots__ = ("_failing", "_healthy", "_target")

    def __init__(self, interval: float, healthy: float, target: float) -> None:
        super().__init__(interval, healthy)
        self._healthy = healthy
        self._failing = ratios(0.0, 0.0, healthy, failed=True)
        self._target = target + self.days

    def _far(self) -> bool:
        """Return whether a failure falls too short of the target now, and so also after any number of successes."""
        after = sum([(self._values[index] + self._step) * self._up[index] for index in self._kept])
        return SHORT * after < self._target * len(self._kept)

    def _factor(self, *, failed: bool) -> float:
        sums = [one + self._step for one in self._values]
        return aimed(sums, self._failing, self._target, self._healthy, failed=failed)

    def _scale(self, factor: float) -> None:
        for index in self._kept:
            self._values[index] *= factor

    def succeed(self, count: int) -> None:
        """Take in so many successes."""
        while count > 0 and not self._far():
            factor = self._factor(failed=False)
            super().succeed(1)
            self._scale(factor)
            count -= 1
        if count:
            super().succeed(count)

    def fail(self) -> float:
        """Take in a failure; return the evidence in days."""
        factor = self._factor(failed=True)
        super().fail()
        self._scale(factor)
        return self.days


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


def delays(base: float, interval: int, rate: float, replicate: int, simulated: float) -> tuple[int, int] | None:
    """Return how many transactions after a change a simulated threshold is reached, and the guaranteed one.

    `None` when either was reached before the change.
    """
    plain = _delay(base, interval, rate, replicate, Jumping(interval, base), simulated)
    sure = _delay(base, interval, rate, replicate, Aiming(interval, base, BUDGET), BUDGET)
    return None if plain is None or sure is None else (plain, sure)


def _delay(base: float, interval: int, rate: float, replicate: int, evidence: Jumping, threshold: float) -> int | None:
    number, left = NUMBERS[base, interval, rate], BURN_IN
    for gap in gaps(Stream(number, replicate, HEALTHY), base):
        if gap >= left:
            evidence.succeed(left)
            break
        evidence.succeed(gap)
        left -= gap + 1
        if evidence.fail() >= threshold:
            return None
    count = 0
    for gap in gaps(Stream(number, replicate, CHANGED), rate):
        evidence.succeed(gap)
        count += gap + 1
        if evidence.fail() >= threshold:
            return count
    raise AssertionError("the gaps never end")


def guaranteed_run(base: float, interval: int, replicate: int) -> float:
    """Return the days until a healthy series pages falsely by the guaranteed setting."""
    evidence, count = Aiming(interval, base, BUDGET), 0
    for gap in gaps(Stream(NUMBERS[base, interval, RATES[0]], replicate, HEALTHY), base):
        evidence.succeed(gap)
        count += gap + 1
        if evidence.fail() >= BUDGET:
            return count * interval / DAY
    raise AssertionError("the gaps never end")
