"""What servers say of themselves in headers, cut down to what may be kept: ids, numbers, and the site of a server."""

import re
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType

from prober.exchange import Headers

IDS = MappingProxyType(
    {"request-id": "request_id", "x-ms-request-id": "request_id", "client-request-id": "client_request_id"}
)
REQUEST_IDS = tuple(header for header, name in IDS.items() if name == "request_id")
PLAIN_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
SITE = re.compile(r"^[A-Z]{2}\d?[A-Z]\d{2,3}|^[A-Z]{2,3}(?=\d*[A-Z]*\d)", re.IGNORECASE)
EDGE = re.compile(r"[A-Z]{3}", re.IGNORECASE)
DATA_CENTER = re.compile(r'"DataCenter"\s*:\s*"([A-Za-z0-9 ]{1,40})"')
FOREST = re.compile(r"\.([a-z]{3,6}prd\d{2})\.", re.IGNORECASE)
DIAGNOSTIC = re.compile(r"^\s*(\d{7})\s*;")
CATEGORY = re.compile(r'error_category="([a-z_]{1,40})"')
NAME = re.compile(r"[A-Za-z0-9_.]{1,80}")
NAMED = MappingProxyType({"x-caserrorcode": "error", "x-owa-error": "error", "x-ms-asthrottle": "backoff"})
BACKEND = MappingProxyType({"x-backendhttpstatus": "answered", "x-proxy-backendserverstatus": "answered"})


KEPT = (*IDS.items(), *NAMED.items(), *BACKEND.items())
TELLING = frozenset(
    {
        *(header for header, _ in KEPT),
        *("x-feefzinfo", "x-firsthopcafeefz", "x-calculatedbetarget", "x-feserver", "x-ms-diagnostics"),
        *("x-ms-ags-diagnostic", "x-beserver", "x-targetbeserver"),
    }
)
"""All header fields that this room reads, for the many replies that have none of them."""
PLACE = ("x-feefzinfo", "x-firsthopcafeefz", "x-calculatedbetarget", "x-feserver")
"""Those that tell where the answer came from, the most telling first."""
SERVERS = (*PLACE, "x-beserver", "x-targetbeserver", "x-ms-ags-diagnostic")
"""Those that tell which servers answered."""
ROUTES = 128  # from front end to mailbox server that are kept in mind; those of one mailbox hardly change
LONGEST = 4096  # characters of all fields that name one: what is longer is no name, and is not kept in mind


def evidence(headers: Headers) -> dict[str, str]:
    """Return what may be kept of a reply's headers."""
    kept: dict[str, str] = {}
    given = headers.first
    if TELLING.isdisjoint(given):
        return kept
    for header, name in KEPT:
        value = _kept(given[header]) if header in given else ""
        if value:
            kept.setdefault(name, value)
    site = region(headers)
    if site:
        kept["site"] = site
    code = diagnostic(headers)
    if code:
        kept["code"] = code
    return kept


def identity(headers: Headers) -> dict[str, str]:
    """Return who answered, as facts: ids of the request, where the servers stand, and marks to tell them apart by.

    `edge` are the letters of `X-FEEFZInfo`, `front_end` is the site part of `X-FEServer`, `back_end` the forest part of
    `X-CalculatedBETarget`, `data_center` what Graph names. The full name of a server is nobody's business: `served_by`
    is a digest of the mailbox server's, by which a failover shows.
    """
    given = headers.first
    if TELLING.isdisjoint(given):
        return {}
    request_id, named = _request_id(given), tuple(map(given.get, SERVERS))
    servers = _known_servers(*named) if sum(map(len, filter(None, named))) <= LONGEST else _servers(*named)
    return {"request_id": request_id, **servers} if request_id else {**servers}


def _servers(*named: str | None) -> Mapping[str, str]:
    """Return what may be kept of the servers that the fields of `SERVERS` name, `None` for one that is absent."""
    edge, hop, back, front, store, target, graph = (value or "" for value in named)
    found = {
        "site": _region(edge, hop, back, front),
        "edge": edge.upper() if EDGE.fullmatch(edge) else "",
        "front_end": _part(SITE, front, 0).upper(),
        "back_end": _part(FOREST, back, 1).lower(),
        "data_center": _part(DATA_CENTER, graph, 1),
        "served_by": _mark(store or target or back),
    }
    return MappingProxyType({name: value for name, value in found.items() if value})


_known_servers = lru_cache(ROUTES)(_servers)


def _request_id(given: Mapping[str, str]) -> str:
    """Return the first usable id that `evidence` would keep as `request_id`, or nothing."""
    for name in REQUEST_IDS:
        value = _kept(given[name]) if name in given else ""
        if value:
            return value
    return ""


def _kept(value: str) -> str:
    """Return the first word of a list where it may be kept, or nothing."""
    first = value.partition(",")[0].strip()
    return first if first and (PLAIN_ID.fullmatch(first) or NAME.fullmatch(first)) else ""


def _part(pattern: re.Pattern[str], text: str, group: int) -> str:
    found = pattern.search(text) if text else None
    return found[group] if found else ""


def _mark(name: str) -> str:
    return blake2b(name.partition(".")[0].lower().encode(), digest_size=4).hexdigest() if name else ""


def region(headers: Headers) -> str:
    """Return where the answer came from, as few letters as tell it, or nothing."""
    given = headers.first
    return _region(*(given.get(name, "") for name in PLACE))


def _region(edge: str, hop: str, back: str, front: str) -> str:
    for site in (edge, hop):
        if EDGE.fullmatch(site):
            return site.upper()
    forest = FOREST.search(back)
    if forest:
        return forest[1].lower()
    found = SITE.match(front)
    return found[0][:2].upper() if found else ""


def diagnostic(headers: Headers) -> str:
    """Return the number in `x-ms-diagnostics` (MS-OXWOAUTH), such as `2000003`, or nothing."""
    found = DIAGNOSTIC.match(headers.get("x-ms-diagnostics"))
    return found[1] if found else ""


def category(headers: Headers) -> str:
    """Return the `error_category` of `x-ms-diagnostics`, or nothing."""
    found = CATEGORY.search(headers.get("x-ms-diagnostics"))
    return found[1] if found else ""
