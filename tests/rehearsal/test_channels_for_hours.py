"""Every push channel held for two hours over the simulated tenant, through drops, resets, silence and ends of tokens.

The two hours pass in seconds: the loop's clock jumps to the next timer as soon as no socket has anything to say.
"""

import asyncio
import gc
import logging
import random
import select
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from prober.app import Unwatched
from prober.assembly import Assembly
from prober.clients import catalogue
from prober.faults.taxonomy import Reason
from prober.model import Assignment
from prober.net.stream import Stream
from prober.protocols.imap.session import Conversation
from prober.rehearsal.clock import Accelerated
from prober.schedule.channels import MARGIN, Channels, _Session
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.simulator.configuration import Wishes
from prober.simulator.document import read
from prober.simulator.faults.read import Incident, read_faults
from prober.simulator.http.server import reset
from prober.simulator.layout import DOMAIN, Layout, Place, found
from prober.simulator.simulator import Simulator
from prober.simulator.tenant import Clocks, Site
from prober.storage.store import Store
from prober.transaction import Client, Held, Marking, Transaction

pytestmark = pytest.mark.long(30)

HOURS = 2 * 3600.0
HOLD, LIFE, MARKER = 240.0, 2400.0, 420.0
TOKENS = 1500
"""Seconds that a token lives: several of them end while a channel is held."""
PATIENCE = 0.0015
"""Real seconds in which a socket of this machine has certainly said what it has to say."""
PROMPT = 35.0
"""Seconds within which a channel has to tell of a delivery, or be lost: what a look at the end of a hold lets pass."""
SILENCE = frozenset({"silent", "missed"})
"""How the codes end by which a channel is called lost that is open and does not tell."""

WAYS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name, client in catalogue().items() if client.held is not None),
    ("activesync", {"channel": "sync"}),
]


class Hours:
    """Real time, and on top of it all the time in which nobody had anything to do."""

    def __init__(self) -> None:
        self.skipped = 0.0
        self.loop: Accelerated | None = None

    def real(self) -> float:
        return time.monotonic() + self.skipped

    def pause(self, descriptor: int, seconds: float | None) -> None:
        at_work = self.loop is not None and self.loop._at_work > 0
        wait = seconds if at_work or seconds is None else min(PATIENCE, seconds)
        ready = select.select([descriptor], [], [], 10.0 if wait is None else wait)[0]
        if not ready and not at_work and seconds is not None:
            self.skipped += max(0.0, seconds - PATIENCE)


class Notes:
    """Takes down what channels tell: when, what, and the rest. Implements `PushWatch`."""

    def __init__(self) -> None:
        self.events: list[tuple[float, str, Any]] = []
        self.begun: list[float] = []

    def _note(self, what: str, told: Any = None) -> None:
        self.events.append((asyncio.get_running_loop().time(), what, told))

    def push_session(self, assignment: Assignment, seconds: float) -> None:
        self._note("session", seconds)

    def push_disconnect(self, assignment: Assignment, reason: Reason) -> None:
        self._note("loss", reason)

    def notification_latency(self, assignment: Assignment, seconds: float) -> None:
        self._note("latency", seconds)

    def marker_failed(self, assignment: Assignment) -> None:
        self._note("marker failed")

    def held_back(self, assignment: Assignment) -> None:
        self._note("held back")

    def crashed(self, assignment: Assignment) -> None:
        self._note("crashed")

    def news(self) -> None:
        self._note("news")

    def times(self, what: str) -> list[float]:
        return [at for at, said, _ in self.events if said == what]

    def told(self, what: str) -> list[Any]:
        return [told for _, said, told in self.events if said == what]


class Tenancy:
    """A tenant of one mailbox, and the channel of one client in it."""

    def __init__(self, client: str, options: dict[str, Any], folder: Path, loop: Accelerated) -> None:
        self.client, self.options, self.folder, self.loop = client, options, folder, loop
        place = Layout(sites=(Site("ams1", "eu", "AMS"),), mailboxes=(Place(f"probe@{DOMAIN}", "ams1"),))
        self.simulator = Simulator(found(place, Clocks(loop.time, loop.wall)), folder)
        self.simulator.premises.doorkeeper.lifetime = TOKENS
        self.notes = Notes()
        self.losses_due: list[tuple[float, str]] = []
        self.silences: list[float] = []
        self.deliveries: list[float] = []

    async def run(self) -> None:
        await self.simulator.start()
        assembly = self._assembly(settings := self._settings())
        channels = self._channels(settings, assembly)
        assert len(channels) == 1
        channels.start()
        await self._trouble(random.Random(self.client))
        await channels.drain()
        await assembly.close()
        await asyncio.sleep(1.0)
        self.left_open = len(self.simulator._http.open) + len(self.simulator._imap.open)
        await self.simulator.stop()
        await asyncio.sleep(1.0)

    def _settings(self) -> Settings:
        """Read the tenant's configuration, with the client's channel and markers on."""
        file = self.simulator.write_configuration(self.folder, Wishes(clients=(self.client,)))
        document = yaml.safe_load(file.read_text())
        for target in document["targets"]:
            for entry in target["clients"]:
                entry["push"] = {"hold": f"{HOLD:g}s", "life": f"{LIFE:g}s", "marker": f"{MARKER:g}s"}
                entry["options"] = self.options
        file.write_text(yaml.safe_dump(document))
        return load([file], catalogue())

    def _assembly(self, settings: Settings) -> Assembly:
        return Assembly(
            settings,
            catalogue(),
            Store.open(None),
            watch=Unwatched(),
            tell=lambda *_: None,
            lagged=lambda _: None,
            clock=self.loop.time,
            wall=self.loop.wall,
        )

    def _channels(self, settings: Settings, assembly: Assembly) -> Channels:
        client = catalogue()[self.client]
        return Channels(
            settings.assignments,
            {**catalogue(), self.client: replace(client, held=self._made(client))},
            assembly.open,
            pacer=assembly.pacer,
            governor=assembly.governor,
            judging=assembly.judging,
            health=assembly.health,
            watch=self.notes,
            clock=self.loop.time,
        )

    def _made(self, client: Client[Any]) -> Callable[[], Held]:
        """Return the client's channels, their openings and their news noted."""
        made: Any = client.held
        notes = self.notes

        class Noted(made):  # type: ignore[misc]  # whatever class the client has
            def __init__(self) -> None:
                notes.begun.append(asyncio.get_running_loop().time())
                super().__init__()

            async def wait(self, tx: Transaction, seconds: float) -> bool:
                told: bool = await super().wait(tx, seconds)
                if told:
                    notes.news()
                return told

        return Noted

    # What goes wrong

    async def _trouble(self, chance: random.Random) -> None:
        """Let something happen every few minutes, each kind several times, until the hours are over."""
        end = self.loop.time() + HOURS
        kinds = ["drop", "reset", "silence", "delivery"] * 3
        chance.shuffle(kinds)
        for kind in kinds:
            await asyncio.sleep(chance.uniform(60.0, 200.0))
            await getattr(self, f"_{kind}")(chance)
        await asyncio.sleep(max(0.0, end - self.loop.time()))

    async def _delivery(self, chance: random.Random) -> None:
        self._deliver()

    def _deliver(self) -> None:
        mailbox = next(iter(self.simulator.tenant.mailboxes.values()))
        mailbox.deliver("News")
        self.deliveries.append(self.loop.time())

    async def _drop(self, chance: random.Random) -> None:
        after = chance.randint(0, 2)
        if await self._struck({"kind": "push_drop", "after": after}):
            self.losses_due.append((self.simulator.weather.strikes[-1].at + after, "push_drop"))

    async def _silence(self, chance: random.Random) -> None:
        if await self._struck({"kind": "push_silent"}):
            self.silences.append(self.loop.time())
            self._deliver()

    async def _reset(self, chance: random.Random) -> None:
        """Cut every connection there is, as a restarting gateway does."""
        if self.notes.begun and self._is_open():
            self.losses_due.append((self.loop.time(), "reset"))
        lines: list[Any] = [*self.simulator._http.open, *self.simulator._imap.open]
        for line in lines:
            reset(line._transport)

    def _is_open(self) -> bool:
        return bool(self.simulator._http.open or self.simulator._imap.open)

    async def _struck(self, fault: dict[str, Any]) -> bool:
        """Let a fault befall the next hold; return whether there was one before long."""
        document = read(yaml.safe_dump([{**fault, "client": self.client, "once": True}]), "row")
        weather = self.simulator.weather
        before = len(weather.strikes)
        name = weather.begin(Incident(fault["kind"], faults=read_faults(document.data, document)))
        for _ in range(int(LIFE)):
            await asyncio.sleep(1.0)
            if len(weather.strikes) > before:
                break
        weather.end(name, now=True)
        return len(weather.strikes) > before


@contextmanager
def playing(client: str, options: dict[str, Any], folder: Path) -> Iterator[tuple[Tenancy, set[str]]]:
    """Play the two hours; give what came of them, and the tasks that were left."""
    hours = Hours()

    def loop() -> Accelerated:
        hours.loop = Accelerated(1, real=hours.real, pause=hours.pause)
        return hours.loop

    with asyncio.Runner(loop_factory=loop) as runner:
        running = runner.get_loop()
        assert isinstance(running, Accelerated)
        tenancy = Tenancy(client, options, folder, running)
        runner.run(tenancy.run())
        yield tenancy, {task.get_name() for task in asyncio.all_tasks(running)}


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def living(*kinds: type) -> int:
    gc.collect()
    return sum(isinstance(one, kinds) for one in gc.get_objects())


def check_losses(tenancy: Tenancy) -> None:
    """Every loss that was due was noticed within one heartbeat, and none came without a cause."""
    losses = tenancy.notes.times("loss")
    for at, kind in tenancy.losses_due:
        assert any(at - 1.0 <= loss <= at + HOLD + MARGIN for loss in losses), (kind, at, tenancy.notes.events)
    causes = [*(at for at, _ in tenancy.losses_due), *tenancy.silences]
    for loss in losses:
        assert any(at - 1.0 <= loss <= at + HOLD + MARGIN for at in causes), (loss, causes)


def check_deliveries(tenancy: Tenancy) -> None:
    """Every delivery was told of at once, or its silence was called a loss within one heartbeat."""
    notes = tenancy.notes
    for at in tenancy.deliveries:
        told = any(at <= news <= at + PROMPT for news in notes.times("news"))
        assert told or any(at <= loss <= at + HOLD + MARGIN for loss in notes.times("loss")), (at, notes.events)


def check_return(tenancy: Tenancy) -> None:
    """After every loss there is a new session before long, and every session was opened."""
    notes = tenancy.notes
    for loss in notes.times("loss"):
        assert any(loss <= begun <= loss + 20.0 for begun in notes.begun), (loss, notes.begun)
    assert len(notes.told("session")) == len(notes.begun) - 1
    assert not notes.told("crashed")


def check_markers(tenancy: Tenancy) -> None:
    """Markers were left all the while by whoever can, and told of as soon as they were there."""
    make = catalogue()[tenancy.client].held
    if make is None or not isinstance(make(), Marking):
        assert not tenancy.notes.told("latency")
        return
    latencies = tenancy.notes.told("latency")
    assert len(latencies) >= 5
    assert max(latencies) < PROMPT


@pytest.mark.parametrize(
    ("client", "options"), WAYS, ids=lambda one: one if isinstance(one, str) else one.get("channel", "default")
)
def test_a_channel_survives_two_hours_of_trouble(
    client: str,
    options: dict[str, Any],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Every loss is classified, noticed within one heartbeat and made good; markers are timed; nothing is left over."""
    monkeypatch.setattr("prober.simulator.simulator.TENDING", 30.0)
    caplog.set_level(logging.INFO, "prober.schedule.channels")
    before = descriptors(), living(Stream, Transaction, Conversation, _Session)
    with playing(client, options, tmp_path) as (tenancy, tasks):
        assert set(tenancy.notes.told("loss")) == {Reason.PUSH_CHANNEL_LOST}
        for check in (check_losses, check_deliveries, check_return, check_markers):
            check(tenancy)
        assert (tenancy.left_open, tasks) == (0, set())
    codes = [record.getMessage().rpartition(" ")[2] for record in caplog.records]
    assert any(code.endswith(tuple(SILENCE)) for code in codes), codes
    del tenancy
    assert (descriptors(), living(Stream, Transaction, Conversation, _Session)) == before
