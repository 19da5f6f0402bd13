"""From an outcome to its judgement: keeps the circumstances that `verdict.judge` asks about, and learns from each.

Rule of this file: circumstances are taken before the outcome is learnt, so no attempt is evidence about itself.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind, Reason
from prober.model import Assignment, Outcome
from prober.schedule.records import Record, Records, SecretMark, Stamp
from prober.timeline import Clock
from prober.verdict import Circumstances, Judgement, judge
from prober.vocabulary import Verdict

CONTROL = "control"
MEMORY_OF_CONTROL = 2
"""Intervals of the control for which its failure is held against the vantage."""

Maintenance = Callable[[str, datetime], bool]
"""Whether a maintenance window of the named target is active at that time."""


class Judging:
    """Judges outcomes. It is also a `TokenObserver`: whether the token service issues is one of the circumstances.

    `control_of` gives, per target, the target of the control that takes the same way out; `control_interval` is in
    seconds; `configuration` holds, per assignment, a hash of everything configured for it.
    """

    def __init__(
        self,
        records: Records,
        *,
        configuration: Mapping[str, str],
        control_of: Mapping[str, str],
        control_interval: float,
        secret_mark: SecretMark,
        maintenance: Maintenance,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        self._records = records
        self._configuration = configuration
        self._control_of = control_of
        self._control_memory = MEMORY_OF_CONTROL * control_interval
        self._secret_mark = secret_mark
        self._maintenance = maintenance
        self._clock = clock
        self._wall = wall
        self._control_failures: dict[str, float] = {}
        self._refused_tokens: set[str] = set()

    def judge(self, assignment: Assignment, outcome: Outcome, sickness: Kind | None = None) -> Judgement:
        """Return the final judgement of `outcome`, `sickness` being what ailed the prober meanwhile; learn from it."""
        judgement = judge(outcome, self._circumstances(assignment, outcome, sickness))
        if assignment.client == CONTROL and judgement.verdict is Verdict.FAILED:
            self._control_failures[assignment.target.name] = self._clock()
        if outcome.fault is None:
            record = self._records.get(assignment.key)
            self._records.put(
                assignment.key,
                replace(record, succeeded_at=self._wall(), stamp=self.stamp(assignment), rest=None),
            )
        return _UNDER_MAINTENANCE if self._in_maintenance(outcome) else judgement

    def stamp(self, assignment: Assignment) -> Stamp:
        """Return what `assignment` is configured with at this moment."""
        return Stamp(self._configuration.get(assignment.key, ""), self._secret_mark(assignment.credential))

    def requested(self, credential: str) -> None:
        """Nothing is known before the token service has answered."""

    def failed(self, credential: str, reason: Reason) -> None:
        """Remember that the last request of this credential yielded no token."""
        self._refused_tokens.add(credential)

    def issued(self, credential: str, expires_at: float) -> None:
        """Remember that the token service issues for this credential."""
        self._refused_tokens.discard(credential)

    def _circumstances(self, assignment: Assignment, outcome: Outcome, sickness: Kind | None) -> Circumstances:
        record = self._records.get(assignment.key)
        succeeded_at = record.succeeded_at
        return Circumstances(
            environment=assignment.target.environment,
            succeeded_before=succeeded_at is not None,
            established=assignment.target.established,
            since_success=None if succeeded_at is None else max(0.0, self._wall() - succeeded_at),
            changed=self._changed(assignment, outcome, record),
            token_issued=assignment.credential not in self._refused_tokens,
            control_failed=self._control_failed(assignment),
            sickness=sickness,
            objective=assignment.objective,
        )

    def _changed(self, assignment: Assignment, outcome: Outcome, record: Record) -> bool:
        """Whether configuration or secret changed since the last success; asked only where the answer matters."""
        rejected = outcome.fault is not None and outcome.fault.reason is Reason.AUTH_REJECTED
        return rejected and record.succeeded_at is not None and record.stamp != self.stamp(assignment)

    def _control_failed(self, assignment: Assignment) -> bool:
        if assignment.client == CONTROL:
            return False
        failed_at = self._control_failures.get(self._control_of.get(assignment.target.name, ""))
        return failed_at is not None and self._clock() - failed_at <= self._control_memory

    def _in_maintenance(self, outcome: Outcome) -> bool:
        ended_at = datetime.fromtimestamp(self._wall(), UTC)
        return any(self._maintenance(outcome.target, when) for when in (outcome.started_at, ended_at))


_UNDER_MAINTENANCE = Judgement(
    Verdict.EXCLUDED,
    kinds.MAINTENANCE.reason,
    kinds.MAINTENANCE.code,
    kinds.MAINTENANCE.domain,
    "inside a configured maintenance window",
    timed=False,
)
