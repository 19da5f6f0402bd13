"""What failure rate is healthy: learned from what a path shows while it is well, and forgotten within weeks.

Rule of this file: an error must lie on the high side, for a rate assumed too low pages falsely; so it is an upper
limit, and only attempts of the schedule teach it.
"""

from math import exp, inf, log, sqrt

DAY = 86_400.0
HALF_LIFE = 7 * DAY
FLOOR, CEILING = 0.0002, 0.02
"""Above the ceiling a path is chronically failing: somebody's work, and not a normal to get used to."""
USUAL = 0.001
"""Failures per attempt where nothing is known at all."""
PRIOR = 2.0
"""Failures that the prior is worth."""
BELIEVED = 10.0
"""Failures from which a path's own rate counts in full: the good health of others must not make it look ill."""
UPPER = 0.8416
"""Quantile of the normal distribution for an upper limit of 80 %."""
STEP = 600.0
"""Seconds between two times of forgetting: a week hardly differs from a week and ten minutes."""


class Counts:
    """Failures and transactions, exponentially forgotten. Times in epoch seconds."""

    __slots__ = ("_at", "failures", "transactions")

    def __init__(self) -> None:
        self.failures = 0.0
        self.transactions = 0.0
        self._at: float | None = None

    def add(self, at: float, weight: float, *, failed: bool) -> None:
        """Count one transaction with `weight`; one that may have fallen into a blip weighs less."""
        if self._at is None or not 0.0 <= at - self._at < STEP:
            self._forget(at)
        self.transactions += weight
        if failed:
            self.failures += weight

    def _forget(self, at: float) -> None:
        """A clock set back makes nothing forgotten, and forgetting goes on from there."""
        if self._at is not None and at > self._at:
            kept = exp(-(at - self._at) * log(2.0) / HALF_LIFE)
            self.failures *= kept
            self.transactions *= kept
        self._at = at

    def dump(self) -> list[float | None]:
        """Return what there is to know."""
        return [self.failures, self.transactions, self._at]

    def load(self, state: list[float]) -> None:
        """Take over what `dump` gave. Raises `ValueError` for anything else."""
        failures, transactions, at = state
        if not 0.0 <= failures <= transactions < inf:
            raise ValueError("not a state of counts")
        self.failures, self.transactions = float(failures), float(transactions)
        self._at = None if at is None else float(at)


def believable(rate: float) -> float:
    """Return a healthy failure rate that was kept, within its bounds. Raises `ValueError` where there is no telling."""
    if not 0.0 <= rate < inf:
        raise ValueError("not a failure rate")
    return min(max(rate, FLOOR), CEILING)


def pooled(failures: float, transactions: float) -> float:
    """Return the failure rate of a whole fleet."""
    return (PRIOR + failures) / (PRIOR / USUAL + transactions)


def healthy(failures: float, transactions: float, fleet: float) -> float:
    """Return the healthy failure rate of a path: the upper 80 % limit, with the fleet's rate as prior.

    Never less than what the path itself has shown often enough.

    The gamma quantile is Wilson and Hilferty's approximation (1931). For no transactions and a fleet's rate of 0.1 %:
    0.15 %; for 20 failures among 20,000 transactions: 0.12 %.
    """
    shape = failures + PRIOR
    limit = shape * (1.0 - 1.0 / (9.0 * shape) + UPPER / (3.0 * sqrt(shape))) ** 3
    own = failures / transactions if failures >= BELIEVED else 0.0
    return min(max(limit / (transactions + PRIOR / fleet), own, FLOOR), CEILING)
