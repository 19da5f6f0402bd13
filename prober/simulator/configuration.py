"""A prober's configuration for this tenant, as somebody would write it who was told addresses, accounts and secrets.

Rule of this file: it knows the configuration as its reference documents it, as text; nothing of it is read here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import yaml

from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Premises
from prober.simulator.tenant import SERVER, Application, Site

DISCOVERY = "https://{host}/autodiscover/autodiscover"
PHONE = "https://{host}/Microsoft-Server-ActiveSync"
WEB_SERVICES = "https://{host}/EWS/Exchange.asmx"
GRAPH = "https://{host}/v1.0"
URLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        client: MappingProxyType(urls)
        for client, urls in {
            "imap4": {"imap4": "imaps://{imap}"},
            "activesync": {"activesync": PHONE, "autodiscover": f"{DISCOVERY}.json"},
            "outlook_mobile": {
                "autodiscover": f"{DISCOVERY}.json",
                "graph": GRAPH,
                "activesync": PHONE,
                "imap4": "imaps://{imap}",
            },
            "outlook_mac": {
                "autodiscover": f"{DISCOVERY}.json",
                "graph": GRAPH,
                "ews": WEB_SERVICES,
                "imap4": "imaps://{imap}",
            },
            "outlook_mac_legacy": {"ews": WEB_SERVICES, "autodiscover_pox": f"{DISCOVERY}.xml"},
            "owa": {"owa": "https://{host}/owa/", "mail": "https://{host}/mail/", "graph": GRAPH},
            "outlook_desktop": {
                "mapi": "https://{host}/mapi/emsmdb/",
                "nspi": "https://{host}/mapi/nspi/",
                "autodiscover_pox": f"{DISCOVERY}.xml",
                "autodiscover_soap": f"{DISCOVERY}.svc",
            },
            "m365_signin": {
                "authority": "https://{signin}/{domain}",
                "graph": "https://{mail}/v1.0",
                "office": "https://{office}/",
                "m365": "https://{m365}/",
                "m365_chat": "https://{m365}/chat",
                "copilot": "https://{copilot}/",
            },
        }.items()
    }
)
"""By client that can be configured, its endpoints by name; `host` and the others are name and port."""
IN_THE_CLOUD = frozenset({"outlook_mobile", "outlook_mac", "m365_signin"})
"""Clients that have nothing to go to on servers of one's own."""
USUAL_LIFE = 3599
"""Seconds that a token lives where nobody has it otherwise; who asks for tokens minds shorter ones."""
TOLD_BESIDE = frozenset({"outlook_mobile", "outlook_mac"})
AS_DEEP_AS_IT_GOES = frozenset({"outlook_desktop"})
"""Clients that have to be told to go to the mailbox in the cloud."""
OPTIONAL: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "activesync": ("search", "send_mail"),
        "outlook_desktop": ("execute_logon",),
        "owa": ("static_asset",),
        "m365_signin": ("user_realm",),
    }
)
"""Optional steps by client, those aside that hold a connection for longer than an attempt should last."""
FOLDER = "secrets"
READER = "notices"
"""The credential that reads the operator's notices."""
HEADER = "# A prober's configuration for the simulated tenant {domain}. Addresses and secrets are those of one run.\n"

RefreshToken = Callable[[Application, str], str]
"""Issues a refresh token for an application on behalf of a user (by name)."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the configuration should say beyond what the tenant is. Times in seconds.

    `clients`: which to configure, of those there are. `apart`: every mailbox has credentials of its own, so that no
    token serves two. `steps`: whether optional steps are on, all or those in `only`. `objective`: the latency
    objective of every client. `notify_seconds`: how long clients wait for news within an attempt by a channel that
    stands in for their own. `intervals`: those of clients that do not probe at the usual one. `push`: clients that
    hold their channel open, and how often a marker message measures it, 0 for never. `notices`: how often the
    operator's notices are read, `None` for never. `expiry`: when the secrets of applications end (RFC 3339), empty
    where nobody has written it down. `connections`: how many may be open at one mailbox at once, `None` for as many
    as usual.
    """

    clients: Collection[str] = field(default_factory=lambda: tuple(URLS))
    vantage: str = "here"
    interval: float = 60.0
    control_interval: float = 30.0
    objective: float | None = None
    apart: bool = False
    steps: bool = True
    only: Collection[str] | None = None
    notify_seconds: float | None = None
    intervals: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    push: Mapping[str, float] = field(default_factory=dict)
    notices: float | None = None
    expiry: str = ""
    connections: int | None = None


@dataclass(frozen=True, slots=True)
class Written:
    """The configuration's text, and the secret files that it names by paths relative to itself."""

    text: str
    files: Mapping[str, str] = field(repr=False)


def configuration(
    premises: Premises, *, resolver: str, ca_file: str, refresh_token: RefreshToken, wishes: Wishes | None = None
) -> Written:
    """Return a configuration that probes every mailbox of the tenant. `resolver` is its name server, `host:port`."""
    return _Writer(premises, refresh_token, wishes or Wishes()).write(resolver, ca_file)


class _Writer:
    """Collects credentials and secret files while it goes through the mailboxes."""

    def __init__(self, premises: Premises, refresh_token: RefreshToken, wishes: Wishes) -> None:
        self._premises = premises
        self._tenant = premises.tenant
        self._refresh_token = refresh_token
        self._wishes = wishes
        self._credentials: dict[str, dict[str, Any]] = {}
        self._files: dict[str, str] = {}

    def write(self, resolver: str, ca_file: str) -> Written:
        targets = [self._target(name, mailbox) for name, mailbox in named(self._tenant.mailboxes.values())]
        document = {
            "global": {
                "vantage": self._wishes.vantage,
                "interval": _duration(self._wishes.interval),
                "tls": {"ca_file": ca_file},
                "network": {"resolver": [resolver]},
            },
            "credentials": self._credentials,
            "targets": targets,
        } | self._control()
        document |= self._notices()
        if self._wishes.connections is not None:
            document["budgets"] = {"open_connections": self._wishes.connections}
        text = yaml.safe_dump(document, sort_keys=False, width=110, allow_unicode=True)
        return Written(HEADER.format(domain=self._tenant.domain) + text, MappingProxyType(self._files))

    def _control(self) -> dict[str, Any]:
        site = next((host for host in self._premises.hosts if host.name.startswith("www.")), None)
        if site is None:
            return {}
        interval = _duration(self._wishes.control_interval)
        return {"control": {"urls": [f"https://{site.authority}/"], "interval": interval}}

    def _notices(self) -> dict[str, Any]:
        """Return who reads the operator's notices: any application with a secret, whose right it is by default."""
        graph = next((host for host in self._premises.hosts if host.scheme == "https" and host.site), None)
        reader = next((one for one in self._tenant.applications.values() if one.secret), None)
        if self._wishes.notices is None or graph is None or reader is None:
            return {}
        url, interval = GRAPH.format(host=graph.authority), _duration(self._wishes.notices)
        return {"service_health": {"credential": self._secret(READER, reader), "url": url, "interval": interval}}

    def _target(self, name: str, mailbox: Mailbox) -> dict[str, Any]:
        site = self._tenant.site_of(mailbox)
        clients = [client for client in URLS if client in self._wishes.clients and self._reaches(client, site)]
        return {
            "name": name,
            "environment": site.environment,
            "mailbox": mailbox.address,
            "region": site.region,
            "clients": [self._entry(client, name, mailbox, site) for client in clients],
        }

    def _reaches(self, client: str, site: Site) -> bool:
        """Whether there is anything at `site` for `client` to go to first."""
        if site.environment == SERVER and client in IN_THE_CLOUD:
            return False
        return bool(urlsplit(next(iter(self._urls(client, site).values()))).netloc)

    def _urls(self, client: str, site: Site) -> dict[str, str]:
        """Return the URLs of `client` at `site`: at hosts of its own where it has some, else at shared ones."""
        places = {
            "host": self._host(client, site, "https"),
            "imap": self._host(client, site, "imaps"),
            "mail": self._host("", site, "https"),
            "domain": self._tenant.domain,
        }
        places |= {name: self._portal(name, site) for name in ("office", "m365", "copilot")}
        places["signin"] = self._portal("signin", None)
        return {endpoint: url.format(**places) for endpoint, url in URLS[client].items()}

    def _host(self, client: str, site: Site, scheme: str) -> str:
        here = [one for one in self._premises.hosts if one.site == site.name and one.scheme == scheme]
        own = next((one for one in here if one.client == client), None)
        shared = next((one for one in here if not one.client), None)
        found = own or shared
        return found.authority if found else ""

    def _portal(self, name: str, site: Site | None) -> str:
        """Return where a portal is: at its edge of `site`, else everywhere at once, as signing in is."""
        edges = (f"{name}.{site.name}.{self._tenant.domain}",) if site else ()
        wanted = (*edges, f"{name}.{self._tenant.domain}")
        named = {host.name: host for host in self._premises.hosts if host.scheme == "https"}
        return next((named[one].authority for one in wanted if one in named), "")

    def _entry(self, client: str, name: str, mailbox: Mailbox, site: Site) -> dict[str, Any]:
        entry: dict[str, Any] = {"client": client, "credential": self._credential(client, name, mailbox, site)}
        entry["endpoints"] = self._urls(client, site)
        options = self._options(client)
        if options:
            entry["options"] = options
        if client in AS_DEEP_AS_IT_GOES:
            entry["depth"] = "mailbox"
        steps = self._optional(client)
        if steps:
            entry["steps"] = steps
        if client in self._wishes.intervals:
            entry["interval"] = _duration(self._wishes.intervals[client])
        if client in self._wishes.push:
            marker = self._wishes.push[client]
            entry["push"] = {"marker": _duration(marker)} if marker else True
        if self._wishes.objective is not None:
            entry["objective"] = _duration(self._wishes.objective)
        return entry

    def _optional(self, client: str) -> list[str]:
        """Return the optional steps of a client that are on."""
        only = self._wishes.only
        steps = OPTIONAL.get(client, ()) if self._wishes.steps else ()
        return [step for step in steps if only is None or step in only]

    def _options(self, client: str) -> dict[str, Any]:
        """Return what a client has to be told of this tenant, and of what is wished for."""
        lifetime = self._premises.doorkeeper.lifetime
        if client == "m365_signin" and lifetime < USUAL_LIFE:
            return {"least_token_life": lifetime / 2}
        if client in TOLD_BESIDE and self._wishes.notify_seconds is not None:
            return {"notify_seconds": self._wishes.notify_seconds}
        return {}

    def _credential(self, client: str, name: str, mailbox: Mailbox, site: Site) -> str:
        """Return the name of the credential, which is written down with its secret when it is first met."""
        if site.environment == SERVER:
            return self._password(f"user-{name}", mailbox)
        application = next(one for one in self._tenant.applications.values() if one.client in (client, ""))
        if application.secret:
            return self._secret(f"{client}-{name}" if self._wishes.apart else client, application)
        return self._token(f"{client}-{name}", application, mailbox)

    def _password(self, name: str, mailbox: Mailbox) -> str:
        user = self._tenant.users[mailbox.address.lower()]
        file = self._file(f"{name}.password", user.password)
        self._credentials[name] = {"type": "basic", "username": user.name, "password_file": file}
        return name

    def _secret(self, name: str, application: Application) -> str:
        file = self._file(f"{name}.secret", application.secret)
        self._credentials[name] = {
            "type": "client_credentials",
            **self._directory(application),
            "client_secret_file": file,
            **({"expires_at": self._wishes.expiry} if self._wishes.expiry else {}),
        }
        return name

    def _token(self, name: str, application: Application, mailbox: Mailbox) -> str:
        file = self._file(f"{name}.token", self._refresh_token(application, mailbox.address))
        self._credentials[name] = {"type": "refresh_token", **self._directory(application), "token_file": file}
        return name

    def _directory(self, application: Application) -> dict[str, Any]:
        return {
            "authority": f"https://{self._premises.login}",
            "tenant": self._tenant.domain,
            "client_id": application.client_id,
        }

    def _file(self, name: str, content: str) -> str:
        path = f"{FOLDER}/{name}"
        self._files[path] = content
        return path


def named(mailboxes: Collection[Mailbox]) -> list[tuple[str, Mailbox]]:
    """Return mailboxes with the names of their targets: the site, and the number of the mailbox there."""
    counts: dict[str, int] = {}
    found = []
    for mailbox in mailboxes:
        counts[mailbox.site] = counts.get(mailbox.site, 0) + 1
        found.append((f"{mailbox.site}-{counts[mailbox.site]}", mailbox))
    return found


def _duration(seconds: float) -> str:
    return f"{seconds:g}s"
