"""From a credential to the token request of its grant, with its secrets as they are at this moment."""

import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Protocol

from prober.exchange import Call, Reply
from prober.identity.assertion import Certificate
from prober.identity.rotation import RotatingToken, read
from prober.identity.spec import CredentialSpec, CredentialType
from prober.identity.tokens import mark
from prober.protocols.oauth import token as oauth
from prober.protocols.oauth.token import Granted, ManagedIdentityRequest, TokenRequest
from prober.secret import Secret, SecretSource
from prober.timeline import Clock


class _Request(Protocol):
    def call(self) -> Call: ...

    def read(self, reply: Reply) -> Granted: ...


@dataclass(frozen=True, slots=True)
class Asking:
    """One token request, ready to be sent. Implements `tokens.Question`."""

    request: _Request
    mark: str = field(repr=False)
    rotating: RotatingToken | None = None

    def call(self) -> Call:
        """Return the request."""
        return self.request.call()

    def read(self, reply: Reply) -> Granted:
        """Return what was granted. Raises `FaultError`."""
        return self.request.read(reply)

    async def granted(self, granted: Granted) -> None:
        """Keep the refresh token that came with it."""
        if self.rotating is not None and granted.refresh_token is not None:
            self.rotating.rotate(granted.refresh_token)


class Grant:
    """The grant of one credential."""

    def __init__(self, spec: CredentialSpec, memory: MutableMapping[str, str], wall: Clock = time.time) -> None:
        self._spec = spec
        self._wall = wall
        self._rotating = RotatingToken(spec.name, spec.token_file, memory) if spec.token_file else None
        self._certificate = Certificate(spec.certificate_file) if spec.certificate_file else None

    @property
    def url(self) -> str:
        """The token endpoint."""
        return self._spec.token_url or f"{self._spec.authority}/{self._spec.tenant}/oauth2/v2.0/token"

    async def ask(self, scope: str) -> Asking:
        """Return the request for a token of `scope`. Raises `FaultError` (`secret_unreadable`)."""
        spec = self._spec
        if spec.type is CredentialType.MANAGED_IDENTITY:
            request = ManagedIdentityRequest(spec.resource, spec.client_id)
            if spec.token_url is not None:
                request = ManagedIdentityRequest(spec.resource, spec.client_id, spec.token_url)
            return Asking(request, "")
        proof, seen = self._proof()
        if spec.type is CredentialType.REFRESH_TOKEN and self._rotating is not None:
            current = self._rotating.current()
            form = oauth.refresh_token(spec.client_id, scope, current, proof)
            return Asking(TokenRequest(self.url, form), mark(seen, current.reveal()), self._rotating)
        if spec.type is CredentialType.ROPC:
            secret = password(spec)
            form = oauth.password(spec.client_id, scope, spec.username, secret, proof)
            return Asking(TokenRequest(self.url, form), mark(seen, secret.reveal()))
        return Asking(TokenRequest(self.url, oauth.client_credentials(spec.client_id, scope, proof)), mark(seen))

    def _proof(self) -> tuple[dict[str, str], str]:
        """Return the fields that prove who the application is, and what they depend on."""
        spec = self._spec
        if spec.client_secret is not None:
            secret = read(spec.client_secret, "client_secret")
            return oauth.by_secret(secret), secret.reveal()
        if spec.assertion_file is not None:
            assertion = read(SecretSource(spec.assertion_file), "assertion_file")
            return oauth.by_assertion(assertion), assertion.reveal()
        if self._certificate is not None:
            signed = self._certificate.assertion(spec.client_id, self.url, self._wall)
            return oauth.by_assertion(signed), self._certificate.thumbprint
        return {}, ""


def password(spec: CredentialSpec) -> Secret:
    """Return the password as it is now. Raises `FaultError` (`secret_unreadable`)."""
    return read(spec.password or SecretSource(""), "password")
