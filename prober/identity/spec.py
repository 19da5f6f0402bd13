"""What configuration says of a credential: where its secrets lie, never the secrets themselves."""

from dataclasses import dataclass
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
    client's own. `token_url` overrides the one derived from `authority` and `tenant`.
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
