"""Provider metadata: where the endpoints of a sign-in service are (OpenID Connect Discovery 1.0, section 4)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Kind
from prober.protocols.oidc import document, status

PLACE = "/.well-known/openid-configuration"


@dataclass(frozen=True, slots=True)
class Provider:
    """What a provider says of itself: addresses, all of them over TLS."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


@dataclass(frozen=True, slots=True)
class Metadata:
    """Ask the provider at `url`, the whole address of the document; `broken` is what its being unusable means."""

    url: str
    broken: Kind = status.METADATA_BROKEN

    def call(self) -> Call:
        """Return the request."""
        return document.ask(self.url)

    def read(self, reply: Reply) -> Provider:
        """Return the endpoints. Raises `FaultError`."""
        found = document.read(reply, self.broken)
        missing = [name for name, fits in WANTED.items() if not fits(found.get(name))]
        if missing:
            raise FaultError(self.broken, status.evidence(reply) | {"missing": " ".join(missing)})
        return Provider(**{name: found[name] for name in WANTED})


def _is_issuer(value: object) -> bool:
    """Whether `value` can be an issuer; the one shared by all tenants has a place for the tenant in it."""
    return isinstance(value, str) and document.is_https(value.replace("{tenantid}", "tenant"))


WANTED: Mapping[str, Callable[[object], bool]] = MappingProxyType(
    {
        "issuer": _is_issuer,
        "authorization_endpoint": document.is_https,
        "token_endpoint": document.is_https,
        "jwks_uri": document.is_https,
    }
)


def of_tenant(authority: str) -> str:
    """Return the address of the metadata of `authority`, such as `https://login.microsoftonline.com/common`."""
    return f"{authority.rstrip('/')}/v2.0{PLACE}"


def of_federation(host: str) -> str:
    """Return the address of the metadata of a federation server (AD FS), `host` or `host:port`."""
    return f"https://{host}/adfs{PLACE}"
