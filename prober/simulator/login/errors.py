"""Refusals of the token service (Learn, "Microsoft Entra authentication and authorization error codes")."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from prober.simulator.http.message import Reply, json_reply

INVALID_REQUEST = "invalid_request"
INVALID_GRANT = "invalid_grant"
INVALID_CLIENT = "invalid_client"
UNAUTHORIZED_CLIENT = "unauthorized_client"
INTERACTION_REQUIRED = "interaction_required"
UNAVAILABLE = "temporarily_unavailable"
UNSUPPORTED = "unsupported_grant_type"


@dataclass(frozen=True, slots=True)
class Code:
    """One AADSTS code: the OAuth error it comes with, the HTTP status, and what it says."""

    error: str
    status: int
    text: str


CODES: Mapping[int, Code] = MappingProxyType(
    {
        50000: Code(UNAVAILABLE, 503, "There was an error issuing a token."),
        50011: Code(INVALID_REQUEST, 400, "The redirect URI does not match those configured for the application."),
        50034: Code(INVALID_GRANT, 400, "The user account does not exist in the directory."),
        50053: Code(INVALID_GRANT, 400, "The account is locked: too many attempts with an incorrect password."),
        50055: Code(INVALID_GRANT, 400, "The password is expired."),
        50057: Code(INVALID_GRANT, 400, "The user account is disabled."),
        50076: Code(INTERACTION_REQUIRED, 400, "You must use multi-factor authentication to access the resource."),
        50126: Code(INVALID_GRANT, 400, "Error validating credentials due to invalid username or password."),
        50148: Code(INVALID_GRANT, 400, "The code verifier does not match the code challenge of the request."),
        50173: Code(INVALID_GRANT, 400, "The provided grant has expired: it was revoked, a fresh token is needed."),
        50196: Code(INVALID_GRANT, 400, "The server terminated an operation: it encountered a client request loop."),
        53003: Code(INTERACTION_REQUIRED, 400, "Access has been blocked by Conditional Access policies."),
        65001: Code(INVALID_GRANT, 400, "The user or administrator has not consented to use the application."),
        70002: Code(INVALID_CLIENT, 401, "Error validating credentials."),
        70003: Code(UNSUPPORTED, 400, "The app requested an unsupported grant type."),
        70008: Code(INVALID_GRANT, 400, "The provided authorization code or refresh token is expired."),
        70011: Code("invalid_scope", 400, "The provided value for the input parameter 'scope' is not valid."),
        70016: Code("authorization_pending", 400, "OAuth 2.0 device flow error: authorization is pending."),
        70018: Code("bad_verification_code", 400, "Invalid verification code: another one was used."),
        70020: Code("expired_token", 400, "The provided device code has expired."),
        70043: Code(INVALID_GRANT, 400, "The refresh token has expired or is invalid due to sign-in frequency checks."),
        90002: Code(INVALID_REQUEST, 400, "Tenant not found. Check that the tenant ID is correct."),
        90014: Code(INVALID_REQUEST, 400, "A required field is missing from the request."),
        90033: Code(UNAVAILABLE, 503, "A transient error has occurred. Please try again."),
        90055: Code(INVALID_REQUEST, 429, "The tenant is throttled due to too many requests."),
        500011: Code("invalid_resource", 400, "The resource principal was not found in the tenant."),
        700016: Code(UNAUTHORIZED_CLIENT, 400, "The application was not found in the directory."),
        700024: Code(INVALID_CLIENT, 401, "The client assertion is not within its valid time range."),
        700025: Code(INVALID_CLIENT, 401, "The client is public, so neither assertion nor secret should be presented."),
        700027: Code(INVALID_CLIENT, 401, "The certificate with this identifier is not registered, or did not sign."),
        7000215: Code(INVALID_CLIENT, 401, "Invalid client secret provided."),
        7000218: Code(INVALID_CLIENT, 401, "The request must contain 'client_assertion' or 'client_secret'."),
        7000222: Code(INVALID_CLIENT, 401, "The provided client secret keys are expired."),
        9002313: Code(INVALID_REQUEST, 400, "Invalid request. It is malformed or invalid."),
    }
)
"""A code that is not here is refused as `invalid_grant` with status 400."""


class Refused(Exception):  # noqa: N818 - what the token service does
    """A grant was refused with an AADSTS code. `status` and `error` replace what the code usually comes with."""

    def __init__(self, code: int, status: int = 0, error: str = "") -> None:
        known = CODES.get(code, Code(INVALID_GRANT, 400, "The request was refused."))
        super().__init__(known.text)
        self.code = code
        self.status = status or known.status
        self.error = error or known.error
        self.text = known.text


def refusal(refused: Refused, now: datetime, correlation: str = "") -> Reply:
    """Return the error as JSON, with the ids and the time that Entra puts into its description."""
    trace, correlation = str(uuid.uuid4()), correlation or str(uuid.uuid4())
    stamp = f"{now:%Y-%m-%d %H:%M:%S}Z"
    body = {
        "error": refused.error,
        "error_description": (
            f"AADSTS{refused.code}: {refused.text} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {stamp}"
        ),
        "error_codes": [refused.code],
        "timestamp": stamp,
        "trace_id": trace,
        "correlation_id": correlation,
        "error_uri": f"https://login.microsoftonline.com/error?code={refused.code}",
    }
    return json_reply(body, refused.status, (("Cache-Control", "no-store, no-cache"),))
