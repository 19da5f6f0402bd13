"""Attempts as the sinks get them."""

from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from prober.faults.taxonomy import Fault, Kind
from prober.model import Assignment, Certificate, Fact, Outcome, StepResult, Target
from prober.transaction import Client, Step, Transaction
from prober.verdict import Circumstances, Judgement, judge
from prober.vocabulary import Depth, Environment, Phase

AT = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
TARGET = Target("hq", Environment.EXCHANGE_SERVER, "canary@corp.example", labels={"site": 'a"b\\c\nd'}, region="eu")
ASSIGNMENT = Assignment("toy", TARGET, Depth.MAILBOX, 60, 60, "user")
WORKED = Circumstances(succeeded_before=True, since_success=60.0)


async def look(tx: Transaction, memory: None) -> None:
    """Look."""


async def take(tx: Transaction, memory: None) -> None:
    """Take."""


def nothing() -> None:
    """Nothing is remembered."""


TOY: Client[Any] = Client(
    "toy", "A toy", nothing, (Step(look, Depth.REACH), Step(take, Depth.MAILBOX)), ("activesync",)
)
CATALOGUE = {"toy": TOY}


def outcome(
    kind: Kind | None = None,
    *,
    duration: float = 1.0,
    evidence: dict[str, str] | None = None,
    facts: dict[str, Fact] | None = None,
    phase: Phase | None = None,
    certificate: Certificate | None = None,
) -> Outcome:
    """An attempt whose second step fails with `kind`, if any."""
    fault = Fault(kind, MappingProxyType(evidence or {}), phase) if kind else None
    first = StepResult(
        "look", duration / 4, {Phase.DNS: duration / 8, Phase.WAIT: duration / 8}, certificate=certificate
    )
    second = StepResult("take", duration / 2, {Phase.WAIT: duration / 4}, fault, MappingProxyType(facts or {}))
    return Outcome("toy", "hq", AT, duration, (first, second), ("leave",))


def judged(kind: Kind | None = None, around: Circumstances = WORKED) -> tuple[Outcome, Judgement]:
    """An attempt and what it means."""
    made = outcome(kind)
    return made, judge(made, around)
