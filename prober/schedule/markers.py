"""Marker messages: left in a mailbox while its channel is held, to see how soon the channel tells of them.

Rule of this file: a marker that could not be left says nothing about the channel; one that was left and is not told of
in time says that the channel is open and silent, which is as good as lost.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from prober.faults.taxonomy import Fault, Kind, Reason
from prober.model import Assignment, StepResult
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
        """A marker could not be left."""


@runtime_checkable
class Tidying(Protocol):
    """A channel that takes back the marker it has left."""

    async def tidy(self, tx: Transaction) -> None:
        """Remove the last marker, by the transaction that left it. Raises `FaultError`."""


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
        *,
        clock: Clock,
        sleep: Sleep,
    ) -> None:
        self._assignment = assignment
        self._every = every
        self._admit = admit
        self._watch = watch
        self._failed = failed
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
        try:
            if await self._marked(held, tx):
                return await self._told(held, tx)
            return None
        finally:
            await tx.close()

    async def _marked(self, held: Marking, tx: Transaction) -> bool:
        result = await self._try(held, tx, MARK)
        if result is None or result.fault is None:
            return True
        LOG.info("marker of %s: %s", self._assignment.key, result.fault.kind.code)
        self._watch.marker_failed(self._assignment)
        self._failed(result.fault)
        return False

    async def _told(self, held: Marking, tx: Transaction) -> Fault | None:
        confirmed = self._clock()
        try:
            if not await self._heard_since(confirmed):
                return Fault(PUSH_SILENT)
            self._watch.notification_latency(self._assignment, max(0.0, self._heard_at - confirmed))
            return None
        finally:
            if isinstance(held, Tidying):
                await self._try(held, tx, TIDY)

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

    async def _try(self, held: Marking, tx: Transaction, step: Step[Marking]) -> StepResult | None:
        return await attempt(step, tx, held, step.limit(self._assignment))


async def push_mark(tx: Transaction, held: Marking) -> None:
    """Leave a marker message in the mailbox."""
    await held.mark(tx)


async def push_tidy(tx: Transaction, held: Marking) -> None:
    """Take the marker message back."""
    if isinstance(held, Tidying):
        await held.tidy(tx)


MARK: Step[Marking] = Step(push_mark, Depth.MAILBOX, timeout=lambda assignment: assignment.timeout)
TIDY: Step[Marking] = Step(push_tidy, Depth.MAILBOX, timeout=TIDYING, tolerated=True)
