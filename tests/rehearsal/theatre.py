"""A stage for one attempt at a time: a tenant of one mailbox and the real prober for it, on one accelerated loop."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

import pytest
import yaml

from prober.app import Unwatched
from prober.assembly import Assembly
from prober.clients import catalogue
from prober.model import Assignment, Outcome
from prober.observe.transcript import Transcript, private
from prober.rehearsal.clock import Accelerated
from prober.schedule.attempts import Tell
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.simulator.configuration import Wishes
from prober.simulator.document import read
from prober.simulator.faults.read import Incident, read_faults
from prober.simulator.layout import DOMAIN, Layout, Place, found
from prober.simulator.mailbox import Mailbox
from prober.simulator.simulator import Simulator
from prober.simulator.tenant import Clocks, Site
from prober.storage.store import Store
from prober.verdict import Judgement

R = TypeVar("R")
SHORT_LIFE = 30
"""Seconds a token lives in rows about tokens: longer than an attempt, shorter than the pause between two."""


SITES = (Site("ams1", "eu", "AMS"),)
LONG = {"activesync": "ping", "outlook_desktop": "notification_wait"}
"""Optional steps that take longer than an attempt should, by client."""
NEWS = frozenset({"idle_hold", "ping", "notify_wait", "stream_wait", "notification_wait"})
"""Steps that wait for news."""
OBJECTIVE = 18.0
"""Seconds within which an attempt should be done: not much less than the 22 that a row of the matrix is late by. At
sixty times the pace they are 0.3 s of a processor that others use, too, for whose sake nothing must be slow."""
MARKER = "k4d8fy2wcanary"


class Theatre:
    """One mailbox, in which a canary sits, at one site; with more `sites`, one at each."""

    def __init__(self, folder: Path, sites: tuple[Site, ...] = SITES) -> None:
        self._runner = asyncio.Runner(loop_factory=lambda: Accelerated(60))
        loop = self._runner.get_loop()
        assert isinstance(loop, Accelerated)
        self._loop = loop
        self._folder = folder
        places = tuple(Place(f"probe{number or ''}@{DOMAIN}", site.name) for number, site in enumerate(sites))
        layout = Layout(sites=sites, mailboxes=places)
        self.simulator = Simulator(found(layout, Clocks(loop.time, loop.wall)), folder)
        self.mailbox.deliver(f"Canary {MARKER}")
        self._runner.run(self.simulator.start())
        clients = [name for name in catalogue() if name != "control"]
        file = self.simulator.write_configuration(folder, Wishes(clients, objective=OBJECTIVE))
        self.settings = load([_changed(file, canary=False, long=False)], catalogue())
        self.with_canary = load([_changed(file, canary=True, long=False)], catalogue())
        self.waiting = load([_changed(file, canary=False, long=True)], catalogue())
        bare = self.simulator.write_configuration(folder, Wishes(clients, objective=OBJECTIVE, steps=False))
        self.plain = load([_changed(bare, canary=False, long=False)], catalogue())

    @property
    def mailbox(self) -> Mailbox:
        """The one there is."""
        return next(iter(self.simulator.tenant.mailboxes.values()))

    def assembly(self, settings: Settings, store: Store | None = None) -> Assembly:
        """Return a prober that has never done anything, or remembers what is in `store`."""
        return Assembly(
            settings,
            catalogue(),
            store or Store.open(None),
            watch=Unwatched(),
            tell=lambda *_: None,
            lagged=lambda _: None,
            record=lambda one: Transcript(self._loop.time, private(one)),
            clock=self._loop.time,
            wall=self._loop.wall,
        )

    def run(self, scene: Coroutine[Any, Any, R]) -> R:
        """Play a scene on the theatre's loop."""
        return self._runner.run(scene)

    def play(self, client: str, fault: dict[str, Any], *, cold: bool = False) -> tuple[Outcome, Judgement]:
        """Let all be well once, then let `fault` strike; return what the prober makes of it. `cold`: at once."""
        return self._runner.run(self._play(client, fault, cold=cold))

    async def _play(self, client: str, fault: dict[str, Any], *, cold: bool) -> tuple[Outcome, Judgement]:
        settings = self._for(fault)
        control, assignment = (assigned(settings, name) for name in ("control", client))
        of_tokens = fault["kind"] == "token_error" and fault.get("step") != "token_client"
        self.simulator.premises.doorkeeper.lifetime = SHORT_LIFE if of_tokens else 3599
        assembly = self.assembly(settings)
        if not cold:
            outcome, judgement = await assembly.attempts.by_hand(assignment)
            assert judgement.verdict.value in ("ok", "slow"), (outcome, judgement)
        if of_tokens:
            await asyncio.sleep(SHORT_LIFE + 10)
        await assembly.attempts.by_hand(control)
        try:
            self.begin(fault | {"client": client})
            return await assembly.attempts.by_hand(assignment)
        finally:
            await self.clear()
            await assembly.close()

    def together(self, faults: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Outcome, Judgement]]:
        """Let each fault strike its client, all at once; return what a prober to which all was well makes of it.

        The control has a prober of its own: its failure would be held against the others.
        """
        return self._runner.run(self._together(faults))

    async def _together(self, faults: Mapping[str, Mapping[str, Any]]) -> dict[str, tuple[Outcome, Judgement]]:
        settings = self.waiting if any(one.get("step") in NEWS for one in faults.values()) else self.settings
        self.simulator.premises.doorkeeper.lifetime = 3599
        memory = await self._memory_of(settings)
        probers = {False: self.assembly(settings, memory()), True: self.assembly(settings, memory())}
        try:
            for client, fault in faults.items():
                self.begin({**fault, "client": client})
            attempts = (probers[name == "control"].attempts.by_hand(assigned(settings, name)) for name in faults)
            return dict(zip(faults, await asyncio.gather(*attempts), strict=True))
        finally:
            await self.clear()
            for prober in probers.values():
                await prober.close()

    async def _memory_of(self, settings: Settings) -> Callable[[], Store]:
        """Let all be well once for every client; return who opens what is remembered of it, each time anew."""
        folder = self._folder / f"memory-{'waiting' if settings is self.waiting else 'usual'}"
        if not folder.exists():
            store = Store.open(str(folder))
            prober = self.assembly(settings, store)
            attempts = (prober.attempts.by_hand(one) for one in settings.assignments)
            for outcome, judgement in await asyncio.gather(*attempts):
                assert judgement.verdict.value in ("ok", "slow"), (outcome, judgement)
            await prober.close()
            store.close()
        return lambda: Store.copy(str(folder))

    def rounds(self, incidents: Iterable[Incident], count: int, tell: Tell) -> None:
        """Let incidents go on while a prober to which all was well runs `count` attempts of everybody, all at once."""
        self._runner.run(self._rounds(incidents, count, tell))

    async def _rounds(self, incidents: Iterable[Incident], count: int, tell: Tell) -> None:
        memory = await self._memory_of(self.settings)
        prober = self.assembly(self.settings, memory())
        try:
            for incident in incidents:
                self.simulator.weather.begin(incident)
            for _ in range(count):
                ones = [one for one in self.settings.assignments if one.client != "control"]
                for one, found in zip(ones, await asyncio.gather(*map(prober.attempts.by_hand, ones)), strict=True):
                    tell(one, *found)
        finally:
            await self.clear()
            await prober.close()

    def _for(self, fault: dict[str, Any]) -> Settings:
        if fault.get("step") in LONG.values():
            return self.waiting
        return self.with_canary if fault.get("step") == "canary" else self.settings

    def begin(self, fault: dict[str, Any]) -> None:
        """Let a fault begin that is written as in a file of scenarios."""
        document = read(yaml.safe_dump([fault]), "row")
        self.simulator.weather.begin(Incident("row", faults=read_faults(document.data, document)))

    async def clear(self) -> None:
        """Let all be well again."""
        self.simulator.weather.clear()
        self.simulator._tend()
        await asyncio.gather(*self.simulator._reopening)

    def close(self) -> None:
        """Take it down."""
        self._runner.run(self.simulator.stop())
        self._runner.close()


def assigned(settings: Settings, client: str) -> Assignment:
    """Return the assignment of a client."""
    return next(one for one in settings.assignments if one.client == client)


def _changed(file: Path, *, canary: bool, long: bool) -> Path:
    """Write the configuration again: with a canary to look for, or with the steps that take whole minutes."""
    document = yaml.safe_load(file.read_text())
    if canary:
        document["targets"][0]["canary"] = MARKER
    if long:
        document["global"]["timeout"] = "6m"
        for client in document["targets"][0]["clients"]:
            client["steps"] = [LONG[client["client"]]] if client["client"] in LONG else []
    other = file.with_name(f"prober-{canary}-{long}.yml")
    other.write_text(yaml.safe_dump(document))
    return other


@pytest.fixture(scope="module")
def theatre() -> Iterator[Theatre]:
    """One for all tests of a file."""
    with TemporaryDirectory() as folder:
        made = Theatre(Path(folder))
        yield made
        made.close()
