"""From an outcome to its judgement: keeps the circumstances that `verdict.judge` asks about, and learns from each.

Rule of this file: circumstances are taken before the outcome is learnt, so no attempt is evidence about itself.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Protocol

from prober.faults.taxonomy import Fault, Reason
from prober.model import Assignment, Outcome
from prober.schedule.records import Record, Records, SecretMark, Stamp
from prober.timeline import Clock
from prober.verdict import SUCCEEDED, WELL, Circumstances, Condition, Judgement, judge, loss_counts, plain
from prober.vocabulary import Verdict

CONTROL = "control"
MEMORY_OF_CONTROL = 2
"""Intervals of the control for which its failure is held against the vantage, and longer by what the attempt took:
where nothing answers, the control learns so at its time limit only, and its next attempt begins that much later."""


class Maintenance(Protocol):
    """Knows the maintenance windows."""

    def __call__(self, target: str, *times: datetime) -> bool:
        """Return whether one of the named target is active at any of `times`."""


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
        self.configure(configuration, control_of, control_interval)
        self._secret_mark = secret_mark
        self._maintenance = maintenance
        self._clock = clock
        self._wall = wall
        self.distrusted: Callable[[str, float], None] = lambda control, until: None
        """Is told when the control of a way out failed, and until when (monotonic) that is held against it."""
        self._distrusted_until: dict[str, float] = {}
        self._refused_tokens: set[str] = set()

    def configure(
        self, configuration: Mapping[str, str], control_of: Mapping[str, str], control_interval: float
    ) -> None:
        """Go by these from now on; what was learnt stays."""
        self._configuration = configuration
        self._control_of = control_of
        self._control_memory = MEMORY_OF_CONTROL * control_interval

    def judge(
        self, assignment: Assignment, outcome: Outcome, condition: Condition = WELL, *, witness: bool = True
    ) -> Judgement:
        """Return the final judgement of `outcome`, `condition` being how the prober was meanwhile; learn from it.

        Without `witness`, a failed control is not held against the vantage: it may have had less time than it needs.
        """
        now = self._wall()
        ended_at = datetime.fromtimestamp(now, UTC)
        maintained = self._maintenance(assignment.target.name, outcome.started_at, ended_at)
        if outcome.fault is None:
            self._learn_success(assignment, now)
            if not maintained and plain(outcome, condition, assignment.objective):
                return SUCCEEDED
            asked = Circumstances(condition=condition, objective=assignment.objective, maintenance=maintained)
            return judge(outcome, asked)
        around = self._circumstances(assignment, outcome.fault, condition)
        if witness and assignment.client == CONTROL:
            self._learn_of_control(assignment.target.name, outcome, around)
        return judge(outcome, replace(around, maintenance=True) if maintained else around)

    def loss_counts(self, assignment: Assignment, fault: Fault, condition: Condition) -> bool:
        """Return whether the loss of the channel of `assignment` by `fault` is held against the service."""
        around = self._circumstances(assignment, fault, condition)
        now = datetime.fromtimestamp(self._wall(), UTC)
        return loss_counts(fault, replace(around, maintenance=self._maintenance(assignment.target.name, now)))

    def control(self, assignment: Assignment) -> str:
        """Return how the control is that takes the same way out: `failed`, `well`, or `none` where there is none."""
        if self._control_failed(assignment):
            return "failed"
        return "well" if self._control_of.get(assignment.target.name) else "none"

    def distrust(self, control: str, until: float) -> None:
        """Hold it against the way out of `control` until then (monotonic) that this failed, wherever it did."""
        self._distrusted_until[control] = until

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

    def _learn_success(self, assignment: Assignment, now: float) -> None:
        """Remember a success at `now` (epoch seconds): inside a maintenance window, too, for it did happen."""
        credential, key = assignment.credential, assignment.key
        secret = "" if credential is None else self._secret_mark(credential)
        self._records.succeeded(key, now, self._configuration.get(key, ""), secret)
        if credential is not None:
            self._records.succeeded(_shared(assignment), now, "", secret)

    def _learn_of_control(self, target: str, outcome: Outcome, around: Circumstances) -> None:
        """Distrust the way out from a failure of the control on, and no shorter for an attempt that proved nothing.

        Inside a maintenance window, too, for it did happen.
        """
        now = self._clock()
        distrusted = self._distrusted_until.get(target, float("-inf")) >= now - outcome.duration
        if distrusted or judge(outcome, around).verdict is Verdict.FAILED:
            until = now + self._control_memory + outcome.duration
            self.distrust(target, until)
            self.distrusted(target, until)

    def _circumstances(self, assignment: Assignment, fault: Fault | None, condition: Condition) -> Circumstances:
        record = self._records.get(assignment.key)
        worked_at = self._worked(assignment, record).succeeded_at
        return Circumstances(
            environment=assignment.target.environment,
            succeeded_before=record.succeeded_at is not None,
            established=assignment.target.established,
            since_success=None if worked_at is None else max(0.0, self._wall() - worked_at),
            changed=self._changed(assignment, fault, record),
            token_issued=assignment.credential not in self._refused_tokens,
            control_failed=self._control_failed(assignment),
            condition=condition,
            objective=assignment.objective,
        )

    def _worked(self, assignment: Assignment, record: Record) -> Record:
        """Return where the credential of `assignment` last worked with its protocol: here, or at another target."""
        if assignment.credential is None:
            return record
        both = (record, self._records.get(_shared(assignment)))
        return max(both, key=lambda one: float("-inf") if one.succeeded_at is None else one.succeeded_at)

    def _changed(self, assignment: Assignment, fault: Fault | None, record: Record) -> bool:
        """Whether configuration or secret changed since the last success; asked only where the answer matters."""
        if fault is None or fault.reason is not Reason.AUTH_REJECTED:
            return False
        now = self.stamp(assignment)
        known = Stamp(record.stamp.configuration, self._worked(assignment, record).stamp.secret)
        return (record.succeeded_at is not None and known.configuration != now.configuration) or (
            known.secret != now.secret
        )

    def _control_failed(self, assignment: Assignment) -> bool:
        if assignment.client == CONTROL:
            return False
        until = self._distrusted_until.get(self._control_of.get(assignment.target.name, ""))
        return until is not None and self._clock() <= until


def _shared(assignment: Assignment) -> str:
    """Return under which name is kept that a credential worked with a protocol. No assignment's key begins so."""
    return f"/{assignment.client}/{assignment.credential}"
