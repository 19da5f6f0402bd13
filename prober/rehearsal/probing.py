"""The real prober in a rehearsal: schedule, networks, identities and judgement as in earnest, on the loop's clock.

Rule of this file: what it is given is what `run` would be given, a configuration and observers, and nothing else.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial

from prober.assembly import Assembly
from prober.clients import catalogue
from prober.detect.detector import Detector, Policy
from prober.detect.group import Group, Transition
from prober.detection import Detection, sources
from prober.model import Assignment
from prober.observe.sink import Sink, fan_out
from prober.rehearsal.expectation import CONTROL
from prober.schedule.confirmation import SecondLooks
from prober.schedule.plan import Plan
from prober.schedule.runner import Runner
from prober.settings.settings import Settings
from prober.storage.store import Store

GRACE = 5.0
"""Seconds that attempts under way have at the end: what they would find out is asked by nobody any more."""


@dataclass(slots=True)
class Watch:
    """Hears how the schedule fares. `crashed` and `broken` are defects of ours."""

    missed_slots: int = 0
    held: int = 0
    second_looks: int = 0
    crashed_attempts: int = 0
    broken_sinks: int = 0

    def scheduler_lag(self, seconds: float) -> None:
        """Ignore it: time that passes faster makes no statement about lag."""

    def inflight(self, delta: int) -> None:
        """Ignore it."""

    def held_back(self, assignment: Assignment) -> None:
        """A start was held back."""
        self.held += 1

    def confirmed(self, assignment: Assignment) -> None:
        """A second look was taken."""
        self.second_looks += 1

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        """Slots went by."""
        self.missed_slots += count

    def crashed(self, assignment: Assignment) -> None:
        """The machinery around an attempt failed."""
        self.crashed_attempts += 1

    def sink_error(self, sink: str) -> None:
        """An observer raised."""
        self.broken_sinks += 1


class Unshown:
    """Shows groups to nobody: a rehearsal hears of their changes."""

    def show(self, groups: Iterable[Group]) -> None:
        """Ignore it."""

    def show_all(self, detector: Detector) -> None:
        """Ignore it."""

    def show_whole(self, groups: Collection[Group]) -> None:
        """Ignore it."""

    def show_rest(self, detector: Detector) -> None:
        """Ignore it."""


class Probing:
    """A prober at work. `clock` and `wall` are those of the loop it runs on. Raises `NetworkSetupError`.

    `hear` is told of every change of state that the detector finds.
    """

    def __init__(
        self,
        settings: Settings,
        sinks: Iterable[Sink],
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        hear: Callable[[Transition], None] | None = None,
    ) -> None:
        self.watch = Watch()
        # A rehearsal begins where a prober stands that has run for two days.
        policy = Policy(budget=settings.detector.budget, guaranteed=settings.detector.guaranteed, learning=0.0)
        watched = sources(settings.assignments, catalogue(), settings.vantage)
        self.detection = Detection(watched, policy, {}, Unshown(), wall=wall, hear=hear)
        self._controls = [one for one in settings.assignments if one.client == CONTROL]
        self._assembly = Assembly(
            settings,
            catalogue(),
            Store.open(None),
            watch=self.watch,
            tell=partial(fan_out, (*sinks, self.detection), watch=self.watch),
            tell_again=partial(fan_out, (self.detection.second_look,), watch=self.watch),
            lagged=lambda _: None,
            clock=clock,
            wall=wall,
        )
        plan = Plan(settings.assignments, now=clock(), epoch=wall())
        self._runner = Runner(plan, self._assembly.attempts.scheduled, self.watch, clock=clock)
        detector = self.detection.detector
        self._looks = SecondLooks(
            settings.assignments,
            detector.cells,
            self._assembly.attempts.second_look,
            confirming=detector.confirming,
            busy=lambda key: key in self._runner.running,
            watch=self.watch,
            wall=wall,
        )
        if settings.detector.second_looks:
            self.detection.again = self._looks.consider
        self._scheduling: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin as `run` does, the controls first."""
        self._assembly.health.start()
        self._scheduling = asyncio.create_task(self._runner.run(), name="scheduling")
        for control in self._controls:
            self._runner.begin(control)

    async def stop(self) -> None:
        """Start nothing more, let go of what is under way, close everything."""
        if self._scheduling is not None:
            self._scheduling.cancel()
            await asyncio.wait([self._scheduling])
        await self._looks.drain()
        await self._runner.drain(GRACE)
        await self._assembly.close()
