"""Autodiscover's answers, the good and the others."""

import pytest

from prober.exchange import Auth, Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.autodiscover.json import Discover, Found

ASK = Discover("https://mail.example.test/autodiscover/autodiscover.json", "ActiveSync", "a+b@example.test")


def test_the_question_goes_out_without_credential() -> None:
    """The address is quoted, and does not show."""
    call = ASK.call()
    assert call.method == "GET"
    assert call.url == (
        "https://mail.example.test/autodiscover/autodiscover.json"
        "?Email=a%2Bb%40example.test&Protocol=ActiveSync&RedirectCount=3"
    )
    assert call.auth is Auth.NONE
    assert "example" not in repr(ASK)


def test_the_url_is_found() -> None:
    """As Exchange writes it."""
    body = b'{"Protocol":"ActiveSync","Url":"https://eas.example.test/Microsoft-Server-ActiveSync"}'
    assert ASK.read(Reply(200, body=body)) == Found("https://eas.example.test/Microsoft-Server-ActiveSync")


def test_a_redirect_to_another_host_is_hybrid() -> None:
    """The organisation's own server has to be asked; only over TLS."""
    there = "https://mail.corp.example/autodiscover/autodiscover.json?Email=x"
    assert ASK.read(Reply(302, Headers([("Location", there)]))) == Found(there, hybrid=True)
    with pytest.raises(FaultError):
        ASK.read(Reply(302, Headers([("Location", there.replace("https", "http"))])))


def test_a_redirect_to_itself_is_a_loop() -> None:
    """Asking again would end where it began."""
    with pytest.raises(FaultError) as caught:
        ASK.read(Reply(302, Headers([("Location", ASK.call().url)])))
    assert caught.value.fault.reason is Reason.REDIRECT_LOOP


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, b'{"ErrorCode":"ProtocolNotSupported","ErrorMessage":"canary"}', Reason.CLIENT_MISCONFIG),
        (400, b'{"ErrorCode":"canary"}', Reason.CLIENT_MISCONFIG),
        (404, b"", Reason.CLIENT_MISCONFIG),
        (500, b"{}", Reason.SERVER_ERROR),
        (503, b"", Reason.SERVER_BUSY),
        (200, b"", Reason.PROTOCOL_VIOLATION),
        (200, b"<html>", Reason.PROTOCOL_VIOLATION),
        (200, b"[1]", Reason.PROTOCOL_VIOLATION),
        (200, b'{"Protocol":"ActiveSync"}', Reason.PROTOCOL_VIOLATION),
        (200, b'{"Url":"http://eas.example.test/"}', Reason.PROTOCOL_VIOLATION),
        (200, b'{"Url":"https://[/"}', Reason.PROTOCOL_VIOLATION),
        (200, b"[" * 100_000, Reason.PROTOCOL_VIOLATION),
    ],
)
def test_anything_else_is_a_fault(status: int, body: bytes, reason: Reason) -> None:
    """With nothing of the server's words."""
    with pytest.raises(FaultError) as caught:
        ASK.read(Reply(status, body=body))
    assert caught.value.fault.reason is reason
    assert "canary" not in str(dict(caught.value.fault.evidence))
