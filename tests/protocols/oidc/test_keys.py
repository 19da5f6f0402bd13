"""Key sets, as printed in RFC 7517."""

import json
from typing import Any

import pytest

from prober.faults.taxonomy import Reason
from prober.protocols.oidc.keys import Keys
from tests.protocols.eas.made import refused
from tests.protocols.oidc.made import outcomes, said

ASK = Keys("https://login.example.test/common/discovery/v2.0/keys")
PRINTED = b"""
     {"keys":
       [
         {"kty":"EC",
          "crv":"P-256",
          "x":"MKBCTNIcKUSDii11ySs3526iDZ8AiTo7Tu6KPAqv7D4",
          "y":"4Etl6SRW2YiLUrN5vfvVHuhp7x8PxltmWWlbbM4IFyM",
          "use":"enc",
          "kid":"1"},

         {"kty":"RSA",
          "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
          "e":"AQAB",
          "alg":"RS256",
          "kid":"2011-04-29"}
       ]
     }
"""  # noqa: E501 - as printed
"""RFC 7517 appendix A.1: two public keys, the first of which is for encryption."""
SYMMETRIC = b"""
     {"keys":
       [
         {"kty":"oct",
          "alg":"A128KW",
          "k":"GawgguFyGrWKav7AX4VKUg"},

         {"kty":"oct",
          "k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
          "kid":"HMAC key used in JWS spec Appendix A.1 example"}
       ]
     }
"""
"""RFC 7517 appendix A.3: keys that are no public ones."""


def keys(*members: Any) -> bytes:
    return json.dumps({"keys": members}).encode()


def test_the_printed_keys_are_counted() -> None:
    """The one for encryption signs nothing."""
    assert ASK.read(said(PRINTED)) == 1
    assert ASK.read(said(PRINTED.replace(b'"use":"enc",', b""))) == 2
    assert ASK.call().url == ASK.url


def test_keys_of_kinds_nobody_knows_are_passed_over() -> None:
    """RFC 7517 section 5."""
    known = json.loads(PRINTED)["keys"][1]
    assert ASK.read(said(keys({"kty": "new", "z": "1"}, 7, {"kty": ["RSA"]}, {"kty": "RSA", "n": "1"}, known))) == 1


@pytest.mark.parametrize(
    "body", [SYMMETRIC, keys(), b"{}", b'{"keys": {}}', b'{"keys": null}', keys({"kty": "RSA", "n": "", "e": "AQAB"})]
)
def test_without_a_key_no_token_can_be_checked(body: bytes) -> None:
    """An error of the token service."""
    fault = refused(ASK.read, said(body))
    assert (fault.kind.code, fault.reason) == ("signing_keys_broken", Reason.TOKEN_SERVICE_ERROR)


def test_any_bytes_are_read_or_refused() -> None:
    """Never a traceback."""
    assert outcomes(ASK.read, PRINTED) == {"read", "signing_keys_broken"}
