"""What the detector said of each group during a rehearsal: who was failing when, and who is well again.

Rule of this file: it only takes down what the detector says; no threshold stands here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from prober.detect.group import GroupKind, State, Transition
from prober.vocabulary import Environment

MINUTE = 60.0
WELL = frozenset({State.HEALTHY, State.LEARNING})
PAGING = frozenset({GroupKind.CLIENT, GroupKind.CELL, GroupKind.FLEET, GroupKind.VANTAGE, GroupKind.FAMILY})


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
class Groups:
    """Takes down every change of state. `clock` in seconds."""

    clock: Callable[[], float]
    _histories: dict[Group, list[Change]] = field(default_factory=dict)
    _alarms: dict[str, float] = field(default_factory=dict)

    def hear(self, transition: Transition) -> None:
        """Take down one change of state, as the detector tells it."""
        kind, name, after = transition.group.kind, transition.group.name, transition.after
        if kind not in PAGING:
            return
        home = Environment(name.partition("/")[0])
        if after is State.FAILING and home is not Environment.INDEPENDENT:
            self._alarms.setdefault(name.partition("/")[2] or "everything", self.clock())
        if kind in (GroupKind.CLIENT, GroupKind.CELL):
            client, _, location = name.partition("/")[2].partition("@")
            group = Group(client, location.rpartition("/")[2] if "/" in location else "", home)
            self._histories.setdefault(group, []).append(Change(self.clock(), after))

    def state(self, group: Group) -> State:
        """Return what is thought of `group` now."""
        history = self.history(group)
        return history[-1].state if history else State.NO_DATA

    def history(self, group: Group) -> tuple[Change, ...]:
        """Return every change of state, oldest first. With one region there are no groups of regions: they are all."""
        whole = Group(group.client, "", group.environment)
        return tuple(self._histories.get(group, self._histories.get(whole, [])))

    def failed_at(self, group: Group, since: float) -> float | None:
        """Return when `group` first came into state failing after `since`, `None` if it never did."""
        return next((one.at for one in self.history(group) if one.state is State.FAILING and one.at >= since), None)

    @property
    def alarms(self) -> tuple[str, ...]:
        """The names of all groups that were ever failing: clients, cells, locations, families, everything."""
        return tuple(sorted(self._alarms))

    def __iter__(self) -> Iterator[Group]:
        return iter(sorted(self._histories))
