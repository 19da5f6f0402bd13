"""Remote operations in their buffer: logging on, asking for notifications, and what is told then.

Sources: MS-OXCRPC section 2.2.2.1 (extended buffers), MS-OXCROPS sections 2.2.1, 2.2.3.1 and 2.2.14, MS-OXCSTOR section
2.2.1.1, MS-OXCNOTIF section 2.2.1. Rule of this file: we ask for buffers that are neither packed nor veiled, and read
veiled ones all the same.
"""

import struct
from dataclasses import dataclass, field

from prober.faults.taxonomy import FaultError
from prober.protocols.mapi import status
from prober.protocols.mapi.octets import Octets

HEADER = struct.Struct("<4H")
"""Version, flags, the size as it stands there, the size unpacked."""
COMPRESSED, VEILED, LAST = 0x0001, 0x0002, 0x0004
VEIL = bytes(byte ^ 0xA5 for byte in range(256))
NO_HANDLE = 0xFFFFFFFF
LOGON, REGISTER, NOTIFY, PENDING = 0xFE, 0x29, 0x2A, 0x6E
PRIVATE = 0x01
HOME_LOGON, TAKE_OWNERSHIP, NO_MAIL, PER_MDB_REPLICAS = 0x4, 0x8, 0x400, 0x01000000
OPEN_FLAGS = HOME_LOGON | TAKE_OWNERSHIP | NO_MAIL | PER_MDB_REPLICAS
"""0x0100040C, as in the example of MS-OXODLGT section 4.1.1; without replicas per database a server refuses."""
NEW_MAIL, CREATED = 0x02, 0x04
WHOLE_STORE = 1
FOLDERS = 13
INBOX = 4


def wrap(operations: bytes, handles: tuple[int, ...]) -> bytes:
    """Return operations and the table of handles in one buffer, the last of its kind."""
    payload = struct.pack("<H", len(operations) + 2) + operations + struct.pack(f"<{len(handles)}I", *handles)
    return HEADER.pack(0, LAST, len(payload), len(payload)) + payload


def unwrap(buffer: bytes) -> tuple[Octets, tuple[int, ...]]:
    """Return the answers to operations, and the handles. Raises `FaultError`."""
    reader = Octets(buffer, "operations")
    number, flags, size, actual = (reader.number(2) for _ in range(4))
    payload = reader.take(size)
    if number or flags & COMPRESSED or not flags & LAST or size != actual:
        raise reader.malformed("header")
    if flags & VEILED:
        payload = payload.translate(VEIL)
    inner = Octets(payload, "operations")
    length = inner.number(2)
    if length < 2:
        raise inner.malformed("length")
    answers = Octets(inner.take(length - 2), "operations")
    if inner.left % 4:
        raise inner.malformed("handles")
    return answers, tuple(inner.number() for _ in range(inner.left // 4))


def logon(user_dn: str) -> bytes:
    """Return the operation that logs on to a private mailbox (MS-OXCROPS section 2.2.3.1.1)."""
    name = user_dn.encode("ascii", "replace") + b"\0"
    return struct.pack("<4B2IH", LOGON, 0, 0, PRIVATE, OPEN_FLAGS, 0, len(name)) + name


@dataclass(frozen=True, slots=True)
class Logon:
    """A mailbox that is logged on to: its handle, and the ids of its special folders."""

    handle: int
    folders: tuple[bytes, ...] = field(repr=False)

    @property
    def inbox(self) -> bytes:
        """The id of the inbox (MS-OXCSTOR section 2.2.1.1.3)."""
        return self.folders[INBOX]


def read_logon(buffer: bytes) -> Logon:
    """Return the mailbox that was logged on to. Raises `FaultError` (`mapi_wrong_server`, `mapi_logon_refused`)."""
    answers, handles = unwrap(buffer)
    index, value = _head(answers, LOGON)
    if value == status.WRONG_SERVER:
        raise FaultError(status.ELSEWHERE, {"value": f"{value:#010x}"})
    if value:
        raise FaultError(status.OPERATION_FAILED, {"value": f"{value:#010x}"})
    answers.number(1)
    folders = tuple(answers.take(8) for _ in range(FOLDERS))
    answers.take(1 + 16 + 2 + 16 + 8 + 8 + 4)
    return Logon(_handle(answers, handles, index), folders)


def register() -> bytes:
    """Return the operation that asks to be told of new items in the whole mailbox (MS-OXCROPS section 2.2.14.1.1)."""
    return struct.pack("<7B", REGISTER, 0, 0, 1, NEW_MAIL | CREATED, 0, WHOLE_STORE)


def read_register(buffer: bytes) -> int:
    """Return the handle of the subscription. Raises `FaultError`."""
    answers, handles = unwrap(buffer)
    index, value = _head(answers, REGISTER)
    if value:
        raise FaultError(status.REGISTRATION_FAILED, {"value": f"{value:#010x}"})
    return _handle(answers, handles, index)


def read_events(buffer: bytes) -> bool:
    """Return whether an answer tells of events, or of more to come (MS-OXCROPS section 2.2.14). Raises `FaultError`.

    What they are is of no interest; details of the first are not read.
    """
    if not buffer:
        return False
    answers, _ = unwrap(buffer)
    if not answers.left:
        return False
    operation = answers.number(1)
    if operation not in (NOTIFY, PENDING):
        raise answers.malformed("operation")
    return True


def _head(answers: Octets, operation: int) -> tuple[int, int]:
    if answers.number(1) != operation:
        raise answers.malformed("operation")
    return answers.number(1), answers.number()


def _handle(answers: Octets, handles: tuple[int, ...], index: int) -> int:
    if index >= len(handles) or handles[index] == NO_HANDLE:
        raise answers.malformed("handle")
    return handles[index]
