"""Addresses to listen on: parsed and bound before anything else starts, so that a mistake costs one clear line."""

import errno
import socket
from collections.abc import Sequence
from contextlib import ExitStack

DEFAULT_LISTEN = ":10143"
BACKLOG = 128


class ListenError(Exception):
    """An address cannot be listened on. The text is one sentence that names it."""


def parse(address: str) -> tuple[str, int]:
    """Return host and port of `host:port`, `[IPv6]:port` or `:port` (every address of this machine, host "").

    Raises `ListenError`.
    """
    host, colon, port = address.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    elif ":" in host:
        raise ListenError(f"listen address {address!r}: an IPv6 address goes in brackets, as in [::1]:10143")
    if not colon or not port.isascii() or not port.isdecimal() or int(port) > 65535:
        raise ListenError(f"listen address {address!r}: expected host:port or :port, as in {DEFAULT_LISTEN}")
    return host, int(port)


def bind(addresses: Sequence[str]) -> list[socket.socket]:
    """Return a listening socket per address, or none at all. Raises `ListenError`."""
    with ExitStack() as undo:
        sockets = [undo.enter_context(_bound(address)) for address in addresses]
        undo.pop_all()
    return sockets


def name(bound: socket.socket) -> str:
    """Return the address of a bound socket as it is written in a URL: `127.0.0.1:10143`, `[::]:10143`."""
    host, port = bound.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bound(address: str) -> socket.socket:
    host, port = parse(address)
    try:
        family, place = _resolve(host, port)
        return socket.create_server(
            place, family=family, backlog=BACKLOG, dualstack_ipv6=not host and family is socket.AF_INET6
        )
    except OSError as exc:
        raise ListenError(f"cannot listen on {address}: {_why(exc)}") from None


def _resolve(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    """Return family and place for `host`; without a host both IP versions where the machine has them."""
    if not host:
        dual = socket.has_dualstack_ipv6()
        return (socket.AF_INET6, ("::", port)) if dual else (socket.AF_INET, ("", port))
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, place = found[0]
    return family, (str(place[0]), port)


def _why(exc: OSError) -> str:
    known = {
        errno.EADDRINUSE: "another process listens there",
        errno.EACCES: "not permitted; ports below 1024 belong to root",
        errno.EADDRNOTAVAIL: "this machine has no such address",
    }
    if isinstance(exc, socket.gaierror):
        return "no such host"
    return known.get(exc.errno or 0, exc.strerror or type(exc).__name__)
