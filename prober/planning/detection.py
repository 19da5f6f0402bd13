"""How long it will take to find a loss: the detector's own evidence, played against losses of a given size.

Rule of this file: the same seed gives the same minutes, so that two plans can be compared.
"""

import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from random import Random

from prober.detect.baseline import USUAL, healthy
from prober.detect.blips import RHO, Blips
from prober.detect.confirming import Confirming, Pace
from prober.detect.group import GroupKind
from prober.detect.groups import Planned, Source, memberships, planned
from prober.detect.mixture import Evidence, ratios
from prober.detect.parts import SHARE

LOSSES = (0.05, 0.20, 1.0)
RUNS = 120
LONGEST = 4000
"""Attempts after which a run is given up: the mean is then a lower limit."""
SHIPPED = 3.0
"""How many times less evidence than the guaranteed one is enough for a page."""
SHOWN = frozenset({GroupKind.CLIENT, GroupKind.CELL, GroupKind.FAMILY, GroupKind.VANTAGE, GroupKind.FLEET})
EXCUSED = 10 * RHO
"""Probability of a blip below which it matters to nobody that others, who do not fail, take its excuse away."""
WITNESSES = 3
"""Successes of others after which nothing of it is left."""


@dataclass(frozen=True, slots=True)
class Shape:
    """What a group is made of: `cells` has the seconds between two scheduled attempts of each.

    `others`: seconds between two attempts of all in its environment that do not belong to it. `threshold` in days of
    evidence. `looks`: whether second looks are taken.
    """

    cells: tuple[float, ...]
    others: float
    threshold: float
    looks: bool

    @property
    def interval(self) -> float:
        """Seconds between two scheduled attempts of the group."""
        return 1.0 / sum(1.0 / one for one in self.cells)


@dataclass(frozen=True, slots=True)
class Expected:
    """A group, of how many like it the slowest, and the minutes it takes to find each of `LOSSES`, on the average."""

    group: Planned
    minutes: tuple[float, ...]
    of: int = 1


def expected(
    sources: Mapping[str, Source], budget: float, *, guaranteed: bool = False, second_looks: bool = True
) -> tuple[Expected, ...]:
    """Return the expectation for every client, family, vantage and environment, and for each client's slowest cell.

    `budget`: days between two false pages; `second_looks`: whether failures are looked at again.
    """
    days = budget if guaranteed else budget / SHIPPED
    found = []
    for group in planned(sources):
        if group.kind in SHOWN:
            shape = _shape(group, sources, days / group.weight, looks=second_looks)
            found.append(Expected(group, tuple(minutes_to_page(shape, loss) for loss in LOSSES)))
    return tuple(_slowest_cells(found))


def _slowest_cells(found: Iterable[Expected]) -> Iterable[Expected]:
    """Give of the cells of each client the one that takes longest, and everything else, in its order."""
    cells: dict[str, list[Expected]] = {}
    rest = []
    for one in found:
        if one.group.kind is GroupKind.CELL:
            cells.setdefault(one.group.name.partition("@")[0], []).append(one)
        else:
            rest.append(one)
    yield from rest
    for mine in cells.values():
        slowest = max(mine, key=lambda one: one.minutes)
        yield Expected(slowest.group, slowest.minutes, len(mine))


def _shape(group: Planned, sources: Mapping[str, Source], threshold: float, *, looks: bool) -> Shape:
    belongs = memberships(sources)
    mine = {key for key, one in belongs.items() if (group.kind, group.name) in one.availability}
    homes = {sources[key].environment for key in mine}
    rates: dict[object, float] = {}
    others = 0.0
    for key, source in sources.items():
        if key in mine:
            rates[source.cell] = rates.get(source.cell, 0.0) + 1.0 / source.interval
        elif source.environment in homes:
            others += 1.0 / source.interval
    cells = tuple(sorted(round(1.0 / rate, 3) for rate in rates.values()))
    if group.kind is GroupKind.CLIENT and len(cells) < len(mine):
        threshold /= 1.0 - SHARE  # what each mailbox shows alone is worth little where all fail alike
    return Shape(cells, round(1.0 / others, 3) if others else inf, round(threshold, 6), looks)


@lru_cache(maxsize=4096)
def minutes_to_page(shape: Shape, loss: float) -> float:
    """Return the mean number of minutes from the beginning of a loss until the group's evidence reaches its threshold.

    Attempts of a cell are evenly spaced and as likely to fail as each other, second looks among them.
    """
    chance = Random(f"{shape} {loss}")  # noqa: S311 - the same losses in every plan, no secret
    return sum(_Run(shape, loss, chance).play() for _ in range(RUNS)) / RUNS / 60.0


class _Run:
    """One loss from its beginning to its page, in the time of its attempts."""

    def __init__(self, shape: Shape, loss: float, chance: Random) -> None:
        self._shape = shape
        self._loss = loss
        self._chance = chance
        self._usual = healthy(0.0, 0.0, USUAL)
        self._evidence = Evidence(shape.interval, self._usual)
        self._blips = Blips()
        self._heard = 0.0
        self._confirming = [Confirming(Pace()) for _ in shape.cells]
        self._looking: set[int] = set()
        self._due: list[tuple[float, int, bool]] = [
            (chance.uniform(0.0, every), cell, False) for cell, every in enumerate(shape.cells)
        ]
        heapq.heapify(self._due)

    def play(self) -> float:
        """Return the seconds until the page."""
        longest = LONGEST * self._shape.interval
        at = 0.0
        while at < longest:
            at, cell, again = heapq.heappop(self._due)
            failed = self._chance.random() < self._loss
            excused = self._take(at, failed=failed)
            if failed and self._evidence.days(self._usual) >= self._shape.threshold:
                return at
            self._plan(at, cell, again=again, counts=failed and not excused)
        return longest

    def _take(self, at: float, *, failed: bool) -> bool:
        """Take in one attempt; return whether a hiccup of the network is the likelier cause if it failed."""
        if self._blips.probability(at) > EXCUSED:
            self._witness(at)
        blip = self._blips.probability(at)
        rate, ratio = ratios(blip, self._blips.certainty, self._usual, failed=failed)
        self._blips.saw(at, blip, rate, failed=failed)
        self._evidence.update(at, ratio, failed=failed)
        self._heard = at
        return blip >= 0.5

    def _witness(self, at: float) -> None:
        """Let those who do not belong to the group, and do not fail, be heard since its last attempt."""
        for count in range(1, WITNESSES + 1):
            when = self._heard + count * self._shape.others
            if when >= at:
                return
            blip = self._blips.probability(when)
            rate, _ = ratios(blip, self._blips.certainty, self._usual, failed=False)
            self._blips.saw(when, blip, rate, failed=False)

    def _plan(self, at: float, cell: int, *, again: bool, counts: bool) -> None:
        """Put on the list what follows an attempt: the next of the schedule, the next second look."""
        confirming = self._confirming[cell]
        if again:
            self._looking.discard(cell)
        else:
            confirming.attempted()
            heapq.heappush(self._due, (at + self._shape.cells[cell], cell, False))
        if not self._shape.looks:
            return
        if counts:
            confirming.failed(at)
        following = None if cell in self._looking else confirming.next(at)
        if following is not None:
            self._looking.add(cell)
            heapq.heappush(self._due, (following, cell, True))
