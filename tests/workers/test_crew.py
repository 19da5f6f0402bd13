"""The crew: what workers tell reaches whoever counts, and one that is gone costs what it had under way only."""

import asyncio
import logging
import socket
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from prober.faults.taxonomy import Reason
from prober.model import Assignment
from prober.schedule.attempts import NotStarted
from prober.schedule.channels import ChannelState
from prober.schedule.governor import HeldBack
from prober.settings.settings import Settings
from prober.storage.store import Store
from prober.workers import crew as module
from prober.workers.crew import Crew, Ears
from prober.workers.link import Message, WorkersEnd
from prober.workers.orders import Share, Standing
from tests.workers.test_link import JUDGEMENT, OUTCOME
from tests.workers.test_shares import assignment

ENOUGH = 20.0
HELD = HeldBack("imap4", "site-0", 2_000_000_000.0, "the server wants quiet", parked=True)

CHANNEL = ChannelState("imap4", "hq", 1.0, 2, 1, "read_timeout")


class Ear:
    """Hears everything, whatever it is called."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.new = asyncio.Event()

    def __getattr__(self, name: str) -> Callable[..., None]:
        def hear(*rest: Any, **named: Any) -> None:
            self.heard.append((name, *rest, *named.values()))
            self.new.set()

        return hear

    async def until(self, *expected: Any) -> None:
        async with asyncio.timeout(ENOUGH):
            while expected not in self.heard:
                self.new.clear()
                await self.new.wait()


class Process:
    """A worker in this process: one end of a link, and what it was told."""

    def __init__(self, pid: int, rope: socket.socket, *, obedient: bool) -> None:
        self.pid = pid
        self.obedient = obedient
        self.leaving: asyncio.Task[None] | None = None
        self.returncode: int | None = None
        self.told: list[Message] = []
        self.new = asyncio.Event()
        self.link = WorkersEnd(self.hear, lambda: self.end(0), tuple, rope)
        self.ended = asyncio.Event()

    def hear(self, message: Message) -> None:
        self.told.append(message)
        self.new.set()
        if message[0] == "end" and self.obedient:
            self.leaving = asyncio.create_task(self.link.close())

    async def until(self, word: str) -> Message:
        async with asyncio.timeout(ENOUGH):
            while not any(message[0] == word for message in self.told):
                self.new.clear()
                await self.new.wait()
        return next(message for message in self.told if message[0] == word)

    def end(self, code: int) -> None:
        if self.returncode is None:
            self.returncode = code
            self.ended.set()

    def kill(self) -> None:
        self.end(-9)
        self.leaving = asyncio.create_task(self.link.close())

    async def wait(self) -> int:
        await self.ended.wait()
        assert self.returncode is not None
        return self.returncode


class World:
    """A crew of two whose workers are here, and whose time is in our hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, refused: int = 0, obedient: bool = True) -> None:
        fleet = tuple(assignment(f"site-{number}") for number in range(8))
        control = replace(assignment("control", "control"), interval=60.0)
        names = [one.target.name for one in (*fleet, control)]
        self.settings = Settings(
            vantage="here",
            storage_path=None,
            assignments=(*fleet, control),
            credentials={},
            routes=dict.fromkeys(names),  # type: ignore[arg-type]  # who takes which way is not asked here
            token_route=None,  # type: ignore[arg-type]  # nor which way there is
            control_of=dict.fromkeys(names, "control"),
            control_interval=60.0,
            fingerprints={},
            workers=2,
        )
        self.store = Store.open(None)
        self.counts, self.tokens, self.push, self.attempts, self.again = Ear(), Ear(), Ear(), Ear(), Ear()
        self.lost = Ear()
        self.processes: list[Process] = []
        self.started = asyncio.Event()
        self.refused = refused
        self.obedient = obedient
        self.now = 1_000_000.0
        self.pauses: list[float] = []
        self.looks: asyncio.Queue[None] = asyncio.Queue()
        ears = Ears(self.counts, self.tokens, self.push, self.attempts.told, self.again.told, self.lost.told)
        self.crew = Crew(self.settings, self.store, ears, clock=self.time, wall=self.time, sleep=self.sleep)
        monkeypatch.setattr(self.crew, "_spawn", self.spawn)

    def time(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        if seconds == module.LOOK:
            await self.looks.get()
        else:
            self.pauses.append(seconds)

    async def spawn(self, theirs: socket.socket, rope: socket.socket) -> Process:
        if self.refused:
            self.refused -= 1
            raise OSError(11, "Resource temporarily unavailable")
        process = Process(1000 + len(self.processes), socket.socket(fileno=rope.detach()), obedient=self.obedient)
        self.processes.append(process)
        await asyncio.get_running_loop().create_unix_connection(
            lambda: process.link, sock=socket.socket(fileno=theirs.detach())
        )
        self.started.set()
        return process

    async def hired(self, count: int = 2) -> list[Process]:
        """Return the workers once there are so many, each with its share."""
        async with asyncio.timeout(ENOUGH):
            while len(self.processes) < count:
                self.started.clear()
                await self.started.wait()
        for process in self.processes[:count]:
            await process.until("share")
        return self.processes

    def share(self, process: Process) -> tuple[Assignment, ...]:
        share: Share = process.told[0][1]
        return share.settings.assignments


async def test_everything_that_is_told_reaches_who_counts_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each word, with the assignment itself in place of its key."""
    world = World(monkeypatch)
    world.crew.start(5.0)
    first, _ = await world.hired()
    one = world.share(first)[0]
    told: list[tuple[Ear, Message, tuple[Any, ...]]] = [
        (world.counts, ("scheduler_lag", 0.5), ("scheduler_lag", 0.5)),
        (world.counts, ("loop_lag", 0.25), ("loop_lag", 0.25)),
        (world.counts, ("noted", "used", 7), ("noted", "used", 7)),
        (world.tokens, ("requested", "user"), ("requested", "user")),
        (world.tokens, ("issued", "user", 9.0), ("issued", "user", 9.0)),
        (world.tokens, ("failed", "user", Reason.READ_TIMEOUT), ("failed", "user", Reason.READ_TIMEOUT)),
        (world.counts, ("missed", one.key, 3), ("missed", one, 3)),
        (world.counts, ("confirmed", one.key), ("confirmed", one)),
        (world.counts, ("dropped", 4), ("worker_dropped", 0, 4)),
        (world.push, ("crashed", one.key), ("crashed", one)),
        (world.push, ("held_back", one.key), ("held_back", one)),
        (world.push, ("push_session", one.key, 60.0), ("push_session", one, 60.0)),
        (world.push, ("push_disconnect", one.key, Reason.READ_TIMEOUT), ("push_disconnect", one, Reason.READ_TIMEOUT)),
        (world.push, ("notification_latency", one.key, 1.0), ("notification_latency", one, 1.0)),
        (world.push, ("marker_failed", one.key), ("marker_failed", one)),
        (world.again, ("again", one.key, OUTCOME, JUDGEMENT), ("told", one, OUTCOME, JUDGEMENT)),
        (world.lost, ("lost", one.key, OUTCOME, JUDGEMENT), ("told", one, OUTCOME, JUDGEMENT)),
        (world.attempts, ("attempt", one.key, OUTCOME, JUDGEMENT), ("told", one, OUTCOME, JUDGEMENT)),
    ]
    for _, message, _ in told:
        first.link.send(*message)
    first.link.send("attempt", "imap4/gone", OUTCOME, JUDGEMENT)
    for ear, _, expected in told:
        await ear.until(*expected)
    assert len(world.attempts.heard) == 1
    await world.crew.drain(5.0)


async def test_the_whole_configuration_is_shared_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every assignment once, its way out with it, and of the state what is its own."""
    world = World(monkeypatch)
    world.store.section("device imap4/site-0")["key"] = "word"
    world.store.section("records")["imap4/site-0"] = "{}"
    world.crew.start(5.0)
    both = await world.hired()
    assert sorted(one.key for process in both for one in world.share(process)) == sorted(
        one.key for one in world.settings.assignments
    )
    for process in both:
        share: Share = process.told[0][1]
        assert set(share.settings.routes) == {one.target.name for one in share.settings.assignments}
        assert share.installation == world.store.installation
        has = any(one.target.name == "site-0" for one in share.settings.assignments)
        assert share.sections.get("device imap4/site-0") == ({"key": "word"} if has else None)
        assert share.sections["records"] == {"imap4/site-0": "{}"}
    await world.crew.drain(5.0)


async def test_a_worker_that_is_gone_is_begun_anew_and_its_slots_are_missed(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What it had under way is taken back, what it remembered goes to the next, what came due meanwhile is counted."""
    world = World(monkeypatch)
    world.crew.start(5.0)
    first, second = await world.hired()
    one = world.share(first)[0]
    first.link.send("up", world.now)
    first.link.send("kept", {f"device {one.key}": {"key": "word", "old": None}})
    first.link.send("running", 3)
    await world.counts.until("inflight", 3)
    world.now += 600.0
    first.kill()
    third = (await world.hired(3))[2]
    assert world.counts.heard[-3:] == [("inflight", -3), ("worker_up", 0, False), ("worker_lost", 0)]
    assert world.share(third) == world.share(first)
    assert third.told[0][1].sections[f"device {one.key}"] == {"key": "word"}
    assert "worker 0 has ended with -9 and is begun anew" in caplog.text
    third.link.send("up", world.now)
    await world.counts.until("missed", one, 10)
    assert second.returncode is None
    await world.crew.drain(5.0)


async def test_pauses_double_until_one_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be started is tried again, ever later, up to a minute; one that worked a while begins soon."""
    world = World(monkeypatch, refused=9)
    world.crew._posts = world.crew._posts[:1]
    world.crew.start(5.0)
    (only,) = await world.hired(1)
    assert world.pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0, 60.0]
    world.now += 3600.0
    await only.link.close()
    await world.hired(2)
    assert world.pauses[-1] == 0.5
    await world.crew.drain(5.0)


async def test_one_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Six looks in a row that find it silent; one that speaks lives."""
    world = World(monkeypatch)
    world.crew.start(5.0)
    looking = asyncio.create_task(world.crew.run())
    first, second = await world.hired()
    for number in range(module.SILENT + 1):
        second.link.send("loop_lag", number)
        await world.counts.until("loop_lag", number)
        world.looks.put_nowait(None)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    assert first.returncode == -9
    assert second.returncode is None
    assert "worker 0 hangs and is ended" in caplog.text
    looking.cancel()
    await world.crew.drain(5.0)


async def test_what_concerns_everybody_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A control that failed, a server's wish for quiet: to the others, and to those who come later."""
    world = World(monkeypatch)
    world.crew.start(5.0)
    first, second = await world.hired()
    first.link.send("distrusted", "control", 99.0)
    first.link.send("kept", {"governor": {"app 1": "{}"}, "records": {"x": "y"}})
    assert await second.until("distrusted") == ("distrusted", "control", 99.0)
    assert await second.until("wishes") == ("wishes", {"app 1": "{}"})
    assert [message[0] for message in first.told] == ["share"]
    await second.link.close()
    third = (await world.hired(3))[2]
    share: Share = third.told[0][1]
    assert share.distrusted == {"control": 99.0}
    assert (share.sections["governor"], share.sections["records"]) == ({"app 1": "{}"}, {"x": "y"})
    await world.crew.drain(5.0)


async def test_a_second_look_and_a_probe_are_had_from_who_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked, answered; without its worker nobody waits."""
    world = World(monkeypatch)
    world.crew.start(5.0)
    first, _ = await world.hired()
    one = world.share(first)[0]
    assert world.crew.busy(one.key)
    assert await world.crew.on_demand(one, 5.0) is module.NOT_THERE
    await world.crew.second_look(one)
    first.link.send("up", world.now)
    await world.counts.until("worker_up", 0, True)
    assert not world.crew.busy(one.key)
    looking = asyncio.create_task(world.crew.second_look(one))
    _, number, key = await first.until("look")
    assert key == one.key
    first.link.send("ended", number)
    await asyncio.wait_for(looking, ENOUGH)
    probing = asyncio.create_task(world.crew.on_demand(one, 5))
    assert await first.until("probe") == ("probe", number + 1, one.key, 5.0, False)
    first.link.send("probed", number + 1, (OUTCOME, JUDGEMENT), "")
    first.link.send("ended", number + 1)
    assert await asyncio.wait_for(probing, ENOUGH) == (OUTCOME, JUDGEMENT)
    await world.crew.drain(5.0)


async def test_who_waits_is_answered_when_the_worker_is_gone_and_says_when_it_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody waits for ever, and nothing runs on for somebody who has gone."""
    world = World(monkeypatch)
    world.crew.start(5.0)
    first, _ = await world.hired()
    one = world.share(first)[0]
    first.link.send("up", world.now)
    await world.counts.until("worker_up", 0, True)
    leaving = asyncio.create_task(world.crew.second_look(one))
    _, number, _ = await first.until("look")
    leaving.cancel()
    assert await first.until("leave") == ("leave", number)
    asking = asyncio.create_task(world.crew.on_demand(one, 5.0))
    await first.until("probe")
    await first.link.close()
    answer = await asyncio.wait_for(asking, ENOUGH)
    assert isinstance(answer, NotStarted)
    await world.crew.drain(5.0)


async def test_who_is_held_back_is_known_until_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the worker last said; what ends by itself needs no word."""
    world = World(monkeypatch)
    world.crew.start(5.0)
    first, second = await world.hired()
    one, other = world.share(first)[0], world.share(second)[0]
    first.link.send("standing", Standing({one.key: HELD}, {"app": 1}, {"open_connections": 0.5}, (), 2.0, 1e6))
    second.link.send("standing", Standing({}, {"app": 2}, {"open_connections": 0.25}, (CHANNEL,), 3.0, 2e6))
    await world.counts.until("worker_uses", 0, 2.0, 1e6)
    await world.counts.until("worker_uses", 1, 3.0, 2e6)
    assert world.crew.held_back(one) == HELD
    assert (world.crew.until(one), world.crew.until(other)) == (HELD.until, 0.0)
    assert world.crew.quiet("app") == 2
    assert world.crew.budgets.fullest("open_connections") == 0.5
    assert ("mailbox", "open_connections") in world.crew.budgets.names
    assert list(world.crew.channels()) == [CHANNEL]
    world.now = HELD.until
    assert world.crew.held_back(one) is None
    first.link.send("standing", Standing({}, {}, {}, (), 2.5, 1e6))
    await world.counts.until("worker_uses", 0, 0.5, 1e6)
    await world.crew.drain(5.0)


async def test_the_log_is_one_and_its_level_everybodys(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Lines of workers are written by the prober, and who wants to see more sees more of them, too."""
    world = World(monkeypatch)
    world.crew.start(5.0)
    looking = asyncio.create_task(world.crew.run())
    first, _ = await world.hired()
    with caplog.at_level(logging.DEBUG):
        first.link.send("log", "prober.schedule.channels", logging.INFO, "100 % of it")
        first.link.send("loop_lag", 0.5)
        await world.counts.until("loop_lag", 0.5)
        assert ("prober.schedule.channels", logging.INFO, "100 % of it") in caplog.record_tuples
        world.looks.put_nowait(None)
        assert await first.until("log") == ("log", logging.DEBUG)
    looking.cancel()
    await world.crew.drain(5.0)


async def test_the_end_is_told_to_all_and_nobody_is_begun_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """They say what they still have to say, and go."""
    world = World(monkeypatch, obedient=False)
    world.crew.start(5.0)
    both = await world.hired()
    assert world.crew.pids == (1000, 1001)
    draining = asyncio.create_task(world.crew.drain(7.0))
    for process in both:
        assert await process.until("end") == ("end", 7.0)
        process.link.send("attempt", world.share(process)[0].key, OUTCOME, JUDGEMENT)
        await process.link.close()
    await asyncio.wait_for(draining, ENOUGH)
    assert len(world.attempts.heard) == 2
    assert len(world.processes) == 2
    assert not any(world.crew.pids)


async def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """When its time is over."""
    monkeypatch.setattr(module, "LEAVING", 0.01)
    world = World(monkeypatch, obedient=False)
    world.crew.start(0.0)
    both = await world.hired()
    await asyncio.wait_for(world.crew.drain(0.0), ENOUGH)
    assert [process.returncode for process in both] == [-9, -9]


async def test_another_configuration_is_shared_out_and_nobody_has_what_another_has_not_let_go(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """First everybody keeps what stays with it, then each has the whole of its share; what stays does not move."""
    world = World(monkeypatch)
    world.crew.start(5.0)
    both = await world.hired()
    before = {one.key: process for process in both for one in world.share(process)}
    new = assignment("site-new")
    fleet = (*world.settings.assignments[1:], new)
    names = [one.target.name for one in fleet]
    settings = replace(world.settings, assignments=fleet, routes=dict.fromkeys(names))  # type: ignore[arg-type]  # as above
    world.store.section(f"device {new.key}")["key"] = "word"
    configuring = asyncio.create_task(world.crew.configure(settings))
    for process in both:
        _, number, first, sections = await process.until("settings")
        assert {one.key for one in first.assignments} <= {one.key for one in world.share(process)}
        assert "imap4/site-0" not in {one.key for one in first.assignments}
        process.told = [message for message in process.told if message[0] != "settings"]
        process.link.send("ended", number)
    found: dict[str, Process] = {}
    for process in both:
        _, number, whole, sections = await process.until("settings")
        found |= {one.key: process for one in whole.assignments}
        assert (f"device {new.key}" in sections) == (found.get(new.key) is process)
        process.link.send("ended", number)
    await asyncio.wait_for(configuring, ENOUGH)
    assert sorted(found) == sorted(one.key for one in fleet)
    assert sum(found[key] is not process for key, process in before.items() if key in found) <= 1
    assert world.crew.busy("imap4/site-0")
    await world.crew.drain(5.0)
