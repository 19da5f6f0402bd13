"""Remote operations: the buffer they travel in, RopLogon and RopRelease (MS-OXCROPS section 2.2, MS-OXCSTOR 2.2.1.1).

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

LOGON, RELEASE = 0xFE, 0x01
PRIVATE, UNDERCOVER, GHOSTED = 0x01, 0x02, 0x04
PER_MDB_REPLID_MAPPING = 0x01000000
WRONG_SERVER, UNKNOWN_USER, NOT_SUPPORTED = 0x478, 0x3EB, 0x80040102
INVALID_PARAMETER, ACCESS_DENIED, RPC_FORMAT = 0x80070057, 0x80070005, 0x4B6
FOLDERS = 13
"""Special folders whose ids a logon tells, from the root to the shortcuts."""
RESPONSE_FLAGS = 0x07
"""Always set, owner, may send as (MS-OXCSTOR section 2.2.1.1.3)."""
REPLICA = 1
NO_HANDLE = 0xFFFFFFFF

ByDn = Callable[[str], Mailbox | None]


@dataclass(slots=True)
class Store:
    """What operations are played on: `find` a mailbox by its name, whether it `may` be opened, and where it lives.

    `home`: the name of the server that has a mailbox, empty when it is this one. `handles`: how many were given out.
    """

    mailbox: Mailbox
    find: ByDn
    may: Callable[[Mailbox], bool]
    home: Callable[[Mailbox], str]
    now: datetime
    handles: int = field(default=0)


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
    answers = _answers(Reader(payload[2:size]), store, handles)
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


def _put(handles: list[int], index: int, handle: int) -> None:
    handles += [NO_HANDLE] * (index + 1 - len(handles))
    handles[index] = handle
