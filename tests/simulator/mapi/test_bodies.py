"""Bodies, spelt out byte by byte."""

import pytest

from prober.simulator.mapi import bodies

DN = b"/o=First/ou=Exchange/cn=Recipients/cn=alice\0"
CONNECT = DN + bytes.fromhex("00000000 E4040000 09040000 09040000 00000000")
"""Flags 0, code page 1252, two locales 0x0409, no auxiliary buffer."""


def test_a_connect_request_is_read() -> None:
    """The name up to its NUL, then numbers of four bytes, lowest first."""
    asked = bodies.read_connect(CONNECT)
    assert (asked.user_dn, asked.flags, asked.code_page) == (DN[:-1].decode(), 0, 1252)


@pytest.mark.parametrize(
    "raw", [b"", DN, CONNECT[:-1], CONNECT + b"x", b"no end", "/o=ü\0".encode() + CONNECT[len(DN) :], DN + b"\xff" * 20]
)
def test_what_is_no_connect_request_is_invalid(raw: bytes) -> None:
    """Too short, too long, without an end, not ASCII, an auxiliary buffer beyond the end."""
    with pytest.raises(bodies.BodyInvalid):
        bodies.read_connect(raw)


def test_a_connect_answer_is_laid_out() -> None:
    """Status, error, polls, retries, delay, prefix, name in UTF-16, auxiliary buffer."""
    assert bodies.connected("/o=X", "Al", b"aux") == (
        bytes.fromhex("00000000 00000000 60EA0000 06000000 10270000")
        + b"/o=X\0"
        + b"A\0l\0\0\0"
        + bytes.fromhex("03000000")
        + b"aux"
    )


def test_a_session_that_is_not_begun_has_an_error_and_no_names() -> None:
    """The same fields, of which all but the error are empty."""
    assert bodies.not_connected(0x3EB) == bytes(4) + bytes.fromhex("EB030000") + bytes(12 + 1 + 2 + 4)


def test_a_request_that_fails_as_a_whole_has_a_status_alone() -> None:
    """MS-OXCMAPIHTTP section 2.2.4.1.3: status and auxiliary buffer."""
    assert bodies.failed(0x4B6) == bytes.fromhex("B6040000 00000000")


def test_an_execute_request_holds_a_buffer_of_operations() -> None:
    """And its answer holds another, or an error and none."""
    raw = bytes.fromhex("03000000 02000000") + b"ab" + bytes.fromhex("00800000 00000000")
    assert bodies.read_execute(raw) == bodies.Execute(b"ab", 0x8000)
    assert bodies.executed(b"xyz") == bytes(12) + bytes.fromhex("03000000") + b"xyz" + bytes(4)
    assert bodies.executed(b"", 0x47D) == bytes(4) + bytes.fromhex("7D040000") + bytes(12)


def test_the_short_answers() -> None:
    """Notification, farewell, address book."""
    assert bodies.notified(pending=True) == bytes(8) + bytes.fromhex("01000000") + bytes(4)
    assert bodies.done(1) == bytes(4) + bytes.fromhex("01000000") + bytes(4)
    assert bodies.bound(b"g" * 16) == bytes(8) + b"g" * 16 + bytes(4)
    bodies.read_notification_wait(bytes(8))
    bodies.read_auxiliary(bytes(4))
    with pytest.raises(bodies.BodyInvalid):
        bodies.read_auxiliary(b"")


def test_an_auxiliary_buffer_is_kept() -> None:
    """For whoever can read it."""
    raw = CONNECT[:-4] + bytes.fromhex("02000000") + b"ab"
    assert bodies.read_connect(raw).auxiliary == b"ab"


@pytest.mark.parametrize(
    ("raw", "fits"),
    [
        ("00000000 00 00000000", True),
        ("00000000 01" + "00" * 36 + "00000000", True),
        ("00000000 01" + "00" * 35, False),
        ("", False),
    ],
)
def test_a_bind_request_may_have_a_state(raw: str, fits: bool) -> None:
    """Of 36 bytes, where a byte says that it is there."""
    if fits:
        bodies.read_bind(bytes.fromhex(raw))
        bodies.read_unbind(bytes(8))
    else:
        with pytest.raises(bodies.BodyInvalid):
            bodies.read_bind(bytes.fromhex(raw))
