"""What is asked of a token service when a person consents: the authorization code with PKCE, and the device code.

Rule of this file: codes and verifiers are secrets like tokens; nothing here prints them, and error texts never leave.
"""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlencode

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.oauth import token as oauth
from prober.protocols.oauth.token import TOKEN_ANSWER_UNREADABLE, Granted
from prober.secret import Secret

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LONGEST = 1 << 20
CONSENT_REFUSED = Kind("consent_refused", Reason.ACCESS_POLICY)
CODE_EXPIRED = Kind("consent_code_expired", Reason.AUTH_REJECTED)


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a code verifier (RFC 7636 section 4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode("ascii")).digest()).rstrip(b"=").decode("ascii")


def authorization_url(endpoint: str, *, client_id: str, scope: str, redirect_uri: str, state: str, proof: str) -> str:
    """Return where a person signs in and consents (RFC 6749 section 4.1.1); `proof` is the verifier's challenge."""
    query = {
        "client_id": client_id,
        "response_type": "code",
        "redirect_uri": redirect_uri,
        "response_mode": "query",
        "scope": scope,
        "state": state,
        "code_challenge": proof,
        "code_challenge_method": "S256",
        "prompt": "select_account",
    }
    return f"{endpoint}?{urlencode(query)}"


def by_code(client_id: str, scope: str, code: Secret, redirect_uri: str, verifier: Secret) -> dict[str, str]:
    """Return the form that redeems an authorization code (RFC 6749 section 4.1.3, RFC 7636 section 4.5)."""
    return {
        "client_id": client_id,
        "scope": scope,
        "grant_type": "authorization_code",
        "code": code.reveal(),
        "redirect_uri": redirect_uri,
        "code_verifier": verifier.reveal(),
    }


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """What a person has to type and where (RFC 8628 section 3.2). Times in seconds."""

    device_code: Secret
    user_code: str
    verification_uri: str
    expires_in: float
    interval: float


@dataclass(frozen=True, slots=True)
class AskDeviceCode:
    """Ask for a device code (RFC 8628 section 3.1)."""

    url: str
    client_id: str
    scope: str

    def call(self) -> Call:
        """Return the request."""
        return _post(self.url, {"client_id": self.client_id, "scope": self.scope})

    def read(self, reply: Reply) -> DeviceCode:
        """Return the code. Raises `FaultError`."""
        if reply.status != 200:
            oauth.read(reply)
        found = _object(reply)
        code, user, where = (found.get(name) for name in ("device_code", "user_code", "verification_uri"))
        if not (isinstance(code, str) and isinstance(user, str) and isinstance(where, str) and code and user):
            raise FaultError(TOKEN_ANSWER_UNREADABLE, {"missing": "device_code"})
        if not (where.startswith("https://") and where.isprintable() and user.isprintable()):
            raise FaultError(TOKEN_ANSWER_UNREADABLE, {"missing": "verification_uri"})
        return DeviceCode(Secret(code), user[:64], where[:256], _number(found, "expires_in", 900), _pause(found))


@dataclass(frozen=True, slots=True)
class RedeemDeviceCode:
    """Ask whether the person is done (RFC 8628 section 3.4)."""

    url: str
    client_id: str
    code: Secret = field(repr=False)
    proof: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), repr=False)

    def call(self) -> Call:
        """Return the request, with who the application is where it is one with a secret."""
        form = {"grant_type": DEVICE_GRANT, "client_id": self.client_id, "device_code": self.code.reveal()}
        return _post(self.url, {**form, **self.proof})

    def read(self, reply: Reply) -> Granted | float:
        """Return the tokens, or by how many seconds the pauses between questions grow. Raises `FaultError`."""
        error = _object(reply).get("error") if reply.status >= 400 else None
        if error == "authorization_pending":
            return 0.0
        if error == "slow_down":
            return 5.0
        if error in ("expired_token", "code_expired"):
            raise FaultError(CODE_EXPIRED)
        if error in ("access_denied", "authorization_declined"):
            raise FaultError(CONSENT_REFUSED, {"error": "access_denied"})
        return oauth.read(reply)


def _post(url: str, form: Mapping[str, str]) -> Call:
    headers = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"))
    return Call("POST", url, headers, urlencode(form).encode())


def _object(reply: Reply) -> Mapping[str, Any]:
    try:
        found = json.loads(reply.body[:LONGEST])
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _pause(found: Mapping[str, Any]) -> float:
    """Return the seconds between two questions: five where nothing is said (RFC 8628 section 3.2)."""
    return max(1.0, min(_number(found, "interval", 5), 60.0))


def _number(found: Mapping[str, Any], name: str, default: float) -> float:
    value = found.get(name)
    return float(value) if isinstance(value, int | float) and 0 < value < 1e6 else default
