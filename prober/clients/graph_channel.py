"""Push channels of clients that go the public way: IMAP IDLE beside it, or a held connection asked again and again.

Rule of this file: the channel signs in to its own resource, with the credential meant for it.
"""

from contextlib import suppress
from dataclasses import dataclass, field

from prober.clients import graph_mailbox as graph
from prober.clients.imap4_channel import HeldInbox
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.transaction import Transaction

EVERY = 60.0
"""Seconds between two questions on a held connection."""
LINK = "held_delta"
"""Under which the channel follows the Inbox: an attempt in between must not take its news."""
CONNECTION_LOST = Kind("held_connection_lost", Reason.PUSH_CHANNEL_LOST)


@dataclass(slots=True)
class HeldBeside:
    """The inbox of the same mailbox held in IDLE, in place of a channel that nobody else can open."""

    _inbox: HeldInbox = field(default_factory=HeldInbox)

    async def open(self, tx: Transaction) -> None:
        """Sign in over IMAP and begin IDLE."""
        await self._inbox.open(tx.beside(graph.IMAP))

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Hold up to `seconds`; return whether a message came or went. Raises `FaultError`."""
        return await self._inbox.wait(tx.beside(graph.IMAP), seconds)

    async def close(self, tx: Transaction) -> None:
        """Take leave."""
        await self._inbox.close(tx.beside(graph.IMAP))

    async def mark(self, tx: Transaction) -> None:
        """Put a marker into the inbox. Raises `FaultError`."""
        await self._inbox.mark(tx.beside(graph.IMAP))

    async def tidy(self, tx: Transaction) -> None:
        """Remove it again."""
        await self._inbox.tidy(tx.beside(graph.IMAP))


@dataclass(slots=True)
class HeldConnection:
    """One connection on which the same question is asked every minute: what is new in the Inbox."""

    _connections: int = 0

    async def open(self, tx: Transaction) -> None:
        """Follow the Inbox by a link of its own, and remember how many connections that took."""
        tx.device.forget(LINK)
        await graph.news(tx, LINK)
        self._connections = tx.connections

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Ask again and again for up to `seconds`; return whether something is new. Raises `FaultError`."""
        until = tx.timeline.clock() + seconds
        while (left := until - tx.timeline.clock()) > 0:
            await tx.rest(min(left, EVERY))
            items = await graph.news(tx, LINK)
            if tx.connections != self._connections:
                raise FaultError(CONNECTION_LOST, {"connections": str(tx.connections - self._connections)})
            if items:
                return True
        return False

    async def close(self, tx: Transaction) -> None:
        """Hang up."""
        with suppress(FaultError):
            await tx.close()
