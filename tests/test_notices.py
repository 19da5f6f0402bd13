"""The reader of Microsoft's notices in the composed prober, against the simulated tenant's Graph and token service."""

import asyncio
import dataclasses
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from prober.app import Service
from prober.clients import catalogue
from prober.listen import bind
from prober.model import Assignment, Outcome
from prober.notices import scopes
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.simulator.faults.fault import Fault
from prober.simulator.graph.service import Graph
from prober.simulator.http.message import Reply, Request
from prober.simulator.login.service import Login
from prober.simulator.service import Errand, Premises
from prober.simulator.tenant import Application, Site, Tenant
from prober.storage.store import Store
from prober.verdict import Judgement
from prober.vocabulary import Verdict
from tests.simulator.doorway import Doorway, doorway

READER = Application("1111", "Reader", "", "reader-secret", "", frozenset(), frozenset({"ServiceHealth.Read.All"}))
POOR = Application("2222", "Poor", "", "poor-secret", "", frozenset(), frozenset({"Mail.Read"}))
CONFIGURATION = """\
global: {{tls: {{ca_file: {ca}}}, interval: 200ms}}
credentials:
  reader:
    type: client_credentials
    client_id: "{client_id}"
    client_secret_file: secret
    token_url: {login}/contoso.example/oauth2/v2.0/token
targets:
  - name: exo
    environment: exchange_online
    region: eu
    endpoints: {{imap4: "imaps://127.0.0.1:1"}}
    clients: [{{client: imap4}}]
{section}"""
SECTION = "service_health: {{credential: reader, url: '{graph}/v1.0'}}\n"


class Tenancy:
    """Token service and Graph behind one door. `asked`: how often service health was asked for."""

    name = "graph"

    def __init__(self, premises: Premises) -> None:
        self.graph = Graph(premises)
        self.asked: list[Request] = []
        self._login = Login(premises)

    def errand(self, request: Request) -> Errand:
        return self._of(request).errand(request)

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        if "serviceannouncement" in request.path.lower():
            self.asked.append(request)
        return await self._of(request).answer(request, fault)

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        return self._of(request).throttled(request, status, retry_after)

    def _of(self, request: Request) -> Graph | Login:
        return self._login if "/oauth2/" in request.path else self.graph


@dataclasses.dataclass
class World:
    """The tenant, where the prober's files lie, and what its attempts came to."""

    way: Doorway
    tenancy: Tenancy
    folder: Path
    verdicts: list[Verdict] = dataclasses.field(default_factory=list)

    def announce(self, **said: Any) -> None:
        self.way.on_loop(lambda: self.tenancy.graph.announcements.announce(**said))

    def settings(self, application: Application = READER, section: str = SECTION, graph: str = "") -> Settings:
        """Return settings that read every 100 ms, as no configuration may."""
        (self.folder / "secret").write_text(application.secret)
        text = CONFIGURATION.format(
            ca=self.way.ca_file,
            login=self.way.url,
            client_id=application.client_id,
            section=section.format(graph=graph or self.way.url),
        )
        (self.folder / "prober.yml").write_text(text)
        made = load([self.folder / "prober.yml"], catalogue())
        if made.service_health is None:
            return made
        return dataclasses.replace(made, service_health=dataclasses.replace(made.service_health, interval=0.1))

    def hear(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        self.verdicts.append(judgement.verdict)

    async def run(self, settings: Settings, until: "Callable[[Pages], Awaitable[bool]]") -> "Pages":
        """Run the prober until its pages say what is waited for; return them as they were then."""
        service = Service(settings, catalogue(), Store.open(None), sinks=(self.hear,))
        sockets, stop = bind(["127.0.0.1:0"]), asyncio.Event()
        pages = Pages(service, sockets[0].getsockname()[1])
        serving = asyncio.create_task(service.serve(sockets, stop, 5.0))
        try:
            async with asyncio.timeout(20):
                while not await until(pages):  # noqa: ASYNC110 - what is waited for is what a page says
                    await asyncio.sleep(0.02)
        finally:
            stop.set()
            assert await asyncio.wait_for(serving, 20) == 0
        return pages


class Pages:
    """What the prober shows. The last answers are kept."""

    def __init__(self, service: Service, port: int) -> None:
        self.service = service
        self.status: dict[str, Any] = {}
        self.page = httpx.Response(404)
        self._base = f"http://127.0.0.1:{port}"

    async def look(self) -> Any:
        async with httpx.AsyncClient(base_url=self._base, trust_env=False) as client:
            self.page = await client.get("/")
            self.status = (await client.get("/api/v1/status")).json()
        return self.status.get("advisories")

    def value(self, name: str, **labels: str) -> float | None:
        return self.service.metrics.registry.get_sample_value(f"clientaccess_advisory_{name}", labels)

    def reads(self, result: str) -> float:
        return self.value("reads_total", result=result) or 0.0


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made: list[Tenancy] = []

    def make(premises: Premises) -> Tenancy:
        made.append(Tenancy(premises))
        return made[0]

    tenant = Tenant("contoso.example", [Site("ams1", "eu", "AMS")], applications=[READER, POOR])
    with doorway(tmp_path, make, tenant) as way:
        yield World(way, made[0], tmp_path)


def stamp(ago: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=ago)).isoformat()


def imap_notice(world: World) -> None:
    """Announce what EX1215307 was, published ten minutes ago."""
    world.announce(
        id="EX1215307",
        title="Some users are intermittently unable to access mailboxes with IMAP4",
        classification="advisory",
        startDateTime=stamp(86_400),
        lastModifiedDateTime=stamp(600),
        posts=({"createdDateTime": stamp(600), "description": {"content": "Looking into it."}},),
    )


async def test_a_notice_is_read_and_compared_with_what_fails_here(world: World) -> None:
    """Token service, Graph, filter, metrics, page and status data, as they are put together."""
    imap_notice(world)
    world.announce(id="TM1", title="Meetings in IMAP4", service="Microsoft Teams")
    world.announce(id="EX2", title="Long ago by IMAP4", isResolved=True, lastModifiedDateTime=stamp(200_000))

    async def matched(pages: Pages) -> bool:
        data = await pages.look()
        lead = pages.value("lead_seconds", service="Exchange Online", client="imap4")
        return lead is not None and bool(data["notices"][0]["possible_matches"])

    pages = await world.run(world.settings(), matched)
    (notice,) = pages.status["advisories"]["notices"]
    assert notice["id"] == "EX1215307"
    assert notice["possible_matches"][0]["signs"] == ["service", "client", "time"]
    lead = pages.value("lead_seconds", service="Exchange Online", client="imap4")
    assert lead is not None
    assert -700 < lead < -600
    assert pages.value("active", service="Exchange Online", client="imap4") == 1
    assert pages.value("active", service="Microsoft 365 suite", client="") == 0
    assert "possibly about what is seen here: EX1215307" in pages.page.text
    assert "form-action 'none'" in pages.page.headers["content-security-policy"]
    assert set(world.verdicts) == {Verdict.FAILED}
    first = world.tenancy.asked[0]
    assert first.header("user-agent").endswith("(emulates=service_health)")


async def test_a_missing_permission_is_said_once(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """However often Graph refuses (403)."""
    caplog.set_level(logging.WARNING)

    async def refused(pages: Pages) -> bool:
        return pages.reads("permission_missing") >= 3

    pages = await world.run(world.settings(POOR), refused)
    lines = [one.getMessage() for one in caplog.records if "ServiceHealth.Read.All" in one.getMessage()]
    assert len(lines) == 1
    assert pages.value("last_read_timestamp_seconds") == 0
    assert not any(secret in caplog.text for secret in (POOR.secret, "eyJ"))


async def test_a_dead_feed_changes_no_verdict_and_no_schedule(world: World) -> None:
    """The same attempts come to the same with a feed that cannot be reached, and without a reader."""

    async def tried(pages: Pages) -> bool:
        return len(world.verdicts) >= 3

    await world.run(world.settings(section=""), tried)
    without, world.verdicts = world.verdicts[:3], []

    async def tried_and_read(pages: Pages) -> bool:
        return len(world.verdicts) >= 3 and pages.reads("unreachable") >= 2

    await world.run(world.settings(graph="https://127.0.0.1:1"), tried_and_read)
    assert world.verdicts[:3] == without == [Verdict.FAILED] * 3


async def test_a_token_refused_to_the_reader_is_nobody_elses(world: World) -> None:
    """The judgement of attempts goes by what their own tokens came to: it hears nothing of the reader's."""
    wrong = dataclasses.replace(READER, secret="wrong")

    async def failed(pages: Pages) -> bool:
        return pages.reads("no_token") >= 2

    pages = await world.run(world.settings(wrong), failed)
    assert pages.service.assembly.judging._refused_tokens == set()
    failures = pages.service.metrics.registry.get_sample_value(
        "clientaccess_token_failures_total", {"credential": "reader", "reason": "auth_rejected"}
    )
    assert failures is not None
    assert failures > 0


async def test_without_the_section_nothing_is_read_shown_or_kept(world: World) -> None:
    async def looked(pages: Pages) -> bool:
        await pages.look()
        return len(world.verdicts) >= 2

    pages = await world.run(world.settings(section=""), looked)
    assert "advisories" not in pages.status
    assert "service health" not in pages.page.text
    assert world.tenancy.asked == []
    assert dict(pages.service._store.section("onsets")) == {}


@pytest.mark.parametrize(
    ("url", "resource"),
    [
        ("https://graph.microsoft.com/v1.0", "https://graph.microsoft.com"),
        ("https://graph.microsoft.us/v1.0", "https://graph.microsoft.us"),
        ("https://GRAPH.microsoft.us/v1.0", "https://graph.microsoft.us"),
        ("https://gateway.corp.example/v1.0", "https://graph.microsoft.com"),
    ],
)
def test_a_token_is_asked_for_the_cloud_that_is_read(url: str, resource: str) -> None:
    """A gateway before it is not a resource of its own."""
    assert scopes(url).app == f"{resource}/.default"
    assert re.match(re.escape(resource) + r"/ServiceHealth\.Read\.All ", scopes(url).delegated)
