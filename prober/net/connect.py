"""From addresses to one established TCP connection, as clients make it (RFC 8305).

The next address is tried when the last one failed or has kept silent for a quarter of a second; the first to stand
wins. What every attempt broke on is kept, so that the fault says the most telling thing and how many were tried.
"""

import asyncio
import errno
from collections.abc import Sequence
from itertools import chain, zip_longest

from prober.faults import taxonomy as kinds
from prober.faults.classify import SOCKET
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.net.arrivals import Arrivals, KernelNotes
from prober.net.link import open_link
from prober.net.route import Family
from prober.net.stream import Stream
from prober.net.watch import Watch
from prober.timeline import Clock

HEAD_START = 0.25  # RFC 8305 section 5: recommended connection attempt delay, in seconds
TELLING = (  # what is ours first, then what the peer said, then silence, then what was never sent
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOBUFS,
    errno.ENOMEM,
    errno.ECONNREFUSED,
    errno.ECONNRESET,
    errno.ETIMEDOUT,
    errno.EHOSTUNREACH,
    errno.ENETUNREACH,
    errno.EADDRNOTAVAIL,
)
SOURCE_ADDRESS_UNUSABLE = Kind("source_address_unusable", Reason.CLIENT_MISCONFIG)


def interleaved(addresses: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses with families alternating, the first one's family first (RFC 8305 section 4)."""
    first = [one for one in addresses if (":" in one) == (":" in addresses[0])]
    second = [one for one in addresses if (":" in one) != (":" in addresses[0])]
    return tuple(one for one in chain.from_iterable(zip_longest(first, second)) if one is not None)


def usable(addresses: Sequence[str], family: Family, source: str | None) -> tuple[str, ...]:
    """Return the addresses of the wanted family, which a source address decides too."""
    wanted = family
    if source is not None:
        wanted = "ipv6" if ":" in source else "ipv4"
    if wanted == "auto":
        return tuple(addresses)
    return tuple(one for one in addresses if (":" in one) == (wanted == "ipv6"))


async def connect(
    watch: Watch,
    addresses: Sequence[str],
    port: int,
    clock: Clock,
    limit: float,
    source: str | None = None,
    notes: KernelNotes | None = None,
) -> Stream:
    """Return an open stream to the first address that takes the connection; `limit` is seconds for each address.

    With `notes` the kernel says when bytes came.

    Raises `FaultError` (`tcp_…`, `no_descriptors`, `source_address_unusable`).
    """
    if len(addresses) == 1:
        only = await _attempt(watch, addresses[0], port, clock, limit, source, notes)
        if isinstance(only, Stream):
            return only
        raise _fault([only], source)
    results = await _race(watch, interleaved(addresses), port, clock, limit, source, notes)
    streams = [one for one in results if isinstance(one, Stream)]
    for late in streams[1:]:
        late.abort()
    if streams:
        return streams[0]
    raise _fault([one for one in results if isinstance(one, OSError)], source)


async def _attempt(
    watch: Watch, address: str, port: int, clock: Clock, limit: float, source: str | None, notes: KernelNotes | None
) -> Stream | OSError:
    """Try one address. An address that stays silent is a time-out as the kernel would have reported it."""
    stream = Stream(clock, watch.alarms)
    try:
        arrivals = None if notes is None else Arrivals(clock, notes)
        await open_link(watch, stream, address, port, limit, source, arrivals)
    except OSError as exc:
        stream.abort()
        return OSError(_number(exc, address, source), "not connected")
    except BaseException:
        stream.abort()
        raise
    return stream


def _number(exc: OSError, address: str, source: str | None) -> int:
    if exc.errno == errno.EADDRNOTAVAIL and source is None and ":" in address:
        return errno.ENETUNREACH  # a host without IPv6 says this of every IPv6 address
    return exc.errno or errno.ETIMEDOUT  # our own limit, the only error without a number


async def _race(
    watch: Watch,
    addresses: Sequence[str],
    port: int,
    clock: Clock,
    limit: float,
    source: str | None,
    notes: KernelNotes | None,
) -> list[Stream | OSError]:
    """Start the attempts one by one until one stands; return what each came to, in order of their ends."""
    waiting = list(addresses)
    running: set[asyncio.Task[Stream | OSError]] = set()
    ended: list[asyncio.Task[Stream | OSError]] = []
    try:
        while waiting or running:
            if waiting:
                trying = _attempt(watch, waiting.pop(0), port, clock, limit, source, notes)
                running.add(asyncio.create_task(trying))
            head_start = HEAD_START if waiting else None
            done, running = await asyncio.wait(running, timeout=head_start, return_when=asyncio.FIRST_COMPLETED)
            ended += done
            if any(isinstance(task.result(), Stream) for task in done):
                break
    finally:
        for task in running:
            task.cancel()
            task.add_done_callback(_discard)
    return [task.result() for task in ended]


def _discard(task: asyncio.Task[Stream | OSError]) -> None:
    """Drop a connection that stood in the very moment it was given up."""
    if not task.cancelled() and isinstance(stood := task.result(), Stream):
        stood.abort()


def _fault(failures: Sequence[OSError], source: str | None) -> FaultError:
    numbers = [failure.errno or 0 for failure in failures]
    number = min(numbers, key=lambda one: TELLING.index(one) if one in TELLING else len(TELLING))
    evidence = {"errno": errno.errorcode.get(number, str(number)), "addresses": str(len(failures))}
    if number == errno.EADDRNOTAVAIL and source is not None:
        return FaultError(SOURCE_ADDRESS_UNUSABLE, evidence)
    kind = SOCKET.get(number, kinds.TCP_UNREACHABLE)
    return FaultError(kinds.TCP_REFUSED if kind is kinds.PEER_RESET else kind, evidence)
