"""The connections and the cookie jar of one transaction: opened cold, kept warm within it, closed at its end.

A kept connection that is known to have ended is replaced before a request is put on it. One that turns out dead
afterwards is a fault, never a silent second try.
"""

import random

import httpx

from prober.exchange import Call, Headers, Reply
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.net.dial import Dialer
from prober.net.flow import HttpFlow
from prober.net.http import ResponseReader, begin, converse, request_bytes
from prober.net.origin import Origin
from prober.net.route import PhaseLimits
from prober.net.stream import Stream
from prober.net.tls import Application
from prober.net.wire import StreamWire
from prober.timeline import Timeline

BRINGS_NONE: frozenset[str] = frozenset()
COOKIE = "set-cookie"


class ColdSession:
    """Implements `exchange.Session`."""

    def __init__(self, dialer: Dialer, limits: PhaseLimits, timeline: Timeline, user_agent: str = "") -> None:
        self._dialer = dialer
        self._limits = limits
        self._timeline = timeline
        self._user_agent = user_agent
        self._idle: dict[Origin, Stream] = {}
        self._open: set[Stream] = set()
        self._cookies: httpx.Cookies | None = None
        self._opened = 0

    @property
    def opened(self) -> int:
        """How many connections have been opened so far."""
        return self._opened

    async def exchange(self, call: Call) -> Reply:
        """Send one request and return its response. Raises `FaultError`."""
        origin, request, reader = self._prepared(call)
        stream = self._reuse(origin) or await self._connect(origin, Application.HTTPS)
        try:
            await converse(stream, request, reader, self._timeline, self._limits, call.hold)
        except BaseException:
            self._drop(stream)
            raise
        self._timeline.facts["http_status"] = reader.status
        self._put_back(origin, stream, keep=reader.keep_alive)
        reply = reader.reply()
        if COOKIE in reply.headers.first:
            self._remember(call, reply.status, reply.headers)
        return reply

    async def open(self, call: Call) -> HttpFlow:
        """Send one request and return its response as soon as the head is there. Raises `FaultError`."""
        origin, request, reader = self._prepared(call)
        stream = self._reuse(origin) or await self._connect(origin, Application.HTTPS)
        try:
            await begin(stream, request, reader, self._timeline, self._limits, call.hold)
        except BaseException:
            self._drop(stream)
            raise
        self._timeline.facts["http_status"] = reader.status
        head = reader.head()
        if COOKIE in head.first:
            self._remember(call, reader.status, head)
        return HttpFlow(
            stream, reader, self._timeline, self._limits, lambda keep: self._put_back(origin, stream, keep=keep)
        )

    def _prepared(self, call: Call) -> tuple[Origin, bytes, ResponseReader]:
        """Return where `call` goes, its request, and what will read the response."""
        origin, target = self._split(call.url)
        request = request_bytes(call.method, target, self._fields(call, origin), call.body)
        return origin, request, ResponseReader(call.method)

    async def dial(self, url: str) -> StreamWire:
        """Open a wire to `imaps://host:port` (implicit TLS) or `imap://host:port` (plain until `start_tls`)."""
        origin, _ = self._split(url)
        stream = await self._connect(origin, Application.IMAP)

        async def secure(plain: Stream) -> None:
            await self._dialer.secure(plain, origin, Application.IMAP, self._timeline)

        return StreamWire(stream, self._timeline, self._limits, secure)

    def channel_binding(self, url: str) -> bytes | None:
        """Return the peer's certificate (DER) of the open connection to this URL's origin (RFC 5929 section 4)."""
        stream = self._idle.get(self._split(url)[0])
        return stream.tls.peer_certificate() if stream is not None and stream.tls is not None else None

    async def close(self) -> None:
        """Close every connection."""
        for stream in self._open:
            stream.close()
        self._open.clear()
        self._idle.clear()

    async def _connect(self, origin: Origin, application: Application) -> Stream:
        self._opened += 1
        stream = await self._dialer.open(origin, application, self._timeline)
        if self._open:
            self._open = {one for one in self._open if not one.gone}
        self._open.add(stream)
        return stream

    def _reuse(self, origin: Origin) -> Stream | None:
        stream = self._idle.pop(origin, None)
        if stream is not None and not stream.quiet():
            self._drop(stream)
            return None
        return stream

    def _put_back(self, origin: Origin, stream: Stream, *, keep: bool) -> None:
        if keep and origin not in self._idle:
            self._idle[origin] = stream
        else:
            self._drop(stream)

    def _drop(self, stream: Stream) -> None:
        self._open.discard(stream)
        stream.close()

    def _fields(self, call: Call, origin: Origin) -> list[str]:
        """Return the lines of the header fields: those that `call` brings, and those that it leaves to us."""
        given = {name.lower() for name, _ in call.headers} if call.headers else BRINGS_NONE
        lines = [] if "host" in given else [f"Host: {origin.host_field}"]
        if self._user_agent and "user-agent" not in given:
            lines.append(f"User-Agent: {self._user_agent}")
        for name, value in call.headers:
            lines.append(f"{name}: {value}")
        if "client-request-id" not in given:
            request_id = self._timeline.facts["client_request_id"] = _request_id()
            lines += (f"client-request-id: {request_id}", "return-client-request-id: true")
        if self._cookies is not None and "cookie" not in given:
            asked = httpx.Request(call.method, call.url)
            self._cookies.set_cookie_header(asked)
            lines += [f"Cookie: {value}" for value in asked.headers.get_list("cookie")]
        return lines

    def _remember(self, call: Call, status: int, headers: Headers) -> None:
        """Keep cookies; httpx keeps the rules of who may set and see them."""
        if self._cookies is None:
            self._cookies = httpx.Cookies()
        answer = httpx.Response(
            status,
            headers=[("Set-Cookie", value) for value in headers.all("Set-Cookie")],
            request=httpx.Request(call.method, call.url),
        )
        self._cookies.extract_cookies(answer)

    def _split(self, url: str) -> tuple[Origin, str]:
        try:
            return self._dialer.split(url)
        except ValueError:
            raise FaultError(kinds.PROBER_BUG, {"url": "unusable"}) from None


def _request_id() -> str:
    """Return a random UUID as text (RFC 9562 section 5.4), at a fifth of what the library's object costs.

    Version and variant are written out, and so two bits less are random than might be. Nobody gains by guessing one.
    """
    text = f"{random.getrandbits(120):030x}"  # no secret, and so no system call for it
    return f"{text[:8]}-{text[8:12]}-4{text[12:15]}-a{text[15:18]}-{text[18:]}"
