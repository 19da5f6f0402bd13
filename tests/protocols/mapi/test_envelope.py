"""What is around a body, as MS-OXCMAPIHTTP section 4 prints it, in one piece and in many."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Auth, Headers, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.mapi import envelope, status
from prober.protocols.mapi.envelope import AnswerReader, open_reply
from tests.protocols.mapi.made import DONE, INSTANCE, REQUEST, URL, answer, head, refused

EXECUTE = [
    b"PROCESSING\r\n",
    b"PENDING\r\n",
    b"PENDING\r\n",
    b"DONE\r\nX-ResponseCode: 0\r\nX-ElapsedTime: 1\r\n",
    b"\r\n",
]
"""MS-OXCMAPIHTTP section 4.2, chunk by chunk; the body follows."""


def kind(reply: Reply) -> Kind:
    with pytest.raises(FaultError) as caught:
        open_reply(REQUEST, "Connect", reply)
    return caught.value.fault.kind


def test_a_request_has_the_header_fields_of_the_example() -> None:
    """Section 4.1; the id is a GUID and a number that counts up (section 2.2.3.3.2)."""
    call = REQUEST.call("Connect", b"body", hold=5)
    assert (call.method, call.url, call.body, call.auth, call.hold) == ("POST", URL, b"body", Auth.CREDENTIAL, 5)
    assert dict(call.headers) == {
        "Content-Type": "application/mapi-http",
        "X-RequestType": "Connect",
        "X-ClientInfo": INSTANCE,
        "X-RequestId": f"{INSTANCE}:2",
        "X-ClientApplication": "Outlook/15.0.4815.1002",
    }
    assert "contoso" not in repr(REQUEST)


def test_an_answer_in_one_piece_is_opened() -> None:
    """Section 4.1: PROCESSING, DONE, fields, a blank line, the body, which may hold anything."""
    assert open_reply(REQUEST, "Connect", answer("Connect", b"\0\r\n\r\nDONE")) == b"\0\r\n\r\nDONE"


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_an_answer_in_pieces_is_opened(size: int) -> None:
    """Section 4.2: keep-alives while the server works, each a chunk of its own, cut anywhere."""
    whole = b"".join(EXECUTE) + b"\0\1\2"
    reader = AnswerReader()
    for start in range(0, len(whole), size):
        reader.feed(whole[start : start + size])
    assert reader.signs == 4
    assert reader.complete
    assert reader.fields["x-elapsedtime"] == "1"
    assert reader.finish("Execute", Headers()) == b"\0\1\2"


def test_signs_of_life_are_counted_as_they_come() -> None:
    reader = AnswerReader()
    seen = []
    for piece in EXECUTE:
        reader.feed(piece)
        seen.append((reader.signs, reader.complete))
    assert seen == [(1, False), (2, False), (3, False), (4, False), (4, True)]


@pytest.mark.parametrize(
    ("code", "reason"), [(1, Reason.SERVER_ERROR), (10, Reason.SERVER_ERROR), (16, Reason.ACCESS_POLICY)]
)
def test_a_code_says_more_than_a_status_of_200(code: int, reason: Reason) -> None:
    """Section 2.2.3.3.3: with a page for people as its body."""
    assert kind(refused("Connect", code)).reason is reason
    late = DONE.replace(b"ResponseCode: 0", f"ResponseCode: {code}".encode())
    assert kind(Reply(200, Headers(head("Connect")), late)).reason is reason


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(503), "http_503"),
        (Reply(401), "http_401"),
        (Reply(200, Headers([("Retry-After", "9")]), b"<html>"), "html_instead_of_data"),
        (Reply(200, Headers(), DONE), "mapi_code_missing"),
        (Reply(200, Headers(head("Execute")), DONE), "mapi_wrong_answer"),
        (Reply(200, Headers(head("Connect", number=3)), DONE), "mapi_wrong_answer"),
        (Reply(200, Headers(head("Connect")), b""), "mapi_body_malformed"),
        (Reply(200, Headers(head("Connect")), DONE[:-2]), "mapi_body_malformed"),
        (Reply(200, Headers(head("Connect")), b"<html>\r\n"), "mapi_body_malformed"),
        (Reply(200, Headers(head("Connect")), b"DONE\r\nno field\r\n\r\n"), "mapi_body_malformed"),
        (Reply(200, Headers(head("Connect")), b"P" * 2000), "mapi_body_malformed"),
        (Reply(200, Headers(head("Connect")), b"DONE\r\n" + b"a: b\r\n" * 65), "mapi_body_malformed"),
        (Reply(200, Headers(head("Connect")), DONE + bytes((1 << 20) + 1)), "mapi_body_malformed"),
        (Reply(200, Headers(head("Connect", "soon")), b""), "mapi_unknown_code"),
    ],
)
def test_what_is_no_answer_is_told_apart(reply: Reply, code: str) -> None:
    """An answer to another request is one of them: somebody mixes them up on the way."""
    assert kind(reply).code == code


def test_an_answer_need_not_repeat_what_was_asked() -> None:
    fields = [field for field in head("Connect") if field[0] not in ("X-RequestType", "X-RequestId")]
    assert open_reply(REQUEST, "Connect", Reply(200, Headers(fields), DONE + b"x")) == b"x"


@pytest.mark.parametrize(
    ("value", "seconds"), [("15000", 15.0), ("", 30.0), ("soon", 30.0), ("0", 30.0), ("9" * 40, 30.0), ("٣", 30.0)]
)
def test_the_pending_period_is_in_seconds(value: str, seconds: float) -> None:
    """Where a server does not say, it is assumed."""
    assert envelope.pending_period(Headers([("X-PendingPeriod", value)])) == seconds


@given(st.lists(st.sampled_from([*EXECUTE, b"\r\n", b"\n", b"X-ResponseCode: 10\r\n"]) | st.binary(max_size=20)))
def test_only_faults_come_out_of_broken_answers(pieces: list[bytes]) -> None:
    """Words in any order, cut and mixed with garbage."""
    with suppress(FaultError):
        assert isinstance(open_reply(REQUEST, "Execute", Reply(200, Headers(head("Execute")), b"".join(pieces))), bytes)


def test_codes_that_lose_the_session_are_known_as_such() -> None:
    with pytest.raises(FaultError) as caught:
        open_reply(REQUEST, "Execute", refused("Execute", 10))
    assert status.context_lost(caught.value.fault)
    assert caught.value.fault.evidence["request"] == "Execute"
