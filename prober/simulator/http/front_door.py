"""The front door: makes out who asks for what, lets the weather strike, and acts out what every service has in common.

Rule of this file: nothing about a request but what any server could see decides who its client is.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import MappingProxyType

from prober.simulator.faults.fault import Fault, Level, Occasion
from prober.simulator.faults.weather import Weather
from prober.simulator.http import diagnostics
from prober.simulator.http.message import Broken, Reply, Request, html_reply
from prober.simulator.quotas import OverQuota, Quotas
from prober.simulator.service import COMMON, Errand, Premises, Service
from prober.simulator.tenant import Site
from prober.simulator.tokens import challenge
from prober.simulator.wire import Attempt, Connection

EMULATES = re.compile(r"\bemulates=([a-z0-9_]+)")
AGENTS = (
    ("Outlook-iOS", "outlook_mobile"),
    ("Outlook-Android", "outlook_mobile"),
    ("MacOutlook", "outlook_mac_legacy"),
    ("Microsoft Outlook", "outlook_desktop"),
)
USUAL: Mapping[str, str] = MappingProxyType(
    {
        "activesync": "activesync",
        "ews": "outlook_mac_legacy",
        "mapi": "outlook_desktop",
        "owa": "owa",
        "graph": "outlook_mobile",
        "portal": "m365_signin",
        "login": "m365_signin",
    }
)
"""Who most likely asks a service that nobody else names a client for."""
THEN: Mapping[str, str] = MappingProxyType({"stall": "silence", "reset": "reset", "close": "close"})
"""What comes after the part of an answer that leaves, by the kind of fault."""
GARBAGE = b"\x03\xff\xfe\x00{]<!>" + bytes(range(128, 192))
"""No XML, JSON, WBXML, page or MAPI: octets."""

Route = Callable[[Request], Service | None]
Joins = Callable[[str, Connection], Attempt]
Held = Callable[[Connection], None]


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """Answers every HTTP request of the tenant.

    `route` finds the service of a request. `client_of_application` names the client whose app registration signs in.
    `joins` finds the attempt a request on a shared host belongs to; `held` hears of connections that wait for news.
    """

    premises: Premises
    weather: Weather
    quotas: Quotas
    route: Route
    client_of_application: Callable[[Request], str]
    joins: Joins
    held: Held

    async def answer(self, request: Request) -> Reply | Broken:
        """Return the reply, with the diagnostic fields of the site it comes from."""
        service = self.route(request)
        if service is None:
            return self._dressed(request, None, Errand(), html_reply("<h1>404 - Not found</h1>", 404))
        request = replace(request, client=self._client(request, service))
        errand = service.errand(request)
        fault = self.weather.strike(self._occasion(request, errand), Level.REQUEST)
        if errand.push:
            self.held(request.connection)
        if fault is None or fault.kind not in COMMON:
            return self._dressed(request, service, errand, await self._served(service, request, errand, fault))
        return await self._acted_out(service, request, errand, fault)

    async def _served(self, service: Service, request: Request, errand: Errand, fault: Fault | None) -> Reply | Broken:
        who = errand.mailbox or request.connection.mailbox or request.connection.peer
        with ExitStack() as place:
            try:
                place.enter_context(self.quotas.enter(service.name, who, asker=errand.asker, push=errand.push))
            except OverQuota as over:
                return service.throttled(request, 0, over.retry_after)
            reply = await service.answer(request, fault)
            if isinstance(reply, Broken) or isinstance(reply.body, bytes):
                return reply
            return replace(reply, body=_until_read(reply.body, place.pop_all()))

    async def _acted_out(self, service: Service, request: Request, errand: Errand, fault: Fault) -> Reply | Broken:
        if fault.kind == "delay":
            await self.premises.tenant.clocks.sleep(fault.number("seconds", 0))
            return self._dressed(request, service, errand, await self._served(service, request, errand, None))
        if fault.kind in THEN:
            return await self._broken(service, request, errand, fault)
        return self._dressed(request, service, Errand(), self._refusal(service, request, fault))

    async def _broken(self, service: Service, request: Request, errand: Errand, fault: Fault) -> Broken:
        at = fault.arguments.get("at", "headers")
        whole: Reply | Broken = Reply(200, (("Content-Type", "text/plain"),))
        if at == "body" or isinstance(at, int):
            whole = self._dressed(request, service, errand, await self._served(service, request, errand, None))
        then = THEN[fault.kind]
        after = "nothing" if at == "headers" and then == "silence" else at
        return Broken(whole.reply if isinstance(whole, Broken) else whole, after, then)

    def _refusal(self, service: Service, request: Request, fault: Fault) -> Reply:
        if fault.kind == "throttle":
            return service.throttled(request, int(fault.number("status", 0)), fault.number("retry_after", 30))
        if fault.kind == "html_page":
            text = fault.text("text", "Something went wrong")
            return html_reply(PAGE.format(text=text), int(fault.number("status", 200)))
        if fault.kind == "garbage":
            return Reply(200, (("Content-Type", "application/octet-stream"),), GARBAGE)
        if fault.kind == "flood":
            return Reply(200, (("Content-Type", "text/plain"),), bytes(int(fault.number("octets", 0))))
        if fault.kind == "redirect_loop":
            return self._to_itself(request, int(fault.number("status", 302)))
        if fault.kind == "bearer_401":
            offer = challenge(self.premises.tenant, self.premises.login, self._site(request), bearer=True)
            diag = fault.text("diag", '2000001;reason="The token is not valid.";error_category="invalid_token"')
            return Reply(401, (*offer, ("x-ms-diagnostics", diag)))
        status = int(fault.number("status", 500))
        fields = tuple((str(name), str(value)) for name, value in dict(fault.arguments.get("headers") or {}).items())
        body = fault.text("body", f"<html><body><h1>{status}</h1></body></html>")
        return Reply(status, (("Content-Type", "text/html"), *fields), body.encode())

    def _to_itself(self, request: Request, status: int) -> Reply:
        name = "X-MS-Location" if status == 451 else "Location"
        here = request.header("host") or request.connection.host.authority
        return Reply(status, ((name, f"https://{here}{request.target}"),))

    def _client(self, request: Request, service: Service) -> str:
        agent = request.header("user-agent")
        named = EMULATES.search(agent)
        by_agent = named.group(1) if named else next((client for mark, client in AGENTS if mark in agent), "")
        by_application = self.client_of_application(request) if service.name == "login" else ""
        return request.connection.host.client or by_application or by_agent or USUAL.get(service.name, "")

    def _occasion(self, request: Request, errand: Errand) -> Occasion:
        connection = request.connection
        connection.mailbox = errand.mailbox or connection.mailbox
        attempt = connection.attempt if connection.host.client else self.joins(request.client, connection)
        attempt.requests += 1
        return Occasion(
            connection.host,
            attempt,
            "http",
            request.client,
            errand.steps,
            errand.mailbox or connection.mailbox,
            connection.number,
            errand.push,
            errand.token_expires,
            errand.kinds | COMMON,
        )

    def _site(self, request: Request) -> Site | None:
        return self.premises.tenant.sites.get(request.connection.host.site)

    def _dressed(
        self, request: Request, service: Service | None, errand: Errand, reply: Reply | Broken
    ) -> Reply | Broken:
        """Add what the front end adds; the mailbox server's fields only where the service itself has answered."""
        if isinstance(reply, Broken) or reply.bare:
            return reply
        tenant, site = self.premises.tenant, self._site(request)
        fields = [*diagnostics.plain(tenant.clocks.wall())]
        if service is not None and service.name in diagnostics.EXCHANGE_SERVICES and site is not None:
            fields += diagnostics.front_end(request, site)
            if errand != Errand():
                mailbox = tenant.mailbox(errand.mailbox) if errand.mailbox else None
                fields += diagnostics.back_end(tenant, site, mailbox, reply.status)
        present = {name.lower() for name, _ in reply.headers}
        return replace(reply, headers=(*(one for one in fields if one[0].lower() not in present), *reply.headers))


async def _until_read(pieces: AsyncIterator[bytes], place: ExitStack) -> AsyncIterator[bytes]:
    """Yield `pieces` while holding `place`; a stream that is dropped unread drops its place with it."""
    with place:
        async for piece in pieces:
            yield piece


PAGE = "<!doctype html><html><head><title>{text}</title></head><body><h1>{text}</h1></body></html>"
