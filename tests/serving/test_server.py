"""The pages on a real socket: TLS that is renewed, client certificates, and what a stranger may send."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvloop
from starlette.types import ASGIApp, Receive, Scope, Send

from prober.listen import bind
from prober.serving import server as module
from prober.serving.guard import Guard
from prober.serving.keeper import Keeper
from prober.serving.server import HEAD, WebServer
from tests.net.certificates import Pki
from tests.net.conftest import Run
from tests.net.servers import until
from tests.serving.made import HASH, PASSWORD, written

ENOUGH = 20


@pytest.fixture(scope="module")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture(params=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run on each kind of loop: they make TLS connections each in its own way."""
    factory = asyncio.new_event_loop if request.param == "asyncio" else uvloop.new_event_loop

    def runner(scenario: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=factory) as loop:
            loop.run(scenario)

    return runner


async def page(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the path."""
    body = scope["path"].encode()
    fields = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": fields})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def serving(keeper: Keeper | None = None, app: ASGIApp = page) -> AsyncIterator[int]:
    """Serve on a free port; give the port."""
    sockets = bind(["127.0.0.1:0"])
    server = WebServer(Guard(app, keeper.current if keeper else lambda: None), keeper)
    task = asyncio.create_task(server.serve(sockets))
    await until(lambda: server.started)
    try:
        yield sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await asyncio.wait_for(task, ENOUGH)
        for one in sockets:
            one.close()


def trusting(pki: Pki, certificate: str | None = None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=pki.ours.file)
    if certificate is not None:
        context.load_cert_chain(certificate)
    return context


async def shown(port: int, context: ssl.SSLContext) -> bytes:
    """Return the certificate that a new connection is shown."""
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
    found = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    writer.close()
    await writer.wait_closed()
    return bytes(found)


def test_a_renewed_certificate_is_served_without_a_restart(run: Run, tmp_path: Path, pki: Pki) -> None:
    """The next connection gets it; one that stands goes on."""
    own = tmp_path / "own.pem"
    own.write_bytes(Path(pki.good.file).read_bytes())
    renewed = pki.ours.leaf("renewed", "localhost", "127.0.0.1")
    content = Path(renewed.file).read_bytes()

    async def scenario() -> None:
        keeper = Keeper(written(tmp_path, "tls_server_config: {cert_file: own.pem, key_file: own.pem}"))
        async with serving(keeper) as port, httpx.AsyncClient(verify=trusting(pki)) as client:
            url = f"https://127.0.0.1:{port}/"
            assert (await client.get(url)).status_code == 200
            assert await shown(port, trusting(pki)) == pki.good.der
            own.write_bytes(content)
            assert await shown(port, trusting(pki)) == renewed.der
            own.write_bytes(b"torn")
            assert await shown(port, trusting(pki)) == renewed.der
            assert (await client.get(url)).status_code == 200

    run(scenario())


def test_client_certificates_are_asked_for_and_looked_at(run: Run, tmp_path: Path, pki: Pki) -> None:
    """None and a foreign one are turned away in the handshake; of ours, only the name that is allowed comes in."""
    named = pki.ours.leaf("prometheus", "prometheus.test")
    other = pki.ours.leaf("stranger", "stranger.test")
    text = (
        f"tls_server_config: {{cert_file: {pki.good.file}, key_file: {pki.good.file}, client_ca_file: {pki.ours.file},"
        " client_auth_type: RequireAndVerifyClientCert, client_allowed_sans: [prometheus.test]}"
    )

    async def asked(port: int, certificate: str | None) -> int:
        async with httpx.AsyncClient(verify=trusting(pki, certificate)) as client:
            return (await client.get(f"https://127.0.0.1:{port}/")).status_code

    async def scenario() -> None:
        async with serving(Keeper(written(tmp_path, text))) as port:
            assert await asked(port, named.file) == 200
            assert await asked(port, other.file) == 403
            for refused in (None, pki.unknown.file):
                with pytest.raises(httpx.TransportError):
                    await asked(port, refused)

    run(scenario())


def test_users_and_versions_of_tls(run: Run, tmp_path: Path, pki: Pki) -> None:
    """Right and wrong passwords over TLS; a client that is too old gets no connection; plain HTTP gets no answer."""
    text = (
        f"tls_server_config: {{cert_file: {pki.good.file}, key_file: {pki.good.file}, min_version: TLS13}}\n"
        f"basic_auth_users: {{alice: {HASH}}}\n"
    )

    async def scenario() -> None:
        async with serving(Keeper(written(tmp_path, text))) as port:
            url = f"https://127.0.0.1:{port}/x"
            async with httpx.AsyncClient(verify=trusting(pki)) as client:
                assert (await client.get(url, auth=("alice", PASSWORD))).text == "/x"
                assert (await client.get(url, auth=("alice", "wrong"))).status_code == 401
                assert (await client.get(url)).status_code == 401
            old = trusting(pki)
            old.maximum_version = ssl.TLSVersion.TLSv1_2
            async with httpx.AsyncClient(verify=old) as client:
                with pytest.raises(httpx.TransportError):
                    await client.get(url)
            async with httpx.AsyncClient() as client:
                with pytest.raises(httpx.TransportError):
                    await client.get(f"http://127.0.0.1:{port}/")

    run(scenario())


async def sent(port: int, *pieces: bytes) -> bytes:
    """Send bytes as they are and return all that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        return await asyncio.wait_for(reader.read(), ENOUGH)
    except ConnectionError:
        return b""
    finally:
        writer.close()


CLOSE = b"Host: localhost\r\nConnection: close\r\n"
LONG = b"X: " + b"y" * HEAD + b"\r\n"


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"GET /a HTTP/1.1\r\n" + CLOSE + b"\r\n", b"200"),
        (b"HEAD /a HTTP/1.1\r\n" + CLOSE + b"\r\n", b"200"),
        (b"GET /a HTTP/1.1\r\n" + LONG + CLOSE + b"\r\n", b"431"),
        (b"GET /" + b"a" * HEAD + b" HTTP/1.1\r\n" + CLOSE + b"\r\n", b"431"),
        (b"GET /a HTTP/1.1\r\n" + LONG, b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01", b"400"),
        (b"GET /a b HTTP/1.1\r\n\r\n", b"400"),
        (b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: 99999999\r\n\r\n", b"413"),
        (b"POST / HTTP/1.1\r\n" + CLOSE + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", b"400"),
        (b"GET http://other.example/probe HTTP/1.1\r\n" + CLOSE + b"\r\n", b"200"),
    ],
)
async def test_what_a_stranger_may_send(request_bytes: bytes, status: bytes) -> None:
    """Each gets an answer or its connection closed; the next one is served as ever."""
    async with serving() as port:
        assert (await sent(port, request_bytes))[9:12] == status
        assert (await sent(port, b"GET /next HTTP/1.1\r\n" + CLOSE + b"\r\n")).endswith(b"/next")


async def test_a_head_of_an_answer_has_no_body() -> None:
    """RFC 9110 section 9.3.2."""
    async with serving() as port:
        answer = await sent(port, b"HEAD /abc HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert answer.endswith(b"\r\n\r\n")
    assert b"content-length: 4" in answer
    assert b"nosniff" in answer


async def test_who_never_says_what_he_wants_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before his first request, and in the middle of any later one."""
    monkeypatch.setattr(module, "PATIENCE", 0.05)
    async with serving() as port:
        assert await sent(port) == b""
        assert await sent(port, b"GET / HT") == b""
        kept = b"GET /first HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert (await sent(port, kept, b"GET /second HT")).endswith(b"/first")


async def test_pipelined_requests_are_answered_in_order() -> None:
    """The bound is on each head, not on what a connection brings in all."""
    one = b"GET /%d HTTP/1.1\r\nHost: localhost\r\nX: " + b"y" * 5000 + b"\r\n"
    async with serving() as port:
        answer = await sent(port, *(one % n + b"\r\n" for n in range(5)), b"GET /last HTTP/1.1\r\n" + CLOSE + b"\r\n")
    assert answer.count(b"200 OK") == 6
    assert answer.endswith(b"/last")


async def test_a_forwarded_stranger_is_no_neighbour() -> None:
    """A proxy on this machine that says whom it speaks for makes nobody a loopback peer."""
    async with serving() as port:
        near = await sent(port, b"GET /config HTTP/1.1\r\n" + CLOSE + b"\r\n")
        far = await sent(port, b"GET /config HTTP/1.1\r\n" + CLOSE + b"X-Forwarded-For: 192.0.2.9\r\n\r\n")
    assert (near[9:12], far[9:12]) == (b"200", b"403")


async def test_signals_are_left_alone() -> None:
    """They are the prober's."""
    with WebServer(page).capture_signals():
        assert socket.gethostname()
