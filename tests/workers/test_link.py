"""The link: what is sent arrives whole and in order, and what does not is counted."""

import asyncio
import logging
import pickle
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import fields
from datetime import UTC, datetime
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
from prober.workers.link import HEAD, Link, Message, packed

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
JUDGEMENT = Judgement(Verdict.FAILED, TCP_REFUSED.reason, "tcp_refused", Domain.NETWORK, "because", timed=False)


class End:
    """One end, and what it has heard."""

    def __init__(self) -> None:
        self.heard: list[Message] = []
        self.new = asyncio.Event()
        self.lost = asyncio.Event()
        self.extra: list[Message] = []
        self.link = Link(self.hear, self.lost.set, self.besides)

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
    """A field that is new to a record would get lost otherwise."""
    for kind in (Outcome, StepResult, Fault, type(TCP_REFUSED), Certificate, Aside, Judgement):
        example = {Outcome: OUTCOME, Aside: ASIDE, StepResult: RESULT, Fault: FAULT, Certificate: RESULT.certificate}
        one = example.get(kind, JUDGEMENT if kind is Judgement else TCP_REFUSED)
        made, values = module.APART[kind](one)
        assert made is kind
        assert values == tuple(getattr(one, field.name) for field in fields(kind) if field.init)


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
