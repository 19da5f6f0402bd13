"""What a tenant is made of: its sites, mailboxes, applications and accounts, from the default or from a file."""

import secrets
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field

from prober.simulator.mailbox import furnish
from prober.simulator.tenant import ONLINE, SERVER, Application, Clocks, Site, Tenant, User

DOMAIN = "contoso.example"
CLIENTS = (
    *("outlook_mobile", "outlook_mac", "outlook_mac_legacy", "imap4", "activesync", "owa", "outlook_desktop"),
    *("m365_signin", "control"),
)


@dataclass(frozen=True, slots=True)
class Place:
    """One mailbox and where it is homed."""

    address: str
    site: str


@dataclass(frozen=True, slots=True)
class Layout:
    """The plan of a tenant. `messages`: how much mail each mailbox starts with. `token_lifetime` in seconds.

    `secret` seeds nothing: passwords and application secrets are drawn anew for every run.
    """

    domain: str = DOMAIN
    seed: int = 1
    sites: tuple[Site, ...] = ()
    mailboxes: tuple[Place, ...] = ()
    clients: tuple[str, ...] = CLIENTS
    messages: int = 12
    token_lifetime: int = 3599
    default_environment: str = field(default=ONLINE)


SITES = (
    Site("ams1", "eu", "AMS"),
    Site("iad1", "na", "IAD"),
    Site("sin1", "apac", "SIN"),
)


def default_layout(seed: int = 1) -> Layout:
    """Return the tenant that is there without a file: three sites in three regions, two mailboxes at each."""
    places = tuple(
        Place(f"probe{2 * position + number}@{DOMAIN}", site.name)
        for position, site in enumerate(SITES)
        for number in (1, 2)
    )
    return Layout(seed=seed, sites=SITES, mailboxes=places)


def corporate_layout(seed: int = 1) -> Layout:
    """Return an organisation with servers of its own: one site, Basic authentication, health pages."""
    site = Site("hq", "eu", "HQX", environment=SERVER)
    return Layout("corp.example", seed, (site,), (Place("probe@corp.example", "hq"),))


def found(layout: Layout, clocks: Clocks | None = None) -> Tenant:
    """Return the tenant of `layout`: one application per client that may open every mailbox, one user per mailbox."""
    addresses = [place.address for place in layout.mailboxes]
    tenant = Tenant(
        layout.domain,
        layout.sites,
        users=[User(address, secrets.token_urlsafe(12), _id(layout, address)) for address in addresses],
        applications=[_application(layout, client, addresses) for client in layout.clients if client != "control"],
        clocks=clocks,
        seed=layout.seed,
    )
    for place in layout.mailboxes:
        furnish(tenant.open_mailbox(place.address, place.site), tenant.clocks.now(), messages=layout.messages)
    return tenant


def _application(layout: Layout, client: str, addresses: Iterable[str]) -> Application:
    """Return the registration of one client; the phone's is a public one, for it signs in on behalf of its user."""
    return Application(
        client_id=_id(layout, client),
        name=f"Probe {client}",
        client=client,
        secret="" if client == "activesync" else secrets.token_urlsafe(24),
        mailboxes=frozenset(addresses),
    )


def _id(layout: Layout, name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{name}.{layout.domain}"))
