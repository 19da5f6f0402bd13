"""`WWW-Authenticate` in every way servers write it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Headers
from prober.protocols.http.challenge import bearer, read, schemes

EXCHANGE = (
    'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
    'trusted_issuers="00000001-0000-0000-c000-000000000000@*", token_types="app_asserted_user_v1 x", '
    'authorization_uri="https://login.example.test/common/oauth2/authorize"'
)


def headers(*values: str) -> Headers:
    return Headers(("WWW-Authenticate", value) for value in values)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((), []),
        (('basic realm="SOGo"',), [("basic", {"realm": "SOGo"})]),
        (('Basic realm=""',), [("basic", {"realm": ""})]),
        (("Negotiate", "NTLM"), [("negotiate", {}), ("ntlm", {})]),
        (("Negotiate, NTLM",), [("negotiate", {}), ("ntlm", {})]),
        (
            ('Bearer error="invalid_token" , Basic realm=x',),
            [("bearer", {"error": "invalid_token"}), ("basic", {"realm": "x"})],
        ),
    ],
)
def test_challenges_are_read(values: tuple[str, ...], expected: list[tuple[str, dict[str, str]]]) -> None:
    """In one field or several; parameters quoted or not."""
    assert [(one.scheme, dict(one.parameters)) for one in read(headers(*values))] == expected


def test_a_leg_of_a_handshake_is_no_other_scheme() -> None:
    """It follows its scheme as base64 (RFC 9110 section 11.2)."""
    assert [one.scheme for one in read(headers("NTLM TlRMTVNTUAAC=="))] == ["ntlm"]


def test_the_challenge_of_exchange_has_all_its_parameters() -> None:
    """Names without case, values as they are."""
    found = bearer(headers("Basic", EXCHANGE))
    assert found is not None
    assert found.parameters["authorization_uri"] == "https://login.example.test/common/oauth2/authorize"
    assert found.parameters["trusted_issuers"].endswith("@*")
    assert found.parameters["token_types"] == "app_asserted_user_v1 x"
    assert bearer(headers("Basic", "NTLM")) is None


def test_schemes_are_listed_for_evidence() -> None:
    """In order of the alphabet, each once, no parameters."""
    assert schemes(headers("NTLM", EXCHANGE, 'basic realm="b"', "ntlm")) == "basic bearer ntlm"
    assert len(schemes(headers(*(f"x{number}" for number in range(200))))) == 100


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_text_is_read_without_an_exception(values: list[str]) -> None:
    """A server may write anything."""
    assert all(one.scheme == one.scheme.lower() for one in read(headers(*values)))
