"""Who is due when: pure arithmetic over absolute deadlines; nothing here waits, runs or reads a clock.

Rule of this file: a deadline is computed from the first one, never from when something happened.
"""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from math import floor
from zlib import crc32

from prober.model import Assignment

TOLERANCE = 5.0
"""Seconds a start may be late before its slot is given up, where half the interval is not shorter still."""

GAP = 0.005
"""Seconds between two starts of one interval, where there is room: what one attempt computes at once, several times."""


def fraction(key: str) -> float:
    """Return a number in [0, 1) that depends on `key` alone: the same after every restart, on every machine."""
    return crc32(key.encode()) / 2**32


def shifts(assignments: Iterable[Assignment]) -> dict[str, float]:
    """Return by how many seconds each assignment starts later than its key alone says, so that none meet.

    Hashes come in clusters, and of those that start together all but the first wait: among assignments of one interval
    each keeps `GAP` from the one before, or nine tenths of an even share where they are too many for that. It depends
    on the assignments alone, and so is the same after a restart.

    - interval 60, fractions 0.25, 0.25001 and 0.9: 0, 4.4 ms, 0.
    """
    alike: dict[float, list[tuple[float, str]]] = {}
    for one in assignments:
        alike.setdefault(one.interval, []).append((fraction(one.key) * one.interval, one.key))
    found: dict[str, float] = {}
    for interval, places in alike.items():
        gap = min(GAP, 0.9 * interval / len(places))
        free = 0.0
        for _ in range(2):  # once more, since the last of one period may reach into the next
            free = max(0.0, free - interval)
            for place, key in sorted(places):
                found[key] = max(0.0, free - place)
                free = place + found[key] + gap
    return found


def first_slot(key: str, interval: float, *, now: float, epoch: float, shift: float = 0.0) -> float:
    """Return the first deadline at or after `now` (monotonic), `epoch` being the same instant in seconds since 1970.

    `shift` is what `shifts` says.

    Offsets are tied to the wall clock, so a restart neither shifts a phase nor brings every first attempt at once:

    - interval 60, fraction 0.25: due at :15 of every minute. Started at 12:00:10, it waits 5 s;
      started at 12:00:20, it waits 55 s; restarted a minute later, it is due at :15 again.
    - interval 60, a hundred keys: their offsets are spread over the minute, about 0.6 s apart.
    - interval 120, fraction 0.25: due 30 s into every even minute.
    """
    return now + (fraction(key) * interval + shift - epoch) % interval


def slots(key: str, interval: float, since: float, until: float) -> int:
    """Return how many deadlines lie after `since` and not after `until`, both in seconds since 1970.

    By the key alone: those within a `shift` of either end may fall on its other side.

    Interval 60, fraction 0.25: between 12:00:10 and 12:02:15 there are 12:00:15, 12:01:15 and 12:02:15.
    """
    offset = fraction(key) * interval
    return max(0, floor((until - offset) / interval) - floor((since - offset) / interval))


@dataclass(frozen=True, slots=True)
class Due:
    """One slot taken from the plan. `start` is false when the slot itself came too late to be used.

    `intended` is the deadline on the monotonic clock; `missed` counts the slots given up, this one included when it
    is not to start.
    """

    assignment: Assignment
    intended: float
    missed: int
    start: bool


@dataclass(slots=True)
class _Row:
    """One assignment's deadlines: `first + passed * interval`, so that no rounding ever adds up."""

    assignment: Assignment
    first: float
    passed: int = 0

    @property
    def deadline(self) -> float:
        return self.first + self.passed * self.assignment.interval


class Plan:
    """A heap of absolute deadlines, one per assignment.

    With interval 60 and a first deadline at 15, `take` gives:

    - at 15.000: the slot of 15, started; the next is 75, however long the attempt lasts.
    - at 75.004: the slot of 75, started 4 ms late; the next is 135, not 135.004.
    - first asked again at 262, after a suspension: 135 and 195 are missed, 255 is 7 s late, beyond the tolerance,
      and missed too; nothing starts, the next is 315.
    - first asked again at 257 instead: 135 and 195 are missed, 255 is 2 s late and started; the next is 315.

    So a suspension is followed by no burst: what was due meanwhile is counted, not made up for.
    """

    def __init__(self, assignments: Iterable[Assignment], *, now: float, epoch: float) -> None:
        self._heap: list[tuple[float, str, _Row]] = []
        self.replace(assignments, now=now, epoch=epoch)

    def replace(self, assignments: Iterable[Assignment], *, now: float, epoch: float) -> None:
        """Go by `assignments` from now on; whoever keeps key and interval keeps its deadlines to the bit."""
        known = {(key, row.assignment.interval): row for _, key, row in self._heap}
        wanted = list(assignments)
        later = shifts(wanted)
        rows = [self._row(one, known.get((one.key, one.interval)), now, epoch, later[one.key]) for one in wanted]
        self._heap = [(row.deadline, row.assignment.key, row) for row in rows]
        heapq.heapify(self._heap)

    @property
    def next_deadline(self) -> float | None:
        """The earliest deadline on the monotonic clock, `None` when there is nothing to do at all."""
        return self._heap[0][0] if self._heap else None

    def _row(self, one: Assignment, known: _Row | None, now: float, epoch: float, shift: float) -> _Row:
        if known is None:
            return _Row(one, first_slot(one.key, one.interval, now=now, epoch=epoch, shift=shift))
        known.assignment = one
        return known

    def take(self, now: float) -> Due | None:
        """Take the earliest slot that is due at `now` and put that assignment's next one, which lies after `now`."""
        if not self._heap or self._heap[0][0] > now:
            return None
        _, key, row = self._heap[0]
        due = _latest(row, now)
        row.passed += 1
        heapq.heapreplace(self._heap, (row.deadline, key, row))
        return due


def _latest(row: _Row, now: float) -> Due:
    """Advance `row` to its latest slot that is due at `now`, and decide whether that one is still worth starting."""
    interval = row.assignment.interval
    skipped = floor((now - row.deadline) / interval)
    row.passed += skipped
    start = now - row.deadline <= min(TOLERANCE, interval / 2)
    return Due(row.assignment, row.deadline, skipped + (not start), start)
