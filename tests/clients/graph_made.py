"""A mailbox behind Graph, written out, and transactions of the clients that go that way."""

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from prober.exchange import Call, Flow, Headers, Reply, Wire
from prober.faults.taxonomy import FaultError
from prober.model import Assignment, Target
from prober.secret import Secret
from prober.sightings import Sightings
from prober.timeline import Timeline
from prober.transaction import Client, Device, Token, Transaction
from prober.vocabulary import Depth, Environment
from tests.protocols.graph.made import DELTA, GRAPH, answer, collection

HOST = "https://outlook.example.test"
CHALLENGE = (
    'Bearer client_id="00000002-0000-0ff1-ce00-000000000000", '
    'trusted_issuers="00000001-0000-0000-c000-000000000000@*", token_types="app_asserted_user_v1", '
    'authorization_uri="https://login.example.test/common/oauth2/authorize"'
)
REFUSED = Reply(401, Headers([("WWW-Authenticate", CHALLENGE), ("request-id", "0f9c2f5e-0000-4b1c-9b2f-3e2d1c0b9a88")]))
NEWEST = collection({"id": "1", "receivedDateTime": "2026-11-24T01:00:00Z"})
NOW = 1_795_482_060.0
"""2026-11-24T01:01:00Z."""
Said = Reply | FaultError
FREE = {"scheduleId": "x", "availabilityView": "0", "scheduleItems": []}


def discovered(protocol: str) -> Reply:
    return answer({"Protocol": protocol, "Url": f"{HOST}/{protocol}"})


class Web:
    """Implements `Session`. Each place has its answers in order; the last one stays."""

    def __init__(self, **answers: Said | Sequence[Said]) -> None:
        said: dict[str, Any] = {
            "autodiscover": discovered("any"),
            "challenge": REFUSED,
            "mailFolders": collection({"id": "1"}, {"id": "2"}),
            "delta": collection({"id": "1"}, delta_link=DELTA),
            "calendar": collection(delta_link=DELTA.replace("messages", "calendarView")),
            "newest": NEWEST,
            "canary": collection({"id": "1"}),
            "getSchedule": answer({"value": [FREE]}),
            **answers,
        }
        self.answers = {name: [one] if isinstance(one, Reply | FaultError) else [*one] for name, one in said.items()}
        self.asked: list[str] = []
        self.calls: list[Call] = []
        self.wires: list[Wire] = []
        self.opened = 1

    async def exchange(self, call: Call) -> Reply:
        name = place(call)
        self.asked.append(name)
        self.calls.append(call)
        waiting = self.answers[name]
        said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(said, FaultError):
            raise said
        return said

    async def open(self, call: Call) -> Flow:
        raise AssertionError(call.url)

    async def dial(self, url: str) -> Wire:
        return self.wires.pop(0)

    def channel_binding(self, url: str) -> bytes | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""


def place(call: Call) -> str:
    """Return what a request is for."""
    path, query = urlsplit(call.url).path, urlsplit(call.url).query
    if "autodiscover" in path or "detect" in path:
        return "autodiscover"
    if path.endswith("/calendar/getSchedule"):
        return "getSchedule"
    if "calendarView" in path:
        return "calendar"
    if path.endswith("/delta"):
        return "delta"
    if path.endswith("/messages"):
        return "canary" if "contains" in query else "newest"
    return "mailFolders" if path.endswith("/mailFolders") else "challenge"


class Person:
    """Implements `Identity`."""

    kind, username, bearer = "client_credentials", "probe@contoso.example", True

    async def password(self) -> Secret:
        raise AssertionError("no password is asked for")

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        return Token(Secret("t"), 3600, 1, cached=False)

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        return "Bearer t"

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        return None


def transaction(
    client: Client[Any],
    web: Web,
    *,
    depth: Depth = Depth.MAILBOX,
    memory: dict[str, str] | None = None,
    options: Any = None,
    steps: frozenset[str] = frozenset(),
    environment: Environment = Environment.EXCHANGE_ONLINE,
    canary: str | None = None,
    sightings: Sightings | None = None,
    endpoints: dict[str, str] | None = None,
    mailbox: str = "probe@contoso.example",
    clock: Callable[[], float] | None = None,
    wall: Callable[[], float] = lambda: NOW,
) -> Transaction:
    """Return a transaction without an IMAP endpoint, so that nothing waits, unless `endpoints` name one."""
    urls = {
        "autodiscover": f"{HOST}/autodiscover/autodiscover.json",
        "graph": GRAPH,
        "activesync": f"{HOST}/Microsoft-Server-ActiveSync",
        "ews": f"{HOST}/EWS/Exchange.asmx",
        "autodetect": f"{HOST}/detect",
        "outlook_service": f"{HOST}/outlookservice/ishxscapable",
        **(endpoints or {}),
    }
    target = Target("t", environment, mailbox, urls, canary=canary)
    credential = None if depth is Depth.REACH else "app"
    kind = "client_credentials" if credential else ""
    assignment = Assignment(client.name, target, depth, 120, 60, credential, kind, steps=steps, options=options)
    timeline = Timeline(clock) if clock else Timeline()
    person = None if depth is Depth.REACH else Person()
    return Transaction(
        assignment, web, timeline, Device("D", memory), person, sightings=sightings or Sightings(), wall=wall
    )
