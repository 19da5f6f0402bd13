"""The tenant's HTTP/1.1 server: h11 reads and words the messages, this file alone decides which bytes leave and when.

Rule of this file: one connection never disturbs another. What a client breaks off is broken off here as well.
"""

import asyncio
import logging
import os
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import h11

from prober.simulator.http.message import Broken, CutOff, Reply, Request, split_target
from prober.simulator.wire import Attempt, Connection, Host

LOG = logging.getLogger(__name__)
MAX_BODY = 32 * 1024 * 1024
MAX_HEADER = 128 * 1024
RESET = struct.pack("ii", 1, 0)
"""SO_LINGER on, zero seconds: closing sends RST instead of FIN."""

Answer = Callable[[Request], Awaitable[Reply | Broken]]


@dataclass(frozen=True, slots=True)
class Entrance:
    """What a connection reports to, and whom its requests go to. `clock` in seconds."""

    answer: Answer
    accepted: Callable[[Host], Attempt]
    closed: Callable[[Connection], None]
    clock: Callable[[], float]
    open: set["HttpProtocol"] = field(default_factory=set)


class HttpProtocol(asyncio.Protocol):
    """One connection. Requests are answered one after the other; pipelined ones wait for their turn."""

    __slots__ = (
        "_body",
        "_connection",
        "_entrance",
        "_h11",
        "_head",
        "_host",
        "_number",
        "_size",
        "_task",
        "_transport",
    )

    def __init__(self, host: Host, entrance: Entrance, number: int) -> None:
        self._host = host
        self._entrance = entrance
        self._number = number
        self._h11 = h11.Connection(h11.SERVER, max_incomplete_event_size=MAX_HEADER)
        self._head: h11.Request | None = None
        self._body: list[bytes] = []
        self._size = 0
        self._task: asyncio.Task[None] | None = None
        self._transport: asyncio.Transport
        self._connection: Connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take note of who came."""
        self._transport = transport  # type: ignore[assignment]  # a server makes no other
        peer = transport.get_extra_info("peername") or ("", 0)
        attempt = self._entrance.accepted(self._host)
        self._connection = Connection(self._number, self._host, str(peer[0]), self._entrance.clock(), attempt)
        self._entrance.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Drop whatever was being answered."""
        self._entrance.open.discard(self)
        self._entrance.closed(self._connection)
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        """Read on; a client that does not speak HTTP is told so and left."""
        self._h11.receive_data(data)
        if self._task is None:
            self._advance()

    def eof_received(self) -> bool:
        """Leave when the client has; nothing of ours is half-open."""
        return False

    def close(self) -> None:
        """Leave without a word."""
        self._transport.abort()

    def _advance(self) -> None:
        try:
            self._read_events()
        except h11.RemoteProtocolError as exc:
            self._refuse(exc.error_status_hint)

    def _read_events(self) -> None:
        while True:
            event = self._h11.next_event()
            if isinstance(event, h11.Request):
                self._begin(event)
            elif isinstance(event, h11.Data):
                self._collect(event.data)
            elif isinstance(event, h11.EndOfMessage):
                self._task = asyncio.get_running_loop().create_task(self._respond(self._request()))
                return
            else:
                if isinstance(event, h11.ConnectionClosed):
                    self._transport.close()
                return

    def _begin(self, event: h11.Request) -> None:
        self._head, self._body, self._size = event, [], 0
        if self._h11.they_are_waiting_for_100_continue:
            self._send(h11.InformationalResponse(status_code=100, headers=[]))

    def _collect(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > MAX_BODY:
            raise h11.RemoteProtocolError("body too large", error_status_hint=413)
        self._body.append(bytes(data))

    def _request(self) -> Request:
        head = self._head
        if head is None:
            raise h11.RemoteProtocolError("a body without a head")
        target = head.target.decode("ascii", "replace")
        path, query = split_target(target)
        fields = tuple((name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers)
        self._connection.requests += 1
        method = head.method.decode("ascii")
        return Request(method, target, fields, b"".join(self._body), self._connection, "", path, query)

    async def _respond(self, request: Request) -> None:
        reply: Reply | Broken
        try:
            reply = await self._entrance.answer(request)
        except Exception:
            LOG.exception("%s %s could not be answered", request.method, request.path)
            reply = Reply(500)
        if isinstance(reply, Broken):
            await self._break(reply)
            return
        try:
            await self._write(request, reply)
        except CutOff:
            self._transport.close()
            return
        self._task = None
        self._next()

    async def _write(self, request: Request, reply: Reply) -> None:
        if isinstance(reply.body, bytes):
            body = [] if request.method == "HEAD" else [h11.Data(data=reply.body)]
            self._send(_head(reply, streamed=False), *body, h11.EndOfMessage())
            return
        self._send(_head(reply, streamed=True))
        await self._stream(reply.body)
        with suppress(h11.LocalProtocolError):
            self._send(h11.EndOfMessage())

    async def _stream(self, pieces: AsyncIterator[bytes]) -> None:
        async for piece in pieces:
            if piece and self._h11.our_state is h11.SEND_BODY:
                self._send(h11.Data(data=piece))

    async def _break(self, broken: Broken) -> None:
        """Send the part that may leave, then fall silent or reset. The task ends, the connection stays as it is."""
        self._transport.write(await _part(self._h11, broken))
        if broken.then == "reset":
            reset(self._transport)
        elif broken.then == "close":
            self._transport.close()

    def _next(self) -> None:
        if self._transport.is_closing():
            return
        if self._h11.our_state is h11.DONE and self._h11.their_state is h11.DONE:
            self._h11.start_next_cycle()
            self._advance()
        else:
            self._transport.close()

    def _refuse(self, status: int) -> None:
        if self._h11.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            fields = [("Connection", "close"), ("Content-Length", "0")]
            self._send(h11.Response(status_code=status, headers=fields), h11.EndOfMessage())
        self._transport.close()

    def _send(self, *events: Any) -> None:
        """Send messages, or parts of one, in a single write."""
        data = b"".join(self._h11.send(event) or b"" for event in events)
        if data and not self._transport.is_closing():
            self._transport.write(data)


def reset(transport: asyncio.Transport) -> None:
    """Break a connection off so that the peer's system reports a reset, on whatever loop it lives."""
    place: Any = transport.get_extra_info("socket")
    with suppress(OSError, AttributeError), socket.socket(fileno=os.dup(place.fileno())) as plain:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()


def _head(reply: Reply, *, streamed: bool) -> h11.Response:
    fields = list(reply.headers)
    names = {name.lower() for name, _ in fields}
    if streamed:
        fields.append(("Transfer-Encoding", "chunked"))
    elif "content-length" not in names and reply.status not in (204, 304):
        fields.append(("Content-Length", str(len(reply.body))))  # type: ignore[arg-type]  # bytes, as it is not streamed
    return h11.Response(status_code=reply.status, headers=fields)


async def _part(connection: h11.Connection, broken: Broken) -> bytes:
    """Return the bytes that leave before a reply breaks off: none, half a head, half a body, or that many.

    Half a body that is streamed is its first piece.
    """
    reply = broken.reply
    if isinstance(reply.body, bytes):
        head = connection.send(_head(reply, streamed=False)) or b""
        body, half = reply.body, reply.body[: len(reply.body) // 2]
    else:
        head = connection.send(_head(reply, streamed=True)) or b""
        body = half = connection.send(h11.Data(data=await anext(reply.body, b""))) or b""
    if isinstance(broken.after, int):
        return (head + body)[: broken.after]
    return {"request": b"", "nothing": b"", "headers": head[: len(head) // 2], "body": head + half}[broken.after]
