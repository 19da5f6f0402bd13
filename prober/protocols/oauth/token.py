"""The token request for each grant, and what its answer says.

Rule of this file: `read` raises `FaultError` and nothing else; the text of an error never leaves, its numbers do.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http.status import retry_after
from prober.protocols.oauth import aadsts
from prober.secret import Secret
from prober.vocabulary import Domain

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN_SERVICE_BROKEN = Kind("token_service_broken", Reason.TOKEN_SERVICE_ERROR)
TOKEN_ANSWER_UNREADABLE = Kind("token_answer_unreadable", Reason.TOKEN_SERVICE_ERROR)
TOKEN_THROTTLED = Kind("token_throttled", Reason.THROTTLED)
TOKEN_REFUSED = Kind("token_refused", Reason.CLIENT_MISCONFIG, Domain.IDENTITY)
GRANT_REFUSED = Kind("token_grant_refused", Reason.AUTH_REJECTED)
CLIENT_REFUSED = Kind("token_client_refused", Reason.AUTH_REJECTED)
INTERACTION_REQUIRED = Kind("token_interaction_required", Reason.ACCESS_POLICY)
INSTANCE_METADATA_BROKEN = Kind("instance_metadata_broken", Reason.PROBE_INTERNAL)
ERRORS = {
    "temporarily_unavailable": TOKEN_SERVICE_BROKEN,
    "server_error": TOKEN_SERVICE_BROKEN,
    "invalid_grant": GRANT_REFUSED,
    "invalid_client": CLIENT_REFUSED,
    "unauthorized_client": CLIENT_REFUSED,
    "interaction_required": INTERACTION_REQUIRED,
    "consent_required": INTERACTION_REQUIRED,
    "access_denied": INTERACTION_REQUIRED,
    "slow_down": TOKEN_THROTTLED,
}
STATUSES = {
    401: CLIENT_REFUSED,
    404: Kind("token_endpoint_not_found", Reason.CLIENT_MISCONFIG, Domain.IDENTITY),
}
"""What a status means where the answer says nothing."""
CODE = re.compile(r"AADSTS(\d{5,8})")
PLAIN_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
TIMESTAMP = re.compile(r"[0-9-]{10}[ T][0-9:.]{8,12}Z?")
LONGEST_LIFE = 90 * 86_400.0


@dataclass(frozen=True, slots=True)
class Granted:
    """What the token service issued. `expires_in` is in seconds."""

    access_token: Secret
    expires_in: float
    refresh_token: Secret | None = None


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """One POST to a token endpoint (RFC 6749 section 4). `form` holds the grant's fields, secrets among them."""

    url: str
    form: Mapping[str, str] = field(repr=False)

    def call(self) -> Call:
        """Return the request."""
        headers = (("Content-Type", "application/x-www-form-urlencoded"), ("Accept", "application/json"))
        return Call("POST", self.url, headers, urlencode(self.form).encode())

    def read(self, reply: Reply) -> Granted:
        """Return the tokens. Raises `FaultError`."""
        return read(reply)


@dataclass(frozen=True, slots=True)
class ManagedIdentityRequest:
    """One GET to the instance metadata service of a cloud host; it takes a resource, not a scope."""

    resource: str
    client_id: str = ""
    url: str = "http://169.254.169.254/metadata/identity/oauth2/token"

    def call(self) -> Call:
        """Return the request."""
        query = {"api-version": "2018-02-01", "resource": self.resource}
        if self.client_id:
            query["client_id"] = self.client_id
        joint = "&" if "?" in self.url else "?"
        return Call("GET", f"{self.url}{joint}{urlencode(query)}", (("Metadata", "true"),))

    def read(self, reply: Reply) -> Granted:
        """Return the token; the service's own troubles are ours, not the token service's. Raises `FaultError`."""
        if reply.status == 429 or reply.status >= 500:
            raise FaultError(INSTANCE_METADATA_BROKEN, {"http_status": str(reply.status)})
        return read(reply)


def client_credentials(client_id: str, scope: str, proof: Mapping[str, str]) -> dict[str, str]:
    """Return the form of the client credentials grant; `proof` is from `by_secret` or `by_assertion`."""
    return {"client_id": client_id, "scope": scope, "grant_type": "client_credentials", **proof}


def refresh_token(client_id: str, scope: str, token: Secret, proof: Mapping[str, str]) -> dict[str, str]:
    """Return the form of the refresh token grant."""
    form = {"client_id": client_id, "scope": scope, "grant_type": "refresh_token"}
    return {**form, "refresh_token": token.reveal(), **proof}


def password(client_id: str, scope: str, username: str, secret: Secret, proof: Mapping[str, str]) -> dict[str, str]:
    """Return the form of the resource owner password grant."""
    form = {"client_id": client_id, "scope": scope, "grant_type": "password", "username": username}
    return {**form, "password": secret.reveal(), **proof}


def by_secret(secret: Secret) -> dict[str, str]:
    """Return the proof of a client secret."""
    return {"client_secret": secret.reveal()}


def by_assertion(assertion: Secret) -> dict[str, str]:
    """Return the proof of a signed or federated assertion (RFC 7523 section 2.2)."""
    return {"client_assertion_type": JWT_BEARER, "client_assertion": assertion.reveal()}


def read(reply: Reply) -> Granted:
    """Return what a token endpoint's answer grants. Raises `FaultError`."""
    answer = _object(reply.body)
    if reply.status != 200:
        raise _refused(reply, answer)
    if answer is None:
        raise FaultError(TOKEN_ANSWER_UNREADABLE, {"http_status": "200"})
    if "error" in answer:
        raise _refused(reply, answer)
    return _granted(answer)


def _object(body: bytes) -> dict[str, Any] | None:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _granted(answer: dict[str, Any]) -> Granted:
    token, kind = answer.get("access_token"), answer.get("token_type")
    life = _seconds(answer.get("expires_in"))
    missing = [
        name
        for name, good in (
            ("access_token", isinstance(token, str) and bool(token) and token.isascii() and token.isprintable()),
            ("token_type", isinstance(kind, str) and kind.lower() == "bearer"),
            ("expires_in", life is not None),
        )
        if not good
    ]
    if missing or life is None or not isinstance(token, str):
        raise FaultError(TOKEN_ANSWER_UNREADABLE, {"missing": " ".join(missing)})
    following = answer.get("refresh_token")
    return Granted(Secret(token), life, Secret(following) if isinstance(following, str) and following else None)


def _seconds(value: object) -> float | None:
    """Return a positive life in seconds; numbers come as such and, from instance metadata, as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        seconds = float(value)
    except (ValueError, OverflowError):
        return None
    return min(seconds, LONGEST_LIFE) if seconds > 0 else None


def _refused(reply: Reply, answer: dict[str, Any] | None) -> FaultError:
    """Return what a refusal means: by its number, then its name, then the HTTP status."""
    code = _code(answer or {})
    evidence = {"http_status": str(reply.status)}
    if code is not None:
        evidence["aadsts"] = str(code)
    evidence |= _ids(answer or {})
    name = (answer or {}).get("error")
    if isinstance(name, str) and PLAIN_ID.fullmatch(name.replace("_", "-")):
        evidence["error"] = name
    after = retry_after(reply.headers)
    if code in aadsts.CUSTOMER_SIDE:
        evidence["where"] = "customer"
    kind = aadsts.KINDS.get(code) if code is not None else None
    if kind is None and reply.status == 429:
        kind = TOKEN_THROTTLED
    if kind is None and reply.status >= 500:
        kind = TOKEN_SERVICE_BROKEN
    if kind is None and isinstance(name, str):
        kind = ERRORS.get(name, TOKEN_REFUSED)
    if kind is None:
        kind = STATUSES.get(reply.status, TOKEN_ANSWER_UNREADABLE)
    return FaultError(kind, evidence, retry_after=after if kind.reason is Reason.THROTTLED else None)


def _code(answer: Mapping[str, Any]) -> int | None:
    codes = answer.get("error_codes")
    if isinstance(codes, list) and codes and isinstance(codes[0], int) and not isinstance(codes[0], bool):
        return codes[0] if 0 < codes[0] < 10**8 else None
    description = answer.get("error_description")
    found = CODE.search(description) if isinstance(description, str) else None
    return int(found[1]) if found else None


def _ids(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return what a support case needs: identifiers, and when the service says that it refused."""
    found = {
        name: value
        for name in ("trace_id", "correlation_id", "suberror")
        if isinstance(value := answer.get(name), str) and PLAIN_ID.fullmatch(value.replace("_", "-"))
    }
    at = answer.get("timestamp")
    return found | ({"timestamp": at} if isinstance(at, str) and TIMESTAMP.fullmatch(at) else {})
