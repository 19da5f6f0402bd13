"""From what is red and what is green to the narrowest domains that explain it, each with its reason in a sentence.

Rule of this file: a domain is blamed only if nothing green contradicts it. What another client reaches at the same
mailbox is well; what only one client cannot do is a matter of its protocol.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from prober.blame.evidence import Colour, Record
from prober.vocabulary import Domain

LEAST, SHARE = 2, 0.2
"""Failures of a client, and their share of its newest attempts, from which it is red: one failure explains nothing."""
BELOW = frozenset({Domain.DNS, Domain.NETWORK, Domain.TLS, Domain.PROXY})
"""What lies below every protocol: a fault there has shown itself where it is."""


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
    first: dict[Domain, Finding] = {}
    for finding in found:
        first.setdefault(finding.domain, finding)
    return tuple(first[domain] for domain in Domain if domain in first)


def _service(by_client: Mapping[str, Sequence[Record]]) -> Iterable[Finding]:
    """Return the findings about what counts: each domain that some red clients broke in, seen beside the green ones."""
    broken: dict[Domain, dict[str, list[Record]]] = {}
    for client, records in by_client.items():
        for domain, red in _troubles(records, Colour.RED).items():
            broken.setdefault(domain, {})[client] = red
    reds = {client for clients in broken.values() for client in clients}
    greens = {client: _well(records) for client, records in by_client.items() if client not in reds}
    for domain, clients in broken.items():
        yield _narrowed(domain, clients, {client: targets for client, targets in greens.items() if targets})


def _narrowed(domain: Domain, clients: Mapping[str, Sequence[Record]], greens: Mapping[str, frozenset[str]]) -> Finding:
    """Return the narrowest domain for clients that broke in `domain`, given which targets other clients reach."""
    who = _listed(clients)
    if domain in BELOW or domain is Domain.POLICY:
        return Finding(domain, f"{who} broke off in {domain} itself")
    if domain is Domain.IDENTITY and any(record.asked_token for records in clients.values() for record in records):
        return Finding(domain, f"{who} got no token")
    hit = {record.target for records in clients.values() for record in records}
    beside = sorted(client for client, targets in greens.items() if targets & hit)
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
    """Return the records of a colour by domain, where there are enough of them to need an explanation."""
    counts = Counter(record.domain for record in records if record.colour is colour)
    total = sum(counts.values())
    if total < LEAST or total < SHARE * len(records):
        return {}
    return {
        domain: [record for record in records if record.colour is colour and record.domain is domain]
        for domain, count in counts.items()
        if domain is not None and count >= LEAST and count >= SHARE * total
    }


def _well(records: Sequence[Record]) -> frozenset[str]:
    """Return the targets at which the newest attempts of a client were well."""
    newest = {record.target: record for record in records}
    return frozenset(target for target, record in newest.items() if record.colour is Colour.GREEN)


def _beside(greens: Sequence[str]) -> str:
    return f", while {_listed(greens)} is well" if greens else ", and nobody is well beside"


def _listed(names: Iterable[str]) -> str:
    *most, last = sorted(names)
    return f"{', '.join(most)} and {last}" if most else last
