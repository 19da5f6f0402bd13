"""A tenant in the cloud with a server of its own beside it, and questions to ask it."""

import base64

from prober.simulator.http.message import Request, split_target
from prober.simulator.service import Premises
from prober.simulator.tenant import SERVER, Application, Site, Tenant, User
from prober.simulator.tokens import EXCHANGE, Doorkeeper
from prober.simulator.wire import Attempt, Connection, Host

ALICE, BOB, HOME = "alice@contoso.example", "bob@contoso.example", "carol@contoso.example"
APP = Application("22222222-2222-2222-2222-222222222222", "Probe", mailboxes=frozenset({ALICE, BOB, HOME}))
CLOUD_CLIENTS = ("outlook_mobile", "outlook_mac_legacy", "activesync", "outlook_desktop")


def premises() -> Premises:
    """Alice is at ams1, Bob at iad1, Carol on the server of one's own called hq."""
    sites = [Site("ams1", "eu", "AMS"), Site("iad1", "na", "IAD"), Site("hq", "eu", "HQX", environment=SERVER)]
    users = [User(name, "secret") for name in (ALICE, BOB, HOME)]
    tenant = Tenant("contoso.example", sites, users=users, applications=[APP])
    for name, site in zip((ALICE, BOB, HOME), sites, strict=True):
        tenant.open_mailbox(name, site.name)
    hosts = [
        Host(
            f"{client.replace('_', '-')}.{site.name}.contoso.example", "127.0.0.1", 8443, client=client, site=site.name
        )
        for site in sites
        for client in CLOUD_CLIENTS
    ]
    hosts += [Host("autodiscover.contoso.example", "127.0.0.1", 8443), Host("login.contoso.example", "127.0.0.1", 8443)]
    return Premises(tenant, Doorkeeper(tenant), tuple(hosts))


def token(here: Premises, user: str = "") -> str:
    """An `Authorization` with a token of the application, or of its user."""
    return f"Bearer {here.doorkeeper.issue(APP, EXCHANGE, user)}"


def basic(user: str, password: str = "secret") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def ask(
    target: str, *, site: str = "", method: str = "GET", body: bytes = b"", headers: dict[str, str] | None = None
) -> Request:
    """A request to a host at `site`, or to the shared one."""
    name = f"mail.{site}.contoso.example" if site else "autodiscover.contoso.example"
    host = Host(name, "127.0.0.1", 8443, site=site)
    connection = Connection(1, host, "127.0.0.1", 0.0, Attempt(host.name, 1))
    path, query = split_target(target)
    fields = tuple((key.lower(), value) for key, value in (headers or {}).items())
    return Request(method, target, fields, body, connection, "", path, query)
