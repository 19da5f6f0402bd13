"""How the private service refuses strangers."""

import random

import pytest

from prober.exchange import Auth, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.owa.service import ServiceUnauth
from tests.protocols.eas.made import refused
from tests.protocols.oidc.made import said

ASK = ServiceUnauth("https://outlook.example.test/owa/")
PLACE = "https://outlook.example.test/owa/service.svc?action=GetOwaUserConfiguration"


def test_the_service_is_asked_as_a_browser_does_without_its_cookies() -> None:
    """Also where the landing page is another one."""
    call = ASK.call()
    assert (call.method, call.url, call.auth, call.body) == ("POST", PLACE, Auth.NONE, b"{}")
    assert dict(call.headers)["Action"] == "GetOwaUserConfiguration"
    assert ServiceUnauth("https://outlook.example.test/mail/").call().url == PLACE


@pytest.mark.parametrize(
    ("reply", "way"),
    [
        (said(b"", 401, WWW_Authenticate="Bearer"), "challenge"),
        (said(b"", 401), "challenge"),
        (said(b"", 401, X_OWA_Error="Microsoft.Exchange.Clients.Owa2.Server.Core.OwaSessionExpired"), "challenge"),
        (said(b"", 440), "timed out"),
        (said(b"", 302, Location="https://login.example.test/common/oauth2/authorize?x=y"), "redirect"),
        (said(b"", 302, Location="/owa/auth/logon.aspx?replaceCurrent=1&reason=2&url=x"), "redirect"),
        (said(b"", 307, Location="https://fs.corp.test/adfs/ls/"), "redirect"),
    ],
)
def test_a_refusal_is_what_is_due(reply: Reply, way: str) -> None:
    """By a challenge, by the status of a sign-in that ran out, by being sent to sign in."""
    assert ASK.read(reply) == way


@pytest.mark.parametrize(
    ("reply", "code", "reason"),
    [
        (said({"a": 1}), "http_anonymous_allowed", Reason.UNEXPECTED_CHALLENGE),
        (said(b"<html>", 403), "owa_anonymous_forbidden", Reason.UNEXPECTED_CHALLENGE),
        (said(b"", 302, Location="https://elsewhere.test/"), "owa_not_at_signin", Reason.UNEXPECTED_CHALLENGE),
        (said(b"", 302, Location="/owa/auth/errorFE.aspx?httpCode=500"), "http_error_page", Reason.SERVER_ERROR),
        (said(b"", 302), "redirect_unusable", Reason.PROTOCOL_VIOLATION),
        (said(b"", 401, x_ms_diagnostics='2000007;reason="x"'), "http_401_internal_error", Reason.SERVER_ERROR),
        (said(b"", 401, Retry_After="5"), "http_throttled", Reason.THROTTLED),
        (said(b"", 500), "http_500", Reason.SERVER_ERROR),
        (said(b"", 502), "http_502", Reason.SERVER_ERROR),
        (said(b"", 503), "http_503", Reason.SERVER_BUSY),
        (said(b"", 500, X_OWA_Error="Microsoft.Exchange.Data.Storage.X"), "owa_mailbox", Reason.MAILBOX_UNAVAILABLE),
        (said(b"", 400, X_OWA_Error="OwaNotSupportedException"), "owa_error", Reason.SERVER_ERROR),
        (said(b"", 404), "http_404", Reason.CLIENT_MISCONFIG),
    ],
)
def test_anything_else_says_what_is_wrong(reply: Reply, code: str, reason: Reason) -> None:
    """By the exception it names first, then by its status."""
    fault = refused(ASK.read, reply)
    assert (fault.kind.code, fault.reason) == (code, reason)


def test_any_answer_is_a_refusal_or_a_fault() -> None:
    """Never a traceback."""
    rng = random.Random(9)
    found = set()
    for status in (*range(200, 600, 7), 302, 401, 440):
        for _ in range(20):
            texts = ["".join(rng.choice("htps:/[@owa.Mapi\x00\xff ") for _ in range(12)) for _ in range(2)]
            try:
                found.add(ASK.read(said(rng.randbytes(20), status, Location=texts[0], X_OWA_Error=texts[1])))
            except FaultError as error:
                found.add(error.fault.kind.code)
    assert {"challenge", "timed out", "owa_error"} <= found
