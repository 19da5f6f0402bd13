"""A mailbox watched by NotificationWait, request after request, as classic Outlook does.

Rule: a request that ends is followed by the next at once, and events are fetched before it, so that nothing falls
between two of them. A hold that told nothing is not believed: events that are there all the same lose the channel.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from prober.clients.mapi import DISCOVERY, Outlook, ask, begin_wait, connect, discover, log_on, register
from prober.faults.taxonomy import FaultError
from prober.protocols.mapi import status
from prober.protocols.mapi.disconnect import Disconnect
from prober.protocols.mapi.execute import CollectEvents
from prober.protocols.mapi.notification_wait import Waiting
from prober.transaction import Transaction

QUICK = 1.0
"""Seconds: a wait that ends sooner, and without news, was none."""
QUICK_IN_A_ROW = 3
GRACE = 10.0
"""Seconds that the waiting request may take to tell of events which can be fetched already."""


@dataclass(slots=True)
class HeldNotification:
    """The session, the subscription and the request that waits."""

    _outlook: Outlook = field(default_factory=Outlook)
    _waiting: Waiting | None = None
    _begun: float = 0.0
    _quick: int = 0

    async def open(self, tx: Transaction) -> None:
        """Find the mailbox, connect, log on, subscribe to new items, and wait. Raises `FaultError`."""
        self._outlook, self._waiting, self._quick = Outlook(), None, 0
        if DISCOVERY in tx.target.endpoints:
            await discover(tx, self._outlook)
        await self._sign_on(tx)

    async def _sign_on(self, tx: Transaction) -> None:
        await connect(tx, self._outlook)
        await register(tx, self._outlook, await log_on(tx, self._outlook))
        await self._begin(tx)

    async def _begin(self, tx: Transaction) -> None:
        self._waiting = await begin_wait(tx, self._outlook)
        self._begun = tx.timeline.clock()

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Hold up to `seconds`; return whether the server told of events.

        Raises `FaultError` (`mapi_wait_silent` without a sign of life, `mapi_wait_lost` when the request breaks off,
        `mapi_wait_missed` for events that it did not tell of).
        """
        if await self._listen_for(tx, seconds):
            return True
        if not await ask(tx, self._outlook, CollectEvents):
            return False
        if not await self._listen_for(tx, GRACE):
            raise FaultError(status.WAIT_MISSED, {"seconds": f"{seconds:.0f}"})
        return True

    async def _listen_for(self, tx: Transaction, seconds: float) -> bool:
        clock = tx.timeline.clock
        until = clock() + seconds
        while (left := until - clock()) > 0:
            if await self._listen(tx, left):
                return True
        return False

    async def _listen(self, tx: Transaction, seconds: float) -> bool:
        if self._waiting is None:
            await self._begin(tx)
        told = await self._waiting.listen(seconds) if self._waiting is not None else None
        if told is None:
            return False
        self._waiting = None
        if not told:
            await self._slow_down(tx)
        await self._go_on(tx, told=told)
        return told

    async def _slow_down(self, tx: Transaction) -> None:
        """Count a request that ended at once. Raises `FaultError` when there were too many in a row."""
        self._quick = self._quick + 1 if tx.timeline.clock() - self._begun < QUICK else 0
        if self._quick >= QUICK_IN_A_ROW:
            raise FaultError(status.WAIT_LOST, {"cause": "ended early"})
        if self._quick:
            await tx.rest(QUICK)

    async def _go_on(self, tx: Transaction, *, told: bool) -> None:
        """Fetch what is pending and wait again; a session that the server has lost is begun anew, once in a row."""
        try:
            if told:
                self._quick = 0
                await ask(tx, self._outlook, CollectEvents)
            await self._begin(tx)
        except FaultError as error:
            if self._outlook.reconnected or not status.context_lost(error.fault):
                raise
        else:
            self._outlook.reconnected = False
            return
        self._outlook.reconnected = True
        await self._sign_on(tx)

    async def close(self, tx: Transaction) -> None:
        """Let go of the request and end the session; what goes wrong with it no longer matters."""
        if self._waiting is not None:
            await self._waiting.close()
            self._waiting = None
        if self._outlook.connected:
            with suppress(FaultError):
                await ask(tx, self._outlook, Disconnect)
