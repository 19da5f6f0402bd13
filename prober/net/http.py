"""HTTP/1.1 as one request and one response over a stream (RFC 9112), its phases measured at the bytes themselves.

Nothing retries, redirects or authenticates here. A response is bounded in every direction, also what it unpacks to.
"""

import asyncio
import zlib
from collections.abc import Sequence

import httptools

from prober.exchange import Headers, Reply
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.net.phases import Measured, cut_short
from prober.net.route import PhaseLimits
from prober.net.stream import Stream
from prober.timeline import Timeline
from prober.vocabulary import Phase

BODY = 8 << 20  # bytes, packed and unpacked
HEAD = 256 << 10  # bytes of all heads of one response
FRAMING = frozenset({b"content-length", b"transfer-encoding"})
BODILESS = frozenset({204, 304})
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
GZIP, ZLIB, RAW = 31, 15, -15  # window bits by which zlib tells the formats of RFC 1952, 1950 and 1951


def request_bytes(method: str, target: str, fields: Sequence[str], body: bytes) -> bytes:
    """Return the request; `fields` are lines such as `Host: mail.example`.

    Raises `ValueError` for a line break in any of them, which would be another request.
    """
    length = f"Content-Length: {len(body)}\r\n" if body or method in WITH_BODY else ""
    head = "\r\n".join((f"{method} {target} HTTP/1.1", *fields, f"{length}\r\n"))
    breaks = len(fields) + (3 if length else 2)
    if head.count("\r") != breaks or head.count("\n") != breaks or "\0" in head:
        raise ValueError("a field of the request holds a line break")
    return head.encode("latin-1") + body


class _Enough(Exception):  # noqa: N818 - a signal to the parser, not an error
    """The response is complete although its framing fields say otherwise."""


class ResponseReader:
    """Feed it bytes until it is `complete`. It knows the method, because HEAD's answer has no body.

    `headed` tells whether the head has come.
    """

    complete = headed = keep_alive = False
    status = 0
    _size = _head_size = 0  # bytes
    _fault: FaultError | None = None

    def __init__(self, method: str, limit: int = BODY) -> None:
        self._method = method
        self._limit = limit
        self._parser: httptools.HttpResponseParser | None = httptools.HttpResponseParser(self)
        self._fields: list[bytes] = []  # a name, its value, and so on
        self._pieces: list[bytes] = []

    def feed(self, data: bytes) -> None:
        """Take in bytes, none once it is complete. Raises `FaultError` (`bad_reply`, `reply_too_large`)."""
        if self._parser is None:
            return
        if not self.headed:
            self._head_size += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            self._stopped(exc)
        if self.complete:
            self._parser = None  # each holds the other, and what goes round in a circle waits for the collector
        elif self._head_size > HEAD and not self.headed:
            raise FaultError(kinds.REPLY_TOO_LARGE, {"part": "head"})

    def _stopped(self, exc: Exception) -> None:
        if self._fault is not None:
            raise self._fault from None
        if not self.complete:
            raise FaultError(kinds.BAD_REPLY, {"parser": type(exc).__name__}) from None
        self.keep_alive = False  # what follows the response is not another one's

    def finish(self, *, truncated: bool) -> None:
        """Take in the end of the stream, which may end a body (RFC 9112 section 6.3); not when it was `truncated`.

        Raises `FaultError` (`peer_closed` before any byte, else `truncated_reply`).
        """
        if not self._head_size:
            raise FaultError(kinds.PEER_CLOSED)
        if not self.headed or truncated or self._framed():
            raise FaultError(kinds.TRUNCATED_REPLY, {"http_status": str(self.status)} if self.status else {})
        self.complete, self.keep_alive, self._parser = True, False, None

    def reply(self) -> Reply:
        """Return the response with its content coding undone. Raises `FaultError`."""
        headers = self.head()
        return Reply(self.status, headers, unpack(b"".join(self._pieces), headers, self._limit))

    def head(self) -> Headers:
        """Return the header fields of the response, once they have come."""
        texts = b"\r".join(self._fields).decode("latin-1").split("\r")  # which the parser lets no field hold
        return Headers(zip(texts[::2], texts[1::2], strict=False))

    def take(self) -> bytes:
        """Return what has come of the body and forget it, so that a body without end stays within the limit.

        Raises `FaultError` (`bad_reply`) for a content coding, which nobody asked for and which has no pieces.
        """
        if self.head().get("content-encoding", "identity").lower() != "identity":
            raise FaultError(kinds.BAD_REPLY, {"content_coding": "in a stream"})
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        return taken

    def _framed(self) -> bool:
        return any(name.lower() in FRAMING for name in self._fields[::2])

    # What the parser tells.

    def on_message_begin(self) -> None:
        """A second response to one request: stop there."""
        if self.complete:
            raise _Enough

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep one field (trailer fields too) without the space around its value (RFC 9110 section 5.5)."""
        self._fields += (name, value.strip(b" \t"))

    def on_headers_complete(self) -> None:
        """Skip interim responses (RFC 9110 section 15.2); know the responses that have no body."""
        parser = self._parser
        if parser is None:
            return  # it is what calls
        status = self.status = parser.get_status_code()
        if status < 200:
            self._fields.clear()
            return
        self.headed = True
        self.keep_alive = parser.should_keep_alive()
        if self._method == "HEAD" or (status in BODILESS and self._framed()):
            self.complete = True
            raise _Enough

    def on_body(self, piece: bytes) -> None:
        """Keep a piece of the body, within the limit."""
        self._size += len(piece)
        if self._size > self._limit:
            self._fault = FaultError(kinds.REPLY_TOO_LARGE, {"part": "body"})
            raise self._fault
        self._pieces.append(piece)

    def on_message_complete(self) -> None:
        """Know the end of the final response."""
        self.complete = self.headed


def unpack(body: bytes, headers: Headers, limit: int = BODY) -> bytes:
    """Undo the content codings (RFC 9110 section 8.4). Raises `FaultError` (`bad_reply`, `reply_too_large`)."""
    if "content-encoding" not in headers.first:
        return body
    codings = [coding.strip().lower() for value in headers.all("Content-Encoding") for coding in value.split(",")]
    for coding in reversed(codings):
        if body and coding not in ("", "identity"):
            body = _unpack_one(body, coding, limit)
    return body


def _unpack_one(body: bytes, coding: str, limit: int) -> bytes:
    try:
        if coding in ("gzip", "x-gzip"):
            return _inflate(body, GZIP, limit)
        if coding == "deflate":
            return _inflate(body, ZLIB if _has_zlib_head(body) else RAW, limit)
    except zlib.error:
        raise FaultError(kinds.BAD_REPLY, {"content_coding": coding}) from None
    raise FaultError(kinds.BAD_REPLY, {"content_coding": "unknown"})


def _has_zlib_head(body: bytes) -> bool:
    """Whether RFC 1950's two bytes come first: some servers send RFC 1951 bare under the same name."""
    return len(body) > 1 and body[0] & 0x0F == 8 and (body[0] << 8 | body[1]) % 31 == 0


def _inflate(body: bytes, bits: int, limit: int) -> bytes:
    out = b""
    while body:  # gzip may hold several members (RFC 1952 section 2.2)
        inflater = zlib.decompressobj(bits)
        out += inflater.decompress(body, limit - len(out) + 1)
        if len(out) > limit:
            raise FaultError(kinds.REPLY_TOO_LARGE, {"part": "unpacked body"})
        if not inflater.eof:
            raise zlib.error("the packed body ends early")
        body = inflater.unused_data if bits == GZIP else b""
    return out


async def converse(
    stream: Stream, request: bytes, reader: ResponseReader, timeline: Timeline, limits: PhaseLimits, hold: float = 0.0
) -> None:
    """Send `request` and feed `reader` until its response is complete. Raises `FaultError`.

    `hold` seconds are added to both wait and receive, because a long poll may answer late or head first.
    """
    sent = await _send(stream, request, timeline, limits)
    timeline.current = Phase.WAIT
    try:
        data, first = await stream.receive(asyncio.get_running_loop().time() + limits.wait + hold)
        if not data:
            reader.finish(truncated=stream.truncated)
    except BaseException as exc:
        cut_short(timeline, Phase.WAIT, sent, exc)
        raise
    timeline.spend(Phase.WAIT, sent, first)
    try:
        reader.feed(data)
        last = first if reader.complete else await _rest(stream, reader, timeline, limits.receive + hold)
    except BaseException as exc:
        cut_short(timeline, Phase.RECEIVE, first, exc)
        raise
    timeline.spend(Phase.RECEIVE, first, last)


async def _rest(stream: Stream, reader: ResponseReader, timeline: Timeline, limit: float) -> float:
    """Feed `reader` what comes within `limit` seconds until its response is complete; return when that came."""
    timeline.current = Phase.RECEIVE
    deadline, at = asyncio.get_running_loop().time() + limit, 0.0
    while not reader.complete:
        at = await take_in(stream, reader, deadline)
    return at


async def begin(
    stream: Stream, request: bytes, reader: ResponseReader, timeline: Timeline, limits: PhaseLimits, hold: float = 0.0
) -> None:
    """Send `request` and feed `reader` until the head of its response is there. Raises `FaultError`."""
    sent = await _send(stream, request, timeline, limits)
    with Measured(timeline, Phase.WAIT, limits.wait + hold, sent) as lap:
        while not (reader.headed or reader.complete):
            lap.ended = await take_in(stream, reader, lap.deadline)


async def take_in(stream: Stream, reader: ResponseReader, deadline: float | None) -> float:
    """Feed `reader` what comes next, or the end of the stream; return when that came. Raises `FaultError`."""
    data, at = await stream.receive(deadline)
    if data:
        reader.feed(data)
    else:
        reader.finish(truncated=stream.truncated)
    return at


async def _send(stream: Stream, request: bytes, timeline: Timeline, limits: PhaseLimits) -> float:
    """Send all of it, or as much as a server takes that has answered already; return the moment of the last byte."""
    started = timeline.clock()
    try:
        if not stream.put(request):
            timeline.current = Phase.SEND
            await stream.emptied(asyncio.get_running_loop().time() + limits.send)
        ended = stream.sent_at
    except BaseException as exc:
        if not (isinstance(exc, FaultError) and stream.pending):
            cut_short(timeline, Phase.SEND, started, exc)
            raise
        ended = timeline.clock()
    timeline.spend(Phase.SEND, started, ended)
    return ended
