"""The newest attempts of every assignment, as many as fit into a few intervals.

Rule of this file: memory is bounded, and what was given out never changes: whoever reads it may take his time.
"""

from collections.abc import Iterable, Iterator, Sequence

from prober.blame.evidence import Record
from prober.model import Assignment
from prober.vocabulary import Environment

KEPT = 8
"""Attempts of one assignment that are remembered at most."""
INTERVALS, SHORTEST = 4.0, 180.0
"""Intervals, and seconds at least, for which an attempt says something of now."""
Records = tuple[Record, ...]


class Picture:
    """What was remembered at one moment, `now` (epoch seconds)."""

    def __init__(self, remembered: Sequence[tuple[Records, float]], now: float) -> None:
        self._remembered = remembered
        self._now = now

    def of(self, environment: Environment) -> Iterator[Records]:
        """Give what was known of an environment then, assignment by assignment, the oldest first; some are empty."""
        now = self._now
        for records, age in self._remembered:
            if not records or records[0].environment is not environment:  # an assignment stays where it is
                yield ()
            elif now - records[0].at <= age:
                yield records
            else:
                yield tuple(record for record in records if now - record.at <= age)


class Window:
    """Records of late, by assignment. Times in epoch seconds."""

    def __init__(self, assignments: Iterable[Assignment]) -> None:
        self._records: dict[str, Records] = {}
        self.replace(assignments)

    def replace(self, assignments: Iterable[Assignment]) -> None:
        """Remember these assignments from now on; of those that stay where they are, what is remembered stays, too."""
        listed = tuple(assignments)
        self._ages = [max(INTERVALS * one.interval, SHORTEST) for one in {one.key: one for one in listed}.values()]
        self._records = {one.key: self._known(one) for one in listed}

    def _known(self, one: Assignment) -> Records:
        known = self._records.get(one.key, ())
        return known if known and known[0].environment is one.target.environment else ()

    def add(self, record: Record) -> None:
        """Remember one record."""
        self._records[record.key] = (*self._records[record.key][1 - KEPT :], record)

    def picture(self, now: float) -> Picture:
        """Return all that is remembered, at once; what comes later is not in it."""
        return Picture(list(zip(self._records.values(), self._ages, strict=True)), now)
