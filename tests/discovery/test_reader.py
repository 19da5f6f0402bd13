"""The tasks that fetch: what becomes of a list is told, and its trouble once."""

import asyncio
import contextlib
import logging

import pytest

from prober.discovery.fetching import FetchError
from prober.discovery.reader import QUIET, ListReader
from prober.settings.settings import HttpList
from tests.discovery.made import listed

ONE = listed("http://lists.corp.example/")


class World:
    """A server that hands out `data`, or fails; a prober that finds `trouble` with it; a clock, and who is told."""

    def __init__(self, sleeps: int = 0) -> None:
        self.data: bytes | Exception = b"[]"
        self.trouble = ""
        self.now = 1000.0
        self.offered: list[tuple[str, bytes]] = []
        self.told: list[tuple[str, bool, float]] = []
        self.slept: list[float] = []
        self._sleeps = sleeps
        self.reader = ListReader([ONE], self.fetch, self.offer, self, wall=lambda: self.now, sleep=self.sleep)

    async def fetch(self, one: HttpList) -> bytes:
        if isinstance(self.data, Exception):
            raise self.data
        return self.data

    async def offer(self, url: str, data: bytes) -> str:
        self.offered.append((url, data))
        return self.trouble

    def refreshed(self, label: str, *, ok: bool, at: float) -> None:
        self.told.append((label, ok, at))

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > self._sleeps:
            await asyncio.Event().wait()


async def test_what_is_fetched_is_offered_and_told() -> None:
    world = World()
    await world.reader.round(ONE)
    assert world.offered == [(ONE.url, b"[]")]
    assert world.told == [("http[0]", True, 1000.0)]


@pytest.mark.parametrize("error", [FetchError("was answered with status 302"), RuntimeError("canary7f3a")])
async def test_whatever_goes_wrong_is_told_and_nothing_is_offered(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    """A bug of ours is told by its type alone."""
    world = World()
    world.data = error
    await world.reader.round(ONE)
    assert (world.offered, world.told) == ([], [("http[0]", False, 1000.0)])
    assert "the list discovery.http[0] stays as it was: " in caplog.text
    assert "canary7f3a" not in caplog.text


async def test_trouble_is_logged_once_and_its_end_too(caplog: pytest.LogCaptureFixture) -> None:
    """However often it is met; a list that is bad in another way every minute is logged every ten."""
    caplog.set_level(logging.INFO)
    world = World()
    for number in range(100):
        world.trouble, world.now = f"discovery.http[0]:{number}:1: is empty", 1000.0 + 60.0 * number
        await world.reader.round(ONE)
    assert caplog.text.count("stays as it was") == 6000.0 / QUIET
    world.trouble = ""
    await world.reader.round(ONE)
    await world.reader.round(ONE)
    assert caplog.text.count("the list discovery.http[0] is good again") == 1
    assert len(caplog.records) == 6000.0 / QUIET + 1


async def test_a_list_is_fetched_at_once_and_then_at_its_interval() -> None:
    world = World(sleeps=2)
    world.reader.start()
    async with asyncio.timeout(10):
        while len(world.slept) < 3:  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0)
    await world.reader.close()
    assert (len(world.offered), world.slept) == (3, [60.0] * 3)


async def test_it_ends_in_the_middle_of_a_fetch() -> None:
    """Which nobody waits for."""
    world, entered = World(), asyncio.Event()

    async def hang(one: HttpList) -> bytes:
        entered.set()
        await asyncio.Event().wait()
        return b""

    reader = ListReader([ONE, ONE], hang, world.offer, world)
    reader.start()
    await asyncio.wait_for(entered.wait(), 10)
    await reader.close()
    with contextlib.suppress(asyncio.CancelledError):
        await reader.close()
    assert world.told == []
