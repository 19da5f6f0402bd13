"""Client assertions, signed here by PyJWT."""

from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from prober.simulator.login.assertions import check
from prober.simulator.login.errors import Refused
from prober.simulator.tenant import Application

KEY = rsa.generate_private_key(65537, 2048)
PUBLIC = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
APP = Application("app", "Probe", certificate=PUBLIC)
HERE = frozenset({"https://login.test/t/oauth2/v2.0/token"})
NOW = 1_000_000.0


def signed(algorithm: str = "PS256", **claims: Any) -> str:
    whole = {"aud": next(iter(HERE)), "iss": "app", "sub": "app", "nbf": NOW - 10, "exp": NOW + 600, **claims}
    return jwt.encode(whole, KEY, algorithm)


@pytest.mark.parametrize("algorithm", ["PS256", "RS256"])
def test_a_right_one_is_accepted(algorithm: str) -> None:
    """Both algorithms that are in use."""
    check(signed(algorithm), APP, HERE, NOW)


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"aud": "https://elsewhere.test"}, 700027),
        ({"iss": "other"}, 700027),
        ({"sub": "other"}, 700027),
        ({"exp": NOW - 600}, 700024),
        ({"nbf": NOW + 600}, 700024),
        ({"exp": "soon"}, 700024),
    ],
)
def test_a_wrong_one_is_refused(claims: dict[str, Any], code: int) -> None:
    """By what is wrong with it: whose, for whom, or when."""
    with pytest.raises(Refused) as refused:
        check(signed(**claims), APP, HERE, NOW)
    assert refused.value.code == code


@pytest.mark.parametrize("text", ["", "a.b.c", "x" * 9000])
def test_what_is_no_token_is_refused(text: str) -> None:
    """Whatever was sent."""
    with pytest.raises(Refused):
        check(text, APP, HERE, NOW)


def test_an_application_without_a_key_has_no_assertions() -> None:
    """Nothing could verify one."""
    with pytest.raises(Refused):
        check(signed(), Application("app", "Probe"), HERE, NOW)
