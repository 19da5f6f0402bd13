"""Turns at a server: even gaps per (endpoint host, credential), with asyncio-throttle as the ceiling above them.

Rule of this file: waiting happens here, before an attempt reads its first clock, so it is lag and never latency.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Protocol

from asyncio_throttle.throttler import Throttler

from prober.timeline import Clock

Sleep = Callable[[float], Awaitable[object]]


class Ceiling(Protocol):
    """The part of a throttler that is used."""

    async def acquire(self) -> None:
        """Return when one more start is within the limit."""


class Pacer:
    """Gives out turns: at most `rate` per second on one lane, evenly spaced, and never above `ceiling` in one second.

    A lane is one endpoint host with one credential, as servers limit by both. The next free slot is
    `max(now, last + 1 / rate)`; whoever asks gets it at once and sleeps until it comes. With rate 2, three asking at
    10.0 go at 10.0, 10.5 and 11.0; one asking at 20.0 goes at 20.0: unused slots are not saved up.

    The throttler wakes its waiters every 10 ms and is no queue, hence the even gaps before it: it is reached by one
    waiter at a time, and makes one wait only where a blocked loop has let several slots pass at once.
    """

    def __init__(
        self,
        rate: float,
        ceiling: int,
        *,
        clock: Clock = time.monotonic,
        sleep: Sleep = asyncio.sleep,
        throttler: Callable[[int], Ceiling] = Throttler,
    ) -> None:
        self._gap = 1 / rate
        self._ceiling = ceiling
        self._clock = clock
        self._sleep = sleep
        self._throttler = throttler
        self._lanes: dict[tuple[str, str], Lane] = {}

    def configure(self, rate: float, ceiling: int) -> None:
        """Go by another `rate` and `ceiling` from now on; turns that were given out stay as they are."""
        self._gap = 1 / rate
        if ceiling != self._ceiling:
            self._ceiling = ceiling
            for lane in self._lanes.values():
                lane.ceiling = self._throttler(ceiling)

    async def turn(self, host: str, credential: str) -> float:
        """Return when the next attempt of `credential` at `host` may start: by how many seconds that came too late."""
        return await self.turn_on(self.lane(host, credential))

    async def turn_on(self, lane: "Lane") -> float:
        """Return when the next attempt on `lane` may start: by how many seconds that came too late."""
        now, late = self._clock(), 0.0
        slot = lane.free if lane.free > now else now
        lane.free = slot + self._gap
        if slot > now:
            await self._sleep(slot - now)
            late = max(0.0, self._clock() - slot)
        await lane.ceiling.acquire()
        return late

    def lane(self, host: str, credential: str) -> "Lane":
        """Return the lane of `credential` at `host`: one and the same for good."""
        lane = self._lanes.get((host, credential))
        if lane is None:
            lane = self._lanes[host, credential] = Lane(self._throttler(self._ceiling))
        return lane


class Lane:
    """The turns of one credential at one host: when the next one is `free`, and the `ceiling` above them."""

    __slots__ = ("ceiling", "free")

    def __init__(self, ceiling: Ceiling) -> None:
        self.ceiling = ceiling
        self.free = float("-inf")
