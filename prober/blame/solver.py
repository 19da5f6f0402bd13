"""From what is red and what is green to the narrowest domains that explain it, each with its reason in a sentence.

Rule of this file: a domain is blamed only if nothing green contradicts it. What another client reaches at the same
mailbox is well, as far as that client goes; what only one client cannot do is a matter of its protocol.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

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
Greens = Mapping[str, Mapping[str, Depth]]
"""By client, the targets at which it is well, and how much that proves."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One domain to blame, and why."""

    domain: Domain
    because: str


def solve(records: Sequence[Record]) -> tuple[Finding, ...]:
    """Return whom to blame for what `records` of one environment show, in the order of the domains."""
    by_client: dict[str, list[Record]] = {}
    for record in records:
        by_client.setdefault(record.client, []).append(record)
    found = [*_service(by_client), *_ours(by_client)]
    said: dict[Domain, list[str]] = {}
    for finding in found:
        said.setdefault(finding.domain, []).append(finding.because)
    return tuple(Finding(domain, "; ".join(said[domain])) for domain in Domain if domain in said)


def _service(by_client: Mapping[str, Sequence[Record]]) -> Iterable[Finding]:
    """Return the findings about what counts: each domain that some red clients broke in, seen beside the green ones."""
    broken: dict[Domain, dict[str, list[Record]]] = {}
    for client, records in by_client.items():
        for domain, red in _troubles(records, Colour.RED).items():
            broken.setdefault(domain, {})[client] = red
    if not broken:
        return
    reds = {client for clients in broken.values() for client in clients}
    greens = {client: _well(records, troubled=client in reds) for client, records in by_client.items()}
    for domain, clients in broken.items():
        askers = _parts(clients, asked=True) if domain is Domain.IDENTITY else {}
        if askers:
            yield Finding(domain, f"{_listed(askers)} got no token")
        others = _parts(clients, asked=False) if domain is Domain.IDENTITY else clients
        if others:
            yield from _told_apart(domain, others, by_client, greens)


def _told_apart(
    domain: Domain, clients: Mapping[str, Sequence[Record]], by_client: Mapping[str, Sequence[Record]], greens: Greens
) -> Iterable[Finding]:
    """Return one finding for what clients fail in together, and one for each that fails where the others would, too.

    Where no two fail at the same target, nothing tells a fault of theirs from one they share.
    """
    shared = {target for target, count in _hit(clients).items() if count > 1}
    rest = dict(clients)
    if shared and domain not in BELOW:
        for client, red in clients.items():
            others = [record for one in clients if one != client for record in by_client[one]]
            own = {record.target for record in red} - shared
            alone = {target for target in own if _spared(domain, target, shared, others)}
            if alone:
                yield _narrowed(domain, {client: [one for one in red if one.target in alone]}, greens)
                rest[client] = [one for one in red if one.target not in alone]
    yield _narrowed(domain, {client: red for client, red in rest.items() if red}, greens)


def _hit(clients: Mapping[str, Sequence[Record]]) -> Mapping[str, int]:
    """Return how many clients fail at each target."""
    return Counter(target for red in clients.values() for target in {record.target for record in red})


def _spared(domain: Domain, target: str, shared: Collection[str], others: Sequence[Record]) -> bool:
    """Whether `target` is spared what `others` suffer from at the targets they share, by more than chance explains."""
    there = [record for record in others if record.target in shared]
    ill = sum(record.domain is domain for record in there) / max(1, len(there))
    here = [record for record in others if record.target == target]
    well = sum(record.colour is Colour.GREEN for record in here)
    return not any(record.domain is domain for record in here) and (1 - min(ill, 1 - DOUBT)) ** well < CERTAIN


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


def _ours(by_client: Mapping[str, Sequence[Record]]) -> Iterable[Finding]:
    """Return the findings about what does not count: the prober and its way out, or a policy."""
    broken: dict[Domain, list[str]] = {}
    for client, records in by_client.items():
        for domain in _troubles(records, Colour.OURS):
            broken.setdefault(domain, []).append(client)
    for domain, clients in broken.items():
        what = "were refused by a policy" if domain is Domain.POLICY else "do not count, for a reason of our own"
        yield Finding(domain, f"attempts of {_listed(clients)} {what}")


def _troubles(records: Sequence[Record], colour: Colour) -> dict[Domain, list[Record]]:
    """Return a client's records of a colour by domain, where there are enough at all its targets or at one of them."""
    hit = Counter(record.target for record in records if record.colour is colour)
    by_target: dict[str, list[Record]] = {target: [] for target, count in hit.items() if count >= LEAST}
    for record in records if by_target else ():
        if record.target in by_target:
            by_target[record.target].append(record)
    at_some: dict[Domain, list[Record]] = {}
    for there in by_target.values():
        for domain, found in _enough(there, colour).items():
            at_some.setdefault(domain, []).extend(found)
    return at_some | _enough(records, colour)


def _enough(records: Sequence[Record], colour: Colour) -> dict[Domain, list[Record]]:
    """Return the records of a colour by domain, where there are enough of them to need an explanation."""
    ill = [record for record in records if record.colour is colour]
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
    telling = (record for record in records if record.colour in (colour, Colour.GREEN))
    ill = [record.colour is colour for record in sorted(telling, key=lambda record: record.at)]
    if True not in ill:
        return True
    until = len(ill) - ill[::-1].index(True)
    share = min(sum(ill) / until, 1 - DOUBT)
    return (1 - share) ** (len(ill) - until) < CERTAIN


def _well(records: Sequence[Record], *, troubled: bool) -> Mapping[str, Depth]:
    """Return the targets at which the newest attempts of a client were well; of one in trouble, all of them."""
    newest = {record.target: record for record in records}
    ill = {record.target for record in records if record.colour is not Colour.GREEN} if troubled else set()
    return {
        target: record.depth for target, record in newest.items() if record.colour is Colour.GREEN and target not in ill
    }


def _beside(greens: Sequence[str]) -> str:
    return f", while {_listed(greens)} is well" if greens else ", and nobody is well beside"


def _listed(names: Iterable[str]) -> str:
    *most, last = sorted(names)
    return f"{', '.join(most)} and {last}" if most else last
