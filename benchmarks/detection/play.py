"""Plays one replicate of a scenario to the prober's own detector: same transactions, same second looks, same ticks.

Rule of this file: the detector is given what the prober would give it, in the same order, and nothing else.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from benchmarks.detection.fleet import CLIENT, KEYS, LOCATION, moment, pages
from benchmarks.detection.generator import CELLS, PERIOD
from benchmarks.detection.scenarios import MINUTE, ONSET, Scenario, World
from benchmarks.detection.scrapes import TICK
from prober.detect.detector import Detector, Sample, What
from prober.detect.group import Group
from prober.vocabulary import Environment

STEP = "sign_in"
WHEN = (0, 2, 5, 15)
"""Minutes after a page at which it is asked what fails."""


@dataclass(slots=True)
class Play:
    """A run from `start` (ms) on. `looks`: take second looks. `throttled`: the incident's failures are throttling.

    What was before `start` was healthy, and without second looks.
    """

    detector: Detector
    world: World
    start: int = 0
    looks: bool = False
    throttled: bool = False
    groups: tuple[Group, ...] = field(init=False)
    transactions: int = 0
    taken: int = 0
    """Second looks that were taken."""
    unwelcome: int = 0
    """Of these, at a cell that had been asked for quiet in the last three minutes."""
    _next: list[int] = field(init=False)
    _draw: list[int] = field(init=False)
    _due: list[tuple[int, int]] = field(init=False, default_factory=list)
    _quiet: list[int] = field(init=False)
    _waiting: set[int] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        self.groups = pages(self.detector)
        self._draw = [self.world.position(cell, self.start) for cell in range(CELLS)]
        self._next = [self.world.at(cell, draw) for cell, draw in enumerate(self._draw)]
        self._quiet = [-PERIOD * PERIOD] * CELLS

    def advance(self, to: int) -> None:
        """Play everything up to `to` (ms), and let the detector notice the time."""
        cell = min(range(CELLS), key=self._next.__getitem__)
        while (at := self._next[cell]) <= to:
            self._look_until(at)
            self._transact(cell, at, look=False)
            self._next[cell] = at + PERIOD
            cell = (cell + 1) % CELLS  # the cells take turns
        self._look_until(to + 1)
        self.detector.tick(moment(to))

    def _look_until(self, stop: int) -> None:
        """Take the second looks that are due before `stop`."""
        while self._due and self._due[0][0] < stop:
            at, cell = heappop(self._due)
            self._waiting.discard(cell)
            if self.detector.confirming(KEYS[cell]).hushed(moment(at)):
                continue
            self.taken += 1
            self.unwelcome += at - self._quiet[cell] < 3 * MINUTE
            self._transact(cell, at, look=True)

    def _transact(self, cell: int, at: int, *, look: bool) -> None:
        """Take one transaction; ask whether a second look is wanted."""
        what, key = self._outcome(cell, at), KEYS[cell]
        step = STEP if what is What.FAILED else ""
        self.transactions += 1
        self.detector.observe(Sample(key, at / 1000.0 + moment(0), what, step, look))
        if self.looks and cell not in self._waiting:
            due = self.detector.confirming(key).next(moment(at))
            if due is not None:
                heappush(self._due, (round(1000.0 * (due - moment(0))), cell))
                self._waiting.add(cell)

    def _outcome(self, cell: int, at: int) -> What:
        world, draw = self.world, self._draw[cell]
        self._draw[cell] = draw + 1
        if not world.fails(cell, draw, at):
            return What.OK
        if self.throttled and world.incident(cell, at) and not world.blip(cell, at):
            self._quiet[cell] = at
            return What.THROTTLED
        return What.FAILED


def firing(groups: Sequence[Group]) -> bool:
    """Return whether any group has found trouble."""
    return any(group.firing for group in groups)


@dataclass(frozen=True, slots=True)
class Said:
    """What was said to fail, so many minutes after a page: whether it was right, and how sure it was."""

    exact: bool
    clients: bool
    probability: float


@dataclass(frozen=True, slots=True)
class Incident:
    """One replicate of an incident. `delay` in minutes from the onset to the page, `None`: missed.

    `early`: there was a page before the onset, and so the run does not count. `said` by minutes after the page.
    """

    delay: float | None
    transactions: int
    early: bool = False
    said: dict[int, Said] = field(default_factory=dict)


def incident(play: Play, stop: int, *, scope: bool = True) -> Incident:
    """Play until 15 minutes after the page, or to `stop` (ms)."""
    page, said, before = None, dict[int, Said](), 0
    for at in range(play.start, stop, TICK):
        play.advance(at)
        if at <= ONSET:
            before = play.transactions
            if firing(play.groups):
                return Incident(None, 0, early=True)
        elif page is None and firing(play.groups):
            page, count = at, play.transactions - before
        if page is not None and (minutes := (at - page) / MINUTE) in WHEN:
            said[int(minutes)] = _said(play)
        if page is not None and (not scope or at - page >= WHEN[-1] * MINUTE):
            return Incident((page - ONSET) / MINUTE, count, said=said)
    return Incident(None, 0)


def _said(play: Play) -> Said:
    found = play.detector.explanations().get(Environment.EXCHANGE_ONLINE)
    if found is None:
        return Said(exact=False, clients=False, probability=0.0)
    clients, places = truth(play.world.scenario)
    right = set(found.clients) == clients
    return Said(exact=right and set(found.locations) == places, clients=right, probability=found.probability)


def truth(scenario: Scenario) -> tuple[set[str], set[str]]:
    """Return the clients and the locations of an incident, by name."""
    return {CLIENT[one] for one in scenario.clients}, {LOCATION[one] for one in scenario.locations}
