"""From a host name to addresses, asynchronously and afresh each time, with the kind of every failure.

c-ares does the asking: it reads the hosts file and resolv.conf as the system's own resolver would. Each lookup has a
channel of its own, because a channel caches answers for up to an hour and remembers which server failed; cold means
cold. Only what the hosts file says may be kept, for as long as that file does not change. Numeric hosts never come
here, so they have no dns phase; every name does, `localhost` too.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

import pycares

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.net.route import Family

HOSTS = Path("/etc/hosts")
"""Where c-ares looks for it."""
LARGEST_HOSTS = 1 << 20  # bytes of a hosts file whose words are kept; that of a blocker of advertisements may be larger
MOST_KEPT = 256  # names; those of an installation are few, and redirects may lead anywhere
FAMILIES = {"auto": socket.AF_UNSPEC, "ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
NAMES = {number: name for name, number in vars(pycares.errno).items() if name.startswith("ARES_E")}
KINDS = {
    pycares.errno.ARES_ENOTFOUND: kinds.DNS_NO_SUCH_NAME,
    pycares.errno.ARES_EBADNAME: kinds.DNS_NO_SUCH_NAME,
    pycares.errno.ARES_ENODATA: kinds.DNS_NO_ADDRESS,
    pycares.errno.ARES_ETIMEOUT: kinds.DNS_TIMEOUT,
    pycares.errno.ARES_ENOMEM: kinds.NO_DESCRIPTORS,
    pycares.errno.ARES_EFILE: kinds.NO_DESCRIPTORS,
}


def is_numeric(host: str) -> bool:
    """Return whether `host` is an IPv4 or IPv6 address already (without brackets)."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def check_servers(servers: Sequence[str]) -> None:
    """Raise `ValueError` where `servers` are not addresses of name servers."""
    try:
        pycares.Channel(servers=list(servers) or None, sock_state_cb=lambda *_: None).close()
    except pycares.AresError:
        raise ValueError(f"{', '.join(servers)}: not the address of a name server") from None


def _state_of_hosts() -> tuple[int, ...] | None:
    """Return what changes with the hosts file, `None` where there is none."""
    try:
        found = HOSTS.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev


def _words_of_hosts() -> frozenset[str] | None:
    """Return all that stands in the hosts file, names among it; `None` where it is not to be read, or too large."""
    try:
        with HOSTS.open("rb") as file:
            text = file.read(LARGEST_HOSTS + 1)
    except OSError:
        return None
    if len(text) > LARGEST_HOSTS:
        return None
    return frozenset(text.decode("latin-1").lower().replace("#", " ").split())


class HostsFile:
    """The system's hosts file, read again only when it has changed. Nobody is asked.

    `state` tells what changes with it, `None` where there is none; `words` what stands in it, names among it, in small
    letters, `None` where that cannot be told.
    """

    def __init__(
        self,
        state: Callable[[], tuple[int, ...] | None] = _state_of_hosts,
        words: Callable[[], frozenset[str] | None] = _words_of_hosts,
    ) -> None:
        self._state = state
        self._read = words
        self._words: frozenset[str] | None = None
        self._seen: tuple[int, ...] | None = None
        self._known: dict[tuple[str, Family], tuple[str, ...]] = {}
        self._channel: pycares.Channel | None = None

    def find(self, host: str, family: Family = "auto") -> tuple[str, ...]:
        """Return the addresses of `host` in the order of RFC 6724; none where the file has none, or is not to be read.

        A single address is kept, and that the file does not name `host`. Several addresses are not, since their order
        depends on this machine's own, which come and go; nor is that c-ares found none, since it says the same of a
        file that it could not open.
        """
        state = self._state()
        if state != self._seen:
            self._begin(state)
        found = self._known.get((host, family))
        if found is None:
            unnamed = self._unnamed(host)
            found = () if unnamed else self._ask(host, family)
            if (unnamed or len(found) == 1) and len(self._known) < MOST_KEPT:
                self._known[host, family] = found
        return found

    def _unnamed(self, host: str) -> bool:
        """Whether the file surely does not name `host`. Names below `localhost` are known without a file."""
        name = host.lower().rstrip(".")
        if self._words is None or f".{name}".endswith(".localhost"):
            return False
        return self._words.isdisjoint((name, f"{name}."))

    def _begin(self, state: tuple[int, ...] | None) -> None:
        """Forget, and have the file read again: a channel of before tells changes by whole seconds only."""
        self._known.clear()
        self._seen = self._channel = self._words = None
        if state is None:
            return
        with suppress(pycares.AresError):  # without memory or descriptors; whoever asks a server then will say so
            self._channel = pycares.Channel(lookups="f", sock_state_cb=lambda *_: None)
            self._words = self._read()
            self._seen = state

    def _ask(self, host: str, family: Family) -> tuple[str, ...]:
        """Return what c-ares reads in the file; without a server to ask, it answers before it returns."""
        answers: list[tuple[Any, int | None]] = []
        if self._channel is None:
            return ()
        self._channel.getaddrinfo(
            host,
            None,
            family=FAMILIES[family],
            type=socket.SOCK_STREAM,
            callback=lambda found, code: answers.append((found, code)),
        )
        return tuple(chain.from_iterable(_addresses(found) for found, code in answers if code is None))


async def resolve(host: str, family: Family = "auto", servers: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the addresses of `host` in the order of RFC 6724.

    `servers` are name servers (`192.0.2.53`, `127.0.0.1:5353`, `[::1]:53`); none means the system's. The hosts file
    is asked first in either case. The time limit is the caller's. Raises `FaultError` (`dns_…`, `no_descriptors`).
    """
    lookup = _Lookup(servers)
    try:
        return await lookup.run(host, family)
    finally:
        lookup.close()


class _Lookup:
    """One question and the sockets that c-ares opened for it, watched on the running loop."""

    def __init__(self, servers: Sequence[str]) -> None:
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[tuple[Any, int | None]] = self._loop.create_future()
        self._timer: asyncio.TimerHandle | None = None
        try:
            self._channel = pycares.Channel(sock_state_cb=self._watch, servers=list(servers) or None)
        except pycares.AresError:  # the addresses were checked at load, so memory or descriptors ran out
            raise FaultError(kinds.NO_DESCRIPTORS, {"resolver": "unusable"}) from None

    async def run(self, host: str, family: Family) -> tuple[str, ...]:
        """Ask, and wait for the answer."""
        self._channel.getaddrinfo(host, None, family=FAMILIES[family], type=socket.SOCK_STREAM, callback=self._answered)
        self._keep_time()
        found, code = await self._answer
        if code is not None:
            raise _failure(code)
        return _addresses(found)

    def close(self) -> None:
        """Forget the question.

        Cancelling closes and unwatches the sockets here; c-ares frees the rest on a thread of its own, where the loop
        must not be touched.
        """
        if self._timer is not None:
            self._timer.cancel()
        self._channel.cancel()
        self._channel.close()

    def _answered(self, found: Any, code: int | None) -> None:
        if not self._answer.done():
            self._answer.set_result((found, code))

    def _watch(self, descriptor: int, readable: bool, writable: bool) -> None:  # noqa: FBT001 - c-ares' signature
        self._loop.remove_reader(descriptor)
        self._loop.remove_writer(descriptor)
        if readable:
            self._loop.add_reader(descriptor, self._move, descriptor, pycares.ARES_SOCKET_BAD)
        if writable:
            self._loop.add_writer(descriptor, self._move, pycares.ARES_SOCKET_BAD, descriptor)

    def _move(self, readable: int, writable: int) -> None:
        self._channel.process_fd(readable, writable)
        self._keep_time()

    def _keep_time(self) -> None:
        """Call c-ares again when its next server or try is due."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._answer.done():
            due: float = self._channel.timeout()  # type: ignore[no-untyped-call]  # pycares left it without annotations
            bad = pycares.ARES_SOCKET_BAD
            self._timer = self._loop.call_later(max(due, 0.001), self._move, bad, bad)


def _addresses(found: Any) -> tuple[str, ...]:
    return tuple(dict.fromkeys(node.addr[0].decode() for node in found.nodes))


def _failure(code: int) -> FaultError:
    evidence = {"resolver": NAMES.get(code, str(code))}
    if _out_of_descriptors():  # c-ares then says that no server answered
        return FaultError(kinds.NO_DESCRIPTORS, evidence)
    return FaultError(KINDS.get(code, kinds.DNS_SERVER_FAILURE), evidence)


def _out_of_descriptors() -> bool:
    try:
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM).close()
    except OSError:
        return True
    return False
