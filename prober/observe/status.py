"""What happened last on each assignment: the data behind the pages."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from prober.model import Assignment, Outcome
from prober.transaction import Client
from prober.verdict import Judgement
from prober.vocabulary import Verdict

COUNTED = (Verdict.OK.value, Verdict.SLOW.value, Verdict.FAILED.value)


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


class StatusBoard:
    """A sink that remembers the last attempt of each assignment."""

    def __init__(self, assignments: Iterable[Assignment], catalogue: Mapping[str, Client[Any]]) -> None:
        self._catalogue = catalogue
        self._rows: dict[str, Row] = {}
        self.configure(assignments)

    def configure(self, assignments: Iterable[Assignment]) -> None:
        """Show these assignments from now on; what happened last on those that stay is shown on."""
        self._rows = {one.key: self._row(one) for one in assignments}

    def _row(self, one: Assignment) -> Row:
        known = self._rows.get(one.key)
        if known is not None:
            target = one.target
            place = target.environment.value
            return replace(known, depth=one.depth.value, environment=place, region=target.region)
        return _untried(one, self._catalogue[one.client])

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Remember one finished attempt."""
        known, failure = self._rows[assignment.key], outcome.failure
        counts = {one: getattr(known, one) + (judgement.verdict == one) for one in COUNTED}
        self._rows[assignment.key] = replace(
            known,
            verdict=judgement.verdict.value,
            reason=judgement.reason.value if judgement.reason else "",
            code=judgement.code,
            blame=judgement.domain.value if judgement.domain else "",
            step=failure.step if failure else "",
            because=judgement.because,
            ended_at=outcome.started_at.isoformat(timespec="seconds"),
            duration=outcome.duration,
            certificate_not_after=_not_after(outcome) or known.certificate_not_after,
            attempts=known.attempts + 1,
            **counts,
        )

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every assignment, in the order of the configuration."""
        return tuple(self._rows.values())


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


def _not_after(outcome: Outcome) -> str | None:
    """Return the earliest end of a certificate that was shown, `None` where none was."""
    ends = [one.certificate.not_after for one in outcome.results if one.certificate is not None]
    return datetime.fromtimestamp(min(ends), UTC).isoformat(timespec="seconds") if ends else None
