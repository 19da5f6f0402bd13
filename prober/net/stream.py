"""One TCP connection, plain or under TLS, with the exact moments at which its bytes moved.

Arrival is read from the clock where the event loop hands the bytes over, so a busy prober does not lengthen what it
measures. Nothing here waits longer than its caller lets it, and closing never waits at all. A timer is set only where
something has to be waited for: most bytes are there, or gone, by the time they are asked for.
"""

import asyncio
import errno
from collections import deque
from typing import NamedTuple, Protocol

from prober.alarm import Alarm, Alarms
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.net.tls import TlsSession
from prober.timeline import Clock

HELD = 262_144  # bytes taken in ahead of the reader before the peer is made to wait


class Chunk(NamedTuple):
    """Bytes and the clock's reading at their arrival. No bytes: the peer ended the stream then."""

    data: bytes
    at: float


class Link(Protocol):
    """What a stream asks of the connection below it, which tells it what happens."""

    @property
    def peer(self) -> str:
        """The numeric address of the peer; empty where it is gone."""

    def write(self, data: bytes) -> None:
        """Send at once what the kernel takes; call `pause_writing` where it does not take all."""

    def pause_reading(self) -> None:
        """Leave what comes to the kernel, which will make the peer wait."""

    def resume_reading(self) -> None:
        """Read on."""

    def close(self, last: bytes = b"") -> None:
        """Close now, whatever is unsent; `last` goes out together with our FIN if the kernel takes it."""


class Stream:
    """Bytes in order, both ways. One reader and one writer at a time.

    A `deadline` is a reading of the event loop's clock (`None`: never); what has not come about by then raises
    `TimeoutError`. `sent_at` is when the last byte handed to `put` or `send` left for the kernel; `opened_at` when the
    connection stood. Its timer is one of `alarms`.
    """

    __slots__ = (
        "_blocked",
        "_clock",
        "_early",
        "_ended_at",
        "_farewell_heard",
        "_fault",
        "_full",
        "_held",
        "_inbox",
        "_link",
        "_reader",
        "_writer",
        "alarm",
        "opened_at",
        "sent_at",
        "tls",
    )

    def __init__(self, clock: Clock, alarms: Alarms | None = None) -> None:
        self.alarm = Alarm(alarms)
        self.opened_at = 0.0
        self.sent_at = 0.0
        self.tls: TlsSession | None = None
        self._clock = clock
        self._link: Link | None = None
        self._inbox: deque[tuple[bytes, float]] = deque()  # as `Chunk`, which costs more to make
        self._early: Chunk | None = None
        self._held = 0
        self._full = False
        self._blocked = False
        self._ended_at: float | None = None
        self._farewell_heard = False
        self._fault: FaultError | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None

    # What the link tells.

    def connection_made(self, link: Link) -> None:
        """Note the moment."""
        self.opened_at = self._clock()
        self._link = link

    def data_received(self, data: bytes, at: float | None = None) -> None:
        """Keep bytes with the moment of their arrival, which is now unless it is known better."""
        self._inbox.append((data, self._clock() if at is None else at))
        self._held += len(data)
        if self._held > HELD and not self._full and self._link is not None:
            self._full = True
            self._link.pause_reading()
        if self._reader is not None and self._speaks():
            self._wake_reader()

    def eof_received(self) -> None:
        """Note the peer's FIN; the connection stays ours to close."""
        self._ended_at = self._clock()
        self._wake_reader()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the end: by us, or by a reset."""
        self._link = None
        self.alarm.stop()
        if self._ended_at is None:
            self._ended_at = self._clock()
        if exc is not None and self._fault is None:
            code = getattr(exc, "errno", None)
            name = errno.errorcode.get(code, "unknown") if code else type(exc).__name__
            self._fault = FaultError(kinds.PEER_RESET, {"errno": name})
        self._wake_reader()
        self._wake_writer()

    def pause_writing(self) -> None:
        """Note that bytes are still ours to send."""
        self._blocked = True

    def resume_writing(self) -> None:
        """Note the moment at which the kernel took the last byte."""
        self._blocked = False
        self.sent_at = self._clock()
        self._wake_writer()

    def _speaks(self) -> bool:
        """Whether what has come is for the reader: the session tickets of TLS, for one, are not."""
        if self.tls is None:
            return True
        try:
            self._early = self._next()
        except FaultError:
            return True
        return self._early is not None

    def _heard(self, deadline: float | None) -> asyncio.Future[None]:
        """Return what is done as soon as something has come, or the end."""
        self._reader = waiter = asyncio.get_running_loop().create_future()
        if deadline is None:
            self.alarm.rest()
        else:
            self.alarm.set(deadline, self._late)
        return waiter

    def _wake_reader(self) -> None:
        waiter, self._reader = self._reader, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    def _late(self) -> None:
        """Tell who waits that its time is over."""
        waiter, self._reader = self._reader, None
        if waiter is not None:
            _ring(waiter)

    async def _taken(self, deadline: float | None) -> None:
        """Wait until the kernel has taken every byte, or the connection is gone."""
        loop = asyncio.get_running_loop()
        self._writer = waiter = loop.create_future()
        timer = None if deadline is None else loop.call_at(deadline, _ring, waiter)
        try:
            await waiter
        finally:
            self._writer = None
            if timer is not None:
                timer.cancel()

    def _wake_writer(self) -> None:
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    # What the rest of the room asks.

    @property
    def address(self) -> str:
        """Numeric address of the peer; empty after the connection is gone."""
        return "" if self._link is None else self._link.peer

    @property
    def gone(self) -> bool:
        """Whether nothing is left to close."""
        return self._link is None

    @property
    def pending(self) -> bool:
        """Whether bytes have come that nobody has read."""
        return bool(self._inbox) or self._early is not None

    @property
    def truncated(self) -> bool:
        """Whether a TLS stream ended without the peer's goodbye, so that bytes may be missing (RFC 8446 6.1)."""
        return self.tls is not None and self._ended_at is not None and not self._farewell_heard

    def quiet(self) -> bool:
        """Return whether the connection stands and nothing came unasked: only then may it serve another request."""
        if self._ended_at is not None or self._link is None:
            return False
        try:
            return self._next() is None
        except FaultError:
            return False

    def put(self, data: bytes) -> bool:
        """Write all of `data`; return whether the kernel took it at once, or `emptied` has to be awaited.

        Raises `FaultError`.
        """
        if self._link is None:
            raise self._lost()
        self._link.write(data if self.tls is None else self.tls.encrypt(data))
        if self._blocked:
            return False
        self.sent_at = self._clock()
        return True

    async def emptied(self, deadline: float | None = None) -> None:
        """Wait until the kernel has taken all that was put. Raises `FaultError` where the connection is gone."""
        while self._blocked and self._link is not None:
            await self._taken(deadline)
        if self._blocked:
            raise self._lost()

    async def send(self, data: bytes, deadline: float | None = None) -> float:
        """Write all of `data`; return the moment the kernel took its last byte. Raises `FaultError`."""
        if not self.put(data):
            await self.emptied(deadline)
        return self.sent_at

    async def receive(self, deadline: float | None = None) -> Chunk:
        """Return the next bytes, or none at the end of the stream. Raises `FaultError` (`peer_reset`, TLS kinds)."""
        while (chunk := self._next()) is None:
            await self._heard(deadline)
        return chunk

    def unread(self, chunk: Chunk) -> None:
        """Put bytes back at the head of the stream."""
        self._inbox.appendleft((chunk.data, chunk.at))
        self._held += len(chunk.data)

    async def start_tls(self, session: TlsSession, deadline: float | None = None, *, more: bool = False) -> None:
        """Shake hands on this connection. Bytes that came in the clear before are a fault (RFC 9051 section 11.1).

        With `more` to send at once, the last words of the handshake go out together with it, as browsers have it.
        Raises `FaultError`. On failure `session` still knows the peer's certificate.
        """
        if self._inbox:
            raise FaultError(kinds.BAD_REPLY, {"reply": "bytes before the handshake"})
        arrived = self.opened_at
        try:
            while not session.handshake():
                self._flush(session)
                while not (self._inbox or self._ended_at is not None):
                    await self._heard(deadline)
                records, arrived = self._record()
                session.feed(records)
        except BaseException:
            self._flush(session)
            raise
        if not more:
            self._flush(session)
        self.tls = session
        if session.holding:
            self._keep_early(session, arrived)

    def close(self) -> None:
        """Say goodbye under TLS and close at once. What the peer will not take is thrown away."""
        if self._link is None:
            return
        if self.tls is not None and not self._blocked and self._ended_at is None:
            self._link.close(self.tls.farewell())
        else:
            self._link.close()

    def abort(self) -> None:
        """Drop the connection."""
        if self._link is not None:
            self._link.close()

    def _keep_early(self, session: TlsSession, at: float) -> None:
        """Keep what the peer said in the same breath as the end of its handshake, such as a greeting."""
        data = self._open(session, b"")
        if data:
            self._early = Chunk(data, at)

    def _next(self) -> Chunk | None:
        """Return the next plaintext or the end of the stream; `None` when neither has come."""
        if self._early is not None:
            early, self._early = self._early, None
            return early
        while self._inbox and not self._farewell_heard and (self._fault is None or self._fault_of_tls() is None):
            data, at = self._take()
            if self.tls is not None:
                data = self._open(self.tls, data)
            if data:
                return Chunk(data, at)
        if self._fault is not None:
            raise self._fault
        if self._farewell_heard or self._ended_at is not None:
            return Chunk(b"", self._clock() if self._ended_at is None else self._ended_at)
        return None

    def _fault_of_tls(self) -> FaultError | None:
        return self._fault if self._fault is not None and self._fault.fault.kind is not kinds.PEER_RESET else None

    def _open(self, tls: TlsSession, records: bytes) -> bytes:
        tls.feed(records)
        opened = tls.decrypt()
        if tls.speaking:
            self._flush(tls)
        self._farewell_heard = opened.finished
        self._fault = opened.fault or self._fault
        return opened.data

    def _take(self) -> tuple[bytes, float]:
        raw = self._inbox.popleft()
        self._held -= len(raw[0])
        if self._full and self._held < HELD // 2 and self._link is not None:
            self._full = False
            self._link.resume_reading()
        return raw

    def _record(self) -> tuple[bytes, float]:
        """Return bytes for the handshake, or say that the peer left it."""
        if self._inbox:
            return self._take()
        evidence = {} if self._fault is None else self._fault.fault.evidence
        raise FaultError(kinds.TLS_CLOSED, evidence)

    def _flush(self, tls: TlsSession) -> None:
        outgoing = tls.outgoing()
        if outgoing and self._link is not None:
            self._link.write(outgoing)

    def _lost(self) -> FaultError:
        return self._fault or FaultError(kinds.PEER_CLOSED)


def _ring(waiter: asyncio.Future[None]) -> None:
    """Tell whoever waits that its time is over."""
    if not waiter.done():
        waiter.set_exception(TimeoutError())
