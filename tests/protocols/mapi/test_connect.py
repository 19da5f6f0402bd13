"""Connect, byte by byte."""

import base64
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.mapi.connect import Connect, Connected, version
from tests.protocols.mapi.made import CONNECTED, COOKIES, DN, REQUEST, answer, fault_of, refused

ASK = Connect(REQUEST, DN)
SUFFIX = base64.b64decode("AAAAAADkBAAACQQAAAkEAAAAAAAA")
"""What public programs send behind the name: its NUL, flags 0, code page 1252, English twice, no auxiliary buffer."""


def test_the_request_is_laid_out() -> None:
    """MS-OXCMAPIHTTP section 2.2.4.1.1; the user's name does not show."""
    call = ASK.call()
    assert call.body == DN.encode() + SUFFIX
    assert ("X-RequestType", "Connect") in call.headers
    assert "486021" not in repr(ASK)


def test_the_answer_is_read() -> None:
    """MS-OXCMAPIHTTP section 2.2.4.1.2."""
    found = ASK.read(answer("Connect", CONNECTED, *COOKIES))
    assert found == Connected(60.0, 6, 10.0, "15.02.1544.004")
    auxiliary = CONNECTED[:-4] + bytes.fromhex("02000000 ABCD")
    assert ASK.read(answer("Connect", auxiliary, *COOKIES)).retry_count == 6


def test_a_session_that_was_not_begun_says_why() -> None:
    """Section 2.2.4.1.3: a status and an auxiliary buffer alone; or an error and empty fields, or nothing behind it."""
    fault = fault_of(ASK, answer("Connect", bytes.fromhex("15010480 00000000")))
    assert (fault.kind.code, fault.reason) == ("mapi_request_failed", Reason.SERVER_ERROR)
    for rest in (b"", bytes(12 + 1 + 2 + 4)):
        fault = fault_of(ASK, answer("Connect", bytes(4) + bytes.fromhex("11010480") + rest))
        assert (fault.kind.code, fault.reason) == ("mapi_connect_80040111", Reason.MAILBOX_UNAVAILABLE)


def test_a_session_without_cookies_is_none() -> None:
    """Section 3.2.5.1: the context is in them."""
    assert fault_of(ASK, answer("Connect", CONNECTED)).kind.code == "mapi_context_not_given"
    assert fault_of(ASK, refused("Connect", 12)).kind.code == "mapi_code_12"


@pytest.mark.parametrize(
    ("said", "known"),
    [("Exchange/15.20.9200.010", "15.20.9200.010"), ("", ""), ("Other/1", ""), ("Exchange/mail.contoso.com", "")],
)
def test_a_build_is_numbers_alone(said: str, known: str) -> None:
    """Whatever else stands there may be a name."""
    assert version(Reply(200, Headers([("X-ServerApplication", said)]))) == known


@given(st.binary(max_size=80), st.integers(0, len(CONNECTED)))
def test_only_faults_come_out_of_broken_bodies(garbage: bytes, cut: int) -> None:
    for body in (garbage, CONNECTED[:cut], CONNECTED[:cut] + garbage):
        with suppress(FaultError):
            assert isinstance(ASK.read(answer("Connect", body, *COOKIES)), Connected)
