"""One connection and the moments of its bytes: against a link that is moved by hand, then over real sockets."""

import asyncio
import errno
import ssl

import pytest

from prober.faults import taxonomy as kinds
from prober.net.link import open_link
from prober.net.route import TlsPolicy
from prober.net.stream import HELD, Chunk, Stream
from prober.net.tls import Application, TlsSession, make_context
from prober.net.watch import Watch
from tests.net.cable import Cable, plugged
from tests.net.certificates import Pki
from tests.net.clocks import Clock
from tests.net.conftest import Run
from tests.net.made import Raised
from tests.net.servers import Handler, Peer, descriptors, serving, silent, until


async def test_bytes_carry_the_moment_of_their_arrival_not_of_their_reading() -> None:
    """A busy prober does not lengthen what it measures."""
    clock = Clock(100.0)
    stream, _ = plugged(clock)
    assert stream.opened_at == 100.0
    clock.now = 101.0
    stream.data_received(b"first")
    clock.now = 102.0
    stream.data_received(b"second")
    clock.now = 103.0
    stream.eof_received()
    clock.now = 200.0
    assert await stream.receive() == Chunk(b"first", 101.0)
    assert await stream.receive() == Chunk(b"second", 102.0)
    assert await stream.receive() == Chunk(b"", 103.0)


async def test_sending_ends_when_the_last_byte_is_taken() -> None:
    """At once, or when the kernel has room: the clock is read in that moment."""
    clock = Clock(100.0)
    stream, cable = plugged(clock, takes=10)
    assert await stream.send(b"short") == 100.0
    sending = asyncio.create_task(stream.send(b"much longer than ten"))
    await until(lambda: cable.left > 0)
    assert not sending.done()
    clock.now = 104.0
    cable.drain()
    clock.now = 200.0
    assert await sending == 104.0
    assert cable.sent == b"shortmuch longer than ten"


async def test_a_reader_that_is_slow_makes_the_peer_wait() -> None:
    """Memory is bounded; reading goes on when half has been taken away."""
    stream, cable = plugged()
    for _ in range(HELD // 65_536):
        stream.data_received(bytes(65_536))
    assert cable.reading
    stream.data_received(b"x")
    assert not cable.reading
    for _ in range(HELD // 65_536 // 2 + 1):
        await stream.receive()
    assert cable.reading


async def test_an_end_and_a_reset_are_two_things() -> None:
    """FIN is the end of the stream, RST a fault; both after what came before them."""
    ended, _ = plugged()
    ended.data_received(b"x")
    ended.eof_received()
    assert (await ended.receive()).data == b"x"
    assert (await ended.receive()).data == b""
    assert (await ended.receive()).data == b""
    broken, _ = plugged()
    broken.data_received(b"x")
    broken.connection_lost(ConnectionResetError(errno.ECONNRESET, "reset"))
    assert (await broken.receive()).data == b"x"
    for _ in range(2):
        with Raised() as raised:
            await broken.receive()
        assert raised.error.fault.kind is kinds.PEER_RESET
        assert raised.error.fault.evidence == {"errno": "ECONNRESET"}


async def test_sending_on_a_connection_that_is_gone_is_a_fault() -> None:
    """Before the first byte, and in the midst of the last."""
    gone, _ = plugged()
    gone.connection_lost(None)
    with Raised() as raised:
        await gone.send(b"x")
    assert raised.error.fault.kind is kinds.PEER_CLOSED
    breaking, cable = plugged(takes=1)
    sending = asyncio.create_task(breaking.send(b"xyz"))
    await until(lambda: cable.left > 0)
    breaking.connection_lost(BrokenPipeError(errno.EPIPE, "broken"))
    with Raised() as raised:
        await sending
    assert raised.error.fault.kind is kinds.PEER_RESET
    assert raised.error.fault.evidence == {"errno": "EPIPE"}


async def test_bytes_put_back_are_read_first() -> None:
    """With the moment they came at."""
    stream, _ = plugged()
    stream.data_received(b"later")
    stream.unread(Chunk(b"earlier", 3.0))
    assert stream.pending
    assert await stream.receive() == Chunk(b"earlier", 3.0)
    assert (await stream.receive()).data == b"later"
    assert not stream.pending


async def test_only_a_quiet_connection_may_serve_again() -> None:
    """Not one that has ended, is gone, or said something unasked."""
    quiet, _ = plugged()
    assert quiet.quiet()
    ended, _ = plugged()
    ended.eof_received()
    assert not ended.quiet()
    gone, _ = plugged()
    gone.connection_lost(None)
    assert not gone.quiet()
    talking, _ = plugged()
    talking.data_received(b"HTTP/1.1 408 Request Timeout\r\n")
    assert not talking.quiet()


async def test_a_fault_under_tls_ends_the_quiet() -> None:
    """Bytes that are no record are nothing to go on with."""
    stream, _ = plugged()
    stream.tls = TlsSession(ssl.create_default_context(), "mail.test")
    stream.data_received(b"* OK IMAP ready\r\n")
    assert not stream.quiet()
    assert not stream.quiet()


async def test_closing_throws_away_what_the_peer_will_not_take() -> None:
    """Closing never waits, with bytes left or without."""
    stream, cable = plugged(takes=1)
    stream.close()
    assert cable.closed
    stuck, cable = plugged(takes=1)
    sending = asyncio.create_task(stuck.send(b"xyz"))
    await until(lambda: cable.left > 0)
    sending.cancel()
    stuck.close()
    assert cable.closed


async def test_a_connection_that_is_gone_can_be_closed_again() -> None:
    """Nothing happens, and it has no address any more."""
    stream, _ = plugged()
    assert stream.address == "192.0.2.1"
    stream.connection_lost(None)
    stream.close()
    stream.abort()
    assert stream.address == ""


# Over real sockets.


def client(pki: Pki) -> TlsSession:
    """Return the client's end of TLS with `mail.test`."""
    return TlsSession(make_context(TlsPolicy(ca_file=pki.ours.file), Application.IMAP), "mail.test")


async def dial(port: int) -> Stream:
    """Return a stream to a port of this machine."""
    stream = Stream(Clock())
    await open_link(Watch(), stream, "127.0.0.1", port, 5.0)
    return stream


def test_bytes_go_both_ways_under_tls(run: Run, pki: Pki) -> None:
    """Megabytes of them, in order, and the end is a clean one."""
    much = bytes(range(256)) * 8192

    async def echo(peer: Peer) -> None:
        assert await peer.reader.readexactly(len(much)) == much
        await peer.say(much)

    async def scenario() -> None:
        async with serving(echo, pki.good.server()) as server:
            stream = await dial(server.port)
            await stream.start_tls(client(pki))
            await stream.send(much)
            back = b""
            while data := (await stream.receive()).data:
                back += data
            assert back == much
            assert not stream.truncated
            stream.close()

    run(scenario())


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_greeting_in_the_same_breath_as_the_handshake_is_heard(run: Run, pki: Pki, version: ssl.TLSVersion) -> None:
    """Whichever way the bytes were packed."""

    async def greet(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        await peer.gone()

    async def scenario() -> None:
        context = pki.good.server()
        context.maximum_version = version
        async with serving(greet, context) as server:
            stream = await dial(server.port)
            await stream.start_tls(client(pki))
            assert (await stream.receive()).data == b"* OK ready\r\n"
            stream.close()

    run(scenario())


async def test_plaintext_that_came_with_the_last_handshake_record_is_kept(pki: Pki) -> None:
    """One write holds the server's Finished (TLS 1.2) and its greeting: no further bytes will wake the reader."""
    context = pki.good.server()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(incoming, outgoing, server_side=True)
    clock = Clock()
    stream, cable = plugged(clock)
    shaking = asyncio.create_task(stream.start_tls(client(pki)))
    for last in (False, True):
        await until(lambda: cable.sent != b"")
        incoming.write(cable.sent)
        cable.sent = b""
        try:
            server.do_handshake()
        except ssl.SSLWantReadError:
            assert not last
        if last:
            server.write(b"* OK ready\r\n")
        clock.now += 1
        stream.data_received(outgoing.read())
    await shaking
    clock.now = 200.0
    assert await stream.receive() == Chunk(b"* OK ready\r\n", 102.0)


async def shaken(pki: Pki, *, more: bool = False) -> tuple[Stream, Cable, ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """Return a stream whose client has ended its handshake, and the server that waits for that, with its two ends."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = pki.good.server().wrap_bio(incoming, outgoing, server_side=True)
    stream, cable = plugged()
    shaking = asyncio.create_task(stream.start_tls(client(pki), more=more))
    await until(lambda: cable.sent != b"")
    incoming.write(cable.sent)
    cable.sent = b""
    with pytest.raises(ssl.SSLWantReadError):
        server.do_handshake()
    stream.data_received(outgoing.read())
    await shaking
    return stream, cable, server, incoming, outgoing


@pytest.mark.parametrize("more", [True, False])
async def test_the_last_words_of_the_handshake_go_out_with_what_follows(pki: Pki, *, more: bool) -> None:
    """Where the client is to speak next; where the server is, it must not wait for them (TLS 1.3)."""
    stream, cable, server, incoming, _ = await shaken(pki, more=more)
    assert (cable.sent == b"") is more
    await stream.send(b"hello")
    incoming.write(cable.sent)
    server.do_handshake()
    assert server.read() == b"hello"


async def test_session_tickets_wake_nobody(pki: Pki) -> None:
    """They come after the handshake by themselves, and are no words of the server."""
    stream, cable, server, incoming, outgoing = await shaken(pki)
    incoming.write(cable.sent)
    server.do_handshake()
    tickets = outgoing.read()
    assert tickets
    reading = asyncio.create_task(stream.receive())
    await asyncio.sleep(0)
    waiter = stream._reader
    assert waiter is not None
    stream.data_received(tickets)
    assert not waiter.done()
    server.write(b"* OK ready\r\n")
    stream.data_received(outgoing.read())
    assert waiter.done()
    assert (await reading).data == b"* OK ready\r\n"


async def test_bytes_before_the_handshake_are_refused() -> None:
    """Somebody may have put them there (RFC 9051 section 11.1): they must not be taken for words under TLS."""
    stream, cable = plugged()
    stream.data_received(b"a2 OK injected\r\n")
    with Raised() as raised:
        await stream.start_tls(TlsSession(ssl.create_default_context(), "mail.test"))
    assert raised.error.fault.kind is kinds.BAD_REPLY
    assert cable.sent == b"", "not even a ClientHello"


async def leave(peer: Peer) -> None:
    """End the connection in the middle of the handshake."""
    await peer.reader.read(1)


async def break_off(peer: Peer) -> None:
    """Reset the connection in the middle of the handshake."""
    await peer.reader.read(1)
    peer.reset()


@pytest.mark.parametrize(("handler", "evidence"), [(leave, {}), (break_off, {"errno": "ECONNRESET"})])
def test_a_peer_that_leaves_the_handshake_has_closed_it(
    run: Run, pki: Pki, handler: Handler, evidence: dict[str, str]
) -> None:
    """By FIN or RST: no TLS came about."""

    async def scenario() -> None:
        async with serving(handler) as server:
            stream = await dial(server.port)
            with Raised() as raised:
                await stream.start_tls(client(pki))
            assert raised.error.fault.kind is kinds.TLS_CLOSED
            assert dict(raised.error.fault.evidence) in (evidence, {"errno": "ECONNRESET"})
            stream.close()

    run(scenario())


def test_a_tls_stream_without_a_goodbye_is_truncated(run: Run, pki: Pki) -> None:
    """The FIN alone may come from anybody (RFC 8446 section 6.1)."""

    async def cut(peer: Peer) -> None:
        await peer.say(b"half a word")
        peer.writer.transport.abort()

    async def scenario() -> None:
        async with serving(cut, pki.good.server()) as server:
            stream = await dial(server.port)
            await stream.start_tls(client(pki))
            assert (await stream.receive()).data == b"half a word"
            assert (await stream.receive()).data == b""
            assert stream.truncated
            stream.close()

    run(scenario())


def test_a_goodbye_makes_a_kept_connection_useless(run: Run, pki: Pki) -> None:
    """Session tickets between requests do not: they are no words."""

    async def scenario() -> None:
        leaving = asyncio.Event()

        async def polite(peer: Peer) -> None:
            await peer.say(b"hello")
            await leaving.wait()

        async with serving(polite, pki.good.server()) as server:
            stream = await dial(server.port)
            await stream.start_tls(client(pki))
            assert (await stream.receive()).data == b"hello"
            assert stream.quiet()
            leaving.set()
            await until(lambda: not stream.quiet())
            assert not stream.truncated
            stream.close()

    run(scenario())


def test_cancelling_a_reader_loses_no_bytes(run: Run, pki: Pki) -> None:
    """What comes after the cancellation is there for the next reader."""

    async def scenario() -> None:
        speak = asyncio.Event()

        async def late(peer: Peer) -> None:
            await speak.wait()
            await peer.say(b"late")
            await peer.gone()

        async with serving(late, pki.good.server()) as server:
            stream = await dial(server.port)
            await stream.start_tls(client(pki))
            reading = asyncio.create_task(stream.receive())
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            speak.set()
            assert (await stream.receive()).data == b"late"
            stream.close()

    run(scenario())


def test_a_closed_stream_holds_no_socket(run: Run) -> None:
    """One turn of the loop later it is gone, although the peer said nothing."""

    async def scenario() -> None:
        async with serving(silent) as server:
            before = descriptors()
            stream = await dial(server.port)
            stream.close()
            await until(lambda: descriptors() <= before)

    run(scenario())


async def test_what_has_not_come_by_its_deadline_is_a_time_out() -> None:
    """Reading, sending and shaking hands alike; what is there already needs no time."""
    now = asyncio.get_running_loop().time()
    silent, _ = plugged()
    with pytest.raises(TimeoutError):
        await silent.receive(now)
    silent.data_received(b"late")
    assert (await silent.receive(now)).data == b"late"
    stalled, _ = plugged(takes=1)
    with pytest.raises(TimeoutError):
        await stalled.send(b"xyz", now)
    with pytest.raises(TimeoutError):
        await silent.start_tls(TlsSession(ssl.create_default_context(), "mail.test"), now)


async def test_a_connection_that_is_gone_leaves_no_timer_behind() -> None:
    """Nobody is told of a deadline that no longer matters."""
    stream, _ = plugged()
    loop = asyncio.get_running_loop()
    reading = asyncio.create_task(stream.receive(loop.time() + 3600))
    await asyncio.sleep(0)
    stream.data_received(b"x")
    assert (await reading).data == b"x"
    stream.connection_lost(None)
    assert not [timer for timer in getattr(loop, "_scheduled") if not timer.cancelled()]  # noqa: B009 - no public view
