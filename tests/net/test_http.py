"""HTTP/1.1: responses as bytes in every slicing, then conversations with servers that stall, break and lie."""

import asyncio
import errno
import gc
import gzip
import tracemalloc
import weakref
import zlib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.exchange import Call, Headers, Reply
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Kind
from prober.net.http import BODY, HEAD, ResponseReader, converse, request_bytes, unpack
from prober.net.route import PhaseLimits
from prober.timeline import Timeline
from prober.vocabulary import Phase
from tests.net.cable import plugged
from tests.net.certificates import Pki
from tests.net.clocks import Clock
from tests.net.conftest import Run
from tests.net.made import OK, QUICK, Raised, route, session
from tests.net.servers import Handler, Peer, refusing_handshake, serving, silent, until

BOMB = zlib.compress(bytes(BODY + 1))
RESPONSES = [
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, b"hello", True),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 200, b"", True),
    (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    (b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", 304, b"", True),
    (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b"", False),
    (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", False),
    (b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", 200, b"hi", True),
    (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Late: 1\r\n\r\n",
        200,
        b"abc",
        True,
    ),
    (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 401 Unauthorized\r\nContent-Length: 1\r\n\r\nx", 401, b"x", True),
    (b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, b"x", True),
    (
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n" % len(gzip.compress(b"packed", mtime=0))
        + gzip.compress(b"packed", mtime=0)
        + b"\r\n0\r\n\r\n",
        200,
        b"packed",
        True,
    ),
    (b"HTTP/1.1 449 Retry with\r\nContent-Length: 0\r\n\r\n", 449, b"", True),
]


@pytest.mark.parametrize("size", [1, 2, 7, 4096])
@pytest.mark.parametrize(("wire", "status", "body", "kept"), RESPONSES)
def test_any_chunking_gives_the_same_response(wire: bytes, status: int, body: bytes, kept: bool, size: int) -> None:
    """The same response comes out for every way of slicing the same bytes, and not a byte earlier."""
    reader = ResponseReader("GET")
    for at in range(0, len(wire), size):
        assert not reader.complete
        reader.feed(wire[at : at + size])
    assert reader.complete
    assert reader.keep_alive is kept
    reply = reader.reply()
    assert (reply.status, reply.body) == (status, body)


@pytest.mark.parametrize(("data", "end"), [(b"HTTP/1.1 204 \r\n\r\n", False), (b"HTTP/1.1 200 OK\r\n\r\nbody", True)])
def test_a_response_is_let_go_of_without_the_collector(data: bytes, *, end: bool) -> None:
    """What goes round in a circle stays until the collector runs: reader and parser must not, once it is complete."""
    usual = gc.isenabled()
    gc.disable()
    try:
        reader = ResponseReader("GET")
        reader.feed(data)
        if end:
            reader.finish(truncated=False)
        assert reader.complete
        seen = weakref.ref(reader)
        del reader
        assert seen() is None
    finally:
        if usual:
            gc.enable()


def test_a_response_keeps_its_fields_in_order_and_repeated() -> None:
    """Names as written; interim responses leave none behind."""
    reader = ResponseReader("GET")
    reader.feed(
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        b"HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Negotiate\r\nwww-authenticate: NTLM\r\n"
        b"X-FEServer:  A1 \r\nX-Latin: \xe9\r\nContent-Length: 0\r\n\r\n"
    )
    assert reader.reply() == Reply(
        401,
        Headers(
            [
                ("WWW-Authenticate", "Negotiate"),
                ("www-authenticate", "NTLM"),
                ("X-FEServer", "A1"),
                ("X-Latin", "é"),
                ("Content-Length", "0"),
            ]
        ),
    )


def test_the_answer_to_head_has_no_body() -> None:
    """Whatever length it speaks of (RFC 9110 section 9.3.2)."""
    reader = ResponseReader("HEAD")
    reader.feed(b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n")
    assert reader.complete
    assert not reader.keep_alive
    assert reader.reply().body == b""


def test_a_body_may_end_with_the_connection() -> None:
    """Without a length, the end of the stream is the end of the body (RFC 9112 section 6.3)."""
    reader = ResponseReader("GET")
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\nall there is")
    assert not reader.complete
    reader.finish(truncated=False)
    assert reader.complete
    assert not reader.keep_alive
    assert reader.reply().body == b"all there is"


@pytest.mark.parametrize(
    ("wire", "truncated", "kind", "evidence"),
    [
        (b"", False, kinds.PEER_CLOSED, {}),
        (b"HTTP/1.1 20", False, kinds.TRUNCATED_REPLY, {}),
        (b"HTTP/1.1 200 OK\r\nContent-Le", False, kinds.TRUNCATED_REPLY, {}),
        (b"HTTP/1.1 100 Continue\r\n\r\n", False, kinds.TRUNCATED_REPLY, {"http_status": "100"}),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
            False,
            kinds.TRUNCATED_REPLY,
            {"http_status": "200"},
        ),
        (
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nshort",
            False,
            kinds.TRUNCATED_REPLY,
            {"http_status": "200"},
        ),
        (b"HTTP/1.1 200 OK\r\n\r\nhalf", True, kinds.TRUNCATED_REPLY, {"http_status": "200"}),
    ],
)
def test_an_end_too_early_is_told_from_no_answer(
    wire: bytes, truncated: bool, kind: Kind, evidence: dict[str, str]
) -> None:
    """Before any byte the peer closed; later the reply is truncated."""
    reader = ResponseReader("GET")
    if wire:
        reader.feed(wire)
    with Raised() as raised:
        reader.finish(truncated=truncated)
    assert raised.error.fault.kind is kind
    assert raised.error.fault.evidence == evidence


@pytest.mark.parametrize(
    "wire",
    [
        b"* OK IMAP ready\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"HTTP/1.1 2OO OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nPRI",
    ],
)
def test_what_is_not_http_is_a_bad_reply(wire: bytes) -> None:
    """Whole, and byte by byte."""
    for size in (len(wire), 1):
        reader = ResponseReader("GET")
        with Raised() as raised:
            for at in range(0, len(wire), size):
                reader.feed(wire[at : at + size])
        assert raised.error.fault.kind is kinds.BAD_REPLY


@pytest.mark.parametrize("rest", [b"garbage", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno"])
@pytest.mark.parametrize("close", [b"", b"Connection: close\r\n"])
def test_bytes_after_a_response_spoil_the_connection_not_the_response(rest: bytes, close: bytes) -> None:
    """They belong to nobody, so the next request must not find them."""
    reader = ResponseReader("GET")
    reader.feed(b"HTTP/1.1 200 OK\r\n" + close + b"Content-Length: 2\r\n\r\nhi" + rest)
    assert reader.complete
    assert not reader.keep_alive
    assert reader.reply().body == b"hi"


def test_a_body_is_bounded() -> None:
    """By its announced length already, and by what comes without one."""
    reader = ResponseReader("GET", limit=10)
    reader.feed(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10)
    with Raised() as raised:
        reader.feed(b"x")
    assert raised.error.fault.kind is kinds.REPLY_TOO_LARGE
    assert raised.error.fault.evidence == {"part": "body"}


def test_a_head_is_bounded() -> None:
    """Fields without end, and interim responses without end."""
    for wire in (b"HTTP/1.1 200 OK\r\n" + b"X-Y: z\r\n" * 100_000, b"HTTP/1.1 100 Continue\r\n\r\n" * 100_000):
        reader = ResponseReader("GET")
        with Raised() as raised:
            for at in range(0, len(wire), 65_536):
                reader.feed(wire[at : at + 65_536])
        assert raised.error.fault.kind is kinds.REPLY_TOO_LARGE
        assert raised.error.fault.evidence == {"part": "head"}
        assert reader._head_size <= HEAD + 65_536


def raw_deflate(data: bytes) -> bytes:
    """Pack without zlib's two bytes of head (RFC 1951)."""
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", gzip.compress(b"text", mtime=0)),
        ("x-gzip", gzip.compress(b"text", mtime=0)),
        ("GZIP", gzip.compress(b"te", mtime=0) + gzip.compress(b"xt", mtime=0)),
        ("deflate", zlib.compress(b"text")),
        ("deflate", raw_deflate(b"text")),
        ("deflate, gzip", gzip.compress(zlib.compress(b"text"), mtime=0)),
        ("identity", b"text"),
        ("", b"text"),
    ],
)
def test_content_codings_are_undone(coding: str, body: bytes) -> None:
    """Also several, and gzip in several members; deflate in both meanings that servers give it."""
    assert unpack(body, Headers([("Content-Encoding", coding)])) == b"text"


@pytest.mark.parametrize(
    ("coding", "body", "kind"),
    [
        ("gzip", b"not packed", kinds.BAD_REPLY),
        ("gzip", gzip.compress(b"text", mtime=0)[:-3], kinds.BAD_REPLY),
        ("deflate", b"\x78\x9c junk", kinds.BAD_REPLY),
        ("br", b"text", kinds.BAD_REPLY),
        ("deflate", BOMB, kinds.REPLY_TOO_LARGE),
        ("gzip", gzip.compress(b"x" * (BODY // 2), mtime=0) * 3, kinds.REPLY_TOO_LARGE),
    ],
)
def test_a_body_that_cannot_be_unpacked_is_a_fault(coding: str, body: bytes, kind: Kind) -> None:
    """Broken, cut short, of unknown coding, or without measure."""
    with Raised() as raised:
        unpack(body, Headers([("Content-Encoding", coding)]))
    assert raised.error.fault.kind is kind


def test_a_bomb_takes_no_memory() -> None:
    """What unpacks to 200 MB is given up at the limit, not afterwards."""
    bomb = zlib.compress(bytes(200 << 20))
    tracemalloc.start()
    try:
        with Raised():
            unpack(bomb, Headers([("Content-Encoding", "deflate")]))
        assert tracemalloc.get_traced_memory()[1] < 5 * BODY
    finally:
        tracemalloc.stop()


def test_an_empty_body_needs_no_unpacking() -> None:
    """Some servers say gzip and send nothing."""
    assert unpack(b"", Headers([("Content-Encoding", "gzip")])) == b""


def read_all(reader: ResponseReader, pieces: list[bytes]) -> Kind | None:
    """Return the kind of the fault that the pieces and then the end of the stream bring, if they bring one."""
    try:
        for piece in pieces:
            reader.feed(piece)
        reader.finish(truncated=False)
        reader.reply()
    except FaultError as error:
        return error.fault.kind
    return None


@given(st.binary(max_size=400), st.sampled_from(["GET", "HEAD"]), st.integers(1, 50))
def test_no_bytes_bring_anything_but_a_fault(noise: bytes, method: str, size: int) -> None:
    """Whatever comes after a plausible beginning."""
    for wire in (noise, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + noise):
        fault = read_all(ResponseReader(method), [wire[at : at + size] for at in range(0, len(wire), size)])
        assert fault in (None, kinds.BAD_REPLY, kinds.PEER_CLOSED, kinds.TRUNCATED_REPLY)


BREAKS = st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b" ", b"\t", b":", b"a", b"\x85", b"\xe9"]), max_size=6)


@given(BREAKS, BREAKS)
def test_no_field_that_is_read_holds_a_line_break(name: list[bytes], value: list[bytes]) -> None:
    """What stands between fields while they are kept can be in none of them."""
    reader = ResponseReader("GET")
    with suppress(FaultError):
        reader.feed(b"HTTP/1.1 200 OK\r\nX" + b"".join(name) + b": " + b"".join(value) + b"\r\nZ: last\r\n\r\n")
    told = [one.decode("latin-1") for one in reader._fields]
    assert [*reader.head()] == [*zip(told[::2], told[1::2], strict=True)]


def test_a_request_is_written_as_it_is_meant() -> None:
    """Byte for byte: fields in order, a length where there is a body or could be one."""
    assert request_bytes("GET", "/a?b", ["Host: mail.test", "X-Y: é"], b"") == (
        b"GET /a?b HTTP/1.1\r\nHost: mail.test\r\nX-Y: \xe9\r\n\r\n"
    )
    assert request_bytes("POST", "/", ["Host: a"], b"\x03\x01") == (
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n\x03\x01"
    )
    assert request_bytes("POST", "/", [], b"") == b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize(
    ("method", "target", "field"),
    [
        ("GET\r\n", "/", "a: b"),
        ("GET", "/\r\nX: y", "a: b"),
        ("GET", "/", "a\n: b"),
        ("GET", "/", "a: b\r"),
        ("GET", "/", "a: b\0"),
        ("POST", "/", "a: b\r\n"),
    ],
)
def test_a_line_break_within_a_field_is_refused(method: str, target: str, field: str) -> None:
    """It would be another field or another request."""
    with pytest.raises(ValueError, match="line break"):
        request_bytes(method, target, [field], b"")


# Conversations.


async def stall_in_body(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
    await peer.gone()


async def stall_in_head(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 2")
    await peer.gone()


async def close_before_answer(peer: Peer) -> None:
    await peer.request()


async def reset_before_answer(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def close_in_head(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\nX-")


async def close_in_body(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")


async def speak_imap(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"* OK ready\r\n")
    await peer.gone()


async def send_too_much(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"HTTP/1.1 200 OK\r\n\r\n")
    while not peer.writer.is_closing():
        await peer.say(bytes(262_144))


FAULTS: list[tuple[Handler, Kind, Phase]] = [
    (silent, kinds.NO_ANSWER, Phase.WAIT),
    (stall_in_head, kinds.ANSWER_STALLED, Phase.RECEIVE),
    (stall_in_body, kinds.ANSWER_STALLED, Phase.RECEIVE),
    (close_before_answer, kinds.PEER_CLOSED, Phase.WAIT),
    (reset_before_answer, kinds.PEER_RESET, Phase.WAIT),
    (close_in_head, kinds.TRUNCATED_REPLY, Phase.RECEIVE),
    (close_in_body, kinds.TRUNCATED_REPLY, Phase.RECEIVE),
    (speak_imap, kinds.BAD_REPLY, Phase.RECEIVE),
]


@pytest.mark.parametrize("secure", [True, False], ids=["https", "http"])
@pytest.mark.parametrize(("handler", "kind", "phase"), FAULTS)
def test_a_server_that_fails_is_caught_in_the_act(
    run: Run, pki: Pki, handler: Handler, kind: Kind, phase: Phase, secure: bool
) -> None:
    """One kind and one phase for each way of failing, under TLS and without."""

    async def scenario() -> None:
        timeline = Timeline()
        limits = PhaseLimits(wait=0.1, receive=0.1)
        async with (
            serving(handler, pki.good.server() if secure else None) as server,
            session(route(pki, limits=limits), timeline) as tx,
        ):
            with Raised() as raised:
                await tx.exchange(Call("GET", f"{'https' if secure else 'http'}://mail.test:{server.port}/"))
            assert raised.error.fault.kind is kind
            assert raised.error.fault.phase is timeline.interrupted is phase
            assert phase in timeline.spent

    run(scenario())


def test_a_body_without_end_is_cut_off(run: Run, pki: Pki) -> None:
    """Eight megabytes and no more."""

    async def scenario() -> None:
        async with serving(send_too_much) as server, session(route(pki)) as tx:
            with Raised() as raised:
                await tx.exchange(Call("GET", f"http://mail.test:{server.port}/"))
            assert raised.error.fault.kind is kinds.REPLY_TOO_LARGE

    run(scenario())


def test_a_server_that_does_not_read_stalls_the_sending(run: Run, pki: Pki) -> None:
    """The buffers between us full, the send phase has its own limit."""

    async def deaf(peer: Peer) -> None:
        peer.writer.transport.pause_reading()  # type: ignore[attr-defined]  # a transport that reads
        await asyncio.Event().wait()

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(deaf) as server, session(route(pki, limits=QUICK), timeline) as tx:
            with Raised() as raised:
                await tx.exchange(Call("POST", f"http://mail.test:{server.port}/", body=bytes(32 << 20)))
            assert raised.error.fault.kind is kinds.SEND_STALLED
            assert raised.error.fault.phase is timeline.interrupted is Phase.SEND

    run(scenario())


async def test_an_answer_given_before_the_request_is_out_is_read() -> None:
    """A server that will not take all of it says why, and goes (RFC 9112 section 9.6)."""
    clock = Clock()
    stream, cable = plugged(clock, takes=10)
    timeline, reader = Timeline(clock), ResponseReader("POST")
    asking = asyncio.create_task(converse(stream, bytes(100), reader, timeline, PhaseLimits()))
    await until(lambda: cable.left > 0)
    stream.data_received(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
    stream.connection_lost(ConnectionResetError(errno.ECONNRESET, "reset"))
    await asking
    assert reader.reply().status == 413


async def test_a_connection_lost_while_sending_is_a_reset() -> None:
    """Without an answer there is nothing to read."""
    clock = Clock()
    stream, cable = plugged(clock, takes=10)
    timeline = Timeline(clock)
    asking = asyncio.create_task(converse(stream, bytes(100), ResponseReader("POST"), timeline, PhaseLimits()))
    await until(lambda: cable.left > 0)
    stream.connection_lost(ConnectionResetError(errno.ECONNRESET, "reset"))
    with Raised() as raised:
        await asking
    assert raised.error.fault.kind is kinds.PEER_RESET
    assert raised.error.fault.phase is Phase.SEND


async def test_send_ends_with_the_last_byte_taken() -> None:
    """What waits for the kernel's room is send, what follows is wait, and both are exact."""
    clock = Clock(100.0)
    stream, cable = plugged(clock, takes=10)
    timeline, reader = Timeline(clock), ResponseReader("POST")
    asking = asyncio.create_task(converse(stream, bytes(100), reader, timeline, PhaseLimits()))
    await until(lambda: cable.left > 0)
    clock.now = 101.5
    cable.drain()
    clock.now = 104.5
    stream.data_received(OK[:-1])
    clock.now = 104.75
    stream.data_received(OK[-1:])
    clock.now = 200.0
    await asking
    assert timeline.spent == {Phase.SEND: 1.5, Phase.WAIT: 3.0, Phase.RECEIVE: 0.25}


def test_phases_are_what_the_servers_did_and_nothing_else(run: Run, pki: Pki) -> None:
    """The server moves the clock: a quarter second until its first byte, two seconds until its last."""
    clock = Clock()

    async def slow(peer: Peer) -> None:
        await peer.request()
        clock.now += 0.25
        reads = clock.reads
        await peer.say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        await until(lambda: clock.reads > reads)
        clock.now += 2.0
        await peer.say(b"hello")
        await peer.gone()

    async def scenario() -> None:
        timeline = Timeline(clock)
        async with serving(slow, pki.good.server()) as server, session(route(pki), timeline) as tx:
            await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))
            assert timeline.spent == {
                Phase.CONNECT: 0.0,
                Phase.TLS: 0.0,
                Phase.SEND: 0.0,
                Phase.WAIT: 0.25,
                Phase.RECEIVE: 2.0,
            }

    run(scenario())


@pytest.mark.parametrize("parts", [(OK,), (OK[:-2], OK[-2:])], ids=["at once", "head first"])
def test_a_long_poll_may_be_silent_as_long_as_its_hold(run: Run, pki: Pki, parts: tuple[bytes, ...]) -> None:
    """The hold is added to the limit of wait, and of receive where a server sends its head first."""

    async def poll(peer: Peer) -> None:
        await peer.request()
        for part in parts:
            await peer.say(part)
            await asyncio.sleep(0)
        await peer.gone()

    async def scenario() -> None:
        limits = PhaseLimits(wait=0.0, receive=0.0)
        async with serving(poll, pki.good.server()) as server, session(route(pki, limits=limits)) as tx:
            url = f"https://mail.test:{server.port}/"
            assert (await tx.exchange(Call("POST", url, hold=30.0))).body == b"hi"
        async with serving(silent) as server, session(route(pki, limits=limits)) as tx:
            with Raised() as raised:
                await tx.exchange(Call("POST", f"http://mail.test:{server.port}/"))
            assert raised.error.fault.kind is kinds.NO_ANSWER

    run(scenario())


def test_a_client_certificate_the_server_misses_is_told_by_its_alert(run: Run, pki: Pki) -> None:
    """In TLS 1.3 it comes where the answer should."""

    async def scenario() -> None:
        timeline = Timeline()
        handler = refusing_handshake(pki.good.server(client_ca=pki.ours.file))
        async with serving(handler) as server, session(route(pki), timeline) as tx:
            with Raised() as raised:
                await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))
            assert raised.error.fault.kind is kinds.TLS_ALERT
            assert raised.error.fault.evidence == {"tls_reason": "tlsv13_alert_certificate_required"}
            assert timeline.certificate is not None

    run(scenario())
