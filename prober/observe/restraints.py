"""What the governor exports and shows: who is held back, until when and why, and what is used of each budget.

Rule of this file: numbers are asked for when somebody looks, for what ends by itself tells nobody that it has ended.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any, Protocol

from prober.model import Assignment
from prober.observe.markup import escaped, listing, section
from prober.observe.metrics import Metrics


class Held(Protocol):
    """Who is held back: until when in epoch seconds (`inf`: until somebody changes something), and why in words."""

    @property
    def client(self) -> str:
        """The client."""

    @property
    def target(self) -> str:
        """The target."""

    @property
    def until(self) -> float:
        """When it may start again."""

    @property
    def because(self) -> str:
        """Why it must not start now."""

    @property
    def parked(self) -> bool:
        """Whether nobody should wait for it."""


class Usage(Protocol):
    """What is used of budgets."""

    @property
    def names(self) -> Iterable[tuple[str, str]]:
        """Scope and name of each."""

    def fullest(self, name: str) -> float:
        """Return what is used of one by whoever uses most of it."""


class Governing(Protocol):
    """What is known of who is held back."""

    @property
    def budgets(self) -> Usage:
        """What is used."""

    def until(self, assignment: Assignment) -> float:
        """Return when an assignment may start: 0 for now, `inf` for when somebody has changed something."""

    def held_back(self, assignment: Assignment) -> Held | None:
        """Return why an assignment must not start now."""

    def quiet(self, kind: str) -> int:
        """Return from how many scopes of a kind servers want quiet."""


def export(metrics: Metrics, governor: Governing, assignments: Iterable[Assignment], scopes: Iterable[str]) -> None:
    """Have the governor's gauges ask it whenever they are read. `scopes`: the kinds there are."""
    export_waits(metrics, governor, assignments)
    for kind in scopes:
        metrics.family("clientaccess_governor_quiet_scopes").labels(kind).set_function(partial(governor.quiet, kind))
    for scope, budget in governor.budgets.names:
        child = metrics.family("clientaccess_governor_used_ratio").labels(scope, budget)
        child.set_function(partial(governor.budgets.fullest, budget))


def export_waits(metrics: Metrics, governor: Governing, assignments: Iterable[Assignment]) -> None:
    """Have the gauges of these assignments ask the governor whenever they are read."""
    for one in assignments:
        child = metrics.at("clientaccess_governor_wait_until_timestamp_seconds", one)
        child.set_function(partial(governor.until, one))


class RestraintPanel:
    """A part of the status page with nothing to do in it: who is held back."""

    name = "held_back"
    place = "above"
    routes: Sequence[Any] = ()

    def __init__(self, assignments: Iterable[Assignment], held_back: Callable[[Assignment], Held | None]) -> None:
        self._held_back = held_back
        self.configure(assignments)

    def configure(self, assignments: Iterable[Assignment]) -> None:
        """Show who of these assignments is held back from now on."""
        self._assignments = tuple(assignments)

    def page(self) -> str:
        """Return a list in HTML, nothing where nobody is held back."""
        return section("held-back", "Held back", listing(escaped(_said(one)) for one in self._held()))

    def data(self) -> list[dict[str, Any]]:
        """Return who is held back, until when (`None`: until somebody changes something) and why."""
        return [
            {
                "client": one.client,
                "target": one.target,
                "until": _time(one.until),
                "parked": one.parked,
                "because": one.because,
            }
            for one in self._held()
        ]

    def _held(self) -> list[Held]:
        found = map(self._held_back, self._assignments)
        return [one for one in found if one is not None]


def _said(one: Held) -> str:
    until = _time(one.until)
    end = f"until {until}" if until else "until it is changed"
    return f"{one.client} on {one.target} {'is parked' if one.parked else 'waits'} {end}: {one.because}"


def _time(epoch: float) -> str | None:
    if epoch == inf:
        return None
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
