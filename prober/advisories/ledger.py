"""What is remembered of notices from one reading to the next: when they were first seen, and what they once were.

Rule of this file: publication is the first message's time or our first sight, whichever is earlier; never the start
that a notice names, which is set back after the fact.
"""

from collections.abc import Iterable, MutableMapping
from dataclasses import dataclass

from prober.advisories.issue import Issue

INCIDENT, ADVISORY = "incident", "advisory"


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice as it is now, with its history. Times in seconds since the epoch."""

    issue: Issue
    first_seen: float
    was_incident: bool

    @property
    def published(self) -> float:
        """When it was published, as far as can be told."""
        post = self.issue.first_post
        return self.first_seen if post is None else min(post, self.first_seen)

    @property
    def downgraded(self) -> bool:
        """Whether it was an incident, and is an advisory now."""
        return self.was_incident and self.issue.classification == ADVISORY


class Ledger:
    """The notices of the last reading. `memory` survives a restart: by id, when it was first seen, and as what."""

    def __init__(self, memory: MutableMapping[str, str] | None = None) -> None:
        self._memory: MutableMapping[str, str] = {} if memory is None else memory
        self.notices: tuple[Notice, ...] = ()

    def update(self, issues: Iterable[Issue], now: float) -> None:
        """Replace the notices by those of a new reading; what is not among them any more is forgotten."""
        self.notices = tuple(self._entered(issue, now) for issue in issues)
        for gone in set(self._memory) - {one.issue.id for one in self.notices}:
            del self._memory[gone]

    def _entered(self, issue: Issue, now: float) -> Notice:
        seen, was_incident = _remembered(self._memory.get(issue.id, ""), now)
        was_incident = was_incident or issue.classification == INCIDENT
        self._memory[issue.id] = f"{seen!r} {INCIDENT if was_incident else ADVISORY}"
        return Notice(issue, seen, was_incident)


def _remembered(text: str, now: float) -> tuple[float, bool]:
    """Return first sight and whether it was an incident; now and no where nothing is remembered."""
    seen, _, kind = text.partition(" ")
    try:
        return min(float(seen), now), kind == INCIDENT
    except ValueError:
        return now, False
