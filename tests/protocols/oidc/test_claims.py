"""Tokens of the form of a JWT, and others."""

import base64
import random

import pytest

from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.oidc.claims import expiry
from prober.secret import Secret

PRINTED = (
    "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
    ".dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
)
"""RFC 7519 section 3.1."""
UNSECURED = (
    "eyJhbGciOiJub25lIn0"
    ".eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
)
"""RFC 7519 section 6.1."""
ENCRYPTED = (
    "eyJhbGciOiJSU0EtT0FFUCIsImVuYyI6IkEyNTZHQ00ifQ.OKOawDo13gRp.48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XFBoMYUZodetZdvT"
)
"""In the form of RFC 7516 section 3.1: header, key, vector, ciphertext, tag."""

UNUSABLE = ('{"exp": "1"}', '{"exp": true}', '{"exp": -1}', '{"exp": 1e99}', '{"exp": NaN}', '{"exp": null}')


def part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@pytest.mark.parametrize("token", [PRINTED, UNSECURED])
def test_the_printed_tokens_say_when_they_expire(token: str) -> None:
    """`exp` is 1300819380."""
    assert expiry(Secret(token)) == 1300819380.0


@pytest.mark.parametrize("token", ["EwBwA8l6BAAU", "0.AAAA-_x", ENCRYPTED, "a", "a b.c.d", "..", ""])
def test_a_token_of_another_form_says_nothing(token: str) -> None:
    """Nor need it: what it is made of is between its issuer and the resource (RFC 6749 section 1.4)."""
    assert expiry(Secret(token)) is None


@pytest.mark.parametrize(
    "token",
    [
        "eyJ0eXAi",
        "a.b.c",
        f"{part('{}')}.{part('[]')}.x",
        f"{part('[]')}.{part('{}')}.x",
        f"{part('{}')}.{part('{}')}.x",
        *(f"{part('{}')}.{part(expiring)}.x" for expiring in UNUSABLE),
    ],
)
def test_a_jwt_that_cannot_be_read_is_the_token_services_error(token: str) -> None:
    """Nothing of it shows."""
    with pytest.raises(FaultError) as caught:
        expiry(Secret(token))
    assert (caught.value.fault.kind.code, caught.value.fault.reason) == (
        "token_undecodable",
        Reason.TOKEN_SERVICE_ERROR,
    )
    assert not any(token in text for text in caught.value.fault.evidence.values())


def test_any_text_is_read_or_refused() -> None:
    """Cut anywhere, or at random: never a traceback."""
    rng = random.Random(2)
    texts = [PRINTED[:end] for end in range(len(PRINTED))]
    for _ in range(2000):
        at = rng.randrange(len(PRINTED))
        texts.append(PRINTED[:at] + rng.choice("eyJ0-_.=+/ x\u00e9") + PRINTED[at + 1 :])
    found = set()
    for text in texts:
        try:
            found.add("read" if expiry(Secret(text)) is not None else "opaque")
        except FaultError as error:
            found.add(error.fault.kind.code)
    assert found == {"read", "token_undecodable"} | (found & {"opaque"})
