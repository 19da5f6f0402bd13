"""OPTIONS: which versions and commands the server offers (MS-ASHTTP section 2.2.3)."""

from dataclasses import dataclass

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import FaultError
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


def _words(text: str) -> tuple[str, ...]:
    return tuple([word for word in map(str.strip, text.split(",")) if word])
