"""Push channels held open beside the periodic transactions: IDLE and Ping as a client in a pocket keeps them.

An open channel is well only while it tells: where markers are configured, one that keeps silent about them is lost.
What is lost while the prober itself is unwell, while its control fails or under maintenance is opened again, uncounted.

Rule of this file: a channel never enters the attempts; it feeds the push metrics and nothing else. It is a second
connection of the same device, opened in its turn and under the same governor; while a server wants quiet, an open one
is held and asks for nothing.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, Protocol

from prober.faults.classify import classify
from prober.faults.taxonomy import Counting, Fault, Kind, Reason
from prober.model import Aside, Assignment, Fact, Outcome, PushSettings, StepResult
from prober.schedule.attempts import OpenTransaction, Recorder, Tell, lane
from prober.schedule.governor import Governor
from prober.schedule.health import Health, Mark
from prober.schedule.judging import Judging
from prober.schedule.markers import Markers, MarkerWatch
from prober.schedule.pacing import Pacer, Sleep
from prober.schedule.plan import fraction
from prober.timeline import Clock
from prober.transaction import Client, Held, Marking, Step, Transaction, attempt
from prober.verdict import Condition, Judgement
from prober.vocabulary import Depth, Verdict

LOG = logging.getLogger(__name__)
FIRST_PAUSE = 1.0
LONGEST_PAUSE = 300.0
STEADY = 60.0
"""Seconds after which a session counts as established, and the pauses begin anew after its loss."""
MARGIN = 30.0
"""Seconds a hold may overrun before silence is a fault."""
LEAVING = 10.0
SHORTEST_HOLD = 60.0
"""Seconds of the last hold at least, beyond the session's life if need be: servers refuse shorter heartbeats."""
QUICK = 1.0
"""Seconds from one hold to the next at least, should a server answer every hold at once."""
QUIET = 5.0
"""Seconds after which a channel that a server's wish keeps from asking looks whether it may ask again."""
LOST = frozenset({Reason.CONNECTION_RESET, Reason.READ_TIMEOUT})
"""What an open channel's loss looks like from below: all of them are a lost push channel."""
PUSH_ENDED_EARLY = Kind("push_ended_early", Reason.PUSH_CHANNEL_LOST)
EARLY_IN_A_ROW = 3
AFTERMATH = 30.0
"""Seconds for which a sickness of the prober is held to have spoilt what a channel waited for."""
TRIES = 2
MEANING: Mapping[Counting, Verdict] = MappingProxyType(
    {
        Counting.SERVICE: Verdict.FAILED,
        Counting.AMBIGUOUS: Verdict.FAILED,
        Counting.PROBE: Verdict.EXCLUDED,
        Counting.THROTTLED: Verdict.THROTTLED,
        Counting.SEPARATE: Verdict.RETIRED,
    }
)
"""What a loss means, as an attempt would that ends by the same reason."""
SPOILT = "the prober was unwell, its control failed, or it was inside a maintenance window"


class LongRecorder(Recorder, Protocol):
    """Takes down what passes on a channel, for as long as that is held."""

    def settle(self) -> None:
        """Forget of what has passed so far all that may not be shown."""


LongRecord = Callable[[Assignment], LongRecorder]
"""Makes what takes down a channel of an assignment."""


class PushWatch(MarkerWatch, Protocol):
    """Who is told of push sessions and their markers."""

    def push_session(self, assignment: Assignment, seconds: float) -> None:
        """A session was held for so long, until it was renewed or lost."""

    def push_disconnect(self, assignment: Assignment, reason: Reason) -> None:
        """A session was lost, or could not be had again within two tries."""

    def held_back(self, assignment: Assignment) -> None:
        """A start was held back."""

    def crashed(self, assignment: Assignment) -> None:
        """The machinery around a session failed, and the fault is ours."""


@dataclass(slots=True)
class _Hold:
    """What the steps of one push session share."""

    held: Held
    seconds: float = 0.0
    told: bool = False


async def push_open(tx: Transaction, hold: _Hold) -> None:
    """Sign in and leave the request that waits for news."""
    await hold.held.open(tx)


async def push_wait(tx: Transaction, hold: _Hold) -> None:
    """Hold the channel until there is news or the time is up."""
    hold.told = await hold.held.wait(tx, hold.seconds)


async def push_leave(tx: Transaction, hold: _Hold) -> None:
    """Take leave as the client does."""
    await hold.held.close(tx)


OPEN: Step[_Hold] = Step(push_open, Depth.MAILBOX, timeout=lambda assignment: assignment.timeout)
LEAVE: Step[_Hold] = Step(push_leave, Depth.MAILBOX, timeout=LEAVING, tolerated=True)


@dataclass(frozen=True, slots=True)
class ChannelState:
    """How a channel fares: since when it is open (epoch seconds, `None`: it is not), how often it was opened and lost.

    `loss` is the reason of its last loss, empty while there was none.
    """

    client: str
    target: str
    open_since: float | None
    opened: int
    losses: int
    loss: str


@dataclass(slots=True)
class _Channel:
    """One assignment's channel: the failures since it last held steady, and the tries since it was last open."""

    assignment: Assignment
    push: PushSettings
    client: Client[Any]
    make: Callable[[], Held]
    markers: Markers | None = None
    failures: int = 0
    tries: int = 0
    open_since: float | None = None
    opened: int = 0
    losses: int = 0
    loss: str = ""

    @property
    def state(self) -> ChannelState:
        """How it fares now."""
        one = self.assignment
        return ChannelState(one.client, one.target.name, self.open_since, self.opened, self.losses, self.loss)

    def lose(self, reason: Reason) -> None:
        """Note a loss that counts."""
        self.losses += 1
        self.loss = reason.value

    @property
    def first_pause(self) -> float:
        """Seconds after the start at which it is first opened: channels are spread as attempts are."""
        return fraction(f"{self.assignment.key}/push") * self.assignment.interval


def _channels(assignments: Iterable[Assignment], catalogue: Mapping[str, Client[Any]]) -> Iterator[_Channel]:
    for assignment in assignments:
        client = catalogue[assignment.client]
        if assignment.push is not None and client.held is not None:
            yield _Channel(assignment, assignment.push, client, client.held)


class Channels:
    """Keeps one channel per assignment that has `push` and whose client can hold one.

    `tell` is told what is known of a session that ended by a fault, counted or not; `record` makes what takes it down.
    """

    def __init__(
        self,
        assignments: Iterable[Assignment],
        catalogue: Mapping[str, Client[Any]],
        open_transaction: OpenTransaction,
        *,
        pacer: Pacer,
        governor: Governor,
        judging: Judging,
        health: Health,
        watch: PushWatch,
        tell: Tell = lambda *_: None,
        record: LongRecord | None = None,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        wall: Clock = time.time,
    ) -> None:
        self._catalogue = catalogue
        self._tell_of_loss = tell
        self._record = record
        self._judging = judging
        self._health = health
        self._open = open_transaction
        self._pacer = pacer
        self._governor = governor
        self._watch = watch
        self._clock = clock
        self._sleep = sleep
        self._means = _Means(governor, health.mark, clock, sleep, wall)
        self._tasks: set[asyncio.Task[None]] = set()
        self._holding: dict[str, asyncio.Task[None]] = {}
        self._draining = False
        self._channels: dict[str, _Channel] = {}
        self._add(assignments)

    def __len__(self) -> int:
        return len(self._channels)

    def states(self) -> tuple[ChannelState, ...]:
        """Return how every channel fares, in the order of the configuration."""
        return tuple(channel.state for channel in self._channels.values())

    def start(self) -> None:
        """Begin to open the channels."""
        for channel in self._channels.values():
            self._start(channel, channel.first_pause)

    def replace(self, ended: Iterable[str], begun: Iterable[Assignment]) -> None:
        """Take leave of the channels of the keys `ended`, and open those of `begun`; all others are held on.

        A key may be in both; its new channel is opened when leave has been taken of the old one.
        """
        leaving: dict[str, asyncio.Task[None]] = {}
        for key in ended:
            self._channels.pop(key, None)
            task = self._holding.pop(key, None)
            if task is not None:
                task.cancel()
                leaving[key] = task
        for channel in self._add(begun):
            self._start(channel, channel.first_pause, leaving.get(channel.assignment.key))

    def _add(self, assignments: Iterable[Assignment]) -> list[_Channel]:
        added = list(_channels(assignments, self._catalogue))
        for channel in added:
            channel.markers = self._markers(channel) if channel.push.marker > 0 else None
            self._channels[channel.assignment.key] = channel
        return added

    async def drain(self, grace: float = LEAVING) -> None:
        """Take leave of every open channel within `grace` seconds, then close whatever is left."""
        self._draining = True
        await _cancel(self._tasks, grace)
        await _cancel(self._tasks, 1.0)

    def _markers(self, channel: _Channel) -> Markers:
        """Return what leaves markers for `channel`, by transactions in their turn and under the same governor."""
        assignment = channel.assignment

        async def admit() -> Transaction | None:
            if self._held_back(assignment, added=True):
                return None
            await self._pacer.turn(*lane(channel.client, assignment))
            return None if self._held_back(assignment, added=True, now=True) else self._open(assignment)

        def failed(fault: Fault) -> None:
            self._governor.consider(assignment, fault)

        every = channel.push.marker
        unwell = self._unwell
        return Markers(assignment, every, admit, self._watch, failed, unwell, clock=self._clock, sleep=self._sleep)

    def _unwell(self, since: float) -> bool:
        """Whether the prober was unwell at any time from `since` (monotonic) on."""
        return self._health.sickness(since) is not None

    def _start(self, channel: _Channel, after: float, behind: asyncio.Task[None] | None = None) -> None:
        """Keep `channel` from `after` seconds on, and not before the task `behind` has ended."""
        task = asyncio.create_task(self._keep(channel, after, behind), name=f"push {channel.assignment.key}")
        self._tasks.add(task)
        self._holding[channel.assignment.key] = task
        task.add_done_callback(lambda ended: self._ended(channel, ended))

    def _ended(self, channel: _Channel, task: asyncio.Task[None]) -> None:
        """Count a channel whose own machinery broke, and begin it anew; the exception's text stays out of the log."""
        self._tasks.discard(task)
        exception = None if task.cancelled() else task.exception()
        if exception is None or self._draining or self._channels.get(channel.assignment.key) is not channel:
            return
        LOG.error("push channel of %s crashed: %s", channel.assignment.key, dict(classify(exception, None).evidence))
        self._watch.crashed(channel.assignment)
        self._start(channel, LONGEST_PAUSE)

    async def _keep(self, channel: _Channel, after: float, behind: asyncio.Task[None] | None = None) -> None:
        """Hold one session after the other; pause between a loss and the next try."""
        await self._sleep(after)
        if behind is not None:
            await asyncio.wait([behind])
        while True:
            await self._admitted(channel)
            tx = self._open(channel.assignment)
            recorder = self._record(channel.assignment) if self._record else None
            session = _Session(channel, tx, recorder, self._means)
            async with self._governor.connection(channel.assignment):
                await session.run()
            self._tell(channel, session)
            if session.fault is not None:
                self._governor.consider(channel.assignment, session.fault)
                await self._sleep(pause(channel.assignment.key, channel.failures))

    async def _admitted(self, channel: _Channel) -> None:
        """Wait until the channel may be opened in its turn; each look that finds it may not is a start held back."""
        assignment = channel.assignment
        while True:
            if not self._held_back(assignment):
                await self._pacer.turn(*lane(channel.client, assignment))
                if not self._held_back(assignment, now=True):
                    return
            await self._sleep(assignment.interval)

    def _held_back(self, assignment: Assignment, *, added: bool = False, now: bool = False) -> bool:
        if not self._governor.holds(assignment, added=added, now=now):
            return False
        self._watch.held_back(assignment)
        return True

    def _tell(self, channel: _Channel, session: "_Session") -> None:
        """Count the session and how it ended. One that never opened is a loss when it is the second such in a row."""
        fault = session.fault
        channel.failures = 0 if fault is None or session.lasted >= STEADY else channel.failures + 1
        if fault is not None and not self._judged(channel.assignment, session, fault):
            LOG.info("push channel of %s: %s, not counted", channel.assignment.key, fault.kind.code)
            return
        channel.tries = 0 if session.opened else channel.tries + 1
        if session.opened:
            self._watch.push_session(channel.assignment, session.lasted)
        if fault is None:
            return
        LOG.info("push channel of %s: %s", channel.assignment.key, fault.kind.code)
        if session.opened or channel.tries == TRIES:
            reason = _reason_of_loss(fault) if session.opened else Reason.PUSH_CHANNEL_LOST
            channel.lose(reason)
            self._watch.push_disconnect(channel.assignment, reason)

    def _judged(self, assignment: Assignment, session: "_Session", fault: Fault) -> bool:
        """Whether a loss is the service's: neither our own sickness nor that of the way out may have been the cause.

        What is known of it is told, whosever it is.
        """
        since = max(session.asked.at, self._clock() - AFTERMATH)
        condition = Condition(self._health.sickness(since), self._health.condition(session.asked).lag)
        aside = Aside(session.recorder, MappingProxyType(self._prober(assignment, condition)))
        counts = self._judging.loss_counts(assignment, fault, condition)
        outcome = replace(session.outcome(), aside=aside)
        self._tell_of_loss(assignment, outcome, _judgement(fault, counts=counts, opened=session.opened))
        return counts

    def _prober(self, assignment: Assignment, condition: Condition) -> dict[str, Fact]:
        """Return how the prober was when a channel was lost."""
        return {
            "loop_lag_seconds": round(condition.lag, 3),
            "sickness": condition.sickness.code if condition.sickness else "none",
            "control": self._judging.control(assignment),
        }


async def _cancel(tasks: set[asyncio.Task[None]], grace: float) -> None:
    """Cancel `tasks` and give them `grace` seconds to take their leave."""
    cancelled = set(tasks)
    for task in cancelled:
        task.cancel()
    if cancelled:
        await asyncio.wait(cancelled, timeout=grace)


async def _first_fault(holding: asyncio.Task[Fault | None], marking: asyncio.Task[Fault | None]) -> Fault | None:
    """Return how the holding ended, or before that a fault that the markers brought to light."""
    await asyncio.wait((holding, marking), return_when=asyncio.FIRST_COMPLETED)
    if marking.done() and not holding.done() and (fault := marking.result()) is not None:
        return fault
    return await holding


async def _end(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancel `tasks` and wait until each has ended."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def _reason_of_loss(fault: Fault) -> Reason:
    return Reason.PUSH_CHANNEL_LOST if fault.reason in LOST else fault.reason


def _judgement(fault: Fault, *, counts: bool, opened: bool) -> Judgement:
    """Return what is said of a loss beside its evidence: its reason is the one by which it is counted."""
    code, domain = fault.kind.code, fault.kind.domain
    reason = _reason_of_loss(fault) if opened else fault.reason
    if not counts:
        return Judgement(Verdict.INCONCLUSIVE, reason, code, domain, SPOILT, timed=False)
    because = "the channel was lost while it was held" if opened else "the channel could not be opened"
    return Judgement(MEANING[reason.counting], reason, code, domain, because, timed=False)


def pause(key: str, failures: int) -> float:
    """Return the seconds before the next try: doubling from 1 s to 5 min, shortened by up to half.

    The shortening depends on assignment and count, so channels lost together do not return together. `failures` 0 is
    a loss after a long session. For a fraction of 0.5: 0, 1, 2, 3 failures give 0.75, 1.5, 3, 6 s; nine and more 225 s.
    """
    longest = min(FIRST_PAUSE * 2.0 ** min(failures, 20), LONGEST_PAUSE)
    return longest * (1 - fraction(f"{key}/{failures}") / 2)


@dataclass(frozen=True, slots=True)
class _Means:
    """What every session goes by."""

    governor: Governor
    mark: Callable[[], Mark]
    clock: Clock
    sleep: Sleep
    wall: Clock


class _Session:
    """One push session from its opening to its end. `fault` is `None` when its life ended in good order."""

    def __init__(self, channel: _Channel, tx: Transaction, recorder: LongRecorder | None, means: _Means) -> None:
        self._channel = channel
        self._wall = means.wall
        self._governor = means.governor
        self._mark = means.mark
        self._clock = means.clock
        self._sleep = means.sleep
        self.fault: Fault | None = None
        self.opened = False
        self.lasted = 0.0
        self.asked = self._mark()
        """When the last thing was asked of the server: its opening, or a hold."""
        self.recorder = recorder
        self._assignment = channel.assignment
        self._push = channel.push
        self._tx = tx
        if recorder is not None:
            tx.session = recorder.watch(tx.session)
        self._markers = channel.markers
        self._hold = _Hold(channel.make())
        self._began, self._started_at = self._clock(), self._wall()
        self._holds = 0
        self._opening: StepResult | None = None
        self._ending: StepResult | None = None

    def outcome(self) -> Outcome:
        """Return what is known of a session that ended by a fault: its opening, and what was held until it broke."""
        one, steps = self._assignment, [self._opening]
        if self.opened:
            steps.append(self._held_until_it_broke())
        left_out = (push_leave,) if self.opened else (push_wait, push_leave)
        return Outcome(
            one.client,
            one.target.name,
            datetime.fromtimestamp(self._started_at, UTC),
            self._clock() - self._began,
            tuple(step for step in steps if step is not None),
            tuple(step.__name__ for step in left_out),
        )

    def _held_until_it_broke(self) -> StepResult:
        """Return all holds as one step: how long they lasted together, phases and facts being those of the last one."""
        last = self._ending
        if last is None or last.fault is not self.fault:
            last = StepResult(push_wait.__name__, None, fault=self.fault)
        facts: dict[str, Fact] = {**last.facts, "holds": self._holds}
        return replace(last, elapsed=self.lasted, facts=MappingProxyType(facts))

    async def run(self) -> None:
        """Open, hold until the session's life is over, take leave; close everything however it ends."""
        try:
            async with self._governor.trial(self._assignment):
                self._opening = await self._attempt(OPEN)
                self.fault = _fault(self._opening)
                if self.fault is None:
                    self._governor.consider(self._assignment, None)
            if self.fault is None:
                await self._held()
        finally:
            await self._tx.close()

    async def _held(self) -> None:
        self.opened = True
        LOG.debug("push channel of %s is open", self._assignment.key)
        opened_at = self._clock()
        self._channel.opened += 1
        self._channel.open_since = self._wall()
        try:
            self.fault = await self._wait_out(opened_at + self._push.life)
        finally:
            self._channel.open_since = None
            self.lasted = self._clock() - opened_at
            if self.fault is None:
                await self._attempt(LEAVE)

    async def _wait_out(self, until: float) -> Fault | None:
        """Hold until the session's life is over or a fault ends it: its own, or its silence about a marker."""
        held = self._hold.held
        if self._markers is None or not isinstance(held, Marking):
            return await self._hold_on(until)
        tasks = [
            asyncio.create_task(self._hold_on(until), name=f"hold {self._assignment.key}"),
            asyncio.create_task(self._markers.keep(held, until), name=f"markers {self._assignment.key}"),
        ]
        try:
            return await _first_fault(*tasks)
        finally:
            await _end(tasks)

    async def _hold_on(self, until: float) -> Fault | None:
        """Hold again and again."""
        early = 0
        while (left := until - self._clock()) > 0:
            if self._governor.holds(self._assignment):
                await self._sleep(min(left, QUIET))
                continue
            began = self._clock()
            fault = await self._hold_once(min(self._push.hold, max(left, SHORTEST_HOLD)))
            if fault is not None:
                return fault
            took = self._clock() - began
            if self._hold.told and self._markers is not None:
                self._markers.heard()
            early = early + 1 if not self._hold.told and took < self._hold.seconds / 2 else 0
            if early == EARLY_IN_A_ROW:
                return Fault(PUSH_ENDED_EARLY)
            await self._sleep(max(0.0, QUICK - took))
        return None

    async def _hold_once(self, seconds: float) -> Fault | None:
        self._hold.seconds = seconds
        self._holds += 1
        self._ending = await self._attempt(Step(push_wait, Depth.MAILBOX, timeout=seconds + MARGIN))
        return _fault(self._ending)

    async def _attempt(self, step: Step[_Hold]) -> StepResult | None:
        """Take one step. What passed in it is read at once: nobody keeps for hours what was said to sign in."""
        self.asked = self._mark()
        result = await attempt(step, self._tx, self._hold, step.limit(self._assignment))
        if self.recorder is not None:
            self.recorder.settle()
        return result


def _fault(result: StepResult | None) -> Fault | None:
    return None if result is None else result.fault
