"""One attempt of an assignment at a time, whoever wants it: they share a device, and would harm each other.

Rule of this file: the schedule waits for one other at most. Those who ask besides it stand in a line of their own, and
only the first of that line stands in the schedule's.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager


class Alone:
    """Gives out assignments, by key, to one at a time.

    Who finds one free has it without a lock: almost every attempt does, and none waits for it.
    """

    def __init__(self) -> None:
        self._waiting: dict[str, deque[asyncio.Future[None]] | None] = {}  # by key that somebody has
        self._asked: dict[str, asyncio.Lock] = {}

    def busy(self, key: str) -> bool:
        """Whether somebody has it now."""
        return key in self._waiting

    def forget(self, keys: Iterable[str]) -> None:
        """Keep nothing of those that nobody has and nobody waits for: they are gone from the configuration."""
        for key in keys:
            if key in self._asked and not self._asked[key].locked():
                del self._asked[key]

    def take(self, key: str) -> bool:
        """Have it, if nobody has; return whether that is so. Who has it is to `leave` it."""
        if key in self._waiting:
            return False
        self._waiting[key] = None
        return True

    async def wait(self, key: str) -> None:
        """Wait, behind those who do already, until it is left, and have it then."""
        line = self._waiting[key]
        if line is None:
            line = self._waiting[key] = deque()
        turn = asyncio.get_running_loop().create_future()
        line.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if not turn.cancelled():  # it was left to this one in the same moment
                self.leave(key)
            raise

    def leave(self, key: str) -> None:
        """Let the next one have it; those who gave up waiting are passed over."""
        line = self._waiting[key]
        while line:
            turn = line.popleft()
            if not turn.cancelled():
                turn.set_result(None)
                return
        del self._waiting[key]

    @asynccontextmanager
    async def of(self, key: str) -> AsyncIterator[None]:
        """Have it while the block lasts, behind whoever asked before."""
        if not self.take(key):
            await self.wait(key)
        try:
            yield
        finally:
            self.leave(key)

    @asynccontextmanager
    async def besides(self, key: str) -> AsyncIterator[None]:
        """Have it while the block lasts, behind whoever asked besides the schedule before."""
        async with self._asked.setdefault(key, asyncio.Lock()), self.of(key):
            yield
