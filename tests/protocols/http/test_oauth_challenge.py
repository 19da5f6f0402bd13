"""The empty bearer and who is said to issue tokens."""

import random
from typing import Literal

import pytest

from prober.exchange import Auth, Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.http.oauth_challenge import OAuthChallenge
from tests.protocols.eas.made import answer, refused

URL = "https://mail.example.test/EWS/Exchange.asmx"
BEARER = 'Bearer client_id="0", trusted_issuers="1@*", authorization_uri="https://login.example.test/authorize"'
PRINTED = (
    'Bearer client_id="00000002-0000-0ff1-ce00-000000000000",'
    ' trusted_issuers="00000001-0001-0000-c000-000000000000@*",'
    ' token_types="app_asserted_user_v1 service_asserted_app_v1",'
    ' authorization_uri="https://login.windows.net/common/oauth2/authorize", error="invalid_token"'
)
"""After MS-XOAUTH section 4.1, the server's answer to a request with an empty bearer."""


def challenged(value: str, status: int = 401, **more: str) -> Reply:
    headers = {name.replace("_", "-"): text for name, text in more.items()}
    return answer(status=status, headers={"WWW-Authenticate": value, **headers})


def test_the_empty_bearer_brings_the_challenge() -> None:
    """The address goes along and does not show."""
    challenge = OAuthChallenge(URL, "a@b")
    assert challenge.call().auth is Auth.EMPTY_BEARER
    assert dict(challenge.call().headers) == {"X-User-Identity": "a@b"}
    assert OAuthChallenge(URL).call().headers == ()
    assert challenge.read(challenged(PRINTED)) == "every tenant"
    assert "a@b" not in repr(challenge)


@pytest.mark.parametrize("method", ["OPTIONS", "GET", "POST"])
def test_each_protocol_is_asked_in_its_own_way(method: Literal["OPTIONS", "GET", "POST"]) -> None:
    """With its own header fields, by its own method."""
    call = OAuthChallenge(URL, "a@b", method, (("Content-Type", "text/xml"),)).call()
    assert (call.method, call.url, call.body) == (method, URL, b"")
    assert call.headers == (("Content-Type", "text/xml"), ("X-User-Identity", "a@b"))


@pytest.mark.parametrize(
    ("issuers", "who"), [("1@*", "every tenant"), ("1@contoso", "one tenant"), ("https://adfs.corp/adfs", "other")]
)
def test_the_issuers_are_told_apart(issuers: str, who: str) -> None:
    """Exchange Online, a hybrid server, a federation server of the organisation's own."""
    assert OAuthChallenge(URL).read(challenged(f'Bearer trusted_issuers="{issuers}"')) == who
    assert OAuthChallenge(URL).read(challenged("Bearer")) == "other"


@pytest.mark.parametrize(
    ("status", "header", "address", "reason"),
    [
        (401, 'Basic realm="x"', "a@b", Reason.UNEXPECTED_CHALLENGE),
        (401, "Negotiate, NTLM", "", Reason.UNEXPECTED_CHALLENGE),
        (401, "", "a@b", Reason.UNEXPECTED_CHALLENGE),
        (401, 'Bearer client_id="0"', "a@b", Reason.UNEXPECTED_CHALLENGE),
        (200, BEARER, "", Reason.UNEXPECTED_CHALLENGE),
        (403, BEARER, "", Reason.ACCESS_POLICY),
        (500, BEARER, "", Reason.SERVER_ERROR),
        (502, "", "", Reason.SERVER_ERROR),
        (503, "", "", Reason.SERVER_BUSY),
        (429, "", "", Reason.THROTTLED),
    ],
)
def test_a_front_end_without_oauth_is_found_out(status: int, header: str, address: str, reason: Reason) -> None:
    """`authorization_uri` is due only where the address was sent."""
    assert refused(OAuthChallenge(URL, address).read, challenged(header, status)).reason is reason


def test_what_the_diagnostics_say_goes_before_the_challenge() -> None:
    """A server in trouble, a policy, and one that holds us back offer the bearer scheme all the same."""
    policy = challenged(BEARER, x_ms_diagnostics='4000000;reason="x";error_category="oauth_not_available"')
    assert refused(OAuthChallenge(URL).read, policy).reason is Reason.ACCESS_POLICY
    broken = challenged(BEARER, x_ms_diagnostics='2000007;reason="x";error_category="internal_error"')
    assert refused(OAuthChallenge(URL).read, broken).reason is Reason.SERVER_ERROR
    assert refused(OAuthChallenge(URL).read, challenged(BEARER, Retry_After="9")).reason is Reason.THROTTLED


def test_on_premises_integrated_schemes_are_an_answer() -> None:
    """Where the caller says so; Basic alone is none."""
    here = OAuthChallenge(URL, "a@b", on_premises=True)
    integrated = Reply(401, Headers((("WWW-Authenticate", "Negotiate"), ("WWW-Authenticate", "NTLM"))))
    assert here.read(integrated) == "negotiate ntlm"
    assert here.read(challenged(BEARER)) == "every tenant"
    assert refused(here.read, challenged('Basic realm="x"')).kind.code == "http_401_without_bearer"


def test_challenges_of_any_shape_are_read_or_refused() -> None:
    """Cut anywhere, or at random: never a traceback."""
    rng = random.Random(3)
    texts = [PRINTED[:end] for end in range(len(PRINTED))]
    texts += ["".join(rng.choice('Bearer ="@*,;\\\x80') for _ in range(40)) for _ in range(300)]
    outcomes = set()
    for text in texts:
        for challenge in (OAuthChallenge(URL, "a@b"), OAuthChallenge(URL, on_premises=True)):
            try:
                outcomes.add(challenge.read(challenged(text)))
            except FaultError as error:
                outcomes.add(error.fault.reason)
    assert outcomes <= {"every tenant", "one tenant", "other", Reason.UNEXPECTED_CHALLENGE}
    assert {"every tenant", "other", Reason.UNEXPECTED_CHALLENGE} <= outcomes
