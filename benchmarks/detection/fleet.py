"""The fleet under test: five clients from three vantages, and the prober's own detector with a healthy week behind it.

Rule of this file: the week is put in as counts of what was seen in it, by the detector's own ways of counting, instead
of 300,000 transactions one by one; what the detector makes of them is its own business.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from math import inf
from typing import Any

from benchmarks.detection.generator import CELLS, CLIENTS, DAY, LOCATIONS, PERIOD
from benchmarks.detection.scenarios import HOUR, SCENARIOS, World
from prober.detect import baseline
from prober.detect.baseline import Counts
from prober.detect.blips import Blips
from prober.detect.detector import Detector, Policy
from prober.detect.group import Group, GroupKind
from prober.detect.groups import Source
from prober.detect.mixture import ratios
from prober.vocabulary import Environment

START = 1_800_000_000.0
"""Epoch seconds of time 0."""
WEEK = 7 * DAY
PREFIX = 1 << 15
"""Replicates from here on are healthy weeks."""
NEAR = 40
"""Transactions of a location after a failure in which a blip is still worth a thought."""
KNOWN = 0.0006
"""The healthy rate that is told to a detector which does not learn."""
CLIENT = tuple(f"client{one}" for one in range(CLIENTS))
LOCATION = tuple(f"place{one}" for one in range(LOCATIONS))
KEYS = tuple(f"{CLIENT[cell // 3]}/{LOCATION[cell % 3]}" for cell in range(CELLS))
FAMILY = (0, 1)
"""Clients of which it is known that they share a component."""
AVAILABILITY = frozenset(
    {GroupKind.CLIENT, GroupKind.CELL, GroupKind.FLEET, GroupKind.VANTAGE, GroupKind.FAMILY},
)


def moment(at: int) -> float:
    """Return a time of the run (ms) in epoch seconds."""
    return START + at / 1000.0


def sources() -> dict[str, Source]:
    """Return who is watched."""
    return {
        KEYS[cell]: Source(
            Environment.EXCHANGE_ONLINE,
            CLIENT[cell // 3],
            LOCATION[cell % 3],
            PERIOD / 1000.0,
            families=("family",) if cell // 3 in FAMILY else (),
        )
        for cell in range(CELLS)
    }


def pages(detector: Detector) -> tuple[Group, ...]:
    """Return the groups that page for failures."""
    return tuple(group for group in detector.groups if group.kind in AVAILABILITY)


def seasoned(counts: Sequence[Counts], policy: Policy | None = None) -> Detector:
    """Return a detector that has watched for a week before time 0 and counted this in each cell."""
    detector = Detector(sources(), policy)
    section: dict[str, str] = {}
    detector.save(section)
    for name, text in section.items():
        section[name] = json.dumps(_with_a_week(name, json.loads(text), counts))
    detector.load(section)
    return detector


def _with_a_week(name: str, state: list[Any], counts: Sequence[Counts]) -> list[Any]:
    if name.startswith("group "):
        state[0] = moment(-WEEK)
    if name.startswith("path "):
        client, location = name.rsplit("/", 1)[1].split("@")
        state[1] = counts[3 * CLIENT.index(client) + LOCATION.index(location)].dump()
        state[3] = [0.0, state[1][1], state[1][2]]
    return state


class Learner:
    """What a week or more of healthy life teaches, from failure to failure. Times in ms.

    `rates` are the healthy rates in use, one for each cell, read anew every hour; `saw` gives for each failure the
    probability of a blip before it. Successes are counted in bulk: far from failures a blip is as improbable as ever.
    """

    def __init__(self, world: World, counts: Sequence[Counts] | None = None, start: int = 0) -> None:
        self.counts = tuple(counts or (Counts() for _ in range(CELLS)))
        self.rates = [baseline.USUAL] * CELLS
        self._world = world
        self._due = start
        self._blips = [Blips() for _ in range(LOCATIONS)]
        self._seen = [-inf] * LOCATIONS
        self._past: deque[tuple[int, list[list[float | None]]]] = deque(maxlen=8)
        self._remember()
        self.read()

    def _remember(self) -> None:
        self._past.append((self._due, [one.dump() for one in self.counts]))

    def past(self, at: int) -> tuple[Counts, ...]:
        """Return what was counted before the hour of `at`, at most seven hours ago."""
        states = next((state for due, state in reversed(self._past) if due <= at), self._past[0][1])
        return restored(states)

    def read(self) -> None:
        """Read the healthy rates from the counts, as the detector does."""
        failures = sum(one.failures for one in self.counts)
        fleet = baseline.pooled(failures, sum(one.transactions for one in self.counts))
        self.rates = [baseline.healthy(one.failures, one.transactions, fleet) for one in self.counts]

    def live(self, failures: Sequence[tuple[int, int]], stop: int, saw: Callable[[int, int, float], None]) -> None:
        """Live through the failures (time, cell) up to `stop`, hour by hour."""
        pending = iter([*failures, (stop, -1)])
        at, cell = next(pending)
        while self._due < stop:
            until = min(self._due + HOUR, stop)
            self.read()
            while at < until and cell >= 0:
                self._fail(at, cell, saw)
                at, cell = next(pending)
            for one, counts in enumerate(self.counts):
                done = self._world.count(one, self._due, until)
                counts.add(moment(until), float(done), failed=False)
            self._due = until
            self._remember()

    def _fail(self, at: int, cell: int, saw: Callable[[int, int, float], None]) -> None:
        """Take in a failure: the filter of its location goes through what came before it, if that was lately."""
        location = cell % 3
        self._follow(location, at)
        blip = self._take(location, cell, at, failed=True)
        self.counts[cell].failures += 1.0 - blip
        saw(at, cell, blip)

    def _follow(self, location: int, at: int) -> None:
        """Let the filter see the successes between the last failure of the location, if that was lately, and `at`."""
        start = self._seen[location]
        if at - start > NEAR * PERIOD / CLIENTS:
            self._blips[location] = Blips()
            start = at - NEAR * PERIOD / CLIENTS
        for when, cell in self._world.schedule(range(location, CELLS, LOCATIONS), int(start) + 1, at):
            self._take(location, cell, when, failed=False)

    def _take(self, location: int, cell: int, at: int, *, failed: bool) -> float:
        filter_ = self._blips[location]
        blip = filter_.probability(moment(at))
        expected, _ = ratios(blip, filter_.certainty, self.rates[cell], failed=failed)
        filter_.saw(moment(at), blip, expected, failed=failed)
        self._seen[location] = at
        return blip


@lru_cache(maxsize=1024)
def _week(scenario: int, replicate: int) -> tuple[tuple[float, float], ...]:
    world = World(SCENARIOS[scenario], PREFIX + replicate)
    learner = Learner(world)
    learner.live(world.failures(0, WEEK), WEEK, lambda *_: None)
    return tuple((one.failures, one.transactions) for one in learner.counts)


def week(scenario: int, replicate: int) -> tuple[Counts, ...]:
    """Return what was counted in a healthy week that ended at time 0: of a null, which has no incident."""
    return restored([[failures, transactions, START] for failures, transactions in _week(scenario, replicate)])


def restored(states: Sequence[Sequence[float | None]]) -> tuple[Counts, ...]:
    """Return counts as they were dumped."""
    found = []
    for state in states:
        counts = Counts()
        if state[2] is not None:
            counts.load([float(one or 0.0) for one in state])
        found.append(counts)
    return tuple(found)
