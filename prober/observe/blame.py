"""Whom to blame: a gauge per environment and domain kept up to date, and the reasons in words on the status page."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from prober.blame.blame import Blame
from prober.observe.markup import escaped, listing, section
from prober.observe.metrics import Metrics
from prober.timeline import Clock
from prober.vocabulary import Domain, Environment

SLICE = 0.001
"""Seconds of the loop after which others have their turn; the step that is under way comes on top."""
PAUSE = 0.25
"""Seconds at least between two looks: what is new in an outage is much, and is looked into together."""


class BlameMetrics:
    """The gauge; every domain of every environment is there from the start."""

    def __init__(self, metrics: Metrics) -> None:
        self._family = metrics.family("clientaccess_blame")

    def __call__(self, environment: Environment, domain: Domain, blamed: bool) -> None:  # noqa: FBT001 - a gauge's value
        """Whether `domain` is to be blamed in `environment`."""
        self._family.labels(environment.value, domain.value).set(1 if blamed else 0)


class BlameWatch:
    """Has `blame` look again and again, never for longer than a slice at a time. `clock` in seconds."""

    def __init__(
        self,
        blame: Blame,
        *,
        clock: Clock = time.perf_counter,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._blame = blame
        self._clock = clock
        self._sleep = sleep
        self._news = asyncio.Event()

    async def run(self, period: float) -> None:
        """Look every `period` seconds, and soon after something new, until cancelled."""
        self._blame.later = self._news.set
        try:
            while True:
                self._news.clear()
                await self.look()
                await self._sleep(PAUSE)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(max(0.0, period - PAUSE)):
                        await self._news.wait()
        finally:
            self._blame.later = None

    async def look(self) -> None:
        """Look once."""
        began = self._clock()
        for _ in self._blame.look():
            if self._clock() - began >= SLICE:
                await self._sleep(0.0)
                began = self._clock()


class BlamePanel:
    """A part of the status page with nothing to do in it."""

    name = "blame"
    place = "above"
    routes: Sequence[Any] = ()

    def __init__(self, blame: Blame) -> None:
        self._blame = blame

    def page(self) -> str:
        """Return one line for every domain that is to be blamed; nothing where none is."""
        return section("blame", "Most probably to blame", listing(map(_line, self.data()), "blamed"))

    def data(self) -> list[dict[str, str]]:
        """Return every domain that is to be blamed, where, and why."""
        return [
            {"environment": environment.value, "domain": finding.domain.value, "because": finding.because}
            for environment in self._blame.environments
            for finding in self._blame.findings(environment)
        ]


def _line(found: dict[str, str]) -> str:
    environment, domain, because = (escaped(found[name]) for name in ("environment", "domain", "because"))
    return f"<b>{domain}</b> in {environment}: {because}."
