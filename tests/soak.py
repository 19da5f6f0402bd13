"""Transactions that are cancelled at random, against a TLS server of the test's own."""

import asyncio
import random
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from prober.clients import catalogue
from prober.model import Assignment, Target
from prober.net.network import Network
from prober.net.route import Route, TlsPolicy
from prober.timeline import Timeline
from prober.transaction import Device, Transaction, perform
from prober.vocabulary import Depth, Environment
from tests.servers.pki import Pki

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
AT_ONCE = 50


@asynccontextmanager
async def serving(pki: Pki) -> AsyncIterator[tuple[str, Network]]:
    """Give the URL of a small HTTPS server on this loop, and a network that trusts it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pki.right.certificate_file, pki.right.key_file)
    open_now: set[asyncio.StreamWriter] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        open_now.add(writer)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(ANSWER)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            open_now.discard(writer)
            writer.transport.abort()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    network = Network(Route(tls=TlsPolicy(ca_file=str(pki.ca_file))))
    try:
        yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/", network
    finally:
        await network.close()
        server.close()
        await _gone(open_now)


async def _gone(open_now: set[asyncio.StreamWriter]) -> None:
    for _ in range(1000):
        if not open_now:
            return
        await asyncio.sleep(0)


async def churn(network: Network, url: str, count: int, dice: random.Random) -> int:
    """Run `count` transactions, cancelling about half after a random number of turns; return how many were."""
    client = catalogue()["control"]
    target = Target("soak", Environment.INDEPENDENT, endpoints={"control": url})
    assignment = Assignment("control", target, Depth.REACH, 60, 60)
    room, cancelled = asyncio.Semaphore(AT_ONCE), 0

    async def one(turns: int | None) -> None:
        nonlocal cancelled
        async with room:
            timeline = Timeline()
            tx = Transaction(assignment, network.session(timeline), timeline, Device("soak"))
            running = asyncio.create_task(perform(client, tx))
            for _ in range(turns or 0):
                await asyncio.sleep(0)
            if turns is not None:
                running.cancel()
            await asyncio.wait([running])
            if running.cancelled():
                cancelled += 1
            elif running.result().fault is not None:
                raise AssertionError(running.result().fault)

    await asyncio.gather(*(one(dice.randrange(30) if dice.random() < 0.5 else None) for _ in range(count)))
    return cancelled
