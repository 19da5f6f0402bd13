"""What one recorded outcome means for availability: pure rules, each a small function, tried in order.

An attempt's verdict is final when it finishes. Corroboration between attempts decides paging and is the detector's
business, never counting.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from prober.faults import taxonomy as kinds
from prober.faults.retirements import explanation
from prober.faults.taxonomy import Counting, Fault, Kind, Reason
from prober.model import Outcome
from prober.vocabulary import Domain, Environment, Verdict

DAY = 86_400.0
LOCAL_SICKNESS = frozenset(
    {kinds.NO_DESCRIPTORS, kinds.LOOP_BLOCKED, kinds.CLOCK_WRONG, kinds.STARTED_LATE, kinds.PROBER_CANCELLED}
)
REMOTE_WIPE = frozenset({"eas_remote_wipe", "eas_140"})
LATCHED = frozenset({Reason.MAILBOX_UNAVAILABLE, Reason.ACCESS_POLICY, Reason.AUTH_REJECTED})
"""What is a matter of set-up as long as a target has never worked."""
LATE = 1.0
"""Seconds after its time from which a start is late: the loop had other things to do, and may have again."""
LAGGED = 0.1
"""Seconds of lag, all together, above which the times of an attempt are not observed."""
LAGGED_MUCH, LAGGED_SHARE = 0.25, 0.25
"""Seconds of lag, and share of the attempt's time, above both of which its failure proves nothing."""


class Condition(NamedTuple):
    """How the prober itself was during an attempt.

    `sickness` names what ailed it (`loop_blocked`, `no_descriptors`, `clock_wrong`). `lag`: seconds, all together, by
    which the loop came late to what was due meanwhile. `late`: seconds by which the attempt itself started too late,
    waiting for its turn aside.
    """

    sickness: Kind | None = None
    lag: float = 0.0
    late: float = 0.0


WELL = Condition()


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was known when the attempt finished. Ages are in seconds; `None` means never.

    `control_failed` is true when the control of this vantage failed within its last two intervals.
    `since_success`: since this credential last worked on this protocol, at whichever target.
    `changed` is true when configuration or secret changed after the last success.
    `token_issued` is true when the token service issued normally (or when the credential needs none).
    `maintenance` is true when the attempt touched a maintenance window of its target.
    """

    environment: Environment = Environment.EXCHANGE_SERVER
    succeeded_before: bool = False
    established: bool = False
    since_success: float | None = None
    changed: bool = False
    token_issued: bool = True
    control_failed: bool = False
    condition: Condition = WELL
    objective: float | None = None
    maintenance: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """Verdict and why. `timed` is false when the attempt's times must not be observed. `because` is one sentence."""

    verdict: Verdict
    reason: Reason | None = None
    code: str = ""
    domain: Domain | None = None
    because: str = ""
    timed: bool = True

    @property
    def counted(self) -> bool:
        """Whether the attempt belongs in the denominator of availability."""
        return self.verdict.counted


SUCCEEDED = Judgement(Verdict.OK, because="every step succeeded")
Rule = Callable[[Outcome, Circumstances], Judgement | None]
FaultRule = Callable[[Outcome, Fault, Circumstances], Judgement | None]


def judge(outcome: Outcome, around: Circumstances) -> Judgement:
    """Return the final judgement of `outcome`."""
    fault = outcome.fault
    judgement = _of_success(outcome, around) if fault is None else _of_failure(outcome, fault, around)
    lagged = judgement.timed and around.condition.lag > LAGGED
    return replace(judgement, timed=False) if lagged else judgement


def plain(outcome: Outcome, condition: Condition, objective: float | None) -> bool:
    """Whether nothing can be said of a success outside maintenance but `SUCCEEDED`: so it is with almost every attempt.

    What is not plain may still turn out to be no more than that; the rules say so.
    """
    return (
        condition.sickness is None
        and condition.lag <= LAGGED
        and condition.late <= LATE
        and (objective is None or outcome.duration <= objective)
        and outcome.fault is None
    )


def _of_success(outcome: Outcome, around: Circumstances) -> Judgement:
    """Return what the first rule says that applies: one after the other, for most attempts end here."""
    for rule in WHEN_WELL:
        judgement = rule(outcome, around)
        if judgement is not None:
            return judgement
    return SUCCEEDED


def _of_failure(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement:
    """Return what the first rule says that applies; the last one always does."""
    always = (rule(outcome, around) for rule in ALWAYS)
    following = (rule(outcome, fault, around) for rule in FAILURES)
    return next(judgement for judgement in chain(always, following) if judgement is not None)


def _as(verdict: Verdict, fault: Fault, because: str, *, timed: bool = True) -> Judgement:
    return Judgement(verdict, fault.reason, fault.kind.code, fault.kind.domain, because, timed)


def _ours(verdict: Verdict, kind: Kind, because: str) -> Judgement:
    return Judgement(verdict, kind.reason, kind.code, kind.domain, because, timed=False)


# -- whatever came of it ---------------------------------------------------------------------------------------------


def under_maintenance(outcome: Outcome, around: Circumstances) -> Judgement | None:
    """An attempt that touches a maintenance window of its target is `excluded`, success and failure alike."""
    if around.maintenance:
        return _ours(Verdict.EXCLUDED, kinds.MAINTENANCE, "inside a configured maintenance window")
    return None


# -- successes -------------------------------------------------------------------------------------------------------


def succeeded_unwell(outcome: Outcome, around: Circumstances) -> Judgement | None:
    """A success is `ok` however unwell the prober was, but its time is not observed."""
    if ailment(outcome, around.condition) is None:
        return None
    return Judgement(Verdict.OK, because="succeeded; times not observed, the prober was unwell", timed=False)


def succeeded_slowly(outcome: Outcome, around: Circumstances) -> Judgement | None:
    """A success beyond the latency objective is `slow`; what the loop lagged is ours and taken off first."""
    if around.objective is None or outcome.duration - around.condition.lag <= around.objective:
        return None
    return Judgement(
        Verdict.SLOW, Reason.SLOW, kinds.SLOW.code, Reason.SLOW.domain, "succeeded beyond the latency objective"
    )


def succeeded(outcome: Outcome, around: Circumstances) -> Judgement | None:
    """Every other success is `ok`."""
    return SUCCEEDED


# -- failures --------------------------------------------------------------------------------------------------------


def ailment(outcome: Outcome, condition: Condition) -> Kind | None:
    """Return what ailed the prober so that it spoilt the attempt, `None` when it was well enough."""
    if condition.sickness is not None:
        return condition.sickness
    if condition.lag > max(LAGGED_MUCH, LAGGED_SHARE * outcome.duration):
        return kinds.LOOP_BLOCKED
    return kinds.STARTED_LATE if condition.late > LATE else None


def prober_unwell(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A sick prober proves nothing: `inconclusive` after a blocked loop, a late start, no descriptor, a wrong clock."""
    kind = ailment(outcome, around.condition)
    return None if kind is None else _ours(Verdict.INCONCLUSIVE, kind, f"the prober was unwell ({kind.code})")


def prober_exhausted(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A fault that is itself our own exhaustion (no descriptor, a clock that is wrong) is `inconclusive`."""
    if fault.kind in LOCAL_SICKNESS:
        return _as(Verdict.INCONCLUSIVE, fault, "the prober was unwell", timed=False)
    return None


def throttled(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """Throttling is a fact about us: `throttled`, out of numerator and denominator."""
    if fault.reason.counting is Counting.THROTTLED:
        return _as(Verdict.THROTTLED, fault, "the server asked us to slow down")
    return None


def retired(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A protocol that was withdrawn is `retired`, not down; it is asked for again by the hour."""
    retirement = explanation(fault.kind.code, around.environment, outcome.started_at)
    if retirement is None:
        return None
    return _as(Verdict.RETIRED, fault, f"{retirement.what} is withdrawn since {retirement.refused_since:%d %B %Y}")


def remote_wipe(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A device that is told to wipe itself is `excluded`, and stopped until somebody changes its configuration."""
    if fault.kind.code in REMOTE_WIPE:
        return _as(Verdict.EXCLUDED, fault, "this device was told to wipe itself, and is stopped", timed=False)
    return None


def certificate_on_premises(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """On Exchange Server a bad certificate is the server's own: `failed`, and no control excuses it."""
    if fault.reason is Reason.TLS_CERTIFICATE and around.environment is Environment.EXCHANGE_SERVER:
        return _as(Verdict.FAILED, fault, "the server's own certificate is not acceptable")
    return None


def control_failed_too(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A network fault is `inconclusive` if the control of this vantage failed within its last two intervals.

    A failed control is held against the vantage until one has shown the way out to be open, if that takes longer.
    """
    if fault.reason.counting is Counting.AMBIGUOUS and around.control_failed:
        return _as(Verdict.INCONCLUSIVE, fault, "the control of this vantage failed too")
    return None


def ambiguous_network(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A network fault is `failed` otherwise: corroboration decides paging, never counting."""
    if fault.reason.counting is Counting.AMBIGUOUS:
        return _as(Verdict.FAILED, fault, "no control of this vantage failed")
    return None


def never_worked(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """Until a target's first success an unavailable mailbox, a policy, a refused identity is set-up: `excluded`.

    Unless the configuration says `established: true`.
    """
    if fault.reason in LATCHED and not (around.succeeded_before or around.established):
        return _as(Verdict.EXCLUDED, fault, "this target has never worked: set-up")
    return None


def rejected_unexpectedly(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A refused identity is `failed` if tokens are issued, it worked within a day and nothing of ours changed.

    It: this credential with this protocol, at whichever target. Ours: configuration and secret.
    """
    recent = around.since_success is not None and around.since_success <= DAY
    unchanged = around.token_issued and not around.changed and fault.kind.domain is not Domain.PROBER
    if fault.reason is Reason.AUTH_REJECTED and recent and unchanged:
        return _as(Verdict.FAILED, fault, "refused although the same credential worked within 24 hours, unchanged")
    return None


def rejected_identity(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """Every other refused identity is `excluded`."""
    if fault.reason is Reason.AUTH_REJECTED:
        return _as(Verdict.EXCLUDED, fault, "our own credential is the likelier cause")
    return None


def ours(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """Policy, set-up and our own mistakes are `excluded`."""
    if fault.reason.counting is Counting.PROBE:
        return _as(Verdict.EXCLUDED, fault, "a matter of set-up or of the prober itself", timed=False)
    return None


def service_failed(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """Everything else is `failed`."""
    return _as(Verdict.FAILED, fault, "the service did not do what the client needs")


ALWAYS: tuple[Rule, ...] = (under_maintenance,)
SUCCESSES: tuple[Rule, ...] = (succeeded_unwell, succeeded_slowly, succeeded)
WHEN_WELL = ALWAYS + SUCCESSES
FAILURES: tuple[FaultRule, ...] = (
    prober_unwell,
    prober_exhausted,
    throttled,
    retired,
    remote_wipe,
    certificate_on_premises,
    control_failed_too,
    ambiguous_network,
    never_worked,
    rejected_unexpectedly,
    rejected_identity,
    ours,
    service_failed,
)


def loss_counts(fault: Fault, around: Circumstances) -> bool:
    """Return whether the loss of a held push channel is held against the service.

    Not if the prober was unwell just before, if the control of its vantage failed and nothing shows that the server
    had a part in it, or inside a maintenance window.
    """
    if around.maintenance or around.condition.sickness is not None or fault.kind in LOCAL_SICKNESS:
        return False
    below = fault.reason.counting is Counting.AMBIGUOUS or fault.reason in CUT
    return not (below and around.control_failed)


CUT = frozenset({Reason.CONNECTION_RESET, Reason.READ_TIMEOUT})
"""How a held connection ends that the way to the server has lost."""


def markdown(kinds_known: Iterable[Kind]) -> str:
    """Return `docs/verdicts.md`: the rules in their order, and what every reason and every finer code means."""
    codes: dict[Reason, set[str]] = {}
    for kind in kinds_known:
        codes.setdefault(kind.reason, set()).add(kind.code)
    rows = "".join(
        f"| `{reason}` | {_COUNTS[reason.counting]} | {reason.domain} | {_listed(codes.get(reason, set()))} |\n"
        for reason in Reason
    )
    return _DOCUMENT.format(
        always=_numbered(ALWAYS),
        successes=_numbered(SUCCESSES),
        failures=_numbered(FAILURES),
        rows=rows,
        late=LATE,
        lagged=LAGGED * 1000,
    )


def _numbered(rules: Iterable[Callable[..., Judgement | None]]) -> str:
    return "".join(
        f"{number}. **{rule.__name__.replace('_', ' ')}**: {' '.join((inspect.getdoc(rule) or '').split())}\n"
        for number, rule in enumerate(rules, 1)
    )


def _listed(codes: Iterable[str]) -> str:
    return " ".join(f"`{code}`" for code in sorted(codes))


_COUNTS = MappingProxyType(
    {
        Counting.SERVICE: "against the service",
        Counting.AMBIGUOUS: "against the service, unless the control failed too",
        Counting.PROBE: "not: ours, or a matter of set-up",
        Counting.THROTTLED: "not: throttled",
        Counting.SEPARATE: "separately: no failure",
    }
)
_DOCUMENT = """# Verdicts

Made from the code. Every finished attempt gets one verdict, which is final: `ok`, `slow` and `failed` count for
availability, `throttled`, `excluded`, `inconclusive` and `retired` do not. Whether failures that count are an outage is
for the [detector](detection.md) to say, and for the rules made from it; a second look never replaces a verdict.

## The rules

The first that applies decides. They hold for every client alike.

Whatever came of it:

{always}
Successes:

{successes}
Failures:

{failures}
The prober is unwell for an attempt if its loop was blocked for a quarter of a second at once, or lagged for a quarter
of the attempt's time in all, if the attempt started more than {late:g} s late (waiting for its turn aside), if hardly a
descriptor was left, or if the wall clock jumped by more than two seconds. Where the loop lagged for more than
{lagged:g} ms in all, whatever the verdict, no time of the attempt is observed. A held push channel that is lost within
half a minute of such a sickness, while the control fails, or inside a maintenance window is opened again, uncounted.

## Reasons and codes

`reason` is a label; the finer codes are in evidence, JSON and logs. A code belongs to one reason for ever. An HTTP
status that nothing more specific explains has a code made from it.

| reason | counts | lies usually in | codes |
| --- | --- | --- | --- |
{rows}"""
