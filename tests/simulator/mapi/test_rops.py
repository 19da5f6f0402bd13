"""RopLogon, spelt out byte by byte."""

import struct
import uuid
from datetime import UTC, datetime

import pytest

from prober.simulator.mailbox import Mailbox
from prober.simulator.mapi import rops
from prober.simulator.mapi.bodies import BodyInvalid

NOW = datetime(2026, 11, 2, 12, 34, 56, tzinfo=UTC)  # a Monday
BOX = Mailbox("a@x.test", "s", lambda: NOW)


def buffer(operations: bytes) -> bytes:
    """Wrap operations as a client does: header, size, operations, one handle."""
    payload = struct.pack("<H", len(operations) + 2) + operations + b"\xff" * 4
    return bytes.fromhex("0000 0400") + struct.pack("<HH", len(payload), len(payload)) + payload


def logon(dn: str) -> bytes:
    name = dn.encode() + b"\0"
    return bytes.fromhex("FE 00 00 01 0C040001 00000000") + struct.pack("<H", len(name)) + name


def answered(operations: bytes, **more: str) -> bytes:
    answer = rops.answer(buffer(operations), BOX, NOW, **more)
    (size,) = struct.unpack_from("<H", answer, 8)
    return answer[10 : 8 + size]


def test_a_logon_is_granted_with_folders_mailbox_and_time() -> None:
    """Return value 0, thirteen folder ids, the GUID, Monday as 1."""
    answer = answered(logon(BOX.legacy_dn))
    assert answer[:7] == bytes.fromhex("FE 00 00000000 01")
    assert len(answer) == 7 + 13 * 8 + 1 + 16 + 2 + 16 + 8 + 8 + 4
    assert answer[112:128] == uuid.UUID(BOX.guid).bytes_le
    assert answer[146:154] == bytes((56, 34, 12, 1, 2, 11)) + struct.pack("<H", 2026)


def test_another_server_has_the_mailbox() -> None:
    """0x478 with its name."""
    answer = answered(logon(BOX.legacy_dn), elsewhere="other.test")
    assert answer == bytes.fromhex("FE 00 78040000 01 0B") + b"other.test\0"


@pytest.mark.parametrize(
    ("operations", "value"),
    [(logon("/o=somebody else"), 0x3EB), (bytes.fromhex("02 00 00 01"), 0x80040102)],
)
def test_what_is_not_granted_has_its_return_value(operations: bytes, value: int) -> None:
    """Somebody else's mailbox, another operation."""
    assert struct.unpack_from("<I", answered(operations), 2) == (value,)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(9),
        buffer(b""),
        bytes.fromhex("0100") + buffer(b"\xfe")[2:],
        bytes.fromhex("0000 0600") + buffer(b"\xfe")[4:],
        buffer(logon("x"))[:-20],
        buffer(b"\xfe\0\0"),
    ],
)
def test_what_is_no_buffer_is_invalid(raw: bytes) -> None:
    """Too short, empty, another version, compressed, cut off, a logon without its name."""
    with pytest.raises(BodyInvalid):
        rops.answer(raw, BOX, NOW)
