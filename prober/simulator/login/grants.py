"""What the token endpoint grants and on what grounds: secrets, assertions, passwords, codes, refresh tokens.

Rule of this file: a grant that was used up, ran out or belongs to somebody else is refused, never mended.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from prober.simulator.login import assertions
from prober.simulator.login.errors import Refused
from prober.simulator.tenant import Application, Tenant
from prober.simulator.tokens import EXCHANGE_NAMES, GRAPH_NAMES, Doorkeeper

DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
GRAPH = "https://graph.microsoft.com"
OIDC_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})
REFRESH_LIFE = 90 * 86_400.0
CODE_LIFE = 600.0
DEVICE_LIFE = 900.0
POLL = 5
WRONG_PASSWORDS = 10
"""After as many wrong passwords an account is locked (smart lockout's default)."""
KEPT = 10_000


@dataclass(frozen=True, slots=True)
class Refresh:
    """What a refresh token stands for. `expires` in epoch seconds."""

    client_id: str
    user: str
    scope: str
    expires: float


@dataclass(frozen=True, slots=True)
class Code:
    """What an authorisation code stands for."""

    client_id: str
    user: str
    scope: str
    redirect_uri: str
    challenge: str
    nonce: str
    expires: float


@dataclass(frozen=True, slots=True)
class DeviceCode:
    """A device that waits for somebody to approve it; `user` once somebody has. Times in epoch seconds."""

    client_id: str
    scope: str
    user_code: str
    expires: float
    user: str = ""
    asked: float = 0.0


class Grants:
    """The state of all grants. `token_url` gives the audiences that an assertion may name."""

    def __init__(self, tenant: Tenant, doorkeeper: Doorkeeper, audiences: Callable[[], frozenset[str]]) -> None:
        self._tenant = tenant
        self._doorkeeper = doorkeeper
        self._audiences = audiences
        self._refresh: dict[str, Refresh] = {}
        self._codes: dict[str, Code] = {}
        self._devices: dict[str, DeviceCode] = {}
        self._wrong: dict[str, int] = {}
        self.strict_rotation = False
        """Whether a refresh token works only once; the real service lets the old one live on."""

    def token(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return what a token request is granted. Raises `Refused`."""
        grant = form.get("grant_type", "")
        known: Mapping[str, Callable[[Mapping[str, str], Application], dict[str, Any]]] = {
            "client_credentials": self._client_credentials,
            "refresh_token": self._refreshed,
            "authorization_code": self._code,
            "password": self._password,
            DEVICE_GRANT: self._device,
        }
        if not grant:
            raise Refused(90014)
        if grant not in known:
            raise Refused(70003)
        return known[grant](form, self.application(form))

    def application(self, form: Mapping[str, str]) -> Application:
        """Return the application a request names. Raises `Refused`."""
        if not form.get("client_id"):
            raise Refused(90014)
        found = self._tenant.applications.get(form["client_id"])
        if found is None:
            raise Refused(700016)
        return found

    def refresh_token(self, application: Application, user: str, scope: str = "") -> str:
        """Issue a refresh token, as an interactive consent would have."""
        made = f"0.{secrets.token_urlsafe(48)}"
        _bounded(self._refresh)[made] = Refresh(application.client_id, user, scope, self._now() + REFRESH_LIFE)
        return made

    def revoke(self, user: str) -> None:
        """Let every refresh token of `user` die, as a changed password does."""
        gone = [token for token, one in self._refresh.items() if one.user.lower() == user.lower()]
        for token in gone:
            del self._refresh[token]

    def begin_device(self, form: Mapping[str, str]) -> dict[str, Any]:
        """Return the codes of a device flow (RFC 8628 section 3.2). Raises `Refused`."""
        application = self.application(form)
        device, user = secrets.token_urlsafe(32), secrets.token_hex(5).upper()[:9]
        scope = form.get("scope", "")
        _bounded(self._devices)[device] = DeviceCode(application.client_id, scope, user, self._now() + DEVICE_LIFE)
        return {"device_code": device, "user_code": user, "expires_in": int(DEVICE_LIFE), "interval": POLL}

    def approve(self, user_code: str, user: str) -> bool:
        """Let somebody approve a device; return whether there was one with this code."""
        for device, one in self._devices.items():
            if one.user_code == user_code.upper():
                self._devices[device] = replace(one, user=user)
                return True
        return False

    def code(self, query: Mapping[str, str], user: str) -> str:
        """Issue an authorisation code to the application of an authorisation request."""
        made = f"0.{secrets.token_urlsafe(32)}"
        _bounded(self._codes)[made] = Code(
            query.get("client_id", ""),
            user,
            query.get("scope", ""),
            query.get("redirect_uri", ""),
            query.get("code_challenge", ""),
            query.get("nonce", ""),
            self._now() + CODE_LIFE,
        )
        return made

    def sign_in(self, name: str, password: str) -> str:
        """Return the account's name if the password is right. Raises `Refused`; too many wrong ones lock it."""
        user = self._tenant.users.get(name.lower())
        if user is None:
            raise Refused(50034)
        if self._wrong.get(user.name, 0) >= WRONG_PASSWORDS:
            raise Refused(50053)
        if not self._doorkeeper.password_fits(name, password):
            self._wrong[user.name] = self._wrong.get(user.name, 0) + 1
            raise Refused(50126)
        self._wrong.pop(user.name, None)
        return user.name

    def _client_credentials(self, form: Mapping[str, str], application: Application) -> dict[str, Any]:
        self._prove(form, application)
        resource, wanted = split_scope(form.get("scope", ""))
        if wanted != [".default"]:
            raise Refused(70011)
        return self._granted(application, _audience(resource))

    def _prove(self, form: Mapping[str, str], application: Application) -> None:
        """Accept a secret or an assertion. Raises `Refused`."""
        if "client_assertion" in form:
            if form.get("client_assertion_type") != assertions.TYPE:
                raise Refused(9002313)
            now = self._tenant.clocks.wall()
            assertions.check(form["client_assertion"], application, self._audiences(), now)
            return
        if not form.get("client_secret"):
            raise Refused(7000218)
        if not application.secret:
            raise Refused(700025)
        if not secrets.compare_digest(form["client_secret"].encode(), application.secret.encode()):
            raise Refused(7000215)

    def _prove_if_confidential(self, form: Mapping[str, str], application: Application) -> None:
        if application.secret or application.certificate:
            self._prove(form, application)
        elif "client_secret" in form or "client_assertion" in form:
            raise Refused(700025)

    def _refreshed(self, form: Mapping[str, str], application: Application) -> dict[str, Any]:
        self._prove_if_confidential(form, application)
        presented = form.get("refresh_token", "")
        if not presented:
            raise Refused(90014)
        known = self._refresh.get(presented)
        if known is None or known.client_id != application.client_id:
            raise Refused(70043)
        if known.expires <= self._now():
            raise Refused(70008)
        if self.strict_rotation:
            del self._refresh[presented]
        return self._on_behalf(application, known.user, form.get("scope") or known.scope, renew=True)

    def _code(self, form: Mapping[str, str], application: Application) -> dict[str, Any]:
        self._prove_if_confidential(form, application)
        known = self._codes.pop(form.get("code", ""), None)
        if known is None or known.expires <= self._now() or known.client_id != application.client_id:
            raise Refused(70008)
        if form.get("redirect_uri", "") != known.redirect_uri:
            raise Refused(50011)
        if known.challenge and _s256(form.get("code_verifier", "")) != known.challenge:
            raise Refused(50148)
        return self._on_behalf(application, known.user, form.get("scope") or known.scope, nonce=known.nonce)

    def _password(self, form: Mapping[str, str], application: Application) -> dict[str, Any]:
        self._prove_if_confidential(form, application)
        if not form.get("username") or not form.get("password"):
            raise Refused(90014)
        user = self.sign_in(form["username"], form["password"])
        return self._on_behalf(application, user, form.get("scope", ""))

    def _device(self, form: Mapping[str, str], application: Application) -> dict[str, Any]:
        device = form.get("device_code", "")
        known = self._devices.get(device)
        if known is None or known.client_id != application.client_id:
            raise Refused(70018)
        now = self._now()
        if known.expires <= now:
            raise Refused(70020)
        if not known.user:
            self._devices[device] = replace(known, asked=now)
            raise Refused(70016, error="slow_down" if 0 < now - known.asked < POLL - 1 else "")
        del self._devices[device]
        return self._on_behalf(application, known.user, known.scope)

    def _on_behalf(
        self, application: Application, user: str, scope: str, *, renew: bool = False, nonce: str = ""
    ) -> dict[str, Any]:
        resource, wanted = split_scope(scope)
        delegated = [name for name in wanted if name not in OIDC_SCOPES and name != ".default"]
        given = " ".join(f"{resource}/{name}" for name in delegated)
        body = self._granted(application, _audience(resource), user, " ".join(delegated)) | {"scope": given}
        if renew or "offline_access" in scope.split():
            body["refresh_token"] = self.refresh_token(application, user, scope)
        if "openid" in scope.split():
            body["id_token"] = self._doorkeeper.issue(application, application.client_id, user, nonce=nonce)
        return body

    def _granted(self, application: Application, audience: str, user: str = "", scope: str = "") -> dict[str, Any]:
        lifetime = self._doorkeeper.lifetime
        return {
            "token_type": "Bearer",
            "expires_in": lifetime,
            "ext_expires_in": lifetime,
            "access_token": self._doorkeeper.issue(application, audience, user, scope),
        }

    def _now(self) -> float:
        return self._tenant.clocks.wall()


def split_scope(scope: str) -> tuple[str, list[str]]:
    """Return the resource of a scope parameter, and the names asked for there. Raises `Refused` for two resources.

    `https://outlook.office.com/IMAP.AccessAsUser.All offline_access` is the resource `https://outlook.office.com`
    and two names; a scope without a resource is Graph's.
    """
    resources, names = set(), []
    for part in scope.split():
        resource, slash, name = part.rpartition("/")
        if slash and "://" in resource:
            resources.add(resource.rstrip("/"))
        names.append(name if slash else part)
    if not names:
        raise Refused(90014)
    if len(resources) > 1:
        raise Refused(70011)
    return resources.pop() if resources else GRAPH, names


def _audience(resource: str) -> str:
    """Return the audience of tokens for `resource`. Raises `Refused` for one nobody knows here."""
    if resource in EXCHANGE_NAMES | GRAPH_NAMES or resource.endswith(".example"):
        return resource
    raise Refused(500011)


def _s256(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def _bounded(kept: dict[str, Any]) -> dict[str, Any]:
    """Return `kept`, without its oldest entry when there are too many."""
    if len(kept) >= KEPT:
        del kept[next(iter(kept))]
    return kept
