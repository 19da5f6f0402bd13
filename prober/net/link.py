"""A TCP connection on a socket of our own, which costs less than an event loop's transport and is the same on each.

It is a transport as far as a `Stream` uses one. Reading starts in the moment in which the connection stands, what is
written goes to the kernel at once, and closing is over when `close` returns. What comes has the moment at which it was
read, or which the kernel noted where it is asked to.
"""

import asyncio
import errno
import os
import socket
from collections.abc import Generator
from typing import Any, cast

from prober.net.arrivals import ROOM, Arrivals
from prober.net.stream import Stream

READ = 32_768  # bytes at once: two records of TLS (RFC 8446 section 5.1)
UNDER_WAY = frozenset({0, errno.EINPROGRESS, errno.EINTR})
Place = tuple[str, int] | tuple[str, int, int, int]
"""Numeric address and port, and for IPv6 perhaps flow information and scope."""


def open_link(
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
    connection, place = _socket_to(address, port)
    try:
        if source is not None:
            connection.bind((source, 0))
        if arrivals is not None:
            arrivals.expect(connection)
        number = connection.connect_ex(place)
    except BaseException:
        connection.close()
        raise
    if number not in UNDER_WAY:
        connection.close()
        raise OSError(number, os.strerror(number))
    return SocketLink(connection, stream, limit, arrivals)


def _socket_to(address: str, port: int) -> tuple[socket.socket, Place]:
    """Return a socket of the family of `address`, and the place to connect it to."""
    place: Place = (address, port)
    if "%" in address:  # a scope, which the kernel knows by number (RFC 4007 section 11.2)
        found = socket.getaddrinfo(address, port, socket.AF_INET6, socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        place = cast("Place", found[0][4])
    connection = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_STREAM)
    connection.settimeout(0)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection, place


class SocketLink(asyncio.Transport):
    """One non-blocking socket that belongs to it and is being connected; awaiting it waits for that.

    `stream` is told what happens, as by any transport: of the connection in the very moment in which it stands.
    """

    def __init__(
        self, connection: socket.socket, stream: Stream, limit: float, arrivals: Arrivals | None = None
    ) -> None:
        super().__init__()
        self._loop = loop = asyncio.get_running_loop()
        self._socket = connection
        self._number = connection.fileno()
        self._stream = stream
        self._arrivals = arrivals
        self._unsent = bytearray()
        self._made = False
        self._reading = False
        self._ended = False  # the peer's FIN has come
        self._closing = False
        self._lost = False
        self._stands: asyncio.Future[None] = loop.create_future()
        stream.alarm.set(loop.time() + limit, self._late)
        loop.add_writer(self._number, self._connected)

    def __await__(self) -> Generator[Any, None, None]:
        try:
            yield from self._stands
        except BaseException:
            self.abort()
            raise

    def _late(self) -> None:
        if not self._stands.done():
            self._stands.set_exception(TimeoutError())

    def _connected(self) -> None:
        if self._stands.done():  # given up in this very moment
            return
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if number:
            self._stands.set_exception(OSError(number, os.strerror(number)))
            return
        self._made = True
        self._stream.connection_made(self)
        self.resume_reading()  # before the other is removed: so the selector changes its entry and needs no new one
        self._loop.remove_writer(self._number)
        self._stands.set_result(None)

    # What a stream asks of its transport.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send at once what the kernel takes; the stream is told to wait for the rest."""
        if self._lost or self._closing or not data:
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
        self._loop.add_writer(self._number, self._writable)
        self._stream.pause_writing()

    def get_write_buffer_size(self) -> int:
        """Return how many bytes the kernel has not taken yet."""
        return len(self._unsent)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Accept what is asked: the stream is told of every byte that waits, in any case."""

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """Return the numeric address of the peer (`peername`) or ours (`sockname`), or the `socket`."""
        if self._lost:
            return default
        try:
            if name == "peername":
                return self._socket.getpeername()
            if name == "sockname":
                return self._socket.getsockname()
        except OSError:  # the peer has left meanwhile
            return default
        return self._socket if name == "socket" else default

    def pause_reading(self) -> None:
        """Leave what comes to the kernel, which will make the peer wait."""
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._number)

    def resume_reading(self) -> None:
        """Read on, unless nothing can come any more."""
        if not (self._reading or self._ended or self._closing or self._lost):
            self._reading = True
            self._loop.add_reader(self._number, self._readable)

    def is_reading(self) -> bool:
        """Return whether what comes is read."""
        return self._reading

    def is_closing(self) -> bool:
        """Return whether the connection is closed, or is going to be."""
        return self._closing or self._lost

    def close(self) -> None:
        """Read no more, and close as soon as everything is sent."""
        self._closing = True
        if self._unsent:
            self.pause_reading()
        else:
            self._lose(None)

    def abort(self) -> None:
        """Close now."""
        self._lose(None)

    # What the event loop tells.

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
        if data:
            if self._arrivals is None:
                self._stream.data_received(data)
            else:
                self._stream.arrived(data, self._arrivals.moment(noted))
            return
        self._ended = True
        self.pause_reading()
        self._stream.eof_received()

    def _writable(self) -> None:
        try:
            taken = self._socket.send(self._unsent)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as exc:
            self._lose(exc)
            return
        del self._unsent[:taken]
        if self._unsent:
            return
        self._loop.remove_writer(self._number)
        self._stream.resume_writing()
        if self._closing:
            self._lose(None)

    def _lose(self, exc: OSError | None) -> None:
        """Close the socket and tell the stream, once."""
        if self._lost:
            return
        self._lost = True
        self.pause_reading()
        if self._unsent or not self._made:
            self._loop.remove_writer(self._number)
            self._unsent.clear()
        self._socket.close()
        if self._made:
            self._stream.connection_lost(exc)
        else:
            self._stream.alarm.stop()
