"""A request that is always waiting for news of the inbox, as a phone in a pocket has it: Ping, or a long Sync.

Rule: a wait that told nothing is not believed. The inbox is looked at with the key by which the server compared; an
item that had been there for a while loses the channel.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from prober.clients import marker
from prober.clients.activesync_inbox import folders, marker_subject, prime, settle, sync
from prober.clients.activesync_phone import Device, negotiate, options_of, provision, say, send
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.eas import status
from prober.protocols.eas.ping import CHANGED, HEARTBEAT, HIERARCHY, Ping, Pinged
from prober.transaction import Transaction

TOO_EARLY = 3
LONGEST = 3540
"""Seconds of heartbeat that a server may agree to (MS-ASCMD sections 2.2.3.84.1 and 2.2.3.84.2)."""
SHORTEST = 60
"""Seconds of heartbeat that servers agree to at the least: what is left of a wait that ended a little early is worth no
other, which would end at once."""
LATE = 30.0
"""Seconds since an item was received when the channel ought to have told of it: time for what arrives as the wait ends,
for servers that look every few seconds, and for clocks that differ a little."""


async def ping(tx: Transaction, device: Device, heartbeat: int) -> Pinged:
    """Ping once; adopt the heartbeat that the server names, and learn the folders anew when it says so, once each."""
    inbox = tx.device.memory["inbox"]
    answer = await say(tx, device, lambda asking: Ping(asking, inbox, heartbeat))
    if answer.status == HEARTBEAT:
        allowed = answer.heartbeat
        if not allowed:
            raise FaultError(status.COMMAND["ping", HEARTBEAT], {"missing": "HeartbeatInterval"})
        if allowed < heartbeat:
            tx.device.memory["heartbeat"] = str(allowed)
        answer = await say(tx, device, lambda asking: Ping(asking, inbox, allowed))
    elif answer.status == HIERARCHY:
        await folders(tx, device)
        if "sync_key" not in tx.device.memory:
            await settle(tx, device)
        inbox = tx.device.memory["inbox"]
        answer = await say(tx, device, lambda asking: Ping(asking, inbox, heartbeat))
    if answer.status in (HEARTBEAT, HIERARCHY):
        raise FaultError(status.COMMAND["ping", answer.status], {"eas_status": answer.status, "command": "ping"})
    return answer


async def _by_ping(tx: Transaction, device: Device, heartbeat: int) -> bool:
    return (await ping(tx, device, heartbeat)).status == CHANGED


async def _by_sync(tx: Transaction, device: Device, heartbeat: int) -> bool:
    """Wait with a Sync; adopt the limit that the server names, once (status 14, element Limit)."""
    changes = await sync(tx, device, heartbeat=heartbeat)
    if changes.limit:
        if changes.limit < heartbeat:
            tx.device.memory["sync_heartbeat"] = str(changes.limit)
        changes = await sync(tx, device, heartbeat=changes.limit)
    if changes.limit:
        raise FaultError(status.COMMAND["sync", "14"], {"eas_status": "14", "command": "sync"})
    return not changes.quiet or changes.more


@dataclass(frozen=True, slots=True)
class Way:
    """One way to wait: how to ask, where the longest heartbeat is remembered, and what its failures are called."""

    wait: Callable[[Transaction, Device, int], Awaitable[bool]]
    memory: str
    lost: Kind
    early: Kind
    missed: Kind


PING = Way(_by_ping, "heartbeat", status.PING_LOST, status.PING_TOO_EARLY, status.PING_MISSED)
SYNC = Way(_by_sync, "sync_heartbeat", status.SYNC_LOST, status.SYNC_TOO_EARLY, status.SYNC_MISSED)


class HeldPhone:
    """The channel. Which way it waits is settled when it is opened, by the option `channel`."""

    def __init__(self) -> None:
        self._device = Device()
        self._way = PING
        self._early = 0
        self._unread = False

    async def open(self, tx: Transaction) -> None:
        """Sign in, and bring the inbox to rest, so that there is something to wait for."""
        self._way = SYNC if options_of(tx.assignment).channel == "sync" else PING
        await negotiate(tx, self._device)
        if "policy_key" not in tx.device.memory:
            await provision(tx, self._device)
        if "inbox" not in tx.device.memory:
            await folders(tx, self._device)
        if "sync_key" not in tx.device.memory:
            await prime(tx, self._device)
        await settle(tx, self._device)

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Wait again and again for up to `seconds`; return whether the mailbox changed.

        Raises `FaultError` (`eas_ping_missed`, `eas_sync_missed` for an item of which nothing was told).
        """
        clock = tx.timeline.clock
        until = clock() + seconds
        await self._read(tx)
        left, least = until - clock(), 1
        while left >= least:
            if await self._hold(tx, int(left)):
                self._early, self._unread = 0, True
                return True
            left, least = until - clock(), min(SHORTEST, self._longest(tx))
        return False

    async def _read(self, tx: Transaction) -> None:
        """Read what the last news was about, or every further wait would end at once."""
        if self._unread:
            self._unread = False
            await settle(tx, self._device)

    async def _hold(self, tx: Transaction, seconds: int) -> bool:
        clock, memory = tx.timeline.clock, tx.device.memory
        heartbeat, began, key = min(seconds, self._longest(tx)), clock(), memory.get("sync_key")
        try:
            told = await self._way.wait(tx, self._device, heartbeat)
        except FaultError as error:
            raise lost(error, self._way.lost) from None
        if told:
            return True
        asked = min(heartbeat, self._longest(tx))
        self._early = self._early + 1 if clock() - began < asked / 2 else 0
        if self._early >= TOO_EARLY:
            raise FaultError(self._way.early, {"count": str(self._early)})
        return await self._kept_back(tx, key)

    def _longest(self, tx: Transaction) -> int:
        return int(tx.device.memory.get(self._way.memory, LONGEST))

    async def _kept_back(self, tx: Transaction, key: str | None) -> bool:
        """Return whether there is news all the same. Raises `FaultError` when there has been for a while.

        Where another transaction of this device has synchronised meanwhile, nothing can be said.
        """
        if tx.device.memory.get("sync_key") != key:
            return False
        found = await settle(tx, self._device)
        age = 0.0 if found.oldest is None else tx.wall() - found.oldest
        if age >= LATE:
            raise FaultError(self._way.missed, {"items": str(found.items), "seconds": str(round(age))})
        return found.items > 0

    async def close(self, tx: Transaction) -> None:
        """Hang up; a phone takes no leave."""
        with suppress(FaultError):
            await tx.close()

    async def mark(self, tx: Transaction) -> None:
        """Send the mailbox a marker; whoever synchronises it removes it. Raises `FaultError`."""
        device = Device()
        await negotiate(tx, device)
        await send(tx, device, marker.message(tx, marker_subject(tx)))

    async def untold(self, tx: Transaction) -> bool:
        """Whether a marker is in the inbox of which no wait has told. Raises `FaultError`."""
        return (await settle(tx, self._device)).marked


def lost(error: FaultError, kind: Kind) -> FaultError:
    """A connection that ends, or stays silent beyond the heartbeat, while it waits is a lost channel."""
    if error.fault.reason not in (Reason.CONNECTION_RESET, Reason.READ_TIMEOUT):
        return error
    return FaultError(kind, {"cause": error.fault.kind.code}, phase=error.fault.phase)
