"""Execute, byte by byte."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.mapi.execute import CollectEvents, LogOn, RegisterNotification
from tests.protocols.mapi.made import (
    DN,
    LOGGED_ON,
    NOTHING,
    REGISTERED,
    REQUEST,
    TOLD,
    answer,
    executed,
    fault_of,
    refused,
)

ASK = LogOn(REQUEST, DN)
TAIL = bytes.fromhex("07800000 00000000")
"""The longest answer, and no auxiliary buffer."""


def test_requests_are_laid_out() -> None:
    """MS-OXCMAPIHTTP section 2.2.4.2.1: flags against packing and veiling, the size of the buffer, the buffer."""
    body = ASK.call().body
    operation = bytes.fromhex("FE 00 00 01 0C040001 00000000") + bytes((len(DN) + 1, 0)) + DN.encode() + b"\0"
    size = len(operation) + 2
    payload = size.to_bytes(2, "little") + operation + b"\xff\xff\xff\xff"
    wrapped = b"\0\0\4\0" + len(payload).to_bytes(2, "little") * 2 + payload
    assert body == b"\3\0\0\0" + len(wrapped).to_bytes(4, "little") + wrapped + TAIL
    assert ("X-RequestType", "Execute") in ASK.call().headers
    assert "486021" not in repr(ASK)
    register = RegisterNotification(REQUEST, 7).call().body
    assert register.endswith(bytes.fromhex("0900 29000001060001 07000000 FFFFFFFF") + TAIL)
    assert CollectEvents(REQUEST).call().body == bytes.fromhex("03000000 0A000000 0000 0400 0200 0200 0200") + TAIL


def test_answers_are_read() -> None:
    """Section 2.2.4.2.2."""
    assert ASK.read(answer("Execute", LOGGED_ON)).handle == 1
    assert RegisterNotification(REQUEST, 1).read(answer("Execute", REGISTERED)) == 2
    assert CollectEvents(REQUEST).read(answer("Execute", TOLD))
    assert not CollectEvents(REQUEST).read(answer("Execute", NOTHING))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (bytes.fromhex("B6040000 00000000"), "mapi_request_failed"),
        (executed(b"", 0x47D), "mapi_execute_failed"),
        (executed(b""), "mapi_body_malformed"),
        (LOGGED_ON[:-1], "mapi_body_malformed"),
    ],
)
def test_what_was_not_carried_out_says_why(body: bytes, code: str) -> None:
    """As a whole (section 2.2.4.2.3), by an error, or by an answer that is none."""
    assert fault_of(ASK, answer("Execute", body)).kind.code == code


def test_a_lost_session_is_the_servers_error() -> None:
    fault = fault_of(ASK, refused("Execute", 10))
    assert (fault.kind.code, fault.reason) == ("mapi_code_10", Reason.SERVER_ERROR)


@given(st.binary(max_size=120), st.integers(0, len(LOGGED_ON)))
def test_only_faults_come_out_of_broken_bodies(garbage: bytes, cut: int) -> None:
    for body in (garbage, LOGGED_ON[:cut], LOGGED_ON[:cut] + garbage):
        for question in (ASK, RegisterNotification(REQUEST, 1), CollectEvents(REQUEST)):
            with suppress(FaultError):
                question.read(answer("Execute", body))
