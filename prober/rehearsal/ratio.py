"""The plain rule by which a rehearsal calls a group of probes healthy or failing: a ratio of failures over a window.

Rule of this file: it hears what every observer hears, an assignment, its outcome and what that means, and nothing of
the tenant. Environments are kept apart; what does not count for availability does not count here.
"""

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum

from prober.model import Assignment, Outcome
from prober.verdict import Judgement
from prober.vocabulary import Environment, Verdict

MINUTE = 60.0


class State(Enum):
    """What is thought of a group. `suspect`: failures, but not enough of them to be sure."""

    HEALTHY = "healthy"
    SUSPECT = "suspect"
    FAILING = "failing"
    RECOVERING = "recovering"


@dataclass(frozen=True, slots=True)
class Rule:
    """When a group is failing, and when it is well again. Times in seconds.

    Failing: within `window`, at least `failures` failed, in at least `minutes` different minutes, of at least `count`
    attempts, and their share is above `ratio`. The minutes keep a single bad moment from looking like an incident, as
    when a vantage loses its way out before its control has noticed. Recovering: the share was at most `ratio` within
    half of `calm`; well again: within all of it, among at least `count` / 2 attempts. A suspicion lapses after `calm`
    without another failure.
    """

    window: float = 30 * MINUTE
    calm: float = 10 * MINUTE
    ratio: float = 0.015
    failures: int = 4
    minutes: int = 4
    count: int = 20


@dataclass(frozen=True, slots=True, order=True)
class Group:
    """A client in one environment, everywhere, or with `region` in that one alone."""

    client: str
    region: str = ""
    environment: Environment = Environment.EXCHANGE_ONLINE

    def __str__(self) -> str:
        return f"{self.client}@{self.region}" if self.region else self.client


@dataclass(frozen=True, slots=True)
class Change:
    """A group came into `state` at `at`, in seconds of the clock given."""

    at: float
    state: State


@dataclass(slots=True)
class _Stream:
    """What one group's attempts came to of late, oldest first: when, and whether it failed."""

    recent: deque[tuple[float, bool]] = field(default_factory=deque)
    state: State = State.HEALTHY
    slow: int = 0
    history: list[Change] = field(default_factory=list)

    def since(self, start: float) -> list[tuple[float, bool]]:
        return [one for one in self.recent if one[0] > start]


class Ratios:
    """States of all groups. It is told of finished attempts like any other observer; `clock` in seconds."""

    def __init__(self, clock: Callable[[], float], rule: Rule | None = None) -> None:
        self._clock = clock
        self._rule = rule or Rule()
        self._streams: dict[Group, _Stream] = {}

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Count one finished attempt for the groups it belongs to."""
        for group in groups(assignment):
            stream = self._streams.setdefault(group, _Stream())
            stream.slow += judgement.verdict is Verdict.SLOW
            if judgement.counted:
                self._count(stream, failed=judgement.verdict is Verdict.FAILED)

    def state(self, group: Group) -> State:
        """Return what is thought of `group` after its last attempt; one that was never heard of is healthy."""
        stream = self._streams.get(group)
        return State.HEALTHY if stream is None else stream.state

    def slow(self, group: Group) -> int:
        """Return how many attempts of `group` were slow: a separate matter, that turns no group red."""
        stream = self._streams.get(group)
        return 0 if stream is None else stream.slow

    def history(self, group: Group) -> tuple[Change, ...]:
        """Return every change of state, oldest first."""
        stream = self._streams.get(group)
        return () if stream is None else tuple(stream.history)

    def failed_at(self, group: Group, since: float) -> float | None:
        """Return when `group` first came into state failing after `since`, `None` if it never did."""
        return next((one.at for one in self.history(group) if one.state is State.FAILING and one.at >= since), None)

    def __iter__(self) -> Iterator[Group]:
        return iter(sorted(self._streams))

    def _count(self, stream: _Stream, *, failed: bool) -> None:
        now = self._clock()
        stream.recent.append((now, failed))
        while stream.recent[0][0] <= now - self._rule.window:
            stream.recent.popleft()
        state = self._next(stream, now)
        if state is State.HEALTHY and stream.state is State.RECOVERING:
            stream.recent.clear()
        if state is not stream.state:
            stream.state = state
            stream.history.append(Change(now, state))

    def _next(self, stream: _Stream, now: float) -> State:
        rule = self._rule
        if stream.state in (State.HEALTHY, State.SUSPECT):
            return self._suspicion(stream.since(now - rule.window), now)
        if not self._calm(stream.since(now - rule.calm / 2), rule.count // 4):
            return State.FAILING
        if stream.state is State.FAILING:
            return State.RECOVERING
        whole = stream.since(now - rule.calm)
        return State.HEALTHY if self._calm(whole, rule.count // 2) else State.RECOVERING

    def _suspicion(self, seen: list[tuple[float, bool]], now: float) -> State:
        rule = self._rule
        failed = [at for at, failure in seen if failure]
        share = len(failed) / len(seen)
        if len(failed) < 2 or share <= rule.ratio:
            return State.HEALTHY
        different = {at // MINUTE for at in failed}
        sure = len(failed) >= rule.failures and len(different) >= rule.minutes and len(seen) >= rule.count
        if sure:
            return State.FAILING
        return State.SUSPECT if now - failed[-1] <= rule.calm else State.HEALTHY

    def _calm(self, seen: list[tuple[float, bool]], enough: int) -> bool:
        failures = sum(failure for _, failure in seen)
        return len(seen) >= enough and failures <= self._rule.ratio * len(seen)


def groups(assignment: Assignment) -> tuple[Group, ...]:
    """Return the groups an assignment belongs to."""
    target = assignment.target
    whole = Group(assignment.client, "", target.environment)
    return (whole, Group(assignment.client, target.region, target.environment)) if target.region else (whole,)
