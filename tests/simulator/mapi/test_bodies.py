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
    """Status, error, polls, retries, delay, prefix, name in UTF-16, no auxiliary buffer."""
    assert bodies.connected(0, "/o=X", "Al") == (
        bytes.fromhex("00000000 00000000 60EA0000 06000000 10270000") + b"/o=X\0" + b"A\0l\0\0\0" + bytes(4)
    )
    assert bodies.connected(0x3EB)[4:8] == bytes.fromhex("EB030000")


def test_an_execute_request_holds_a_buffer_of_operations() -> None:
    """And its answer holds another."""
    raw = bytes.fromhex("03000000 02000000") + b"ab" + bytes.fromhex("00800000 00000000")
    assert bodies.read_execute(raw) == b"ab"
    assert bodies.executed(b"xyz") == bytes(12) + bytes.fromhex("03000000") + b"xyz" + bytes(4)


def test_the_short_answers() -> None:
    """Notification, farewell, address book."""
    assert bodies.notified(pending=True) == bytes(8) + bytes.fromhex("01000000") + bytes(4)
    assert bodies.done(1) == bytes(4) + bytes.fromhex("01000000") + bytes(4)
    assert bodies.bound(b"g" * 16) == bytes(8) + b"g" * 16 + bytes(4)
    bodies.read_notification_wait(bytes(8))
    bodies.read_auxiliary(bytes(4))
    with pytest.raises(bodies.BodyInvalid):
        bodies.read_auxiliary(b"")
