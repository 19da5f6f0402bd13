"""The token service over HTTP: which page and which endpoint answers what (OpenID Connect Discovery, RFC 6749)."""

import re
import uuid
from collections.abc import Callable, Mapping
from math import ceil
from typing import Any
from urllib.parse import quote, urlencode

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Reply, Request, json_reply
from prober.simulator.login import pages
from prober.simulator.login.errors import Refused, refusal
from prober.simulator.login.grants import Grants
from prober.simulator.service import Errand, Premises

COMMON_TENANTS = ("common", "organizations", "consumers")
PLACES = (
    (re.compile(r"/([^/]+)(?:/v2\.0)?/\.well-known/openid-configuration"), "metadata"),
    (re.compile(r"/([^/]+)/discovery(?:/v2\.0)?/keys"), "keys"),
    (re.compile(r"/([^/]+)/discovery/instance"), "instance"),
    (re.compile(r"/([^/]+)/oauth2(?:/v2\.0)?/token"), "token"),
    (re.compile(r"/([^/]+)/oauth2(?:/v2\.0)?/devicecode"), "device"),
    (re.compile(r"/([^/]+)/oauth2(?:/v2\.0)?/authorize"), "authorize"),
    (re.compile(r"/([^/]+)/login"), "login"),
    (re.compile(r"/([^/]+)/userrealm/([^/]+)"), "realm"),
    (re.compile(r"/(getuserrealm)\.srf"), "realm"),
    (re.compile(r"/(common)/(?:oauth2/)?deviceauth"), "approve"),
)
STEPS: Mapping[str, frozenset[str]] = {
    "metadata": frozenset({"openid_metadata"}),
    "keys": frozenset({"signing_keys"}),
    "token": frozenset({"token_request", "token_client", "token_user"}),
    "realm": frozenset({"user_realm"}),
    "authorize": frozenset({"signin_page"}),
}
RETRY = "Retry-After"


class Login:
    """The service. `grants` may be used to give out refresh tokens without anybody signing in."""

    name = "login"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._tenant = premises.tenant
        self.grants = Grants(self._tenant, premises.doorkeeper, self._audiences)

    def errand(self, request: Request) -> Errand:
        """Say which step of a client this is."""
        place, _, _ = _place(request.path)
        kinds = frozenset({"token_error"}) if place in ("token", "device", "metadata") else frozenset[str]()
        return Errand(STEPS.get(place, frozenset()), kinds=kinds, asker=_grant(request) if place == "token" else "")

    def client_of(self, request: Request) -> str:
        """Return the client whose application signs in, empty when none is named."""
        named = request.form.get("client_id") or request.query.get("client_id") or ""
        application = self._tenant.applications.get(named)
        return application.client if application else ""

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Answer one request."""
        correlation = request.header("client-request-id")
        try:
            _act_out(fault)
            reply = self._answered(request)
        except Refused as refused:
            reply = refusal(refused, self._tenant.clocks.now(), correlation)
        return _signed(reply)

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse with 429, or without a status with the refusal of a client that runs in circles."""
        loop = status == 0 and _place(request.path)[0] == "token"
        refused = Refused(50196) if loop else Refused(90055, status)
        reply = refusal(refused, self._tenant.clocks.now(), request.header("client-request-id"))
        return _signed(Reply(reply.status, (*reply.headers, (RETRY, str(ceil(retry_after)))), reply.body))

    def _answered(self, request: Request) -> Reply:
        place, tenant, rest = _place(request.path)
        answers: Mapping[str, Callable[[Request, str, str], Reply]] = {
            "metadata": self._metadata,
            "keys": self._keys,
            "instance": self._instance,
            "token": self._token,
            "device": self._device,
            "authorize": self._authorize,
            "login": self._login,
            "realm": self._realm,
            "approve": self._approve,
        }
        if place not in answers:
            return Reply(404, (("Content-Type", "text/html"),), b"<html><body><h1>404</h1></body></html>")
        return answers[place](request, tenant, rest)

    def _known(self, tenant: str) -> str:
        """Return the tenant as its issuer names it. Raises `Refused` for one there is not."""
        if tenant.lower() in (self._tenant.id, self._tenant.domain):
            return self._tenant.id
        if tenant.lower() in COMMON_TENANTS:
            return tenant.lower()
        raise Refused(90002)

    def _metadata(self, request: Request, tenant: str, rest: str) -> Reply:
        """OpenID Connect Discovery 1.0 section 4.2."""
        known = self._known(tenant)
        base = f"https://{self._authority(request)}/{known}"
        issuer = self._premises.doorkeeper.issuer if known == self._tenant.id else f"{base}/v2.0"
        return json_reply(
            {
                "token_endpoint": f"{base}/oauth2/v2.0/token",
                "token_endpoint_auth_methods_supported": ["client_secret_post", "private_key_jwt"],
                "jwks_uri": f"{base}/discovery/v2.0/keys",
                "response_modes_supported": ["query", "fragment", "form_post"],
                "subject_types_supported": ["pairwise"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "response_types_supported": ["code", "id_token", "code id_token"],
                "scopes_supported": ["openid", "profile", "email", "offline_access"],
                "issuer": issuer,
                "request_uri_parameter_supported": False,
                "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
                "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
                "claims_supported": ["sub", "iss", "aud", "exp", "iat", "tid", "ver", "email"],
                "tenant_region_scope": "EU",
                "cloud_instance_name": "microsoftonline.com",
            }
        )

    def _keys(self, request: Request, tenant: str, rest: str) -> Reply:
        self._known(tenant)
        return json_reply(self._premises.doorkeeper.keys)

    def _instance(self, request: Request, tenant: str, rest: str) -> Reply:
        here = self._authority(request)
        endpoint = f"https://{here}/{self._tenant.id}/v2.0/.well-known/openid-configuration"
        aliases = {"preferred_network": here, "preferred_cache": here, "aliases": [here]}
        return json_reply(
            {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": [aliases]},
        )

    def _token(self, request: Request, tenant: str, rest: str) -> Reply:
        self._known(tenant)
        if request.method != "POST":
            raise Refused(9002313)
        return json_reply(self.grants.token(request.form), 200, (("Cache-Control", "no-store, no-cache"),))

    def _device(self, request: Request, tenant: str, rest: str) -> Reply:
        self._known(tenant)
        begun = self.grants.begin_device(request.form)
        where = f"https://{self._authority(request)}/common/deviceauth"
        message = f"To sign in, open {where} and enter the code {begun['user_code']}."
        return json_reply(begun | {"verification_uri": where, "message": message})

    def _authorize(self, request: Request, tenant: str, rest: str) -> Reply:
        """Before the password only the tenant is looked at, neither client nor redirect."""
        try:
            known = self._known(tenant)
        except Refused as refused:
            return pages.failure(refused.code, refused.text)
        if not request.query.get("client_id"):
            return pages.failure(900144, "The request body must contain the following parameter: 'client_id'.")
        return pages.signin(known, dict(request.query))

    def _login(self, request: Request, tenant: str, rest: str) -> Reply:
        form = request.form
        query = {name: value for name, value in form.items() if name not in ("login", "passwd")}
        try:
            user = self.grants.sign_in(form.get("login", ""), form.get("passwd", ""))
            self.grants.application(query)
        except Refused as refused:
            return pages.signin(tenant, query, error=refused.code)
        if not query.get("redirect_uri", "").startswith(("http://localhost", "http://127.0.0.1", "https://")):
            return pages.failure(50011, "The redirect URI specified in the request does not match.")
        back = {"code": self.grants.code(query, user), "state": query.get("state", "")}
        if query.get("response_mode") == "form_post":
            return pages.handed_back(query["redirect_uri"], back)
        return Reply(302, (("Location", f"{query['redirect_uri']}?{urlencode(back)}"),))

    def _approve(self, request: Request, tenant: str, rest: str) -> Reply:
        form = request.form
        user = self.grants.sign_in(form.get("login", ""), form.get("passwd", ""))
        return json_reply({"approved": self.grants.approve(form.get("user_code", ""), user)})

    def _realm(self, request: Request, tenant: str, rest: str) -> Reply:
        address = rest or request.query.get("login", "")
        domain = address.rpartition("@")[2].lower()
        mine = domain == self._tenant.domain
        body: dict[str, Any] = {
            "ver": "1.0",
            "account_type": "Managed" if mine else "Unknown",
            "NameSpaceType": "Managed" if mine else "Unknown",
            "Login": address,
            "DomainName": domain,
        }
        shown = {"FederationBrandName": self._tenant.domain, "cloud_instance_name": "microsoftonline.com"}
        return json_reply(body | (shown if mine else {}))

    def _authority(self, request: Request) -> str:
        return request.header("host") or self._premises.login

    def _audiences(self) -> frozenset[str]:
        """Return what an assertion may name as its audience: the token URL under any of the service's names."""
        hosts = [host.authority for host in self._premises.hosts if host.name.startswith(("login.", "signin."))]
        hosts += [f"localhost:{host.port}" for host in self._premises.hosts if host.name == "localhost"]
        names = (self._tenant.id, self._tenant.domain, *COMMON_TENANTS)
        return frozenset(
            f"https://{host}/{quote(name)}{path}"
            for host in hosts
            for name in names
            for path in ("/oauth2/v2.0/token", "/oauth2/token", "/v2.0", "")
        )


def _act_out(fault: Fault | None) -> None:
    """Raise `Refused` for a fault of this service."""
    if fault is not None and fault.kind == "token_error":
        raise Refused(int(fault.number("aadsts", 50000)), int(fault.number("status", 0)))


def _grant(request: Request) -> str:
    """Return what makes one token request the same as another: who asks, in what way, and for what."""
    form = request.form
    return " ".join(form.get(name, "") for name in ("client_id", "grant_type", "username", "scope")).strip()


def _signed(reply: Reply) -> Reply:
    ids = (("x-ms-request-id", str(uuid.uuid4())), ("x-ms-ests-server", "2.1.20000.0 - WEULR1 ProdSlices"))
    return Reply(reply.status, (*reply.headers, *ids), reply.body)


def _place(path: str) -> tuple[str, str, str]:
    """Return the name of the endpoint at `path`, the tenant in it, and what stands behind; empty for none."""
    for pattern, name in PLACES:
        found = pattern.fullmatch(path.rstrip("/"))
        if found:
            groups = found.groups()
            return name, groups[0], groups[1] if len(groups) > 1 else ""
    return "", "", ""
