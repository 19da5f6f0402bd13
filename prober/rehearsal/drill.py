"""Plays scenarios: a fresh tenant, the real prober, the fault's onset, and its end; then asks what came of it.

Rule of this file: a scenario is played on a loop and a tenant of its own, so that none can look like another's tail.
"""

import asyncio
import gc
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from math import ceil

from prober.clients import catalogue
from prober.faults.taxonomy import Reason
from prober.rehearsal.clock import FASTEST, Accelerated
from prober.rehearsal.expectation import Expectation, Played, expectation, judge
from prober.rehearsal.groups import MINUTE, WELL, Groups
from prober.rehearsal.ledger import Ledger
from prober.rehearsal.probing import Probing, Watch
from prober.rehearsal.report import Result
from prober.rehearsal.script import Plot, Script, missing, script
from prober.rehearsal.stage import Stage, stage
from prober.simulator.faults.read import Incident
from prober.vocabulary import Verdict

LIMIT = 113.0
"""Real seconds one scenario may take, of the two minutes it has: the rest is for setting up and taking down."""
SLICE = 10.0
"""Seconds of the scenario after which the real time is looked at."""
LOOKS = 6
"""Slices after which it is asked whether an act has shown enough: once a minute."""
PLATEAU = 12.0
"""Minutes at full strength at least: who is to stay green has to be seen staying so."""
SELDOM = (50_000, 20, 50)
"""Thresholds of the garbage collector: what is kept of a drill is no garbage, however often one looks."""
UNWELL = 0.02
"""Share of attempts during which the machine was too busy, above which the drill proves nothing. Of 5,000 attempts in
three drills side by side on two cores, a third of which another process took, there was none."""


@dataclass(slots=True)
class Pace:
    """Keeps a scenario within its real time: each act has its share, and is cut short when that is used up."""

    minutes: float
    limit: float = LIMIT
    real: Callable[[], float] = time.monotonic
    began: float = field(init=False)
    planned: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self.began = self.real()

    async def act(self, minutes: float, enough: Callable[[], bool] = lambda: False, *, least: float = 0.0) -> None:
        """Let `minutes` of the scenario pass, or as many as there is real time for.

        Once `least` minutes are over, the act ends as soon as it is `enough`.
        """
        self.planned += minutes
        share = self.limit * self.planned / self.minutes if self.minutes else self.limit
        slices = ceil(minutes * MINUTE / SLICE)
        for number in range(slices):
            late = self.real() - self.began >= share
            if late or (number * minutes >= least * slices and number % LOOKS == 0 and enough()):
                return
            await asyncio.sleep(minutes * MINUTE / slices)


def plot_of(incident: Incident) -> Plot:
    """Return what decides how an incident is cut."""
    return Plot(
        regions=incident.regions,
        faults=incident.faults,
        duration=incident.duration_min,
        ramp=incident.shape.ramp_min,
        decay=incident.shape.decay_min,
        decoy=incident.decoy,
        sticking=incident.population_pct if incident.stick in ("mailbox", "site") else 100.0,
    )


def drill(
    incidents: Sequence[Incident], clients: Collection[str] | None = None, *, speed: float = FASTEST
) -> Iterator[Result]:
    """Play one incident after the other; give each result as soon as it is there."""
    known = tuple(catalogue()) if clients is None else tuple(clients)
    for incident in incidents:
        expected = expectation(incident.expect, recovery=incident.shape.decay_min > 0)
        absent = missing(incident.faults, expected, known)
        if absent:
            yield Result(incident.id, incident.title, missing=absent)
            continue
        with collecting_seldom(), asyncio.Runner(loop_factory=lambda: Accelerated(speed)) as runner:
            result = runner.run(play(incident, expected, script(plot_of(incident), expected, known)))
        yield result


@contextmanager
def collecting_seldom() -> Iterator[None]:
    """Have garbage collected less often: real time is what a drill has least of."""
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


async def play(incident: Incident, expected: Expectation, how: Script) -> Result:
    """Play one incident as `how` has it, on the running `Accelerated` loop."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, Accelerated):
        raise TypeError("a drill is played on an accelerated loop")
    began, real = loop.time(), time.monotonic()
    async with stage(how, loop) as scene:
        ledger, groups = Ledger(loop.time), Groups(loop.time)
        probing = Probing(scene.settings, (ledger,), clock=loop.time, wall=loop.wall, hear=groups.hear)
        show = Show(expected, how, scene, ledger, groups)
        try:
            onset = await _acts(incident, show, probing)
        finally:
            await probing.stop()
        played = show.played(onset)
    return Result(
        incident.id,
        incident.title,
        judge(expected, played),
        minutes=(loop.time() - began) / MINUTE,
        seconds=time.monotonic() - real,
        attempts=len(ledger.entries),
        trouble=trouble(ledger, probing.watch),
    )


@dataclass(frozen=True, slots=True)
class Show:
    """What is played, and what is seen of it."""

    expected: Expectation
    how: Script
    scene: Stage
    ledger: Ledger
    groups: Groups

    def played(self, onset: float) -> Played:
        """Return what was recorded until now."""
        touches = self.scene.touches()
        return Played(self.how.clients, self.ledger, self.groups, onset, touches, self.scene.site_of)

    def seen(self, onset: float) -> bool:
        """Whether all that was to be seen of the trouble has been; a decoy is looked at to the end."""
        if self.expected.verdict or not self.expected.red:
            return False
        return all(finding.holds for finding in judge(replace(self.expected, recovery=False), self.played(onset)))

    def over(self) -> bool:
        """Whether everybody is well again."""
        return all(self.groups.state(group) in WELL for group in self.groups)


async def _acts(incident: Incident, show: Show, probing: Probing) -> float:
    """Play all acts; return when the fault began."""
    how, scene = show.how, show.scene
    loop, pace = asyncio.get_running_loop(), Pace(how.minutes)
    shown = replace(
        incident,
        duration_min=how.ramp + how.plateau,
        shape=replace(incident.shape, ramp_min=how.ramp, decay_min=how.decay),
    )
    if how.warm:
        probing.start()
        await pace.act(how.warm)
    onset = loop.time()
    name = scene.weather.begin(shown)
    if not how.warm:
        probing.start()
    await pace.act(how.ramp + how.plateau, lambda: show.seen(onset), least=how.ramp + PLATEAU)
    scene.weather.end(name)
    await pace.act(how.decay)
    scene.weather.end(name, now=True)
    await pace.act(how.after, show.over)
    return onset


def trouble(ledger: Ledger, watch: Watch) -> str:
    """Say what went wrong with the drill itself, so that nobody takes it for the tenant's doing; empty if nothing."""
    said = []
    if watch.crashed_attempts:
        said.append(f"{watch.crashed_attempts} attempts crashed")
    if watch.broken_sinks:
        said.append(f"an observer failed {watch.broken_sinks} times")
    unwell = sum(
        one.judgement.verdict is Verdict.INCONCLUSIVE and one.judgement.reason is Reason.PROBE_INTERNAL
        for one in ledger.entries
    )
    if unwell > UNWELL * len(ledger.entries):
        said.append(f"the machine was too busy during {unwell} of {len(ledger.entries)} attempts")
    return ", ".join(said)
