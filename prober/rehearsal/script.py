"""How an incident of hours or weeks is cut to what two minutes can hold: who takes part, and how long each act lasts.

Rule of this file: nothing is stretched and no fault is changed; what is too long is cut, and a minute stays a minute.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
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
"""Sites in all at most, where two in each region are no more: with one mailbox at each, a site tells which mailbox
somebody comes for."""
ATTEMPTS = 42.0
"""Attempts a minute of all clients that may turn red: at sixty times the speed, the processor has as much to do as
there is to wait for."""
FEWEST, MOST = 3.0, 16.0
"""Attempts a minute of one of them. Who fails seldom is looked at often, or it would be found out last by far."""
GREEN = 2.5
"""Attempts a minute of a client that has only to stay green."""
SHORTEST, ASKING = 30.0, 60.0
"""Seconds between two attempts at one mailbox at least; where every one has to ask for a token, its life is over."""
WARM, RAMP, PLATEAU, DECOY, DECAY, AFTER = 4.0, 3.0, 45.0, 20.0, 3.0, 50.0
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
    many seconds pass between two messages to a mailbox. `intervals`: seconds between two attempts of a client at a
    mailbox, where that is not the usual minute. `steps`: those that faults are meant for; of optional ones, no others.
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
    intervals: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    steps: frozenset[str] = frozenset()

    @property
    def minutes(self) -> float:
        """How long all acts last."""
        return self.warm + self.ramp + self.plateau + self.decay + self.after


@dataclass(frozen=True, slots=True)
class Plot:
    """What of an incident decides how it is cut. Times in minutes; `duration` 0 where the scenario names none.

    `sticking`: the share, in per cent, of mailboxes or sites that it hits, each time the same; 100 where there is none.
    """

    regions: tuple[str, ...]
    faults: tuple[Fault, ...]
    duration: float
    ramp: float
    decay: float
    decoy: bool
    sticking: float = 100.0


def script(plot: Plot, expected: Expectation, clients: Collection[str]) -> Script:
    """Return how to play `plot` with those of `clients` that there are."""
    ramp = min(plot.ramp, RAMP)
    longest = DECOY if plot.decoy else PLATEAU
    plateau = min(longest, plot.duration - ramp) if plot.duration else longest
    from_setup = any(fault.since == "setup" for fault in plot.faults)
    asks = any(fault.steps & TOKEN_STEPS for fault in plot.faults)
    cast, regions = _cast(plot, expected, clients), _regions(plot, expected)
    sites = sites_of(regions, each_of(plot, regions))
    return Script(
        clients=cast,
        sites=sites,
        token_lifetime=SHORT_LIFETIME if asks else USUAL_LIFETIME,
        post=BUSY_POST if any(fault.kind in ABOUT_NEWS for fault in plot.faults) else USUAL_POST,
        warm=0.0 if from_setup else WARM,
        ramp=ramp,
        plateau=plateau,
        decay=min(plot.decay, DECAY),
        after=AFTER if plot.decay else 0.0,
        intervals=MappingProxyType(intervals(plot, expected, cast, len(sites))),
        steps=frozenset().union(*(fault.steps for fault in plot.faults)),
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


def intervals(plot: Plot, expected: Expectation, cast: Collection[str], mailboxes: int) -> dict[str, float]:
    """Return the seconds between two attempts of each client at each of so many mailboxes.

    What is found out, and found to be over, by a number of failures takes the longer the fewer of the attempts fail:
    the attempts there is time for are shared out by that.
    """
    red = {name.partition("@")[0] for name in expected.red}
    struck = {client: strength(plot.faults, client) for client in cast}
    weights = {client: 1.0 / max(struck[client], 1.0) for client in cast if client in red or ALL in red}
    beside = min(weights.values(), default=1.0)
    weights |= {client: beside for client in cast if struck[client] and client not in weights}
    total = sum(weights.values())
    often = {client: min(max(ATTEMPTS * weight / total, FEWEST), MOST) for client, weight in weights.items()}
    return {
        client: max(_least(plot.faults, client), round(mailboxes * 60.0 / often.get(client, GREEN))) for client in cast
    }


def _least(faults: Iterable[Fault], client: str) -> float:
    """Return the shortest interval of a client: where asking for tokens is the matter, every attempt has to."""
    return ASKING if any(fault.steps & TOKEN_STEPS for fault in _meant(faults, client)) else SHORTEST


def _meant(faults: Iterable[Fault], client: str) -> list[Fault]:
    return [fault for fault in faults if client in fault.clients or ALL in fault.clients]


def strength(faults: Iterable[Fault], client: str) -> float:
    """Return the share of a client's attempts, in per cent, that some of `faults` are meant for.

    Delays are left aside if anything else is meant for it: most are no failure.
    """
    mine = _meant(faults, client)
    broken = [fault for fault in mine if fault.kind != "delay"] or mine
    return min(sum(fault.pct for fault in broken), 100.0)


def each_of(plot: Plot, regions: Collection[str]) -> int:
    """Return how many sites each of `regions` has: as many as fit, two at least.

    Where an incident sticks to some of them, so many that its share suffers least from rounding: one of four where
    fifteen in a hundred are meant, for one of eight would be less. Some have to be left that it does not stick to.
    """
    most = max(2, SITES // len(regions))
    concerned = len([one for one in regions if one in plot.regions]) or len(regions)
    found = [(hit(plot.sticking, each * concerned) / (each * concerned), each) for each in range(1, most + 1)]
    return max([one for one in found if one[0] < 1.0], default=(1.0, most))[1]


def hit(share: float, count: int) -> int:
    """Return how many of `count` mailboxes or sites an incident hits that means `share` per cent of them."""
    return max(1, round(share / 100.0 * count)) if share > 0 else 0


def sites_of(regions: Collection[str], each: int) -> tuple[Site, ...]:
    """Return so many sites in each region."""
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
