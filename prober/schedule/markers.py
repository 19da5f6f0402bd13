"""Marker messages: left in a mailbox while its channel is held, to see how soon the channel tells of them.

Rule of this file: a marker that could not be left says nothing about the channel; one that was left and is not told of
in time says that the channel is open and silent, which is as good as lost. Nothing is said while the prober is unwell.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from prober.faults.taxonomy import Fault, Kind, Reason
from prober.model import Assignment
from prober.schedule.pacing import Sleep
from prober.timeline import Clock
from prober.transaction import Marking, Step, Transaction, attempt
from prober.vocabulary import Depth

LOG = logging.getLogger(__name__)
LIMIT = 60.0
"""Seconds from a marker's confirmation within which a push has to tell of it."""
AHEAD = 5.0
"""Seconds by which a push may be ahead of the confirmation: a server may tell the channel before it answers us."""
SETTLED = 2 * AHEAD
"""Seconds at least from the opening, or from the removal of a marker, which is news as well, to the next one."""
TIDYING = 15.0
PUSH_SILENT = Kind("push_silent", Reason.PUSH_CHANNEL_LOST)


class MarkerWatch(Protocol):
    """Who is told of markers."""

    def notification_latency(self, assignment: Assignment, seconds: float) -> None:
        """A push told of a marker `seconds` after the server had confirmed it."""

    def marker_failed(self, assignment: Assignment) -> None:
        """A marker could not be left, or did not arrive."""


@runtime_checkable
class Tidying(Protocol):
    """A channel that takes back the marker it has left."""

    async def tidy(self, tx: Transaction) -> None:
        """Remove the last marker, by the transaction that left it. Raises `FaultError`."""


@runtime_checkable
class Verifying(Protocol):
    """A channel whose markers may be confirmed before they are in the mailbox."""

    async def untold(self, tx: Transaction) -> bool:
        """Whether a marker is there of which the channel has not told. Raises `FaultError`."""


@dataclass(slots=True)
class _Marked:
    """What the steps of one marker share. `untold`: it is there, and nobody has told of it."""

    held: Marking
    untold: bool = True


Unwell = Callable[[float], bool]
"""Whether the prober itself was unwell at any time from then (monotonic) on."""
Admit = Callable[[], Awaitable[Transaction | None]]
"""Opens a transaction when it is the assignment's turn; `None` while it may not start."""


class Markers:
    """The markers of one assignment's channel, over all its sessions: the rhythm goes on where a session ended.

    `every`: seconds from one marker to the next. `heard` is told of every push; `keep` runs beside the holding.
    """

    def __init__(
        self,
        assignment: Assignment,
        every: float,
        admit: Admit,
        watch: MarkerWatch,
        failed: Callable[[Fault], None],
        unwell: Unwell,
        *,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._assignment = assignment
        self._every = every
        self._admit = admit
        self._watch = watch
        self._failed = failed
        self._unwell = unwell
        self._clock = clock
        self._sleep = sleep
        self._due: float | None = None
        self._heard_at = float("-inf")
        self._heard = asyncio.Event()

    def heard(self) -> None:
        """A push told of something."""
        self._heard_at = self._clock()
        self._heard.set()

    async def keep(self, held: Marking, until: float) -> Fault | None:
        """Leave markers as they fall due; return the fault when none tells of one, `None` when no more fit in.

        `until`: the time at which the session ends; a marker must have time to be told of before.
        """
        if self._due is None:
            self._due = self._clock() + self._every
        while True:
            start = max(self._due, self._clock() + SETTLED)
            if start + LIMIT > until:
                return None
            await self._sleep(start - self._clock())
            self._due = self._clock() + self._every
            fault = await self._leave(held)
            if fault is not None:
                return fault

    async def _leave(self, held: Marking) -> Fault | None:
        """Leave one marker, wait for the push that tells of it, and take the marker back."""
        tx = await self._admit()
        if tx is None:
            return None
        marked = _Marked(held)
        try:
            return await self._told(marked, tx) if await self._done(marked, tx, MARK) else None
        finally:
            await tx.close()

    async def _told(self, marked: _Marked, tx: Transaction) -> Fault | None:
        """Wait for the push; where none comes, make sure that there was something to tell of."""
        confirmed = self._clock()
        try:
            heard = await self._heard_since(confirmed)
            if self._unwell(confirmed):
                return None
            if heard:
                self._watch.notification_latency(self._assignment, max(0.0, self._heard_at - confirmed))
            elif await self._done(marked, tx, VERIFY) and marked.untold:
                return Fault(PUSH_SILENT)
            elif not marked.untold:
                self._fails("marker_not_there")
            return None
        finally:
            await self._done(marked, tx, TIDY)

    async def _heard_since(self, confirmed: float) -> bool:
        """Whether a push comes in time, or came just before the confirmation."""
        if self._heard_at >= confirmed - AHEAD:
            return True
        self._heard.clear()
        try:
            await asyncio.wait_for(self._heard.wait(), LIMIT)
        except TimeoutError:
            return False
        return True

    async def _done(self, marked: _Marked, tx: Transaction, step: Step[_Marked]) -> bool:
        """Take one step; return whether it went well. One that did not is counted."""
        began = self._clock()
        result = await attempt(step, tx, marked, step.limit(self._assignment))
        if result is None or result.fault is None:
            return True
        if not self._unwell(began):
            self._fails(result.fault.kind.code)
        self._failed(result.fault)
        return False

    def _fails(self, code: str) -> None:
        LOG.info("marker of %s: %s", self._assignment.key, code)
        self._watch.marker_failed(self._assignment)


async def push_mark(tx: Transaction, marked: _Marked) -> None:
    """Leave a marker message in the mailbox."""
    await marked.held.mark(tx)


async def push_verify(tx: Transaction, marked: _Marked) -> None:
    """Look whether the marker is there, where its confirmation did not say so."""
    if isinstance(marked.held, Verifying):
        marked.untold = await marked.held.untold(tx)


async def push_tidy(tx: Transaction, marked: _Marked) -> None:
    """Take the marker message back."""
    if isinstance(marked.held, Tidying):
        await marked.held.tidy(tx)


MARK: Step[_Marked] = Step(push_mark, Depth.MAILBOX, timeout=lambda assignment: assignment.timeout)
VERIFY: Step[_Marked] = Step(push_verify, Depth.MAILBOX, timeout=TIDYING)
TIDY: Step[_Marked] = Step(push_tidy, Depth.MAILBOX, timeout=TIDYING, tolerated=True)
