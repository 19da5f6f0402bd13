"""The device table of a mailbox: who may synchronise, under which policy key, and how far each collection has come."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

PARTNERSHIPS = 100
"""Devices that one mailbox may have, as in Exchange Online's throttling policy."""
KEPT_PER_TENANT = 100_000
ALLOWED, QUARANTINED, BLOCKED = "allowed", "quarantined", "blocked"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a collection has been sent: up to which sequence number of the mailbox, under which key."""

    key: int
    sequence: int


@dataclass(slots=True)
class CollectionState:
    """What a device knows of one collection: as it is now, and as it was before the last answer."""

    now: Progress
    before: Progress | None = None
    filter_type: int = 0

    def at(self, key: str) -> Progress | None:
        """Return the progress of `key`: the current one, or the one before, for an answer that was lost."""
        return next((one for one in (self.now, self.before) if one is not None and str(one.key) == key), None)

    def advance(self, come_from: Progress, sequence: int) -> str:
        """Go on from `come_from` to `sequence`; return the new key."""
        self.before, self.now = come_from, Progress(come_from.key + 1, sequence)
        return str(self.now.key)


@dataclass(slots=True)
class Device:
    """One device of one mailbox. `policy_key` is final, `offered` the temporary one; `wipe`: it is to be wiped."""

    id: str
    type: str
    policy_key: str = ""
    offered: str = ""
    folder_key: int = 0
    access: str = ALLOWED
    wipe: bool = False
    collections: dict[str, CollectionState] = field(default_factory=dict)
    ping_folders: tuple[str, ...] = ()
    ping_heartbeat: int = 0
    last_sync: bytes = b""
    sent: tuple[str, ...] = ()

    def offer(self) -> str:
        """Make a temporary policy key."""
        self.offered = _new_key()
        return self.offered

    def accept(self) -> str:
        """Make the final policy key, the temporary one being used up."""
        self.policy_key, self.offered = _new_key(), ""
        return self.policy_key

    def start_anew(self) -> None:
        """Forget every key of folders and items."""
        self.folder_key = 0
        self.collections.clear()


class TooManyDevicesError(Exception):
    """The mailbox has as many device partnerships as it may have."""


class Devices:
    """All devices of the tenant. `rules`: what device types get other than being allowed."""

    def __init__(self, partnerships: int = PARTNERSHIPS) -> None:
        self._partnerships = partnerships
        self._devices: dict[tuple[str, str], Device] = {}
        self._counts: dict[str, int] = {}
        self.rules: dict[str, str] = {}

    def get(self, mailbox: str, device_id: str, device_type: str) -> Device:
        """Return a device, new or known. Raises `TooManyDevicesError`."""
        key = (mailbox.lower(), device_id)
        known = self._devices.get(key)
        if known is None:
            if self._counts.get(key[0], 0) >= self._partnerships or len(self._devices) >= KEPT_PER_TENANT:
                raise TooManyDevicesError
            self._counts[key[0]] = self._counts.get(key[0], 0) + 1
            known = self._devices[key] = Device(device_id, device_type)
        known.access = self.rules.get(known.type, known.access)
        return known

    def of(self, mailbox: str) -> Iterable[Device]:
        """Return every device of a mailbox."""
        return [device for (owner, _), device in self._devices.items() if owner == mailbox.lower()]


def fresh(sequence: int) -> CollectionState:
    """Return the state of a collection that was just primed."""
    return CollectionState(Progress(1, sequence))


def _new_key() -> str:
    """Return a policy key: a decimal number of 32 bits, never 0 (MS-ASPROV section 2.2.2.42)."""
    return str(secrets.randbelow(2**32 - 1) + 1)
