"""Whom a server speaks of when it asks for quiet: an app, a mailbox, a protocol of a host, a device, a credential.

Rule of this file: what an assignment belongs to is known before it starts, from configuration alone; a signal that
names nobody speaks of the credential at the host it came from.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from prober.faults.taxonomy import Fault
from prober.identity.spec import CredentialSpec
from prober.model import Assignment
from prober.schedule.passwords import PASSWORDS
from prober.transaction import Client

GRAPH, IMAP, EWS, PHONE, SIGNIN = "graph", "imap", "ews", "activesync", "signin"
PROTOCOLS: Mapping[str, str] = MappingProxyType(
    {"imap4": IMAP, "nspi": "mapi", "mail": "owa", "authority": SIGNIN, "autodiscover_pox": "autodiscover"}
    | {"autodiscover_soap": "autodiscover"}
)
"""By name of an endpoint, the protocol spoken there where it has another name."""
OF_A_DEVICE = frozenset({"CommandFrequency", "RecentCommands"})
"""Values of `X-MS-ASThrottle` that speak of one device's commands (MS-ASHTTP section 2.2.2.1.2.13)."""
LOOP = "aadsts_50196"
"""The token service met with the same question too often: that credential's, nobody else's."""


class ScopeKind(StrEnum):
    """What a wish for quiet can be about: values of the label `scope`."""

    TENANT = "tenant"
    APP = "app"
    MAILBOX = "mailbox"
    PROTOCOL = "protocol"
    DEVICE = "device"
    CREDENTIAL = "credential"


WORDS: Mapping[ScopeKind, str] = MappingProxyType(
    {
        ScopeKind.TENANT: "everything of this tenant by {}",
        ScopeKind.APP: "everything of this application by {}",
        ScopeKind.MAILBOX: "this mailbox by {}",
        ScopeKind.PROTOCOL: "everybody by {} at this host",
        ScopeKind.DEVICE: "this device",
        ScopeKind.CREDENTIAL: "this credential at {}",
    }
)


@dataclass(frozen=True, slots=True)
class Scope:
    """One such thing. `where`: protocol or host; `who`: the one meant, an address of a mailbox among others."""

    kind: ScopeKind
    where: str
    who: str = ""

    @property
    def key(self) -> str:
        """Name in state files: stable over restarts, and nobody's address."""
        digest = blake2b(f"{self.where}\0{self.who}".encode(), digest_size=10).hexdigest()
        return f"{self.kind} {digest}"

    @property
    def words(self) -> str:
        """Who is meant, in words, for those who are held back by it."""
        place = "the token service" if self.where == TOKENS else "this host" if "." in self.where else self.where
        return WORDS[self.kind].format(place)


TOKENS = "token service"


@dataclass(frozen=True, slots=True)
class Party:
    """One assignment as servers see it: what it belongs to, and whom a signal to it speaks of.

    `hosts` are by protocol; `lane` is the host of the principal endpoint; `apps` and `tenants` are those of its
    `credentials`, `passwords` such of them as are a password.
    """

    device: str
    lane: str
    hosts: Mapping[str, frozenset[str]]
    mailbox: str
    credentials: tuple[str, ...]
    apps: tuple[str, ...]
    tenants: tuple[str, ...]
    passwords: tuple[str, ...]

    def scopes(self) -> frozenset[Scope]:
        """Return everything this assignment belongs to."""
        return frozenset(self._all())

    def _all(self) -> Iterator[Scope]:
        yield Scope(ScopeKind.DEVICE, "", self.device)
        for protocol, hosts in self.hosts.items():
            yield from self.at_protocol(protocol)
            yield from self.of_mailbox(protocol)
            yield from self.of_app(protocol)
            yield from (Scope(ScopeKind.TENANT, protocol, tenant) for tenant in self.tenants)
            yield from (Scope(ScopeKind.CREDENTIAL, host, one) for host in hosts for one in self.credentials or ("",))
        yield from self.of_app(TOKENS)
        yield from (Scope(ScopeKind.CREDENTIAL, TOKENS, one) for one in self.credentials)
        yield Scope(ScopeKind.CREDENTIAL, self.lane, next(iter(self.credentials), ""))

    def at_protocol(self, protocol: str) -> Iterator[Scope]:
        """Everybody who speaks `protocol` with these hosts."""
        return (Scope(ScopeKind.PROTOCOL, protocol, host) for host in self.hosts.get(protocol, (self.lane,)))

    def of_mailbox(self, protocol: str) -> Iterator[Scope]:
        """The mailbox by `protocol`, whoever asks for it."""
        yield Scope(ScopeKind.MAILBOX, protocol, self.mailbox)

    def of_app(self, protocol: str) -> Iterator[Scope]:
        """The applications of its credentials, whichever mailbox they ask for."""
        return (Scope(ScopeKind.APP, protocol, app) for app in self.apps)


class Parties:
    """Makes parties of assignments, once each. `credentials` are by name."""

    def __init__(self, catalogue: Mapping[str, Client[Any]], credentials: Mapping[str, CredentialSpec]) -> None:
        self._catalogue = catalogue
        self._credentials = credentials
        self._made: dict[str, tuple[Party, frozenset[str]]] = {}

    def of(self, assignment: Assignment) -> Party:
        """Return the party of `assignment`."""
        known = self._made.get(assignment.key)
        return known[0] if known is not None else self._known(assignment)[0]

    def keys(self, assignment: Assignment) -> frozenset[str]:
        """Return the keys of everything `assignment` belongs to."""
        return self._known(assignment)[1]

    def _known(self, assignment: Assignment) -> tuple[Party, frozenset[str]]:
        known = self._made.get(assignment.key)
        if known is None:
            party = self._party(assignment)
            known = self._made[assignment.key] = party, frozenset(scope.key for scope in party.scopes())
        return known

    def _party(self, assignment: Assignment) -> Party:
        target, names = assignment.target, (assignment.credential, assignment.push_credential)
        credentials = tuple(dict.fromkeys(name for name in names if name is not None))
        specs = [self._credentials[name] for name in credentials if name in self._credentials]
        endpoints = self._catalogue[assignment.client].endpoints
        hosts = _hosts(endpoints, target.endpoints)
        url = target.endpoints.get(endpoints[0], "") if endpoints else ""
        return Party(
            assignment.key,
            urlsplit(url).hostname or target.name,
            hosts,
            (target.mailbox or f"target {target.name}").lower(),
            credentials,
            tuple(dict.fromkeys(map(app_of, specs))),
            tuple(dict.fromkeys(spec.tenant for spec in specs if spec.tenant)),
            tuple(spec.name for spec in specs if spec.type.value in PASSWORDS),
        )


def app_of(spec: CredentialSpec) -> str:
    """Return the application as whom a credential asks; one that names none is its own."""
    return f"{spec.tenant}/{spec.client_id}" if spec.client_id else f"credential {spec.name}"


def _hosts(names: Iterable[str], urls: Mapping[str, str]) -> Mapping[str, frozenset[str]]:
    """Return the hosts by protocol of the endpoints that a client uses and a target has."""
    found: dict[str, set[str]] = {}
    for name in names:
        host = urlsplit(urls.get(name, "")).hostname
        if host:
            found.setdefault(PROTOCOLS.get(name, name), set()).add(host)
    return MappingProxyType({protocol: frozenset(hosts) for protocol, hosts in found.items()})


# -- whom a signal speaks of ---------------------------------------------------------------------------------------


Reading = Callable[[Fault, Party], Iterable[Scope]]


def _graph(fault: Fault, party: Party) -> Iterable[Scope]:
    """Graph counts by application, and by application and mailbox (Learn, "Graph throttling limits")."""
    if fault.evidence.get("throttle_scope") == "Tenant":
        return (Scope(ScopeKind.TENANT, GRAPH, tenant) for tenant in party.tenants)
    return (*party.of_app(GRAPH), *party.of_mailbox(GRAPH))


def _web_services(fault: Fault, party: Party) -> Iterable[Scope]:
    """EWS counts by the user whose mailbox it is (Learn, "EWS throttling in Exchange")."""
    return party.of_mailbox(EWS)


def _mail(fault: Fault, party: Party) -> Iterable[Scope]:
    """IMAP sessions are counted by mailbox (`MaxConnectionsFromSingleUser` of Set-ImapSettings)."""
    return party.of_mailbox(IMAP)


def _tokens(fault: Fault, party: Party) -> Iterable[Scope]:
    """A loop is one credential's; anything else is said to the application."""
    if fault.kind.code == LOOP:
        return (Scope(ScopeKind.CREDENTIAL, TOKENS, one) for one in party.credentials)
    return party.of_app(TOKENS)


def _signin(fault: Fault, party: Party) -> Iterable[Scope]:
    """Pages that need no sign-in know nothing of us but where we come from."""
    return party.at_protocol(SIGNIN)


BY_CODE: tuple[tuple[str, Reading], ...] = (
    ("graph_", _graph),
    ("ews_", _web_services),
    ("imap_", _mail),
    ("token_", _tokens),
    ("aadsts_", _tokens),
    ("signin_", _signin),
)
"""By how the code of a fault begins."""


def spoken_of(fault: Fault, party: Party) -> frozenset[Scope]:
    """Return whom the throttling `fault` that `party` met speaks of; never nobody."""
    condition = fault.evidence.get("backoff")
    if condition in OF_A_DEVICE:
        return frozenset({Scope(ScopeKind.DEVICE, "", party.device)})
    if condition:
        return frozenset(party.at_protocol(PHONE))
    read = next((reading for begin, reading in BY_CODE if fault.kind.code.startswith(begin)), None)
    found = frozenset(read(fault, party)) if read is not None else frozenset()
    return found or frozenset({Scope(ScopeKind.CREDENTIAL, party.lane, next(iter(party.credentials), ""))})
