"""A browser's way along redirects, as data: where it stands, where it has been, and whether to go on.

Rule of this file: it only decides. Who asks, and the cookies on the way, are the session's business.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urldefrag, urljoin, urlsplit

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http import diagnostics
from prober.protocols.http.status import ERROR_PAGE, GATEWAY_PAGE

REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_HOPS = 10
ERROR_PAGES = ("/owa/auth/errorfe.aspx", "/genericerrorpage.htm")
CODE = re.compile(r"\d{3}")
LOOP = Kind("redirect_repeats", Reason.REDIRECT_LOOP)
TOO_MANY = Kind("redirect_too_many", Reason.REDIRECT_LOOP)
DOWNGRADE = Kind("redirect_downgrade", Reason.REDIRECT_LOOP)
UNUSABLE = Kind("redirect_unusable", Reason.PROTOCOL_VIOLATION)


@dataclass(frozen=True, slots=True)
class Hop:
    """GET one page of the way, as nobody in particular; the answer is judged by the `Walk`."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        return Call("GET", self.url, (("Accept", "text/html,application/xhtml+xml,*/*;q=0.8"),))

    def read(self, reply: Reply) -> Reply:
        """Return the reply as it is."""
        return reply


@dataclass(frozen=True, slots=True)
class Walk:
    """A walk that stands at `url`, after having been at `seen`."""

    url: str
    seen: tuple[str, ...] = ()

    @property
    def hops(self) -> int:
        """How many redirects have been followed."""
        return len(self.seen)

    def onward(self, reply: Reply) -> "Walk | None":
        """Return the walk after following `reply`, `None` when the reply is where it ends (RFC 9110 section 15.4).

        Raises `FaultError`: a way that repeats itself, takes more than ten hops or leaves TLS (`redirect_loop`), an
        error page of the server (`server_error`), a redirect to nowhere (`protocol_violation`).
        """
        if reply.status not in REDIRECTS:
            return None
        following = target(self.url, reply)
        kind = self._objection(following)
        if kind is not None:
            raise FaultError(kind, self._evidence(reply))
        return Walk(following, (*self.seen, self.url))

    def _objection(self, following: str) -> Kind | None:
        if urlsplit(self.url).scheme == "https" and urlsplit(following).scheme == "http":
            return DOWNGRADE
        if following in (*self.seen, self.url):
            return LOOP
        return TOO_MANY if self.hops >= MOST_HOPS else None

    def _evidence(self, reply: Reply) -> dict[str, str]:
        hops = {"http_status": str(reply.status), "hops": str(self.hops + 1)}
        return hops | diagnostics.evidence(reply.headers)


def target(url: str, reply: Reply) -> str:
    """Return where `reply`, the answer at `url`, sends us.

    Raises `FaultError` where that is an error page, a publishing gateway or nowhere.
    """
    evidence = {"http_status": str(reply.status), **diagnostics.evidence(reply.headers)}
    found = _absolute(url, reply.headers.get("location").strip())
    if not found:
        raise FaultError(UNUSABLE, evidence)
    parts = urlsplit(found)
    path = parts.path.lower()
    if path.endswith(ERROR_PAGES):
        raise FaultError(ERROR_PAGE, evidence | _error_code(parts.query))
    if "/internalsite/" in path:
        raise FaultError(GATEWAY_PAGE, evidence)
    return found


def _absolute(url: str, location: str) -> str:
    """Return `location` as an address without a fragment, empty where it leads nowhere."""
    if not location or len(location) > 16_384:
        return ""
    try:
        if (given := urlsplit(location)).scheme and not given.hostname:
            return ""
        found = urldefrag(urljoin(url, location)).url
        parts = urlsplit(found)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and "@" not in parts.netloc
    except ValueError:
        return ""
    return found if usable and found.isascii() and found.isprintable() and " " not in found else ""


def _error_code(query: str) -> dict[str, str]:
    """Return the status that an error page of Outlook on the web was given to tell."""
    given = {name.lower(): values[0] for name, values in parse_qs(query).items()}
    code = given.get("httpcode", "")
    return {"answered": code} if CODE.fullmatch(code) else {}
