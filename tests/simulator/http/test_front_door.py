"""Who is asking for what, and the faults every service has in common, acted out."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Any
from unittest.mock import MagicMock

import pytest

from prober.simulator.faults.fault import KINDS, Fault, Level, Occasion
from prober.simulator.faults.weather import Weather
from prober.simulator.http.front_door import FrontDoor
from prober.simulator.http.message import Broken, Reply, Request
from prober.simulator.quotas import Budget, Limits, Quotas
from prober.simulator.service import COMMON, Errand, Premises
from prober.simulator.tenant import Clocks, Site, Tenant
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Attempt, Connection, Host

WHOLE = Reply(200, (("Content-Type", "text/plain"),), b"whole")


class Post:
    """A service with one step."""

    name = "activesync"

    def __init__(self) -> None:
        self.acted: list[str | None] = []
        self.reply: Callable[[], Reply] = lambda: WHOLE

    def errand(self, request: Request) -> Errand:
        return Errand(frozenset({"folder_sync"}), "alice@contoso.example", kinds=frozenset({"eas_status"}))

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        self.acted.append(fault.kind if fault else None)
        return self.reply()

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        return Reply(status or 503, (("Retry-After", str(round(retry_after))),))


class Storm(Weather):
    """Weather that always brings the same."""

    def __init__(self, tenant: Tenant, fault: Fault | None) -> None:
        super().__init__(tenant)
        self.fault = fault
        self.seen: list[Occasion] = []

    def strike(self, occasion: Occasion, level: Level) -> Fault | None:
        self.seen.append(occasion)
        return self.fault


class Scene:
    """A front door, and what was made of it."""

    def __init__(self, fault: Fault | None = None, name: str = "activesync") -> None:
        self.slept: list[float] = []

        async def sleep(seconds: float) -> None:
            self.slept.append(seconds)

        tenant = Tenant("contoso.example", [Site("ams1", "eu", "AMS")], clocks=Clocks(sleep=sleep))
        tenant.open_mailbox("alice@contoso.example", "ams1")
        self.host = Host("mail.ams1.contoso.example", "127.0.0.1", 443, site="ams1", region="eu")
        login = Host("login.contoso.example", "127.0.0.1", 443)
        self.service, self.storm, self.held = Post(), Storm(tenant, fault), list[Connection]()
        self.service.name = name
        self.attempt = Attempt("joined", 7)
        self.door = FrontDoor(
            Premises(tenant, Doorkeeper(tenant), (self.host, login)),
            self.storm,
            Quotas(tenant, None),
            route=lambda request: None if request.path == "/nothing" else self.service,
            client_of_application=lambda request: "imap4",
            joins=lambda client, connection: self.attempt,
            held=self.held.append,
        )

    async def ask(self, path: str = "/x", *fields: tuple[str, str], client: str = "") -> Reply | Broken:
        host = replace(self.host, client=client)
        connection = Connection(1, host, "127.0.0.1", 0.0, Attempt("own", 1))
        return await self.door.answer(Request("POST", path, fields, b"", connection, "", path))


def fault(kind: str, **arguments: Any) -> Fault:
    return Fault(kind, arguments=arguments)


async def test_a_request_without_fault_reaches_its_service() -> None:
    """And the reply says which front end and which mailbox server it comes from."""
    scene = Scene()
    reply = await scene.ask()
    assert isinstance(reply, Reply)
    fields = dict(reply.headers)
    assert (reply.status, reply.body) == (200, b"whole")
    assert {"Date", "request-id", "X-FEServer", "X-CalculatedBETarget", "X-BackEndHttpStatus"} <= set(fields)


async def test_what_nobody_serves_is_a_404() -> None:
    """Without a mailbox server's word."""
    reply = await Scene().ask("/nothing")
    assert isinstance(reply, Reply)
    assert reply.status == 404
    assert "X-CalculatedBETarget" not in dict(reply.headers)


@pytest.mark.parametrize(
    ("agent", "host", "service", "client"),
    [
        ("probe/1 (emulates=outlook_mac)", "", "graph", "outlook_mac"),
        ("probe/1 (emulates=outlook_mac)", "owa", "graph", "owa"),
        ("Outlook-iOS/2.0", "", "graph", "outlook_mobile"),
        ("MacOutlook/16.9 (Mac OS X)", "", "ews", "outlook_mac_legacy"),
        ("curl/8", "", "activesync", "activesync"),
        ("", "", "mapi", "outlook_desktop"),
        ("probe/1 (emulates=identity)", "", "login", "imap4"),
        ("", "", "health", ""),
    ],
)
async def test_a_client_is_told_apart_as_in_real_life(agent: str, host: str, service: str, client: str) -> None:
    """By a host that serves it alone, the application that signs in, the user agent, or what it asks for."""
    scene = Scene(name=service)
    await scene.ask("/x", ("user-agent", agent), client=host)
    assert scene.storm.seen[0].client == client


async def test_a_shared_host_joins_the_clients_own_attempt() -> None:
    """A host of the client's own has one already."""
    scene = Scene()
    await scene.ask()
    await scene.ask(client="activesync")
    assert [one.attempt.key for one in scene.storm.seen] == ["joined", "own"]
    assert scene.attempt.requests == 1


async def test_an_occasion_says_all_that_is_known() -> None:
    """Steps, mailbox, and what the service can act out besides what the front door can."""
    scene = Scene()
    await scene.ask()
    seen = scene.storm.seen[0]
    assert (seen.steps, seen.mailbox) == (frozenset({"folder_sync"}), "alice@contoso.example")
    assert seen.kinds == COMMON | {"eas_status"}


async def test_a_protocols_own_fault_is_left_to_its_service() -> None:
    """The front door cannot write WBXML."""
    scene = Scene(fault("eas_status", code=110))
    assert isinstance(await scene.ask(), Reply)
    assert scene.service.acted == ["eas_status"]


async def test_a_delay_is_waited_for_and_then_answered() -> None:
    """On the tenant's own clock."""
    scene = Scene(fault("delay", seconds=6))
    reply = await scene.ask()
    assert isinstance(reply, Reply)
    assert (reply.body, scene.slept, scene.service.acted) == (b"whole", [6.0], [None])


@pytest.mark.parametrize(
    ("kind", "at", "after", "then", "served"),
    [
        ("stall", "headers", "nothing", "silence", False),
        ("stall", "body", "body", "silence", True),
        ("stall", 40, 40, "silence", True),
        ("reset", "request", "request", "reset", False),
        ("reset", "headers", "headers", "reset", False),
        ("reset", "body", "body", "reset", True),
        ("reset", 40, 40, "reset", True),
        ("close", "headers", "headers", "close", False),
        ("close", "body", "body", "close", True),
    ],
)
async def test_a_reply_breaks_off(kind: str, at: str | int, after: str | int, then: str, served: bool) -> None:
    """Nothing is done at the mailbox where nothing of the answer is to leave."""
    scene = Scene(fault(kind, at=at))
    broken = await scene.ask()
    assert isinstance(broken, Broken)
    assert (broken.after, broken.then, bool(scene.service.acted)) == (after, then, served)


@pytest.mark.parametrize(
    ("struck", "status", "field", "value", "body"),
    [
        (fault("http", status=503), 503, "Content-Type", "text/html", b"503"),
        (fault("http", status=500, headers={"X-CasErrorCode": "X"}, body="b"), 500, "X-CasErrorCode", "X", b"b"),
        (fault("html_page", text="Something went wrong"), 200, "Content-Type", "text/html; charset=utf-8", b"wrong"),
        (fault("redirect_loop"), 302, "Location", "https://mail.ams1.contoso.example:443/x", b""),
        (fault("redirect_loop", status=451), 451, "X-MS-Location", "https://mail.ams1.contoso.example:443/x", b""),
        (fault("bearer_401", diag='2000007;reason="x"'), 401, "x-ms-diagnostics", '2000007;reason="x"', b""),
        (fault("throttle", status=429, retry_after=120), 429, "Retry-After", "120", b""),
    ],
)
async def test_a_refusal_is_worded(struck: Fault, status: int, field: str, value: str, body: bytes) -> None:
    """As a front end that never reached the mailbox server: its own fields, not the server's."""
    scene = Scene(struck)
    reply = await scene.ask()
    assert isinstance(reply, Reply)
    assert isinstance(reply.body, bytes)
    fields = dict(reply.headers)
    assert (reply.status, fields[field]) == (status, value)
    assert body in reply.body
    assert "X-FEServer" in fields
    assert "X-CalculatedBETarget" not in fields
    assert scene.service.acted == []


async def test_noise_is_no_document() -> None:
    """Neither text nor page; and as much of it as was asked for."""
    garbage = await Scene(fault("garbage")).ask()
    flood = await Scene(fault("flood", octets=100_000)).ask()
    assert isinstance(garbage, Reply)
    assert isinstance(flood, Reply)
    assert (garbage.status, flood.status, flood.body) == (200, 200, bytes(100_000))
    assert isinstance(garbage.body, bytes)
    with pytest.raises(UnicodeDecodeError):
        garbage.body.decode()


async def test_a_401_offers_the_bearer_scheme() -> None:
    """Or a client could not tell it from any other."""
    reply = await Scene(fault("bearer_401")).ask()
    assert isinstance(reply, Reply)
    assert dict(reply.headers)["WWW-Authenticate"].startswith("Bearer ")


def strict(scene: Scene, budget: Budget) -> Quotas:
    """Let the scene's service have this budget."""
    quotas = Quotas(scene.door.premises.tenant, Limits({scene.service.name: budget}))
    scene.door = replace(scene.door, quotas=quotas)
    return quotas


async def test_a_used_up_quota_is_the_services_own_refusal() -> None:
    """With its own delay, and the mailbox is not bothered."""
    scene = Scene()
    strict(scene, Budget(rate=1, window=17))
    replies = [await scene.ask(), await scene.ask()]
    assert [reply.status for reply in replies if isinstance(reply, Reply)] == [200, 503]
    assert isinstance(replies[1], Reply)
    assert dict(replies[1].headers)["Retry-After"] == "17"
    assert len(scene.service.acted) == 1


async def test_whoever_has_a_budget_of_his_own_is_counted_by_it() -> None:
    """Two devices at one mailbox do not use up each other's."""
    scene = Scene()
    strict(scene, Budget(rate=1))
    for name in ("one", "other"):
        errand = Errand(mailbox="a@x", asker=name)
        scene.service.errand = MagicMock(return_value=errand)  # type: ignore[method-assign]  # the point of it
        reply = await scene.ask()
        assert isinstance(reply, Reply)
        assert reply.status == 200


async def test_a_stream_keeps_its_place_until_it_has_been_read() -> None:
    """And gives it back when nobody ever reads it."""
    scene = Scene()
    quotas = strict(scene, Budget(pushes=1))
    scene.service.errand = lambda request: Errand(mailbox="a@x", push=True)  # type: ignore[method-assign]  # the point
    scene.service.reply = lambda: Reply(200, (), pieces())

    async def streams() -> AsyncIterator[bytes] | None:
        reply = await scene.ask()
        assert isinstance(reply, Reply)
        return None if isinstance(reply.body, bytes) else reply.body

    stream = await streams()
    assert stream is not None
    assert await streams() is None
    assert [piece async for piece in stream] == [b"one", b"two"]
    assert await streams() is not None
    with quotas.enter("activesync", "a@x", push=True):
        assert await streams() is None
    assert await streams() is not None


async def pieces() -> AsyncIterator[bytes]:
    for piece in (b"one", b"two"):
        yield piece


async def test_who_waits_for_news_is_reported() -> None:
    """A held connection keeps no attempt open."""
    scene = Scene()
    scene.service.errand = lambda request: Errand(push=True)  # type: ignore[method-assign]  # the point of it
    await scene.ask()
    assert len(scene.held) == 1


def test_every_common_kind_is_a_kind() -> None:
    """And one of requests."""
    assert all(KINDS[kind].level is Level.REQUEST for kind in COMMON)
