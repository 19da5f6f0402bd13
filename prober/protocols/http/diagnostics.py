"""What servers say of themselves in headers, cut down to what may be kept: ids, numbers, and the site of a server."""

import re
from types import MappingProxyType

from prober.exchange import Headers

IDS = MappingProxyType(
    {"request-id": "request_id", "x-ms-request-id": "request_id", "client-request-id": "client_request_id"}
)
PLAIN_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
SITE = re.compile(r"^[A-Z]{2}\d?[A-Z]\d{2,3}|^[A-Z]{2,3}(?=\d*[A-Z]*\d)", re.IGNORECASE)
EDGE = re.compile(r"[A-Z]{3}", re.IGNORECASE)
FOREST = re.compile(r"\.([a-z]{3,6}prd\d{2})\.", re.IGNORECASE)
DIAGNOSTIC = re.compile(r"^\s*(\d{7})\s*;")
CATEGORY = re.compile(r'error_category="([a-z_]{1,40})"')
NAME = re.compile(r"[A-Za-z0-9_.]{1,80}")
NAMED = MappingProxyType({"x-caserrorcode": "error", "x-owa-error": "error", "x-ms-asthrottle": "backoff"})
BACKEND = MappingProxyType({"x-backendhttpstatus": "answered", "x-proxy-backendserverstatus": "answered"})


def evidence(headers: Headers) -> dict[str, str]:
    """Return what may be kept of a reply's headers."""
    kept: dict[str, str] = {}
    for header, name in (*IDS.items(), *NAMED.items(), *BACKEND.items()):
        value = headers.get(header).split(",")[0].strip()
        if value and (PLAIN_ID.fullmatch(value) or NAME.fullmatch(value)):
            kept.setdefault(name, value)
    site = region(headers)
    if site:
        kept["site"] = site
    code = diagnostic(headers)
    if code:
        kept["code"] = code
    return kept


def region(headers: Headers) -> str:
    """Return where the answer came from, as few letters as tell it, or nothing."""
    for name in ("x-feefzinfo", "x-firsthopcafeefz"):
        if EDGE.fullmatch(headers.get(name)):
            return headers.get(name).upper()
    forest = FOREST.search(headers.get("x-calculatedbetarget"))
    if forest:
        return forest[1].lower()
    front = SITE.match(headers.get("x-feserver"))
    return front[0][:2].upper() if front else ""


def diagnostic(headers: Headers) -> str:
    """Return the number in `x-ms-diagnostics` (MS-OXWOAUTH), such as `2000003`, or nothing."""
    found = DIAGNOSTIC.match(headers.get("x-ms-diagnostics"))
    return found[1] if found else ""


def category(headers: Headers) -> str:
    """Return the `error_category` of `x-ms-diagnostics`, or nothing."""
    found = CATEGORY.search(headers.get("x-ms-diagnostics"))
    return found[1] if found else ""
