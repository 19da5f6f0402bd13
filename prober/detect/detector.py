"""The detector: hears every attempt that counts, and knows which groups are well, suspect or failing, and since when.

Rule of this file: constant memory and constant work per attempt, however long it runs; what it knows survives restarts.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import partial
from math import log
from typing import Any

from prober.detect import baseline
from prober.detect.attribution import Attribution, Explanation
from prober.detect.baseline import Counts
from prober.detect.blips import CERTAINTY, RHO, TAU, Blips
from prober.detect.confirming import Confirming, Pace
from prober.detect.group import LEARNING, Group, GroupKind, Groups, Hear, Result, Transition, Watched
from prober.detect.groups import WEIGHTS, Membership, Planned, Source, memberships, planned
from prober.detect.mixture import Six, ratios
from prober.vocabulary import Environment

REFRESH = 3600.0
"""Seconds between two readings of the baselines."""
PUSH_USUAL = 0.01
"""Share of holds that get lost although nothing is wrong: a single lost long poll is normal."""
SURE = 3.0
"""How many times less evidence than the guaranteed one is enough for a page."""


class What(Enum):
    """What one attempt showed."""

    OK = "ok"
    FAILED = "failed"
    THROTTLED = "throttled"


_FAILED, _THROTTLED = What.FAILED, What.THROTTLED
"""Looked up for every attempt."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One finished attempt that counts, or was throttled. `key` names its source; `at` in epoch seconds.

    `step` is where it failed. `confirm`: it was a second look, and teaches nothing about what is normal.
    """

    key: str
    at: float
    what: What
    step: str = ""
    confirm: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """How sure a page must be. `budget`: days between two false pages of the whole fleet.

    A page comes at a third of the evidence that guarantees this budget, unless `guaranteed`: simulations show the real
    distance to be two to seven times the guaranteed one. For `learning` seconds a page takes the guaranteed evidence.
    `tau`, `rho` and `certainty` describe network blips; `healthy` fixes the healthy failure rate, for comparisons.
    """

    budget: float = 30.0
    guaranteed: bool = False
    tau: float = TAU
    rho: float = RHO
    certainty: float = CERTAINTY
    healthy: float | None = None
    learning: float = LEARNING
    pace: Pace = field(default_factory=Pace)


class _Plain:
    """A healthy model that knows no blips: its failure rate, and what a success and a failure say."""

    __slots__ = ("_believing", "failure", "healthy", "success")

    def __init__(self, healthy: float) -> None:
        self.healthy = healthy
        self._believing: set[tuple[int, ...]] = set()
        self.success, self.failure = (ratios(0.0, 0.0, healthy, failed=failed)[1] for failed in (False, True))

    def feed(self, groups: Groups, rows: tuple[int, ...], at: float, *, failed: bool) -> None:
        """Take a result into groups; with the first, they take the failure rate for healthy."""
        if rows not in self._believing:
            self._believe(groups, rows)
        ratio = self.failure if failed else self.success
        for row in rows if failed else groups.succeed(rows, at, ratio):
            groups.update(row, Result(at, failed, 0.0, 0.0, self.healthy, ratio))

    def doubt(self) -> None:
        """Tell the groups again: they may have been told otherwise."""
        self._believing.clear()

    def _believe(self, groups: Groups, rows: tuple[int, ...]) -> None:
        for row in rows:
            groups.believe(row, self.healthy)
        self._believing.add(rows)


class _Path:
    """One client at one location: its healthy rates, learned, and when to look at it again."""

    __slots__ = ("blips", "confirming", "counts", "healthy", "index", "pushes", "throttles")

    def __init__(self, index: int, blips: Blips, pace: Pace) -> None:
        self.index = index
        self.blips = blips
        self.confirming = Confirming(pace)
        self.counts = Counts()
        self.pushes = Counts()
        self.throttles = Counts()
        self.healthy = baseline.USUAL

    def dump(self) -> list[object]:
        """Return what has to survive a restart."""
        return [self.healthy, self.counts.dump(), self.pushes.dump(), self.throttles.dump()]

    def load(self, state: list[Any]) -> None:
        """Take over what `dump` gave. Raises `ValueError` or `TypeError` for anything else."""
        healthy, counts, pushes, throttles = state
        for one, known in ((self.counts, counts), (self.pushes, pushes), (self.throttles, throttles)):
            one.load(known)
        self.healthy = baseline.believable(float(healthy))


@dataclass(frozen=True, slots=True)
class _Member:
    """What one source belongs to: groups by their rows. `parted`: those that watch its mailboxes one by one."""

    home: "_Home"
    path: _Path
    index: int
    availability: tuple[int, ...]
    parted: tuple[int, ...]
    push: tuple[int, ...]
    throttled: tuple[int, ...]


@dataclass(slots=True)
class _Home:
    """One environment: its paths and availability groups, and when its baselines are read again.

    `within`: the paths of each group, by its row. `watching`: since a failure, every attempt is noted, so that it can
    be said what fails.
    """

    paths: list[_Path] = field(default_factory=list)
    within: dict[int, dict[_Path, None]] = field(default_factory=dict)
    attribution: Attribution | None = None
    watching: bool = False
    due: float = 0.0
    throttled: _Plain = field(default_factory=lambda: _Plain(baseline.USUAL))
    pushed: _Plain = field(default_factory=lambda: _Plain(PUSH_USUAL))

    def note(self, path: _Path, at: float, ratio: Six, *, failed: bool, step: str) -> None:
        """Take in one attempt, for who wants to know what fails."""
        self.watching = self.watching or failed
        if self.watching and self.attribution is not None:
            self.attribution.note(path.index, at, [log(one) for one in ratio], failed=failed, step=step)

    def explanation(self, groups: Groups) -> Explanation | None:
        """Return the best explanation of what fails since the earliest change of what fires."""
        began = [change for row, change in self._changes(groups) if groups.firing(row)]
        return self.attribution.best(min(began)) if began and self.attribution is not None else None

    def _changes(self, groups: Groups) -> Iterator[tuple[int, float]]:
        """Give each group that is not quiet, with the time of its change."""
        for row in groups.troubled():
            if row in self.within and (change := groups.change(row)):
                yield row, change

    def copy(self) -> "_Home":
        """Return a copy that stays as it is, to be written down while others go on."""
        return replace(self, attribution=self.attribution.copy() if self.watching and self.attribution else None)

    def seen(self, groups: Groups) -> Iterator[str]:
        """Give in pieces what was noted since the earliest change of what fires, or else of any group, if there is any.

        As JSON, `null` for nothing.
        """
        began: list[tuple[bool, float]] = []
        if self.watching and self.attribution is not None:
            for row, change in self._changes(groups):
                began.append((not groups.firing(row), change))
                yield ""
        if began and self.attribution is not None:
            yield from self.attribution.written(min(began)[1])
        else:
            yield "null"

    def resume(self, state: list[Any] | None) -> None:
        """Take over what `seen` gave. Raises `ValueError` or `TypeError` for anything else."""
        if state is not None and self.attribution is not None:
            self.attribution.load(state)
            self.watching = True

    def rest(self, groups: Groups) -> None:
        """Stop noting once nothing is out of the ordinary any more."""
        self.watching = self.watching and any(True for _ in self._changes(groups))

    def dump(self) -> list[float]:
        """Return what has to survive a restart."""
        return [self.due, self.throttled.healthy, self.pushed.healthy]

    def load(self, state: list[Any]) -> None:
        """Take over what `dump` gave. Raises `ValueError` or `TypeError` for anything else."""
        due, throttled, pushed = map(float, state)
        self.throttled, self.pushed = _Plain(baseline.believable(throttled)), _Plain(baseline.believable(pushed))
        self.due = due


class Detector:
    """Watches all groups of `sources`, given by key. `hear` is told of every change of state."""

    def __init__(self, sources: Mapping[str, Source], policy: Policy | None = None, hear: Hear | None = None) -> None:
        self.policy = policy or Policy()
        self.last_update = 0.0
        self._sources = dict(sources)
        plans = planned(sources)
        self._groups = Groups(
            [self._watch(one) for one in plans],
            healthy=self.policy.healthy or baseline.USUAL,
            hear=hear or _nobody,
            learning=self.policy.learning,
            aiming=self.policy.guaranteed,
        )
        self._rows = {(one.kind, one.name): row for row, one in enumerate(plans)}
        self._heard = tuple([row for row, one in enumerate(plans) if one.kind in WEIGHTS])
        self._blips: dict[str, Blips] = {}
        self._mailboxes: dict[str, int] = {}
        self._paths: dict[tuple[Environment, str, str], _Path] = {}
        self._homes: dict[Environment, _Home] = {}
        found = memberships(sources)
        self._members = {key: self._join(source, found[key]) for key, source in sources.items()}
        for environment, home in self._homes.items():
            home.attribution = self._attribution(environment)

    @property
    def size(self) -> int:
        """How many groups there are."""
        return len(self._groups)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group, in the order of the configuration."""
        return tuple(self._groups)

    def group(self, kind: GroupKind, name: str) -> Group:
        """Return one group. Raises `KeyError`."""
        return self._groups[self._rows[kind, name]]

    def of(self, key: str) -> tuple[Group, ...]:
        """Return the availability groups that the source `key` belongs to, its client's first."""
        groups = self._groups
        return tuple([Group(groups, row) for row in self._members[key].availability])

    def confirming(self, key: str) -> Confirming:
        """Return when to look again at the client and location of the source `key`."""
        return self._members[key].path.confirming

    @property
    def heard(self) -> tuple[Group, ...]:
        """Return the groups that hear of every attempt that counts: those of availability."""
        return tuple([self._groups[row] for row in self._heard])

    def evidence_days(self) -> list[float]:
        """Return the evidence of each of these in days."""
        return self._groups.days_of(self._heard)

    def evidence_ratios(self) -> list[float]:
        """Return the evidence of each of these as a share of what a page needs."""
        return self._groups.ratios_of(self._heard)

    @property
    def cells(self) -> Mapping[str, tuple[Environment, str, str]]:
        """Return the cell of every source."""
        return {key: source.cell for key, source in self._sources.items()}

    def explanations(self) -> dict[Environment, Explanation]:
        """Return, for each environment where something fires, the best explanation of what fails."""
        found = {environment: home.explanation(self._groups) for environment, home in self._homes.items()}
        return {environment: one for environment, one in found.items() if one is not None}

    def observe(self, sample: Sample) -> None:
        """Take in one attempt."""
        self.take(sample.key, sample.at, sample.what, sample.step, confirm=sample.confirm)

    def take(self, key: str, at: float, what: What, step: str, *, confirm: bool) -> bool:
        """Take in one attempt, given as the fields of a `Sample`.

        Return whether any of its groups wants to be looked at: not after a success that left all as well as they were,
        with a little other evidence.
        """
        member = self._members[key]
        home, path, throttled = member.home, member.path, what is _THROTTLED
        self.last_update = at
        if not 0.0 < home.due - at <= REFRESH:  # also where the clock leapt ahead and came back
            self._refresh(home, at)
        if not confirm:
            path.throttles.add(at, 1.0, failed=throttled)
        home.throttled.feed(self._groups, member.throttled, at, failed=throttled)
        if throttled:
            path.confirming.throttled(at)
            return True
        failed, groups, rows, blips = what is _FAILED, self._groups, member.availability, path.blips
        blip = blips.probability(at)
        expected, ratio = ratios(blip, blips.certainty, path.healthy, failed=failed)
        blips.saw(at, blip, expected, failed=failed)
        if failed or home.watching:
            home.note(path, at, ratio, failed=failed, step=step)
        others = rows if failed else groups.succeed(rows, at, ratio, member.parted, member.index)
        firing = False
        if others:
            result = Result(at, failed, blip, blips.certainty, path.healthy, ratio)
            firing = self._update(others, result, member.index)
        if not confirm:
            path.confirming.attempted()
            if not firing:
                path.counts.add(at, 1.0 - blip, failed=failed)
        if firing:
            path.confirming.stop()
        elif failed and blip < 0.5:
            path.confirming.failed(at)
        return bool(others)

    def pushed(self, key: str, at: float, *, lost: bool) -> None:
        """Take in that a hold of the push channel of `key` ended: lost, or as it should."""
        member = self._members[key]
        member.path.pushes.add(at, 1.0, failed=lost)
        member.home.pushed.feed(self._groups, member.push, at, failed=lost)

    def tick(self, now: float) -> None:
        """Notice what only time tells; call it every few seconds."""
        self.tick_some(now, range(self.size))
        self.rest(now)

    def turns(self, most: int, trouble: int) -> Iterator[range]:
        """Give all groups, by their places among `groups`, `most` at a time; one with a trouble counts as `trouble`."""
        start = counted = 0
        for row in range(self.size):
            counted += trouble if self._groups.change(row) else 1
            if counted >= most:
                yield range(start, row + 1)
                start, counted = row + 1, 0
        yield range(start, self.size)

    def tick_some(self, now: float, rows: range) -> list[Group]:
        """Do so for a few groups, given by their places among `groups`, and return them; `rest` follows the last."""
        self._groups.tick(now, rows)
        return [self._groups[row] for row in rows]

    def rest(self, now: float) -> None:
        """Notice where nothing is out of the ordinary any more."""
        self.last_update = now
        for home in self._homes.values():
            home.rest(self._groups)

    def _update(self, rows: Iterable[int], result: Result, part: int) -> bool:
        """Take a result into groups one by one; return whether any of them has found trouble."""
        groups = self._groups
        firing = False
        for row in rows:
            groups.update(row, result, part)
            firing = firing or groups.firing(row)
        return firing

    # -- what is healthy -----------------------------------------------------------------------------------------

    def _refresh(self, home: _Home, at: float) -> None:
        """Read the baselines anew; the fleet's rate is the prior of every path's own."""
        home.due = at + REFRESH
        home.throttled = _Plain(_limit([one.throttles for one in home.paths], baseline.USUAL))
        home.pushed = _Plain(max(PUSH_USUAL, _limit([one.pushes for one in home.paths], PUSH_USUAL)))
        counts = [one.counts for one in home.paths]
        fleet = baseline.pooled(sum(one.failures for one in counts), sum(one.transactions for one in counts))
        for path in home.paths:
            learned = baseline.healthy(path.counts.failures, path.counts.transactions, fleet)
            path.healthy = self.policy.healthy or learned
        for row, paths in home.within.items():
            self._groups.believe(row, max(one.healthy for one in paths))

    # -- making --------------------------------------------------------------------------------------------------

    def _watch(self, plan: Planned) -> Watched:
        guaranteed = self.policy.budget / plan.weight
        days = guaranteed if self.policy.guaranteed else guaranteed / SURE
        return Watched(plan.kind, plan.name, plan.interval, days, guaranteed, tuple(self._parts(plan)))

    def _parts(self, plan: Planned) -> list[float]:
        """Return the intervals of the mailboxes of a client; none where every mailbox is a cell of its own."""
        if plan.kind is not GroupKind.CLIENT:
            return []
        mine = [one for one in self._sources.values() if plan.name == f"{one.environment.value}/{one.client}"]
        return [one.interval for one in mine] if len({one.cell for one in mine}) < len(mine) else []

    def _join(self, source: Source, membership: Membership) -> _Member:
        path, home = self._paths.get(source.cell), self._homes.setdefault(source.environment, _Home())
        if path is None:
            path = self._paths[source.cell] = _Path(len(home.paths), self._filter(source), self.policy.pace)
            home.paths.append(path)
        availability, push, throttled = (
            tuple(self._rows[one] for one in names)
            for names in (membership.availability, membership.push, membership.throttled)
        )
        for row in availability:
            home.within.setdefault(row, {})[path] = None
        parted = self._groups.parted(availability)
        return _Member(home, path, self._index(source), availability, parted, push, throttled)

    def _index(self, source: Source) -> int:
        """Return the place of the next mailbox of a client among all it has."""
        name = f"{source.environment.value}/{source.client}"
        self._mailboxes[name] = self._mailboxes.get(name, -1) + 1
        return self._mailboxes[name]

    def _attribution(self, environment: Environment) -> Attribution:
        families: dict[str, set[str]] = {}
        for source in self._sources.values():
            for family in source.families if source.environment is environment else ():
                families.setdefault(family, set()).add(source.client)
        cells = [(client, location) for home, client, location in self._paths if home is environment]
        return Attribution(cells, {name: frozenset(clients) for name, clients in families.items()})

    def _filter(self, source: Source) -> Blips:
        """Return the healthy model of the way out that `source` takes: one for each vantage and environment."""
        name = f"{source.environment.value}@{source.vantage}"
        if name not in self._blips:
            self._blips[name] = Blips(self.policy.tau, self.policy.rho, self.policy.certainty)
        return self._blips[name]

    def go_on(self, before: "Detector") -> None:
        """Take over from another detector what no restart would leave: when it last heard, where to look again."""
        self.last_update = before.last_update
        known = {cell: before.confirming(key) for key, cell in before.cells.items()}
        for cell in self._paths.keys() & known.keys():
            self._paths[cell].confirming = known[cell]

    # -- over restarts -------------------------------------------------------------------------------------------

    def save(self, section: MutableMapping[str, str]) -> None:
        """Write everything into a section of the store: after `load`, the same attempts give the same bits."""
        section.update(one for one in self.saving() if one is not None)

    def saving(self) -> Iterator[tuple[str, str] | None]:
        """Give everything as it is at this moment, by its name in a section of the store, while attempts may go on.

        It is written in pieces, each made within some ten microseconds, and none (`None`) is a moment to do else.
        """
        groups = self._groups.copy()
        few: dict[str, Sequence[float | None]] = {f"blips {name}": blips.dump() for name, blips in self._blips.items()}
        few |= {f"home {environment.value}": home.dump() for environment, home in self._homes.items()}
        paths = [(cell, path.dump()) for cell, path in self._paths.items()]
        homes = {environment: home.copy() for environment, home in self._homes.items()}
        return _written(groups, few, paths, homes)

    def load(self, section: Mapping[str, str]) -> None:
        """Take over what `save` wrote. What is missing, or cannot be read, begins anew: it stops nothing."""
        for (kind, name), row in self._rows.items():
            _restore(partial(self._groups.load, row), section.get(f"group {kind} {name}"))
        for name, blips in self._blips.items():
            _restore(blips.load, section.get(f"blips {name}"))
        for cell, path in self._paths.items():
            _restore(path.load, section.get(f"path {_name(cell)}"))
        for environment, home in self._homes.items():
            home.throttled.doubt()
            home.pushed.doubt()
            _restore(home.load, section.get(f"home {environment.value}"))
            _restore(home.resume, section.get(f"seen {environment.value}"))


def _written(
    groups: Groups,
    few: Mapping[str, Sequence[float | None]],
    paths: Sequence[tuple[tuple[Environment, str, str], list[object]]],
    homes: Mapping[Environment, _Home],
) -> Iterator[tuple[str, str] | None]:
    """Give what each of them has to say, by name; nothing between two pieces of it."""
    for row in range(len(groups)):
        yield from _whole(f"group {groups.kind(row)} {groups.name(row)}", groups.written(row))
    for name, known in few.items():
        yield name, json.dumps(known)
    for cell, path in paths:
        yield f"path {_name(cell)}", json.dumps(path)
    for environment, home in homes.items():
        yield from _whole(f"seen {environment.value}", home.seen(groups))


def _whole(name: str, pieces: Iterator[str]) -> Iterator[tuple[str, str] | None]:
    text: list[str] = []
    for piece in pieces:
        text.append(piece)
        yield None
    yield name, "".join(text)


def _restore(load: Callable[[Any], None], text: str | None) -> None:
    """Let `load` take over a state; what it raises `ValueError` or `TypeError` for begins anew."""
    if text is None:
        return
    with suppress(ValueError, TypeError):
        load(json.loads(text))


def _name(cell: tuple[Environment, str, str]) -> str:
    environment, client, location = cell
    return f"{environment.value}/{client}@{location}"


def _limit(counts: list[Counts], usual: float) -> float:
    return baseline.healthy(sum(one.failures for one in counts), sum(one.transactions for one in counts), usual)


def _nobody(transition: Transition) -> None:
    """Nobody wants to know."""
