"""Groups of paths that are watched as one: their evidence, their states, and what they say when a state changes.

Rule of this file: a page is given by evidence alone and taken back by evidence alone; nothing here waits. There may be
thousands of groups, so a healthy one is a row of numbers and nothing else; what only an ill one needs comes with it.
"""

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import inf, isfinite, nan

from prober.detect.mixture import WHOLE_BELOW, Known, Look, Series, Six, aimed, ratios
from prober.detect.parts import Parts
from prober.detect.pieces import separated
from prober.detect.recovery import Recovery, rate_of


class State(IntEnum):
    """Value of `clientaccess_detector_state`."""

    HEALTHY = 0
    SUSPECT = 1
    FAILING = 2
    RECOVERING = 3
    LEARNING = 4
    NO_DATA = 5


class GroupKind(StrEnum):
    """Value of the label `group_kind`."""

    CLIENT = "client"
    CELL = "cell"
    FLEET = "fleet"
    VANTAGE = "vantage"
    FAMILY = "family"
    PUSH = "push"
    THROTTLED = "throttled"


SUSPICION = 0.01
"""Share of the threshold from which a group is suspect, if that is more than it has at rest."""
AT_REST = 2.0
"""A slow series has some evidence at rest; so many times as much is more."""
SUSPECTED_FOR = 180.0
"""Seconds for which one failure that no blip explains keeps a group suspect."""
CLEAR = 3.0
"""Hours of evidence by which a group is well again."""
HOPE = 0.1
"""Hours from which it is recovering."""
LEARNING = 48 * 3600.0
"""Seconds in which a group has no history of its own, and needs the guaranteed evidence for a page."""
ABSURD = 0.5
"""No rate above this is healthy, whatever a file says."""
ROUNDING = 1.0
"""Seconds by which a group is looked at closely before it must be: sums of times are rounded, but never by so much."""
SILENCE = (5.0, 600.0)
"""Intervals, and seconds at least, without a transaction after which a group has no data."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A group went from one state to another at `at` (epoch seconds)."""

    group: "Group"
    before: State
    after: State
    at: float


@dataclass(frozen=True, slots=True)
class Result:
    """What one transaction showed, as every group it belongs to takes it in.

    `blip`, `certainty` and `healthy` are the healthy model at that moment, `ratio` the likelihood ratios of the result.
    """

    at: float
    failed: bool
    blip: float
    certainty: float
    healthy: float
    ratio: Six


Hear = Callable[[Transition], None]
Label = tuple[GroupKind, str]
"""Kind and name of a group."""
Standing = tuple[Label, float, float, int, float, float]
"""Kind and name of a group, evidence in days, what a page needs, the number of its state, when its trouble began (epoch
seconds, 0 while all is quiet), and the healthy failure rate in use."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A group to be watched. `interval`: seconds between two of its attempts.

    `days`: evidence-days at which it pages; `learning_days`: the same while it has no history, and no fewer. `parts`:
    intervals of the mailboxes that are also watched one by one, if any are.
    """

    kind: GroupKind
    name: str
    interval: float
    days: float
    learning_days: float
    parts: tuple[float, ...] = ()


_STATES = tuple(State)
_WELL, _LEARNING, _SUSPECT = State.HEALTHY, State.LEARNING, State.SUSPECT
"""The states of nearly every group at nearly every moment: worth names of their own, for a look-up costs."""


class Groups:
    """Watched groups, each known by its row. `learning`: seconds in which a group has no history of its own.

    `hear` is told of every change of state. `aiming`: evidence is to reach exactly what a page needs, and none is
    wasted beyond, so that a false page comes as often as is guaranteed, and not less often; groups with parts go on as
    ever.
    """

    __slots__ = (
        *(
            "_aiming",
            "_began",
            "_calm",
            "_firing",
            "_hear",
            "_healthy",
            "_kinds",
            "_learning_days",
            "_learning_for",
            "_names",
            "_parts",
        ),
        *("_recoveries", "_rests", "_series", "_settled_days", "_states", "_suspected"),
    )

    def __init__(
        self,
        watched: Sequence[Watched],
        *,
        healthy: float,
        hear: Hear,
        learning: float = LEARNING,
        aiming: bool = False,
    ) -> None:
        count = len(watched)
        self._kinds = tuple(one.kind for one in watched)
        self._names = tuple(one.name for one in watched)
        self._series = Series([one.interval for one in watched], healthy)
        self._parts = {row: Parts(one.parts, healthy) for row, one in enumerate(watched) if len(one.parts) > 1}
        self._recoveries: dict[int, Recovery] = {}
        self._healthy = array("d", [healthy]) * count
        self._settled_days = _numbers([one.days for one in watched])
        self._learning_days = _numbers([one.learning_days for one in watched])
        self._began = array("d", [nan]) * count
        self._suspected = array("d", [-inf]) * count
        self._states = bytearray([State.NO_DATA.value]) * count
        self._firing = bytearray(count)
        self._calm = -inf
        self._learning_for = learning
        self._hear = hear
        self._aiming = aiming
        self._rests = _numbers([self._weigh(row) for row in range(count)])

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, row: int) -> "Group":
        return Group(self, row)

    def __iter__(self) -> Iterator["Group"]:
        return (Group(self, row) for row in range(len(self)))

    # -- what there is to know -----------------------------------------------------------------------------------

    def kind(self, row: int) -> GroupKind:
        """Return what kind of group it is."""
        return self._kinds[row]

    def name(self, row: int) -> str:
        """Return its name, which begins with its environment."""
        return self._names[row]

    def state(self, row: int) -> State:
        """Return the state as of the last attempt or tick."""
        return _STATES[self._states[row]]

    def days(self, row: int) -> float:
        """Return the evidence in days."""
        return self._series.weighed(row)

    def healthy(self, row: int) -> float:
        """Return the healthy failure rate in use."""
        return self._healthy[row]

    def change(self, row: int) -> float:
        """Return when its trouble began (epoch seconds); 0 while all is quiet."""
        return self._series.change(row)

    def troubled(self) -> Iterable[int]:
        """Return the rows of all groups that have a trouble, be it one that has lapsed."""
        return self._series.troubled_rows()

    def firing(self, row: int) -> bool:
        """Return whether trouble was found and its end was not."""
        return bool(self._firing[row])

    def threshold(self, row: int) -> float:
        """Return the evidence-days at which it pages now."""
        _, last = self._series.latest(row)
        return self._learning_days[row] if self._learning(row, last) else self._settled_days[row]

    def standing(self, row: int) -> Standing:
        """Return how it stands."""
        days, last = self._series.latest(row)
        settled = last - self._began[row] >= self._learning_for  # as `threshold`, which is asked too often for a call
        threshold = self._settled_days[row] if settled else self._learning_days[row]
        label = (self._kinds[row], self._names[row])
        return label, days, threshold, self._states[row], self._series.change(row), self._healthy[row]

    def days_of(self, rows: Iterable[int]) -> list[float]:
        """Return the evidence of many groups in days."""
        days, _ = self._series.latest_of_all()
        return [days[row] for row in rows]

    def ratios_of(self, rows: Iterable[int]) -> list[float]:
        """Return the evidence of many groups as a share of what a page needs."""
        days, latest = self._series.latest_of_all()
        began, settled, learning, long = self._began, self._settled_days, self._learning_days, self._learning_for
        return [
            days[row] / (settled[row] if latest[row] - began[row] >= long else learning[row])  # as `standing`
            for row in rows
        ]

    def guaranteed(self, row: int) -> float:
        """Return the evidence-days that a healthy fleet shows here no more often than its budget of pages allows."""
        return self._learning_days[row]

    def evidence(self, row: int) -> Look:
        """Return a look at what it has seen."""
        return Look(self._series, row)

    # -- taking in -----------------------------------------------------------------------------------------------

    def believe(self, row: int, healthy: float) -> None:
        """Take another failure rate for healthy from now on."""
        if self._healthy[row] != healthy:
            self._healthy[row] = healthy
            self._look(row)

    def parted(self, rows: Iterable[int]) -> tuple[int, ...]:
        """Return those that have parts."""
        return tuple([row for row in rows if row in self._parts])

    def succeed(
        self, rows: Sequence[int], at: float, ratio: Six, parted: Sequence[int] = (), part: int = 0
    ) -> Sequence[int]:
        """Take a success into groups that are plainly well; return all others: those want `update`.

        `parted`: those of them that have parts, and `part`: which of these it was.
        """
        if at < self._calm:  # a clock was set back
            return rows
        others = self._series.succeed(rows, at, ratio)
        for row in parted:
            if row not in others:
                self._mix(row, at, ratio, part)
        return others

    def update(self, row: int, result: Result, part: int = 0) -> None:
        """Take in one transaction, of the part with that index where the group has parts."""
        if self._states[row] == _WELL and not result.failed:
            self._succeed(row, result, part)
        else:
            self._take(row, result, part)

    def _succeed(self, row: int, result: Result, part: int) -> None:
        """Take in a success of a healthy group: a suspicion that has lapsed is forgotten."""
        factor = self._factor(row, result)
        self._series.take(row, result.at, result.ratio, failed=False, forget=True)
        if factor != 1.0:
            self._series.scale(row, factor, self._healthy[row])
        self._look(row)
        self._mix(row, result.at, result.ratio, part)

    def _mix(self, row: int, at: float, ratio: Six, part: int) -> None:
        """Weigh a group that is plainly well after a success, of its parts too."""
        if row in self._parts:
            self._parts[row].update(part, at, ratio, self._healthy[row], failed=False)
        days = self._weigh(row)
        if days >= SUSPICION * self._settled_days[row]:
            self._judge(row, at, days)

    def _take(self, row: int, result: Result, part: int) -> None:
        at, failed = result.at, result.failed
        if self._began[row] != self._began[row]:  # NaN: not yet
            self._began[row] = at
        factor = self._factor(row, result)
        gap = self._series.take(row, at, result.ratio, failed=failed)
        if factor != 1.0:
            self._series.scale(row, factor, self._healthy[row])
        if row in self._parts:
            self._parts[row].update(part, at, result.ratio, self._healthy[row], failed=failed)
        days = self._weigh(row)
        if failed and result.blip < 0.5:
            self._suspected[row] = at
        if failed or self._states[row] == _LEARNING:  # a success may have been the end of a suspicion
            self._look(row)
        if self._firing[row]:
            self._recover(row, result, gap)
            self._enter(row, self._present(row, at), at)
        else:
            self._judge(row, at, days)

    def _factor(self, row: int, result: Result) -> float:
        """Return by what the evidence after a result is to be multiplied, so that none is wasted beyond a page."""
        if not self._aiming or self._firing[row] or row in self._parts:
            return 1.0
        failing = ratios(result.blip, result.certainty, result.healthy, failed=True)
        target = self._learning_days[row] + self._rests[row]  # what it has at rest it has not waited for
        return aimed(self._series.ahead(row, result.at), failing, target, self._healthy[row], failed=result.failed)

    def tick(self, now: float, rows: Iterable[int]) -> None:
        """Notice what only time tells of some groups: that nothing comes any more, or that a suspicion has lapsed."""
        last_of, states = self._series.last, self._states
        for row in rows:
            last = last_of(row)
            if last is not None and (states[row] != _WELL or now - last > SILENCE[1]):
                self._enter(row, State.NO_DATA if self._silent(row, now) else self._present(row, now), now)

    def _judge(self, row: int, at: float, days: float) -> None:
        """Find trouble where there was none, if there is enough evidence of it."""
        if days >= self._settled_days[row] and days >= self.threshold(row):
            self._firing[row] = True
            self._recoveries[row] = Recovery.of(rate_of(*self._series.since_change(row)))
        self._enter(row, self._present(row, at), at)

    def _recover(self, row: int, result: Result, gap: float) -> None:
        recovery = self._recoveries[row]
        recovery.update(
            gap,
            failed=result.failed,
            blip=result.blip,
            certainty=result.certainty,
            healthy=result.healthy,
            rate=rate_of(*self._series.since_change(row)) if result.failed else 0.0,
        )
        if recovery.hours >= CLEAR:
            self._firing[row] = False
            del self._recoveries[row]
            self._suspected[row] = -inf
            self._series.reset(row, self._healthy[row])
            if row in self._parts:
                self._parts[row].reset(self._healthy[row])
            self._weigh(row)

    def _weigh(self, row: int) -> float:
        """Weigh a group whose series has just been taken further: it knows the mean of all its sums."""
        series, healthy, parts = self._series, self._healthy[row], self._parts.get(row)
        whole = healthy < WHOLE_BELOW
        days = series.weighed(row) if whole else series.days(row, healthy)
        if parts is not None:
            days = parts.mixed(days)
        if parts is not None or not whole:
            series.weigh(row, days)
        return days

    def _look(self, row: int) -> None:
        """Say from which evidence and time on a success takes more than a glance: at once unless all is plainly well.

        Then a success changes the evidence and nothing else. So it is with a group that is well and has no trouble that
        it could forget; and with one that learns and has none that could ease. The latter stays as it is: too little
        evidence makes neither a page nor a suspicion of it (and what a page needs while it learns is no less than what
        it needs later), no suspicion comes back but by a clock set back (`_calm`), and only time, until which it is
        looked at, makes it well.
        """
        parted = row in self._parts  # these are weighed afterwards
        enough = inf if parted else SUSPICION * self._settled_days[row]
        until = self._plain_until(row) if parted or not self._aiming else -inf
        self._series.look(row, enough, until)

    def _plain_until(self, row: int) -> float:
        """Return until when (epoch seconds) a group is plainly well if nothing else comes; -inf where it is not."""
        state = self._states[row]
        if self._firing[row] or self._healthy[row] >= WHOLE_BELOW:
            return -inf
        if state == _WELL:
            return -inf if self._series.troubled(row) else inf
        began = self._began[row]
        if state != _LEARNING or self._series.excited(row) or began != began:
            return -inf
        self._calm = max(self._calm, self._suspected[row] + SUSPECTED_FOR + ROUNDING)
        return began + self._learning_for - ROUNDING

    def _silent(self, row: int, now: float) -> bool:
        series = self._series
        return now - (series.last(row) or now) > max(SILENCE[0] * series.interval(row), SILENCE[1])

    def _present(self, row: int, now: float) -> State:
        """Return the state of a group that is not silent."""
        if self._firing[row]:
            return State.RECOVERING if self._recoveries[row].hours >= HOPE else State.FAILING
        if now - self._suspected[row] < SUSPECTED_FOR:
            return _SUSPECT
        days = self._series.weighed(row)
        if days >= AT_REST * self._rests[row] and days >= SUSPICION * self.threshold(row):
            return _SUSPECT
        return _LEARNING if self._learning(row, now) else _WELL

    def _learning(self, row: int, now: float) -> bool:
        return not now - self._began[row] >= self._learning_for  # also before it began: NaN

    def _enter(self, row: int, state: State, at: float) -> None:
        if state != self._states[row]:
            before, self._states[row] = self.state(row), state
            self._look(row)
            self._hear(Transition(Group(self, row), before, state, at))

    # -- over restarts -------------------------------------------------------------------------------------------

    def copy(self) -> "Groups":
        """Return a copy that stays as it is, to be written down while others go on; it takes microseconds."""
        twin: Groups = copy(self)
        twin._series, twin._parts = self._series.copy(), {row: one.copy() for row, one in self._parts.items()}
        twin._recoveries = {row: one.copy() for row, one in self._recoveries.items()}
        twin._healthy, twin._began, twin._suspected = self._healthy[:], self._began[:], self._suspected[:]
        twin._states, twin._firing = self._states[:], self._firing[:]
        return twin

    def dump(self, row: int) -> list[object]:
        """Return what has to survive a restart."""
        known, parts, after = self._dump(row)
        return [*known, None if parts is None else parts.dump(), *after]

    def written(self, row: int) -> Iterator[str]:
        """Give the JSON of what `dump` returns in pieces, each made within some ten microseconds."""
        known, parts, after = self._dump(row)
        yield f"{json.dumps(known)[:-1]}, "
        if parts is None:
            yield "null"
        else:
            yield f"[{json.dumps(parts.sum)}, ["
            yield from separated(parts.each())
            yield "]]"
        yield f", {json.dumps(after)[1:]}"

    def _dump(self, row: int) -> tuple[list[object], Parts | None, list[object]]:
        began = self._began[row]
        known = [None if began != began else began, self.firing(row), self._hopes(row), self._healthy[row]]
        suspected = self._suspected[row] if isfinite(self._suspected[row]) else None
        return [*known, self._series.dump(row)], self._parts.get(row), [suspected, self._states[row]]

    def _hopes(self, row: int) -> list[float]:
        return self._recoveries.get(row, Recovery()).dump()

    def load(self, row: int, state: list[object]) -> None:
        """Take over what `dump` gave. Raises `ValueError` or `TypeError` for anything else."""
        began, firing, hopes, healthy, evidence, parts, suspected, present = state
        if not isinstance(evidence, list) or not isinstance(hopes, list) or not isinstance(firing, bool):
            raise TypeError("not a state of a group")
        recovery, rate = Recovery(*map(_number, hopes)), _number(healthy)
        since = nan if began is None else _number(began)
        last = -inf if suspected is None else _number(suspected)
        shown = State(int(_number(present)))
        if rate > ABSURD:
            raise ValueError("not a healthy failure rate")
        known = Known.read(evidence)
        if row in self._parts and isinstance(parts, list):
            self._parts[row].load(parts, rate)
        self._series.restore(row, known)
        self._began[row], self._firing[row], self._suspected[row], self._states[row] = since, firing, last, shown.value
        self._healthy[row] = rate
        self._recoveries.pop(row, None)
        if firing:
            self._recoveries[row] = recovery
        self._weigh(row)
        self._look(row)


class Group:
    """A look at one group, for as long as somebody looks. Two looks at the same group are equal."""

    __slots__ = ("_groups", "_row")

    def __init__(self, groups: Groups, row: int) -> None:
        self._groups = groups
        self._row = row

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Group) and (other._groups, other._row) == (self._groups, self._row)

    def __hash__(self) -> int:
        return hash((id(self._groups), self._row))

    def __repr__(self) -> str:
        return f"Group({self.kind.value} {self.name}: {self.state.name})"

    @property
    def kind(self) -> GroupKind:
        """What kind of group it is."""
        return self._groups.kind(self._row)

    @property
    def name(self) -> str:
        """Its name, which begins with its environment."""
        return self._groups.name(self._row)

    @property
    def state(self) -> State:
        """The state as of the last attempt or tick."""
        return self._groups.state(self._row)

    @property
    def days(self) -> float:
        """Evidence in days."""
        return self._groups.days(self._row)

    @property
    def healthy(self) -> float:
        """The healthy failure rate in use."""
        return self._groups.healthy(self._row)

    @property
    def evidence(self) -> Look:
        """What it has seen."""
        return self._groups.evidence(self._row)

    @property
    def change(self) -> float:
        """When its trouble began (epoch seconds); 0 while all is quiet."""
        return self._groups.change(self._row)

    @property
    def threshold(self) -> float:
        """Evidence-days at which the group pages now."""
        return self._groups.threshold(self._row)

    @property
    def guaranteed(self) -> float:
        """Evidence-days that a healthy fleet shows here no more often than its budget of false pages allows."""
        return self._groups.guaranteed(self._row)

    @property
    def ratio(self) -> float:
        """Evidence as a share of what a page needs."""
        return self.days / self.threshold

    @property
    def standing(self) -> Standing:
        """All that is shown of it, at once."""
        return self._groups.standing(self._row)

    @property
    def label(self) -> Label:
        """Kind and name."""
        return self.kind, self.name

    @property
    def firing(self) -> bool:
        """Whether trouble was found and its end was not."""
        return self._groups.firing(self._row)

    def dump(self) -> list[object]:
        """Return what has to survive a restart."""
        return self._groups.dump(self._row)


def _numbers(values: Iterable[float]) -> "array[float]":
    """Return numbers side by side, with no room to grow into."""
    given = array("d", values)
    return given[:]


def _number(value: object) -> float:
    """Return a number that a time, a rate or a sum can be. Raises `TypeError` or `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    if not 0.0 <= value < inf:
        raise ValueError("not within reason")
    return float(value)
