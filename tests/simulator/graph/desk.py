"""A tenant with one Graph, asked without a network, on a clock that stands still."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from prober.simulator.faults.fault import Fault
from prober.simulator.graph.service import Graph
from prober.simulator.http.message import Reply, Request, split_target
from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Errand, Premises
from prober.simulator.tenant import SERVER, Application, Clocks, Site, Tenant, User
from prober.simulator.tokens import GRAPH, Doorkeeper
from prober.simulator.wire import Attempt, Connection, Host

NOW = datetime(2026, 3, 16, 6, 42, tzinfo=UTC)
ALICE, BOB, NOBOX, HOME = "alice@contoso.example", "bob@contoso.example", "carol@contoso.example", "home@corp.example"
ALICE_ID = "0f5b6a4e-6c39-4ab4-a1f9-111111111111"
ALLOWED = frozenset({"Mail.Read", "Calendars.Read", "ServiceHealth.Read.All", "ServiceMessage.Read.All"})
APP = Application("aaaa", "Probe", "", "s", "", frozenset({ALICE, HOME, NOBOX}), ALLOWED)
POOR = Application("bbbb", "Poor", "", "s", "", frozenset({ALICE}), frozenset({"User.Read.All"}))
ROOT = "https://graph.contoso.example/v1.0"


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["error"]["code"])

    @property
    def value(self) -> list[Any]:
        found = self.json["value"]
        assert isinstance(found, list)
        return found


class Desk:
    """Who asks Graph. `clock` may be moved; `fault` is what strikes."""

    def __init__(self) -> None:
        self.clock = NOW
        self.fault: Fault | None = None
        sites = [Site("ams1", "eu", "AMS"), Site("hq", "eu", "HQX", environment=SERVER)]
        self.tenant = Tenant(
            "contoso.example",
            sites,
            users=[User(ALICE, "pw", ALICE_ID), User(BOB, "pw"), User(NOBOX, "pw"), User(HOME, "pw")],
            applications=[APP, POOR],
            clocks=Clocks(wall=lambda: self.clock.timestamp()),
        )
        self.alice = self.tenant.open_mailbox(ALICE, "ams1")
        self.bob = self.tenant.open_mailbox(BOB, "ams1")
        self.tenant.open_mailbox(HOME, "hq")
        self.host = Host("graph.contoso.example", "127.0.0.1", 443, site="ams1", region="eu")
        login = Host("login.contoso.example", "127.0.0.1", 443)
        self.doorkeeper = Doorkeeper(self.tenant)
        self.graph = Graph(Premises(self.tenant, self.doorkeeper, (self.host, login)))
        self.token = self.doorkeeper.issue(APP, GRAPH)

    def user_token(self, scope: str = "Mail.Read Calendars.Read User.Read", user: str = ALICE) -> str:
        return self.doorkeeper.issue(APP, GRAPH, user, scope)

    def request(
        self, method: str, target: str, *, token: str | None = None, body: Any = None, **fields: str
    ) -> Request:
        target = target.removeprefix(ROOT)
        path, query = split_target(f"/v1.0{target}")
        bearer = self.token if token is None else token
        named = {"host": "graph.contoso.example", "authorization": f"Bearer {bearer}"}
        named |= {name.replace("_", "-"): value for name, value in fields.items()}
        connection = Connection(1, self.host, "127.0.0.1", 0.0, Attempt("a", 1))
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        return Request(method, f"/v1.0{target}", tuple(named.items()), content, connection, "", path, query)

    async def ask(self, target: str, method: str = "GET", **options: Any) -> Seen:
        """Ask for a path below the version, or for a whole link; `options` as `request` takes them."""
        reply = await self.graph.answer(self.request(method, target, **options), self.fault)
        return seen(reply)

    def errand(self, target: str, method: str = "GET", **options: Any) -> Errand:
        return self.graph.errand(self.request(method, target, **options))

    async def follow(self, link: str, **options: Any) -> tuple[list[Any], str, list[int]]:
        """Follow a round of delta pages; return all that was told, the delta link, and the sizes of the pages."""
        told: list[Any] = []
        sizes: list[int] = []
        while True:
            page = await self.ask(link, **options)
            assert page.status == 200, page.body
            told += page.value
            sizes.append(len(page.value))
            if "@odata.deltaLink" in page.json:
                assert "@odata.nextLink" not in page.json
                return told, page.json["@odata.deltaLink"], sizes
            link = page.json["@odata.nextLink"]


def seen(reply: Reply) -> Seen:
    assert isinstance(reply.body, bytes)
    return Seen(reply.status, dict(reply.headers), reply.body)


def fill(mailbox: Mailbox, count: int) -> None:
    """Deliver so many messages, one an hour, the newest an hour ago."""
    for number in range(count, 0, -1):
        mailbox.deliver(f"Report {number:02d}", received=NOW - timedelta(hours=number))


def subjects(entities: list[Any]) -> Iterator[str]:
    return (one["subject"] for one in entities)
