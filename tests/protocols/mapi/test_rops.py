"""Operations in their buffer, byte by byte."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.faults.taxonomy import Fault, FaultError, Reason
from prober.protocols.mapi import rops
from tests.protocols.mapi.made import DN, GRANTED, buffer

PRINTED = bytes.fromhex("FE 00 00 01 0C 04 00 01 00 00 00 00")
"""RopLogon up to the name: private, open flags 0x0100040C, no store state (MS-OXODLGT section 4.1.1)."""


def fault(read: object, raw: bytes) -> Fault:
    with pytest.raises(FaultError) as caught:
        read(raw)  # type: ignore[operator]  # a reader
    return caught.value.fault


def test_a_logon_is_laid_out() -> None:
    """As printed; the name with its length and its NUL (MS-OXCROPS section 2.2.3.1.1)."""
    assert rops.logon(DN) == PRINTED + bytes((len(DN) + 1, 0)) + DN.encode() + b"\0"


def test_operations_travel_in_a_buffer_of_their_own() -> None:
    """Version 0, the last one, its size twice; the size of the operations counts itself (MS-OXCROPS section 2.2.1)."""
    assert rops.wrap(b"ab", (0xFFFFFFFF, 1)) == bytes.fromhex("0000 0400 0C00 0C00 0400 6162 FFFFFFFF 01000000")
    answers, handles = rops.unwrap(bytes.fromhex("0000 0400 0C00 0C00 0400 6162 FFFFFFFF 01000000"))
    assert (answers.take(answers.left), handles) == (b"ab", (0xFFFFFFFF, 1))


def test_a_veiled_buffer_is_read() -> None:
    """Every byte of the payload differs by 0xA5 (MS-OXCRPC section 3.1.4.11.1.3)."""
    plain = buffer(GRANTED, 7)
    veiled = b"\0\0\6\0" + plain[4:8] + bytes(byte ^ 0xA5 for byte in plain[8:])
    assert rops.read_logon(veiled) == rops.read_logon(plain)


def test_a_mailbox_is_logged_on_to() -> None:
    """Its handle, and the inbox among thirteen folders (MS-OXCSTOR section 2.2.1.1.3)."""
    found = rops.read_logon(buffer(GRANTED, 7))
    assert (found.handle, found.inbox, len(found.folders)) == (7, bytes.fromhex("0100000000000005"), 13)


def test_a_mailbox_on_another_server_is_elsewhere() -> None:
    """Return value 0x478 with a name (MS-OXCROPS section 2.2.3.1.4), which is not kept."""
    found = fault(rops.read_logon, buffer(bytes.fromhex("FE 00 78040000 01 0B") + b"other.test\0", 0xFFFFFFFF))
    assert (found.kind.code, found.reason) == ("mapi_wrong_server", Reason.REDIRECT_LOOP)
    assert "other" not in str(found.evidence)


def test_a_mailbox_that_cannot_be_logged_on_to_is_unavailable() -> None:
    found = fault(rops.read_logon, buffer(bytes.fromhex("FE 00 EB030000"), 0xFFFFFFFF))
    assert (found.kind.code, found.reason) == ("mapi_logon_refused", Reason.MAILBOX_UNAVAILABLE)
    assert found.evidence == {"value": "0x000003eb"}


def test_notifications_are_asked_for() -> None:
    """MS-OXCROPS section 2.2.14.1: new mail and created objects, in the whole store, by handle 0 into handle 1."""
    assert rops.register() == bytes.fromhex("29 00 00 01 06 00 01")
    assert rops.read_register(buffer(bytes.fromhex("29 01 00000000"), 1, 2)) == 2
    found = fault(rops.read_register, buffer(bytes.fromhex("29 01 02010480"), 1, 0xFFFFFFFF))
    assert (found.kind.code, found.reason) == ("mapi_notification_refused", Reason.SERVER_ERROR)


@pytest.mark.parametrize(
    ("answers", "told"), [("", False), ("2A 02000000 00 0200", True), ("6E 0000", True)], ids=["none", "notify", "more"]
)
def test_events_are_seen(answers: str, told: bool) -> None:
    """RopNotify and RopPending; an answer without a buffer tells of none."""
    assert rops.read_events(buffer(bytes.fromhex(answers), 1)) is told
    assert not rops.read_events(b"")
    assert fault(rops.read_events, buffer(b"\xfe\0")).kind.code == "mapi_body_malformed"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        bytes(9),
        bytes.fromhex("0100 0400 0200 0200 0200"),
        bytes.fromhex("0000 0500 0200 0200 0200"),
        bytes.fromhex("0000 0000 0200 0200 0200"),
        bytes.fromhex("0000 0400 0200 0300 0200"),
        bytes.fromhex("0000 0400 0200 0200 0100"),
        bytes.fromhex("0000 0400 0200 0200 0300"),
        bytes.fromhex("0000 0400 0300 0300 0200 FF"),
        buffer(bytes.fromhex("29 00 00000000"), 1),
        buffer(GRANTED[:-1], 1),
        buffer(GRANTED),
        buffer(GRANTED, 0xFFFFFFFF),
    ],
)
def test_what_is_no_answer_is_malformed(raw: bytes) -> None:
    """Too short, another version, packed, not the last, of sizes that cannot be, another operation's, no handle."""
    assert fault(rops.read_logon, raw).kind.code == "mapi_body_malformed"


@given(st.binary(max_size=200), st.integers(0, 200), st.integers(0, 255))
def test_only_faults_come_out_of_broken_buffers(garbage: bytes, at: int, byte: int) -> None:
    whole = bytearray(buffer(GRANTED, 1))
    whole[at % len(whole)] = byte
    for raw in (garbage, bytes(whole), bytes(whole[:at]), buffer(garbage, 1)):
        for read in (rops.read_logon, rops.read_register, rops.read_events):
            with suppress(FaultError):
                read(raw)
