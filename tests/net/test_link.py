"""A socket of our own, over real sockets on each kind of event loop."""

import asyncio
import errno
import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from prober.exchange import Call
from prober.net import connect
from prober.net.arrivals import SO_TIMESTAMPNS_NEW, Arrivals, KernelNotes, Note
from prober.net.link import READ, SocketLink, open_link
from prober.net.network import Network
from prober.net.stream import Chunk, Stream
from prober.net.watch import LoopWatcher, Watch
from prober.timeline import Timeline
from prober.vocabulary import Phase
from tests.net.certificates import Pki
from tests.net.clocks import Clock
from tests.net.conftest import Run
from tests.net.made import OK, Raised, route, session
from tests.net.servers import answering, descriptors, full_backlog, serving, until
from tests.net.test_arrivals import needs_linux, noting

NOBODY = "127.0.0.2"  # this machine too, but no test listens there


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Give a socket that listens and is served by hand."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def port_of(listening: socket.socket) -> int:
    found: int = listening.getsockname()[1]
    return found


def test_it_stands_before_anybody_runs_who_waited_for_it(run: Run, listening: socket.socket) -> None:
    """The stream knows the moment and the address, and what comes is read."""

    async def scenario() -> None:
        stream = Stream(Clock(100.0))
        link = open_link(Watch(), stream, "127.0.0.1", port_of(listening), 5.0, "127.0.0.3")
        assert stream.gone
        await link
        assert stream.opened_at == 100.0
        with listening.accept()[0] as peer:
            assert peer.getpeername()[0] == "127.0.0.3"
            assert link.peer == stream.address == "127.0.0.1"
            peer.sendall(b"hello")
            assert await stream.receive() == Chunk(b"hello", 100.0)
            link.close()
            assert peer.recv(1) == b""
        assert stream.address == ""

    run(scenario())


def test_what_the_kernel_says_comes_with_its_number(run: Run, closed_port: int) -> None:
    """At once or later; nothing is left open."""

    async def scenario() -> None:
        before = descriptors()
        with pytest.raises(ConnectionRefusedError):
            await open_link(Watch(), Stream(Clock()), "127.0.0.1", closed_port, 5.0)
        with pytest.raises(OSError, match=f"^.Errno {errno.EADDRNOTAVAIL}. "):
            open_link(Watch(), Stream(Clock()), "127.0.0.1", closed_port, 5.0, "192.0.2.1")
        assert descriptors() == before

    run(scenario())


def test_silence_ends_at_the_limit(run: Run) -> None:
    """With a time-out that has no number; nothing is left open."""

    async def scenario() -> None:
        async with full_backlog() as port:
            before = descriptors()
            with pytest.raises(TimeoutError) as raised:
                await open_link(Watch(), Stream(Clock()), "127.0.0.1", port, 0.01)
            assert raised.value.errno is None
            assert descriptors() == before

    run(scenario())


def test_giving_up_closes_the_socket(run: Run) -> None:
    """Before the cancelled call returns; the stream never hears of it."""

    async def scenario() -> None:
        async with full_backlog() as port:
            before, stream = descriptors(), Stream(Clock())
            link = open_link(Watch(), stream, "127.0.0.1", port, 5.0)

            async def waiting() -> None:
                await link

            task = asyncio.create_task(waiting())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()
            assert descriptors() == before
            assert stream.gone
            assert not stream.truncated

    run(scenario())


async def connected(listening: socket.socket) -> tuple[Stream, SocketLink, socket.socket]:
    """Return both ends."""
    stream = Stream(Clock())
    link = open_link(Watch(), stream, "127.0.0.1", port_of(listening), 5.0)
    await link
    peer, _ = listening.accept()
    peer.setblocking(False)
    return stream, link, peer


def test_what_the_kernel_does_not_take_waits_and_keeps_its_order(run: Run, listening: socket.socket) -> None:
    """The sender is told when all of it is gone."""
    much = bytes(range(256)) * 65_536

    async def scenario() -> None:
        stream, link, peer = await connected(listening)
        with peer:
            sending = asyncio.create_task(stream.send(much))
            await until(lambda: len(link._unsent) > 0)
            link.write(b"the end")
            came = bytearray()
            while len(came) < len(much) + 7:
                came += await asyncio.get_running_loop().sock_recv(peer, 1 << 20)
            await sending
            assert came == much + b"the end"
            assert len(link._unsent) == 0
            stream.close()

    run(scenario())


def segments(connection: socket.socket) -> int:
    """Return how many packets the kernel has had from the peer (`tcpi_segs_in` of Linux' tcp.h)."""
    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 144)
    found: int = struct.unpack_from("=I", information, 140)[0]
    return found


@needs_linux
def test_the_last_words_go_out_with_the_end(run: Run, listening: socket.socket) -> None:
    """One packet instead of two, by the count of the peer's kernel."""

    async def scenario() -> None:
        _, link, peer = await connected(listening)
        with peer:
            before = segments(peer)
            link.close(b"bye")
            loop = asyncio.get_running_loop()
            assert await loop.sock_recv(peer, 8) == b"bye"
            assert await loop.sock_recv(peer, 8) == b""
            assert segments(peer) == before + 1

    run(scenario())


def test_last_words_that_nobody_takes_are_dropped(run: Run, listening: socket.socket) -> None:
    """The peer has reset the connection, or its kernel and ours are full: closing is closing."""

    async def scenario() -> None:
        before = descriptors()
        stream, link, peer = await connected(listening)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        peer.close()
        link.close(b"bye")
        assert stream.gone
        stream, link, peer = await connected(listening)
        with peer:
            link.write(bytes(8 << 20))
            link.close(b"bye")
            assert stream.gone
            came = b""
            loop = asyncio.get_running_loop()
            while more := await loop.sock_recv(peer, 1 << 20):
                came += more.lstrip(b"\0")
            assert came == b""
        assert descriptors() == before

    run(scenario())


@pytest.mark.parametrize("much", [0, 8 << 20])
def test_closing_is_over_at_once(run: Run, listening: socket.socket, much: int) -> None:
    """Whatever is unsent, the socket goes, the stream is told once, and nothing more is read or written."""

    async def scenario() -> None:
        before = descriptors()
        stream, link, peer = await connected(listening)
        with peer:
            link.write(bytes(much))
            assert (len(link._unsent) > 0) is (much > 0)
            link.close()
            assert stream.gone
            link.write(b"too late")
            link.resume_reading()
            link.close()
            assert link._wanted == 0
        assert descriptors() == before

    run(scenario())


def test_a_pause_leaves_bytes_to_the_kernel(run: Run, listening: socket.socket) -> None:
    """They come when reading goes on, as much as one read takes at once."""

    async def scenario() -> None:
        stream, link, peer = await connected(listening)
        with peer:
            link.pause_reading()
            peer.send(bytes(READ + 1))
            for _ in range(3):
                await asyncio.sleep(0)
            assert not stream.pending
            link.resume_reading()
            assert len((await stream.receive()).data) == READ
            assert len((await stream.receive()).data) == 1
            stream.close()

    run(scenario())


def test_an_end_is_told_and_still_lets_us_speak(run: Run, listening: socket.socket) -> None:
    """A FIN closes one way only; it is told once and wakes nobody any more."""

    async def scenario() -> None:
        stream, link, peer = await connected(listening)
        with peer:
            peer.shutdown(socket.SHUT_WR)
            assert (await stream.receive()).data == b""
            assert link._wanted == 0
            await stream.send(b"goodbye")
            assert await asyncio.get_running_loop().sock_recv(peer, 100) == b"goodbye"
            stream.close()

    run(scenario())


@pytest.mark.parametrize("writing", [True, False])
def test_a_reset_is_told_with_its_number(run: Run, listening: socket.socket, *, writing: bool) -> None:
    """To who reads and to who writes."""

    async def scenario() -> None:
        stream, link, peer = await connected(listening)
        if writing:
            link.pause_reading()
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        peer.close()
        if writing:
            link.write(b"x")
        await until(lambda: stream.gone)
        with Raised() as raised:
            await stream.receive()
        assert raised.error.fault.evidence["errno"] in ("ECONNRESET", "EPIPE")

    run(scenario())


# With the kernel's notes.


class Told:
    """A socket that gives what it was told to, and then nothing."""

    def __init__(self, *given: tuple[bytes, list[tuple[int, int, bytes]]]) -> None:
        self._given = list(given)

    def recvmsg(self, _size: int, _room: int) -> tuple[bytes, list[tuple[int, int, bytes]], int, None]:
        if not self._given:
            raise BlockingIOError
        return (*self._given.pop(0), 0, None)

    def fileno(self) -> int:
        return -1


class Nobody(LoopWatcher):
    """Watches nothing."""

    def add(self, number: int, events: int, watched: object) -> None:
        """Do nothing."""


async def test_what_came_has_the_kernels_moment_however_late_it_is_read() -> None:
    """Read half a microsecond later than the connection stood, 250 ns after it came; without a note, when read."""
    wall = 1_000_000_000
    heard: list[Note] = []
    clock = Clock(100.0)
    stream = Stream(clock)
    noted = (socket.SOL_SOCKET, SO_TIMESTAMPNS_NEW, struct.pack("@qq", *divmod(wall - 250, 1_000_000_000)))
    told: Any = Told((b"first", [noted]), (b"second", []))
    watcher = Nobody(asyncio.get_running_loop())
    arrivals = Arrivals(clock, KernelNotes(heard.append, wall=lambda: wall))
    link = SocketLink(watcher, told, stream, "127.0.0.1", 5.0, arrivals)
    clock.now = 100.000_000_5
    for _ in range(3):
        link._readable()
    first = await stream.receive()
    assert first.data == b"first"
    assert first.at == pytest.approx(100.000_000_25, abs=2e-8)
    assert await stream.receive() == Chunk(b"second", 100.000_000_5)
    assert heard == ["used", "missing"]


@needs_linux
def test_a_way_out_with_kernel_timestamps_says_so_and_measures_all_phases(run: Run, pki: Pki) -> None:
    """Every reading has its note, and the step says whose moments it has; without the option nothing is said."""
    heard: list[Note] = []
    notes = noting()
    notes.noted = heard.append

    async def scenario() -> None:
        async with serving(answering(OK), pki.good.server()) as server:
            timeline = Timeline()
            network = Network(replace(route(pki), timestamps="kernel"), notes=notes)
            tx = network.session(timeline)
            assert (await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))).status == 200
            assert timeline.facts["timestamps"] == "kernel"
            assert set(timeline.spent) == {Phase.CONNECT, Phase.TLS, Phase.SEND, Phase.WAIT, Phase.RECEIVE}
            assert all(seconds >= 0 for seconds in timeline.spent.values())
            await tx.close()
            await network.close()

    run(scenario())
    assert heard.count("used") >= 2
    assert set(heard) == {"used"}
    notes.close()


async def test_where_the_system_offers_none_the_loop_tells_the_moments(
    pki: Pki, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As without the option; the step says that too."""
    monkeypatch.setattr(KernelNotes, "ask", lambda *_: False)
    monkeypatch.setattr(connect, "Arrivals", None)
    timeline = Timeline()
    way = replace(route(pki), timestamps="kernel")
    async with serving(answering(OK), pki.good.server()) as server, session(way, timeline) as tx:
        assert (await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))).status == 200
    assert timeline.facts["timestamps"] == "loop"


async def test_off_is_off(pki: Pki, monkeypatch: pytest.MonkeyPatch) -> None:
    """No note is asked for or looked at, and no step speaks of timestamps."""
    monkeypatch.setattr(connect, "Arrivals", None)
    monkeypatch.setattr(KernelNotes, "start", None)
    timeline = Timeline()
    async with serving(answering(OK), pki.good.server()) as server, session(route(pki), timeline) as tx:
        assert (await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))).status == 200
    assert "timestamps" not in timeline.facts
