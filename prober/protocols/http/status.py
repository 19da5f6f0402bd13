"""What an HTTP status means when nothing more specific was found in the answer.

Order of evidence: protocol status in the body (the caller's), throttle and diagnostic headers, status with challenge.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from types import MappingProxyType

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import HTML_INSTEAD_OF_DATA, FaultError, Kind, Reason
from prober.protocols.http import challenge, diagnostics
from prober.vocabulary import Domain

UNAUTHORIZED = Kind("http_401", Reason.AUTH_REJECTED)
TOKEN_EXPIRED = Kind("http_401_token_expired", Reason.AUTH_REJECTED)
TOKEN_REJECTED = Kind("http_401_token_rejected", Reason.AUTH_REJECTED)
CLAIMS_WANTED = Kind("http_401_claims_wanted", Reason.ACCESS_POLICY)
OAUTH_NOT_AVAILABLE = Kind("http_401_oauth_not_available", Reason.ACCESS_POLICY)
DIAGNOSED_INTERNAL = Kind("http_401_internal_error", Reason.SERVER_ERROR, Domain.IDENTITY)
NO_BEARER = Kind("http_401_without_bearer", Reason.UNEXPECTED_CHALLENGE)
ANONYMOUS_ALLOWED = Kind("http_anonymous_allowed", Reason.UNEXPECTED_CHALLENGE)
THROTTLED = Kind("http_throttled", Reason.THROTTLED)
BUSY = Kind("http_503", Reason.SERVER_BUSY)
ERROR_PAGE = Kind("http_error_page", Reason.SERVER_ERROR)
UNEXPECTED = Kind("http_unexpected_status", Reason.PROTOCOL_VIOLATION)
GATEWAY_PAGE = Kind("http_publishing_gateway", Reason.CLIENT_MISCONFIG)
STATUSES: Mapping[int, Kind] = MappingProxyType(
    {
        status: Kind(f"http_{status}", reason, where)
        for status, reason, where in (
            (400, Reason.CLIENT_MISCONFIG, None),
            (403, Reason.ACCESS_POLICY, None),
            (404, Reason.CLIENT_MISCONFIG, None),
            (405, Reason.CLIENT_MISCONFIG, None),
            (406, Reason.CLIENT_MISCONFIG, None),
            (407, Reason.PROBE_INTERNAL, Domain.PROXY),
            (410, Reason.SERVER_ERROR, None),
            (415, Reason.CLIENT_MISCONFIG, None),
            (440, Reason.AUTH_REJECTED, None),
            (456, Reason.AUTH_REJECTED, None),
            (457, Reason.AUTH_REJECTED, None),
            (500, Reason.SERVER_ERROR, None),
            (501, Reason.CLIENT_MISCONFIG, None),
            (502, Reason.SERVER_ERROR, None),
            (504, Reason.SERVER_ERROR, None),
            (507, Reason.CLIENT_MISCONFIG, None),
        )
    }
)
BACKOFF = re.compile(r"^[A-Z]/(-?\d{1,7})$")
HTML = re.compile(rb"^\s*(?:<!doctype html|<html|<\?xml[^>]*>\s*<!doctype html)", re.IGNORECASE)


def fault(reply: Reply) -> FaultError:
    """Return what an answer with a status that should not be means."""
    evidence = {"http_status": str(reply.status), **diagnostics.evidence(reply.headers)}
    after = retry_after(reply.headers)
    if reply.status == 429 or (reply.status in (401, 503) and throttle_evidence(reply.headers)):
        return FaultError(THROTTLED, evidence, retry_after=after)
    if reply.status == 503:
        return FaultError(BUSY, evidence)
    if reply.status == 401:
        return FaultError(_unauthorized(reply.headers), {**evidence, "schemes": challenge.schemes(reply.headers)})
    if reply.status in (301, 302, 303, 307, 308):
        return FaultError(_redirected(reply.headers.get("location")), evidence)
    kind = STATUSES.get(reply.status)
    if kind is None:
        kind = STATUSES[400] if 400 <= reply.status < 500 else STATUSES[500] if reply.status >= 500 else UNEXPECTED
    return FaultError(kind, evidence)


def _unauthorized(headers: Headers) -> Kind:
    code = diagnostics.diagnostic(headers)
    found = challenge.bearer(headers)
    if code == "2000007":
        return DIAGNOSED_INTERNAL
    if found is not None and found.parameters.get("error") == "insufficient_claims":
        return CLAIMS_WANTED
    if "oauth_not_available" in headers.get("x-ms-diagnostics") or "oauth_not_available" in _values(found):
        return OAUTH_NOT_AVAILABLE
    if code == "2000002":
        return TOKEN_EXPIRED
    return TOKEN_REJECTED if code.startswith("2000") else UNAUTHORIZED


def _values(found: challenge.Challenge | None) -> str:
    return " ".join(found.parameters.values()) if found is not None else ""


def _redirected(location: str) -> Kind:
    path = location.lower()
    if "genericerrorpage.htm" in path or "errorfe.aspx" in path:
        return ERROR_PAGE
    return GATEWAY_PAGE if "/internalsite/" in path else UNEXPECTED


def throttle_evidence(headers: Headers) -> bool:
    """Whether the server says that it holds us back (MS-ASHTTP section 2.2.2.1.2.13)."""
    if "retry-after" in headers or "x-ms-asthrottle" in headers:
        return True
    found = BACKOFF.match(headers.get("x-ms-backoffduration"))
    return found is not None and int(found[1]) > 0


def retry_after(headers: Headers) -> float | None:
    """Return the seconds to wait: those of `Retry-After`, else those that `X-MS-BackOffDuration` owes."""
    said = said_after(headers)
    if said is not None:
        return said
    found = BACKOFF.match(headers.get("x-ms-backoffduration"))
    return float(found[1]) if found is not None and int(found[1]) > 0 else None


def said_after(headers: Headers) -> float | None:
    """Return what `Retry-After` says (RFC 9110 section 10.2.3); a date is counted from the answer's own `Date`."""
    value = headers.get("retry-after").strip()
    if value.isascii() and value.isdigit() and len(value) < 9:
        return float(value)
    try:
        wait = parsedate_to_datetime(value) - parsedate_to_datetime(headers.get("date"))
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, wait.total_seconds())


def refuse_html(reply: Reply) -> None:
    """Raise where a page for people came in place of data."""
    if HTML.match(reply.body[:512]):
        evidence = {"http_status": str(reply.status), **diagnostics.evidence(reply.headers)}
        raise FaultError(HTML_INSTEAD_OF_DATA, evidence)
