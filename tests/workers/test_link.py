"""The link: what is sent arrives whole and in order, and what does not is counted."""

import asyncio
import logging
import pickle
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from types import MappingProxyType
from typing import Any

import pytest

from prober.faults.taxonomy import TCP_REFUSED, Fault
from prober.model import Aside, Certificate, Outcome, StepResult
from prober.secret import Secret
from prober.verdict import Judgement
from prober.vocabulary import Domain, Phase, Verdict
from prober.workers import link as module
from prober.workers.link import HEAD, Link, Message, ProbersEnd, WorkersEnd, packed

FAULT = Fault(TCP_REFUSED, MappingProxyType({"errno": "ECONNREFUSED"}), Phase.CONNECT, 2.5)
RESULT = StepResult(
    "greeting",
    0.25,
    MappingProxyType({Phase.DNS: 0.125, Phase.CONNECT: 0.0625}),
    FAULT,
    MappingProxyType({"messages": 3}),
    Certificate(1.0, 2.0, "ab", verified=True),
)
ASIDE = Aside(None, MappingProxyType({"control": "well"}))
OUTCOME = Outcome("imap4", "hq", datetime(2026, 11, 30, 1, 2, 3, 456789, UTC), 0.5, (RESULT,), ("rest",), ASIDE)
NEVER = frozenset({"recording"})
"""Fields that the examples leave as they are: a recording is tested with the orders."""
JUDGEMENT = Judgement(Verdict.FAILED, TCP_REFUSED.reason, "tcp_refused", Domain.NETWORK, "because", timed=False)


class End:
    """One end, and what it has heard. With a bell it is a worker's."""

    def __init__(self, bell: socket.socket | None = None) -> None:
        self.heard: list[Message] = []
        self.new = asyncio.Event()
        self.lost = asyncio.Event()
        self.extra: list[Message] = []
        self.link = (
            Link(self.hear, self.lost.set, self.besides)
            if bell is None
            else WorkersEnd(self.hear, self.lost.set, self.besides, bell)
        )

    def hear(self, message: Message) -> None:
        if message[0] == "bad":
            raise ValueError("a text of somebody else's")
        self.heard.append(message)
        self.new.set()

    def besides(self) -> list[Message]:
        extra, self.extra = self.extra, []
        return extra

    async def until(self, count: int) -> list[Message]:
        async with asyncio.timeout(20):
            while len(self.heard) < count:
                self.new.clear()
                await self.new.wait()
        return self.heard


def _same(link: Link) -> Link:
    return link


@asynccontextmanager
async def ends() -> AsyncIterator[tuple[End, End]]:
    """Two ends of one link."""
    loop = asyncio.get_running_loop()
    pair = End(), End()
    for link, one in zip((pair[0].link, pair[1].link), socket.socketpair(), strict=True):
        await loop.create_unix_connection(partial(_same, link), sock=one)
    yield pair
    for end in pair:
        await end.link.close()


class Pair:
    """A worker's end and the prober's, and the end of the rope that rings there."""

    def __init__(self) -> None:
        self.bell, self.rope = socket.socketpair()
        self.worker = End(self.rope)
        self.prober = End()
        self.prober.link = ProbersEnd(self.prober.hear, self.prober.lost.set, self.bell)

    async def connect(self) -> None:
        loop = asyncio.get_running_loop()
        both = (self.worker.link, self.prober.link)
        for link, one in zip(both, socket.socketpair(), strict=True):
            await loop.create_unix_connection(partial(_same, link), sock=one)

    async def close(self) -> None:
        await self.worker.link.close()
        await self.prober.link.close()


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    """Both ends, after the first words: from then on the prober's rests."""
    both = Pair()
    await both.connect()
    both.worker.link.send("up")
    await both.prober.until(1)
    both.prober.heard.clear()
    yield both
    await both.close()


async def turns() -> None:
    """Let the loop do whatever it can do without waiting."""
    for _ in range(50):
        await asyncio.sleep(0)


def unpacked(frame: bytes) -> Any:
    assert HEAD.unpack_from(frame)[0] == len(frame) - HEAD.size
    return pickle.loads(frame[HEAD.size :])


def test_what_an_attempt_showed_arrives_as_it_was() -> None:
    """Equal in every field, read-only where it was, every word of the closed sets the very same object."""
    ((word, outcome, judgement),) = unpacked(packed([("attempt", OUTCOME, JUDGEMENT)]))
    assert (word, outcome, judgement) == ("attempt", OUTCOME, JUDGEMENT)
    assert outcome.aside == ASIDE
    assert isinstance(outcome.results[0].phases, MappingProxyType)
    assert next(iter(outcome.results[0].phases)) is Phase.DNS
    assert judgement.verdict is Verdict.FAILED
    assert judgement.reason is TCP_REFUSED.reason


def test_every_field_of_what_is_taken_apart_is_sent() -> None:
    """A field that is new to a record would get lost otherwise: the values differ from any default."""
    kind = replace(TCP_REFUSED, where=Domain.NETWORK)
    for one in (OUTCOME, RESULT, FAULT, kind, RESULT.certificate, ASIDE, JUDGEMENT):
        assert one is not None
        (sent,) = unpacked(packed([one]))  # type: ignore[list-item]  # a record by itself, in place of a message
        for name, field in type(one).__dataclass_fields__.items():
            assert getattr(sent, name) == getattr(one, name) != field.default or name in NEVER, name


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=2))])
def test_the_moment_of_an_attempt_arrives_to_the_microsecond(zone: timezone) -> None:
    """As a number or not: what arrives is the same moment of the same zone."""
    for microsecond in (0, 1, 499_999, 999_999):
        at = datetime(2199, 12, 31, 23, 59, 59, microsecond, zone)
        ((sent,),) = unpacked(packed([(replace(OUTCOME, started_at=at),)]))
        assert sent.started_at == at
        assert sent.started_at.utcoffset() == at.utcoffset()


def test_a_secret_is_handed_over_to_our_own_child_only() -> None:
    """By a link it goes; by any other pickle it does not."""
    assert unpacked(packed([("share", Secret("pass"))])) == [("share", Secret("pass"))]
    with pytest.raises(TypeError):
        pickle.dumps(Secret("pass"))


async def test_messages_arrive_in_order_as_one_frame() -> None:
    """What waits goes along with what is urgent, and what belongs to every frame comes last."""
    async with ends() as (here, there):
        here.link.later("lag", 1)
        here.link.send("attempt", 2)
        here.extra.append(("running", 3))
        assert await there.until(3) == [("lag", 1), ("attempt", 2), ("running", 3)]


async def test_a_frame_larger_than_any_buffer_arrives_whole() -> None:
    """It comes in pieces."""
    async with ends() as (here, there):
        here.link.send("share", "x" * 3_000_000)
        here.link.send("next")
        assert [len(message[-1]) for message in await there.until(2)] == [3_000_000, 4]


async def test_a_message_that_cannot_be_taken_in_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """It is said, without its text."""
    async with ends() as (here, there):
        here.link.send("bad")
        here.link.send("good")
        assert await there.until(1) == [("good",)]
    assert [record.getMessage() for record in caplog.records if record.levelno == logging.ERROR] == [
        "message bad could not be taken in: ValueError"
    ]


async def test_what_finds_no_room_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody does not read: outcomes are left out and counted, orders are not."""
    monkeypatch.setattr(module, "MOST", -1)
    async with ends() as (here, there):
        here.link.offer("attempt")
        here.link.send("order")
        assert here.link.dropped == 1
        assert await there.until(1) == [("order",)]


async def test_closing_sends_what_there_is_and_the_other_end_knows() -> None:
    """The last outcome is not lost; afterwards nothing is sent, and nothing breaks."""
    async with ends() as (here, there):
        here.link.send("attempt")
        await here.link.close()
        await asyncio.wait_for(there.lost.wait(), 20)
        assert there.heard == [("attempt",)]
        assert here.lost.is_set()
        here.link.send("late")
        here.link.flush()


async def test_outcomes_are_heard_when_it_rings(monkeypatch: pytest.MonkeyPatch) -> None:
    """They lie with the kernel until then, in order, however many turns they were said in."""
    monkeypatch.setattr(module, "REST", 3600.0)
    async with pair() as both:
        for number in range(3):
            both.worker.link.offer("attempt", number)
            await turns()
        assert both.prober.heard == []
        both.worker.link.send("ended", 3)
        assert await both.prober.until(4) == [("attempt", 0), ("attempt", 1), ("attempt", 2), ("ended", 3)]


async def test_it_rings_when_nothing_is_urgent_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a moment; and what goes with a frame can be urgent by itself."""
    monkeypatch.setattr(module, "REST", 0.0)
    async with pair() as both:
        both.worker.link.offer("attempt", 1)
        assert await both.prober.until(1) == [("attempt", 1)]
        monkeypatch.setattr(module, "REST", 3600.0)
        both.worker.link.offer("attempt", 2)
        assert isinstance(both.worker.link, WorkersEnd)
        both.worker.link.hurry()
        assert await both.prober.until(2) == [("attempt", 1), ("attempt", 2)]


async def test_what_was_told_survives_who_told_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody rings any more: the end of the bell does, and all is heard before it is known that the link is gone."""
    monkeypatch.setattr(module, "REST", 3600.0)
    async with pair() as both:
        for number in range(100):
            both.worker.link.offer("attempt", number, "x" * 500)
            await turns()
        assert both.prober.heard == []
        assert both.worker.link._transport is not None
        both.worker.link._transport.abort()
        both.rope.close()
        await asyncio.wait_for(both.prober.lost.wait(), 20)
        assert [message[1] for message in both.prober.heard] == list(range(100))


async def test_more_than_the_kernel_holds_arrives_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rest of a frame that is begun is read as it comes, ring or no ring."""
    monkeypatch.setattr(module, "REST", 3600.0)
    async with pair() as both:
        for number in range(40):
            both.worker.link.offer("attempt", number, "x" * 100_000)
        both.worker.link.send("ended")
        heard = await both.prober.until(41)
        assert [message[1] for message in heard[:-1]] == list(range(40))


async def test_who_is_told_something_need_not_ring() -> None:
    """The worker hears the prober at once, and both end in good order."""
    async with pair() as both:
        both.prober.link.send("look", 1)
        assert await both.worker.until(1) == [("look", 1)]
        both.worker.link.offer("attempt", 2)
        await both.worker.link.close()
        await asyncio.wait_for(both.prober.lost.wait(), 20)
        assert both.prober.heard == [("attempt", 2)]
        assert (both.bell.fileno(), both.rope.fileno()) == (-1, -1)
        both.worker.link.send("late")
        both.worker.link.flush()
