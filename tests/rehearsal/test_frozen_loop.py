"""A loop that is blocked for half a second at random, anywhere: no failure, no channel lost, no time that grew.

The clock of these tests moves by nothing but waiting and blocking, so that what is measured without blocking is exact.
"""

import asyncio
import random
import select
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

from prober.clients import catalogue
from prober.detection import PushNews
from prober.observe.metrics import Metrics
from prober.rehearsal.clock import Accelerated
from prober.rehearsal.ledger import Entry, Ledger
from prober.rehearsal.probing import Probing
from prober.schedule.channels import Channels
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.simulator.configuration import Wishes
from prober.simulator.layout import DOMAIN, Layout, Place, found
from prober.simulator.simulator import Simulator
from prober.simulator.tenant import Clocks, Site
from prober.vocabulary import Verdict

BLOCK = 0.5
PATIENCE = 0.002
"""Real seconds in which a socket of this machine has certainly said what it has to say."""
TOLERATED = 0.25
"""Seconds by which a time may differ: less than a block, more than a machine under load makes of `PATIENCE`."""
BEFORE, DURING = 10.0, 30.0
"""Seconds without and with blocking."""
ONE_IN = 80
"""Passes of the loop from one block to the next, on the average: half the attempts have none, some have several."""
OPENING, STORM = 12.0, 12
"""Seconds in which channels are opened, and passes from one block to the next meanwhile: no opening has time enough."""
NEWS = 0.4
"""Seconds for which clients wait for news whose own way to hear of it is another one's."""
SPARE = 0.8
"""Seconds that an attempt may take beyond its waiting for news: two blocks are enough for its time to run out."""
WAITING = {"imap4": 1.0, "outlook_mac_legacy": 1.0, "outlook_mobile": NEWS, "outlook_mac": NEWS}


@dataclass
class Still:
    """A clock that only waiting moves, and whoever blocks the loop."""

    now: float = 1000.0
    blocks: list[float] = field(default_factory=list)
    often: float = 0.0
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    loop: Accelerated = field(init=False)

    def make(self) -> Accelerated:
        """Return a loop on this clock, which is blocked between two of its passes now and then."""
        self.loop = Accelerated(1, real=self.real, epoch=1_800_000_000.0, pause=self.pause)
        passing = self.loop._run_once  # type: ignore[attr-defined]  # what a pass of every loop is called

        def pass_once() -> None:
            passing()
            if self.chance.random() < self.often:
                self.blocks.append(self.now)
                self.now += BLOCK

        self.loop._run_once = pass_once  # type: ignore[attr-defined]  # the same
        return self.loop

    def real(self) -> float:
        return self.now

    def pause(self, descriptor: int, seconds: float | None) -> None:
        at_work = self.loop._at_work > 0
        wait = 10.0 if seconds is None or at_work else PATIENCE
        if not select.select([descriptor], [], [], wait)[0] and seconds is not None and not at_work:
            self.now += seconds


@dataclass(frozen=True)
class Played:
    """What was observed before and during the blocking, and what the metrics say in the end."""

    calm: list[Entry]
    blocked: list[Entry]
    metrics: Metrics
    blocks: int

    def total(self, name: str) -> float:
        """Return the sum of a metric's samples of that name, over all labels."""
        return sum(
            sample.value
            for family in self.metrics.registry.collect()
            for sample in family.samples
            if sample.name == f"clientaccess_{name}"
        )


def longest(entries: list[Entry]) -> dict[tuple[str, str], float]:
    """Return the longest time that was observed of each attempt, step and phase, by client."""
    found: dict[tuple[str, str], float] = {}
    for entry in entries:
        if entry.judgement.timed and entry.judgement.counted:
            for name, seconds in times(entry):
                key = (entry.assignment.client, name)
                found[key] = max(found.get(key, 0.0), seconds)
    return found


def times(entry: Entry) -> Iterator[tuple[str, float]]:
    """Give every time of an attempt that would be observed, with its name."""
    yield "all", entry.outcome.duration
    for result in entry.outcome.results:
        yield result.step, result.elapsed or 0.0
        yield from ((f"{result.step} {phase}", seconds) for phase, seconds in result.phases.items())


def settings_of(simulator: Simulator, folder: Path) -> Settings:
    """Every client every five seconds, with little time, and a channel beside it where it can hold one."""
    file = simulator.write_configuration(folder, Wishes(interval=5.0, control_interval=5.0, notify_seconds=NEWS))
    document = yaml.safe_load(file.read_text())
    for target in document["targets"]:
        for entry in target["clients"]:
            entry["timeout"] = f"{WAITING.get(entry['client'], 0.0) + SPARE:g}s"
            if catalogue()[entry["client"]].held is not None:
                entry["push"] = {"hold": "60s", "life": "5m"}
    file.write_text(yaml.safe_dump(document))
    return load([file], catalogue())


async def play(folder: Path, still: Still) -> Played:
    """Probe, at first undisturbed, then on a loop that is blocked at random."""
    layout = Layout(sites=(Site("ams1", "eu", "AMS"),), mailboxes=(Place(f"probe@{DOMAIN}", "ams1"),))
    simulator = Simulator(found(layout, Clocks(still.loop.time, still.loop.wall)), folder)
    await simulator.start()
    settings = settings_of(simulator, folder)
    ledger = Ledger(still.loop.time)
    metrics = Metrics(settings.assignments, catalogue(), vantage="here")
    probing = Probing(settings, (ledger, metrics), clock=still.loop.time, wall=still.loop.wall)
    assembly = probing._assembly
    channels = Channels(
        settings.assignments,
        catalogue(),
        assembly.open,
        pacer=assembly.pacer,
        governor=assembly.governor,
        judging=assembly.judging,
        health=assembly.health,
        watch=PushNews(metrics, probing.detection),
        clock=still.loop.time,
    )
    probing.start()
    await asyncio.sleep(BEFORE)
    calm, still.often = len(ledger.entries), 1 / STORM
    channels.start()
    await asyncio.sleep(OPENING)
    still.often = 1 / ONE_IN
    await asyncio.sleep(DURING)
    still.often = 0.0
    played = Played(ledger.entries[:calm], ledger.entries[calm:], metrics, len(still.blocks))
    await channels.drain()
    await probing.stop()
    await simulator.stop()
    return played


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """One play for all tests of this file."""
    still = Still()
    with asyncio.Runner(loop_factory=still.make) as runner:
        return runner.run(play(tmp_path_factory.mktemp("frozen"), still))


def test_before_the_blocking_all_is_well(played: Played) -> None:
    """Or the rest would prove nothing: every client succeeds, in the time that it takes, and is timed."""
    assert {entry.judgement.verdict for entry in played.calm} == {Verdict.OK}
    assert all(entry.judgement.timed for entry in played.calm)
    assert {entry.assignment.client for entry in played.calm} == set(catalogue())


def test_no_attempt_fails_because_the_loop_was_blocked(played: Played) -> None:
    """Those whose time ran out are inconclusive; those that took their time all the same are ok."""
    found = Counter(entry.judgement.verdict for entry in played.blocked)
    assert set(found) <= {Verdict.OK, Verdict.INCONCLUSIVE}
    assert found[Verdict.INCONCLUSIVE] > 2
    assert {entry.judgement.code for entry in played.blocked} <= {"", "loop_blocked", "started_late"}
    assert played.total("failures_total") == 0
    assert played.blocks > 20


def test_no_time_that_is_observed_has_grown(played: Played) -> None:
    """Neither of attempts nor of steps nor of phases; many were spoilt, and some were not."""
    before, after = longest(played.calm), longest(played.blocked)
    assert {name: grown for name, grown in after.items() if grown > before.get(name, 0.0) + TOLERATED} == {}
    spoilt = [entry for entry in played.blocked if not entry.judgement.timed]
    assert len(spoilt) > 20
    assert max(entry.outcome.duration for entry in spoilt) > BLOCK
    assert sum(entry.judgement.timed for entry in played.blocked) > 0


def test_the_metrics_hold_nothing_else(played: Played) -> None:
    """As many durations as were timed, and together no longer than they."""
    timed = [entry for entry in played.calm + played.blocked if entry.judgement.timed and entry.judgement.counted]
    assert played.total("duration_seconds_count") == len(timed)
    assert played.total("duration_seconds_sum") == pytest.approx(sum(entry.outcome.duration for entry in timed))
    assert played.total("step_duration_seconds_sum") <= played.total("duration_seconds_sum") + 1e-6
    assert played.total("phase_duration_seconds_sum") <= played.total("duration_seconds_sum") + 1e-6


def test_no_channel_is_lost_because_the_loop_was_blocked(played: Played) -> None:
    """Not one that could not be opened in time, and not one that is held."""
    assert played.total("push_disconnects_total") == 0
