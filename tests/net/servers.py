"""Servers that do exactly what a test says, byte by byte, on a free port of 127.0.0.1."""

import asyncio
import os
import socket
import ssl
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import cast

from prober.simulator.ground.addresses import pair

Handler = Callable[["Peer"], Awaitable[None]]


class Peer:
    """The server's end of one connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def request(self) -> bytes:
        """Read one HTTP request, head and body."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                return head + await self.reader.readexactly(int(value))
        return head

    async def say(self, data: bytes) -> None:
        """Write and flush."""
        self.writer.write(data)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the client has ended the connection, reading what it still says."""
        try:
            while await self.reader.read(65_536):
                pass
        except (ConnectionError, ssl.SSLError):
            pass

    def finish(self) -> None:
        """Send FIN, after whatever was said."""
        self.writer.write_eof()

    def reset(self) -> None:
        """Send RST."""
        plain: socket.socket = self.writer.get_extra_info("socket")
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


class Server:
    """A listening server: its port, how many connections it has seen, and from where."""

    def __init__(self, handler: Handler) -> None:
        self.port = 0
        self.connections = 0
        self.seen: list[str] = []
        self.errors: list[BaseException] = []
        self._handler = handler
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run the handler for one connection."""
        self.connections += 1
        self.seen.append(writer.get_extra_info("peername")[0])
        task = asyncio.ensure_future(self._serve(Peer(reader, writer)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(lambda _: writer.close())  # also of one that never began

    async def _serve(self, peer: Peer) -> None:
        try:
            await self._handler(peer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass  # the client under test may leave at any byte
        except Exception as exc:  # noqa: BLE001 - shown by the test that owns this server
            self.errors.append(exc)

    async def stop(self) -> None:
        """End what still runs."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@asynccontextmanager
async def serving(
    handler: Handler,
    tls: ssl.SSLContext | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    sock: socket.socket | None = None,
) -> AsyncIterator[Server]:
    """Serve connections with `handler`, over TLS when a context is given, on `sock` or at `host` and `port`."""
    server = Server(handler)
    if sock is None:
        listening = await asyncio.start_server(server.accept, host, port, ssl=tls)
    else:
        listening = await asyncio.start_server(server.accept, sock=sock, ssl=tls)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.stop()
        for _ in range(3):  # a connection that came in the last moment is still to be let go of
            await asyncio.sleep(0)
    assert server.errors == []


def answering(*replies: bytes) -> Handler:
    """Return a handler that answers one request after the other with `replies`, then waits for the client to go."""

    async def handler(peer: Peer) -> None:
        for reply in replies:
            await peer.request()
            await peer.say(reply)
        await peer.gone()

    return handler


def refusing_handshake(context: ssl.SSLContext) -> Handler:
    """Return a handler that shakes hands by hand, so that its alert is sent: asyncio's own server swallows it."""

    async def handler(peer: Peer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)
        while data := await peer.reader.read(65_536):
            incoming.write(data)
            try:
                tls.do_handshake()
            except ssl.SSLWantReadError:
                await peer.say(outgoing.read())
            except ssl.SSLError:
                await peer.say(outgoing.read())
                break
        peer.finish()
        await peer.gone()

    return handler


def relay(port: int) -> Handler:
    """Return a proxy that takes any CONNECT, and connects with `port` of this machine."""

    async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
        sink.close()

    async def handler(peer: Peer) -> None:
        assert (await peer.request()).startswith(b"CONNECT ")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        await peer.say(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(pump(peer.reader, writer), pump(reader, peer.writer))
        finally:
            writer.close()

    return handler


async def silent(peer: Peer) -> None:
    """Take everything, say nothing."""
    await peer.gone()


def has_ipv6() -> bool:
    """Return whether this machine can listen on ::1."""
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


@asynccontextmanager
async def full_backlog() -> AsyncIterator[int]:
    """Give a port whose connections are never completed: the queue of its listener is full."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    port: int = listener.getsockname()[1]
    fillers = []
    try:
        for _ in range(4):
            filler = socket.socket()
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
            fillers.append(filler)
        yield port
    finally:
        for one in (*fillers, listener):
            one.close()


def descriptors() -> set[str]:
    """Return the open file descriptors of this process that are sockets."""
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - links of a process, not a folder of files
        try:
            target = os.readlink(f"/proc/self/fd/{name}")  # noqa: PTH115 - as above
        except OSError:
            continue
        if target.startswith("socket:"):
            found.add(f"{name} {target}")
    return found


async def until(holds: Callable[[], bool], turns: int = 20_000) -> None:
    """Let the loop turn until something holds; fail when it never does."""
    for _ in range(turns):
        if holds():
            return
        await asyncio.sleep(0)
    raise AssertionError("it never came to hold")


class NameServer(asyncio.DatagramProtocol):
    """A DNS server over UDP that gives one fixed kind of answer (RFC 1035), written as bytes.

    `rcode` is the response code; `a` and `aaaa` are the addresses it knows for every name; `silent` says nothing;
    `truncated` says over UDP that there is more to be had over TCP (section 4.2.2), where it answers in full.
    """

    def __init__(self) -> None:
        self.rcode = 0
        self.silent = False
        self.truncated = False
        self.a: tuple[str, ...] = ()
        self.aaaa: tuple[str, ...] = ()
        self.questions: list[str] = []
        self._transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        answer = self.answer(data, cut=self.truncated)
        if not self.silent and self._transport is not None:
            self._transport.sendto(answer, addr)

    async def over_tcp(self, peer: "Peer") -> None:
        """Answer questions with two bytes of length before each."""
        while size := await peer.reader.readexactly(2):
            answer = self.answer(await peer.reader.readexactly(int.from_bytes(size)), cut=False)
            await peer.say(len(answer).to_bytes(2) + answer)

    def answer(self, data: bytes, *, cut: bool) -> bytes:
        """Return the answer to one question, without its records when `cut`."""
        end = data.index(b"\0", 12) + 5
        question = data[12:end]
        (kind,) = struct.unpack("!H", question[-4:-2])
        self.questions.append(_name(question))
        answers = b""
        known = {1: (socket.AF_INET, self.a), 28: (socket.AF_INET6, self.aaaa)}.get(kind, (socket.AF_INET, ()))
        for address in known[1] if self.rcode == 0 and not cut else ():
            packed = socket.inet_pton(known[0], address)
            answers += b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(packed)) + packed
        flags = 0x8180 | self.rcode | (0x0200 if cut else 0)
        return data[:2] + struct.pack("!HHHHH", flags, 1, len(known[1]) if answers else 0, 0, 0) + question + answers


def _name(question: bytes) -> str:
    labels, at = [], 0
    while size := question[at]:
        labels.append(question[at + 1 : at + 1 + size].decode())
        at += 1 + size
    return ".".join(labels)


@asynccontextmanager
async def name_server() -> AsyncIterator[tuple[NameServer, str]]:
    """Run a name server on UDP and TCP; give it and its address for `Route.resolver`."""
    server = NameServer()
    datagrams, streams = pair()
    async with serving(server.over_tcp, sock=streams) as tcp:
        udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: server, sock=datagrams)
        try:
            yield server, f"127.0.0.1:{tcp.port}"
        finally:
            udp.close()
            await asyncio.sleep(0)
