"""httpx over our transport."""

from collections.abc import AsyncIterator

import httpx
import pytest

from prober.faults import taxonomy as kinds
from prober.net.network import Network
from prober.net.transport import HttpTransport, TransportFaultError
from prober.vocabulary import Phase
from tests.net.certificates import Pki
from tests.net.conftest import Run
from tests.net.made import route
from tests.net.servers import Peer, answering, descriptors, serving, until


def asking(pki: Pki) -> httpx.AsyncClient:
    """Return an httpx client on our transport."""
    return httpx.AsyncClient(transport=HttpTransport(Network(route(pki))))


def test_an_httpx_client_works_on_it(run: Run, pki: Pki) -> None:
    """Fields, body and cookies as httpx means them; phases beside the response."""
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(b"HTTP/1.1 201 Created\r\nSet-Cookie: a=b\r\nX-Y: z\r\nContent-Length: 2\r\n\r\n{}")
        await peer.gone()

    async def scenario() -> None:
        async with serving(handler, pki.good.server()) as server:
            before = descriptors()
            async with asking(pki) as client:
                reply = await client.post(f"https://mail.test:{server.port}/a?b=c", data={"d": "e"})
                assert (reply.status_code, reply.json(), reply.headers["X-Y"]) == (201, {}, "z")
                assert reply.cookies["a"] == "b"
                assert set(reply.extensions["phases"]) == set(Phase) - {Phase.DNS}
                await client.get(f"https://mail.test:{server.port}/")
            await until(lambda: descriptors() <= before)
            assert server.connections == 2, "no pool: one connection per request"
        head, _, body = seen[0].partition(b"\r\n\r\n")
        assert head.startswith(b"POST /a?b=c HTTP/1.1\r\nHost: mail.test:%d\r\n" % server.port)
        assert head.lower().count(b"content-length: 3") == 1
        assert body == b"d=e"
        assert b"Cookie: a=b" in seen[1]

    run(scenario())


def test_a_packed_body_is_unpacked_once(run: Run, pki: Pki) -> None:
    """httpx must not try again what is done."""

    async def scenario() -> None:
        packed = bytes.fromhex("1f8b08000000000002034b4c4a0600c241243503000000")  # gzip of "abc", RFC 1952
        reply = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed
        async with serving(answering(reply)) as server, asking(pki) as client:
            assert (await client.get(f"http://mail.test:{server.port}/")).content == b"abc"

    run(scenario())


def test_a_streamed_body_is_sent_whole(run: Run, pki: Pki) -> None:
    """With its length, since we know it by then."""
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(b"HTTP/1.1 204 No Content\r\n\r\n")
        await peer.gone()

    async def scenario() -> None:
        async def pieces() -> AsyncIterator[bytes]:
            yield b"one "
            yield b"two"

        async with serving(handler) as server, asking(pki) as client:
            own = {"Content-Encoding": "x-ours", "Accept-Encoding": "br"}
            await client.post(f"http://mail.test:{server.port}/", content=pieces(), headers=own)
        assert seen[0].endswith(b"Content-Length: 7\r\n\r\none two")
        assert b"chunked" not in seen[0]
        assert b"Content-Encoding: x-ours\r\n" in seen[0], "the sender's own coding is the sender's business"
        assert b"Accept-Encoding: gzip, deflate\r\n" in seen[0]
        assert b"br\r\n" not in seen[0]

    run(scenario())


def test_a_fault_is_an_error_of_httpx(run: Run, pki: Pki, closed_port: int) -> None:
    """Who catches httpx's errors catches it, and may ask for the fault."""

    async def scenario() -> None:
        before = descriptors()
        async with asking(pki) as client:
            with pytest.raises(httpx.TransportError) as raised:
                await client.get(f"https://mail.test:{closed_port}/")
        assert isinstance(raised.value, TransportFaultError)
        assert raised.value.fault.kind is kinds.TCP_REFUSED
        assert descriptors() == before

    run(scenario())
