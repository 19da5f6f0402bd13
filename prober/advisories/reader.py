"""The task that reads the feed every few minutes, and tells what it found.

Rule of this file: whatever becomes of the feed is told (once per change in the log, always in the metrics) and touches
nothing else: no attempt, no verdict, no alert.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from prober.advisories.issue import Issue
from prober.advisories.ledger import Ledger, Notice
from prober.advisories.matching import Match, kept, matches, named_clients
from prober.advisories.onsets import Episode, Onsets
from prober.advisories.reading import Feed, FeedError, Reading, Result

LOG = logging.getLogger(__name__)
LONGEST_PAUSE = 86_400.0
"""Seconds that a server may ask us to wait: more is taken for a mistake of its."""
NO_CLIENT = ""
"""The `client` of what is said of a service as a whole."""


class Watch(Protocol):
    """Who exports what is read."""

    def advisory_read(self, result: str, at: float) -> None:
        """A reading came to `result` at `at` (seconds since the epoch)."""

    def advisory_active(self, service: str, client: str, active: bool) -> None:  # noqa: FBT001 - a gauge's value
        """Whether a notice about `service` that names `client` (empty: any notice) is open."""

    def advisory_lead(self, service: str, client: str, seconds: float | None) -> None:
        """How long before its publication we saw what a notice may be about; `None`: there is none."""


@dataclass(frozen=True, slots=True)
class View:
    """What is known at one moment. `read_at`: the last reading that succeeded; `result`: what the last one came to."""

    result: Result | None = None
    read_at: float | None = None
    bad_records: int = 0
    notices: tuple[Notice, ...] = ()
    matches: tuple[Match, ...] = ()
    episodes: tuple[Episode, ...] = ()
    now: float = 0.0


class Reader:
    """Reads `feed` every `interval` seconds, compares it with `onsets`, and tells `watch`.

    `clients` are those that are probed where the notices hold; `wall` tells seconds since the epoch.
    """

    def __init__(
        self,
        feed: Feed,
        onsets: Onsets,
        ledger: Ledger,
        watch: Watch,
        *,
        services: Sequence[str],
        clients: Sequence[str],
        interval: float,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._feed = feed
        self._onsets = onsets
        self._ledger = ledger
        self._watch = watch
        self._services = {service.casefold(): service for service in services}
        self._clients = tuple(clients)
        self._interval = interval
        self._wall = wall
        self._told: Result | None = None
        self._bad = 0
        self._read_at: float | None = None
        self._leads: set[tuple[str, str]] = set()

    async def run(self) -> None:
        """Read for ever."""
        while True:
            pause = await self.round()
            await asyncio.sleep(pause)

    async def round(self) -> float:
        """Read once and tell; return the seconds until the next reading. Never raises but for cancelling."""
        try:
            return await self._round()
        except Exception as error:  # noqa: BLE001 - a bug here must cost nothing but the reading
            self._came_to(Result.PROBER_BUG, type(error).__name__)
            return self._interval

    async def _round(self) -> float:
        pause = 0.0
        try:
            reading = await self._feed.read(self._wall())
        except FeedError as error:
            pause = min(error.pause or 0.0, LONGEST_PAUSE)
            self._came_to(error.result, error.why)
        else:
            self._take_in(reading)
            self._came_to(Result.OK, "reading again")
        if self._read_at is not None:
            self._tell()
        return max(self._interval, pause)

    def view(self) -> View:
        """Return what is known now, matched anew."""
        now = self._wall()
        notices = self._kept(now)
        episodes = self._onsets.episodes(now)
        found = matches((one.issue for one in notices), episodes, self._services, now)
        return View(self._told, self._read_at, self._bad, notices, found, episodes, now)

    def named(self, issue: Issue) -> frozenset[str]:
        """Return which of the clients that are probed a notice names."""
        return named_clients(issue, self._clients)

    def _kept(self, now: float) -> tuple[Notice, ...]:
        return tuple(one for one in self._ledger.notices if kept(one.issue, self._services, now))

    def _take_in(self, reading: Reading) -> None:
        now = self._wall()
        self._ledger.update((one for one in reading.issues if kept(one, self._services, now)), now)
        if reading.bad != self._bad:
            LOG.warning("service health: %d records could not be read", reading.bad)
        self._bad, self._read_at = reading.bad, now

    def _came_to(self, result: Result, why: str) -> None:
        """Count a reading, and log it where it came to something else than the last one."""
        self._watch.advisory_read(result, self._wall())
        before, self._told = self._told, result
        if result == before:
            return
        if result is not Result.OK:
            LOG.warning("service health cannot be read: %s (%s)", result, why)
        elif before is not None:
            LOG.info("service health: %s", why)

    def _tell(self) -> None:
        """Export what is open and how far ahead of it we were."""
        view = self.view()
        open_ones = {
            (one.issue.service.casefold(), client)
            for one in view.notices
            if not one.issue.resolved
            for client in (NO_CLIENT, *self.named(one.issue))
        }
        for key, service in self._services.items():
            for client in (NO_CLIENT, *self._clients):
                self._watch.advisory_active(service, client, (key, client) in open_ones)
        leads = self._found_leads(view)
        for service, client in self._leads - set(leads):
            self._watch.advisory_lead(service, client, None)
        for (service, client), seconds in leads.items():
            self._watch.advisory_lead(service, client, seconds)
        self._leads = set(leads)

    def _found_leads(self, view: View) -> dict[tuple[str, str], float]:
        """Return the lead for every service and client: that of the best match, of equals the one published last."""
        published = {one.issue.id: one.published for one in view.notices}
        ordered = sorted(view.matches, key=lambda match: (match.score, published[match.issue]))
        return {
            (self._services[match.service.casefold()], match.client): published[match.issue] - match.onset
            for match in ordered
        }
