"""Reads the configuration again, whoever asks for it: a signal, a page, a file that changed, a list that was fetched.

Rule of this file: one reading at a time, and a bad one changes nothing but a metric and the log.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Protocol

from prober.settings.lists import ListState
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
    """Where the configuration comes from. What looks and reads may run in a thread, one at a time."""

    def look(self) -> Look:
        """Return a mark of the content of each file that it is read from, through links."""

    def read(self) -> Settings:
        """Return what it says now. Raises `ConfigurationError`."""

    def refresh(self) -> Settings | None:
        """Return what the one in force says with the lists that were fetched, if that is news.

        Raises `ConfigurationError`.
        """

    def in_force(self) -> None:
        """What was read last is in force."""

    @property
    def lists(self) -> Sequence[ListState]:
        """How the lists of targets that it names are gone by."""

    def fetched(self, url: str, data: bytes) -> bool:
        """Take in such a list; return whether it has not been tried yet."""

    def trouble(self, url: str) -> str:
        """Return what is wrong with the newest of a list that was fetched, in one line."""

    def keep(self, section: MutableMapping[str, str]) -> None:
        """Keep the last good lists in `section` from now on."""


class ReloadWatch(Protocol):
    """Who is told how reading went."""

    def reload(self, *, ok: bool, at: float) -> None:
        """The configuration was read at `at` (epoch seconds), and is in force or not."""


class ListWatch(Protocol):
    """Who is told how the lists of targets are."""

    def targets(self, counts: Mapping[str, int]) -> None:
        """So many targets of each list are in force; there is no other list."""

    def refreshed(self, label: str, *, ok: bool, at: float) -> None:
        """A list was read at `at` (epoch seconds), and is gone by or not."""


class Reloading:
    """Reads `configuration` when it is called, and while `watch` runs whenever a file of it has changed."""

    def __init__(
        self,
        configuration: Configuration,
        apply: Apply,
        told: ReloadWatch,
        lists: ListWatch,
        *,
        wall: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._configuration = configuration
        self._apply = apply
        self._told = told
        self._lists = lists
        self._troubles: dict[str, str] = {}
        self._wall = wall
        self._sleep = sleep
        self._turn = asyncio.Lock()
        self._known: Look = {}
        self._asked: set[asyncio.Task[Sequence[str]]] = set()

    async def __call__(self) -> Sequence[str]:
        """Read it and put it in force; return a line for each mistake, none when it is in force."""
        async with self._turn:
            mistakes = await self._reload()
            if not mistakes:
                self.tell()
        self._told.reload(ok=not mistakes, at=self._wall())
        for line in mistakes[:TOLD]:
            LOG.error("the configuration stays as it was: %s", line)
        return mistakes

    async def offer(self, url: str, data: bytes) -> str:
        """Try a list that was fetched, if it is another than before; return what is wrong with it, in one line."""
        async with self._turn:
            if not self._configuration.fetched(url, data):
                return self._configuration.trouble(url)
            mistakes = await self._tried(self._refresh)
            if mistakes:
                return mistakes[0]
            self.tell()
            return self._configuration.trouble(url)

    def tell(self) -> None:
        """Tell how the lists are gone by: of those in files also how the last reading went, once per change."""
        now = self._configuration.lists
        self._lists.targets({one.label: one.targets for one in now})
        for one in now:
            if one.fetched:
                continue  # whether it could be fetched is known elsewhere
            self._lists.refreshed(one.label, ok=not one.trouble, at=self._wall())
            if one.trouble and one.trouble != self._troubles.get(one.label):
                LOG.warning("the list %s stays as it was: %s", one.label, one.trouble)
        self._troubles = {one.label: one.trouble for one in now}

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
        return await self._tried(self._again)

    async def _again(self) -> Sequence[str]:
        before = await asyncio.to_thread(self._configuration.look)
        self._known = before
        settings = await asyncio.to_thread(self._configuration.read)
        # Of what is named now for the first time, the mark is taken late; of all else, before it was read.
        after = await asyncio.to_thread(self._configuration.look)
        self._known = {name: before.get(name, mark) for name, mark in after.items()}
        return await self._put_in_force(settings)

    async def _refresh(self) -> Sequence[str]:
        settings = await asyncio.to_thread(self._configuration.refresh)
        return await self._put_in_force(settings)

    async def _put_in_force(self, settings: Settings | None) -> Sequence[str]:
        mistakes = () if settings is None else await self._apply(settings)
        if not mistakes:
            self._configuration.in_force()
        return mistakes

    async def _tried(self, act: Callable[[], Awaitable[Sequence[str]]]) -> Sequence[str]:
        try:
            return await act()
        except ConfigurationError as exc:
            return tuple(map(str, exc.problems))
        except Exception as exc:  # noqa: BLE001 - whatever breaks, the prober goes on as it was
            return (f"reading it failed: {type(exc).__name__}",)
