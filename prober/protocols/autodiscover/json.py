"""Autodiscover v2: one GET that names the URL of a protocol; no credential is needed and none is sent."""

import json
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlencode, urlsplit

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.autodiscover.hybrid import LOOP
from prober.protocols.http import diagnostics, status

NO_URL = Kind("autodiscover_without_url", Reason.PROTOCOL_VIOLATION)
NOT_JSON = Kind("autodiscover_not_json", Reason.PROTOCOL_VIOLATION)
REFUSED = Kind("autodiscover_refused", Reason.CLIENT_MISCONFIG)
REDIRECTS = frozenset({301, 302, 307, 308})
QUESTIONS = 4096  # that are kept as they are asked: quoting one costs as much as a request
NAMES = frozenset({"ProtocolNotSupported", "MissingProtocol", "MandatoryParameterMissing", "UserNotFound"})


@dataclass(frozen=True, slots=True)
class Found:
    """Where a protocol is. `hybrid`: another organisation's host has to be asked."""

    url: str
    hybrid: bool = False


@dataclass(frozen=True, slots=True)
class Discover:
    """Ask `url` (…/autodiscover/autodiscover.json) where `protocol` is for the mailbox at `address`."""

    url: str
    protocol: str
    address: str = ""

    def __repr__(self) -> str:
        return f"Discover({self.protocol!r})"

    def call(self) -> Call:
        """Return the request."""
        return Call("GET", f"{self.url}?{_query(self.address, self.protocol)}", (("Accept", "application/json"),))

    def read(self, reply: Reply) -> Found:
        """Return the URL. Raises `FaultError`, also where we are sent to the place that we ask."""
        location = reply.headers.get("location")
        if reply.status in REDIRECTS and location == self.call().url:
            raise FaultError(LOOP, {"http_status": str(reply.status), **diagnostics.evidence(reply.headers)})
        if reply.status in REDIRECTS and _is_https(location):
            return Found(location, hybrid=urlsplit(location).hostname != urlsplit(self.url).hostname)
        answer = _object(reply.body)
        if reply.status == 400 and isinstance(answer.get("ErrorCode"), str):
            name = answer["ErrorCode"]
            raise FaultError(REFUSED, {"error": name if name in NAMES else "other"})
        if reply.status != 200:
            raise status.fault(reply)
        status.refuse_html(reply)
        url = answer.get("Url")
        if not answer:
            raise FaultError(NOT_JSON, diagnostics.evidence(reply.headers))
        if not isinstance(url, str) or not _is_https(url):
            raise FaultError(NO_URL, diagnostics.evidence(reply.headers))
        return Found(url)


@lru_cache(QUESTIONS)
def _query(address: str, protocol: str) -> str:
    return urlencode({"Email": address, "Protocol": protocol, "RedirectCount": "3"})


def _object(body: bytes) -> dict[str, object]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}


def _is_https(url: str) -> bool:
    try:
        return urlsplit(url).scheme == "https" and bool(urlsplit(url).hostname)
    except ValueError:
        return False
