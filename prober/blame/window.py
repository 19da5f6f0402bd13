"""The newest attempts of every assignment, as many as fit into a few intervals.

Rule of this file: memory is bounded, and what is old falls away by itself.
"""

from collections import deque
from collections.abc import Iterable, Iterator

from prober.blame.evidence import Record
from prober.model import Assignment
from prober.vocabulary import Environment

KEPT = 8
"""Attempts of one assignment that are remembered at most."""
INTERVALS, SHORTEST = 4.0, 180.0
"""Intervals, and seconds at least, for which an attempt says something of now."""


class Window:
    """Records of late, by assignment. Times in epoch seconds."""

    def __init__(self, assignments: Iterable[Assignment]) -> None:
        self._records: dict[str, deque[Record]] = {}
        self.replace(assignments)

    def replace(self, assignments: Iterable[Assignment]) -> None:
        """Remember these assignments from now on; of those that stay where they are, what is remembered stays, too."""
        listed = tuple(assignments)
        self._ages = {one.key: max(INTERVALS * one.interval, SHORTEST) for one in listed}
        self._records = {one.key: self._known(one) for one in listed}

    def _known(self, one: Assignment) -> deque[Record]:
        known = self._records.get(one.key)
        stays = known and known[0].environment is one.target.environment
        return known if known and stays else deque(maxlen=KEPT)

    def add(self, record: Record) -> None:
        """Remember one record."""
        self._records[record.key].append(record)

    def of(self, environment: Environment, now: float) -> tuple[Record, ...]:
        """Return what is remembered of an environment, oldest first within each assignment."""
        return tuple(self._recent(environment, now))

    def _recent(self, environment: Environment, now: float) -> Iterator[Record]:
        for key, records in self._records.items():
            while records and now - records[0].at > self._ages[key]:
                records.popleft()
            if records and records[0].environment is environment:  # an assignment stays where it is
                yield from records
