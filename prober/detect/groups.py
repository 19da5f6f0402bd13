"""Which groups a path belongs to, and how much of the page budget each may spend.

Rule of this file: groups never mix environments, and the budgets of one environment add up to its share.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prober.detect.group import GroupKind
from prober.vocabulary import Environment

WEIGHTS: Mapping[GroupKind, float] = MappingProxyType(
    {
        GroupKind.CLIENT: 0.45,
        GroupKind.CELL: 0.20,
        GroupKind.FLEET: 0.15,
        GroupKind.VANTAGE: 0.10,
        GroupKind.FAMILY: 0.10,
    }
)
"""Shares of the budget by kind of group; where an environment has none of a kind, the others have its share."""


@dataclass(frozen=True, slots=True)
class Source:
    """Where transactions come from: one client, seen from one vantage. `interval` in seconds.

    `families` name components that several clients or targets are known to share. `hold`: seconds that one hold of its
    push channel lasts, 0 where none is held.
    """

    environment: Environment
    client: str
    vantage: str
    interval: float
    region: str = ""
    families: tuple[str, ...] = ()
    hold: float = 0.0

    @property
    def location(self) -> str:
        """Where it looks from, and where at."""
        return f"{self.vantage}/{self.region}" if self.region else self.vantage

    @property
    def cell(self) -> tuple[Environment, str, str]:
        """The smallest thing with a baseline of its own."""
        return self.environment, self.client, self.location


@dataclass(frozen=True, slots=True)
class Planned:
    """A group that will be watched. `weight` is its share of the budget of its kind of alert, `interval` in seconds."""

    kind: GroupKind
    name: str
    interval: float
    weight: float


@dataclass(frozen=True, slots=True)
class Membership:
    """Names of the groups one source belongs to: of the availability detector, of pushes and of throttling."""

    availability: tuple[tuple[GroupKind, str], ...]
    push: tuple[tuple[GroupKind, str], ...]
    throttled: tuple[tuple[GroupKind, str], ...]


def memberships(sources: Mapping[str, Source]) -> dict[str, Membership]:
    """Return the groups of every source, by the key it was given under."""
    places: dict[Environment, set[str]] = {}
    for source in sources.values():
        places.setdefault(source.environment, set()).add(source.location)
    return {key: _membership(source, several=len(places[source.environment]) > 1) for key, source in sources.items()}


def _membership(source: Source, *, several: bool) -> Membership:
    environment, client, place = source.environment.value, source.client, source.location
    mine = f"{environment}/{client}"
    availability = [(GroupKind.CLIENT, mine)]
    if source.environment is not Environment.INDEPENDENT:
        availability.append((GroupKind.FLEET, environment))
        availability += [(GroupKind.FAMILY, f"{environment}/{family}") for family in dict.fromkeys(source.families)]
        if several:
            availability.append((GroupKind.CELL, f"{mine}@{place}"))
            availability.append((GroupKind.VANTAGE, f"{environment}/{place}"))
    throttled = [(GroupKind.THROTTLED, mine), (GroupKind.THROTTLED, f"{environment}@{place}")]
    push = ((GroupKind.PUSH, mine),) if source.hold > 0 else ()
    return Membership(tuple(availability), push, tuple(throttled))


def planned(sources: Mapping[str, Source]) -> tuple[Planned, ...]:
    """Return every group there is, with its share of the budget of its kind of alert.

    The availability groups of all environments share one budget, by their numbers of clients; the control's has one of
    its own, and so have pushes and throttling, for those are other alerts.
    """
    rates: dict[tuple[GroupKind, str], float] = {}
    homes: dict[tuple[GroupKind, str], Environment] = {}
    for key, membership in memberships(sources).items():
        source = sources[key]
        for group in (*membership.availability, *membership.push, *membership.throttled):
            every = source.hold if group[0] is GroupKind.PUSH else source.interval
            rates[group] = rates.get(group, 0.0) + 1.0 / every
            homes[group] = source.environment
    shares = _shares(homes)
    return tuple(Planned(kind, name, 1.0 / rate, shares[kind, name]) for (kind, name), rate in rates.items())


def _shares(homes: Mapping[tuple[GroupKind, str], Environment]) -> dict[tuple[GroupKind, str], float]:
    sizes: dict[tuple[GroupKind, Environment], int] = {}
    for (kind, _), home in homes.items():
        sizes[kind, home] = sizes.get((kind, home), 0) + 1
    fleet = _fleet_shares(sizes)
    found: dict[tuple[GroupKind, str], float] = {}
    for (kind, name), home in homes.items():
        if kind in WEIGHTS:
            present = sum(weight for one, weight in WEIGHTS.items() if (one, home) in sizes)
            found[kind, name] = fleet[home] * WEIGHTS[kind] / present / sizes[kind, home]
        else:
            found[kind, name] = 1.0 / sum(count for (one, _), count in sizes.items() if one is kind)
    return found


def _fleet_shares(sizes: Mapping[tuple[GroupKind, Environment], int]) -> dict[Environment, float]:
    """Return each environment's share of the page budget."""
    clients = {home: count for (kind, home), count in sizes.items() if kind is GroupKind.CLIENT}
    total = sum(count for home, count in clients.items() if home is not Environment.INDEPENDENT)
    return {home: 1.0 if home is Environment.INDEPENDENT else count / total for home, count in clients.items()}
