"""Values with their 95 % limits.

Rule of this file: a simulated value never stands alone.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, exp, floor, inf, log, sqrt
from statistics import fmean, pvariance

from prober.detect.interval import clopper_pearson

Z = 1.96


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value, and between which limits it lies with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def spread(self) -> float:
        """Standard error of the logarithm."""
        return log(self.high / self.low) / (2.0 * Z) if self.low > 0.0 else inf


def exactly(value: float) -> Estimate:
    """Return a value that was not simulated, or was counted."""
    return Estimate(value, value, value)


def mean(values: Sequence[float]) -> Estimate:
    """Return the mean, with the limits of the normal approximation."""
    value = fmean(values)
    error = Z * sqrt(pvariance(values) / len(values))
    return Estimate(value, max(value - error, 0.0), value + error)


def quantile(values: Sequence[float], share: float) -> Estimate:
    """Return the smallest value that at least `share` of them do not exceed; the limits are order statistics."""
    ordered, count = sorted(values), len(values)
    error = Z * sqrt(count * share * (1.0 - share))
    places = (ceil(count * share) - 1, floor(count * share - error) - 1, ceil(count * share + error) - 1)
    value, low, high = (ordered[min(max(place, 0), count - 1)] for place in places)
    return Estimate(value, low, high)


def share(hits: int, count: int) -> Estimate:
    """Return hits as a share of `count`, with exact limits."""
    return Estimate(hits / count, *clopper_pearson(hits, count))


def between(days: float, pages: int) -> Estimate:
    """Return the mean time between pages in days, with exact Poisson limits; without a page it is at least all days."""
    fewest = _mean_with(lambda mu: 1.0 - _poisson(pages - 1, mu), 0.025) if pages else 0.0
    most = _mean_with(lambda mu: 1.0 - _poisson(pages, mu), 0.975)
    return Estimate(days / max(pages, 1), days / most, days / fewest if fewest else inf)


def _poisson(count: int, mu: float) -> float:
    """Return the probability of at most `count`."""
    term = total = exp(-mu)
    for one in range(1, count + 1):
        term *= mu / one
        total += term
    return min(total, 1.0)


def _mean_with(probability: Callable[[float], float], wanted: float) -> float:
    low, high = 0.0, 700.0
    for _ in range(80):
        middle = (low + high) / 2.0
        low, high = (middle, high) if probability(middle) < wanted else (low, middle)
    return high


def ratio(one: Estimate, other: Estimate) -> Estimate:
    """Return one as a multiple of the other, as if they were independent: the limits are wider than need be."""
    return _scaled(log(one.value / other.value), sqrt(one.spread**2 + other.spread**2))


def geometric(values: Sequence[Estimate]) -> Estimate:
    """Return the geometric mean of independent values."""
    count = len(values)
    return _scaled(fmean(log(one.value) for one in values), sqrt(sum(one.spread**2 for one in values)) / count)


def _scaled(logarithm: float, error: float) -> Estimate:
    return Estimate(exp(logarithm), exp(logarithm - Z * error), exp(min(logarithm + Z * error, 700.0)))
