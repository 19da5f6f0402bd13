"""A running prober and another configuration, against the simulated tenant: what is the same is not touched."""

import asyncio
import contextlib
import dataclasses
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from prober.app import Service
from prober.clients import catalogue
from prober.clients.imap4_channel import HeldInbox
from prober.listen import bind
from prober.model import Assignment, Outcome
from prober.settings.inputs import Inputs
from prober.simulator.configuration import Wishes
from prober.simulator.layout import default_layout, found
from prober.simulator.simulator import Simulator
from prober.storage.store import Store
from prober.transaction import Transaction
from prober.verdict import Judgement
from prober.vocabulary import Verdict

ENOUGH = 30.0
INTERVAL = 1.0


class World:
    """A tenant, a prober of its mailboxes by IMAP, and the file that the prober reads."""

    def __init__(self, simulator: Simulator, folder: Path) -> None:
        self.simulator = simulator
        wishes = Wishes(clients=("imap4",), interval=60.0, push={"imap4": 0.0}, apart=True, notices=60.0)
        self.file = simulator.write_configuration(folder, wishes)
        self.document: dict[str, Any] = yaml.safe_load(self.file.read_text())
        for target in self.document["targets"]:
            for entry in target["clients"]:
                entry["interval"] = f"{int(INTERVAL * 1000)}ms"
        self.document["pacing"] = {"rate": 1000, "ceiling": 1000}
        self.write()
        self.opened: Counter[str] = Counter()
        self.waiting: set[str] = set()
        clients = {**catalogue()}
        clients["imap4"] = dataclasses.replace(clients["imap4"], held=lambda: Seen(self))
        inputs = Inputs([self.file], clients)
        settings = inputs.begin()
        self.heard: list[tuple[Assignment, Outcome, Judgement]] = []
        self.store = Store.open(None)
        self.service = Service(
            settings,
            clients,
            self.store,
            sinks=(lambda *told: self.heard.append(told),),
            configuration=inputs,
        )

    @property
    def names(self) -> list[str]:
        return [target["name"] for target in self.document["targets"]]

    def write(self) -> None:
        self.file.write_text(yaml.safe_dump(self.document))

    async def reload(self) -> Sequence[str]:
        assert self.service.reloading is not None
        return await self.service.reloading()

    def value(self, name: str, target: str, **labels: str) -> float | None:
        found: float | None = self.service.metrics.registry.get_sample_value(
            f"clientaccess_{name}", {"client": "imap4", "target": target, **labels}
        )
        return found

    def of(self, target: str) -> list[str]:
        """Return the series in which a target is named."""
        return [
            sample.name
            for family in self.service.metrics.registry.collect()
            for sample in family.samples
            if sample.labels.get("target") == target
        ]

    def attempts(self, target: str) -> int:
        return sum(outcome.target == target for _, outcome, _ in self.heard)

    async def until(self, true: Callable[[], bool]) -> None:
        async with asyncio.timeout(ENOUGH):
            while not true():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0.01)

    async def all_open(self) -> None:
        """Wait until every mailbox has been attempted and its channel is open."""
        await self.until(lambda: all(map(self.attempts, self.names)) and self.waiting >= set(self.names))

    def tokens(self) -> float:
        name = "clientaccess_token_requests_total"
        families = self.service.metrics.registry.collect()
        return sum(one.value for family in families for one in family.samples if one.name == name)

    def device(self, target: str) -> str:
        one = next(one for one in self.service._settings.assignments if one.key == f"imap4/{target}")
        return self.service.assembly.device(one).id


class Seen(HeldInbox):
    """A channel that is seen to be opened, and to wait."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self._world = world

    async def open(self, tx: Transaction) -> None:
        self._world.opened[tx.assignment.target.name] += 1
        await super().open(tx)

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        self._world.waiting.add(tx.assignment.target.name)
        try:
            return await super().wait(tx, seconds)
        finally:
            self._world.waiting.discard(tx.assignment.target.name)


@contextlib.asynccontextmanager
async def world(folder: Path, before: Callable[[World], None] = lambda _: None) -> AsyncIterator[World]:
    """A prober at work until the block ends; it must end well."""
    simulator = Simulator(found(default_layout()), folder)
    await simulator.start()
    made = World(simulator, folder)
    before(made)
    stop = asyncio.Event()
    serving = asyncio.create_task(made.service.serve(bind(["127.0.0.1:0"]), stop, 5.0))
    try:
        await made.until(lambda: made.service._ready)
        yield made
    finally:
        stop.set()
        assert await asyncio.wait_for(serving, ENOUGH) == 0
        await simulator.stop()


async def test_what_is_the_same_is_not_touched(tmp_path: Path) -> None:
    """One target goes, one comes, one changes: all others keep channel, token, counters and device."""
    async with world(tmp_path) as one:
        await one.all_open()
        first, changed, *kept, gone = one.names
        tokens, devices = one.tokens(), list(map(one.device, kept))
        counted = {name: one.value("attempts_total", name) or 0 for name in one.names}
        twin = {**one.document["targets"][0], "name": "twin"}
        one.document["targets"][1]["clients"][0]["timeout"] = "59s"
        one.document["targets"] = [*one.document["targets"][:-1], twin]
        one.write()
        assert await one.reload() == ()
        assert one.of(gone) == []
        assert list(map(one.device, kept)) == devices
        seen = {name: one.attempts(name) for name in one.names}
        await one.until(lambda: all(one.attempts(name) > seen[name] + 1 for name in one.names))
        await one.until(lambda: one.waiting == set(one.names))
        assert one.opened == {**dict.fromkeys((first, *kept, gone, "twin"), 1), changed: 2}
        assert all((one.value("attempts_total", name) or 0) > count for name, count in counted.items() if name != gone)
        assert one.tokens() == tokens
        assert one.of(gone) == []
        assert {judgement.verdict for _, _, judgement in one.heard} == {Verdict.OK}


async def test_a_bad_file_changes_nothing_but_a_metric(tmp_path: Path) -> None:
    """Empty, cut off, incomplete, beyond what can change: all goes on as it was, and says so until it is good again."""
    async with world(tmp_path) as one:
        settings, good = one.service._settings, one.file.read_text()
        value = one.service.metrics.registry.get_sample_value
        for bad in ("", good[: len(good) // 2], "targets:\n  - name: only\n", good.replace("vantage: ", "vantage: x")):
            one.file.write_text(bad)
            assert await one.reload() != ()
            assert value("clientaccess_config_last_reload_successful") == 0
            assert one.service._settings is settings
            one.file.write_text(good)
            assert await one.reload() == ()
            assert value("clientaccess_config_last_reload_successful") == 1
            settings = one.service._settings


async def test_who_gets_through_in_another_way_begins_anew_and_notices_are_read_as_configured(tmp_path: Path) -> None:
    """A channel along the old way is left; the reader of notices, its panel and its task go and come."""
    async with world(tmp_path) as one:
        await one.all_open()
        moved, *kept = one.names
        tokens, notices = one.tokens(), one.document.pop("service_health")
        one.document["targets"][0]["network"] = {"family": "ipv4"}
        one.write()
        assert await one.reload() == ()
        assert _reading() == []
        assert "advisories" not in [panel.name for panel in one.service._panels]
        seen = one.attempts(moved)
        await one.until(lambda: one.opened[moved] == 2 and moved in one.waiting and one.attempts(moved) > seen)
        assert {name: one.opened[name] for name in kept} == dict.fromkeys(kept, 1)
        assert one.value("scheduler_crashes_total", moved) == 0
        one.document["service_health"] = notices
        one.document["detector"] = {"second_looks": False}
        one.document["budgets"] = {"open_connections": 7}
        one.document["pacing"] = {"rate": 999, "ceiling": 999}
        one.write()
        assert await one.reload() == ()
        assert _reading() == ["service health"]
        assert "advisories" in [panel.name for panel in one.service._panels]
        assert one.service.detection.again is None
        assert one.opened[moved] == 2
        assert one.tokens() - tokens <= 2  # those of the reader


def _reading() -> list[str]:
    return [name for name in (task.get_name() for task in asyncio.all_tasks()) if name == "service health"]


async def test_a_hundred_reloads_in_a_row_lose_nothing(tmp_path: Path) -> None:
    """A target comes and goes while all others are probed: every attempt of theirs is counted, nothing is left over."""
    began: list[str] = []

    def spy(one: World) -> None:
        job = one.service._runner._job

        async def counted(assignment: Assignment, intended: float) -> None:
            began.append(assignment.target.name)
            await job(assignment, intended)

        one.service._runner._job = counted

    async with world(tmp_path, spy) as one:
        await one.all_open()
        without, kept = one.document["targets"], one.names
        with_another = [*without, {**without[0], "name": "another"}]
        opened, tokens, series = one.opened.copy(), one.tokens(), _series(one)
        tasks, descriptors = _lasting(), _descriptors()
        for number in range(100):
            one.document["targets"] = without if number % 2 else with_another
            one.write()
            assert await one.reload() == ()
        assert {name: one.opened[name] for name in kept} == opened
        assert one.tokens() == tokens

        def all_told(name: str) -> bool:
            running = {key.partition("/")[2] for key in one.service._runner.running}
            return began.count(name) - (name in running) == one.attempts(name) == one.value("attempts_total", name)

        for name in kept:
            await one.until(partial(all_told, name))  # an outcome is told of a moment later
            assert one.value("scheduler_crashes_total", name) == 0
        assert _series(one) == series
        await one.until(lambda: _lasting() == tasks)
        assert _descriptors() < descriptors + 50


def _series(one: World) -> set[str]:
    """Return all series that are there, but for those that come with what happens."""
    return {
        f"{sample.name}{sorted(sample.labels.items())}"
        for family in one.service.metrics.registry.collect()
        for sample in family.samples
        if sample.labels.get("target") == "another" or not family.name.startswith("clientaccess_detector")
    }


def _lasting() -> list[str]:
    """Return the names of the tasks that last."""
    names = (task.get_name() for task in asyncio.all_tasks())
    return sorted(name for name in names if name.startswith(("push ", "scheduling", "watching", "reload", "second")))


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
