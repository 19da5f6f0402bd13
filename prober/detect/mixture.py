"""Evidence that a failure rate has risen: a Shiryaev-Roberts mixture over six possible rates, in days.

Rule of this file: while nothing is wrong, the expected evidence never exceeds the time that has passed (the likelihood
ratio has mean one), so evidence of N days is what a healthy series shows once in N days or less. Source: Shiryaev
(1963), Roberts (1966); the bound without independence: Shin, Ramdas, Rinaldo, "E-detectors" (2024).
"""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import inf, nan
from struct import Struct

DAY = 86_400.0
GRID = (0.02, 0.05, 0.10, 0.20, 0.40, 0.90)
"""Failure rates that a trouble may have: with equal weights, none between them is found much later than by knowing."""
TOO_NEAR = 1.5
"""A grid point within so many times the healthy rate is left out: no trouble, and no evidence, in so little."""
WHOLE_BELOW = GRID[0] / TOO_NEAR
"""Below this healthy rate none is left out, and the evidence is the mean over the whole grid."""
LONGEST = 5.0
"""Intervals for which a longer gap counts."""
SHORT = 1.4
"""A failure that falls short by this factor at most is made to be enough; a larger one is a bet on what is unlikely."""
SPARED = 0.8
"""A success keeps at least so much of its evidence then."""
MOST_DAYS = 1e9
MOST_RATIO, LESS = 1e200, 1e-100
"""Where one sum grows beyond this all are made so much smaller together: which is the largest must not be forgotten."""

Six = tuple[float, float, float, float, float, float]
NOTHING: Six = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
Moment = tuple[float, int, int]
"""A time (epoch seconds), and how many transactions and failures there were before it."""
NEVER: Moment = (0.0, 0, 0)

WIDTH = 13
"""Numbers of one series: when the last transaction was (NaN: never) and how many there were, the six sums, evidence as
last weighed (their mean, unless somebody knows better), the interval, the evidence and the time (epoch seconds) from
which a success takes more than a glance, and how many transactions failed."""
_LAST, _COUNT, _SUMS, _WEIGHED, _INTERVAL, _GLANCE, _UNTIL, _FAILURES = 0, 1, 2, 8, 9, 10, 11, 12
_ROW = 8 * WIDTH
"""Bytes of one series."""
_glanced = Struct("8d8x3d").unpack_from
_glance = Struct("9d").pack_into
_read = Struct("8d8xd16xd").unpack_from
_latest = Struct("d56xd").unpack_from
_ahead = Struct("d8x6d8xd").unpack_from
"""Many numbers in one call: one by one they would take three times as long."""


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


def aimed(sums: Sequence[float], failing: tuple[float, Six], target: float, healthy: float, *, failed: bool) -> float:
    """Return by what the evidence after a result is to be multiplied so that none is wasted beyond `target` days.

    `sums` are those before the result, with the time that has passed; `failing` is what `ratios` gives for a failure.
    Whatever a failure is worth beyond the target is worth nothing, so it is given to the success; and where a failure
    falls a little short of it, and a success can spare that, it is brought there at the success's cost. The expectation
    of both together stays what it was, and so does the guarantee. Source, of the former: Fischer and Ramdas, "Improving
    Wald's (approximate) sequential probability ratio test by avoiding overshoot" (2024); the latter is bold play.
    """
    expected, failure = failing
    kept = [(one, one * up) for one, up, p in zip(sums, failure, GRID, strict=True) if p > TOO_NEAR * healthy]
    before, after = sum([one for one, _ in kept]) / len(kept), sum([one for _, one in kept]) / len(kept)
    left = (before - expected * target) / (before - expected * after)
    if before >= target or SHORT * after < target or left < SPARED:
        return 1.0
    return target / after if failed else left


@dataclass(frozen=True, slots=True)
class Trouble:
    """What may be one: a CUSUM per grid point, and when each began, after how many transactions and failures."""

    cusums: Six = NOTHING
    resets: tuple[Moment, ...] = (NEVER,) * len(GRID)

    @property
    def excited(self) -> bool:
        """Whether any is above its rest."""
        return max(self.cusums) > 1.0

    @property
    def beginning(self) -> Moment:
        """Where the largest began."""
        return self.resets[max(range(len(GRID)), key=self.cusums.__getitem__)]

    def succeeded(self, ratio: Six) -> "Trouble":
        """Return what is left of it after a success; where all is at rest, itself."""
        if not self.excited:
            return self
        return Trouble(_product(self.cusums, ratio), self.resets)

    def failed(self, now: Moment, ratio: Six) -> "Trouble":
        """Return what it is after a failure; what was at rest begins here."""
        cusums, resets = self.cusums, self.resets
        if min(cusums) <= 1.0:
            resets = tuple([now if one <= 1.0 else known for one, known in zip(cusums, resets, strict=True)])
            cusums = _six([max(one, 1.0) for one in cusums])
        cusums = _product(cusums, ratio)
        if max(cusums) > MOST_RATIO:
            cusums = _six([one * LESS for one in cusums])
        return Trouble(cusums, resets)


def _product(values: Six, ratio: Six) -> Six:
    c0, c1, c2, c3, c4, c5 = values
    l0, l1, l2, l3, l4, l5 = ratio
    return c0 * l0, c1 * l1, c2 * l2, c3 * l3, c4 * l4, c5 * l5


QUIET = Trouble()


@dataclass(frozen=True, slots=True)
class Known:
    """A state of a series that was read from somewhere and can be one."""

    sums: Six
    trouble: Trouble | None
    count: int
    failures: int
    last: float | None

    @classmethod
    def read(cls, state: Sequence[float]) -> "Known":
        """Return what `Series.dump` gave. Raises `ValueError` for anything else."""
        size = 5 * len(GRID) + 3
        if len(state) != size or not all(_counts(one) for one in state[:-1]):
            raise ValueError("not a state of evidence")
        last = None if state[32] is None else float(state[32])
        trouble = None
        if any(state[6:12]):
            resets = tuple((float(state[i]), int(state[i + 1]), int(state[i + 2])) for i in range(12, 30, 3))
            trouble = Trouble(_six(state[6:12]), resets)
        return cls(_six(state[:6]), trouble, int(state[30]), int(state[31]), last)


class Series:
    """Evidence of many series of transactions, in days: a row of numbers each, side by side, for there are thousands.

    `intervals`: seconds between two transactions of each, on the average. Beside the mixture runs one CUSUM per grid
    point, from a failure on until all is quiet again: where the largest was last at rest is when the trouble began.
    Only who needs one has one.
    """

    __slots__ = ("_numbers", "_troubles")

    def __init__(self, intervals: Sequence[float], healthy: float) -> None:
        self._numbers = array("d", bytes(_ROW * len(intervals)))
        self._troubles: dict[int, Trouble] = {}
        for row, interval in enumerate(intervals):
            self._numbers[row * WIDTH + _LAST] = nan
            self._numbers[row * WIDTH + _INTERVAL] = interval
            self.look(row, -inf)
            self.reset(row, healthy)

    def __len__(self) -> int:
        return len(self._numbers) // WIDTH

    def reset(self, row: int, healthy: float) -> None:
        """Begin anew, in the state that a healthy series of this interval rests in."""
        step = self.interval(row) / DAY
        rests = [(1.0 - p) / (1.0 - min(healthy, p / TOO_NEAR)) for p in GRID]
        self._troubles.pop(row, None)
        self._begin(row, _six([step * one / (1.0 - one) for one in rests]))

    def _begin(self, row: int, sums: Six) -> None:
        base = row * WIDTH
        r0, r1, r2, r3, r4, r5 = sums
        self._numbers[base + _SUMS : base + _WEIGHED] = array("d", sums)
        self._numbers[base + _WEIGHED] = (r0 + r1 + r2 + r3 + r4 + r5) / 6.0

    # -- taking in -----------------------------------------------------------------------------------------------

    def succeed(self, rows: Iterable[int], at: float, ratio: Six) -> list[int]:
        """Take a success in at a glance, where `look` says that this is enough; return all other rows.

        Those are as they were, and want `take`. This is what happens to a healthy fleet all day long.
        """
        numbers, others = self._numbers, []
        l0, l1, l2, l3, l4, l5 = ratio
        for row in rows:
            start = row * _ROW
            last, count, r0, r1, r2, r3, r4, r5, interval, glance, until = _glanced(numbers, start)
            gap = at - last
            if gap > LONGEST * interval:
                gap = LONGEST * interval
            elif gap < 0.0:
                gap = 0.0
            d = gap / DAY
            r0 = (r0 + d) * l0
            r1 = (r1 + d) * l1
            r2 = (r2 + d) * l2
            r3 = (r3 + d) * l3
            r4 = (r4 + d) * l4
            r5 = (r5 + d) * l5
            days = (r0 + r1 + r2 + r3 + r4 + r5) / 6.0
            if days < glance and at < until:
                _glance(numbers, start, at, count + 1.0, r0, r1, r2, r3, r4, r5, days)
            else:
                others.append(row)
        return others

    def take(self, row: int, at: float, ratio: Six, *, failed: bool, forget: bool = False) -> float:
        """Take in one transaction at `at` (epoch seconds); return the seconds since the one before.

        A gap of more than five intervals counts as five: time in which nothing was asked is no time without failures,
        and must not ripen into evidence. A clock set back makes no time pass. `forget`: a suspicion that has lapsed
        with this success is forgotten, for no trouble was found.
        """
        numbers, start = self._numbers, row * _ROW
        last, count, r0, r1, r2, r3, r4, r5, interval, failures = _read(numbers, start)
        gap = _gap(at, last, interval)
        d = gap / DAY
        l0, l1, l2, l3, l4, l5 = ratio
        r0 = (r0 + d) * l0
        r1 = (r1 + d) * l1
        r2 = (r2 + d) * l2
        r3 = (r3 + d) * l3
        r4 = (r4 + d) * l4
        r5 = (r5 + d) * l5
        if failed:
            if max(r0, r1, r2, r3, r4, r5) > MOST_DAYS:
                r0, r1, r2, r3, r4, r5 = [min(one, MOST_DAYS) for one in (r0, r1, r2, r3, r4, r5)]
            known = self._troubles.get(row, QUIET)
            self._troubles[row] = known.failed((at, int(count), int(failures)), ratio)
            numbers[row * WIDTH + _FAILURES] = failures + 1.0
        elif row in self._troubles:
            self._ease(row, ratio, forget=forget)
        pooled = (r0 + r1 + r2 + r3 + r4 + r5) / 6.0
        _glance(numbers, start, at, count + 1.0, r0, r1, r2, r3, r4, r5, pooled)
        return gap

    def ahead(self, row: int, at: float) -> Six:
        """Return the six sums with the time that will have passed at `at`, before the result of then."""
        last, *sums, interval = _ahead(self._numbers, row * _ROW)
        d = _gap(at, last, interval) / DAY
        return _six([one + d for one in sums])

    def scale(self, row: int, factor: float, healthy: float) -> None:
        """Multiply the evidence, where the grid differs enough from the healthy rate."""
        numbers, base = self._numbers, row * WIDTH + _SUMS
        for index, p in enumerate(GRID):
            if p > TOO_NEAR * healthy:
                numbers[base + index] *= factor
        self._begin(row, _six(numbers[base : base + len(GRID)]))

    def _ease(self, row: int, ratio: Six, *, forget: bool) -> None:
        left = self._troubles[row].succeeded(ratio)
        if forget and not left.excited:
            del self._troubles[row]
        else:
            self._troubles[row] = left

    # -- what there is to know -----------------------------------------------------------------------------------

    def days(self, row: int, healthy: float) -> float:
        """Return the evidence in days: the mean over the grid points that differ enough from the healthy rate."""
        values = self._numbers[row * WIDTH + _SUMS : row * WIDTH + _WEIGHED]
        if healthy < WHOLE_BELOW:
            r0, r1, r2, r3, r4, r5 = values
            return (r0 + r1 + r2 + r3 + r4 + r5) / 6.0
        kept = [value for value, p in zip(values, GRID, strict=True) if p > TOO_NEAR * healthy]
        return sum(kept) / len(kept)

    def weighed(self, row: int) -> float:
        """Return the evidence in days as it was last weighed."""
        return self._numbers[row * WIDTH + _WEIGHED]

    def latest(self, row: int) -> tuple[float, float]:
        """Return the evidence in days as it was last weighed, and when the last transaction was; NaN: never."""
        last, days = _latest(self._numbers, row * _ROW)
        return days, last

    def latest_of_all(self) -> tuple["array[float]", "array[float]"]:
        """Return the same of every row: the evidence of each, and the times."""
        return self._numbers[_WEIGHED::WIDTH], self._numbers[_LAST::WIDTH]

    def weigh(self, row: int, days: float) -> None:
        """Keep what the evidence was found to weigh."""
        self._numbers[row * WIDTH + _WEIGHED] = days

    def total(self) -> float:
        """Return the evidence of all together, as each was last weighed."""
        together: float = sum(self._numbers[_WEIGHED::WIDTH])
        return together

    def look(self, row: int, days: float, until: float = inf) -> None:
        """Have `succeed` leave out this row from so many days of evidence on, and from `until` on; -inf: always."""
        self._numbers[row * WIDTH + _GLANCE] = days
        self._numbers[row * WIDTH + _UNTIL] = until

    def troubled(self, row: int) -> bool:
        """Return whether there is a trouble, be it one that has lapsed."""
        return row in self._troubles

    def excited(self, row: int) -> bool:
        """Return whether there is a trouble that has not lapsed."""
        trouble = self._troubles.get(row)
        return trouble is not None and trouble.excited

    def troubled_rows(self) -> Iterable[int]:
        """Return the rows of all that have one."""
        return self._troubles.keys()

    def interval(self, row: int) -> float:
        """Return the seconds between two transactions, on the average."""
        return self._numbers[row * WIDTH + _INTERVAL]

    def last(self, row: int) -> float | None:
        """Return when the last transaction was taken in (epoch seconds)."""
        last = self._numbers[row * WIDTH + _LAST]
        return None if last != last else last

    def change(self, row: int) -> float:
        """Return when the trouble began, as far as this series knows (epoch seconds); 0 while all is quiet."""
        trouble = self._troubles.get(row)
        return trouble.beginning[0] if trouble is not None and trouble.excited else 0.0

    def since_change(self, row: int) -> tuple[int, int]:
        """Return failures and transactions since then."""
        trouble = self._troubles.get(row)
        _, count, failures = NEVER if trouble is None else trouble.beginning
        return self._whole(row, _FAILURES) - failures, self._whole(row, _COUNT) - count

    def _whole(self, row: int, which: int) -> int:
        return int(self._numbers[row * WIDTH + which])

    # -- over restarts -------------------------------------------------------------------------------------------

    def copy(self) -> "Series":
        """Return a copy that stays as it is; it takes microseconds."""
        twin = Series((), 0.0)
        twin._numbers, twin._troubles = self._numbers[:], self._troubles.copy()
        return twin

    def dump(self, row: int) -> list[float | int | None]:
        """Return all there is to know, as a flat list; floats come back from JSON bit by bit."""
        trouble = self._troubles.get(row, QUIET)
        sums = self._numbers[row * WIDTH + _SUMS : row * WIDTH + _WEIGHED]
        resets = [part for reset in trouble.resets for part in reset]
        counts = (self._whole(row, _COUNT), self._whole(row, _FAILURES))
        return [*sums, *trouble.cusums, *resets, *counts, self.last(row)]

    def restore(self, row: int, known: Known) -> None:
        """Take over what was dumped."""
        base = row * WIDTH
        self._begin(row, known.sums)
        self._numbers[base + _LAST] = nan if known.last is None else known.last
        self._numbers[base + _COUNT], self._numbers[base + _FAILURES] = known.count, known.failures
        if known.trouble is None:
            self._troubles.pop(row, None)
        else:
            self._troubles[row] = known.trouble


class Look:
    """A look at one row of a series, for as long as somebody looks."""

    __slots__ = ("_row", "_series")

    def __init__(self, series: Series, row: int) -> None:
        self._series = series
        self._row = row

    @property
    def interval(self) -> float:
        """Seconds between two transactions, on the average."""
        return self._series.interval(self._row)

    def days(self, healthy: float) -> float:
        """Return the evidence in days: the mean over the grid points that differ enough from the healthy rate."""
        return self._series.days(self._row, healthy)

    @property
    def change(self) -> float:
        """When the trouble began, as far as this series knows (epoch seconds); 0 while all is quiet."""
        return self._series.change(self._row)

    @property
    def since_change(self) -> tuple[int, int]:
        """Failures and transactions since then."""
        return self._series.since_change(self._row)

    @property
    def last(self) -> float | None:
        """When the last transaction was taken in (epoch seconds)."""
        return self._series.last(self._row)

    def dump(self) -> list[float | int | None]:
        """Return all there is to know, as a flat list; floats come back from JSON bit by bit."""
        return self._series.dump(self._row)


class Evidence(Look):
    """Evidence of one series of transactions, all by itself. `interval`: seconds between two, on the average."""

    __slots__ = ()

    def __init__(self, interval: float, healthy: float) -> None:
        super().__init__(Series((interval,), healthy), 0)

    def update(self, at: float, ratio: Six, *, failed: bool) -> float:
        """Take in one transaction at `at` (epoch seconds); return the seconds since the one before."""
        return self._series.take(self._row, at, ratio, failed=failed)

    def load(self, state: list[float]) -> None:
        """Take over what `dump` gave. Raises `ValueError` for anything else."""
        self._series.restore(self._row, Known.read(state))


def _gap(at: float, last: float, interval: float) -> float:
    """Return the seconds since the last transaction, within reason; NaN: there was none."""
    gap = interval if last != last else at - last
    return LONGEST * interval if gap > LONGEST * interval else max(gap, 0.0)


def _six(values: Sequence[float]) -> Six:
    r0, r1, r2, r3, r4, r5 = map(float, values)
    return r0, r1, r2, r3, r4, r5


def _counts(value: object) -> bool:
    """Whether this is a number that a sum, a time or a count can be: nothing may come back that poisons every sum."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0.0 <= value < inf
