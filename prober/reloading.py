"""Reads the configuration again, whoever asks for it: a signal, a page, a file that changed.

Rule of this file: one reading at a time, and a bad one changes nothing but a metric and the log.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol

from prober.settings.settings import ConfigurationError, Settings
from prober.timeline import Clock

LOG = logging.getLogger(__name__)
PERIOD = 5.0
"""Seconds between two looks at the files."""
SETTLED = 1.0
"""Seconds for which files must have stayed the same: what is still being written is not read."""
TOLD = 20
"""Mistakes that the log names, of however many there are."""

Look = Mapping[str, str]
Apply = Callable[[Settings], Awaitable[Sequence[str]]]
"""Puts settings in force, whole or not at all; returns what stands in the way, a line each."""
Sleep = Callable[[float], Awaitable[object]]


class Configuration(Protocol):
    """Where the configuration comes from. Both methods may run in a thread, one at a time."""

    def look(self) -> Look:
        """Return a mark of the content of each file that it is read from, through links."""

    def read(self) -> Settings:
        """Return what it says now. Raises `ConfigurationError`."""


class ReloadWatch(Protocol):
    """Who is told how reading went."""

    def reload(self, *, ok: bool, at: float) -> None:
        """The configuration was read at `at` (epoch seconds), and is in force or not."""


class Reloading:
    """Reads `configuration` when it is called, and while `watch` runs whenever a file of it has changed."""

    def __init__(
        self,
        configuration: Configuration,
        apply: Apply,
        told: ReloadWatch,
        *,
        wall: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._configuration = configuration
        self._apply = apply
        self._told = told
        self._wall = wall
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._known: Look = {}
        self._asked: set[asyncio.Task[Sequence[str]]] = set()

    async def __call__(self) -> Sequence[str]:
        """Read it and put it in force; return a line for each mistake, none when it is in force."""
        async with self._turn:
            mistakes = await self._reload()
        self._told.reload(ok=not mistakes, at=self._wall())
        for line in mistakes[:TOLD]:
            LOG.error("the configuration stays as it was: %s", line)
        return mistakes

    def soon(self) -> None:
        """Do the same, while nobody waits for it: a signal asked."""
        task = asyncio.create_task(self(), name="reload")
        self._asked.add(task)
        task.add_done_callback(self._asked.discard)

    async def watch(self) -> None:
        """Read it whenever it has changed, until cancelled. A change counts when two looks in a row agree about it."""
        self._known = await asyncio.to_thread(self._configuration.look)
        while True:
            await self._sleep(PERIOD)
            found = await asyncio.to_thread(self._configuration.look)
            if found == self._known:
                continue
            await self._sleep(SETTLED)
            if found == await asyncio.to_thread(self._configuration.look):
                LOG.info("the configuration has changed")
                await self()

    async def close(self) -> None:
        """End what is under way."""
        for task in self._asked:
            task.cancel()
        if self._asked:
            await asyncio.wait(self._asked)

    async def _reload(self) -> Sequence[str]:
        try:
            before = await asyncio.to_thread(self._configuration.look)
            self._known = before
            settings = await asyncio.to_thread(self._configuration.read)
            # Of what is named now for the first time, the mark is taken late; of all else, before it was read.
            after = await asyncio.to_thread(self._configuration.look)
            self._known = {name: before.get(name, mark) for name, mark in after.items()}
            return await self._apply(settings)
        except ConfigurationError as exc:
            return tuple(map(str, exc.problems))
        except Exception as exc:  # noqa: BLE001 - whatever breaks, the prober goes on as it was
            return (f"reading it failed: {type(exc).__name__}",)
