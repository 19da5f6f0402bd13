"""Requests field by field, and answers as the token service writes them."""

import json
from urllib.parse import parse_qs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.oauth import token as oauth
from prober.protocols.oauth.token import JWT_BEARER, Granted, ManagedIdentityRequest, TokenRequest, read
from prober.secret import Secret

URL = "https://login.example/contoso.example/oauth2/v2.0/token"
EXPIRED_SECRET = {
    "error": "invalid_client",
    "error_description": "AADSTS7000222: The provided client secret keys for app 'canary' are expired. Trace ID: x",
    "error_codes": [7000222],
    "timestamp": "2026-11-23 12:00:00Z",
    "trace_id": "0a1b2c3d-0000-0000-0000-000000000001",
    "correlation_id": "0a1b2c3d-0000-0000-0000-000000000002",
    "error_uri": "https://login.example/error?code=7000222",
}


def answer(status: int, body: object, **headers: str) -> Reply:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, Headers((name.replace("_", "-"), value) for name, value in headers.items()), data)


def refusal(reply: Reply) -> FaultError:
    with pytest.raises(FaultError) as caught:
        read(reply)
    return caught.value


def test_each_grant_sends_its_fields() -> None:
    secret, assertion = oauth.by_secret(Secret("s")), oauth.by_assertion(Secret("j"))
    assert oauth.client_credentials("id", "scope", secret) == {
        "client_id": "id",
        "scope": "scope",
        "grant_type": "client_credentials",
        "client_secret": "s",
    }
    assert oauth.client_credentials("id", "scope", assertion) == {
        "client_id": "id",
        "scope": "scope",
        "grant_type": "client_credentials",
        "client_assertion_type": JWT_BEARER,
        "client_assertion": "j",
    }
    assert oauth.refresh_token("id", "scope", Secret("r"), {}) == {
        "client_id": "id",
        "scope": "scope",
        "grant_type": "refresh_token",
        "refresh_token": "r",
    }
    assert oauth.password("id", "scope", "me", Secret("p"), {}) == {
        "client_id": "id",
        "scope": "scope",
        "grant_type": "password",
        "username": "me",
        "password": "p",
    }


def test_a_form_is_posted_and_does_not_print_itself() -> None:
    request = TokenRequest(URL, {"client_secret": "canary &=+ä"})
    call = request.call()
    assert (call.method, call.url) == ("POST", URL)
    assert ("Content-Type", "application/x-www-form-urlencoded") in call.headers
    assert parse_qs(call.body.decode()) == {"client_secret": ["canary &=+ä"]}
    assert "canary" not in repr(request) + repr(call)


def test_instance_metadata_is_asked_for_a_resource() -> None:
    call = ManagedIdentityRequest("https://graph.microsoft.com", "abc").call()
    assert (call.method, call.headers) == ("GET", (("Metadata", "true"),))
    assert call.url == (
        "http://169.254.169.254/metadata/identity/oauth2/token?"
        "api-version=2018-02-01&resource=https%3A%2F%2Fgraph.microsoft.com&client_id=abc"
    )


@pytest.mark.parametrize("life", [3599, 3599.0, "3599"])
@pytest.mark.parametrize("kind", ["Bearer", "bearer"])
def test_a_grant_is_read(life: object, kind: str) -> None:
    granted = read(answer(200, {"token_type": kind, "expires_in": life, "access_token": "t", "refresh_token": "r"}))
    assert granted == Granted(Secret("t"), 3599.0, Secret("r"))


@pytest.mark.parametrize(
    "body",
    [
        {"token_type": "Bearer", "expires_in": 3599},
        {"token_type": "Bearer", "access_token": "t"},
        {"token_type": "mac", "access_token": "t", "expires_in": 1},
        {"token_type": "Bearer", "access_token": "t", "expires_in": -1},
        {"token_type": "Bearer", "access_token": "t\r\nX: y", "expires_in": 10},
        {"token_type": "Bearer", "access_token": "", "expires_in": 10},
        b"<html>Something went wrong</html>",
        b"[]",
        b"",
    ],
)
def test_a_200_without_a_token_is_the_token_services_fault(body: object) -> None:
    assert refusal(answer(200, body)).fault.reason is Reason.TOKEN_SERVICE_ERROR


def test_a_refusal_goes_by_its_number_and_keeps_only_numbers_and_ids() -> None:
    fault = refusal(answer(401, EXPIRED_SECRET)).fault
    assert (fault.kind.code, fault.reason) == ("aadsts_7000222", Reason.AUTH_REJECTED)
    assert dict(fault.evidence) == {
        "http_status": "401",
        "aadsts": "7000222",
        "error": "invalid_client",
        "trace_id": "0a1b2c3d-0000-0000-0000-000000000001",
        "correlation_id": "0a1b2c3d-0000-0000-0000-000000000002",
        "timestamp": "2026-11-23 12:00:00Z",
    }


def test_the_number_is_found_in_the_text_where_the_list_is_missing() -> None:
    body = {key: value for key, value in EXPIRED_SECRET.items() if key != "error_codes"}
    assert refusal(answer(401, body)).fault.kind.code == "aadsts_7000222"


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (400, {"error": "invalid_grant", "error_codes": [99999999]}, Reason.AUTH_REJECTED),
        (400, {"error": "temporarily_unavailable"}, Reason.TOKEN_SERVICE_ERROR),
        (400, {"error": "interaction_required"}, Reason.ACCESS_POLICY),
        (400, {"error": "invalid_scope"}, Reason.CLIENT_MISCONFIG),
        (401, {"error": "invalid_client"}, Reason.AUTH_REJECTED),
        (500, b"oops", Reason.TOKEN_SERVICE_ERROR),
        (503, {"error": "invalid_grant"}, Reason.TOKEN_SERVICE_ERROR),
        (403, b"<html>", Reason.TOKEN_SERVICE_ERROR),
        (302, b"", Reason.TOKEN_SERVICE_ERROR),
        (404, b"<html>", Reason.CLIENT_MISCONFIG),
        (401, b"<html>", Reason.AUTH_REJECTED),
        (200, {"error": "invalid_grant"}, Reason.AUTH_REJECTED),
        (429, b"", Reason.THROTTLED),
        (400, {"error": "invalid_request", "error_codes": [50196]}, Reason.THROTTLED),
    ],
)
def test_without_a_known_number_the_name_decides_then_the_status(status: int, body: object, reason: Reason) -> None:
    assert refusal(answer(status, body)).fault.reason is reason


def test_a_throttle_keeps_the_servers_wish() -> None:
    assert refusal(answer(429, b"", Retry_After="17")).fault.retry_after == 17.0
    assert refusal(answer(429, b"", Retry_After="soon")).fault.retry_after is None


def test_the_customers_own_agents_are_marked() -> None:
    assert refusal(answer(400, {"error_codes": [80002]})).fault.evidence["where"] == "customer"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_broken_instance_metadata_service_is_our_own_trouble(status: int) -> None:
    with pytest.raises(FaultError) as caught:
        ManagedIdentityRequest("r").read(Reply(status))
    assert caught.value.fault.reason is Reason.PROBE_INTERNAL


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "error_codes", "error_description", "access_token", "expires_in", "token_type", "x"]
            ),
            inner,
            max_size=6,
        )
    ),
    max_leaves=12,
)


@given(st.integers(100, 599), st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
def test_only_grants_and_faults_come_out(status: int, body: bytes) -> None:
    try:
        read_ = read(Reply(status, Headers(), body))
    except FaultError as error:
        assert error.fault.kind.code  # noqa: PT017 - either way is right
        return
    assert read_.expires_in > 0
