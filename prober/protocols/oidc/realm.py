"""Who signs in the people of a domain: the cloud itself, or a federation server of their own.

The answer is not documented; its form has been the same for many years.
"""

from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote, urlsplit

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.oidc import document, status

Namespace = Literal["Managed", "Federated", "Unknown"]
MANAGED: Namespace = "Managed"
FEDERATED: Namespace = "Federated"
UNKNOWN: Namespace = "Unknown"


@dataclass(frozen=True, slots=True)
class Realm:
    """The kind of the domain, and the host (and port) of its federation server where it has one."""

    namespace: Namespace
    federation: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class UserRealm:
    """Ask the sign-in service of `authority` about the domain of `address`."""

    authority: str
    address: str = field(repr=False)

    def call(self) -> Call:
        """Return the request."""
        parts = urlsplit(self.authority)
        return document.ask(f"{parts.scheme}://{parts.netloc}/common/userrealm/{quote(self.address)}?api-version=2.0")

    def read(self, reply: Reply) -> Realm:
        """Return the realm. Raises `FaultError`."""
        found = document.read(reply, status.REALM_BROKEN)
        said, where = found.get("NameSpaceType"), found.get("AuthURL")
        if said in (MANAGED, UNKNOWN):
            return Realm(MANAGED if said == MANAGED else UNKNOWN)
        if said != FEDERATED:
            raise FaultError(status.REALM_BROKEN, status.evidence(reply) | {"missing": "NameSpaceType"})
        if not isinstance(where, str) or not document.is_https(where):
            raise FaultError(status.REALM_BROKEN, status.evidence(reply) | {"missing": "AuthURL"})
        return Realm(FEDERATED, urlsplit(where).netloc)
