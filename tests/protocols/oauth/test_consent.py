"""Authorization codes with PKCE and device codes: published vectors, every answer there is."""

import json
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.oauth.consent import AskDeviceCode, RedeemDeviceCode, authorization_url, by_code, challenge
from prober.protocols.oauth.token import Granted
from prober.secret import Secret

URL = "https://login.example.test/t/oauth2/v2.0/token"
POLL = RedeemDeviceCode(URL, "459691054427", Secret("canary-device"))
DEVICE = {
    "device_code": "GmRhmhcxhwAzkoEqiMEg_DnyEysNkuNhszIySk9eS",
    "user_code": "WDJB-MJHT",
    "verification_uri": "https://example.com/device",
    "verification_uri_complete": "https://example.com/device?user_code=WDJB-MJHT",
    "expires_in": 1800,
    "interval": 5,
}
"""RFC 8628 section 3.2."""


def reply(document: Any, status: int = 200) -> Reply:
    return Reply(status, Headers(), document if isinstance(document, bytes) else json.dumps(document).encode())


def test_the_challenge_is_the_published_one() -> None:
    """RFC 7636 appendix B."""
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_a_person_is_sent_with_everything_the_service_needs() -> None:
    """RFC 6749 section 4.1.1, RFC 7636 section 4.3."""
    url = authorization_url(
        "https://login.example.test/t/oauth2/v2.0/authorize",
        client_id="1111",
        scope="https://outlook.office.com/EAS.AccessAsUser.All offline_access",
        redirect_uri="http://localhost:1/",
        state="S&1",
        proof="C",
    )
    query = {name: value[0] for name, value in parse_qs(urlsplit(url).query).items()}
    assert query["response_type"] == "code"
    assert (query["state"], query["code_challenge"], query["code_challenge_method"]) == ("S&1", "C", "S256")
    assert query["redirect_uri"] == "http://localhost:1/"


def test_a_code_is_redeemed_with_its_verifier() -> None:
    form = by_code("1111", "s", Secret("c"), "http://localhost:1/", Secret("v"))
    assert (form["grant_type"], form["code"], form["code_verifier"]) == ("authorization_code", "c", "v")


def test_a_device_code_is_read_as_published() -> None:
    ask = AskDeviceCode("https://server.example.com/device_authorization", "1406020730", "example_scope")
    assert ask.call().body == b"client_id=1406020730&scope=example_scope"
    found = ask.read(reply(DEVICE))
    assert (found.user_code, found.verification_uri) == ("WDJB-MJHT", "https://example.com/device")
    assert (found.expires_in, found.interval) == (1800, 5)
    assert "GmRhmhcx" not in repr(found)


@pytest.mark.parametrize(
    "change",
    [
        {"device_code": None},
        {"user_code": ""},
        {"verification_uri": "http://example.com/device"},
        {"verification_uri": "https://example.com/\u001b[2J"},
        {"user_code": "A\r\nB"},
    ],
)
def test_a_device_code_that_cannot_be_shown_is_a_fault(change: dict[str, Any]) -> None:
    """It is printed on a terminal: nothing in it may take that over."""
    with pytest.raises(FaultError):
        AskDeviceCode(URL, "c", "s").read(reply(DEVICE | change))


def test_pauses_are_kept_and_grow_when_the_service_asks() -> None:
    """RFC 8628 section 3.5."""
    assert POLL.read(reply({"error": "authorization_pending"}, 400)) == 0.0
    assert POLL.read(reply({"error": "slow_down"}, 400)) == 5.0
    granted = POLL.read(reply({"access_token": "a", "expires_in": 60, "refresh_token": "r", "token_type": "Bearer"}))
    assert isinstance(granted, Granted)
    assert b"device_code=canary-device" in POLL.call().body
    assert "canary" not in repr(POLL)
    confidential = RedeemDeviceCode(URL, "c", Secret("d"), {"client_secret": "canary-secret"})
    assert b"client_secret=canary-secret" in confidential.call().body
    assert "canary" not in repr(confidential)


@pytest.mark.parametrize(
    ("document", "status", "reason"),
    [
        ({"error": "expired_token"}, 400, Reason.AUTH_REJECTED),
        ({"error": "access_denied"}, 400, Reason.ACCESS_POLICY),
        ({"error": "authorization_declined"}, 400, Reason.ACCESS_POLICY),
        ({"error": "invalid_client", "error_codes": [7000218]}, 401, Reason.AUTH_REJECTED),
        ({"error": "invalid_grant", "error_codes": [53003]}, 400, Reason.ACCESS_POLICY),
        (b"", 503, Reason.TOKEN_SERVICE_ERROR),
    ],
)
def test_everything_else_ends_it(document: Any, status: int, reason: Reason) -> None:
    with pytest.raises(FaultError) as caught:
        POLL.read(reply(document, status))
    assert caught.value.fault.reason is reason


@given(st.binary(max_size=120), st.sampled_from([200, 400, 401, 500]))
def test_only_faults_come_out_of_anything(body: bytes, status: int) -> None:
    for question in (AskDeviceCode(URL, "c", "s"), POLL):
        with suppress(FaultError):
            question.read(reply(body, status))
