"""The first use of a token."""

import pytest

from prober.exchange import Auth
from prober.faults.taxonomy import Reason
from prober.protocols.oidc.token_use import TokenUse
from tests.protocols.eas.made import refused
from tests.protocols.oidc.made import outcomes, said

ASK = TokenUse("https://graph.example.test/v1.0/")
DENIED = {"error": {"code": "Authorization_RequestDenied", "message": "Insufficient privileges"}}


def test_the_organisation_is_asked_for_with_the_token() -> None:
    """As Graph documents it."""
    assert ASK.call().url == "https://graph.example.test/v1.0/organization?$select=id"
    assert ASK.call().auth is Auth.CREDENTIAL


def test_permission_is_not_the_point() -> None:
    """Either answer shows that the token was accepted."""
    assert ASK.read(said({"value": [{"id": "1"}]})) == "allowed"
    assert ASK.read(said(DENIED, 403)) == "forbidden"


@pytest.mark.parametrize(
    ("status", "body", "headers", "reason"),
    [
        (401, b"", {}, Reason.AUTH_REJECTED),
        (401, b"", {"WWW_Authenticate": 'Bearer error="insufficient_claims", claims="e30="'}, Reason.ACCESS_POLICY),
        (401, b"", {"x_ms_diagnostics": '2000007;reason="x"'}, Reason.SERVER_ERROR),
        (403, b"<html>Attention required", {}, Reason.UNEXPECTED_CHALLENGE),
        (200, b"<html>Welcome", {}, Reason.PROTOCOL_VIOLATION),
        (429, b"", {"Retry_After": "9"}, Reason.THROTTLED),
        (500, b"", {}, Reason.SERVER_ERROR),
        (503, b"", {}, Reason.SERVER_BUSY),
    ],
)
def test_a_refusal_says_whose_fault_it_is(status: int, body: bytes, headers: dict[str, str], reason: Reason) -> None:
    """A fresh token that is not accepted carries that it was fresh."""
    fault = refused(ASK.read, said(body, status, **headers))
    assert fault.reason is reason
    assert ("fresh_token" in fault.evidence) is (reason is Reason.AUTH_REJECTED)
    stale = refused(TokenUse(ASK.url, fresh=False).read, said(body, status, **headers))
    assert (stale.kind, "fresh_token" in stale.evidence) == (fault.kind, False)
    assert stale.retry_after == fault.retry_after


def test_any_bytes_are_an_answer() -> None:
    """Of which the status counts; never a traceback."""
    assert outcomes(ASK.read, b'{"value": [{"id": "1"}]}') <= {"read", "http_400", "http_503"}
    assert outcomes(lambda reply: ASK.read(said(reply.body, 403)), b'{"error": {}}') == {"read", "token_use_challenged"}
