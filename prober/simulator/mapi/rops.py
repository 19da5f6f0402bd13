"""Remote operations: the buffer they travel in, and RopLogon (MS-OXCROPS 2.2.3.1, MS-OXCRPC 2.2.2.1)."""

import struct
import uuid
from datetime import datetime

from prober.simulator.mailbox import Mailbox
from prober.simulator.mapi.bodies import BodyInvalid, Reader

HEADER = struct.Struct("<4H")
LAST = 0x0004
LOGON = 0xFE
WRONG_SERVER, NOT_SUPPORTED, UNKNOWN_USER = 0x478, 0x80040102, 0x3EB
FOLDERS = 13
NO_HANDLE = 0xFFFFFFFF


def answer(buffer: bytes, mailbox: Mailbox, now: datetime, *, elsewhere: str = "") -> bytes:
    """Return the answer to a buffer of ROPs, of which logon is played and every other one refused.

    `elsewhere`: the server that has the mailbox, where it is not this one. Raises `BodyInvalid`.
    """
    rops = _rops(buffer)
    if not rops:
        raise BodyInvalid("a buffer without an operation")
    if rops[0] != LOGON:
        return _wrapped(struct.pack("<BBI", rops[0], rops[2] if len(rops) > 2 else 0, NOT_SUPPORTED), NO_HANDLE)
    asked = Reader(rops)
    _, _, handle, flags = asked.take(4)
    asked.take(8)
    dn = asked.take(int.from_bytes(asked.take(2), "little")).rstrip(b"\0").decode("ascii", "replace")
    if dn and dn.lower() != mailbox.legacy_dn.lower():
        return _wrapped(struct.pack("<BBI", LOGON, handle, UNKNOWN_USER), NO_HANDLE)
    if elsewhere:
        name = elsewhere.encode("ascii") + b"\0"
        return _wrapped(struct.pack("<BBIBB", LOGON, handle, WRONG_SERVER, flags, len(name)) + name, NO_HANDLE)
    return _wrapped(_logged_on(handle, flags, mailbox, now), 1)


def _rops(buffer: bytes) -> bytes:
    """Return the operations within the extended header and their size; compressed or hidden ones are not taken."""
    if len(buffer) < HEADER.size + 2:
        raise BodyInvalid("shorter than its header")
    version, flags, size, _ = HEADER.unpack_from(buffer)
    if version or flags & ~LAST or size > len(buffer) - HEADER.size:
        raise BodyInvalid("not a plain buffer")
    (length,) = struct.unpack_from("<H", buffer, HEADER.size)
    if not 2 <= length <= size:
        raise BodyInvalid("operations longer than their buffer")
    return buffer[HEADER.size + 2 : HEADER.size + length]


def _logged_on(handle: int, flags: int, mailbox: Mailbox, now: datetime) -> bytes:
    """A private mailbox: the ids of its special folders, who it is, and the server's time."""
    folders = b"".join(struct.pack("<HIH", 1, 0, number) for number in range(1, FOLDERS + 1))
    guid = uuid.UUID(mailbox.guid).bytes_le
    weekday = (now.weekday() + 1) % 7
    time = struct.pack("<6BH", now.second, now.minute, now.hour, weekday, now.day, now.month, now.year)
    head = struct.pack("<BBIB", LOGON, handle, 0, flags)
    return head + folders + b"\x07" + guid + struct.pack("<H", 1) + guid + time + struct.pack("<QI", 0, 0)


def _wrapped(rops: bytes, handle: int) -> bytes:
    payload = struct.pack("<H", len(rops) + 2) + rops + struct.pack("<I", handle)
    return HEADER.pack(0, LAST, len(payload), len(payload)) + payload
