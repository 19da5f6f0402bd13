"""One attempt of an assignment at a time, whoever wants it: they share a device, and would harm each other.

Rule of this file: the schedule waits for one other at most. Those who ask besides it stand in a line of their own, and
only the first of that line stands in the schedule's.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager


class Alone:
    """Gives out assignments, by key, to one at a time."""

    def __init__(self) -> None:
        self._held: dict[str, asyncio.Lock] = {}
        self._asked: dict[str, asyncio.Lock] = {}

    def busy(self, key: str) -> bool:
        """Whether somebody has it now."""
        return key in self._held and self._held[key].locked()

    def forget(self, keys: Iterable[str]) -> None:
        """Keep nothing of those that nobody has and nobody waits for: they are gone from the configuration."""
        for key in keys:
            for locks in (self._held, self._asked):
                if key in locks and not locks[key].locked():
                    del locks[key]

    def of(self, key: str) -> AbstractAsyncContextManager[None]:
        """Return what to have it with while a block lasts."""
        held = self._held.get(key)
        if held is None:
            held = self._held[key] = asyncio.Lock()
        return held

    @asynccontextmanager
    async def besides(self, key: str) -> AsyncIterator[None]:
        """Have it while the block lasts, behind whoever asked besides the schedule before."""
        async with self._asked.setdefault(key, asyncio.Lock()), self.of(key):
            yield
