"""A prober's configuration for this tenant, as somebody would write it who was told addresses, accounts and secrets.

Rule of this file: it knows the configuration as its reference documents it, as text; nothing of it is read here.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import yaml

from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Premises
from prober.simulator.tenant import SERVER, Application, Site

URLS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "imap4": MappingProxyType({"imap4": "imaps://{host}"}),
        "activesync": MappingProxyType(
            {
                "activesync": "https://{host}/Microsoft-Server-ActiveSync",
                "autodiscover": "https://{host}/autodiscover/autodiscover.json",
            }
        ),
    }
)
"""By client that can be configured, its endpoints by name; `host` is name and port."""
OPTIONAL: Mapping[str, tuple[str, ...]] = MappingProxyType({"activesync": ("search", "send_mail")})
"""Optional steps by client, those aside that hold a connection for longer than an attempt should last."""
FOLDER = "secrets"
HEADER = "# A prober's configuration for the simulated tenant {domain}. Addresses and secrets are those of one run.\n"

RefreshToken = Callable[[Application, str], str]
"""Issues a refresh token for an application on behalf of a user (by name)."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the configuration should say beyond what the tenant is. Times in seconds.

    `clients`: which to configure, of those there are. `apart`: every mailbox has credentials of its own, so that no
    token serves two. `steps`: whether optional steps are on. `objective`: the latency objective of every client.
    """

    clients: Collection[str] = field(default_factory=lambda: tuple(URLS))
    vantage: str = "here"
    interval: float = 60.0
    control_interval: float = 30.0
    objective: float | None = None
    apart: bool = False
    steps: bool = True


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
        text = yaml.safe_dump(document, sort_keys=False, width=110, allow_unicode=True)
        return Written(HEADER.format(domain=self._tenant.domain) + text, MappingProxyType(self._files))

    def _control(self) -> dict[str, Any]:
        site = next((host for host in self._premises.hosts if host.name.startswith("www.")), None)
        if site is None:
            return {}
        interval = _duration(self._wishes.control_interval)
        return {"control": {"urls": [f"https://{site.authority}/"], "interval": interval}}

    def _target(self, name: str, mailbox: Mailbox) -> dict[str, Any]:
        site = self._tenant.site_of(mailbox)
        clients = [client for client in URLS if client in self._wishes.clients and self._reaches(client, site)]
        endpoints = {
            endpoint: url.format(host=self._host(client, site))
            for client in clients
            for endpoint, url in URLS[client].items()
        }
        return {
            "name": name,
            "environment": site.environment,
            "endpoints": endpoints,
            "mailbox": mailbox.address,
            "region": site.region,
            "clients": [self._entry(client, name, mailbox, site) for client in clients],
        }

    def _reaches(self, client: str, site: Site) -> bool:
        return any(host.site == site.name and _speaks(client, host.scheme) for host in self._premises.hosts)

    def _host(self, client: str, site: Site) -> str:
        """Return where `client` reaches `site`: its own name where it has one, else one that several share."""
        here = [one for one in self._premises.hosts if one.site == site.name and _speaks(client, one.scheme)]
        own = next((one for one in here if one.client == client), None)
        shared = next((one for one in here if not one.client), here[0])
        return (own or shared).authority

    def _entry(self, client: str, name: str, mailbox: Mailbox, site: Site) -> dict[str, Any]:
        entry: dict[str, Any] = {"client": client, "credential": self._credential(client, name, mailbox, site)}
        if self._wishes.steps and client in OPTIONAL:
            entry["steps"] = list(OPTIONAL[client])
        if self._wishes.objective is not None:
            entry["objective"] = _duration(self._wishes.objective)
        return entry

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


def _speaks(client: str, scheme: str) -> bool:
    return next(iter(URLS[client].values())).startswith(f"{scheme}://")


def _duration(seconds: float) -> str:
    return f"{seconds:g}s"
