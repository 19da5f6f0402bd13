"""Waiting for news, on a loop whose time is not waited for."""

import asyncio
import selectors
from collections.abc import AsyncIterator, Coroutine
from typing import Any, TypeVar

import pytest

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import CutOff
from prober.simulator.mailbox import FolderKind, Mailbox
from prober.simulator.mapi.contexts import Context, Contexts
from prober.simulator.mapi.waiting import Wait
from prober.simulator.tenant import Clocks

T = TypeVar("T")
PENDING = b"PENDING\r\n"


class Scene:
    """A mailbox, its session, and a wait."""

    def __init__(self) -> None:
        self.box = Mailbox("a@x.test", "ams1")
        self.now = 0.0
        self.contexts = Contexts(lambda: self.now)
        self.context: Context = self.contexts.open("a", "emsmdb", self.box)

    def pieces(self, fault: Fault | None = None) -> AsyncIterator[bytes]:
        return Wait(self.contexts, self.context, self.box, Clocks(wall=lambda: 0.0)).pieces(fault)


class Leap(selectors.DefaultSelector):
    """Never waits: what it would have waited for is over at once."""

    ahead = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.ahead += timeout or 0.0
        return super().select(0)


class Leaping(asyncio.SelectorEventLoop):
    """A loop on whose clock idle time passes at once."""

    def __init__(self) -> None:
        self._leap = Leap()
        super().__init__(self._leap)

    def time(self) -> float:
        return super().time() + self._leap.ahead


def run(work: Coroutine[Any, Any, T]) -> T:
    with asyncio.Runner(loop_factory=Leaping) as runner:
        return runner.run(work)


async def all_of(pieces: AsyncIterator[bytes]) -> list[bytes]:
    return [piece async for piece in pieces]


def pending(piece: bytes) -> int:
    """Return EventPending of the last piece."""
    body = piece.partition(b"\r\n\r\n")[2]
    assert body[:8] == bytes(8)
    assert body[12:] == bytes(4)
    return int.from_bytes(body[8:12], "little")


def test_a_quiet_mailbox_is_waited_for_five_minutes() -> None:
    """With a sign of life every fifteen seconds, and then no event."""
    first, *signs, last = run(all_of(Scene().pieces()))
    assert first == b"PROCESSING\r\n"
    assert signs == [PENDING] * 19
    assert last.startswith(b"DONE\r\nX-ResponseCode: 0\r\n")
    assert pending(last) == 0


async def test_a_delivery_ends_the_wait() -> None:
    """At once; the session is in use until then."""
    scene = Scene()
    pieces = scene.pieces()
    assert await anext(pieces) == b"PROCESSING\r\n"
    asyncio.get_running_loop().call_soon(scene.box.deliver, "news")
    assert scene.context.waiting == 1
    scene.now = 290.0
    assert [pending(piece) for piece in await all_of(pieces)] == [1]
    assert (scene.context.waiting, scene.context.used) == (0, 290.0)


async def test_news_that_a_command_has_collected_meanwhile_is_none() -> None:
    """The wait goes on until there is more."""
    scene = Scene()
    waiting = asyncio.ensure_future(all_of(scene.pieces()))
    await asyncio.sleep(0)
    scene.box.deliver("collected")
    scene.context.told = scene.box.sequence
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    scene.box.deliver("more")
    assert pending((await waiting)[-1]) == 1


async def test_what_happened_before_the_wait_is_told_first() -> None:
    """News that came since the session began, and each only once."""
    scene = Scene()
    scene.box.deliver("before")
    assert pending((await all_of(scene.pieces()))[-1]) == 1
    waiting = asyncio.ensure_future(all_of(scene.pieces()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    scene.box.mark_read(FolderKind.INBOX, 1)
    assert pending((await waiting)[-1]) == 1


def test_a_wait_that_is_dropped_ends_without_an_answer() -> None:
    """After as long as it is told, with signs of life until then."""
    told: list[bytes] = []

    async def listen() -> None:
        async for piece in Scene().pieces(Fault("push_drop", arguments={"after": 40})):
            told.append(piece)  # noqa: PERF401 - what came before it broke off counts

    with pytest.raises(CutOff):
        run(listen())
    assert told == [b"PROCESSING\r\n", PENDING, PENDING]


def test_a_wait_that_sees_nothing_says_so_in_good_order() -> None:
    """Though there is news."""
    scene = Scene()
    scene.box.deliver("unseen")
    _, *signs, last = run(all_of(scene.pieces(Fault("push_silent", arguments={"says": "no_change"}))))
    assert len(signs) == 19
    assert pending(last) == 0


async def test_a_silent_wait_gives_no_sign_of_life() -> None:
    """And goes on until the client leaves."""
    scene = Scene()
    scene.box.deliver("unseen")
    pieces = scene.pieces(Fault("push_silent"))
    assert await anext(pieces) == b"PROCESSING\r\n"
    waiting = asyncio.ensure_future(anext(pieces))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert scene.context.waiting == 0
