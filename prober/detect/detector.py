"""The detector: hears every attempt that counts, and knows which groups are well, suspect or failing, and since when.

Rule of this file: constant memory and constant work per attempt, however long it runs; what it knows survives restarts.
"""

import json
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from math import log
from typing import Any

from prober.detect import baseline
from prober.detect.attribution import Attribution, Explanation
from prober.detect.baseline import Counts
from prober.detect.blips import CERTAINTY, RHO, TAU, Blips
from prober.detect.confirming import Confirming, Pace
from prober.detect.group import LEARNING, Group, GroupKind, Hear, Result, Transition
from prober.detect.groups import Membership, Planned, Source, memberships, planned
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

    __slots__ = ("failure", "healthy", "success")

    def __init__(self, healthy: float) -> None:
        self.healthy = healthy
        self.success, self.failure = (ratios(0.0, 0.0, healthy, failed=failed)[1] for failed in (False, True))

    def feed(self, groups: tuple[Group, ...], at: float, *, failed: bool) -> None:
        """Take a result into groups."""
        ratio = self.failure if failed else self.success
        for group in groups:
            group.healthy = self.healthy
            if failed or not group.succeed(at, ratio):
                group.update(Result(at, failed, 0.0, 0.0, self.healthy, ratio))


class _Path:
    """One client at one location: its healthy rates, learned, and when to look at it again."""

    __slots__ = ("blips", "confirming", "counts", "groups", "healthy", "index", "pushes", "throttles")

    def __init__(self, index: int, blips: Blips, pace: Pace) -> None:
        self.index = index
        self.blips = blips
        self.confirming = Confirming(pace)
        self.counts = Counts()
        self.pushes = Counts()
        self.throttles = Counts()
        self.healthy = baseline.USUAL
        self.groups: list[Group] = []

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
    """What one source belongs to."""

    home: "_Home"
    path: _Path
    index: int
    availability: tuple[Group, ...]
    push: tuple[Group, ...]
    throttled: tuple[Group, ...]


@dataclass(slots=True)
class _Home:
    """One environment: its paths and availability groups, and when its baselines are read again.

    `watching`: since a failure, every attempt is noted, so that it can be said what fails.
    """

    paths: list[_Path] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    attribution: Attribution | None = None
    watching: bool = False
    due: float = 0.0
    throttled: _Plain = field(default_factory=lambda: _Plain(baseline.USUAL))
    pushed: _Plain = field(default_factory=lambda: _Plain(PUSH_USUAL))

    def note(self, path: _Path, sample: Sample, ratio: Six) -> None:
        """Take in one attempt, for who wants to know what fails."""
        failed = sample.what is What.FAILED
        self.watching = self.watching or failed
        if self.watching and self.attribution is not None:
            self.attribution.note(path.index, sample.at, [log(one) for one in ratio], failed=failed, step=sample.step)

    def explanation(self) -> Explanation | None:
        """Return the best explanation of what fails since the earliest change of what fires."""
        began = [group.evidence.change for group in self.groups if group.firing and group.evidence.change]
        return self.attribution.best(min(began)) if began and self.attribution is not None else None

    def seen(self) -> list[object] | None:
        """Return what was noted since the earliest change of what fires, or else of any group, while there is one."""
        began = [(not group.firing, group.evidence.change) for group in self.groups if group.evidence.change]
        return (
            self.attribution.dump(min(began)[1]) if began and self.watching and self.attribution is not None else None
        )

    def resume(self, state: list[Any] | None) -> None:
        """Take over what `seen` gave. Raises `ValueError` or `TypeError` for anything else."""
        if state is not None and self.attribution is not None:
            self.attribution.load(state)
            self.watching = True

    def rest(self) -> None:
        """Stop noting once nothing is out of the ordinary any more."""
        self.watching = self.watching and any(group.evidence.change for group in self.groups)

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
        self._hear: Hear = hear or _nobody
        self._sources = dict(sources)
        self._within: dict[tuple[GroupKind, str], list[_Path]] = {}
        self._groups = {(one.kind, one.name): self._watch(one) for one in planned(sources)}
        self._blips: dict[str, Blips] = {}
        self._mailboxes: dict[str, int] = {}
        self._paths: dict[tuple[Environment, str, str], _Path] = {}
        self._homes: dict[Environment, _Home] = {}
        found = memberships(sources)
        self._members = {key: self._join(source, found[key]) for key, source in sources.items()}
        for environment, home in self._homes.items():
            home.attribution = self._attribution(environment)

    @property
    def groups(self) -> tuple[Group, ...]:
        """Every group, in the order of the configuration."""
        return tuple(self._groups.values())

    def group(self, kind: GroupKind, name: str) -> Group:
        """Return one group. Raises `KeyError`."""
        return self._groups[kind, name]

    def of(self, key: str) -> tuple[Group, ...]:
        """Return the availability groups that the source `key` belongs to, its client's first."""
        return self._members[key].availability

    def confirming(self, key: str) -> Confirming:
        """Return when to look again at the client and location of the source `key`."""
        return self._members[key].path.confirming

    @property
    def cells(self) -> Mapping[str, tuple[Environment, str, str]]:
        """Return the cell of every source."""
        return {key: source.cell for key, source in self._sources.items()}

    def explanations(self) -> dict[Environment, Explanation]:
        """Return, for each environment where something fires, the best explanation of what fails."""
        found = {environment: home.explanation() for environment, home in self._homes.items()}
        return {environment: one for environment, one in found.items() if one is not None}

    def observe(self, sample: Sample) -> None:
        """Take in one attempt."""
        member, at = self._members[sample.key], sample.at
        home, throttled = member.home, sample.what is _THROTTLED
        self.last_update = at
        if not 0.0 < home.due - at <= REFRESH:  # also where the clock leapt ahead and came back
            self._refresh(home, at)
        if not sample.confirm:
            member.path.throttles.add(at, 1.0, failed=throttled)
        home.throttled.feed(member.throttled, at, failed=throttled)
        if throttled:
            member.path.confirming.throttled(at)
        else:
            self._availability(sample, member, home)

    def pushed(self, key: str, at: float, *, lost: bool) -> None:
        """Take in that a hold of the push channel of `key` ended: lost, or as it should."""
        member = self._members[key]
        member.path.pushes.add(at, 1.0, failed=lost)
        member.home.pushed.feed(member.push, at, failed=lost)

    def tick(self, now: float) -> None:
        """Notice what only time tells; call it every few seconds."""
        self.last_update = now
        for group in self._groups.values():
            group.tick(now)
        for home in self._homes.values():
            home.rest()

    # -- one attempt ---------------------------------------------------------------------------------------------

    def _availability(self, sample: Sample, member: _Member, home: _Home) -> None:
        path, at, failed = member.path, sample.at, sample.what is _FAILED
        blips = path.blips
        blip = blips.probability(at)
        expected, ratio = ratios(blip, blips.certainty, path.healthy, failed=failed)
        blips.saw(at, blip, expected, failed=failed)
        if failed or home.watching:
            home.note(path, sample, ratio)
        result, firing = None, False
        for group in member.availability:
            if failed or not group.succeed(at, ratio, member.index):
                result = result or Result(at, failed, blip, blips.certainty, path.healthy, ratio)
                group.update(result, member.index)
            firing = firing or group.firing
        if not sample.confirm:
            path.confirming.attempted()
            if not firing:
                path.counts.add(at, 1.0 - blip, failed=failed)
        if firing:
            path.confirming.stop()
        elif failed and blip < 0.5:
            path.confirming.failed(at)

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
        for path in home.paths:
            for group in path.groups:
                group.healthy = max(one.healthy for one in self._within[group.kind, group.name])

    # -- making --------------------------------------------------------------------------------------------------

    def _watch(self, plan: Planned) -> Group:
        guaranteed = self.policy.budget / plan.weight
        return Group(
            plan.kind,
            plan.name,
            interval=plan.interval,
            days=guaranteed if self.policy.guaranteed else guaranteed / SURE,
            learning_days=guaranteed,
            healthy=self.policy.healthy or baseline.USUAL,
            hear=self._hear,
            learning=self.policy.learning,
            parts=self._parts(plan),
        )

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
        groups = tuple(self._groups[one] for one in membership.availability)
        for group in groups:
            within = self._within.setdefault((group.kind, group.name), [])
            if path not in within:
                within.append(path)
                path.groups.append(group)
            if group not in home.groups:
                home.groups.append(group)
        push = tuple(self._groups[one] for one in membership.push)
        throttled = tuple(self._groups[one] for one in membership.throttled)
        return _Member(home, path, self._index(source), groups, push, throttled)

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
        for group in self._groups.values():
            section[f"group {group.kind} {group.name}"] = json.dumps(group.dump())
        for name, blips in self._blips.items():
            section[f"blips {name}"] = json.dumps(blips.dump())
        for cell, path in self._paths.items():
            section[f"path {_name(cell)}"] = json.dumps(path.dump())
        for environment, home in self._homes.items():
            section[f"home {environment.value}"] = json.dumps(home.dump())
            section[f"seen {environment.value}"] = json.dumps(home.seen())

    def load(self, section: Mapping[str, str]) -> None:
        """Take over what `save` wrote. What is missing, or cannot be read, begins anew: it stops nothing."""
        for group in self._groups.values():
            _restore(group.load, section.get(f"group {group.kind} {group.name}"))
        for name, blips in self._blips.items():
            _restore(blips.load, section.get(f"blips {name}"))
        for cell, path in self._paths.items():
            _restore(path.load, section.get(f"path {_name(cell)}"))
        for environment, home in self._homes.items():
            _restore(home.load, section.get(f"home {environment.value}"))
            _restore(home.resume, section.get(f"seen {environment.value}"))


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
