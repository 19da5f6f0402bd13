"""What one recorded outcome means for availability: pure rules, each a small function, tried in order.

An attempt's verdict is final when it finishes. Corroboration between attempts decides paging and is the detector's
business, never counting.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from types import MappingProxyType

from prober.faults import taxonomy as kinds
from prober.faults.retirements import explanation
from prober.faults.taxonomy import Counting, Fault, Kind, Reason
from prober.model import Outcome
from prober.vocabulary import Domain, Environment, Verdict

DAY = 86_400.0
LOCAL_SICKNESS = frozenset({kinds.NO_DESCRIPTORS, kinds.LOOP_BLOCKED, kinds.CLOCK_WRONG, kinds.PROBER_CANCELLED})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What was known when the attempt finished. Ages are in seconds; `None` means never.

    `sickness` names what ailed the prober itself during the attempt (`loop_blocked`, `no_descriptors`, `clock_wrong`).
    `control_failed` is true when the control of this vantage failed within its last two intervals.
    `changed` is true when configuration or secret changed after the last success.
    `token_issued` is true when the token service issued normally (or when the credential needs none).
    """

    environment: Environment = Environment.EXCHANGE_SERVER
    succeeded_before: bool = False
    established: bool = False
    since_success: float | None = None
    changed: bool = False
    token_issued: bool = True
    control_failed: bool = False
    sickness: Kind | None = None
    objective: float | None = None


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


Rule = Callable[[Outcome, Fault, Circumstances], Judgement | None]


def judge(outcome: Outcome, around: Circumstances) -> Judgement:
    """Return the final judgement of `outcome`."""
    fault = outcome.fault
    if fault is None:
        return _success(outcome, around)
    for rule in RULES:
        judgement = rule(outcome, fault, around)
        if judgement is not None:
            return judgement
    return _as(Verdict.FAILED, fault, "the service did not do what the client needs")


def _success(outcome: Outcome, around: Circumstances) -> Judgement:
    if around.sickness is not None:
        return Judgement(Verdict.OK, because="succeeded; times not observed, the prober was unwell", timed=False)
    if around.objective is not None and outcome.duration > around.objective:
        return Judgement(
            Verdict.SLOW, Reason.SLOW, kinds.SLOW.code, Reason.SLOW.domain, "succeeded beyond the latency objective"
        )
    return Judgement(Verdict.OK, because="every step succeeded")


def _as(verdict: Verdict, fault: Fault, because: str, *, timed: bool = True) -> Judgement:
    return Judgement(verdict, fault.reason, fault.kind.code, fault.kind.domain, because, timed)


def prober_unwell(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A sick prober proves nothing: a blocked loop, no descriptors or a wrong clock makes a failure inconclusive."""
    if around.sickness is not None:
        because = f"the prober was unwell ({around.sickness.code})"
        return Judgement(
            Verdict.INCONCLUSIVE, Reason.PROBE_INTERNAL, around.sickness.code, Domain.PROBER, because, timed=False
        )
    if fault.kind in LOCAL_SICKNESS:
        return _as(Verdict.INCONCLUSIVE, fault, "the prober was unwell", timed=False)
    return None


def throttled(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """Throttling is a fact about us: out of numerator and denominator."""
    if fault.reason.counting is Counting.THROTTLED:
        return _as(Verdict.THROTTLED, fault, "the server asked us to slow down")
    return None


def retired(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A protocol that was withdrawn is retired, not down."""
    retirement = explanation(fault.kind.code, around.environment, outcome.started_at)
    if retirement is None:
        return None
    return _as(Verdict.RETIRED, fault, f"{retirement.what} is withdrawn since {retirement.refused_since:%d %B %Y}")


def certificate_on_premises(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """On Exchange Server a bad certificate is the server's own; no control excuses it."""
    if fault.reason is Reason.TLS_CERTIFICATE and around.environment is Environment.EXCHANGE_SERVER:
        return _as(Verdict.FAILED, fault, "the server's own certificate is not acceptable")
    return None


def ambiguous_network(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """Network faults count, unless the control of this vantage failed within its last two intervals."""
    if fault.reason.counting is not Counting.AMBIGUOUS:
        return None
    if around.control_failed:
        return _as(Verdict.INCONCLUSIVE, fault, "the control of this vantage failed too")
    return _as(Verdict.FAILED, fault, "no control of this vantage failed")


def rejected_identity(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """A refused identity is the service's doing only if it worked within a day and nothing of ours changed."""
    if fault.reason is not Reason.AUTH_REJECTED:
        return None
    recent = around.since_success is not None and around.since_success <= DAY
    if recent and around.token_issued and not around.changed and fault.kind.domain is not Domain.PROBER:
        return _as(Verdict.FAILED, fault, "refused although the same credential worked within 24 hours, unchanged")
    return _as(Verdict.EXCLUDED, fault, "our own credential is the likelier cause")


def never_worked(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """Before the first ever success an unavailable mailbox is a set-up problem."""
    if fault.reason is Reason.MAILBOX_UNAVAILABLE and not (around.succeeded_before or around.established):
        return _as(Verdict.EXCLUDED, fault, "this target has never worked: set-up")
    return None


def ours(outcome: Outcome, fault: Fault, around: Circumstances) -> Judgement | None:
    """Policy, set-up and our own mistakes never count."""
    if fault.reason.counting is Counting.PROBE:
        return _as(Verdict.EXCLUDED, fault, "a matter of set-up or of the prober itself", timed=False)
    return None


RULES: tuple[Rule, ...] = (
    prober_unwell,
    throttled,
    retired,
    certificate_on_premises,
    ambiguous_network,
    rejected_identity,
    never_worked,
    ours,
)


def markdown(kinds_known: Iterable[Kind]) -> str:
    """Return `docs/verdicts.md`: the rules in their order, and what every reason and every finer code means."""
    rules = "".join(
        f"{number}. **{rule.__name__.replace('_', ' ')}**: {inspect.getdoc(rule)}\n"
        for number, rule in enumerate(RULES, 1)
    )
    codes: dict[Reason, set[str]] = {}
    for kind in kinds_known:
        codes.setdefault(kind.reason, set()).add(kind.code)
    rows = "".join(
        f"| `{reason}` | {_COUNTS[reason.counting]} | {reason.domain} | {_listed(codes.get(reason, set()))} |\n"
        for reason in Reason
    )
    return _DOCUMENT.format(rules=rules, rows=rows)


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
for the [detector](detection.md) to say, and for the rules made from it; a second look never replaces a verdict. Inside
a maintenance window every attempt is `excluded`.

## The rules

A success is `ok`, or `slow` beyond the latency objective; its times are not observed if the prober was unwell
meanwhile. For a failure the first rule that applies decides; where none does, it is `failed`.

{rules}
## Reasons and codes

`reason` is a label; the finer codes are in evidence, JSON and logs. A code belongs to one reason for ever. An HTTP
status that nothing more specific explains has a code made from it.

| reason | counts | lies usually in | codes |
| --- | --- | --- | --- |
{rows}"""
