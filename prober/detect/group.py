"""One group of paths that is watched as one: its evidence, its state, and what it says when the state changes.

Rule of this file: a page is given by evidence alone and taken back by evidence alone; nothing here waits.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import inf, isfinite

from prober.detect.mixture import WHOLE_BELOW, Evidence, Six
from prober.detect.parts import Parts
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
_WELL = State.HEALTHY
"""The state of nearly every group at nearly every moment: worth a name of its own, for a look-up costs."""


class Group:
    """A watched group. `days`: evidence-days at which it pages; `learning_days`: the same while it has no history.

    `learning`: seconds that takes. `parts`: intervals of the mailboxes that are also watched one by one, if any are.
    """

    __slots__ = (
        *("_began", "_firing", "_hear", "_learning_days", "_settled_days", "_suspected", "days", "evidence", "healthy"),
        *("_learning_for", "_rest", "kind", "name", "parts", "recovery", "state"),
    )

    def __init__(
        self,
        kind: GroupKind,
        name: str,
        *,
        interval: float,
        days: float,
        learning_days: float,
        healthy: float,
        hear: Hear,
        learning: float = LEARNING,
        parts: Sequence[float] = (),
    ) -> None:
        self.kind = kind
        self.name = name
        self.healthy = healthy
        self.evidence = Evidence(interval, healthy)
        self.parts = Parts(parts, healthy) if len(parts) > 1 else None
        self.recovery = Recovery()
        self.days = self._rest = self._weighed()
        self.state = State.NO_DATA
        self._settled_days = days
        self._learning_days = learning_days
        self._learning_for = learning
        self._hear = hear
        self._began: float | None = None
        self._suspected = float("-inf")
        self._firing = False

    @property
    def threshold(self) -> float:
        """Evidence-days at which the group pages now."""
        at = self.evidence.last
        return self._learning_days if at is None or self._learning(at) else self._settled_days

    @property
    def guaranteed(self) -> float:
        """Evidence-days that a healthy fleet shows here no more often than its budget of false pages allows."""
        return self._learning_days

    @property
    def ratio(self) -> float:
        """Evidence as a share of what a page needs."""
        return self.days / self.threshold

    @property
    def firing(self) -> bool:
        """Whether trouble was found and its end was not."""
        return self._firing

    def succeed(self, at: float, ratio: Six, part: int = 0) -> bool:
        """Take in a success of a healthy group; return whether it is one. `update` would find the same, in longer."""
        if self.state is not _WELL:
            return False
        evidence = self.evidence
        evidence.succeed(at, ratio)
        if self.parts is None and self.healthy < WHOLE_BELOW:
            self.days = evidence.pooled
        else:
            if self.parts is not None:
                self.parts.update(part, at, ratio, self.healthy, failed=False)
            self.days = self._weighed()
        if self.days >= SUSPICION * self._settled_days:
            self._judge(at)
        return True

    def update(self, result: Result, part: int = 0) -> None:
        """Take in one transaction, of the part with that index where the group has parts."""
        at = result.at
        if self._began is None:
            self._began = at
        gap = self.evidence.update(at, result.ratio, failed=result.failed)
        if self.parts is not None:
            self.parts.update(part, at, result.ratio, self.healthy, failed=result.failed)
        self.days = self._weighed()
        if self.state is State.HEALTHY and self.days < SUSPICION * self._settled_days and not result.failed:
            return  # nearly always: what follows would find the same
        if result.failed and result.blip < 0.5:
            self._suspected = at
        if self._firing:
            self._recover(result, gap)
            self._enter(self._present(at), at)
        else:
            self._judge(at)

    def tick(self, now: float) -> None:
        """Notice what only time tells: that nothing comes any more, or that a suspicion has lapsed."""
        last = self.evidence.last
        if last is not None and (self.state is not _WELL or now - last > SILENCE[1]):
            self._enter(self._present(now), now)

    def _judge(self, at: float) -> None:
        """Find trouble where there was none, if there is enough evidence of it."""
        if self.days >= self._settled_days and self.days >= self.threshold:
            self._firing = True
            self.recovery = Recovery.of(rate_of(*self.evidence.since_change))
        self._enter(self._present(at), at)

    def _recover(self, result: Result, gap: float) -> None:
        self.recovery.update(
            gap,
            failed=result.failed,
            blip=result.blip,
            certainty=result.certainty,
            healthy=result.healthy,
            rate=rate_of(*self.evidence.since_change) if result.failed else 0.0,
        )
        if self.recovery.hours >= CLEAR:
            self._firing = False
            self._suspected = float("-inf")
            self.evidence.reset(self.healthy)
            if self.parts is not None:
                self.parts.reset(self.healthy)
            self.days = self._weighed()

    def _weighed(self) -> float:
        pooled = self.evidence.days(self.healthy)
        return pooled if self.parts is None else self.parts.mixed(pooled)

    def _present(self, now: float) -> State:
        if now - (self.evidence.last or now) > max(SILENCE[0] * self.evidence.interval, SILENCE[1]):
            return State.NO_DATA
        if self._firing:
            return State.RECOVERING if self.recovery.hours >= HOPE else State.FAILING
        if now - self._suspected < SUSPECTED_FOR or self.days >= max(SUSPICION * self.threshold, AT_REST * self._rest):
            return State.SUSPECT
        return State.LEARNING if self._learning(now) else State.HEALTHY

    def _learning(self, now: float) -> bool:
        return self._began is None or now - self._began < self._learning_for

    def _enter(self, state: State, at: float) -> None:
        if state is not self.state:
            before, self.state = self.state, state
            self._hear(Transition(self, before, state, at))

    def dump(self) -> list[object]:
        """Return what has to survive a restart."""
        parts = None if self.parts is None else self.parts.dump()
        suspected = self._suspected if isfinite(self._suspected) else None
        known = [self._began, self._firing, self.recovery.dump(), self.healthy]
        return [*known, self.evidence.dump(), parts, suspected, self.state.value]

    def load(self, state: list[object]) -> None:
        """Take over what `dump` gave. Raises `ValueError` or `TypeError` for anything else."""
        began, firing, hopes, healthy, evidence, parts, suspected, present = state
        if not isinstance(evidence, list) or not isinstance(hopes, list) or not isinstance(firing, bool):
            raise TypeError("not a state of a group")
        fresh, recovery = Evidence(self.evidence.interval, self.healthy), Recovery(*map(_number, hopes))
        rate = _number(healthy)
        since = None if began is None else _number(began)
        last = float("-inf") if suspected is None else _number(suspected)
        shown = State(int(_number(present)))
        if rate > ABSURD:
            raise ValueError("not a healthy failure rate")
        fresh.load(evidence)
        if self.parts is not None and isinstance(parts, list):
            self.parts.load(parts, rate)
        self._began, self._firing, self._suspected, self.state = since, firing, last, shown
        self.evidence, self.recovery, self.healthy = fresh, recovery, rate
        self.days = self._weighed()


def _number(value: object) -> float:
    """Return a number that a time, a rate or a sum can be. Raises `TypeError` or `ValueError`."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError("not a number")
    if not 0.0 <= value < inf:
        raise ValueError("not within reason")
    return float(value)
