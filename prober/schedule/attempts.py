"""Everything around one attempt: may it start, its turn, the transaction, what it means, who hears of it.

Rule of this file: waiting ends before the transaction is made, so that a turn waited for is lag and never latency.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

from prober.exchange import Session
from prober.model import Aside, Assignment, Fact, Outcome, Recording
from prober.schedule.alone import Alone
from prober.schedule.governor import Governor
from prober.schedule.health import Health
from prober.schedule.judging import Judging
from prober.schedule.pacing import Lane, Pacer
from prober.schedule.passwords import Trial
from prober.timeline import Clock
from prober.transaction import Client, Step, Transaction, perform
from prober.verdict import Condition, Judgement

OpenTransaction = Callable[[Assignment], Transaction]
"""Makes a cold transaction of an assignment: own session and timeline, the assignment's own device."""


Tell = Callable[[Assignment, Outcome, Judgement], None]
"""Hands a finished attempt to whoever wants to hear of it."""


Watching = Callable[[Session], Session]
"""Wraps the session of one attempt, so that somebody sees what passes."""


class Recorder(Recording, Protocol):
    """Takes down what passes in one attempt."""

    def watch(self, session: Session) -> Session:
        """Return `session` with all that passes taken down."""


Record = Callable[[Assignment], Recorder]
"""Makes what takes down an attempt of an assignment."""


@dataclass(frozen=True, slots=True)
class NotStarted:
    """Why an attempt that somebody asked for was not made: `code` is `held_back` or `busy`, `because` one sentence."""

    code: str
    because: str


BUSY = NotStarted("busy", "its turn did not come in time: another attempt of it is under way, or many wait")
NO_ROOM = NotStarted("held_back", "the prober allows itself no more at present")


class AttemptWatch(Protocol):
    """Who is told how the schedule fares."""

    def scheduler_lag(self, seconds: float) -> None:
        """Seconds from the intended start of an attempt to its actual one."""

    def inflight(self, delta: int) -> None:
        """One transaction more or less is running."""

    def held_back(self, assignment: Assignment) -> None:
        """A start was held back."""

    def confirmed(self, assignment: Assignment) -> None:
        """A second look was taken."""


class Attempts:
    """Runs attempts of assignments, and tells of the scheduled ones."""

    def __init__(
        self,
        catalogue: Mapping[str, Client[Any]],
        open_transaction: OpenTransaction,
        *,
        pacer: Pacer,
        judging: Judging,
        governor: Governor,
        health: Health,
        watch: AttemptWatch,
        tell: Tell,
        tell_again: Tell = lambda *_: None,
        record: Record | None = None,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        self._catalogue = catalogue
        self._open = open_transaction
        self._pacer = pacer
        self._judging = judging
        self._governor = governor
        self._health = health
        self._watch = watch
        self._tell = tell
        self._tell_again = tell_again
        self._record = record
        self._looks: dict[str, asyncio.Task[Any]] = {}
        self._alone = Alone()
        self._ways: dict[str, _Way] = {}
        self._clock = clock
        self._wall = wall

    async def scheduled(self, assignment: Assignment, intended: float) -> None:
        """Run the attempt whose start was intended for `intended`, unless it is held back, and tell of it."""
        late = self._clock() - intended
        if self._governor.holds(assignment):
            self._watch.held_back(assignment)
            return
        key, way = assignment.key, self._way(assignment)
        if key in self._looks:
            await self._displace(assignment)
        if not self._alone.take(key):
            await self._alone.wait(key)
        try:
            late = max(late, await self._pacer.turn_on(way.lane))
            if self._governor.holds(assignment, now=True):
                self._watch.held_back(assignment)
                return
            self._watch.scheduler_lag(max(0.0, self._clock() - intended))
            outcome, judgement = await self._attempt(way, late)
        finally:
            self._alone.leave(key)
        self._tell(assignment, outcome, judgement)

    async def by_hand(self, assignment: Assignment) -> tuple[Outcome, Judgement]:
        """Wait for a turn and run one attempt, held back or not: somebody asked for it. Nobody else is told."""
        way = self._way(assignment)
        async with self._alone.of(assignment.key):
            late = await self._pacer.turn_on(way.lane)
            return await self._attempt(way, late, added=True)

    async def on_demand(
        self, assignment: Assignment, seconds: float, watching: Watching | None = None
    ) -> tuple[Outcome, Judgement] | NotStarted:
        """Run one attempt that somebody waits for `seconds` at most, unless it is held back. Nobody else is told.

        The time it waits for another attempt of the assignment and for its turn is part of these seconds; when half of
        them are gone it does not begin. One that has begun ends by itself when they are over, with the fault of what it
        was waiting for.
        """
        ends, way = self._clock() + seconds, self._way(assignment)
        try:
            async with asyncio.timeout(seconds) as limit, self._alone.besides(assignment.key):
                if (refused := self._refused(assignment)) is not None:
                    return refused
                late = await self._pacer.turn_on(way.lane)
                if (refused := self._refused(assignment, now=True)) is not None:
                    return refused
                async with self._governor.trial(assignment):
                    limit.reschedule(None)
                    left = ends - self._clock()
                    if left < seconds / 2:
                        return BUSY
                    hurried = replace(assignment, timeout=min(assignment.timeout, left))
                    way = replace(way, assignment=hurried)
                    return await self._run(way, late, added=True, watching=watching, witness=False)
        except TimeoutError:
            return BUSY

    def busy(self, key: str) -> bool:
        """Whether an attempt of an assignment is under way, or waits for its turn."""
        return self._alone.busy(key)

    def forget(self, keys: Iterable[str]) -> None:
        """Keep nothing of these assignments: they are gone from the configuration."""
        gone = tuple(keys)
        self._alone.forget(gone)
        for key in gone:
            self._ways.pop(key, None)

    def _refused(self, assignment: Assignment, *, now: bool = False) -> NotStarted | None:
        """Return why nobody may have an attempt made at this moment."""
        if not self._governor.holds(assignment, added=True, now=now):
            return None
        held = self._governor.held_back(assignment)
        return NO_ROOM if held is None else NotStarted("held_back", held.because)

    async def second_look(self, assignment: Assignment) -> None:
        """Run one attempt besides the schedule, unless it is held back, and tell of it apart from the others.

        A scheduled start of the same assignment ends it: two attempts of one device would harm each other.
        """
        if self._held_back(assignment):
            return
        looking = asyncio.create_task(self._look(assignment), name=f"second look {assignment.key}")
        self._looks[assignment.key] = looking
        try:
            await asyncio.wait([looking])
        finally:
            looking.cancel()
            self._looks.pop(assignment.key, None)
        if not looking.cancelled() and (found := looking.result()) is not None:
            outcome, judgement = found
            self._watch.confirmed(assignment)
            self._tell_again(assignment, outcome, judgement)

    async def _look(self, assignment: Assignment) -> tuple[Outcome, Judgement] | None:
        way = self._way(assignment)
        async with self._alone.of(assignment.key):
            late = await self._pacer.turn_on(way.lane)
            if self._held_back(assignment, now=True):
                return None
            return await self._attempt(way, late, added=True)

    def _held_back(self, assignment: Assignment, *, now: bool = False) -> bool:
        """Whether a second look must not start: asked before its turn, and again when that has come (`now`)."""
        if not self._governor.holds(assignment, added=True, now=now):
            return False
        self._watch.held_back(assignment)
        return True

    async def _displace(self, assignment: Assignment) -> None:
        """End the second look at `assignment` that is under way."""
        looking = self._looks[assignment.key]
        looking.cancel()
        await asyncio.wait([looking])

    def _attempt(self, way: "_Way", late: float, *, added: bool = False) -> Awaitable[tuple[Outcome, Judgement]]:
        """Return what runs one attempt now, `late` by so many seconds: what was observed and what it means.

        `added`: no schedule wanted it. Where no password is on trial nothing stands between, for every wait of an
        attempt goes through all that does.
        """
        trial = self._governor.unproven(way.assignment)
        if trial is None:
            return self._run(way, late, added=added)
        return self._try(trial, way, late, added=added)

    async def _try(self, trial: Trial, way: "_Way", late: float, *, added: bool) -> tuple[Outcome, Judgement]:
        async with trial:
            return await self._run(way, late, added=added)

    async def _run(
        self, way: "_Way", late: float, *, added: bool, watching: Watching | None = None, witness: bool = True
    ) -> tuple[Outcome, Judgement]:
        assignment = way.assignment
        at_once = self._governor.begin(assignment, added=added)
        try:
            began = self._health.mark()
            self._watch.inflight(1)
            try:
                tx = self._open(assignment)
                recorder = self._record(assignment) if self._record is not None else None
                if recorder is not None:
                    tx.session = recorder.watch(tx.session)
                if watching is not None:
                    tx.session = watching(tx.session)
                outcome = await perform(way.client, tx, self._now, way.steps)
            finally:
                self._watch.inflight(-1)
            fault = outcome.fault
            condition = self._health.condition(began, late, failed=fault is not None)
            judgement = self._judging.judge(assignment, outcome, condition, witness=witness)
            self._governor.consider(assignment, fault)
            if fault is not None:
                outcome = replace(outcome, aside=self._aside(assignment, condition, recorder))
            return outcome, judgement
        finally:
            self._governor.end(assignment, at_once, added=added)

    def _aside(self, assignment: Assignment, condition: Condition, recorder: Recorder | None) -> Aside:
        """Return what is known beside an attempt that failed."""
        prober: dict[str, Fact] = {
            "loop_lag_seconds": round(condition.lag, 3),
            "late_seconds": round(condition.late, 3),
            "sickness": condition.sickness.code if condition.sickness else "none",
            "control": self._judging.control(assignment),
        }
        return Aside(recorder, MappingProxyType(prober))

    def _way(self, assignment: Assignment) -> "_Way":
        """Return how attempts of `assignment` go, found once for all of them."""
        way = self._ways.get(assignment.key)
        if way is None or way.assignment is not assignment:
            client = self._catalogue[assignment.client]
            turns = self._pacer.lane(*lane(client, assignment))
            way = self._ways[assignment.key] = _Way(assignment, client, client.plan(assignment), turns)
        return way

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._wall(), UTC)


@dataclass(frozen=True, slots=True)
class _Way:
    """What follows for every attempt from the configuration alone: the steps that are due, and whose turn it needs."""

    assignment: Assignment
    client: Client[Any]
    steps: tuple[Step[Any], ...]
    lane: Lane


def lane(client: Client[Any], assignment: Assignment) -> tuple[str, str]:
    """Return host of the principal endpoint and credential: what servers limit by. Without a URL, the target's name."""
    url = assignment.target.endpoints.get(client.endpoints[0], "") if client.endpoints else ""
    return urlsplit(url).hostname or assignment.target.name, assignment.credential or ""
