"""Which names the tenant has, and on which loopback addresses: each client has one of its own at every site.

So a fault below HTTP can hit one client and spare the next, as happens in life where services have names of their own.
"""

import socket
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from types import MappingProxyType

from prober.simulator.tenant import Site
from prober.simulator.wire import Host

SHARED = ("login", "autodiscover", "www")
EDGES = ("office", "m365", "copilot")
PORTALS = (*EDGES, "signin")
SIGN_IN = "m365_signin"
CONTROL = "control"
IMAP = "imap4"
IMAPS = "imaps"
TOLD_BY_IMAP = frozenset({"outlook_mobile", "outlook_mac"})
"""Clients whose own way of being told of news is nobody's business: a public one stands in for it."""
NOBODY = "127.255.0.1"
"""Nothing ever listens here: who is sent here is refused."""
TRAPS: Mapping[str, str] = MappingProxyType(
    {
        "connect_blackhole": "127.255.0.2",
        "tls_stall": "127.255.0.3",
        "tls_close": "127.255.0.4",
        "tls_reset": "127.255.0.5",
        "tls_plain": "127.255.0.6",
    }
)
"""Where those are sent who are to meet with a fault of these kinds, instead of the server."""
ATTEMPTS = 50


class NoPortError(Exception):
    """No port is free on all of the tenant's addresses."""


def plan(domain: str, sites: Sequence[Site], clients: Iterable[str]) -> tuple[Host, ...]:
    """Return the tenant's hosts, ports still 0.

    `activesync.ams1.contoso.example` is the phones' at site ams1, `mail.ams1.…` everybody's, `login.…` the token
    service's. `imap4` and `mail` speak IMAP, and so do the hosts of clients that are told of news by it. Portals have
    an edge at every site besides their own names.
    """
    every = tuple(clients)
    own = tuple(client for client in every if client not in (CONTROL, SIGN_IN))
    hosts = [
        Host(
            f"{client.replace('_', '-')}.{site.name}.{domain}",
            f"127.{16 + number}.{1 + position}.1",
            0,
            IMAPS if client == IMAP else "https",
            client,
            site.name,
            site.region,
        )
        for number, site in enumerate(sites)
        for position, client in enumerate(own)
    ]
    hosts += [replace(host, scheme=IMAPS) for host in hosts if host.client in TOLD_BY_IMAP]
    if SIGN_IN in every:
        hosts += [_edge(name, place, site, domain) for site in enumerate(sites) for place, name in enumerate(EDGES)]
    for number, site in enumerate(sites):
        shared = Host(f"mail.{site.name}.{domain}", f"127.{16 + number}.100.1", 0, site=site.name, region=site.region)
        hosts += [shared, replace(shared, scheme=IMAPS)]
    for number, name in enumerate((*SHARED, *PORTALS), start=1):
        client = SIGN_IN if name in PORTALS else CONTROL if name == "www" else ""
        hosts.append(Host(f"{name}.{domain}", f"127.8.0.{number}", 0, client=client))
    return tuple(hosts)


def _edge(name: str, place: int, numbered: tuple[int, Site], domain: str) -> Host:
    number, site = numbered
    where = f"127.{16 + number}.{50 + place}.1"
    return Host(f"{name}.{site.name}.{domain}", where, 0, client=SIGN_IN, site=site.name, region=site.region)


def bind(hosts: Iterable[Host]) -> tuple[tuple[Host, ...], list[socket.socket]]:
    """Return the hosts with their ports, and a bound socket for each address and port.

    One port serves HTTPS everywhere and another IMAPS. Where only 127.0.0.1 can be had, every host has a port of its
    own there. Raises `NoPortError`.
    """
    wanted = tuple(hosts)
    if not _whole_network():
        return _apart(wanted)
    by_scheme = {scheme: [host for host in wanted if host.scheme == scheme] for scheme in ("https", IMAPS)}
    with ExitStack() as undo:
        ports = {scheme: _common_port(some, undo) for scheme, some in by_scheme.items() if some}
        sockets = [one for _, some in ports.values() for one in some]
        undo.pop_all()
    return tuple(replace(host, port=ports[host.scheme][0]) for host in wanted), sockets


def _common_port(hosts: Sequence[Host], undo: ExitStack) -> tuple[int, list[socket.socket]]:
    addresses = sorted({host.address for host in hosts} | {NOBODY})
    for _ in range(ATTEMPTS):
        with ExitStack() as tried:
            try:
                first = tried.enter_context(bound(addresses[0], 0))
                port = first.getsockname()[1]
                rest = [tried.enter_context(bound(address, port)) for address in addresses[1:]]
                for one in (first, *rest):
                    one.listen()  # at once: bound alone, a place could be another tenant's as well
            except OSError:
                continue
            undo.push(tried.pop_all())
            found = {one.getsockname()[0]: one for one in (first, *rest)}
            found.pop(NOBODY).close()
            return port, list(found.values())
    raise NoPortError("no port is free on all addresses of the tenant")


def _apart(hosts: Sequence[Host]) -> tuple[tuple[Host, ...], list[socket.socket]]:
    sockets = [bound("127.0.0.1", 0) for _ in hosts]
    ports = [one.getsockname()[1] for one in sockets]
    return tuple(
        replace(host, address="127.0.0.1", port=port) for host, port in zip(hosts, ports, strict=True)
    ), sockets


def _whole_network() -> bool:
    """Whether every address of 127.0.0.0/8 is this machine's, as on Linux."""
    try:
        bound(NOBODY, 0).close()
    except OSError:
        return False
    return True


def bound(address: str, port: int) -> socket.socket:
    """Return a socket bound to a place. Raises `OSError`."""
    # With its protocol named: only then does asyncio switch Nagle's algorithm off, which costs 40 ms per reply.
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((address, port))
    except OSError:
        made.close()
        raise
    return made


def pair() -> tuple[socket.socket, socket.socket]:
    """Return a UDP and a listening TCP socket on one port of 127.0.0.1. Raises `NoPortError`."""
    for _ in range(ATTEMPTS):
        streams = bound("127.0.0.1", 0)
        datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            datagrams.bind(streams.getsockname())
        except OSError:
            streams.close()
            datagrams.close()
            continue
        streams.listen()
        return datagrams, streams
    raise NoPortError("no port is free for both UDP and TCP")
