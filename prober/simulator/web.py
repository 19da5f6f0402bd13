"""Outlook on the web as far as anybody sees it who has not signed in: where it sends people, and how it refuses them.

Rule of this file: what lies behind the sign-in is a private interface and is not played here.
"""

import html
import uuid
from math import ceil
from urllib.parse import quote, urlencode

from prober.simulator.faults.fault import Fault
from prober.simulator.http.diagnostics import BUILD
from prober.simulator.http.message import Fields, Reply, Request, html_reply
from prober.simulator.service import Errand, Premises
from prober.simulator.tenant import SERVER, Site
from prober.simulator.tokens import EXCHANGE, EXCHANGE_NAMES, Refusal, challenge

SERVER_BUILD = "15.2.1544.9"
LANDINGS = frozenset({"/owa", "/mail", "/ecp"})
LOGON = "/owa/auth/logon.aspx"
ERROR = "/owa/auth/errorfe.aspx"
SERVICE = "/owa/service.svc"
SCRIPT = "/owa/prem/{build}/scripts/boot.worldwide.0.mouse.js"
SCRIPT_TEXT = b'"use strict";window.bootstrapped=Date.now();\n'
UNSUPPORTED = "Microsoft.Exchange.Clients.Owa2.Server.Core.OwaNotSupportedException"
MOVED = (
    '<html><head><title>Object moved</title><link rel="preload" as="script" href="{script}"></head>'
    '<body><h2>Object moved to <a href="{to}">here</a>.</h2></body></html>'
)
FORM = (
    '<!doctype html><html><head><title>Outlook</title><script src="{script}"></script></head><body>'
    '<form action="/owa/auth.owa" method="POST" name="logonForm"><input type="hidden" name="destination" value="{to}">'
    '<input id="username" name="username"><input id="password" name="password" type="password"></form></body></html>'
)
WRONG = (
    "<!doctype html><html><head><title>Error</title></head><body><h1>:-(</h1><p>Something went wrong</p>"
    "<p>{code}</p></body></html>"
)


class Web:
    """Landing pages, the sign-in form of servers of one's own, the error page, a script, and the closed service."""

    name = "owa"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def errand(self, request: Request) -> Errand:
        """Say which step of a browser this is."""
        path = _place(request)
        if path == SERVICE:
            return Errand(frozenset({"owa_service_unauth"}))
        if path.endswith(".js"):
            return Errand(frozenset({"static_asset"}))
        if path in ("/owa", "/mail", LOGON, ERROR):
            return Errand(frozenset({"landing_redirect"}))
        return Errand()

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Answer one request of somebody who has not signed in."""
        path = _place(request)
        if path == SERVICE:
            return self._service(request)
        if request.method not in ("GET", "HEAD"):
            return Reply(405, (("Allow", "GET, HEAD"),))
        if path in LANDINGS:
            return self._landing(request)
        if path == LOGON and self._own(request):
            return self._form(request)
        if path == ERROR:
            return self._error(request)
        if path == SCRIPT.format(build=self._build(request)):
            age = ("Cache-Control", "public, max-age=2592000")
            return Reply(200, (("Content-Type", "application/javascript"), age), SCRIPT_TEXT)
        return html_reply("<h1>404 - File or directory not found.</h1>", 404, self._version(request))

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse as a web server does (RFC 9110 section 15.6.4)."""
        return Reply(status or 503, (("Retry-After", str(ceil(retry_after))),))

    def _landing(self, request: Request) -> Reply:
        here = f"https://{request.connection.host.authority}{_place(request)}/"
        to = self._logon(request, here) if self._own(request) else self._authorize(here)
        body = MOVED.format(script=SCRIPT.format(build=self._build(request)), to=html.escape(to, quote=True))
        cookie = ("Set-Cookie", f"ClientId={uuid.uuid4().hex.upper()}; path=/; secure; HttpOnly; SameSite=None")
        return html_reply(body, 302, (("Location", to), cookie, *self._version(request)))

    def _logon(self, request: Request, here: str) -> str:
        place = f"https://{request.connection.host.authority}/owa/auth/logon.aspx"
        return f"{place}?url={quote(here, safe='')}&reason=0"

    def _authorize(self, here: str) -> str:
        query = {
            "client_id": EXCHANGE,
            "redirect_uri": here,
            "resource": EXCHANGE,
            "response_mode": "form_post",
            "response_type": "code id_token",
            "scope": "openid",
            "msafed": "1",
            "msaredir": "1",
            "client-request-id": str(uuid.uuid4()),
            "nonce": uuid.uuid4().hex,
            "state": uuid.uuid4().hex,
        }
        return f"https://{self._premises.login}/common/oauth2/authorize?{urlencode(query)}"

    def _form(self, request: Request) -> Reply:
        script = SCRIPT.format(build=self._build(request))
        page = FORM.format(script=script, to=html.escape(request.query.get("url", "/owa/"), quote=True))
        return html_reply(page, headers=(("Cache-Control", "no-cache, no-store"), *self._version(request)))

    def _error(self, request: Request) -> Reply:
        code = request.query.get("httpCode", "")
        said = code if code.isascii() and code.isdigit() else ""
        return html_reply(WRONG.format(code=said), headers=self._version(request))

    def _service(self, request: Request) -> Reply:
        """Refuse: 440 where sign-in is by form, a challenge in the cloud, and for a good token that this is closed."""
        if request.method != "POST":
            return Reply(405, (("Allow", "POST"),))
        if self._own(request):
            return Reply(440, self._version(request))
        presented = request.header("authorization")
        judged = self._premises.doorkeeper.admit(presented, EXCHANGE_NAMES)
        if not isinstance(judged, Refusal):
            return Reply(400, (("X-OWA-Error", UNSUPPORTED), *self._version(request)))
        bearer = presented.lower().startswith("bearer")
        tenant, login = self._premises.tenant, self._premises.login
        offer = challenge(tenant, login, self._site(request), bearer=bearer, fault=judged)
        return Reply(401, (*offer, *self._version(request)))

    def _site(self, request: Request) -> Site | None:
        return self._premises.tenant.sites.get(request.connection.host.site)

    def _own(self, request: Request) -> bool:
        site = self._site(request)
        return site is not None and site.environment == SERVER

    def _build(self, request: Request) -> str:
        return SERVER_BUILD if self._own(request) else BUILD

    def _version(self, request: Request) -> Fields:
        return (("X-OWA-Version", self._build(request)),)


def _place(request: Request) -> str:
    return request.path.lower().rstrip("/")
