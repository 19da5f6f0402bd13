"""The pieces of work that run on every core: one replicate each.

Rule of this file: a result depends on the arguments alone, so that two runs, on any number of cores, give the same.
"""

from dataclasses import dataclass
from itertools import pairwise

from benchmarks.detection import screen, series
from benchmarks.detection.baselines import RULES, Seen
from benchmarks.detection.fleet import KNOWN, seasoned, week
from benchmarks.detection.generator import DAY
from benchmarks.detection.play import Incident, Play, firing, incident
from benchmarks.detection.scenarios import CUT, MINUTE, ONSET, RECOVERED, SCENARIOS, World
from benchmarks.detection.scrapes import TICK
from prober.detect.detector import Policy
from prober.detect.group import GroupKind

NULL = 2
"""The scenario whose healthy weeks precede every incident."""


@dataclass(frozen=True, slots=True)
class Setting:
    """How long before an incident a run starts (ms), and whether the detector is told the healthy rate."""

    start: int
    known: bool = False

    @property
    def policy(self) -> Policy:
        """The policy as shipped."""
        return Policy(healthy=KNOWN if self.known else None)


def play(setting: Setting, number: int, replicate: int, *, looks: bool, throttled: bool = False) -> Play:
    """Return a run of an incident that is about to start."""
    detector = seasoned(week(NULL, replicate), setting.policy)
    return Play(detector, World(SCENARIOS[number], replicate), setting.start, looks, throttled)


def page(setting: Setting, number: int, replicate: int, looks: bool, scope: bool) -> Incident:  # noqa: FBT001 - job
    """Run an incident until the page, and 15 minutes longer if the scope is of interest."""
    return incident(play(setting, number, replicate, looks=looks), CUT, scope=scope)


def rules(number: int, replicate: int) -> tuple[float | None, ...]:
    """Return the delays of all rules in minutes."""
    world = World(SCENARIOS[number], replicate)
    seen = Seen(world, world.failures(0, CUT), CUT)
    pages = [rule.first(seen, ONSET) for rule in RULES]
    return tuple(None if one is None else (one - ONSET) / MINUTE for one in pages)


@dataclass(frozen=True, slots=True)
class Healthy:
    """A healthy run: days until the detector paged falsely or the run ended, and the same for each rule."""

    days: float
    paged: bool
    rules: tuple[tuple[float, bool], ...]


def healthy(number: int, replicate: int, others: bool) -> Healthy:  # noqa: FBT001 - job
    """Run a null scenario until the first page."""
    scenario = SCENARIOS[number]
    world, stop = World(scenario, replicate), scenario.end
    failures = world.failures(0, stop)
    prefix = NULL if number == 81 else number
    paged = screen.false_page(world, failures, week(prefix, replicate), stop)
    seen = Seen(world, failures, stop) if others else None
    found = [_until(rule.first(seen, 0), stop) for rule in RULES] if seen else []
    return Healthy(*_until(paged, stop), tuple(found))


def _until(page: int | None, stop: int) -> tuple[float, bool]:
    return (stop if page is None else page) / DAY, page is not None


@dataclass(frozen=True, slots=True)
class Rollback:
    """What became of the pages of scenario 71: how many, which share of the incident was covered after the first.

    `cleared` in minutes after the end of the incident; first the group of one client, then any group at all.
    """

    pages: tuple[int, int]
    covered: tuple[float, float]
    cleared: tuple[float, float]


def rollback(setting: Setting, replicate: int) -> Rollback | None:
    """Run scenario 71; `None` when there was a page before it began."""
    run = play(setting, 71, replicate, looks=True)
    one = run.detector.group(GroupKind.CLIENT, "exchange_online/client0")
    states: list[tuple[int, bool, bool]] = []
    for at in range(run.start, SCENARIOS[71].end, TICK):
        run.advance(at)
        states.append((at, one.firing, firing(run.groups)))
    if any(state[2] for state in states if state[0] <= ONSET):
        return None
    mine = _alert([(at, one_fires) for at, one_fires, _ in states])
    any_ = _alert([(at, any_fires) for at, _, any_fires in states])
    return Rollback((mine[0], any_[0]), (mine[1], any_[1]), (mine[2], any_[2]))


def _alert(states: list[tuple[int, bool]]) -> tuple[int, float, float]:
    """Return pages, the share covered from the first page to the end, and minutes to clear; one state for each tick."""
    pages = sum(now and not before for (_, before), (_, now) in pairwise(states))
    during = [on for at, on in states if ONSET < at < RECOVERED]
    covered = during[during.index(True) :] if True in during else [False]
    last = max((at for at, on in states if on), default=RECOVERED)
    return pages, sum(covered) / len(covered), max(last + TICK - RECOVERED, 0) / MINUTE


@dataclass(frozen=True, slots=True)
class Throttling:
    """Scenario 51 with its failures as throttling: minutes to the alert of the location, and what should not be."""

    delay: float | None
    pages: int
    unwelcome: int


def throttling(setting: Setting, replicate: int) -> Throttling:
    """Run the hour of the bursts."""
    run = play(setting, 51, replicate, looks=True, throttled=True)
    alert = run.detector.group(GroupKind.THROTTLED, "exchange_online@place0")
    delay, pages = None, 0
    for at in range(run.start, ONSET + 60 * MINUTE, TICK):
        run.advance(at)
        pages = pages or int(at > ONSET and firing(run.groups))
        if delay is None and at > ONSET and alert.firing:
            delay = (at - ONSET) / MINUTE
    return Throttling(delay, pages, run.unwelcome)


def second_looks(setting: Setting, replicate: int, hours: int) -> tuple[int, int, bool]:
    """Run a healthy fleet; return scheduled attempts, second looks, and whether it paged."""
    run = Play(seasoned(week(NULL, replicate), setting.policy), World(SCENARIOS[NULL], replicate), 0, looks=True)
    paged = False
    for at in range(0, hours * 60 * MINUTE, TICK):
        run.advance(at)
        paged = paged or firing(run.groups)
    return run.transactions - run.taken, run.taken, paged


def delays(base: float, interval: int, rate: float, count: int, simulated: float) -> list[tuple[int, int]]:
    """Return the delays of one combination of the grid, by a simulated threshold and by the guaranteed setting."""
    found = (series.delays(base, interval, rate, one, simulated) for one in range(count))
    return [one for one in found if one is not None]


def guaranteed_runs(base: float, interval: int, count: int) -> list[float]:
    """Return the days to a false page of healthy series of one combination, by the guaranteed setting."""
    return [series.guaranteed_run(base, interval, one) for one in range(count)]


def null_records(base: float, interval: int, count: int, highest: float) -> list[list[tuple[float, float]]]:
    """Return what healthy series of one combination showed."""
    return [series.records(base, interval, one, highest) for one in range(count)]
