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
WHOLE_BELOW = GRID[0] / TOO_NEAR
"""Below this healthy rate none is left out, and the evidence is the mean over the whole grid."""
LONGEST = 5.0
"""Intervals for which a longer gap counts."""
MOST_DAYS = 1e9
MOST_RATIO, LESS = 1e200, 1e-100
"""Where one sum grows beyond this all are made so much smaller together: which is the largest must not be forgotten."""

Six = tuple[float, float, float, float, float, float]
NOTHING: Six = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
Moment = tuple[float, int, int]
"""A time (epoch seconds), and how many transactions and failures there were before it."""
NEVER: Moment = (0.0, 0, 0)


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

    `pooled` is the mean over the whole grid. Beside the mixture runs one CUSUM per grid point, from a failure on until
    all is quiet again: where the largest was last at rest is when the trouble began.
    """

    __slots__ = ("_count", "_failures", "_last", "_trouble", "_values", "interval", "pooled")

    def __init__(self, interval: float, healthy: float) -> None:
        self.interval = interval
        self._last: float | None = None
        self._count = 0
        self._failures = 0
        self._values: Six = NOTHING
        self.pooled = 0.0
        self.reset(healthy)

    def reset(self, healthy: float) -> None:
        """Begin anew, in the state that a healthy series of this interval rests in."""
        step = self.interval / DAY
        rests = [(1.0 - p) / (1.0 - min(healthy, p / TOO_NEAR)) for p in GRID]
        self._trouble: _Trouble | None = None
        self._take(tuple([step * one / (1.0 - one) for one in rests]))  # type: ignore[arg-type]  # six of six

    def succeed(self, at: float, ratio: Six) -> None:
        """Take in a success of a series in which no trouble was found: a suspicion that has lapsed is forgotten.

        The same as `update`, in one piece: this is what happens to a healthy fleet all day long.
        """
        last = self._last
        gap = self.interval if last is None else at - last
        if gap > LONGEST * self.interval:
            gap = LONGEST * self.interval
        elif gap < 0.0:
            gap = 0.0
        self._last = at
        self._count += 1
        d = gap / DAY
        r0, r1, r2, r3, r4, r5 = self._values
        l0, l1, l2, l3, l4, l5 = ratio
        r0 = (r0 + d) * l0
        r1 = (r1 + d) * l1
        r2 = (r2 + d) * l2
        r3 = (r3 + d) * l3
        r4 = (r4 + d) * l4
        r5 = (r5 + d) * l5
        self._values = (r0, r1, r2, r3, r4, r5)
        self.pooled = (r0 + r1 + r2 + r3 + r4 + r5) / 6.0
        if self._trouble is not None and not self._trouble.succeed(ratio):
            self._trouble = None

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
        if failed:
            self._take(tuple([min(one, MOST_DAYS) for one in values]))  # type: ignore[arg-type]  # six of six
            self._trouble = self._trouble or _Trouble()
            self._trouble.fail((at, self._count, self._failures), ratio)
            self._failures += 1
        else:
            self._take(values)
            if self._trouble is not None:
                self._trouble.succeed(ratio)
        self._count += 1
        return gap

    def _take(self, values: Six) -> None:
        r0, r1, r2, r3, r4, r5 = values
        self._values = values
        self.pooled = (r0 + r1 + r2 + r3 + r4 + r5) / 6.0

    def _gap(self, at: float) -> float:
        """Return the seconds since the last transaction, within reason. A clock set back makes no time pass."""
        gap = self.interval if self._last is None else at - self._last
        self._last = at
        return 0.0 if gap < 0.0 else min(gap, LONGEST * self.interval)

    def days(self, healthy: float) -> float:
        """Return the evidence in days: the mean over the grid points that differ enough from the healthy rate."""
        if healthy < WHOLE_BELOW:
            return self.pooled
        kept = [value for value, p in zip(self._values, GRID, strict=True) if p > TOO_NEAR * healthy]
        return sum(kept) / len(kept)

    @property
    def change(self) -> float:
        """When the trouble began, as far as this series knows (epoch seconds); 0 while all is quiet."""
        return self._trouble.beginning[0] if self._trouble is not None and self._trouble.excited else 0.0

    @property
    def since_change(self) -> tuple[int, int]:
        """Failures and transactions since then."""
        _, count, failures = NEVER if self._trouble is None else self._trouble.beginning
        return self._failures - failures, self._count - count

    @property
    def last(self) -> float | None:
        """When the last transaction was taken in (epoch seconds)."""
        return self._last

    def dump(self) -> list[float | int | None]:
        """Return all there is to know, as a flat list; floats come back from JSON bit by bit."""
        trouble = self._trouble or _Trouble()
        resets = [part for reset in trouble.resets for part in reset]
        return [*self._values, *trouble.cusums, *resets, self._count, self._failures, self._last]

    def load(self, state: list[float]) -> None:
        """Take over what `dump` gave. Raises `ValueError` for anything else."""
        size = 5 * len(GRID) + 3
        if len(state) != size or not all(_counts(one) for one in state[:-1]):
            raise ValueError("not a state of evidence")
        last = None if state[32] is None else float(state[32])
        self._take(tuple(map(float, state[:6])))  # type: ignore[arg-type]  # six of six
        self._trouble = _Trouble() if any(state[6:12]) else None
        if self._trouble is not None:
            self._trouble.cusums = tuple(map(float, state[6:12]))  # type: ignore[assignment]  # six of six
            self._trouble.resets = [(float(state[i]), int(state[i + 1]), int(state[i + 2])) for i in range(12, 30, 3)]
        self._count, self._failures, self._last = int(state[30]), int(state[31]), last


class _Trouble:
    """What may be one: a CUSUM per grid point, and when each began, after how many transactions and failures."""

    __slots__ = ("cusums", "resets")

    def __init__(self) -> None:
        self.cusums: Six = NOTHING
        self.resets: list[Moment] = [NEVER] * len(GRID)

    @property
    def excited(self) -> bool:
        """Whether any is above its rest."""
        return max(self.cusums) > 1.0

    @property
    def beginning(self) -> Moment:
        """Where the largest began."""
        return self.resets[max(range(len(GRID)), key=self.cusums.__getitem__)]

    def succeed(self, ratio: Six) -> bool:
        """Take in a success, unless all is at rest; return whether it is not."""
        cusums = self.cusums
        if max(cusums) <= 1.0:
            return False
        c0, c1, c2, c3, c4, c5 = cusums
        l0, l1, l2, l3, l4, l5 = ratio
        self.cusums = (c0 * l0, c1 * l1, c2 * l2, c3 * l3, c4 * l4, c5 * l5)
        return max(self.cusums) > 1.0

    def fail(self, now: Moment, ratio: Six) -> None:
        """Take in a failure; what was at rest begins here."""
        cusums = list(self.cusums)
        for index, factor in enumerate(ratio):
            if cusums[index] <= 1.0:
                cusums[index] = 1.0
                self.resets[index] = now
            cusums[index] *= factor
        if max(cusums) > MOST_RATIO:
            cusums = [one * LESS for one in cusums]
        self.cusums = tuple(cusums)  # type: ignore[assignment]  # six of six


def _counts(value: object) -> bool:
    """Whether this is a number that a sum, a time or a count can be: nothing may come back that poisons every sum."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value < inf
