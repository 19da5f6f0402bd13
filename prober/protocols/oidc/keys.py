"""The keys with which tokens are signed (RFC 7517 section 5)."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.oidc import document, status

MEMBERS: Mapping[str, tuple[str, ...]] = MappingProxyType({"RSA": ("n", "e"), "EC": ("crv", "x"), "OKP": ("crv", "x")})
"""By key type, the members that a public key must have (RFC 7518 section 6, RFC 8037 section 2)."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Ask for the key set at `url`."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        return document.ask(self.url)

    def read(self, reply: Reply) -> int:
        """Return how many keys a token can be checked with; keys of other kinds are passed over, as the RFC has it.

        Raises `FaultError`, also when there is none.
        """
        found = document.read(reply, status.KEYS_BROKEN).get("keys")
        if not isinstance(found, list):
            raise FaultError(status.KEYS_BROKEN, status.evidence(reply) | {"missing": "keys"})
        usable = sum(map(_verifies, found))
        if not usable:
            raise FaultError(status.KEYS_BROKEN, status.evidence(reply) | {"keys": str(len(found))})
        return usable


def _verifies(key: object) -> bool:
    """Whether a public signing key stands there whole."""
    if not isinstance(key, dict) or key.get("use", "sig") != "sig":
        return False
    kind = key.get("kty")
    members = MEMBERS.get(kind) if isinstance(kind, str) else None
    return members is not None and all(isinstance(key.get(name), str) and key[name] for name in members)
