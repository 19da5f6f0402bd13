"""Conversations: what is wait, what is receive, what a hold is, and the upgrade to TLS."""

import asyncio

import pytest

from prober.exchange import Wire
from prober.faults import taxonomy as kinds
from prober.net.route import PhaseLimits
from prober.net.stream import Stream
from prober.net.wire import StreamWire
from prober.timeline import Timeline
from prober.vocabulary import Phase
from tests.net.cable import Cable, plugged
from tests.net.certificates import Pki
from tests.net.clocks import Clock
from tests.net.conftest import Run
from tests.net.made import Raised, route, session
from tests.net.servers import Peer, serving, silent, until


async def no_tls(stream: Stream) -> None:
    """Refuse to upgrade: none of the tests by hand does."""
    raise AssertionError


def connected(takes: int = 1 << 30, limits: PhaseLimits | None = None) -> tuple[StreamWire, Stream, Cable, Clock]:
    """Return a wire whose clock and bytes are moved by hand."""
    clock = Clock(100.0)
    stream, cable = plugged(clock, takes)
    return StreamWire(stream, Timeline(clock), limits or PhaseLimits(), no_tls), stream, cable, clock


async def test_the_first_bytes_are_waited_for_and_the_next_received() -> None:
    """From the open connection to the greeting, from the last byte sent to the first of the answer, and on."""
    wire, stream, _, clock = connected()
    clock.now = 101.0
    stream.data_received(b"* OK ready\r\n")
    clock.now = 110.0
    assert await wire.receive() == b"* OK ready\r\n"
    assert wire._timeline.spent == {Phase.WAIT: 1.0}
    wire._timeline.restart()
    await wire.send(b"a1 LIST\r\n")
    for now, data in ((112.0, b"* LIST"), (112.5, b" () x\r\n"), (113.5, b"a1 OK\r\n")):
        clock.now = now
        stream.data_received(data)
    clock.now = 200.0
    assert [await wire.receive() for _ in range(3)] == [b"* LIST", b" () x\r\n", b"a1 OK\r\n"]
    assert wire._timeline.spent == {Phase.SEND: 0.0, Phase.WAIT: 2.0, Phase.RECEIVE: 1.5}


async def test_bytes_that_were_on_their_way_before_are_no_answer() -> None:
    """An untagged line that came before the command went out neither shortens the wait nor lengthens it."""
    wire, stream, _, clock = connected()
    clock.now = 101.0
    stream.data_received(b"* OK ready\r\n")
    await wire.receive()
    stream.data_received(b"* 3 EXISTS\r\n")
    clock.now = 102.0
    await wire.send(b"a1 NOOP\r\n")
    clock.now = 105.0
    stream.data_received(b"a1 OK\r\n")
    wire._timeline.restart()
    assert await wire.receive() == b"* 3 EXISTS\r\n"
    assert await wire.receive() == b"a1 OK\r\n"
    assert wire._timeline.spent == {Phase.WAIT: 3.0}


async def test_a_hold_that_stays_quiet_is_no_fault() -> None:
    """It gives nothing, and its time is wait; what comes later is not lost."""
    wire, stream, _, _ = connected()
    assert await wire.receive(0.0) is None
    assert set(wire._timeline.spent) == {Phase.WAIT}
    assert wire._timeline.interrupted is None
    stream.data_received(b"* 4 EXISTS\r\n")
    assert await wire.receive(0.0) == b"* 4 EXISTS\r\n"


async def test_a_hold_ends_with_the_news() -> None:
    """Its time is wait; bytes after it are received."""
    wire, stream, _, clock = connected()
    holding = asyncio.create_task(wire.receive(60.0))
    await asyncio.sleep(0)
    clock.now = 107.0
    stream.data_received(b"* 4 EXISTS\r\n")
    clock.now = 200.0
    assert await holding == b"* 4 EXISTS\r\n"
    clock.now = 201.0
    stream.eof_received()
    assert await wire.receive() == b""
    assert wire._timeline.spent == {Phase.WAIT: 7.0, Phase.RECEIVE: 94.0}


async def test_a_reset_during_a_hold_is_a_fault() -> None:
    """The held channel is lost, and the phase says when."""
    wire, stream, _, _ = connected()
    holding = asyncio.create_task(wire.receive(60.0))
    await asyncio.sleep(0)
    stream.connection_lost(ConnectionResetError(104, "reset"))
    with Raised() as raised:
        await holding
    assert raised.error.fault.kind is kinds.PEER_RESET
    assert raised.error.fault.phase is Phase.WAIT


@pytest.mark.parametrize(("greeted", "kind"), [(False, kinds.NO_ANSWER), (True, kinds.ANSWER_STALLED)])
async def test_silence_beyond_the_limit_is_a_fault(greeted: bool, kind: kinds.Kind) -> None:
    """Before the first byte nobody answered, after it the answer stalled."""
    wire, stream, _, _ = connected(limits=PhaseLimits(wait=0.01, receive=0.01))
    if greeted:
        stream.data_received(b"* OK")
        await wire.receive()
    with Raised() as raised:
        await wire.receive()
    assert raised.error.fault.kind is kind


async def test_a_peer_that_takes_nothing_stalls_the_sending() -> None:
    """The send phase has a limit of its own, and an exact end."""
    wire, _, cable, clock = connected(takes=1, limits=PhaseLimits(send=0.01))
    with Raised() as raised:
        await wire.send(b"a1 NOOP\r\n")
    assert raised.error.fault.kind is kinds.SEND_STALLED
    wire, _, cable, clock = connected(takes=1)
    sending = asyncio.create_task(wire.send(b"a1 NOOP\r\n"))
    await until(lambda: cable.left > 0)
    clock.now = 103.0
    cable.drain()
    await sending
    assert wire._timeline.spent == {Phase.SEND: 3.0}


async def test_closing_a_wire_closes_its_connection() -> None:
    """Without waiting for anybody."""
    wire, _, cable, _ = connected()
    fits: Wire = wire
    await fits.close()
    assert cable.closed


def test_starttls_goes_on_under_tls(run: Run, pki: Pki) -> None:
    """What follows is encrypted, verified, and measured as a TLS phase of its own."""

    async def imap(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        assert await peer.reader.readline() == b"a1 STARTTLS\r\n"
        await peer.say(b"a1 OK begin\r\n")
        await peer.writer.start_tls(pki.good.server())
        assert await peer.reader.readline() == b"a2 CAPABILITY\r\n"
        await peer.say(b"a2 OK\r\n")
        await peer.gone()

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(imap) as server, session(route(pki), timeline) as tx:
            wire = await tx.dial(f"imap://mail.test:{server.port}")
            assert await wire.receive() == b"* OK ready\r\n"
            await wire.send(b"a1 STARTTLS\r\n")
            assert await wire.receive() == b"a1 OK begin\r\n"
            assert Phase.TLS not in timeline.spent
            await wire.start_tls()
            assert Phase.TLS in timeline.spent
            assert timeline.certificate is not None
            assert timeline.facts["tls_version"] == "TLSv1.3"
            await wire.send(b"a2 CAPABILITY\r\n")
            assert await wire.receive() == b"a2 OK\r\n"

    run(scenario())


def test_words_slipped_in_before_the_handshake_are_refused(run: Run, pki: Pki) -> None:
    """Somebody between us may have written them (RFC 9051 section 11.1)."""

    async def imap(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        await peer.reader.readline()
        await peer.say(b"a1 OK begin\r\n")
        await peer.say(b"a2 OK CAPABILITY injected\r\n")
        await peer.gone()

    async def scenario() -> None:
        async with serving(imap) as server, session(route(pki)) as tx:
            wire = await tx.dial(f"imap://mail.test:{server.port}")
            await wire.receive()
            await wire.send(b"a1 STARTTLS\r\n")
            said = await wire.receive()
            stream = wire._stream
            if said == b"a1 OK begin\r\n":
                await until(lambda: stream.pending)
                with Raised() as raised:
                    await wire.start_tls()
                assert raised.error.fault.kind is kinds.BAD_REPLY
                assert raised.error.fault.phase is Phase.TLS
            else:
                assert said == b"a1 OK begin\r\na2 OK CAPABILITY injected\r\n", "the framer refuses these"

    run(scenario())


def test_a_certificate_refused_at_starttls_is_read_all_the_same(run: Run, pki: Pki) -> None:
    """And the connection is closed."""

    async def imap(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        await peer.writer.start_tls(pki.expired.server())

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(imap) as server, session(route(pki), timeline) as tx:
            wire = await tx.dial(f"imap://mail.test:{server.port}")
            await wire.receive()
            with Raised() as raised:
                await wire.start_tls()
            assert raised.error.fault.kind is kinds.TLS_EXPIRED
            assert timeline.certificate is not None
            assert timeline.certificate.not_after == pki.expired.not_after.timestamp()

    run(scenario())


def test_a_silent_server_is_caught_before_its_greeting(run: Run, pki: Pki) -> None:
    """Over a real connection too."""

    async def scenario() -> None:
        limits = PhaseLimits(wait=0.05)
        async with serving(silent, pki.good.server()) as server, session(route(pki, limits=limits)) as tx:
            wire = await tx.dial(f"imaps://mail.test:{server.port}")
            with Raised() as raised:
                await wire.receive()
            assert raised.error.fault.kind is kinds.NO_ANSWER

    run(scenario())
