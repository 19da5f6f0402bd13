"""PING."""

import pytest

from prober.exchange import Headers, Reply
from prober.protocols.mapi.ping import Ping
from tests.protocols.mapi.made import REQUEST, fault_of, head, refused

ASK = Ping(REQUEST)


def test_nothing_is_asked_and_nothing_answered() -> None:
    """MS-OXCMAPIHTTP section 2.2.6: no body either way; a body that is there all the same does not matter."""
    call = ASK.call()
    assert (call.body, dict(call.headers)["X-RequestType"]) == (b"", "PING")
    assert ASK.read(Reply(200, Headers(head("PING")))) == "15.02.1544.004"
    assert ASK.read(Reply(200, Headers(head("PING")), b"PROCESSING\r\n")) == "15.02.1544.004"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (refused("PING", 13), "mapi_code_13"),
        (refused("PING", 16), "mapi_code_16"),
        (Reply(404), "http_404"),
        (Reply(200, Headers(), b"<html>hello</html>"), "html_instead_of_data"),
        (Reply(200), "mapi_code_missing"),
    ],
)
def test_what_is_no_answer_is_told_apart(reply: Reply, code: str) -> None:
    assert fault_of(ASK, reply).kind.code == code
