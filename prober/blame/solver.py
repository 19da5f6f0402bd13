"""From what is red and what is green to the narrowest domains that explain it, each with its reason in a sentence.

Rule of this file: a domain is blamed only if nothing green contradicts it. What another client reaches at the same
mailbox is well, as far as that client goes; what only one client cannot do is a matter of its protocol.
"""

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from prober.blame.evidence import Colour, Record
from prober.vocabulary import Depth, Domain

LEAST, SHARE = 2, 0.2
"""Failures of a client, or of it at one target, and their share of the newest attempts there, from which it is red: one
failure explains nothing."""
CERTAIN, DOUBT = 0.1, 0.25
"""A run of successes ends the trouble when it had less than this chance while the trouble lasted. It is never taken for
more than certain but for this doubt: one success after nothing but failures may be luck."""
BELOW = frozenset({Domain.DNS, Domain.NETWORK, Domain.TLS, Domain.PROXY})
"""What lies below every protocol: a fault there has shown itself where it is."""
PROVED_BY: Mapping[Domain, Depth] = MappingProxyType({Domain.IDENTITY: Depth.TOKEN, Domain.MAILBOX: Depth.MAILBOX})
"""How deep an attempt must have gone to prove a domain well; the others show themselves to all who knock."""
TOGETHER = 32
"""Targets that are looked at in one step."""
T = TypeVar("T")
Solving = Generator[None, None, T]
"""Work in steps: whoever has it done may do other things in between."""
Greens = Mapping[str, Mapping[str, Depth]]
"""By client, the targets at which it is well, and how much that proves."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One domain to blame, and why."""

    domain: Domain
    because: str


class _Client:
    """What is known of one client: all records, those at each target, and by colour those that are not green."""

    __slots__ = ("ill", "records", "targets")

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.targets: dict[str, list[Record]] = {}
        self.ill: dict[Colour, list[Record]] = {Colour.RED: [], Colour.OURS: []}

    def add(self, records: Sequence[Record]) -> None:
        """Take in records of one target."""
        self.records += records
        self.targets.setdefault(records[0].target, []).extend(records)
        for record in records:
            if record.colour is not Colour.GREEN:
                self.ill[record.colour].append(record)


def solve(records: Iterable[Record]) -> tuple[Finding, ...]:
    """Return whom to blame for what `records` of one environment show, in the order of the domains."""
    return whole(solving((record,) for record in records))


def whole(steps: Solving[T]) -> T:
    """Return what `steps` lead to, all at once."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            found: T = end.value
            return found


def solving(groups: Iterable[Sequence[Record]]) -> Solving[tuple[Finding, ...]]:
    """Do as `solve`, in steps of a few hundred microseconds. Each of `groups`: some records of one client and target.

    Nothing of them may change between the steps.
    """
    by_client: dict[str, _Client] = {}
    for number, records in enumerate(groups):
        if records:
            by_client.setdefault(records[0].client, _Client()).add(records)
        if number % TOGETHER == 0:
            yield
    found = [*(yield from _service(by_client)), *(yield from _ours(by_client))]
    said: dict[Domain, list[str]] = {}
    for finding in found:
        said.setdefault(finding.domain, []).append(finding.because)
    return tuple(Finding(domain, "; ".join(said[domain])) for domain in Domain if domain in said)


def _service(by_client: Mapping[str, _Client]) -> Solving[list[Finding]]:
    """Return the findings about what counts: each domain that some red clients broke in, seen beside the green ones."""
    broken: dict[Domain, dict[str, list[Record]]] = {}
    for client, known in by_client.items():
        for domain, red in (yield from _troubles(known, Colour.RED)).items():
            broken.setdefault(domain, {})[client] = red
    if not broken:
        return []
    reds = {client for clients in broken.values() for client in clients}
    greens: dict[str, Mapping[str, Depth]] = {}
    for client, known in by_client.items():
        greens[client] = _well(known, troubled=client in reds)
        yield
    found: list[Finding] = []
    for domain, clients in broken.items():
        askers = _parts(clients, asked=True) if domain is Domain.IDENTITY else {}
        if askers:
            found.append(Finding(domain, f"{_listed(askers)} got no token"))
        others = _parts(clients, asked=False) if domain is Domain.IDENTITY else clients
        if others:
            found += yield from _told_apart(domain, others, by_client, greens)
    return found


def _told_apart(
    domain: Domain, clients: Mapping[str, Sequence[Record]], by_client: Mapping[str, _Client], greens: Greens
) -> Solving[list[Finding]]:
    """Return one finding for what clients fail in together, and one for each that fails where the others would, too.

    Where no two fail at the same target, nothing tells a fault of theirs from one they share.
    """
    found: list[Finding] = []
    shared = {target for target, count in _hit(clients).items() if count > 1}
    rest = dict(clients)
    for client, red in clients.items() if shared and domain not in BELOW else ():
        own = {record.target for record in red} - shared
        others = [by_client[one] for one in clients if one != client]
        alone = (yield from _spared(domain, own, shared, others)) if own else ()
        if alone:
            found.append(_narrowed(domain, {client: [one for one in red if one.target in alone]}, greens))
            rest[client] = [one for one in red if one.target not in alone]
        yield
    found.append(_narrowed(domain, {client: red for client, red in rest.items() if red}, greens))
    return found


def _hit(clients: Mapping[str, Sequence[Record]]) -> Mapping[str, int]:
    """Return how many clients fail at each target."""
    return Counter(target for red in clients.values() for target in {record.target for record in red})


def _spared(
    domain: Domain, own: Collection[str], shared: Collection[str], others: Sequence[_Client]
) -> Solving[set[str]]:
    """Return which of `own` are spared what `others` suffer from where they share it, by more than chance explains."""
    ill = total = 0
    for number, target in enumerate(shared):
        there = _at(target, others)
        ill += sum(record.domain is domain for record in there)
        total += len(there)
        if number % TOGETHER == 0:
            yield
    unlike = 1 - min(ill / max(1, total), 1 - DOUBT)
    spared: set[str] = set()
    for number, target in enumerate(own):
        here = _at(target, others)
        well = sum(record.colour is Colour.GREEN for record in here)
        if unlike**well < CERTAIN and not any(record.domain is domain for record in here):
            spared.add(target)
        if number % TOGETHER == 0:
            yield
    return spared


def _at(target: str, clients: Sequence[_Client]) -> list[Record]:
    return [record for one in clients for record in one.targets.get(target, ())]


def _parts(clients: Mapping[str, Sequence[Record]], *, asked: bool) -> dict[str, Sequence[Record]]:
    """Return by client the failures to get a token, or to be let in with one: enough of them, or most there are."""
    parts = {client: [one for one in red if one.asked_token is asked] for client, red in clients.items()}
    return {
        client: part
        for client, part in parts.items()
        if len(part) >= LEAST or 2 * len(part) + asked > len(clients[client])
    }


def _narrowed(domain: Domain, clients: Mapping[str, Sequence[Record]], greens: Greens) -> Finding:
    """Return the narrowest domain for clients that broke in `domain`, given which targets other clients reach."""
    who = _listed(clients)
    if domain in BELOW or domain is Domain.POLICY:
        return Finding(domain, f"{who} broke off in {domain} itself")
    hit = {record.target for records in clients.values() for record in records}
    needed = PROVED_BY.get(domain, Depth.REACH).rank
    beside = sorted(
        client
        for client, well in greens.items()
        if client not in clients and any(well[target].rank >= needed for target in hit & well.keys())
    )
    if len(clients) == 1 and beside:
        return Finding(
            Domain.PROTOCOL, f"{who} fails in {domain}, where {_listed(beside)} at the same mailboxes is well"
        )
    if domain is Domain.PROTOCOL:
        return Finding(domain, f"{who} got answers that the protocol does not allow")
    return Finding(domain, f"{who} failed in {domain}{_beside(beside)}")


def _ours(by_client: Mapping[str, _Client]) -> Solving[list[Finding]]:
    """Return the findings about what does not count: the prober and its way out, or a policy."""
    broken: dict[Domain, list[str]] = {}
    for client, known in by_client.items():
        for domain in (yield from _troubles(known, Colour.OURS)):
            broken.setdefault(domain, []).append(client)
    found = []
    for domain, clients in broken.items():
        what = "were refused by a policy" if domain is Domain.POLICY else "do not count, for a reason of our own"
        found.append(Finding(domain, f"attempts of {_listed(clients)} {what}"))
    return found


def _troubles(client: _Client, colour: Colour) -> Solving[dict[Domain, list[Record]]]:
    """Return a client's records of a colour by domain, where there are enough at all its targets or at one of them."""
    ill = client.ill[colour]
    if len(ill) < LEAST:
        return {}
    at_some: dict[Domain, list[Record]] = {}
    hit = Counter(record.target for record in ill)
    for number, target in enumerate(target for target, count in hit.items() if count >= LEAST):
        there = client.targets[target]
        own = [record for record in there if record.colour is colour]
        for domain, found in _enough(own, there, colour).items():
            at_some.setdefault(domain, []).extend(found)
        if number % TOGETHER == 0:
            yield
    yield
    return at_some | _enough(ill, client.records, colour)


def _enough(ill: Sequence[Record], records: Sequence[Record], colour: Colour) -> dict[Domain, list[Record]]:
    """Return those of a colour, `ill`, among `records` by domain, where they are enough to need an explanation."""
    total = len(ill)
    if total < LEAST or total < SHARE * len(records) or _over(records, colour):
        return {}
    counts = Counter(record.domain for record in ill)
    return {
        domain: [record for record in ill if record.domain is domain]
        for domain, count in counts.items()
        if domain is not None and count >= LEAST and count >= SHARE * total
    }


def _over(records: Sequence[Record], colour: Colour) -> bool:
    """Whether the newest attempts have been well for longer than chance explains while the trouble lasted."""
    telling = [record for record in records if record.colour is colour or record.colour is Colour.GREEN]
    ill = [record.at for record in telling if record.colour is colour]
    last = max(ill)
    with_it = [record.colour is colour for record in telling if record.at == last]
    until = sum(record.at < last for record in telling) + len(with_it) - with_it[::-1].index(True)  # of equals, in turn
    share = min(len(ill) / until, 1 - DOUBT)
    return (1 - share) ** (len(telling) - until) < CERTAIN


def _well(client: _Client, *, troubled: bool) -> Mapping[str, Depth]:
    """Return the targets at which the newest attempts of a client were well; of one in trouble, all of them."""
    ill = {record.target for records in client.ill.values() for record in records} if troubled else set()
    return {
        target: records[-1].depth
        for target, records in client.targets.items()
        if records[-1].colour is Colour.GREEN and target not in ill
    }


def _beside(greens: Sequence[str]) -> str:
    return f", while {_listed(greens)} is well" if greens else ", and nobody is well beside"


def _listed(names: Iterable[str]) -> str:
    *most, last = sorted(names)
    return f"{', '.join(most)} and {last}" if most else last
