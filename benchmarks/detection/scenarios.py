"""What happens to the fleet: five clients at three locations, 30 seconds, and one incident from the sixth hour on.

Rule of this file: a scenario is data. `World` turns one replicate of it into outcomes of transactions.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from types import MappingProxyType

from benchmarks.detection.generator import BLIPS, CELLS, DAY, LOCATIONS, PERIOD, PHASE, STAGGER, Hiccups, Stream

HOUR, MINUTE = 3_600_000, 60_000
ONSET = 6 * HOUR
CUT = 14 * HOUR
"""When a run ends; the incident itself has no end."""
NEVER = 10**15
EVERYWHERE = (0, 1, 2)
EVERYBODY = (0, 1, 2, 3, 4)


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of an incident: failure probability from `first` to `last`, in a straight line over [start, stop)."""

    clients: tuple[int, ...]
    locations: tuple[int, ...]
    first: float
    last: float
    start: int = ONSET
    stop: int = NEVER

    def probability(self, at: int) -> float:
        """Return the failure probability at a time within."""
        if self.first == self.last:
            return self.first
        return self.first + (self.last - self.first) * (at - self.start) / (self.stop - self.start)


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. `isolated`: probability of a failure for no reason, at the start and at the end; `blips` per day.

    `clients` and `locations` are those of the incident, as an attribution should find them.
    """

    number: int
    title: str
    parts: tuple[Part, ...] = ()
    isolated: tuple[float, float] = (0.0005, 0.0005)
    blips: float = 0.5
    mean: float = 45.0
    end: int = CUT
    clients: tuple[int, ...] = ()
    locations: tuple[int, ...] = ()

    def healthy(self, at: int) -> float:
        """Return the probability of a failure for no reason at a time."""
        first, last = self.isolated
        return first if first == last else first + (last - first) * min(at / self.end, 1.0)


def _steady(number: int, title: str, clients: tuple[int, ...], locations: tuple[int, ...], p: float) -> Scenario:
    return Scenario(number, title, (Part(clients, locations, p, p),), clients=clients, locations=locations)


def _bursts() -> tuple[Part, ...]:
    starts = [ONSET + 10 * MINUTE * index for index in range(6)]
    return tuple(Part(EVERYBODY, (0,), 0.7, 0.7, start, start + 3 * MINUTE) for start in starts)


ROLLBACK = ONSET + 2 * HOUR
RECOVERED = ROLLBACK + 20 * MINUTE
PAIR = (0, 1)
ALL = (
    Scenario(1, "null: isolated failures 0.1 %", isolated=(0.001, 0.001), blips=0.0, end=45 * DAY),
    Scenario(2, "null: isolated failures and blips", end=45 * DAY),
    Scenario(3, "null: four times the blips", blips=2.0, end=45 * DAY),
    _steady(11, "two of five clients, 10 %", PAIR, EVERYWHERE, 0.10),
    _steady(12, "two of five clients, 20 %", PAIR, EVERYWHERE, 0.20),
    _steady(13, "two of five clients, 30 %", PAIR, EVERYWHERE, 0.30),
    _steady(14, "two clients of no family, 20 %", (1, 3), EVERYWHERE, 0.20),
    _steady(21, "one client, 5 %", (2,), EVERYWHERE, 0.05),
    _steady(22, "one client, 10 %", (2,), EVERYWHERE, 0.10),
    _steady(23, "one client, 30 %", (2,), EVERYWHERE, 0.30),
    _steady(31, "total outage", EVERYBODY, EVERYWHERE, 1.0),
    _steady(32, "all clients, 10 %", EVERYBODY, EVERYWHERE, 0.10),
    _steady(41, "one location, 30 %", EVERYBODY, (1,), 0.30),
    _steady(42, "one location down", EVERYBODY, (1,), 1.0),
    _steady(43, "one client at one location, 30 %", (3,), (1,), 0.30),
    Scenario(51, "sign-in throttled in bursts", _bursts(), clients=EVERYBODY, locations=(0,)),
    Scenario(
        61,
        "one client, rising to 30 % in an hour",
        (
            Part((3,), EVERYWHERE, 0.0, 0.30, ONSET, ONSET + HOUR),
            Part((3,), EVERYWHERE, 0.30, 0.30, ONSET + HOUR),
        ),
        clients=(3,),
        locations=EVERYWHERE,
    ),
    Scenario(
        71,
        "two clients, 20 %, rolled back after two hours",
        (
            Part(PAIR, EVERYWHERE, 0.20, 0.20, ONSET, ROLLBACK),
            Part(PAIR, EVERYWHERE, 0.10, 0.10, ROLLBACK, RECOVERED),
        ),
        end=RECOVERED + 6 * HOUR,
        clients=PAIR,
        locations=EVERYWHERE,
    ),
    Scenario(81, "isolated failures from 0.05 to 0.25 % in 30 days", isolated=(0.0005, 0.0025), end=30 * DAY),
)
SCENARIOS = MappingProxyType({one.number: one for one in ALL})


@dataclass(slots=True)
class World:
    """One replicate of a scenario. A cell is 3 x client + location; its transactions are numbered from 0."""

    scenario: Scenario
    replicate: int
    phase: int = field(init=False)
    _streams: list[Stream] = field(init=False)
    _hiccups: list[Hiccups] = field(init=False)
    _parts: list[list[Part]] = field(init=False)

    def __post_init__(self) -> None:
        scenario, streams = self.scenario, [self._stream(one) for one in range(CELLS)]
        self.phase = int(PERIOD * self._stream(PHASE).u(0))
        self._streams = streams
        self._hiccups = [Hiccups(self._stream(BLIPS + one), scenario.blips, scenario.mean) for one in range(LOCATIONS)]
        self._parts = [
            [one for one in scenario.parts if cell // 3 in one.clients and cell % 3 in one.locations]
            for cell in range(CELLS)
        ]

    def _stream(self, number: int) -> Stream:
        return Stream(self.scenario.number, self.replicate, number)

    def at(self, cell: int, position: int) -> int:
        """Return when a cell's transaction is on the base schedule."""
        return self.phase + STAGGER * cell + PERIOD * position

    def position(self, cell: int, at: int) -> int:
        """Return which transaction of the base schedule is a cell's first at `at` or later."""
        return max(-((self.phase + STAGGER * cell - at) // PERIOD), 0)

    def count(self, cell: int, start: int, stop: int) -> int:
        """Return how many transactions of a cell the base schedule has in [start, stop)."""
        return self.position(cell, stop) - self.position(cell, start)

    def schedule(self, cells: Iterable[int], start: int, stop: int) -> list[tuple[int, int]]:
        """Return time and cell of all transactions of some cells in [start, stop), in time order."""
        return sorted(
            (at, cell) for cell in cells for at in range(self.at(cell, self.position(cell, start)), stop, PERIOD)
        )

    def probability(self, cell: int, at: int) -> float:
        """Return the probability of a failure outside blips."""
        incident = 0.0
        for part in self._parts[cell]:
            if part.start <= at < part.stop:
                incident = part.probability(at)
        return 1.0 - (1.0 - self.scenario.healthy(at)) * (1.0 - incident)

    def blip(self, cell: int, at: int) -> bool:
        """Return whether there is a blip at a cell's location."""
        return self._hiccups[cell % 3].inside(at)

    def incident(self, cell: int, at: int) -> bool:
        """Return whether the incident is on for a cell."""
        return any(part.start <= at < part.stop for part in self._parts[cell])

    def fails(self, cell: int, position: int, at: int) -> bool:
        """Return the outcome of the transaction at `at` that takes the number at `position` of the cell's stream."""
        return self.blip(cell, at) or self._streams[cell].u(position) < self.probability(cell, at)

    def failures(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Return time and cell of the failures in [start, stop) of the base schedule, in time order."""
        found = []
        for cell in range(CELLS):
            positions = self._isolated(cell, start, stop)
            for begin, end in self._hiccups[cell % 3].until(stop) if self.scenario.blips else ():
                first = self.position(cell, max(begin, start))
                positions.update(range(first, max(first, self.position(cell, min(end, stop)))))
            found += [(self.at(cell, position), cell) for position in positions]
        return sorted(found)

    def _isolated(self, cell: int, start: int, stop: int) -> set[int]:
        """Return a cell's failures outside blips, stretch by stretch of about the same probability."""
        edges = {start, stop, *(edge for part in self._parts[cell] for edge in (part.start, part.stop))}
        bounds = sorted(edge for edge in edges if start <= edge <= stop)
        found: set[int] = set()
        for begin, end in pairwise(bounds):
            most = max(self.probability(cell, begin), self.probability(cell, end - 1))
            first, last = self.position(cell, begin), self.position(cell, end)
            candidates = self._streams[cell].below(most, first, last)
            found.update(one for one in candidates if self.fails(cell, one, self.at(cell, one)))
        return found


def transactions(world: World, stop: int) -> int:
    """Return how many transactions the base schedule has before `stop`."""
    return sum(world.count(cell, 0, stop) for cell in range(CELLS))
