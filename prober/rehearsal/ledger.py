"""What the prober found out, attempt by attempt, and which attempts a fault has touched.

Rule of this file: times are seconds of the one clock that prober and tenant share in a rehearsal.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from prober.model import Assignment, Outcome
from prober.verdict import Judgement

EDGE = 0.05
"""Seconds by which a fault may lie outside a step it has struck: one clock, but read at different moments."""


@dataclass(frozen=True, slots=True)
class Touch:
    """One moment at which a fault struck, as the tenant's log has it.

    `mailbox` and `site` are empty where the tenant could not tell; `steps` are those the fault is meant for, empty for
    any.
    """

    at: float
    client: str
    mailbox: str = ""
    site: str = ""
    steps: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Entry:
    """One finished attempt and when it ended."""

    assignment: Assignment
    outcome: Outcome
    judgement: Judgement
    ended: float

    @property
    def began(self) -> float:
        """When it began."""
        return self.ended - self.outcome.duration

    def spans(self, steps: frozenset[str]) -> Iterator[tuple[float, float]]:
        """Give beginning and end of each of `steps`, of the whole attempt where none is named."""
        if not steps:
            yield self.began, self.ended
            return
        at = self.began
        for result in self.outcome.results:
            took = result.elapsed or 0.0
            if result.step in steps and result.elapsed is not None:
                yield at, at + took
            at += took


@dataclass(slots=True)
class Ledger:
    """All finished attempts, in the order in which they ended. It is told of them like any other observer."""

    clock: Callable[[], float]
    entries: list[Entry] = field(default_factory=list)

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Take note of one finished attempt."""
        self.entries.append(Entry(assignment, outcome, judgement, self.clock()))

    def since(self, start: float) -> list[Entry]:
        """Return what ended after `start`."""
        return [entry for entry in self.entries if entry.ended > start]


def touched(entries: Iterable[Entry], touches: Iterable[Touch], site_of: Callable[[str], str]) -> list[Entry]:
    """Return the attempts whose time holds a fault meant for them. `site_of` gives the site of a target by its name."""
    by_client: dict[str, list[Touch]] = {}
    for touch in touches:
        by_client.setdefault(touch.client, []).append(touch)
    return [
        entry
        for entry in entries
        if any(_hit(entry, touch, site_of) for touch in by_client.get(entry.assignment.client, ()))
    ]


def _hit(entry: Entry, touch: Touch, site_of: Callable[[str], str]) -> bool:
    target = entry.assignment.target
    if touch.mailbox and touch.mailbox.lower() != (target.mailbox or "").lower():
        return False
    if not touch.mailbox and touch.site and touch.site != site_of(target.name):
        return False
    return any(began - EDGE <= touch.at <= ended + EDGE for began, ended in entry.spans(touch.steps))
