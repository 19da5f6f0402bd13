"""The portals: landing pages of the office suite and its assistant, and the way from there to signing in."""

import uuid
from collections.abc import Mapping
from math import ceil
from types import MappingProxyType
from urllib.parse import urlencode

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Reply, Request, html_reply
from prober.simulator.service import Errand, Premises

CHAT = "/chat"
CHAT_STEP = "copilot_home"
HOMES: Mapping[str, str] = MappingProxyType({"office": "office_home", "m365": "m365_home", "copilot": CHAT_STEP})
"""By the first label of the host, the step that asks for its landing page."""
TITLES: Mapping[str, str] = MappingProxyType(
    {"office_home": "Office", "m365_home": "Microsoft 365", CHAT_STEP: "Microsoft 365 Copilot"}
)
APPLICATION = "4765445b-32c6-49b0-83e6-1d93765276ca"
"""The registration under which the portal signs people in (published among Microsoft's first-party applications)."""
METHODS = ("GET", "HEAD")
PAGE = (
    "<!doctype html><html lang=en><head><meta charset=utf-8><title>{title}</title></head>"
    '<body><h1>{title}</h1><p><a href="/login">Sign in</a></p></body></html>'
)


class Portal:
    """Landing pages that anybody may see, `/chat` among them, and `/login`."""

    name = "portal"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises

    def errand(self, request: Request) -> Errand:
        """Say whose landing page this is, or is the way from."""
        step = _step(request)
        return Errand(frozenset({step})) if step else Errand()

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Return the page, or the way to the token service."""
        step = _step(request)
        if not step:
            return html_reply(PAGE.format(title="Page not found"), 404)
        if request.method not in METHODS:
            return Reply(405, (("Allow", ", ".join(METHODS)),))
        if _place(request) == "/login":
            return Reply(302, (("Location", self._authorize(request)), ("Cache-Control", "no-store")))
        return html_reply(PAGE.format(title=TITLES[step]), headers=(("Cache-Control", "no-cache, no-store"),))

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse as a page does that too many ask for (RFC 6585 section 4)."""
        return Reply(status or 503, (("Retry-After", str(ceil(retry_after))),))

    def _authorize(self, request: Request) -> str:
        query = {
            "client_id": APPLICATION,
            "redirect_uri": f"https://{request.connection.host.authority}/landingv2",
            "response_type": "code id_token",
            "scope": "openid profile",
            "response_mode": "form_post",
            "nonce": uuid.uuid4().hex,
            "state": uuid.uuid4().hex,
        }
        return f"https://{self._premises.login}/common/oauth2/v2.0/authorize?{urlencode(query)}"


def _place(request: Request) -> str:
    return request.path.lower().rstrip("/") or "/"


def _step(request: Request) -> str:
    """Return the step whose page this is, empty for a page there is not."""
    home = HOMES.get(request.connection.host.name.partition(".")[0], "")
    if not home:
        return ""
    return {"/": home, "/login": home, CHAT: CHAT_STEP}.get(_place(request), "")
