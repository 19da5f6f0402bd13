"""The tasks that fetch lists of targets, one for each, and tell how that went.

Rule of this file: whatever becomes of a list is told (once per change in the log, always in the metrics), and what is
in force stays as it is until there is something better.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from prober.discovery.fetching import FetchError
from prober.settings.settings import HttpList

LOG = logging.getLogger(__name__)
QUIET = 600.0
"""Seconds for which another trouble of a list that is bad already is not logged."""

Fetch = Callable[[HttpList], Awaitable[bytes]]
"""Raises `FetchError`."""
Offer = Callable[[str, bytes], Awaitable[str]]
"""Tries the list of a URL; returns what is wrong with it, in one line."""
Sleep = Callable[[float], Awaitable[object]]


class Watch(Protocol):
    """Who exports how lists fare."""

    def refreshed(self, label: str, *, ok: bool, at: float) -> None:
        """A list was read at `at` (epoch seconds), and is gone by or not."""


class ListReader:
    """Fetches each of `lists` at once and then every so often, and offers it; `wall` tells seconds since the epoch."""

    def __init__(
        self,
        lists: Sequence[HttpList],
        fetch: Fetch,
        offer: Offer,
        watch: Watch,
        *,
        wall: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._lists = tuple(lists)
        self._fetch = fetch
        self._offer = offer
        self._watch = watch
        self._wall = wall
        self._sleep = sleep
        self._told: dict[str, tuple[str, float]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to read on the running loop."""
        self._tasks = [asyncio.create_task(self._follow(one), name=f"discovery {one.label}") for one in self._lists]

    async def close(self) -> None:
        """Stop reading."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def round(self, one: HttpList) -> None:
        """Fetch a list once, offer it and tell. Never raises but for cancelling."""
        try:
            trouble = await self._offer(one.url, await self._fetch(one))
        except FetchError as error:
            trouble = str(error)
        except Exception as error:  # noqa: BLE001 - a bug here must cost nothing but the list
            trouble = f"reading it failed: {type(error).__name__}"
        now = self._wall()
        self._watch.refreshed(one.label, ok=not trouble, at=now)
        self._tell(one.label, trouble, now)

    async def _follow(self, one: HttpList) -> None:
        while True:
            await self.round(one)
            await self._sleep(one.interval)

    def _tell(self, label: str, trouble: str, now: float) -> None:
        """Log what is news: a list that is bad, or bad in another way, or good again."""
        before, at = self._told.get(label, ("", 0.0))
        if trouble == before or (trouble and before and now - at < QUIET):
            return
        self._told[label] = (trouble, now)
        if trouble:
            LOG.warning("the list discovery.%s stays as it was: %s", label, trouble)
        else:
            LOG.info("the list discovery.%s is good again", label)
