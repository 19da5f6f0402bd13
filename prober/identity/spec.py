"""What configuration says of a credential: where its secrets lie, never the secrets themselves."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from prober.secret import SecretSource


class CredentialType(StrEnum):
    """Types of credential, as configured."""

    BASIC = "basic"
    NTLM = "ntlm"
    NEGOTIATE = "negotiate"
    CLIENT_CREDENTIALS = "client_credentials"
    REFRESH_TOKEN = "refresh_token"  # noqa: S105 - a type's name
    ROPC = "ropc"
    MANAGED_IDENTITY = "managed_identity"

    @property
    def bearer(self) -> bool:
        """Whether credentials of this type yield OAuth tokens."""
        return self not in (CredentialType.BASIC, CredentialType.NTLM, CredentialType.NEGOTIATE)


@dataclass(frozen=True, slots=True)
class CredentialSpec:
    """One credential. Which fields must be set follows from `type` and is checked at load.

    `authority` is the base URL of the token service. `certificate_file` holds certificate and private key (PEM).
    `assertion_file` holds a federated assertion, read anew for each request. `token_file` holds the refresh token; a
    rotated one is written back there or, where it is read-only, kept in the state store. `scope` overrides the
    client's own. `token_url` overrides the one derived from `authority` and `tenant`. `hosts` are those that may
    see the credential, as `covers` reads them; `None`: nobody has bound it, which a configuration always does.
    """

    name: str
    type: CredentialType
    username: str = ""
    password: SecretSource | None = None
    tenant: str = ""
    client_id: str = ""
    client_secret: SecretSource | None = None
    certificate_file: str | None = None
    assertion_file: str | None = None
    token_file: str | None = None
    resource: str = ""
    authority: str = "https://login.microsoftonline.com"
    token_url: str | None = None
    scope: str | None = None
    expires_at: datetime | None = None
    hosts: tuple[str, ...] | None = field(default=None, repr=False)


def unbound(spec: CredentialSpec | None) -> CredentialSpec | None:
    """Return a credential without its hosts, which may follow from the targets that there are."""
    return None if spec is None else replace(spec, hosts=None)


USUAL_PORTS = frozenset({443, 993, 143})
"""Ports that are meant where a pattern names none."""


def covers(patterns: Collection[str], host: str, port: int) -> bool:
    """Whether one of `patterns` means `port` of `host`, which is in lower case, ASCII and without brackets.

    A pattern is a host or address (`mail.corp.example`, `[2001:db8::1]`), or a domain for all below it
    (`*.corp.example`), with a port or without.
    """
    name = host.rstrip(".")
    if f"{name}:{port}" in patterns:
        return True
    return any(_covers(pattern, name, port) for pattern in patterns)


def _covers(pattern: str, host: str, port: int) -> bool:
    known, colon, number = pattern.rpartition(":")
    if not colon or number.endswith("]"):
        known, number = pattern, ""
    if (int(number) != port) if number else (port not in USUAL_PORTS):
        return False
    known = known.removeprefix("[").removesuffix("]")
    return host.endswith(known[1:]) and len(host) > len(known) - 1 if known.startswith("*.") else host == known
