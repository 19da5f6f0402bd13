"""The rules that people use today, and what plain PromQL can do, on the same streams.

Rule of this file: every rule is asked at the same ticks, by the same evaluator, and pages at the first tick at which it
has held for as long as it asks for. Any cell, or any client, is enough.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from math import log

from benchmarks.detection.generator import CELLS, CLIENTS, PERIOD
from benchmarks.detection.scenarios import World
from benchmarks.detection.scrapes import TICK, Scrapes, following

MINUTES = 60_000 // TICK
"""Ticks in a minute."""


class Seen:
    """All cells of one replicate as scraped, from the start of the run to `stop` (ms)."""

    __slots__ = ("cells", "clients", "last")

    def __init__(self, world: World, failures: Sequence[tuple[int, int]], stop: int) -> None:
        by_cell: list[list[int]] = [[] for _ in range(CELLS)]
        for at, cell in failures:
            by_cell[cell].append(at)
        self.cells = tuple(Scrapes(world.at(cell, 0), times) for cell, times in enumerate(by_cell))
        self.clients = tuple(self.cells[3 * client : 3 * client + 3] for client in range(CLIENTS))
        self.last = stop // TICK


class Rule(ABC):
    """A rule. `name` as a person would write it."""

    name: str

    @abstractmethod
    def first(self, seen: Seen, start: int) -> int | None:
        """Return the first page at `start` or later (ms), `None` if there is none."""


class OfCells(Rule):
    """A rule about the gauge of each cell on its own, which has to hold for `lasting` ticks."""

    lasting = 0
    reach = 1
    """Ticks after a zero for which the rule may hold."""

    @abstractmethod
    def holds(self, cell: Scrapes, tick: int) -> bool:
        """Return whether the condition holds at a tick."""

    def first(self, seen: Seen, start: int) -> int | None:
        """Return the first page of any cell."""
        best = seen.last + 1
        for cell in seen.cells:
            best = min(best, self._of(cell, following(start), best))
        return best * TICK if best <= seen.last else None

    def _of(self, cell: Scrapes, start: int, stop: int) -> int:
        """Return the first page of one cell before `stop`, or `stop`; what holds at `start` began before it."""
        since = last = -2
        for tick in self._candidates(cell, stop):
            if not self.holds(cell, tick):
                continue
            if tick - 1 != last:
                since = tick
            last = tick
            if tick >= start and tick - since >= self.lasting:
                return tick
        return stop

    def _candidates(self, cell: Scrapes, stop: int) -> Iterator[int]:
        """Give the ticks at which the condition may hold: those shortly after a zero."""
        after = 0
        for zero in cell.zeros:
            yield from range(max(zero, after), min(zero + self.reach, stop))
            after = max(after, zero + self.reach)
            if after >= stop:
                return


class Down(OfCells):
    """The gauge is zero for five minutes: what most runbooks have."""

    name = "== 0 for 5m"
    lasting = 5 * MINUTES

    def holds(self, cell: Scrapes, tick: int) -> bool:
        """Return whether the gauge is zero."""
        return cell.unavailable(tick, 1) > 0.0


class Average(OfCells):
    """The average of five minutes is below 0.9 for two minutes."""

    name = "avg 5m < 0.9 for 2m"
    lasting = 2 * MINUTES
    reach = 5 * MINUTES

    def holds(self, cell: Scrapes, tick: int) -> bool:
        """Return whether the average is below."""
        return 1.0 - cell.unavailable(tick, 5 * MINUTES) < 0.9


class BurnRate(OfCells):
    """Error budget of 99.9 % burning 14.4 times too fast over 1 h and 5 min, or 6 times over 6 h and 30 min."""

    name = "multi-burn-rate 99.9 %"
    reach = 30 * MINUTES

    def holds(self, cell: Scrapes, tick: int) -> bool:
        """Return whether either pair of windows burns."""
        fast = cell.unavailable(tick, 5 * MINUTES) > 0.0144 and cell.unavailable(tick, 60 * MINUTES) > 0.0144
        return fast or (cell.unavailable(tick, 30 * MINUTES) > 0.006 and cell.unavailable(tick, 360 * MINUTES) > 0.006)


class InARow(Rule):
    """Three failures in a row in one cell; two successes would clear. Looks at transactions, pages at the next tick."""

    name = "3 in a row, 2 clear"

    def first(self, seen: Seen, start: int) -> int | None:
        """Return the first page of any cell."""
        found = [third for cell in seen.cells if (third := third_in_a_row(cell.failures, start)) is not None]
        return following(min(found)) * TICK if found and following(min(found)) <= seen.last else None


def third_in_a_row(failures: Sequence[int], start: int) -> int | None:
    """Return when the third of three failures in a row was, at `start` or later (ms)."""
    for first, third in zip(failures, failures[2:], strict=False):
        if third - first == 2 * PERIOD and third >= start:
            return third
    return None


class OfClients(Rule):
    """A rule about counters of the cells of each client. It can only begin to hold when a failure was scraped."""

    @abstractmethod
    def holds(self, cells: Sequence[Scrapes], tick: int) -> bool:
        """Return whether the condition holds at a tick."""

    def first(self, seen: Seen, start: int) -> int | None:
        """Return the first page of any client."""
        best = seen.last + 1
        for cells in seen.clients:
            ticks = sorted({max(following(at), following(start)) for cell in cells for at in cell.failures})
            best = next((tick for tick in ticks if tick < best and self.holds(cells, tick)), best)
        return best * TICK if best <= seen.last else None


class Pooled(OfClients):
    """Seven failures of a client within 15 minutes, from wherever they were seen."""

    name = "pooled count >= 7 in 15m"

    def holds(self, cells: Sequence[Scrapes], tick: int) -> bool:
        """Return whether there are as many."""
        return sum(round(cell.failed(tick, 15 * MINUTES)) for cell in cells) >= 7


class Pair(OfClients):
    """The best pair of plain rules: four failures in 15 minutes of which a location gives at most two, or eight."""

    name = "PromQL pair P1"

    def holds(self, cells: Sequence[Scrapes], tick: int) -> bool:
        """Return whether either holds."""
        counts = [round(cell.failed(tick, 15 * MINUTES)) for cell in cells]
        return sum(min(count, 2) for count in counts) >= 4 or sum(counts) >= 8


class Likelihood(OfClients):
    """A likelihood ratio over five windows in plain PromQL; the healthy rate is that of seven healthy days."""

    name = "PromQL likelihood ratio"
    windows = (2, 5, 15, 60, 180)
    threshold = 9.5 + log(CLIENTS)
    healthy = (2.0 + 0.0006 * 7 * 8640) / (2000.0 + 7 * 8640)

    def holds(self, cells: Sequence[Scrapes], tick: int) -> bool:
        """Return whether it holds in any window."""
        return any(self._ratio(cells, tick, minutes * MINUTES) > self.threshold for minutes in self.windows)

    def _ratio(self, cells: Sequence[Scrapes], tick: int, width: int) -> float:
        failures = sum(round(cell.failed(tick, width)) for cell in cells)
        if failures < 2:
            return 0.0
        finished = max(sum(round(cell.finished(tick, width)) for cell in cells), failures)
        if failures <= finished * self.healthy:
            return 0.0
        well = max(1.0 - failures / finished, 1e-9)
        return failures * log(failures / (finished * self.healthy)) + (finished - failures) * log(
            well / (1.0 - self.healthy)
        )


RULES: tuple[Rule, ...] = (Down(), Average(), InARow(), BurnRate(), Pooled(), Pair(), Likelihood())
