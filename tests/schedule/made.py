"""Assignments and outcomes made by hand, for tests of what happens around an attempt."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from prober.exchange import Call, Flow, Reply, Wire
from prober.faults.taxonomy import Fault, Kind, Reason
from prober.identity.spec import CredentialSpec, CredentialType
from prober.model import Assignment, Outcome, StepResult, Target
from prober.schedule.governor import Governor
from prober.schedule.pacing import Pacer
from prober.schedule.passwords import Passwords
from prober.schedule.records import Records, Stamp
from prober.schedule.restraint import Restraint
from prober.schedule.scopes import Parties
from prober.timeline import Clock, Timeline
from prober.transaction import Client, Device, Transaction
from prober.vocabulary import Depth, Environment
from tests.schedule import virtual

PHONE = CredentialSpec("phone", CredentialType.BASIC, username="probe@corp.test")
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


class NoSession:
    """A session that connects nothing and counts how often it was closed."""

    def __init__(self) -> None:
        self.closed = 0

    async def exchange(self, call: Call) -> Reply:
        raise AssertionError(call)

    @property
    def opened(self) -> int:
        return 0

    async def open(self, call: Call) -> Flow:
        raise AssertionError(call.url)

    async def dial(self, url: str) -> Wire:
        raise AssertionError(url)

    def channel_binding(self, url: str) -> bytes | None:
        return None

    async def close(self) -> None:
        self.closed += 1


class Sessions:
    """Opens transactions on virtual time and keeps their sessions."""

    def __init__(self) -> None:
        self.opened: list[NoSession] = []

    def __call__(self, one: Assignment) -> Transaction:
        self.opened.append(NoSession())
        return Transaction(one, self.opened[-1], Timeline(virtual.now), Device("D1"))

    @property
    def closed(self) -> int:
        return sum(session.closed for session in self.opened)


class Told:
    """Everything the schedule tells to metrics, as a list of tuples."""

    def __init__(self) -> None:
        self.events: list[tuple[Any, ...]] = []

    def named(self, name: str) -> list[tuple[Any, ...]]:
        return [event[1:] for event in self.events if event[0] == name]

    def scheduler_lag(self, seconds: float) -> None:
        self.events.append(("lag", seconds))

    def inflight(self, delta: int) -> None:
        self.events.append(("inflight", delta))

    def held_back(self, assignment: Assignment) -> None:
        self.events.append(("held back", assignment.key))

    def confirmed(self, assignment: Assignment) -> None:
        self.events.append(("confirmed", assignment.key))

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        self.events.append(("missed", assignment.key, count))

    def crashed(self, assignment: Assignment) -> None:
        self.events.append(("crashed", assignment.key))

    def push_session(self, assignment: Assignment, seconds: float) -> None:
        self.events.append(("session", assignment.key, seconds))

    def push_disconnect(self, assignment: Assignment, reason: Reason) -> None:
        self.events.append(("disconnect", assignment.key, reason))

    def notification_latency(self, assignment: Assignment, seconds: float) -> None:
        self.events.append(("latency", assignment.key, seconds))

    def marker_failed(self, assignment: Assignment) -> None:
        self.events.append(("marker failed", assignment.key))


def governor(
    clients: Mapping[str, Client[Any]],
    records: Records,
    stamp: Callable[[Assignment], Stamp] = lambda _: Stamp(),
    *,
    wall: Clock,
    credentials: Iterable[CredentialSpec] = (PHONE,),
    section: dict[str, str] | None = None,
    clock: Clock = virtual.now,
) -> Governor:
    """A governor on virtual time, with nothing known yet, for assignments made here."""
    return Governor(
        Restraint(records, stamp, wall=wall),
        Passwords(records, lambda _: stamp(assignment()), wall=wall),
        Parties(clients, {one.name: one for one in credentials}),
        {} if section is None else section,
        clock=clock,
        wall=wall,
    )


class NoCeiling:
    """A throttler that lets everybody through."""

    def __init__(self, limit: int) -> None:
        self.limit = limit

    async def acquire(self) -> None:
        return None


def pacer(rate: float = 1000.0) -> Pacer:
    """A pacer on virtual time."""
    return Pacer(rate, 10, clock=virtual.now, throttler=NoCeiling)
