"""Which clients fail from which locations: rectangles of clients x locations, weighed against each other.

Rule of this file: what lies outside a rectangle is taken to be well and says nothing, so a rectangle gains by every
failing cell that it holds and loses by every cell that is well. The answer sharpens as transactions come in, and nobody
waits for it.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from heapq import nlargest
from math import exp, isfinite, log
from typing import Any

from prober.detect.explain import MIXED, scope
from prober.detect.history import POINTS, History, Stretch, Sums
from prober.detect.interval import wilson
from prober.detect.pieces import separated
from prober.detect.sets import CLIENTS, LOCATIONS, Prior, indices, union

EXACT = 1100
"""So many rectangles are weighed one by one, within two milliseconds: all of ten clients at one location, or of five at
three."""
MAJORITY = 0.5
"""A step is named when it surely has more than this share of the failures."""
PROMISING, ROUNDS = 5, 4
"""How many of the best rectangles a search sets out from, and how often it does so before it is content."""

NOTHING: Sums = (0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
Ranked = tuple[tuple[str, ...], tuple[str, ...], float]
"""Clients, locations and the probability that they are the ones."""
Rectangle = tuple[int, int]
"""A set of clients and a set of locations."""
Scores = dict[Rectangle, float]
NONE: Rectangle = (0, 0)


@dataclass(frozen=True, slots=True)
class Explanation:
    """The best rectangle since a change, and its probability among all that were weighed, given that something fails.

    `failures` of `transactions` were counted within it; `step` is where most of the failures happened, or `mixed`.
    `every_client`, `everywhere`: it holds all clients there are, or all locations where its clients are seen.
    """

    clients: tuple[str, ...]
    locations: tuple[str, ...]
    probability: float
    step: str
    failures: int
    transactions: int
    runner_up: Ranked | None
    every_client: bool
    everywhere: bool

    @property
    def words(self) -> str:
        """The same for a person."""
        clients = () if self.every_client and len(self.clients) > 1 else self.clients
        return scope(clients, () if self.everywhere else self.locations, self.step, self.probability)


class Attribution:
    """Explains troubles of one environment. `cells`: every (client, location) there is; `families`: clients by name."""

    def __init__(self, cells: Sequence[tuple[str, str]], families: Mapping[str, frozenset[str]]) -> None:
        self._clients = tuple(dict.fromkeys(client for client, _ in cells))
        self._locations = tuple(dict.fromkeys(location for _, location in cells))
        self._cells = {
            (self._clients.index(client), self._locations.index(location)): index
            for index, (client, location) in enumerate(cells)
        }
        wide, high = range(len(self._clients)), range(len(self._locations))
        self._by_client = [[self._cells.get((client, location)) for location in high] for client in wide]
        self._by_location = [[self._cells.get((client, location)) for client in wide] for location in high]
        self._history = History(len(cells))
        self._who = Prior(CLIENTS, len(self._clients), [_bits(self._clients, one) for one in families.values()])
        self._where = Prior(LOCATIONS, len(self._locations), _halves(self._locations))
        self._seen_from = [0] * self._who.count
        self._seen_by = [0] * self._where.count
        for client, location in self._cells:
            self._seen_from[client] |= 1 << location
            self._seen_by[location] |= 1 << client
        self._exact = ((1 << self._who.count) - 1) * ((1 << self._where.count) - 1) <= EXACT
        self._expected = self._likely()

    def note(self, cell: int, at: float, logs: Sequence[float], *, failed: bool, step: str) -> None:
        """Take in one transaction of the cell with that index: its log likelihood ratio for each of the grid points.

        `at` in epoch seconds; `step` is where it failed, from a closed set of words.
        """
        self._history.note(cell, at, logs, step if failed else None)

    def best(self, since: float) -> Explanation | None:
        """Return the best explanation of what came since a change (epoch seconds); `None` while it holds no failure."""
        seen = self._history.since(since)
        scores = self._weigh(seen.sums, self._expected)
        if not self._exact:
            self._search(seen.sums, scores)
        (best, score), *others = nlargest(2, scores.items(), key=lambda item: item[1])
        certainty = 1.0 / sum(exp(one - score) for one in scores.values())
        runner_up = (*self._names(others[0][0]), certainty * exp(others[0][1] - score)) if others else None
        found = self._explained(best, certainty, runner_up, seen)
        return found if found.failures else None

    # -- over restarts -------------------------------------------------------------------------------------------

    def copy(self) -> "Attribution":
        """Return a copy that hears no more, to be written down while others go on; it takes microseconds."""
        twin: Attribution = copy(self)
        twin._history = self._history.copy()
        return twin

    def dump(self, since: float) -> list[object]:
        """Return what was said since a change, by cell: after `load` the same change is explained in the same way."""
        return [since, list(self._said(since))]

    def written(self, since: float) -> Iterator[str]:
        """Give the JSON of what `dump` returns in pieces, each made within some ten microseconds."""
        yield f"[{json.dumps(since)}, ["
        yield from separated(self._said(since))
        yield "]]"

    def _said(self, since: float) -> Iterator[list[object]]:
        for (client, location), index in self._cells.items():
            sums, transactions, failures = self._history.said(index, since)
            steps = {step: count for step, count in failures.items() if count}
            yield [self._clients[client], self._locations[location], sums, transactions, steps]

    def load(self, state: list[Any]) -> None:
        """Take over what `dump` gave; cells that are no longer watched are left out.

        Raises `ValueError` or `TypeError` for anything else, before anything was taken over.
        """
        since, cells = state
        known = [
            (self._index(client, place), _six(sums), _whole(count), steps)
            for client, place, sums, count, steps in cells
        ]
        start = _finite(since)
        counted = [{str(step): _whole(count) for step, count in dict(steps).items()} for *_, steps in known]
        for (index, sums, count, _), failures in zip(known, counted, strict=True):
            if index is not None:
                self._history.resume(start, index, sums, count, failures)

    def _index(self, client: str, location: str) -> int | None:
        if client not in self._clients or location not in self._locations:
            return None
        return self._cells.get((self._clients.index(client), self._locations.index(location)))

    # -- rectangles ----------------------------------------------------------------------------------------------

    def _likely(self) -> dict[int, dict[int, float]]:
        """Return the rectangles that are always weighed: log prior by location set, then by client set.

        Rectangles that hold the same cells are one, with the probability of all of them.
        """
        chances: dict[int, dict[int, float]] = {}
        for where in self._candidates(self._where):
            for who in self._candidates(self._who):
                mine, here = self._shrunk(who, where)
                chance = self._who.probability(who) * self._where.probability(where)
                if mine:
                    chances.setdefault(here, {}).setdefault(mine, 0.0)
                    chances[here][mine] += chance
        return {here: {mine: log(chance) for mine, chance in one.items()} for here, one in chances.items()}

    def _candidates(self, prior: Prior) -> Iterable[int]:
        if self._exact:
            return range(1, 1 << prior.count)
        few = self._who.count**2 * self._where.count <= 2 * EXACT
        return prior.usual(pairs=few and prior is self._who)

    def _shrunk(self, who: int, where: int) -> Rectangle:
        """Return the smallest rectangle with the same cells: `NONE` where it has none."""
        return who & union(self._seen_by[one] for one in indices(where)), where & union(
            self._seen_from[one] for one in indices(who)
        )

    # -- weighing ------------------------------------------------------------------------------------------------

    def _weigh(self, sums: Sequence[Sums], rectangles: Mapping[int, Mapping[int, float]]) -> Scores:
        """Return log prior + log mean over the grid of exp(sum over the cells), for every rectangle."""
        scores: Scores = {}
        for where, sets in rectangles.items():
            rows = self._rows(sums, where)
            totals: dict[int, Sums] = {0: NOTHING}
            for who, prior in sets.items():
                scores[who, where] = prior + _log_mean(_total(totals, rows, who))
        return scores

    def _rows(self, sums: Sequence[Sums], where: int) -> list[Sums]:
        """Return the sums of every client over a set of locations."""
        among = tuple(indices(where))
        return [_added([sums[index] for one in among if (index := row[one]) is not None]) for row in self._by_client]

    def _columns(self, sums: Sequence[Sums], who: int) -> list[Sums]:
        """Return the sums of every location over a set of clients."""
        among = tuple(indices(who))
        return [_added([sums[index] for one in among if (index := row[one]) is not None]) for row in self._by_location]

    def _search(self, sums: Sequence[Sums], scores: Scores) -> None:
        """Look beyond the likely rectangles: from the best ones, by the best other side of each of their sides.

        For one side and one grid point the score is a sum over rows, so the best other side is every row that adds to
        it. Source: Neill (2012), "Fast subset scan for spatial pattern detection".
        """
        explored: set[Rectangle] = set()
        for _ in range(ROUNDS):
            starts = [one for one in nlargest(PROMISING, scores, key=scores.__getitem__) if one not in explored]
            explored.update(starts)
            found = {
                self._shrunk(who, where) for start in starts for who, where in self._neighbours(sums, *start)
            } - scores.keys()
            found.discard(NONE)
            if not found:
                return
            rectangles: dict[int, dict[int, float]] = {}
            for who, where in found:
                rectangles.setdefault(where, {})[who] = self._who.log(who) + self._where.log(where)
            scores.update(self._weigh(sums, rectangles))

    def _neighbours(self, sums: Sequence[Sums], who: int, where: int) -> Iterator[Rectangle]:
        """Give the rectangles with a better side, and all that differ by one client or location: the rivals."""
        yield from ((better, where) for better in _scanned(self._rows(sums, where)))
        yield from ((who, better) for better in _scanned(self._columns(sums, who)))
        yield from ((who ^ 1 << one, where) for one in range(self._who.count))
        yield from ((who, where ^ 1 << one) for one in range(self._where.count))

    # -- saying it -----------------------------------------------------------------------------------------------

    def _explained(self, best: Rectangle, probability: float, runner_up: Ranked | None, seen: Stretch) -> Explanation:
        who, where = best
        within = [self._cells[one] for one in self._inside(best)]
        steps = {step: sum(counts[cell] for cell in within) for step, counts in seen.failures.items()}
        clients, locations = self._names(best)
        return Explanation(
            clients=clients,
            locations=locations,
            probability=probability,
            step=_prevailing(steps),
            failures=sum(steps.values()),
            transactions=sum(seen.transactions[cell] for cell in within),
            runner_up=runner_up,
            every_client=len(clients) == self._who.count,
            everywhere=where == union(self._seen_from[one] for one in indices(who)),
        )

    def _inside(self, rectangle: Rectangle) -> list[Rectangle]:
        who, where = rectangle
        return [cell for cell in self._cells if who >> cell[0] & 1 and where >> cell[1] & 1]

    def _names(self, rectangle: Rectangle) -> tuple[tuple[str, ...], tuple[str, ...]]:
        who, where = rectangle
        return tuple(self._clients[one] for one in indices(who)), tuple(self._locations[one] for one in indices(where))


def _six(values: Sequence[Any]) -> Sums:
    l0, l1, l2, l3, l4, l5 = map(_finite, values)
    return l0, l1, l2, l3, l4, l5


def _finite(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError("not a number")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError("not a count")
    return value


def _bits(names: Sequence[str], chosen: Iterable[str]) -> int:
    return union(1 << names.index(one) for one in chosen if one in names)


def _halves(locations: Sequence[str]) -> list[int]:
    """Return the locations that share a vantage or a region: a trouble of either is seen from all of them."""
    sharing: dict[tuple[bool, str], int] = {}
    for index, name in enumerate(locations):
        vantage, _, region = name.partition("/")
        for half in ((True, vantage), (False, region)) if region else ():
            sharing[half] = sharing.get(half, 0) | 1 << index
    return list(dict.fromkeys(sharing.values()))


def _added(rows: Sequence[Sums]) -> Sums:
    if not rows:
        return NOTHING
    return tuple(map(sum, zip(*rows, strict=True)))  # type: ignore[return-value]  # six columns give six sums


def _plus(one: Sums, other: Sums) -> Sums:
    a0, a1, a2, a3, a4, a5 = one
    b0, b1, b2, b3, b4, b5 = other
    return a0 + b0, a1 + b1, a2 + b2, a3 + b3, a4 + b4, a5 + b5


def _total(totals: dict[int, Sums], rows: Sequence[Sums], members: int) -> Sums:
    """Return the sum of the rows of a set; `totals` remembers those of its smaller parts."""
    found = totals.get(members)
    if found is None:
        rest = members & (members - 1)
        last = rows[(members ^ rest).bit_length() - 1]
        found = totals[members] = _plus(_total(totals, rows, rest), last)
    return found


def _log_mean(sums: Sums) -> float:
    """Return log mean exp of them, without leaving the range of floats."""
    most = max(sums)
    s0, s1, s2, s3, s4, s5 = sums
    total = exp(s0 - most) + exp(s1 - most) + exp(s2 - most) + exp(s3 - most) + exp(s4 - most) + exp(s5 - most)
    return most + log(total / POINTS)


def _scanned(rows: Sequence[Sums]) -> set[int]:
    """Return for each grid point the best set of rows of every size, as long as every row adds to the sum."""
    found = set()
    for point in range(POINTS):
        adding = sorted(((row[point], 1 << one) for one, row in enumerate(rows) if row[point] > 0.0), reverse=True)
        members = 0
        for _, bit in adding:
            members |= bit
            found.add(members)
    return found


def _prevailing(steps: Mapping[str, int]) -> str:
    """Return the step that surely has most of the failures; `mixed` when none has."""
    failures = sum(steps.values())
    step = max(steps, key=steps.__getitem__, default=MIXED)
    return step if failures and wilson(steps[step], failures)[0] > MAJORITY else MIXED
