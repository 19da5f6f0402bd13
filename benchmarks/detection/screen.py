"""Where in weeks of healthy life a false page may be: a sketch of the evidence, from failure to failure.

Rule of this file: it decides nothing. It only leaves out hours in which the evidence stays far below a page; in all
others the prober's own detector is played, transaction by transaction, and says whether it pages.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.detection.fleet import CLIENT, FAMILY, KEYS, LOCATION, Learner, moment, seasoned
from benchmarks.detection.generator import CELLS, PERIOD
from benchmarks.detection.play import Play, firing
from benchmarks.detection.scenarios import HOUR, World
from benchmarks.detection.scrapes import TICK
from prober.detect.baseline import Counts
from prober.detect.blips import CERTAINTY
from prober.detect.detector import Sample, What
from prober.detect.group import GroupKind
from prober.detect.mixture import DAY, GRID, ratios

LOOK = 0.3
"""Share of a page from which an hour is looked at."""
BEFORE, AFTER = 6 * HOUR, HOUR // 6
"""How long before such a moment the detector starts, at rest, and how long after it stops."""


class Sketch:
    """Evidence of one group without the transactions between failures. `cells` of them in all."""

    __slots__ = ("_last", "_step", "_values", "page")

    def __init__(self, cells: int, page: float) -> None:
        self.page = page
        self._step = PERIOD / cells
        self._last = 0
        self._values = [self._step / 1000.0 / DAY * (1.0 - p) / p for p in GRID]

    def fail(self, at: int, blip: float, healthy: float) -> float:
        """Take in a failure; return the share of a page."""
        count = max((at - self._last) / self._step - 1.0, 0.0)
        _, up = ratios(blip, CERTAINTY, healthy, failed=True)
        day = self._step / 1000.0 / DAY
        values = []
        for value, p, factor in zip(self._values, GRID, up, strict=True):
            g = (1.0 - p) / (1.0 - healthy)
            power: float = g**count
            values.append((value * power + day * g * (1.0 - power) / (1.0 - g) + day) * factor)
        self._values, self._last = values, at
        return sum(values) / len(GRID) / self.page


class Sketches:
    """The sketches of all groups of the fleet."""

    def __init__(self) -> None:
        detector = seasoned([Counts() for _ in range(CELLS)])
        for key in KEYS:
            detector.observe(Sample(key, moment(0), What.OK))
        pages = {(group.kind, group.name.partition("/")[2] or group.name): group.threshold for group in detector.groups}
        client = [Sketch(3, pages[GroupKind.CLIENT, one]) for one in CLIENT]
        place = [Sketch(5, pages[GroupKind.VANTAGE, one]) for one in LOCATION]
        family = Sketch(3 * len(FAMILY), pages[GroupKind.FAMILY, "family"])
        fleet = Sketch(CELLS, pages[GroupKind.FLEET, "exchange_online"])
        self._of = [
            [
                client[cell // 3],
                place[cell % 3],
                fleet,
                Sketch(1, pages[GroupKind.CELL, f"{CLIENT[cell // 3]}@{LOCATION[cell % 3]}"]),
                *([family] if cell // 3 in FAMILY else []),
            ]
            for cell in range(CELLS)
        ]

    def fail(self, at: int, cell: int, blip: float, healthy: float) -> float:
        """Take in a failure of a cell; return the largest share of a page."""
        return max(sketch.fail(at, blip, healthy) for sketch in self._of[cell])


@dataclass(slots=True)
class Window:
    """A stretch worth playing, in ms, and what every cell had counted when it began."""

    start: int
    stop: int
    counts: tuple[Counts, ...]


def windows(world: World, failures: Sequence[tuple[int, int]], week: Sequence[Counts], stop: int) -> list[Window]:
    """Return the stretches of a healthy run with these failures (time, cell) in which there may be a page."""
    learner, sketches, found = Learner(world, week), Sketches(), list[Window]()

    def saw(at: int, cell: int, blip: float) -> None:
        if sketches.fail(at, cell, blip, learner.rates[cell]) < LOOK:
            return
        start = max(at - BEFORE, 0) // TICK * TICK
        if found and start <= found[-1].stop:
            found[-1].stop = at + AFTER
        else:
            found.append(Window(start, at + AFTER, learner.past(start)))

    learner.live(failures, stop, saw)
    return found


def false_page(world: World, failures: Sequence[tuple[int, int]], week: Sequence[Counts], stop: int) -> int | None:
    """Return when a healthy run has its first page (ms), `None` if it has none before `stop`."""
    for window in windows(world, failures, week, stop):
        play = Play(seasoned(window.counts), world, window.start)
        for at in range(window.start, min(window.stop, stop) + TICK, TICK):
            play.advance(at)
            if firing(play.groups):
                return at
    return None
