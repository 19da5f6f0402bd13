"""Remote operations: the buffer they travel in, logging on, and notifications (MS-OXCROPS 2.2, MS-OXCSTOR 2.2.1.1).

Rule of this file: an operation whose length nobody here knows makes the whole buffer unreadable, as the specification
has it (MS-OXCROPS section 3.2.5.1); everything else is answered by a return value.
"""

import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from prober.simulator.mailbox import Mailbox
from prober.simulator.mapi import extended
from prober.simulator.mapi.bodies import BodyInvalid, Reader

LOGON, RELEASE, REGISTER, NOTIFY = 0xFE, 0x01, 0x29, 0x2A
PRIVATE, UNDERCOVER, GHOSTED = 0x01, 0x02, 0x04
PER_MDB_REPLID_MAPPING = 0x01000000
WRONG_SERVER, UNKNOWN_USER, NOT_SUPPORTED = 0x478, 0x3EB, 0x80040102
INVALID_PARAMETER, ACCESS_DENIED, RPC_FORMAT, NULL_OBJECT = 0x80070057, 0x80070005, 0x4B6, 0x4B9
FOLDERS = 13
"""Special folders whose ids a logon tells, from the root to the shortcuts."""
RESPONSE_FLAGS = 0x07
"""Always set, owner, may send as (MS-OXCSTOR section 2.2.1.1.3)."""
REPLICA = 1
NO_HANDLE = 0xFFFFFFFF
IDENTIFIERS = 16
"""Bytes of the folder's and the message's id, which are there unless the whole store is meant."""
NEW_MAIL, OF_A_MESSAGE = 0x0002, 0x8000
INBOX = 5

ByDn = Callable[[str], Mailbox | None]


@dataclass(slots=True)
class Store:
    """What operations are played on: `find` a mailbox by its name, whether it `may` be opened, and where it lives.

    `home`: the name of the server that has a mailbox, empty when it is this one. `handles`: how many were given out.
    `subscription`: the handle under which the client wants to hear of events, 0 for none. `events`: whether there are.
    """

    mailbox: Mailbox
    find: ByDn
    may: Callable[[Mailbox], bool]
    home: Callable[[Mailbox], str]
    now: datetime
    handles: int = field(default=0)
    subscription: int = 0
    events: bool = False


class FormatError(Exception):
    """The operations cannot be told apart (`ecRpcFormat`)."""


def play(buffer: bytes, store: Store) -> bytes:
    """Return the answers to a buffer of operations.

    Raises `BodyInvalid` for what is no buffer, and `FormatError` for what is within.
    """
    payload = extended.unwrap(buffer)
    if len(payload) < 2:
        raise BodyInvalid("a buffer without a size")
    (size,) = struct.unpack_from("<H", payload)
    if not 2 <= size <= len(payload) or (len(payload) - size) % 4:
        raise BodyInvalid("operations longer than their buffer")
    handles = list(struct.unpack(f"<{(len(payload) - size) // 4}I", payload[size:]))
    answers = _answers(Reader(payload[2:size]), store, handles) + _events(store)
    return extended.wrap(struct.pack("<H", len(answers) + 2) + answers + struct.pack(f"<{len(handles)}I", *handles))


def _answers(asked: Reader, store: Store, handles: list[int]) -> bytes:
    answers = b""
    while asked.left:
        operation = asked.take(1)[0]
        try:
            if operation == LOGON:
                answers += _logon(asked, store, handles)
            elif operation == RELEASE:
                _release(asked, handles)
            elif operation == REGISTER:
                answers += _register(asked, store, handles)
            else:
                raise FormatError(f"operation {operation:#x}")
        except BodyInvalid as exc:
            raise FormatError(str(exc)) from None
    return answers


def _logon(asked: Reader, store: Store, handles: list[int]) -> bytes:
    """Log on to a private mailbox (MS-OXCSTOR section 3.2.5.1.1)."""
    _, index, flags = asked.take(3)
    (open_flags,) = struct.unpack("<I", asked.take(4))
    asked.take(4)
    name = asked.take(int.from_bytes(asked.take(2), "little")).rstrip(b"\0").decode("latin-1")
    mailbox = store.find(name) if name else store.mailbox
    error = _why_not(flags, open_flags, mailbox, store)
    if error or mailbox is None:
        _put(handles, index, NO_HANDLE)
        return struct.pack("<BBI", LOGON, index, error)
    elsewhere = store.home(mailbox).encode("ascii", "replace")[:254]
    flags &= PRIVATE | UNDERCOVER | GHOSTED
    if elsewhere:
        _put(handles, index, NO_HANDLE)
        return struct.pack("<BBIBB", LOGON, index, WRONG_SERVER, flags, len(elsewhere) + 1) + elsewhere + b"\0"
    store.handles += 1
    _put(handles, index, store.handles)
    return struct.pack("<BBIB", LOGON, index, 0, flags) + _private(mailbox, store.now)


def _why_not(flags: int, open_flags: int, mailbox: Mailbox | None, store: Store) -> int:
    """Return the return value of a logon that is not granted, 0 for one that is (MS-OXCSTOR section 3.2.5.1.3)."""
    if not flags & PRIVATE:
        return NOT_SUPPORTED
    if not open_flags & PER_MDB_REPLID_MAPPING:
        return INVALID_PARAMETER
    if mailbox is None:
        return UNKNOWN_USER
    return 0 if store.may(mailbox) else ACCESS_DENIED


def _private(mailbox: Mailbox, now: datetime) -> bytes:
    """Return the ids of the special folders, who the mailbox and its replica are, and the server's time."""
    folders = b"".join(struct.pack("<H", REPLICA) + number.to_bytes(6, "big") for number in range(1, FOLDERS + 1))
    mapping = uuid.uuid5(uuid.UUID(mailbox.guid), "replica").bytes_le
    weekday = now.isoweekday() % 7
    time = struct.pack("<6BH", now.second, now.minute, now.hour, weekday, now.day, now.month, now.year)
    return (
        folders
        + bytes((RESPONSE_FLAGS,))
        + uuid.UUID(mailbox.guid).bytes_le
        + struct.pack("<H", REPLICA)
        + mapping
        + time
        + struct.pack("<QI", 0, 0)
    )


def _release(asked: Reader, handles: list[int]) -> None:
    """Give a handle back; that is not answered (MS-OXCROPS section 2.2.15.3)."""
    _, index = asked.take(2)
    if index < len(handles):
        handles[index] = NO_HANDLE


def _register(asked: Reader, store: Store, handles: list[int]) -> bytes:
    """Subscribe to events (MS-OXCROPS section 2.2.14.1), which are then told of whatever they are."""
    _, source, index, _, _, whole = asked.take(6)
    if not whole:
        asked.take(IDENTIFIERS)
    if source >= len(handles) or handles[source] == NO_HANDLE:
        _put(handles, index, NO_HANDLE)
        return struct.pack("<BBI", REGISTER, index, NULL_OBJECT)
    store.handles = max(store.handles, handles[source]) + 1
    store.subscription = store.handles
    _put(handles, index, store.subscription)
    return struct.pack("<BBI", REGISTER, index, 0)


def _events(store: Store) -> bytes:
    """Return what a subscriber is told, in the shape of new mail (MS-OXCROPS 2.2.14.2, MS-OXCNOTIF 2.2.1.4.1.2)."""
    if not (store.subscription and store.events):
        return b""
    folder = struct.pack("<H", REPLICA) + INBOX.to_bytes(6, "big")
    message = struct.pack("<H", REPLICA) + store.mailbox.sequence.to_bytes(6, "big")
    told = struct.pack("<H", NEW_MAIL | OF_A_MESSAGE) + folder + message + struct.pack("<IB", 0, 0) + b"IPM.Note\0"
    return struct.pack("<BIB", NOTIFY, store.subscription, 0) + told


def _put(handles: list[int], index: int, handle: int) -> None:
    handles += [NO_HANDLE] * (index + 1 - len(handles))
    handles[index] = handle
