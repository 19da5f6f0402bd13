"""Evidence that a failure rate has risen: a Shiryaev-Roberts mixture over six possible rates, in days.

Rule of this file: while nothing is wrong, the expected evidence never exceeds the time that has passed (the likelihood
ratio has mean one), so evidence of N days is what a healthy series shows once in N days or less. Source: Shiryaev
(1963), Roberts (1966); the bound without independence: Shin, Ramdas, Rinaldo, "E-detectors" (2024).
"""

from math import inf

DAY = 86_400.0
GRID = (0.02, 0.05, 0.10, 0.20, 0.40, 0.90)
"""Failure rates that a trouble may have: with equal weights, none between them is found much later than by knowing."""
TOO_NEAR = 1.5
"""A grid point within so many times the healthy rate is left out: no trouble, and no evidence, in so little."""
MOST_DAYS = 1e9
MOST_RATIO, LESS = 1e200, 1e-100
"""Where one sum grows beyond this all are made so much smaller together: which is the largest must not be forgotten."""

Six = tuple[float, float, float, float, float, float]
NOTHING: Six = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def ratios(blip: float, certainty: float, healthy: float, *, failed: bool) -> tuple[float, Six]:
    """Return the failure rate expected of a healthy path, and the likelihood ratio of one result per grid point.

    `blip` is the probability of a network blip at that moment, `certainty` the failure rate within one, `healthy` the
    rate outside. With a trouble of rate p the transaction fails with `blip * certainty + (1 - blip) * p`.
    """
    inside, outside = blip * certainty, 1.0 - blip
    expected = inside + outside * healthy
    if failed:
        base, slope = inside / expected, outside / expected
    else:
        base, slope = (1.0 - inside) / (1.0 - expected), -outside / (1.0 - expected)
    g0, g1, g2, g3, g4, g5 = GRID
    return expected, (
        base + slope * g0,
        base + slope * g1,
        base + slope * g2,
        base + slope * g3,
        base + slope * g4,
        base + slope * g5,
    )


class Evidence:
    """Evidence of one series of transactions, in days. `interval`: seconds between two of them, on the average.

    Beside the mixture runs one CUSUM per grid point: where the largest was last at rest is when the trouble began.
    """

    __slots__ = ("_counts", "_cusums", "_excited", "_last", "_longest", "_resets", "_values", "interval")

    def __init__(self, interval: float, healthy: float) -> None:
        self.interval = interval
        self._longest = 5.0 * interval
        self._last: float | None = None
        self._counts = (0, 0)
        self._resets: list[tuple[float, int, int]] = [(0.0, 0, 0)] * len(GRID)
        self.reset(healthy)

    def reset(self, healthy: float) -> None:
        """Begin anew, in the state that a healthy series of this interval rests in."""
        step = self.interval / DAY
        rests = [(1.0 - p) / (1.0 - min(healthy, p / TOO_NEAR)) for p in GRID]
        self._values: Six = tuple(step * one / (1.0 - one) for one in rests)  # type: ignore[assignment]  # six of six
        self._cusums: Six = NOTHING
        self._excited = False

    def update(self, at: float, ratio: Six, *, failed: bool) -> float:
        """Take in one transaction at `at` (epoch seconds); return the seconds since the one before.

        A gap of more than five intervals counts as five: time in which nothing was asked is no time without failures,
        and must not ripen into evidence.
        """
        gap = self._gap(at)
        d = gap / DAY
        r0, r1, r2, r3, r4, r5 = self._values
        l0, l1, l2, l3, l4, l5 = ratio
        values: Six = ((r0 + d) * l0, (r1 + d) * l1, (r2 + d) * l2, (r3 + d) * l3, (r4 + d) * l4, (r5 + d) * l5)
        count, failures = self._counts
        if failed:
            self._values = tuple([min(one, MOST_DAYS) for one in values])  # type: ignore[assignment]  # six of six
            self._excite(at, ratio)
            self._counts = (count + 1, failures + 1)
            return gap
        self._values = values
        self._counts = (count + 1, failures)
        if self._excited:
            c0, c1, c2, c3, c4, c5 = self._cusums
            self._cusums = (c0 * l0, c1 * l1, c2 * l2, c3 * l3, c4 * l4, c5 * l5)
            self._excited = max(self._cusums) > 1.0
        return gap

    def _gap(self, at: float) -> float:
        """Return the seconds since the last transaction, within reason. A clock set back makes no time pass."""
        gap = self.interval if self._last is None else at - self._last
        self._last = at
        return 0.0 if gap < 0.0 else min(gap, self._longest)

    def _excite(self, at: float, ratio: Six) -> None:
        """Take a failure into the CUSUMs; one that was at rest begins here."""
        cusums = list(self._cusums)
        for index, factor in enumerate(ratio):
            if cusums[index] <= 1.0:
                cusums[index] = 1.0
                self._resets[index] = (at, *self._counts)
            cusums[index] *= factor
        if max(cusums) > MOST_RATIO:
            cusums = [one * LESS for one in cusums]
        self._cusums = tuple(cusums)  # type: ignore[assignment]  # six of six
        self._excited = max(cusums) > 1.0

    def days(self, healthy: float) -> float:
        """Return the evidence in days: the mean over the grid points that differ enough from the healthy rate."""
        values = self._values
        if TOO_NEAR * healthy < GRID[0]:
            return sum(values) / 6.0
        kept = [value for value, p in zip(values, GRID, strict=True) if p > TOO_NEAR * healthy]
        return sum(kept) / len(kept)

    @property
    def change(self) -> float:
        """When the trouble began, as far as this series knows (epoch seconds); 0 while all is quiet."""
        return self._resets[self._best()][0] if self._excited else 0.0

    @property
    def since_change(self) -> tuple[int, int]:
        """Failures and transactions since then."""
        _, count, failures = self._resets[self._best()]
        return self._counts[1] - failures, self._counts[0] - count

    @property
    def last(self) -> float | None:
        """When the last transaction was taken in (epoch seconds)."""
        return self._last

    def _best(self) -> int:
        return max(range(len(GRID)), key=self._cusums.__getitem__)

    def dump(self) -> list[float | int | None]:
        """Return all there is to know, as a flat list; floats come back from JSON bit by bit."""
        resets = [part for reset in self._resets for part in reset]
        return [*self._values, *self._cusums, *resets, *self._counts, self._last]

    def load(self, state: list[float]) -> None:
        """Take over what `dump` gave. Raises `ValueError` for anything else."""
        size = 5 * len(GRID) + 3
        if len(state) != size or not all(_counts(one) for one in state[:-1]):
            raise ValueError("not a state of evidence")
        self._values = tuple(map(float, state[:6]))  # type: ignore[assignment]  # six of six
        self._cusums = tuple(map(float, state[6:12]))  # type: ignore[assignment]  # six of six
        self._resets = [(float(state[i]), int(state[i + 1]), int(state[i + 2])) for i in range(12, 30, 3)]
        self._counts = (int(state[30]), int(state[31]))
        self._last = None if state[32] is None else float(state[32])
        self._excited = max(self._cusums) > 1.0


def _counts(value: object) -> bool:
    """Whether this is a number that a sum, a time or a count can be: nothing may come back that poisons every sum."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value < inf
