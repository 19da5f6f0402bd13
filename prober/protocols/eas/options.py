"""OPTIONS: which versions and commands the server offers (MS-ASHTTP section 2.2.3)."""

from dataclasses import dataclass

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.eas import status
from prober.protocols.eas.command import MovedError
from prober.protocols.http import challenge, diagnostics
from prober.protocols.http import status as http


@dataclass(frozen=True, slots=True)
class Offered:
    """What OPTIONS said."""

    versions: tuple[str, ...]
    commands: frozenset[str]
    server: str = ""


@dataclass(frozen=True, slots=True)
class Options:
    """Ask what the server offers, with the credential."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        return Call("OPTIONS", self.url, auth=Auth.CREDENTIAL)

    def read(self, reply: Reply) -> Offered:
        """Return what is offered. Raises `FaultError`."""
        if reply.status == 451:
            raise MovedError(reply.headers.get("x-ms-location"))
        if reply.status != 200:
            raise http.fault(reply)
        http.refuse_html(reply)
        versions = _words(reply.headers.get("ms-asprotocolversions"))
        commands = _words(reply.headers.get("ms-asprotocolcommands"))
        for name, found in (("MS-ASProtocolVersions", versions), ("MS-ASProtocolCommands", commands)):
            if not found:
                raise FaultError(status.MISSING, {"element": name, **diagnostics.evidence(reply.headers)})
        return Offered(versions, frozenset(commands), reply.headers.get("ms-server-activesync")[:20])


@dataclass(frozen=True, slots=True)
class AnonymousOptions:
    """Ask without credentials: a front end that is alive refuses, or sends us elsewhere."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        return Call("OPTIONS", self.url)

    def read(self, reply: Reply) -> str:
        """Return the names of the offered schemes. Raises `FaultError`."""
        if reply.status in (401, 451):
            return challenge.schemes(reply.headers)
        if reply.status == 200:
            raise FaultError(status.ANONYMOUS_ALLOWED, {"http_status": "200", **diagnostics.evidence(reply.headers)})
        if reply.status == 403:
            raise FaultError(status.ANONYMOUS_FORBIDDEN, {"http_status": "403", **diagnostics.evidence(reply.headers)})
        raise http.fault(reply)


@dataclass(frozen=True, slots=True)
class OAuthChallenge:
    """Provoke the OAuth challenge by an empty bearer (MS-XOAUTH section 4)."""

    url: str
    address: str = ""

    def __repr__(self) -> str:
        return "OAuthChallenge()"

    def call(self) -> Call:
        """Return the request."""
        headers = (("X-User-Identity", self.address),) if self.address else ()
        return Call("OPTIONS", self.url, headers, auth=Auth.EMPTY_BEARER)

    def read(self, reply: Reply) -> str:
        """Return who issues tokens, as far as it may be told. Raises `FaultError`."""
        if reply.status != 401:
            if reply.status == 200:
                raise FaultError(status.ANONYMOUS_ALLOWED, {"http_status": "200"})
            raise http.fault(reply)
        found, meaning = challenge.bearer(reply.headers), http.fault(reply)
        if meaning.fault.kind is http.OAUTH_NOT_AVAILABLE:
            raise meaning
        if found is None:
            evidence = {"schemes": challenge.schemes(reply.headers), **diagnostics.evidence(reply.headers)}
            raise FaultError(http.NO_BEARER, evidence)
        if self.address and "authorization_uri" not in found.parameters:
            raise FaultError(http.NO_BEARER, {"missing": "authorization_uri", **diagnostics.evidence(reply.headers)})
        issuers = found.parameters.get("trusted_issuers", "")
        return "every tenant" if issuers.endswith("@*") else "one tenant" if "@" in issuers else "other"


@dataclass(frozen=True, slots=True)
class HealthPage:
    """The page that Exchange Server makes for load balancers; it speaks of one protocol on one server."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        return Call("GET", f"{self.url.rstrip('/')}/healthcheck.htm")

    def read(self, reply: Reply) -> None:
        """Return when the page says that the protocol is healthy. Raises `FaultError`."""
        if reply.status in (401, 403, 404):
            raise FaultError(NOT_PUBLISHED, {"http_status": str(reply.status)})
        if reply.status != 200:
            raise http.fault(reply)
        if not reply.body.lstrip().startswith(b"200 OK"):
            raise FaultError(NOT_PUBLISHED, {"http_status": "200"})


NOT_PUBLISHED = Kind("health_page_not_published", Reason.UNEXPECTED_CHALLENGE)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())
