"""To which hosts each credential is bound: those that are listed, else those where its targets are configured to be.

Targets of lists that others write bind nothing: who may write such a list must not be able to lead a credential away.

Rule of this file: a conversation that is not HTTP goes to configured hosts only, so that looking here is enough for it.
"""

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import idna

from prober.identity.spec import CredentialSpec, covers
from prober.model import Assignment
from prober.settings.addresses import is_host, is_ip
from prober.settings.mistakes import Mistakes
from prober.settings.settings import ServiceHealthSettings
from prober.settings.source import Location
from prober.transaction import Client
from prober.vocabulary import Environment

PORTS: Mapping[str, int] = {"http": 80, "https": 443, "imap": 143, "imaps": 993}
WELL_KNOWN: Mapping[Environment, tuple[str, ...]] = {
    Environment.EXCHANGE_ONLINE: (
        *("outlook.office365.com", "*.outlook.office365.com", "outlook.office.com", "*.outlook.com"),
        "graph.microsoft.com",
    ),
    Environment.EXCHANGE_SERVER: (),
}
"""Where a service sends its clients of its own accord (Autodiscover, ActiveSync's 451), beside the endpoints."""


def trouble(pattern: str) -> str:
    """Say what is wrong with a pattern: a host, a domain with `*.` before it, or an address, with a port or without."""
    host, port = _parted(pattern)
    good = is_ip(host) or is_host(host.removeprefix("*."))
    if (
        not good
        or not _sayable(host)
        or (port and not (port.isascii() and port.isdecimal() and 0 < int(port) < 65_536))
    ):
        return "must be a host such as mail.corp.example, *.corp.example or mail.corp.example:8443"
    return ""


def _sayable(host: str) -> bool:
    """Whether a host can be said in ASCII (RFC 5891)."""
    try:
        return host.isascii() or bool(idna.encode(host.removeprefix("*."), uts46=True))
    except UnicodeError:
        return False


def plain(pattern: str) -> str:
    """Return a pattern that has no trouble as hosts are compared: ASCII, lower case."""
    host, port = _parted(pattern)
    star = "*." if host.startswith("*.") else ""
    name = host.removeprefix("*.").lower().rstrip(".")
    name = name if name.isascii() else idna.encode(name, uts46=True).decode()
    return f"{star}{f'[{name}]' if ':' in name else name}{f':{port}' if port else ''}"


def _parted(pattern: str) -> tuple[str, str]:
    """Return host and port of `host`, `host:port`, `[v6]:port` or `v6`."""
    if is_ip(pattern):
        return pattern, ""
    host, colon, port = pattern.rpartition(":")
    return (host.removeprefix("[").removesuffix("]"), port) if colon else (pattern, "")


def bind(
    credentials: Mapping[str, CredentialSpec],
    assignments: Iterable[Assignment],
    catalogue: Mapping[str, Client[Any]],
    notices: ServiceHealthSettings | None,
    mistakes: Mistakes,
    foreign: Collection[str] = (),
) -> dict[str, CredentialSpec]:
    """Return the credentials with their hosts, after taking down where a list leaves out one that is needed.

    `foreign` are the names of targets that stand in lists of others.
    """
    users: dict[str, list[Assignment]] = {}
    for one in assignments:
        if one.target.name in foreign:
            continue
        for name in {one.credential, one.push_credential} - {None}:
            users.setdefault(str(name), []).append(one)
    bound = {}
    for name, spec in credentials.items():
        if spec.hosts is not None:
            _check(spec, spec.hosts, users.get(name, ()), catalogue, mistakes)
            bound[name] = spec
            continue
        bound[name] = dataclasses.replace(spec, hosts=_usual(name, users.get(name, ()), notices))
    return bound


def _usual(name: str, users: Iterable[Assignment], notices: ServiceHealthSettings | None) -> tuple[str, ...]:
    """Return the hosts of a credential without a list: each address is read once, however many targets have it."""
    targets = [one.target for one in users]
    urls = {url for target in targets for url in target.endpoints.values()}
    if notices is not None and notices.credential == name:
        urls.add(notices.url)
    known = {pattern for one in {target.environment for target in targets} for pattern in WELL_KNOWN[one]}
    return tuple(sorted(known.union(filter(None, map(_origin, urls)))))


def _origin(url: str) -> str:
    """Return the pattern of one place alone, or nothing where nobody could go."""
    host, port = _place(url)
    try:
        return plain(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except UnicodeError:
        return ""


def _place(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)


def _check(
    spec: CredentialSpec,
    hosts: tuple[str, ...],
    users: Iterable[Assignment],
    catalogue: Mapping[str, Client[Any]],
    mistakes: Mistakes,
) -> None:
    """Take down the endpoints where the credential is shown for certain and may not be."""
    at: Location = ("credentials", spec.name, "hosts")
    for one in users:
        for name in shown_at(one, catalogue[one.client]):
            url = one.target.endpoints[name]
            if not may_see(hosts, url):
                who = f"client {one.client!r} of target {one.target.name!r}"
                mistakes.add(at, f"leaves out {where(url)}, where {who} signs in ({name})")


def may_see(hosts: Collection[str], url: str) -> bool:
    """Whether who is at `url` is one of `hosts`."""
    said = _origin(url).rpartition(":")[0].strip("[]")
    return covers(hosts, said, _place(url)[1])


def where(url: str) -> str:
    """Return host and port of `url`, for people."""
    host, port = _place(url)
    return f"{host}:{port}"


def shown_at(one: Assignment, client: Client[Any]) -> Iterator[str]:
    """Give the endpoints where a client certainly signs in: the principal one, and each that is no HTTP."""
    for position, name in enumerate(client.endpoints):
        url = one.target.endpoints.get(name, "")
        if url and (position == 0 or url.startswith("imap")):
            yield name
