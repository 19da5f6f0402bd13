"""The control interface: who is served, what it does, and how it refuses."""

import asyncio
import itertools
import json
import random
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from prober.simulator.control import Control
from prober.simulator.faults.fault import Fault, Level, Occasion
from prober.simulator.faults.read import Incident
from prober.simulator.faults.shape import Shape
from prober.simulator.faults.weather import Weather
from prober.simulator.http.message import Fields, Reply, Request, split_target
from prober.simulator.http.server import Entrance, HttpProtocol
from prober.simulator.mailbox import FolderKind
from prober.simulator.service import Premises
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Attempt, Connection, Host
from tests.simulator.doorway import ALICE, PASSWORD, tenant_of_one

HERE = Host("127.0.0.1", "127.0.0.1", 0)
CATALOGUE = (
    Incident("S1", "All is slow", (Fault("delay", arguments={"seconds": 1}),), shape=Shape(decay_min=10)),
    Incident("D1", "Nothing is wrong", decoy=True),
)
OWN: Fields = (("host", "127.0.0.1:8080"),)


@dataclass(frozen=True, slots=True)
class Desk:
    """A control interface and what it controls."""

    control: Control
    weather: Weather
    premises: Premises

    async def ask(self, method: str, target: str, body: Any = b"", headers: Fields = OWN) -> Reply:
        """Send one request; what is not bytes goes as JSON."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        path, query = split_target(target)
        connection = Connection(1, HERE, "127.0.0.1", 0.0, Attempt("x", 1))
        return await self.control.answer(Request(method, target, headers, data, connection, "", path, query))

    async def told(self, method: str, target: str, body: Any = b"", status: int = 200) -> Any:
        """Send one request and return what it answers, which must have this status."""
        reply = await self.ask(method, target, body)
        assert isinstance(reply.body, bytes)
        assert reply.status == status, reply.body
        return json.loads(reply.body)

    def strikes(self, step: str = "list") -> Fault | None:
        """Return what happens to a command of `imap4`."""
        host = Host("ams1.contoso.example", "127.0.0.1", 993, "imaps", "imap4", "ams1", "eu")
        attempt = Attempt("imap4@ams1", next(NUMBERS), requests=9)
        return self.weather.strike(Occasion(host, attempt, "imap", steps=frozenset({step})), Level.REQUEST)


NUMBERS = itertools.count(1)


@pytest.fixture
def desk() -> Desk:
    tenant = tenant_of_one()
    premises = Premises(tenant, Doorkeeper(tenant), (HERE,))
    weather = Weather(tenant)
    return Desk(Control(tenant, weather, premises, premises.doorkeeper, CATALOGUE), weather, premises)


async def test_it_says_what_there_is(desk: Desk) -> None:
    """As text at the root, as data at /state, and without secrets."""
    reply = await desk.ask("GET", "/")
    assert isinstance(reply.body, bytes)
    assert b"PUT    /faults" in reply.body
    state = await desk.told("GET", "/state")
    assert [one["address"] for one in state["mailboxes"]] == [ALICE]
    assert (state["token_lifetime"], state["incidents"]) == (3599, [])
    assert PASSWORD not in json.dumps(state)
    assert "app-secret" not in json.dumps(state)


async def test_mail_is_delivered_and_entries_are_scheduled(desk: Desk) -> None:
    """Into the folder and at the age that is asked for."""
    made = await desk.told("POST", "/deliver", {"mailbox": ALICE.upper(), "subject": "Hi", "age_min": 60}, 201)
    mailbox = desk.premises.tenant.mailboxes[ALICE]
    item = mailbox.inbox.items[made["uid"]]
    age = (desk.premises.tenant.clocks.now() - item.received).total_seconds()
    assert (item.subject, 3600 <= age < 3610) == ("Hi", True)
    entry = {"mailbox": ALICE, "subject": "M", "start": "2026-05-01T09:00:00Z", "end": "2026-05-01T09:30:00Z"}
    made = await desk.told("POST", "/schedule", entry, 201)
    start = mailbox.folders[FolderKind.CALENDAR].items[made["uid"]].start
    assert start is not None
    assert start.isoformat() == "2026-05-01T09:00:00+00:00"


async def test_an_unknown_mailbox_is_told(desk: Desk) -> None:
    """With the one that is nearest."""
    told = await desk.told("POST", "/deliver", {"mailbox": "alic@contoso.example"}, 400)
    assert f"did you mean {ALICE!r}?" in told["errors"][0]


async def test_faults_replace_those_set_before(desk: Desk) -> None:
    """A list or one incident, JSON or YAML; what is set by other means stays."""
    desk.weather.begin(Incident("other"))
    await desk.told("PUT", "/faults", b"- {kind: imap_tagged, text: NO first, step: list}")
    await desk.told("PUT", "/faults", [{"kind": "imap_tagged", "text": "NO second", "step": "list"}])
    struck = desk.strikes()
    assert struck is not None
    assert struck.text("text") == "NO second"
    told = await desk.told("GET", "/faults")
    assert [one["text"] for one in told["faults"]] == ["NO second"]
    told = await desk.told("PUT", "/faults", {"id": "mine", "faults": [{"kind": "imap_bye"}]})
    assert [one.incident.id for one in desk.weather.running] == ["other", "mine"]
    assert await desk.told("DELETE", "/faults") == {"running": "", "faults": []}
    assert [one.incident.id for one in desk.weather.running] == ["other"]
    assert desk.strikes() is None


async def test_a_mistake_in_faults_changes_nothing(desk: Desk) -> None:
    """All mistakes are told by line, and those set before stay on."""
    await desk.told("PUT", "/faults", [{"kind": "imap_bye"}])
    told = await desk.told("PUT", "/faults", b"- {kind: dely}\n- {kind: delay}\n", 400)
    assert [line.split(": ")[0] for line in told["errors"]] == ["body:1:4", "body:2:3"]
    told = await desk.told("PUT", "/faults", b"- {kind: http, status: 503, body: 2026-01-01}", 400)
    assert "JSON cannot say" in told["errors"][0]
    assert desk.strikes() is not None
    await desk.told("PUT", "/faults", [])
    assert desk.strikes() is None


async def test_incidents_begin_and_end(desk: Desk) -> None:
    """One of the catalogue begins once, dies down as its shape says, or is over at once."""
    told = await desk.told("GET", "/incidents")
    assert [(one["id"], one["running"], one["decoy"]) for one in told] == [("S1", False, False), ("D1", False, True)]
    name = (await desk.told("POST", "/incidents/S1", {"scale": 60}, 201))["running"]
    await desk.told("POST", "/incidents/S1", b"", 409)
    assert desk.weather.running[0].scale == 60
    assert [one["running"] for one in await desk.told("GET", "/incidents")] == [True, False]
    assert await desk.told("DELETE", "/incidents/S1") == {"ended": [name]}
    (on,) = (await desk.told("GET", "/state"))["incidents"]
    assert (on["id"], on["ended"]) == ("S1", True)
    await desk.told("DELETE", "/incidents/S1", {"now": True})
    assert desk.weather.running == ()
    assert await desk.told("DELETE", "/incidents/S1") == {"ended": []}
    told = await desk.told("POST", "/incidents/S1x", b"", 404)
    assert "did you mean 'S1'?" in told["errors"][0]


async def test_strikes_are_told_from_where_one_left_off(desk: Desk) -> None:
    """By number."""
    await desk.told("PUT", "/faults", [{"kind": "imap_bye"}])
    desk.strikes()
    desk.strikes()
    assert [one["number"] for one in (await desk.told("GET", "/strikes"))["strikes"]] == [1, 2]
    told = await desk.told("GET", "/strikes?since=1")
    assert ([one["number"] for one in told["strikes"]], told["more"]) == ([2], False)
    await desk.told("GET", "/strikes?since=x", status=400)


async def test_the_lifetime_of_tokens_is_set(desk: Desk) -> None:
    """In whole seconds."""
    await desk.told("PUT", "/token-lifetime", {"seconds": 90})
    assert desk.premises.doorkeeper.lifetime == 90
    await desk.told("PUT", "/token-lifetime", {"seconds": 0}, 400)
    assert desk.premises.doorkeeper.lifetime == 90


@pytest.mark.parametrize(
    "headers",
    [
        (("host", "rebound.example:8080"),),
        (("host", "127.0.0.1.example"),),
        (("host", "localhost:80@example"),),
        (("host", ""),),
        (),
        (("host", "127.0.0.1:1"), ("host", "rebound.example")),
    ],
)
async def test_another_name_is_misdirected(desk: Desk, headers: Fields) -> None:
    """A page whose name was rebound to loopback reads nothing."""
    assert (await desk.ask("GET", "/state", headers=headers)).status == 421


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:9", "https://127.0.0.1:8080"])
async def test_pages_of_other_sites_do_nothing(desk: Desk, origin: str) -> None:
    """Not even what a browser sends without asking."""
    body = b'[{"kind": "imap_bye"}]'
    reply = await desk.ask("PUT", "/faults", body, (*OWN, ("origin", origin)))
    assert (reply.status, desk.weather.running) == (403, ())
    reply = await desk.ask("PUT", "/faults", body, (*OWN, ("origin", "http://127.0.0.1:8080")))
    assert reply.status == 200


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost:1", "[::1]:65535", "LOCALHOST"])
async def test_this_machine_has_three_names(desk: Desk, name: str) -> None:
    """With any port."""
    assert (await desk.ask("GET", "/state", headers=(("host", name),))).status == 200


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/incidents/", 404),
        ("GET", "/state/", 404),
        ("GET", "/incidents/S1", 405),
        ("POST", "/state", 405),
        ("PATCH", "/faults", 405),
        ("HEAD", "/state", 200),
    ],
)
async def test_paths_and_methods_are_kept_apart(desk: Desk, method: str, target: str, status: int) -> None:
    """Unknown ones are 404, wrong methods 405 with what would have been right."""
    reply = await desk.ask(method, target)
    assert reply.status == status
    assert ("Allow" in dict(reply.headers)) == (status == 405)


async def test_too_much_is_too_much(desk: Desk) -> None:
    """A megabyte is more than any order needs."""
    assert (await desk.ask("PUT", "/faults", b" " * 1_048_577)).status == 413


async def test_no_body_makes_it_stumble(desk: Desk) -> None:
    """Whatever is sent, the answer is an answer."""
    draw = random.Random(7)
    pieces = [*"[]{},:-\n\t \"'&*?!|>%@`", "kind", "delay", "id", "faults", "1", ".nan", "2026-01-01", "~", "\\ud800"]
    for _ in range(1500):
        body = "".join(draw.choices(pieces, k=draw.randint(1, 12))).encode()
        method, target = draw.choice(
            [("PUT", "/faults"), ("POST", "/deliver"), ("POST", "/schedule"), ("PUT", "/token-lifetime")]
        )
        assert (await desk.ask(method, target, body)).status in (200, 400), body


@pytest.fixture
async def url(desk: Desk) -> AsyncIterator[str]:
    entrance = Entrance(desk.control.answer, lambda host: Attempt(host.name, 1), lambda connection: None, lambda: 0.0)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: HttpProtocol(HERE, entrance, 1), "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    for connection in list(entrance.open):
        connection.close()
    await server.wait_closed()


async def test_an_independent_client_is_served(desk: Desk, url: str) -> None:
    """Over a real connection, with a body on DELETE as well."""

    def talk() -> tuple[int, int, Any]:
        begun = requests.post(f"{url}/incidents/S1", json={"scale": 2}, timeout=10)
        ended = requests.delete(f"{url}/incidents/S1", json={"now": True}, timeout=10)
        return begun.status_code, ended.status_code, requests.get(f"{url}/incidents", timeout=10).json()

    begun, ended, catalogue = await asyncio.to_thread(talk)
    assert (begun, ended, catalogue[0]["running"]) == (201, 200, False)
