"""What every cell said since any moment: running totals, and copies of them from the past.

Rule of this file: constant memory. What was said since a moment is a difference of two totals, so the past may be
thinned out as it grows older without losing anything but resolution.
"""

from array import array
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import dataclass

POINTS = 6
"""Grid points of the mixture: a transaction has one log likelihood ratio for each."""
WIDTH = POINTS + 1
"""Numbers per cell before the failures by step: the sums of the ratios, and how many transactions."""
PERIOD = 15.0
"""Seconds between two copies."""
MOST = 256
"""Copies that are kept; when there are more, they are thinned out."""
RESOLUTION = 16.0
"""After thinning, copies of age t lie about t/16 apart: a change an hour ago is known to four minutes."""
LATE = 300.0
"""A transaction this many seconds older than others counts with them; one older still means a clock set back."""


Sums = tuple[float, float, float, float, float, float]
"""Log likelihood ratios, added up, for each grid point."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """What was said from one moment on: per cell the sums of log ratios, and the transactions; failures by step."""

    sums: tuple[Sums, ...]
    transactions: tuple[int, ...]
    failures: dict[str, tuple[int, ...]]


class History:
    """Totals of `cells` cells, from any moment on. Times in epoch seconds."""

    __slots__ = ("_before", "_cells", "_columns", "_from", "_starts", "_totals", "_until")

    def __init__(self, cells: int) -> None:
        self._cells = cells
        self._totals = array("d", bytes(8 * WIDTH * cells))
        self._columns: dict[str, int] = {}
        self._starts: list[float] = []
        self._before: list[array[float]] = []
        self._from = self._until = float("-inf")

    def note(self, cell: int, at: float, logs: Sequence[float], step: str | None) -> None:
        """Add one transaction; `step` is where it failed, `None` if it did not. Steps are a closed set of words."""
        if not self._from <= at < self._until:
            self._turn(at)
        totals, base = self._totals, cell * WIDTH
        l0, l1, l2, l3, l4, l5 = logs
        totals[base] += l0
        totals[base + 1] += l1
        totals[base + 2] += l2
        totals[base + 3] += l3
        totals[base + 4] += l4
        totals[base + 5] += l5
        totals[base + 6] += 1.0
        if step is not None:
            totals[self._column(step) + cell] += 1.0

    def since(self, at: float) -> Stretch:
        """Return what was said from `at` on, or from the start of the stretch of 15 s or more that it falls into."""
        before = self._at(at)
        every = [self._said(cell, before) for cell in range(self._cells)]
        return Stretch(
            sums=tuple(sums for sums, _, _ in every),
            transactions=tuple(transactions for _, transactions, _ in every),
            failures={step: tuple(steps[step] for _, _, steps in every) for step in self._columns},
        )

    def said(self, cell: int, at: float) -> tuple[Sums, int, dict[str, int]]:
        """Return what one cell said from `at` on: its sums, its transactions, and its failures by step."""
        return self._said(cell, self._at(at))

    def _said(self, cell: int, before: "array[float]") -> tuple[Sums, int, dict[str, int]]:
        totals = self._totals
        base, known = cell * WIDTH, len(before)
        now, then = totals[base : base + WIDTH], before[base : base + WIDTH]
        said = [one - other for one, other in zip(now, then, strict=True)] if known else now
        steps = {
            step: int(totals[column + cell] - before[column + cell] if column < known else totals[column + cell])
            for step, column in self._columns.items()
        }
        return _six(said[:POINTS]), int(said[POINTS]), steps

    def _at(self, at: float) -> "array[float]":
        """Return the totals as they were before the stretch that `at` falls into."""
        return self._before[max(bisect_right(self._starts, at) - 1, 0)] if self._before else array("d")

    def copy(self) -> "History":
        """Return a copy that stays as it is; it takes microseconds, for what is past is shared."""
        twin: History = copy(self)
        twin._totals, twin._columns = self._totals[:], self._columns.copy()
        twin._starts, twin._before = self._starts[:], self._before[:]
        return twin

    def resume(self, start: float, cell: int, sums: Sums, transactions: int, failures: Mapping[str, int]) -> None:
        """Begin with what one cell said since `start`, in another life: it all counts from `start` on."""
        if not self._starts:
            self._starts, self._before = [start], [self._totals[:]]
            self._from = self._until = start
        base = cell * WIDTH
        for offset, value in enumerate((*sums, float(transactions))):
            self._totals[base + offset] += value
        for step, count in failures.items():
            self._totals[self._column(step) + cell] += count

    @property
    def copies(self) -> int:
        """How many copies of the past are kept."""
        return len(self._starts)

    def _column(self, step: str) -> int:
        found = self._columns.get(step)
        if found is None:
            found = self._columns[step] = len(self._totals)
            self._totals.frombytes(bytes(8 * self._cells))
        return found

    def _turn(self, at: float) -> None:
        """Begin a new stretch at `at`; where the clock was set back, what lay ahead of it belongs to the one before."""
        if self._from - LATE <= at < self._from:
            return
        while self._starts and self._starts[-1] > at:
            self._starts.pop()
            self._before.pop()
        self._from = at - at % PERIOD
        self._until = self._from + PERIOD
        if not self._starts or self._starts[-1] < self._from:
            self._starts.append(self._from)
            self._before.append(self._totals[:])
        if len(self._starts) > MOST:
            self._thin(at)

    def _thin(self, now: float) -> None:
        kept = [0]
        for index in range(1, len(self._starts)):
            start = self._starts[index]
            if start - self._starts[kept[-1]] >= (now - start) / RESOLUTION:
                kept.append(index)
        kept = kept[-MOST:]
        self._starts = [self._starts[index] for index in kept]
        self._before = [self._before[index] for index in kept]


def _six(values: Sequence[float]) -> Sums:
    l0, l1, l2, l3, l4, l5 = values
    return l0, l1, l2, l3, l4, l5
