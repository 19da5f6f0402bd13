"""How an incident of hours or weeks is cut to what two minutes can hold: who takes part, and how long each act lasts.

Rule of this file: nothing is stretched and no fault is changed; what is too long is cut, and a minute stays a minute.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prober.rehearsal.expectation import ALL, CONTROL, Expectation, clients_named, regions_named
from prober.simulator.faults.fault import Fault
from prober.simulator.tenant import Site

EVERYWHERE = ("eu", "na", "apac", "uk")
EDGES: Mapping[str, str] = MappingProxyType(
    {
        "eu": "AMS FRA DUB PAR MIL WAW ZRH OSL",
        "na": "IAD SJC DFW ORD YTO LAX PHX ATL",
        "apac": "SIN TYO SYD HKG SEL OSA MEL PUS",
        "uk": "LON CWL MAN EDI BHX LDS BRS NCL",
    }
)
"""The three letters of the edges of each region that scenarios know by name."""
SITES = 8
"""Sites in all, at least two in each region: with a mailbox at each, a client's group has enough attempts within a
plateau to be judged by, and a site tells which mailbox somebody comes for."""
MOST = 48
"""Assignments in all, where two sites in each region need no more: at sixty times the speed each is one a second."""
WARM, RAMP, PLATEAU, DECOY, DECAY, AFTER = 5.0, 5.0, 45.0, 20.0, 5.0, 50.0
"""The longest acts, in minutes: healthy before, growing, full strength (of a decoy), dying down, healthy after."""
TOKEN_STEPS = frozenset({"token_request", "token_client", "token_user"})
USUAL_LIFETIME, SHORT_LIFETIME = 3599, 45
"""Seconds. A fault of asking for tokens can only strike where one is asked for: with a life shorter than the interval,
every attempt asks. At the usual one, nobody would within a drill."""
ABOUT_NEWS = frozenset({"push_drop", "push_silent", "stale"})
USUAL_POST, BUSY_POST = 60.0, 5.0
"""Seconds. Only where there is news can a client miss any: one that holds a channel for a few seconds within an attempt
needs some within those."""


@dataclass(frozen=True, slots=True)
class Script:
    """What is played. Acts in minutes; `warm` 0 means that the fault was there before anything worked.

    `sites` have one mailbox each; `token_lifetime` in seconds; `clients` take part, the control aside; `post` is how
    many seconds pass between two messages to a mailbox. `seldom` have only to stay green, and need fewer attempts for
    that than the others to be found out.
    """

    clients: tuple[str, ...]
    sites: tuple[Site, ...]
    token_lifetime: int
    post: float
    warm: float
    ramp: float
    plateau: float
    decay: float
    after: float
    seldom: tuple[str, ...] = ()

    @property
    def minutes(self) -> float:
        """How long all acts last."""
        return self.warm + self.ramp + self.plateau + self.decay + self.after


@dataclass(frozen=True, slots=True)
class Plot:
    """What of an incident decides how it is cut. Times in minutes; `duration` 0 where the scenario names none."""

    regions: tuple[str, ...]
    faults: tuple[Fault, ...]
    duration: float
    ramp: float
    decay: float
    decoy: bool


def script(plot: Plot, expected: Expectation, clients: Collection[str]) -> Script:
    """Return how to play `plot` with those of `clients` that there are."""
    ramp = min(plot.ramp, RAMP)
    longest = DECOY if plot.decoy else PLATEAU
    plateau = min(longest, plot.duration - ramp) if plot.duration else longest
    from_setup = any(fault.since == "setup" for fault in plot.faults)
    asks = any(fault.steps & TOKEN_STEPS for fault in plot.faults)
    return Script(
        clients=_cast(plot, expected, clients),
        sites=sites_of(_regions(plot, expected), len(_cast(plot, expected, clients))),
        token_lifetime=SHORT_LIFETIME if asks else USUAL_LIFETIME,
        post=BUSY_POST if any(fault.kind in ABOUT_NEWS for fault in plot.faults) else USUAL_POST,
        warm=0.0 if from_setup else WARM,
        ramp=ramp,
        plateau=plateau,
        decay=min(plot.decay, DECAY),
        after=AFTER if plot.decay else 0.0,
        seldom=_seldom(plot, expected, clients),
    )


def missing(faults: Iterable[Fault], expected: Expectation, clients: Collection[str]) -> tuple[str, ...]:
    """Return the clients an incident is about that there are not: without them it cannot be played."""
    about = {client for fault in faults for client in fault.clients} | set(clients_named(expected.red))
    return tuple(sorted(about - {ALL, CONTROL, *clients}))


def _cast(plot: Plot, expected: Expectation, clients: Collection[str]) -> tuple[str, ...]:
    """Return who takes part: whoever a fault or an expectation is about, and everybody where that is not said.

    Time is what a drill has least of: clients that nothing is expected of would only take theirs from the others.
    """
    about = {name.partition("@")[0] for name in (*expected.red, *expected.green)}
    about |= {client for fault in plot.faults for client in fault.clients}
    if ALL in about or not about:
        about = set(clients)
    return tuple(client for client in clients if client in about and client != CONTROL)


def _seldom(plot: Plot, expected: Expectation, clients: Collection[str]) -> tuple[str, ...]:
    """Return who takes part only to stay green: no fault is meant for them, and nobody expects them to be red."""
    about = {name.partition("@")[0] for name in expected.red}
    about |= {client for fault in plot.faults for client in fault.clients}
    return () if ALL in about else tuple(client for client in _cast(plot, expected, clients) if client not in about)


def sites_of(regions: Collection[str], clients: int = 1) -> tuple[Site, ...]:
    """Return the sites to play at, as many in each region as make up the number, and two at least."""
    each = max(2, min(SITES, MOST // max(clients, 1)) // len(regions))
    return tuple(
        Site(f"{code.lower()}{number}", region, code)
        for number, region in enumerate(regions, start=1)
        for code in edges(region)[:each]
    )


def edges(region: str) -> list[str]:
    """Return the letters of a region's edges, made up where nobody knows it."""
    letters = "".join(one for one in region.upper() if one.isascii() and one.isalpha()).ljust(2, "X")[:2]
    return EDGES[region].split() if region in EDGES else [f"{letters}{one}" for one in "ABCDEFGH"]


def _regions(plot: Plot, expected: Expectation) -> tuple[str, ...]:
    """Return where the incident is, and where else something is expected of it."""
    named = EVERYWHERE if not plot.regions or ALL in plot.regions else plot.regions
    also = regions_named((*expected.red, *expected.green)) - set(named)
    return (*named, *sorted(also))
