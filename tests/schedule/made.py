"""Assignments and outcomes made by hand, for tests of what happens around an attempt."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from prober.faults.taxonomy import Fault, Kind
from prober.model import Assignment, Outcome, StepResult, Target
from prober.vocabulary import Depth, Environment

NOON = 1_800_014_400.0
"""2027-01-15 12:00 UTC."""


class Watch:
    """A wall or monotonic clock that is set by hand."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def assignment(target: str = "hq", client: str = "imap4", **changes: Any) -> Assignment:
    """A mailbox probe with a password, changed as told."""
    where = Target(target, Environment.EXCHANGE_SERVER, "probe@corp.test", {"imap4": "imaps://mail.test:993"})
    one = Assignment(client, where, Depth.MAILBOX, 60.0, 60.0, credential="phone", credential_kind="basic")
    return replace(one, **changes)


def outcome(
    one: Assignment, kind: Kind | None = None, *, retry_after: float | None = None, at: float = NOON, took: float = 0.2
) -> Outcome:
    """An outcome of one step, broken by `kind` if one is given."""
    fault = Fault(kind, retry_after=retry_after) if kind else None
    started_at = datetime.fromtimestamp(at, UTC)
    return Outcome(one.client, one.target.name, started_at, took, (StepResult("login", took, fault=fault),))
