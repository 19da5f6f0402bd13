"""RopLogon and RopRelease, spelt out byte by byte."""

import struct
import uuid
from datetime import UTC, datetime

import pytest

from prober.simulator.mailbox import Mailbox
from prober.simulator.mapi import rops
from prober.simulator.mapi.bodies import BodyInvalid

NOW = datetime(2026, 11, 2, 12, 34, 56, tzinfo=UTC)  # a Monday
BOX, OTHER = Mailbox("a@x.test", "s", lambda: NOW), Mailbox("b@x.test", "s", lambda: NOW)
FREE = bytes.fromhex("FFFFFFFF")
PRIVATE = bytes.fromhex("FE 00 00 01 0C040001 00000000")
"""A logon as MS-OXODLGT section 4.1.1 shows it: private, open flags 0x0100040C, no store state."""


def buffer(operations: bytes, handles: bytes = FREE) -> bytes:
    """Wrap operations as a client does: header, size, operations, handles."""
    payload = struct.pack("<H", len(operations) + 2) + operations + handles
    return bytes.fromhex("0000 0400") + struct.pack("<HH", len(payload), len(payload)) + payload


def logon(dn: str, start: bytes = PRIVATE) -> bytes:
    name = dn.encode() + b"\0" if dn else b""
    return start + struct.pack("<H", len(name)) + name


def store(home: str = "") -> rops.Store:
    known = {box.legacy_dn: box for box in (BOX, OTHER)}
    return rops.Store(BOX, known.get, may=lambda box: box is BOX, home=lambda box: home, now=NOW)


def answered(operations: bytes, home: str = "", handles: bytes = FREE) -> tuple[bytes, bytes]:
    """Return the answers to operations, and the handles behind them."""
    answer = rops.play(buffer(operations, handles), store(home))
    version, flags, size, actual, inner = struct.unpack_from("<5H", answer)
    assert (version, flags, size, actual) == (0, 4, len(answer) - 8, len(answer) - 8)
    return answer[10 : 8 + inner], answer[8 + inner :]


def test_a_logon_is_granted_with_folders_mailbox_and_time() -> None:
    """Return value 0, thirteen folder ids, the flags, the GUIDs, Monday as 1 (MS-OXCROPS section 2.2.3.1.2)."""
    answer, handles = answered(logon(BOX.legacy_dn))
    assert answer[:7] == bytes.fromhex("FE 00 00000000 01")
    assert len(answer) == 6 + 160
    folders = [answer[7 + 8 * number : 15 + 8 * number] for number in range(13)]
    assert folders[4] == bytes.fromhex("0100 000000000005")
    assert len(set(folders)) == 13
    assert answer[111] == 0x07
    assert answer[112:128] == uuid.UUID(BOX.guid).bytes_le
    assert answer[128:130] == bytes.fromhex("0100")
    assert answer[130:146] not in (bytes(16), answer[112:128])
    assert answer[146:154] == bytes((56, 34, 12, 1, 2, 11)) + struct.pack("<H", 2026)
    assert answer[154:] == bytes(12)
    assert handles == bytes.fromhex("01000000")


def test_sunday_is_the_day_number_0() -> None:
    """MS-OXCROPS section 2.2.3.1.2.1."""
    sunday = store()
    sunday.now = datetime(2026, 11, 1, tzinfo=UTC)
    assert rops.play(buffer(logon("")), sunday)[10 + 149] == 0


def test_a_logon_without_a_name_is_to_the_session_s_mailbox() -> None:
    """The handle goes where the client wants it."""
    second = bytes.fromhex("FE 00 02 01 0C040001 00000000")
    answer, handles = answered(logon("", second))
    assert (answer[:6], answer[112:128]) == (bytes.fromhex("FE 02 00000000"), uuid.UUID(BOX.guid).bytes_le)
    assert handles == FREE + FREE + bytes.fromhex("01000000")


def test_another_server_has_the_mailbox() -> None:
    """0x478 with its name (MS-OXCROPS section 2.2.3.1.4), and no handle."""
    answer, handles = answered(logon(BOX.legacy_dn), "other.test")
    assert answer == bytes.fromhex("FE 00 78040000 01 0B") + b"other.test\0"
    assert handles == FREE
    assert len(answered(logon(BOX.legacy_dn), "x" * 400)[0]) == 8 + 255


@pytest.mark.parametrize(
    ("operations", "value"),
    [
        (logon("/o=somebody else"), 0x3EB),
        (logon(OTHER.legacy_dn), 0x80070005),
        (logon(BOX.legacy_dn, bytes.fromhex("FE 00 00 01 0C040000 00000000")), 0x80070057),
        (logon("", bytes.fromhex("FE 00 00 00 0C040001 00000000")), 0x80040102),
    ],
)
def test_what_is_not_granted_has_its_return_value(operations: bytes, value: int) -> None:
    """Nobody, somebody else, without the flag for replica mappings, public folders (MS-OXCSTOR section 3.2.5.1.3)."""
    answer, handles = answered(operations)
    assert answer == bytes.fromhex("FE 00") + struct.pack("<I", value)
    assert handles == FREE


def test_a_subscription_hears_of_events() -> None:
    """RopRegisterNotification by the logon's handle (MS-OXCROPS section 2.2.14.1), and RopNotify about new mail."""
    whole, folder = bytes.fromhex("29 00 00 01 06 00 01"), bytes.fromhex("29 00 00 01 06 00 00") + bytes(16)
    both = bytes.fromhex("07000000") + FREE
    for asked in (whole, folder):
        answer, handles = answered(asked, handles=both)
        assert (answer, handles) == (bytes.fromhex("29 01 00000000"), bytes.fromhex("07000000 08000000"))
    assert answered(whole)[0] == bytes.fromhex("29 01 B9040000")
    waiting = store()
    waiting.subscription, waiting.events = 8, True
    told = rops.play(buffer(b"", b""), waiting)[10:]
    assert told[:8] == bytes.fromhex("2A 08000000 00 0280")
    assert told.endswith(b"IPM.Note\0")
    waiting.events = False
    assert rops.play(buffer(b"", b""), waiting)[10:] == b""


def test_a_release_is_not_answered() -> None:
    """And operations behind it are."""
    release = bytes.fromhex("01 00 00")
    assert answered(release, handles=bytes.fromhex("07000000")) == (b"", FREE)
    assert answered(bytes.fromhex("01 00 09")) == (b"", FREE)
    answer, _ = answered(release + logon(""))
    assert answer[:1] == b"\xfe"
    assert answered(b"", handles=b"") == (b"", b"")


@pytest.mark.parametrize("operations", [bytes.fromhex("02 00 00 01"), b"\xfe\0\0", logon("x")[:-1], b"\x01"])
def test_operations_that_cannot_be_told_apart_fail_as_a_whole(operations: bytes) -> None:
    """One that is not known here, and such as are cut off."""
    with pytest.raises(rops.FormatError):
        answered(operations)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(9),
        bytes.fromhex("0100") + buffer(b"\xfe")[2:],
        bytes.fromhex("0000 0500") + buffer(b"\xfe")[4:],
        buffer(logon("x"))[:-20],
        bytes.fromhex("0000 0400 0100 0100 00"),
        bytes.fromhex("0000 0400 0200 0200 0100"),
        bytes.fromhex("0000 0400 0200 0200 0300"),
        bytes.fromhex("0000 0400 0300 0300 0200 FF"),
    ],
)
def test_what_is_no_buffer_is_invalid(raw: bytes) -> None:
    """Too short, another version, packed when it is not, cut off, of a size that cannot be, half a handle."""
    with pytest.raises(BodyInvalid):
        rops.play(raw, store())
