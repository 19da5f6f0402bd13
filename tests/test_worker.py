"""A worker: probes its share and tells of all of it; several of them are one prober, also when one is killed."""

import asyncio
import logging
import os
import signal
import socket
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import pytest

from prober import app, worker
from prober.assembly import device_id
from prober.clients import catalogue
from prober.faults.taxonomy import Reason
from prober.listen import bind
from prober.model import Assignment, Outcome
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.storage.store import Store
from prober.verdict import Judgement
from prober.vocabulary import Verdict
from prober.workers.link import WorkersEnd
from prober.workers.orders import Share
from tests.cli.program import Site, configuration
from tests.workers.test_link import End

ENOUGH = 60.0
TARGET = """\
  - name: site-{number}
    environment: exchange_server
    endpoints: {{imap4: "imaps://127.0.0.1:1"}}
    clients: [{{client: imap4, interval: 1s}}]
"""


def settings_of(folder: Path, control: str, targets: int = 2, *, workers: int = 1) -> Settings:
    file = configuration(folder, control, "".join(TARGET.format(number=number) for number in range(targets)))
    file.write_text(f"workers: {workers}\n{file.read_text()}  interval: 1s\n")
    return load([file], catalogue())


def share_of(settings: Settings, **sections: dict[str, str]) -> Share:
    return Share(settings, "an installation", sections, {}, 5.0, logging.INFO)


@pytest.fixture
def _own_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker takes the log of its process over: here that is the tests' own."""
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", list(root.handlers))
    monkeypatch.setattr(root, "level", root.level)


class Working:
    """A worker in this process, and the prober's end of the link to it."""

    def __init__(self) -> None:
        self.end = End()

    async def __aenter__(self) -> Self:
        ours, theirs = socket.socketpair()
        await asyncio.get_running_loop().create_unix_connection(lambda: self.end.link, sock=ours)
        self.bell, rope = socket.socketpair()
        self.task = asyncio.create_task(worker.work(theirs, rope))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.end.link.close()
        await asyncio.wait([self.task], timeout=ENOUGH)
        self.bell.close()

    async def until(self, word: str, *begin: Any) -> tuple[Any, ...]:
        """Return the first message of that word that begins so."""
        async with asyncio.timeout(ENOUGH):
            while True:
                for message in self.end.heard:
                    if message[: 1 + len(begin)] == (word, *begin):
                        return message
                self.end.new.clear()
                await self.end.new.wait()

    async def looked(self, number: int, key: str) -> tuple[Any, ...]:
        """Have a second look taken, again while a scheduled start comes between; return what is told of it."""
        async with asyncio.timeout(ENOUGH):
            while not any(message[:2] == ("again", key) for message in self.end.heard):
                self.end.heard[:] = [message for message in self.end.heard if message != ("ended", number)]
                self.end.link.send("look", number, key)
                await self.until("ended", number)
        return await self.until("again", key)

    async def ended(self) -> int:
        return await asyncio.wait_for(self.task, ENOUGH)


@pytest.mark.usefixtures("_own_log")
async def test_a_share_is_probed_and_told_of(tmp_path: Path) -> None:
    """The control at once, the rest in its time; with each outcome goes what is remembered because of it."""
    with Site() as site:
        settings = settings_of(tmp_path, site.url)
        async with Working() as working:
            working.end.link.send("share", share_of(settings))
            await working.until("up")
            _, key, outcome, judgement = await working.until("attempt", "control/control")
            assert (outcome.client, judgement.verdict) == ("control", Verdict.OK)
            records = (message[1].get("records", {}) for message in working.end.heard if message[0] == "kept")
            assert any(key in one for one in records)
            _, _, _, failed = await working.until("attempt", "imap4/site-0")
            assert failed.reason is Reason.CONNECT_REFUSED
            await working.until("standing")
            working.end.link.send("end", 5.0)
            assert await working.ended() == 0
        assert working.end.heard[-1] == ("running", 0)


@pytest.mark.usefixtures("_own_log")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux notes when the bytes of a stream came")
async def test_what_became_of_the_kernels_notes_is_told(tmp_path: Path) -> None:
    """How often, by result; once told, counting begins anew."""
    with Site() as site:
        settings = settings_of(tmp_path, site.url)
        routes = {name: replace(route, timestamps="kernel") for name, route in settings.routes.items()}
        async with Working() as working:
            working.end.link.send("share", share_of(replace(settings, routes=routes)))
            _, _, count = await working.until("noted")
            assert count > 0
            working.end.link.send("end", 5.0)
            assert await working.ended() == 0


@pytest.mark.usefixtures("_own_log")
async def test_it_does_as_it_is_told(tmp_path: Path) -> None:
    """A look, a probe with what passed, a level of the log; each is answered under its number."""
    async with Working() as working:
        working.end.link.send("share", share_of(settings_of(tmp_path, "http://127.0.0.1:1/")))
        await working.until("up")
        working.end.link.send("probe", 7, "imap4/site-0", 30.0, True)
        _, _, (outcome, judgement), text = await working.until("probed", 7)
        assert (outcome.target, judgement.reason) == ("site-0", Reason.CONNECT_REFUSED)
        assert "connect to imaps://127.0.0.1:1" in text
        await working.until("ended", 7)
        _, _, outcome, _ = await working.looked(8, "imap4/site-0")
        assert "connect to imaps://127.0.0.1:1" in "".join(outcome.aside.recording.lines())
        working.end.link.send("log", logging.ERROR)
        working.end.link.send("look", 9, "imap4/site-1")
        working.end.link.send("leave", 9)
        await working.until("ended", 9)
        assert logging.getLogger().level == logging.ERROR
        logging.getLogger("prober.x").error("gone %s", "wrong")
        assert await working.until("log", "prober.x") == ("log", "prober.x", logging.ERROR, "gone wrong")
        await working.until("distrusted", "control")


@pytest.mark.usefixtures("_own_log")
async def test_another_share_takes_the_place_of_the_first(tmp_path: Path) -> None:
    """Told before it works or later: what goes is not probed any more, what comes is, with what is known of it."""
    settings = settings_of(tmp_path, "http://127.0.0.1:1/", 3)
    first, second = (replace(settings, assignments=settings.assignments[some]) for some in (slice(1), slice(1, 3)))
    async with Working() as working:
        working.end.link.send("share", share_of(first))
        working.end.link.send("settings", 1, first, {})
        await working.until("ended", 1)
        await working.until("attempt", "imap4/site-0")
        working.end.link.send("settings", 2, second, {"device imap4/site-1": {"key": "word"}})
        await working.until("ended", 2)
        working.end.heard.clear()
        await working.until("attempt", "imap4/site-1")
        await working.until("attempt", "imap4/site-2")
        await working.until("attempt", "imap4/site-1")
        assert not any(message[:2] == ("attempt", "imap4/site-0") for message in working.end.heard)


@pytest.mark.usefixtures("_own_log")
async def test_it_ends_when_the_prober_is_gone(tmp_path: Path) -> None:
    """Before it has a share, and while it works: nobody could hear of anything."""
    async with Working() as idle:
        await idle.end.link.close()
        assert await idle.ended() == 0
    async with Working() as busy:
        busy.end.link.send("share", share_of(settings_of(tmp_path, "http://127.0.0.1:1/")))
        await busy.until("up")
        await busy.end.link.close()
        assert await busy.ended() == 0


@pytest.mark.usefixtures("_own_log")
async def test_one_that_breaks_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a line of the log, and by its exit code."""

    async def broken(_: object) -> None:
        raise RuntimeError("a bug in the loop")

    monkeypatch.setattr("prober.schedule.runner.Runner.run", broken)
    async with Working() as working:
        working.end.link.send("share", share_of(settings_of(tmp_path, "http://127.0.0.1:1/")))
        assert await working.ended() == 1
    assert any(message[0] == "log" and message[2] == logging.CRITICAL for message in working.end.heard)


async def test_what_others_were_told_holds_here(tmp_path: Path) -> None:
    """Devices are those of the installation; a wish for quiet and a failed control bind whoever hears of them."""
    settings = settings_of(tmp_path, "http://127.0.0.1:1/")
    one = settings.assignments[0]
    bell, rope = socket.socketpair()
    end = End(rope)
    assert isinstance(end.link, WorkersEnd)
    made = worker.Worker(share_of(settings), end.link)
    assert made.assembly.device(one).id == device_id("an installation", settings.vantage, one)
    key = next(iter(made.assembly.governor._parties.keys(one)))
    wish = '{"until": 9e9, "code": "http_429", "words": "this host", "strikes": 0}'
    made.hear(("wishes", {key: wish}))
    assert made.assembly.governor.holds(one)
    made.hear(("wishes", {key: None}))
    assert not made.assembly.governor.holds(one)
    made.hear(("distrusted", "control", float("inf")))
    assert made.assembly.judging._control_failed(one)
    await made.assembly.close()
    await end.link.close()
    bell.close()


class Heard:
    """A sink: how often each assignment was told of."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.new = asyncio.Event()

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        self.counts[assignment.key] += 1
        self.new.set()

    async def more(self, than: Counter[str], keys: list[str]) -> None:
        """Wait until each of `keys` was told of more often."""
        async with asyncio.timeout(ENOUGH):
            while any(self.counts[key] <= than[key] for key in keys):
                self.new.clear()
                await self.new.wait()


async def test_one_that_is_killed_costs_no_count_and_comes_back(tmp_path: Path) -> None:
    """Two processes, one `/metrics`, a target more meanwhile: counters go on, and at the end nobody is left."""
    with Site() as site:
        settings = settings_of(tmp_path, site.url, 6, workers=2)
        heard = Heard()
        service = app.Service(settings, catalogue(), Store.open(None), sinks=(heard,))
        stop = asyncio.Event()
        serving = asyncio.create_task(service.serve(bind(["127.0.0.1:0"]), stop, grace=10.0))
        everybody = [one.key for one in settings.assignments]
        await heard.more(Counter(), everybody)
        assert not service._probed_here(settings).assignments
        settings = settings_of(tmp_path, site.url, 7, workers=2)
        assert await service.reconfigure(settings) == ()
        everybody = [one.key for one in settings.assignments]
        await heard.more(Counter(), everybody)
        assert service._crew is not None
        before, pids = Counter(heard.counts), service._crew.pids
        assert len(pids) == 2
        os.kill(pids[0], signal.SIGKILL)
        await heard.more(before, everybody)
        after = service._crew.pids
        stop.set()
        assert await asyncio.wait_for(serving, ENOUGH) == 0
    assert pids[1] in after
    assert pids[0] not in after
    assert service._crew.pids == ()

    def value(name: str, **labels: str) -> float:
        return service.metrics.registry.get_sample_value(f"clientaccess_{name}", labels) or 0.0

    assert [value("worker_restarts_total", worker=number) for number in "01"] == [1.0, 0.0]
    assert value("inflight") == 0.0
    for one in settings.assignments:
        pair = {"client": one.client, "target": one.target.name}
        attempts = value("attempts_total", **pair)
        assert attempts == heard.counts[one.key]
        series = service.metrics.registry.collect()
        excluded = sum(
            sample.value
            for family in series
            for sample in family.samples
            if sample.name == "clientaccess_excluded_total" and pair.items() <= sample.labels.items()
        )
        assert attempts == value("counted_total", **pair) + excluded
