"""Tokens of the tenant: issued by its token service, checked by everything that takes them (RFC 9068 in spirit).

Codes of refusals are those of `x-ms-diagnostics` (Learn, "Instrumenting client requests for EWS and REST").
"""

import base64
import binascii
import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from prober.simulator.mailbox import Mailbox
from prober.simulator.tenant import SERVER, Application, Site, Tenant

EXCHANGE = "00000002-0000-0ff1-ce00-000000000000"
GRAPH = "00000003-0000-0000-c000-000000000000"
EXCHANGE_NAMES = frozenset({EXCHANGE, "https://outlook.office365.com", "https://outlook.office.com"})
GRAPH_NAMES = frozenset({GRAPH, "https://graph.microsoft.com"})
LIFETIME = 3599
REMEMBERED = 1024
"""Tokens whose signatures are checked once: a client shows the same one many times."""


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody was let in. `user` is the account's name, empty for an application acting as itself.

    `expires`: epoch seconds at which the token runs out, 0 with a password.
    """

    user: str
    client_id: str = ""
    expires: float = 0.0
    permissions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nobody was let in. `code` as in `x-ms-diagnostics`, 0 where nothing was presented."""

    code: int = 0
    reason: str = ""
    category: str = ""
    expires: float = 0.0

    @property
    def diagnostics(self) -> str:
        """Return the value of `x-ms-diagnostics`."""
        return f'{self.code};reason="{self.reason}";error_category="{self.category}"'


class Doorkeeper:
    """Issues tokens and checks what is presented. One RSA key; `keys` is its public half as a JWK Set."""

    def __init__(self, tenant: Tenant, issuer: str = "") -> None:
        self._tenant = tenant
        self._key = RSAKey.generate_key(2048, {"use": "sig", "kid": f"sim-{tenant.seed}"})
        self.issuer = issuer or f"https://login.{tenant.domain}/{tenant.id}/v2.0"
        self._claims = lru_cache(REMEMBERED)(self._read)
        self.lifetime = LIFETIME
        """Seconds a token lives; the control interface may change it."""

    @property
    def keys(self) -> dict[str, Any]:
        """The public keys (RFC 7517 section 5)."""
        return {"keys": [self._key.as_dict(private=False)]}

    def issue(
        self, application: Application, audience: str, user: str = "", scope: str = "", *, nonce: str = ""
    ) -> str:
        """Return a signed token of `application` for `audience`; with `user`, on that account's behalf."""
        now = int(self._tenant.clocks.wall())
        claims: dict[str, Any] = {
            "aud": audience,
            "iss": self.issuer,
            "iat": now,
            "nbf": now,
            "exp": now + self.lifetime,
            "tid": self._tenant.id,
            "appid": application.client_id,
            "azp": application.client_id,
            "sub": user or application.client_id,
            "uti": uuid.uuid4().hex,
            "ver": "2.0",
        }
        if user:
            claims |= {"upn": user, "email": user, "scp": scope or " ".join(sorted(application.permissions))}
        else:
            claims |= {"roles": sorted(application.permissions)}
        if nonce:
            claims["nonce"] = nonce
        header = {"typ": "JWT", "alg": "RS256", "kid": self._key.kid}
        return jwt.encode(header, claims, self._key)

    def check(self, token: str, audiences: frozenset[str]) -> Admission | Refusal:
        """Say whose token this is, or why it is refused."""
        try:
            claims = self._claims(token)
        except (JoseError, ValueError):
            return Refusal(2000001, "The token is not valid.", "invalid_token")
        expires = float(claims.get("exp", 0))
        if expires <= self._tenant.clocks.wall():
            return Refusal(2000002, "The token has expired.", "token_expired", expires)
        if claims.get("aud") not in audiences:
            return Refusal(2000003, "The audience claim value is invalid for current resource.", "invalid_resource")
        granted = claims.get("roles") or str(claims.get("scp", "")).split()
        return Admission(str(claims.get("upn", "")), str(claims["azp"]), expires, frozenset(granted))

    def _read(self, token: str) -> dict[str, Any]:
        """Return what a token says. Raises `JoseError` or `ValueError` if it is none of ours."""
        return jwt.decode(token, self._key, algorithms=["RS256"]).claims

    def admit(self, authorization: str, audiences: frozenset[str], site: Site | None = None) -> Admission | Refusal:
        """Judge an `Authorization` field. Basic works where `site` is one of servers of one's own, and nowhere else."""
        scheme, _, value = authorization.partition(" ")
        if scheme.lower() == "bearer" and value.strip():
            return self.check(value.strip(), audiences)
        if scheme.lower() == "basic" and site is not None and site.environment == SERVER:
            return self._basic(value)
        return Refusal()

    def may_open(self, admission: Admission, mailbox: Mailbox) -> bool:
        """Whether who was let in may open `mailbox`: its own user, or an application it is shared with."""
        if admission.user:
            return admission.user.lower() == mailbox.address.lower()
        application = self._tenant.applications.get(admission.client_id)
        return application is not None and mailbox.address.lower() in {one.lower() for one in application.mailboxes}

    def password_fits(self, name: str, password: str) -> bool:
        """Whether this is the account's password."""
        user = self._tenant.users.get(name.lower())
        return user is not None and user.password == password

    def _basic(self, value: str) -> Admission | Refusal:
        try:
            name, _, password = base64.b64decode(value, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return Refusal()
        return Admission(name) if self.password_fits(name, password) else Refusal()


def challenge(
    tenant: Tenant, login: str, site: Site | None, *, bearer: bool, fault: Refusal | None = None
) -> list[tuple[str, str]]:
    """Return the fields of a 401: `WWW-Authenticate` (MS-XOAUTH 3.2.5.4) and, after a refused token, why.

    `login` is the authority of the token service. `bearer`: the request named the scheme, if only emptily.
    """
    own = site is not None and site.environment == SERVER
    issuers = tenant.id if own else "*"
    offer = (
        f'Bearer client_id="{EXCHANGE}", trusted_issuers="00000001-0000-0000-c000-000000000000@{issuers}", '
        'token_types="app_asserted_user_v1 service_asserted_app_v1", '
        f'authorization_uri="https://{login}/common/oauth2/authorize", issuer_kind="AzureAD"'
    )
    fields = [("WWW-Authenticate", offer)] if bearer or not own else []
    if fault is not None and fault.code:
        fields[0] = ("WWW-Authenticate", f'{offer}, error="invalid_token"')
        fields.append(("x-ms-diagnostics", fault.diagnostics))
    if own:
        fields.append(("WWW-Authenticate", f'Basic realm="{tenant.domain}"'))
    return fields
