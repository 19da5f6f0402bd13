"""A TCP connection on a socket of our own, which costs less than an event loop's transport and is the same on each.

Reading starts in the moment in which the connection stands, what is written goes to the kernel at once, and closing is
over when `close` returns. What comes has the moment at which it was read, or which the kernel noted where it is asked.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Generator
from contextlib import suppress
from typing import Any, cast

from prober.net.arrivals import ROOM, Arrivals
from prober.net.stream import Stream
from prober.net.watch import FAILED, HUNG_UP, READABLE, WRITABLE, Watch, Watcher

READ = 32_768  # bytes at once: two records of TLS (RFC 8446 section 5.1)
UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EINTR})
NONBLOCK = int(getattr(socket, "SOCK_NONBLOCK", 0))  # of Linux: a socket that never was another
KIND = socket.SOCK_STREAM + NONBLOCK
MORE = int(getattr(socket, "MSG_MORE", 0))  # of Linux: a segment of its own is not yet wanted
IPV4, IPV6 = int(socket.AF_INET), int(socket.AF_INET6)
Place = tuple[str, int] | tuple[str, int, int, int]
"""Numeric address and port, and for IPv6 perhaps flow information and scope."""


def open_link(
    watch: Watch,
    stream: Stream,
    address: str,
    port: int,
    limit: float,
    source: str | None = None,
    arrivals: Arrivals | None = None,
) -> "SocketLink":
    """Begin to connect `stream` to a numeric address, from the address `source` if one is given; await the result.

    With `arrivals`, which are of this connection alone, the kernel says when bytes came.

    Awaiting it raises `OSError` with the kernel's number, `TimeoutError` without one after `limit` seconds; `stream` is
    told of nothing in that case, and the socket is closed. So does calling this, for what fails at once.
    """
    watcher = watch.on(asyncio.get_running_loop())
    connection, place = _socket_to(address, port)
    try:
        if source is not None:
            connection.bind((source, 0))
        if arrivals is not None:
            arrivals.expect(connection)
        number = connection.connect_ex(place)
        if number in UNDER_WAY:
            return SocketLink(watcher, connection, stream, address, limit, arrivals)
    except BaseException:
        connection.close()
        raise
    connection.close()
    raise OSError(number, os.strerror(number))


def _socket_to(address: str, port: int) -> tuple[socket.socket, Place]:
    """Return a socket of the family of `address`, and the place to connect it to."""
    place: Place = (address, port)
    if "%" in address:  # a scope, which the kernel knows by number (RFC 4007 section 11.2)
        found = socket.getaddrinfo(address, port, socket.AF_INET6, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        place = cast("Place", found[0][4])
    connection = socket.socket(IPV6 if ":" in address else IPV4, KIND)
    if not NONBLOCK:
        connection.settimeout(0)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection, place


class SocketLink:
    """One non-blocking socket that belongs to it and is being connected to `address`; awaiting it waits for that.

    `stream` is told what happens: of the connection in the very moment in which it stands. Implements `stream.Link` and
    `watch.Watched`.
    """

    __slots__ = (
        "_address",
        "_arrivals",
        "_ended",
        "_lost",
        "_made",
        "_number",
        "_socket",
        "_stands",
        "_stream",
        "_unsent",
        "_wanted",
        "_watcher",
    )

    def __init__(
        self,
        watcher: Watcher,
        connection: socket.socket,
        stream: Stream,
        address: str,
        limit: float,
        arrivals: Arrivals | None = None,
    ) -> None:
        self._watcher = watcher
        self._socket = connection
        self._number = connection.fileno()
        self._stream = stream
        self._address = address
        self._arrivals = arrivals
        self._unsent = bytearray()
        self._wanted = WRITABLE  # what is watched for, 0 while nothing is
        self._made = False
        self._ended = False  # the peer's FIN has come
        self._lost = False
        self._stands: asyncio.Future[None] = watcher.loop.create_future()
        watcher.add(self._number, WRITABLE, self)
        stream.alarm.set(watcher.loop.time() + limit, self._late)

    def __await__(self) -> Generator[Any, None, None]:
        try:
            yield from self._stands
        except BaseException:
            self.close()
            raise

    def _late(self) -> None:
        if not self._stands.done():
            self._stands.set_exception(TimeoutError())

    # What a stream asks of it.

    @property
    def peer(self) -> str:
        """The numeric address of the peer, as the kernel writes it; empty where it is gone."""
        if ":" not in self._address:
            return self._address  # there is one way to write that of IPv4
        try:
            return str(self._socket.getpeername()[0])
        except OSError:
            return ""

    def write(self, data: bytes) -> None:
        """Send at once what the kernel takes; the stream is told to wait for the rest."""
        if self._lost or not data:
            return
        if self._unsent:
            self._unsent += data
            return
        try:
            taken = self._socket.send(data)
        except (BlockingIOError, InterruptedError):
            taken = 0
        except OSError as exc:
            self._lose(exc)
            return
        if taken == len(data):
            return
        self._unsent += memoryview(data)[taken:]
        self._want(self._wanted | WRITABLE)
        self._stream.pause_writing()

    def pause_reading(self) -> None:
        """Leave what comes to the kernel, which will make the peer wait."""
        self._want(self._wanted & ~READABLE)

    def resume_reading(self) -> None:
        """Read on, unless nothing can come any more."""
        if not (self._ended or self._lost):
            self._want(self._wanted | READABLE)

    def close(self, last: bytes = b"") -> None:
        """Close now, whatever is unsent; `last` goes out together with our FIN if the kernel takes it."""
        if last and not (self._lost or self._unsent):
            with suppress(OSError):  # the peer is gone, or takes nothing: it will see the end without
                self._socket.send(last, MORE)  # one packet less, and the server is woken once
        self._lose(None)

    # What the watcher tells.

    def happened(self, events: int) -> None:
        """Go on with whatever may go on: what failed is told by doing it."""
        if not self._made:
            self._connected(events)
            return
        if events != WRITABLE and self._wanted & READABLE:
            self._readable()
        if events != READABLE and self._unsent:
            self._writable()

    def _connected(self, events: int) -> None:
        if self._stands.done():  # given up in this very moment
            return
        if events & (FAILED | HUNG_UP):
            number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if number:
                self._stands.set_exception(OSError(number, os.strerror(number)))
                return
        self._made = True
        self._stream.connection_made(self)
        self._want(READABLE)
        self._stands.set_result(None)

    def _readable(self) -> None:
        try:
            if self._arrivals is None:
                data = self._socket.recv(READ)
            else:
                data, noted, _, _ = self._socket.recvmsg(READ, ROOM)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._lose(exc)
            return
        if not data:
            self._ended = True
            self.pause_reading()
            self._stream.eof_received()
        elif self._arrivals is None:
            self._stream.data_received(data)
        else:
            self._stream.data_received(data, self._arrivals.moment(noted))

    def _writable(self) -> None:
        try:
            taken = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._lose(exc)
            return
        del self._unsent[:taken]
        if not self._unsent:
            self._want(self._wanted & ~WRITABLE)
            self._stream.resume_writing()

    def _want(self, events: int) -> None:
        """Have the socket watched for `events` alone."""
        before, self._wanted = self._wanted, events
        if before == events:
            return
        if not events:
            self._watcher.remove(self._number)
        elif before:
            self._watcher.change(self._number, events)
        else:
            self._watcher.add(self._number, events, self)

    def _lose(self, exc: OSError | None) -> None:
        """Close the socket and tell the stream, once."""
        if self._lost:
            return
        self._lost = True
        if self._wanted:
            self._wanted = 0
            self._watcher.remove(self._number)
        self._unsent.clear()
        self._socket.close()
        if self._made:
            self._stream.connection_lost(exc)
        else:
            self._stream.alarm.stop()
