"""What happened last on each assignment: the data behind the pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from math import inf
from typing import Any

from prober.model import Assignment, Outcome
from prober.transaction import Client
from prober.verdict import Judgement
from prober.vocabulary import Verdict


@dataclass(frozen=True, slots=True)
class Row:
    """One assignment as pages show it: its last attempt, and what was counted since the prober began.

    `certificate_not_after` is the earliest end of a server's certificate that the last attempt was shown.
    """

    client: str
    summary: str
    target: str
    depth: str
    verdict: str = "pending"
    reason: str = ""
    code: str = ""
    blame: str = ""
    step: str = ""
    because: str = ""
    ended_at: str = ""
    duration: float | None = None
    certificate_not_after: str | None = None
    attempts: int = 0
    ok: int = 0
    slow: int = 0
    failed: int = 0
    title: str = ""
    environment: str = ""
    region: str = ""

    @property
    def counted(self) -> int:
        """Attempts that belong in the denominator of availability."""
        return self.ok + self.slow + self.failed


class _Line:
    """What is known of one assignment: noted with every attempt, and made a row of when somebody looks."""

    __slots__ = ("certificate_not_after", "counts", "duration", "judgement", "row", "stale", "started_at", "step")

    def __init__(self, row: Row) -> None:
        self.row = row
        self.stale = False
        self.counts = dict.fromkeys(Verdict, 0)
        self.judgement: Judgement | None = None
        self.step = ""
        self.started_at: datetime | None = None
        self.duration: float | None = None
        self.certificate_not_after: float | None = None

    def shown(self) -> Row:
        """Return the row as it is now."""
        judgement, started_at, until = self.judgement, self.started_at, self.certificate_not_after
        if self.stale and judgement is not None and started_at is not None:
            self.row = replace(
                self.row,
                verdict=judgement.verdict.value,
                reason=judgement.reason.value if judgement.reason else "",
                code=judgement.code,
                blame=judgement.domain.value if judgement.domain else "",
                step=self.step,
                because=judgement.because,
                ended_at=started_at.isoformat(timespec="seconds"),
                duration=self.duration,
                certificate_not_after=None if until is None else _utc(until),
                attempts=sum(self.counts.values()),
                ok=self.counts[Verdict.OK],
                slow=self.counts[Verdict.SLOW],
                failed=self.counts[Verdict.FAILED],
            )
            self.stale = False
        return self.row


class StatusBoard:
    """A sink that remembers the last attempt of each assignment."""

    def __init__(self, assignments: Iterable[Assignment], catalogue: Mapping[str, Client[Any]]) -> None:
        self._catalogue = catalogue
        self._lines: dict[str, _Line] = {}
        self.configure(assignments)

    def configure(self, assignments: Iterable[Assignment]) -> None:
        """Show these assignments from now on; what happened last on those that stay is shown on."""
        self._lines = {one.key: self._line(one) for one in assignments}

    def _line(self, one: Assignment) -> _Line:
        known = self._lines.get(one.key)
        if known is None:
            return _Line(_untried(one, self._catalogue[one.client]))
        target = one.target
        place = target.environment.value
        known.row = replace(known.row, depth=one.depth.value, environment=place, region=target.region)
        return known

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Remember one finished attempt."""
        line = self._lines[assignment.key]
        line.stale = True
        line.counts[judgement.verdict] += 1
        line.judgement = judgement
        line.step = outcome.failure.step if outcome.failure is not None else ""
        line.started_at = outcome.started_at
        line.duration = outcome.duration
        if outcome.certificate_ends < inf:
            line.certificate_not_after = outcome.certificate_ends

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every assignment, in the order of the configuration."""
        return tuple([line.shown() for line in self._lines.values()])


def _untried(assignment: Assignment, client: Client[Any]) -> Row:
    target = assignment.target
    return Row(
        client.name,
        client.summary,
        target.name,
        assignment.depth.value,
        title=client.title or client.name,
        environment=target.environment.value,
        region=target.region,
    )


def _utc(epoch: float) -> str:
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds")
