"""Lists at URLs in the composed prober, handed out by a real server: what is the same is not touched."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import pytest

from prober.app import Service
from prober.clients import catalogue
from prober.listen import bind
from prober.model import Assignment, Outcome
from prober.settings.inputs import SECTION, Inputs
from prober.settings.lists import key_of
from prober.storage.store import Store, glance
from prober.verdict import Judgement
from tests.discovery.made import ListServer

ENOUGH = 30.0
CANARY = "canary7f3a"
CONFIGURATION = """\
storage: {{path: state}}
detector: {{second_looks: false}}
pacing: {{rate: 1000, ceiling: 1000}}
discovery:
  http:
{lists}
{more}
"""
LIST = "    - {{url: '{url}', interval: 1h, timeout: 20s, token_file: token}}\n"


def entry(name: str, interval: str = "200ms", **more: object) -> dict[str, object]:
    """An entry that needs no server: its connections are refused, which counts."""
    return {
        "name": name,
        "environment": "exchange_server",
        "endpoints": {"imap4": "imaps://127.0.0.1:1"},
        "clients": [{"client": "imap4", "interval": interval}],
        **more,
    }


def as_list(*names: str) -> bytes:
    return json.dumps([entry(name) for name in names]).encode()


class World:
    """A prober whose lists are at `urls`. `heard`: by target, how many attempts ended."""

    def __init__(self, folder: Path, *urls: str, more: str = "") -> None:
        (folder / "token").write_text(CANARY)
        self.file = folder / "prober.yml"
        self.write(*urls, more=more)
        self.state = folder / "state"
        inputs = Inputs([self.file], catalogue())
        settings = inputs.begin(lambda path: glance(path, SECTION))
        self.heard: dict[str, int] = {}
        self.port = 0
        self.service = Service(
            settings,
            catalogue(),
            Store.open(settings.storage_path),
            sinks=(self.hear,),
            configuration=inputs,
        )

    def write(self, *urls: str, more: str = "") -> None:
        lists = "".join(LIST.format(url=url) for url in urls)
        self.file.write_text(CONFIGURATION.format(lists=lists, more=more) if urls else more)

    def hear(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        self.heard[outcome.target] = self.heard.get(outcome.target, 0) + 1

    @property
    def names(self) -> list[str]:
        return [one.target.name for one in self.service._settings.assignments]

    def value(self, name: str, **labels: str) -> float | None:
        return self.service.metrics.registry.get_sample_value(f"clientaccess_{name}", labels)

    def attempts(self, target: str) -> float:
        return self.value("attempts_total", client="imap4", target=target) or 0.0

    def good(self, source: str = "http[0]") -> float | None:
        return self.value("discovery_last_refresh_successful", source=source)

    def device(self, target: str) -> str:
        one = next(one for one in self.service._settings.assignments if one.target.name == target)
        return self.service.assembly.device(one).id

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(ENOUGH):
            while not true():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.01)

    async def round(self, index: int = 0) -> None:
        """Fetch a list now; its own turn comes in an hour."""
        reader = self.service._lists
        assert reader is not None
        await reader.round(self.service._settings.lists[index])

    async def page(self, path: str) -> str:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", trust_env=False) as client:
            return (await client.get(path)).text


@contextlib.asynccontextmanager
async def running(world: World) -> AsyncIterator[World]:
    """Let it work until the block ends; it must end well."""
    stop, sockets = asyncio.Event(), bind(["127.0.0.1:0"])
    world.port = sockets[0].getsockname()[1]
    serving = asyncio.create_task(world.service.serve(sockets, stop, 5.0))
    try:
        await world.until(lambda: world.service._ready)
        yield world
    finally:
        stop.set()
        assert await asyncio.wait_for(serving, ENOUGH) == 0


@pytest.fixture
def server() -> Iterator[ListServer]:
    with ListServer(as_list("a", "b")) as made:
        yield made


async def test_targets_come_and_go_with_a_list_and_the_others_do_not_notice(tmp_path: Path, server: ListServer) -> None:
    """Nothing is configured but a URL. A target that goes loses its own series, and nobody anything else."""
    async with running(World(tmp_path, server.url())) as world:
        await world.until(lambda: world.good() == 1 and min(world.attempts("a"), world.attempts("b")) > 0)
        assert world.value("discovery_targets", source="http[0]") == 2
        assert server.asked[0][1]["Authorization"] == f"Bearer {CANARY}"
        device, counted = world.device("a"), world.attempts("a")
        server.body = as_list("a", "c")
        await world.round()
        assert world.names == ["a", "c"]
        assert (world.device("a"), world.attempts("a") >= counted) == (device, True)
        before = world.attempts("a")
        await world.until(lambda: world.attempts("a") > before and world.attempts("c") > 0)
        assert world.attempts("a") == world.heard["a"]
        families = world.service.metrics.registry.collect()
        assert {one.labels.get("target") for family in families for one in family.samples} == {None, "a", "c"}
        await world.round()
        shown = await world.page("/config")
        assert "name: c" in shown
        assert "token_file: token" in shown
        assert CANARY not in shown + await world.page("/metrics") + await world.page("/api/v1/status")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps([entry("a", network={"connect_to": {"127.0.0.1": "192.0.2.1"}})]).encode(),
        json.dumps([entry("a", tls={"ca_file": "/etc/hostname"})]).encode(),
        json.dumps([entry("a", address_file="/etc/hostname")]).encode(),
        json.dumps([entry("a", endpoints={"imap4": "imaps://169.254.169.254"})]).encode(),
        json.dumps(
            [entry("a", mailbox="a@corp.example", clients=[{"client": "imap4", "credential": "user"}])]
        ).encode(),
        b"<html>",
        b" " * (2 << 20),
    ],
)
async def test_a_hostile_list_changes_nothing_but_a_metric(
    tmp_path: Path, server: ListServer, body: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """The credential is bound to a target of the configuration itself, and where that is, it stays."""
    more = (
        "credentials: {user: {type: basic, username: u, password_file: token}}\n"
        "targets:\n- {name: hq, environment: exchange_server, endpoints: {imap4: 'imaps://127.0.0.2:1'}, mailbox: "
        "hq@corp.example, clients: [{client: imap4, credential: user, interval: 1d}]}\n"
    )
    async with running(World(tmp_path, server.url(), more=more)) as world:
        await world.until(lambda: world.good() == 1)
        settings, server.body = world.service._settings, body
        await world.round()
        await world.round()
        assert world.service._settings is settings
        assert (world.good(), world.value("discovery_targets", source="http[0]")) == (0, 2)
        assert world.value("config_last_reload_successful") == 1
        assert caplog.text.count("the list discovery.http[0] stays as it was: ") == 1
        assert CANARY not in caplog.text
        server.body = as_list("a")
        await world.round()
        assert (world.good(), world.names) == (1, ["hq", "a"])
        assert settings.credentials["user"].hosts == ("127.0.0.2:1",)


async def test_a_redirect_is_a_bad_list(tmp_path: Path, server: ListServer) -> None:
    async with running(World(tmp_path, server.url())) as world:
        await world.until(lambda: world.good() == 1)
        server.answers["/targets"] = (302, {"Location": server.url("/other")}, b"")
        await world.round()
        assert (world.good(), world.names) == (0, ["a", "b"])
        assert {path for path, _ in server.asked} == {"/targets"}


async def test_the_last_good_list_comes_back_without_its_server(tmp_path: Path, server: ListServer) -> None:
    """From the state, in which no URL stands; with its own devices."""
    async with running(World(tmp_path, server.url())) as world:
        await world.until(lambda: world.good() == 1)
        device = world.device("b")
        server.body = b"["
        await world.round()
    kept = (tmp_path / "state" / "state.json").read_text()
    assert key_of("http", server.url()) in kept
    assert server.url() not in kept
    assert CANARY not in kept
    server.answers["/targets"] = (503, {}, b"")
    async with running(World(tmp_path, server.url())) as world:
        assert (world.names, world.device("b")) == (["a", "b"], device)
        await world.until(lambda: world.good() == 0 and world.attempts("a") > 0)
        assert world.value("discovery_last_refresh_timestamp_seconds", source="http[0]") is None


async def test_two_lists_are_two(tmp_path: Path, server: ListServer) -> None:
    """One that is bad does not keep the other from changing; a target may move from one to the other."""
    with ListServer(as_list("c")) as second:
        async with running(World(tmp_path, server.url(), second.url())) as world:
            await world.until(lambda: world.good() == world.good("http[1]") == 1)
            server.body, second.body = b"[", as_list("c", "d")
            await asyncio.gather(world.round(0), world.round(1))
            assert (world.good(), world.good("http[1]"), world.names) == (0, 1, ["a", "b", "c", "d"])
            server.body, second.body = as_list("a"), as_list("b", "c", "d")
            await world.round(1)
            assert (world.good("http[1]"), world.names) == (0, ["a", "b", "c", "d"])
            await world.until(lambda: world.attempts("b") > 0)
            before = world.attempts("b")
            await world.round(0)
            await world.round(1)
            assert (world.good(), world.good("http[1]"), world.names) == (1, 1, ["a", "b", "c", "d"])
            assert world.attempts("b") >= before


async def test_a_reload_of_the_section_has_lists_read_as_it_says(tmp_path: Path, server: ListServer) -> None:
    """Another list at once, none at all; a reload of anything else leaves the tasks alone."""
    with ListServer(as_list("c")) as second:
        async with running(World(tmp_path, server.url())) as world:
            await world.until(lambda: world.good() == 1)
            assert world.service.reloading is not None
            tasks = _reading()
            server.body = b"["
            await world.round()
            world.write(server.url(), more="budgets: {open_connections: 7}\n")
            assert await world.service.reloading() == ()
            assert (_reading(), world.names, world.good()) == (tasks, ["a", "b"], 0)
            world.write(second.url())
            assert await world.service.reloading() == ()
            assert world.names == []
            await world.until(lambda: world.names == ["c"] and world.good() == 1)
            assert len(_reading()) == 1
            assert _reading() != tasks
            world.write(more=f"storage: {{path: state}}\ntargets: [{json.dumps(entry('hq'))}]\n")
            assert await world.service.reloading() == ()
            assert (_reading(), world.names, world.good()) == (set(), ["hq"], None)


def _reading() -> set[asyncio.Task[object]]:
    return {task for task in asyncio.all_tasks() if task.get_name().startswith("discovery ")}


async def test_a_broken_configuration_does_not_keep_lists_from_changing(tmp_path: Path, server: ListServer) -> None:
    """They come beside the one that is in force."""
    async with running(World(tmp_path, server.url())) as world:
        await world.until(lambda: world.good() == 1)
        world.file.write_text("targets: [")
        assert world.service.reloading is not None
        assert await world.service.reloading() != ()
        server.body = as_list("a", "b", "c")
        await world.round()
        assert (world.names, world.good()) == (["a", "b", "c"], 1)
        assert world.value("config_last_reload_successful") == 0


async def test_it_ends_while_a_server_hangs(tmp_path: Path, server: ListServer) -> None:
    """And is ready before its first list is there."""
    server.open.clear()
    async with running(World(tmp_path, server.url())) as world:
        await world.until(lambda: bool(server.asked))
        assert await world.page("/-/ready") == "ready\n"
        assert (world.names, world.good()) == ([], None)


async def test_with_workers_the_prober_alone_fetches(tmp_path: Path, server: ListServer) -> None:
    """Targets of a list are shared out among them like all others."""
    async with running(World(tmp_path, server.url(), more="workers: 2\n")) as world:
        await world.until(lambda: world.good() == 1 and min(world.attempts("a"), world.attempts("b")) > 0)
        server.body = as_list("b", "c")
        await world.round()
        await world.until(lambda: world.attempts("c") > 0)
        assert world.names == ["b", "c"]
        assert len(server.asked) == 2
