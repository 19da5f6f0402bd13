"""What happened last on each assignment, and the failures of late: the data behind the pages."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from prober.model import Assignment, Outcome
from prober.observe.report import as_json
from prober.transaction import Client
from prober.verdict import Judgement

FAILURES_KEPT = 200


@dataclass(frozen=True, slots=True)
class Row:
    """One assignment as pages show it."""

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


class StatusBoard:
    """A sink that remembers: the last attempt of each assignment, and a bounded list of failures with evidence."""

    def __init__(self, assignments: Iterable[Assignment], catalogue: Mapping[str, Client[Any]]) -> None:
        self._rows = {
            one.key: Row(one.client, catalogue[one.client].summary, one.target.name, one.depth) for one in assignments
        }
        self.failures: deque[dict[str, Any]] = deque(maxlen=FAILURES_KEPT)

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Remember one finished attempt."""
        known, failure = self._rows[assignment.key], outcome.failure
        self._rows[assignment.key] = Row(
            known.client,
            known.summary,
            known.target,
            known.depth,
            judgement.verdict,
            judgement.reason or "",
            judgement.code,
            judgement.domain or "",
            failure.step if failure else "",
            judgement.because,
            outcome.started_at.isoformat(timespec="seconds"),
            outcome.duration,
        )
        if outcome.fault is not None:
            self.failures.append(as_json(outcome, judgement))

    @property
    def rows(self) -> tuple[Row, ...]:
        """Every assignment, in the order of the configuration."""
        return tuple(self._rows.values())
