"""Client assertions: a signed statement instead of a secret (RFC 7523 section 3; Learn, "certificate credentials")."""

import base64
import hashlib
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey
from joserfc.jws import JWSRegistry

from prober.simulator.login.errors import Refused
from prober.simulator.tenant import Application

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALGORITHMS = ["PS256", "RS256"]
LEEWAY = 300.0
"""Seconds by which the clocks may differ."""


class Roomy(JWSRegistry):
    """Takes headers that hold a whole certificate (`x5c`)."""

    max_header_length = 16_384


def check(assertion: str, application: Application, audiences: frozenset[str], now: float) -> None:
    """Accept an assertion of `application` for one of `audiences`, at `now` in epoch seconds. Raises `Refused`."""
    key, thumbprints = _key(application)
    try:
        token = jwt.decode(assertion, key, registry=Roomy(algorithms=ALGORITHMS))
    except (JoseError, ValueError):
        raise Refused(700027) from None
    presented = {str(token.header[name]).rstrip("=") for name in ("x5t#S256", "x5t") if token.header.get(name)}
    if thumbprints and presented and not presented & thumbprints:
        raise Refused(700027)
    _check_claims(token.claims, application.client_id, audiences, now)


def _check_claims(claims: dict[str, Any], client_id: str, audiences: frozenset[str], now: float) -> None:
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise Refused(700027)
    if claims.get("aud") not in audiences:
        raise Refused(700027)
    starts, ends = claims.get("nbf", now), claims.get("exp")
    if not isinstance(ends, int | float) or not isinstance(starts, int | float):
        raise Refused(700024)
    if not starts - LEEWAY <= now <= ends + LEEWAY:
        raise Refused(700024)


def _key(application: Application) -> tuple[RSAKey, frozenset[str]]:
    """Return the registered key, and the thumbprints of its certificate where one is registered."""
    text = application.certificate.encode()
    if b"BEGIN CERTIFICATE" not in text:
        if not text:
            raise Refused(700027)
        return RSAKey.import_key(text), frozenset()
    certificate = x509.load_pem_x509_certificate(text)
    der = certificate.public_bytes(Encoding.DER)
    public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    digests = (hashlib.sha256(der), hashlib.sha1(der, usedforsecurity=False))
    return RSAKey.import_key(public), frozenset(map(_url_safe, digests))


def _url_safe(digest: Any) -> str:
    return base64.urlsafe_b64encode(digest.digest()).decode().rstrip("=")
