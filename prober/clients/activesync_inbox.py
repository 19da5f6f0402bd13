"""The inbox as a phone keeps it: its folder, its key, how much waits in it, and when the newest items were received.

Rule: a folder that moved and a key that is refused are mended once per question. Another transaction of the same device
may go on with the same keys meanwhile; an answer to a key that is no longer the device's is not kept.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import TypeVar

from prober.clients.activesync_phone import Device, options_of, say
from prober.exchange import Exchange
from prober.faults.taxonomy import FaultError
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone
from prober.protocols.eas.folder_sync import FIRST, INBOX, FolderSync
from prober.protocols.eas.get_item_estimate import GetItemEstimate
from prober.protocols.eas.sync import Changes, Sync, SyncPrime
from prober.transaction import Transaction

R = TypeVar("R")
SETTLING = 20
NEWEST = 10
"""How many of the newest items are known by the time they were received."""
STATE_LOST = frozenset({"132", "134", "135", "136"})
"""The server's state is missing, spoilt, or of another version (MS-ASCMD section 2.2.2): from the beginning, once."""
FOLDER_KEY_REFUSED = STATE_LOST | {"9"}
KEY_REFUSED = frozenset({"eas_sync_3", "eas_estimate_3", "eas_estimate_4", *(f"eas_{code}" for code in STATE_LOST)})
HIERARCHY_CHANGED = frozenset({"eas_sync_8", "eas_sync_12", "eas_estimate_2"})
"""The folder is not where it was (section 2.2.3.177): FolderSync, and once more."""


@dataclass(slots=True)
class Settled:
    """What came until nothing came any more. `oldest`: when the oldest of it was received, in seconds since the epoch.

    `marked`: whether a marker of this device was among it.
    """

    items: int = 0
    whole: bool = False
    oldest: float | None = None
    marked: bool = False

    def take(self, changes: Changes) -> None:
        """Count what came."""
        self.items += len(changes.added)
        times = [received for _, received in changes.received]
        self.oldest = min(times + ([] if self.oldest is None else [self.oldest]), default=None)
        self.marked = self.marked or bool(changes.marked)


async def folders(tx: Transaction, device: Device) -> None:
    """Learn what changed in the folders, all of them where there is no key or it is refused; remember the inbox."""
    memory = tx.device.memory
    key = memory.get("folder_key", FIRST)
    try:
        found = await say(tx, device, lambda asking: FolderSync(asking, key))
    except FaultError as error:
        if key == FIRST or status.eas_status(error.fault) not in FOLDER_KEY_REFUSED:
            raise
        tx.note(key="refused")
        tx.device.forget("folder_key", "inbox", "sync_key")
        return await folders(tx, device)
    inbox = found.first(INBOX) or memory.get("inbox", "")
    tx.note(folders=len(found.ids))
    if not inbox:
        raise FaultError(status.NO_INBOX, {"folders": str(len(found.ids))})
    if inbox in found.gone:
        tx.device.forget("folder_key", "inbox", "sync_key")
        raise FaultError(status.NO_INBOX, {"folders": "deleted"})
    if memory.get("inbox") != inbox:
        tx.device.forget("sync_key", "newest", "received")
    memory["inbox"], memory["folder_key"] = inbox, found.sync_key
    return None


async def prime(tx: Transaction, device: Device) -> None:
    """Make the inbox known and remember its first key."""
    memory = tx.device.memory

    def make(asking: Phone) -> SyncPrime:
        return SyncPrime(asking, memory["inbox"])

    try:
        key = await say(tx, device, make)
    except FaultError as error:
        if error.fault.kind.code not in HIERARCHY_CHANGED:
            raise
        await _find_again(tx, device)
        key = await say(tx, device, make)
    memory["sync_key"] = key
    tx.device.forget("received")


async def mended(tx: Transaction, device: Device, make: Callable[[Phone], Exchange[R]]) -> R:
    """Ask about the inbox; where its folder or its key is not what it was, mend that and ask once more."""
    try:
        return await say(tx, device, make)
    except FaultError as error:
        mend = _cure(error)
        if mend is None:
            raise
    await mend(tx, device)
    return await say(tx, device, make)


def _cure(error: FaultError) -> Callable[[Transaction, Device], Awaitable[None]] | None:
    code = error.fault.kind.code
    if code in HIERARCHY_CHANGED:
        return _known_again
    return _primed_again if code in KEY_REFUSED else None


async def _find_again(tx: Transaction, device: Device) -> None:
    tx.note(folder="looked for again")
    await folders(tx, device)


async def _known_again(tx: Transaction, device: Device) -> None:
    await _find_again(tx, device)
    if "sync_key" not in tx.device.memory:
        await prime(tx, device)


async def _primed_again(tx: Transaction, device: Device) -> None:
    tx.note(key="refused")
    await prime(tx, device)


async def estimate(tx: Transaction, device: Device) -> int:
    """Return how many items a Sync would bring."""
    memory, filter_type = tx.device.memory, options_of(tx.assignment).filter_type

    def make(asking: Phone) -> GetItemEstimate:
        return GetItemEstimate(asking, memory["inbox"], memory["sync_key"], filter_type)

    return await mended(tx, device, make)


async def settle(tx: Transaction, device: Device) -> Settled:
    """Sync until nothing comes any more. Markers of this device that come are removed on the way."""
    settled, changes = Settled(), Changes()
    for _ in range(SETTLING):
        before = tx.device.memory.get("sync_key")
        changes = await sync(tx, device, delete=changes.marked)
        settled.take(changes)
        last = changes.empty or settled.items == 0 or tx.device.memory.get("sync_key") == before
        if changes.quiet and not changes.more and last:
            settled.whole = True
            break
    return settled


async def sync(tx: Transaction, device: Device, *, heartbeat: int = 0, delete: tuple[str, ...] = ()) -> Changes:
    """Ask once what is new, for up to `heartbeat` seconds, and keep what the answer says."""
    memory, chosen = tx.device.memory, options_of(tx.assignment)
    if "sync_key" not in memory:
        await prime(tx, device)
    key = memory["sync_key"]

    def make(asking: Phone) -> Sync:
        nonlocal key
        key = memory.get("sync_key", key)
        return Sync(
            asking,
            memory["inbox"],
            key,
            chosen.window_size,
            chosen.filter_type,
            heartbeat=heartbeat,
            delete=delete,
            marker=marker_subject(tx),
        )

    changes = await mended(tx, device, make)
    if memory.get("sync_key") == key:
        _keep(memory, changes)
    return changes


def _keep(memory: MutableMapping[str, str], changes: Changes) -> None:
    if changes.added:
        memory["newest"] = changes.added[-1]
    if changes.sync_key:
        memory["sync_key"] = changes.sync_key
    if changes.received or changes.gone:
        known = _received(memory) | dict(changes.received)
        kept = sorted(((at, item) for item, at in known.items() if item not in changes.gone), reverse=True)[:NEWEST]
        memory["received"] = json.dumps({item: at for at, item in kept})


def newest_received(tx: Transaction) -> float | None:
    """Return when the newest item known to be in the inbox was received, `None` where none is known."""
    return max(_received(tx.device.memory).values(), default=None)


def _received(memory: MutableMapping[str, str]) -> dict[str, float]:
    try:
        return {str(item): float(at) for item, at in json.loads(memory.get("received", "{}")).items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def marker_subject(tx: Transaction) -> str:
    """Return the subject of this device's markers, or nothing where it leaves none."""
    push = tx.assignment.push
    return f"Notification marker {tx.device.id[:12]}" if push is not None and push.marker > 0 else ""
