"""A response whose body arrives over time, over real sockets."""

import asyncio

import pytest

from prober.exchange import Call
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError
from prober.timeline import Timeline
from tests.net.certificates import Pki
from tests.net.conftest import Run
from tests.net.made import OK, route, session
from tests.net.servers import Peer, serving

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


def test_pieces_are_given_out_as_they_come(run: Run, pki: Pki) -> None:
    """Silence is no fault; the end is empty; the connection serves the next request."""
    go = asyncio.Event()

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(HEAD + chunk(b"one"))
        await go.wait()
        await peer.say(chunk(b"two") + b"0\r\n\r\n")
        await peer.request()
        await peer.say(OK)
        await peer.gone()

    async def scenario() -> None:
        async with serving(handler, pki.good.server()) as server, session(route(pki), Timeline()) as tx:
            call = Call("GET", f"https://mail.test:{server.port}/")
            flow = await tx.open(call)
            assert flow.status == 200
            assert await flow.receive(5) == b"one"
            assert await flow.receive(0.01) is None
            go.set()
            assert await flow.receive(5) == b"two"
            assert await flow.receive(5) == b""
            assert (await tx.exchange(call)).body == b"hi"
            assert tx.opened == server.connections == 1

    run(scenario())


@pytest.mark.parametrize("length", [b"7", b"0"])
def test_a_refusal_can_be_read_whole_and_twice(run: Run, pki: Pki, length: bytes) -> None:
    """Whatever its status; a body that is there with the head or not at all."""

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 503 Busy\r\nContent-Length: " + length + b"\r\n\r\n" + b"refused"[: int(length)])
        await peer.gone()

    async def scenario() -> None:
        async with serving(handler, pki.good.server()) as server, session(route(pki), Timeline()) as tx:
            flow = await tx.open(Call("GET", f"https://mail.test:{server.port}/"))
            first, second = await flow.rest(), await flow.rest()
            assert first == second
            assert (first.status, first.body) == (503, b"refused"[: int(length)])

    run(scenario())


def test_a_connection_that_breaks_is_a_fault_and_closing_drops_it(run: Run, pki: Pki) -> None:
    """An end in the middle of the body is never taken for its end."""

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(HEAD + chunk(b"one"))

    async def scenario() -> None:
        async with serving(handler, pki.good.server()) as server, session(route(pki), Timeline()) as tx:
            flow = await tx.open(Call("GET", f"https://mail.test:{server.port}/"))
            assert await flow.receive(5) == b"one"
            with pytest.raises(FaultError) as caught:
                await flow.receive(5)
            assert caught.value.fault.kind is kinds.TRUNCATED_REPLY
            await flow.close()
            await flow.close()
            again = await tx.open(Call("GET", f"https://mail.test:{server.port}/"))
            await again.close()
            assert tx.opened == 2

    run(scenario())


def test_a_packed_stream_is_refused(run: Run, pki: Pki) -> None:
    """Nobody asked for it, and it has no pieces."""

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"))
        await peer.gone()

    async def scenario() -> None:
        async with serving(handler, pki.good.server()) as server, session(route(pki), Timeline()) as tx:
            flow = await tx.open(Call("GET", f"https://mail.test:{server.port}/"))
            with pytest.raises(FaultError) as caught:
                await flow.receive(5)
            assert caught.value.fault.kind is kinds.BAD_REPLY

    run(scenario())
