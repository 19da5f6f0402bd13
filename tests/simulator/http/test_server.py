"""Bytes in, bytes out: what the server sends is read here from the raw socket, or by clients nobody here wrote."""

import http.client
import os
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Broken, CutOff, Reply, Request
from prober.simulator.http.server import MAX_HEADER
from prober.simulator.service import Errand, Premises
from tests.simulator.doorway import Doorway, doorway

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


class Echo:
    """Says what it was asked."""

    name = "site"

    def __init__(self, premises: Premises) -> None:
        self._tenant = premises.tenant

    def errand(self, request: Request) -> Errand:
        return Errand()

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        if request.path == "/crash":
            raise RuntimeError("a bug of the service")
        if request.path == "/stream":
            return Reply(200, (), pieces())
        return Reply(200, (("X-Seen", f"{request.method} {request.path} {len(request.body)}"),), request.body)

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        return Reply(status or 429)


async def pieces() -> AsyncIterator[bytes]:
    for piece in (b"one,", b"", b"two,", b"three"):
        yield piece


async def cut_off() -> AsyncIterator[bytes]:
    yield b"one,"
    raise CutOff


@pytest.fixture(scope="module")
def way(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorway]:
    with doorway(tmp_path_factory.mktemp("doorway"), Echo) as opened:
        yield opened


def trusting(ca_file: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca_file))


@pytest.fixture
def client(way: Doorway) -> Iterator[http.client.HTTPSConnection]:
    connection = http.client.HTTPSConnection("localhost", way.port, context=trusting(way.ca_file), timeout=10)
    yield connection
    connection.close()


@pytest.fixture
def raw(way: Doorway) -> Iterator[ssl.SSLSocket]:
    with (
        socket.create_connection(("127.0.0.1", way.port), 10) as plain,
        trusting(way.ca_file).wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        yield secure


def test_one_connection_answers_one_request_after_the_other(client: http.client.HTTPSConnection) -> None:
    """Keep-alive, with the body of each kept apart."""
    for body in (b"first", b"", b"x" * 100_000):
        client.request("POST", "/a%20b?c=d", body)
        reply = client.getresponse()
        assert (reply.status, reply.getheader("X-Seen")) == (200, f"POST /a b {len(body)}")
        assert reply.read() == body


def test_a_stream_goes_out_in_chunks(client: http.client.HTTPSConnection) -> None:
    """Each piece as a chunk of its own; an empty one is not the end."""
    client.request("GET", "/stream")
    reply = client.getresponse()
    assert reply.getheader("Transfer-Encoding") == "chunked"
    assert reply.read() == b"one,two,three"


def test_pipelined_requests_are_answered_in_order(raw: ssl.SSLSocket) -> None:
    """Two in one segment, two replies."""
    raw.sendall(b"GET /one HTTP/1.1\r\nHost: x\r\n\r\nGET /two HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.index(b"GET /one 0") < answer.index(b"GET /two 0")


def test_a_client_that_expects_leave_to_go_on_gets_it(raw: ssl.SSLSocket) -> None:
    """RFC 9110 section 10.1.1."""
    raw.sendall(b"POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert raw.recv(65536).startswith(b"HTTP/1.1 100 ")
    raw.sendall(b"ok")
    assert raw.recv(65536).startswith(b"HTTP/1.1 200 ")


TOO_LONG = b"X" * (MAX_HEADER + 1)
"""By its last byte: what was still to be sent when the server has enough would meet a connection that is gone."""


@pytest.mark.parametrize("garbage", [b"\x16\x03\x01 nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", TOO_LONG])
def test_what_is_not_http_is_refused(raw: ssl.SSLSocket, garbage: bytes) -> None:
    """With a 4xx, and the connection ends."""
    raw.sendall(garbage)
    answer = b"".join(iter(lambda: raw.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 4")


def test_a_bug_in_a_service_is_a_500_and_nothing_more(client: http.client.HTTPSConnection) -> None:
    """No traceback leaves, and the connection goes on."""
    client.request("GET", "/crash")
    reply = client.getresponse()
    assert (reply.status, reply.read()) == (500, b"")
    client.request("GET", "/fine")
    assert client.getresponse().status == 200


@pytest.mark.parametrize(
    ("after", "sent"),
    [("nothing", b""), ("headers", b"HTTP/1.1 200"), ("body", b"\r\n\r\nfive-"), (17, b"HTTP/1.1 200 \r\nCo")],
)
def test_a_reply_breaks_off_where_it_is_told_to(
    way: Doorway, raw: ssl.SSLSocket, after: int | str, sent: bytes
) -> None:
    """And then there is silence, on a connection that stays open."""
    with answering(way, Broken(Reply(200, (), b"five-bytes"), after)):
        raw.settimeout(0.3)
        raw.sendall(REQUEST)
        got, ended = read_all(raw)
    assert got.endswith(sent) if after == "body" else got.startswith(sent)
    assert len(got) < 80
    assert ended is TimeoutError


@pytest.mark.parametrize(("then", "error"), [("silence", TimeoutError), ("reset", ConnectionResetError)])
@pytest.mark.parametrize("after", ["nothing", "headers", "body", 17])
def test_what_comes_then_is_what_the_system_reports(
    way: Doorway, raw: ssl.SSLSocket, after: int | str, then: str, error: type[BaseException]
) -> None:
    """Read beneath TLS, which would take one end of the stream for another."""
    with answering(way, Broken(Reply(200, (), b"five-bytes"), after, then)):
        raw.sendall(REQUEST)
        with socket.socket(fileno=os.dup(raw.fileno())) as beneath:
            beneath.settimeout(0.3)
            assert read_all(beneath)[1] is error


def test_a_reply_may_break_off_in_good_order(way: Doorway, raw: ssl.SSLSocket) -> None:
    """With the end of the TLS stream: what a server does that closes a long poll early."""
    with answering(way, Broken(Reply(), "nothing", "close")):
        raw.sendall(REQUEST)
        assert read_all(raw) == (b"", None)


@pytest.mark.parametrize(
    ("after", "sent"),
    [("nothing", b""), ("headers", b"HTTP/1.1 200"), ("body", b"\r\n\r\n4\r\none,\r\n"), (17, b"HTTP/1.1 200 \r\nTr")],
)
def test_a_stream_breaks_off_where_it_is_told_to(
    way: Doorway, raw: ssl.SSLSocket, after: int | str, sent: bytes
) -> None:
    """Half of it is its first piece, as nobody knows where it will end."""
    with answering(way, Broken(Reply(200, (), pieces()), after)):
        raw.settimeout(0.3)
        raw.sendall(REQUEST)
        got, ended = read_all(raw)
    assert got.endswith(sent) if after == "body" else got.startswith(sent)
    assert b"two" not in got
    assert ended is TimeoutError


def test_a_stream_may_be_cut_off_by_its_service(way: Doorway, raw: ssl.SSLSocket) -> None:
    """In good order on the connection, and without the chunk that would end the reply."""
    with answering(way, Reply(200, (), cut_off())):
        raw.sendall(REQUEST)
        got, ended = read_all(raw)
    assert got.endswith(b"\r\n\r\n4\r\none,\r\n")
    assert ended is None


def read_all(raw: socket.socket) -> tuple[bytes, type[BaseException] | None]:
    """Read to the end; return the bytes, and the error that ended it."""
    got = b""
    try:
        while piece := raw.recv(65536):
            got += piece
    except OSError as exc:
        return got, type(exc)
    return got, None


class answering:  # noqa: N801 - reads as a statement
    """Let the tenant answer with `reply` for the length of a block."""

    def __init__(self, way: Doorway, reply: Reply | Broken) -> None:
        self._echo, self._reply = way.service, reply

    def __enter__(self) -> None:
        async def answer(request: Request, fault: Fault | None) -> Reply | Broken:
            return self._reply

        self._echo.answer = answer  # type: ignore[method-assign]  # the point of it

    def __exit__(self, *_: object) -> None:
        del self._echo.answer
