"""One transaction's connections and cookies, over real sockets."""

from prober.exchange import Call, Session, Wire
from prober.faults import taxonomy as kinds
from prober.net.network import Network
from prober.timeline import Timeline
from prober.vocabulary import Phase
from tests.net.certificates import Pki
from tests.net.conftest import Run
from tests.net.made import OK, Raised, route, session
from tests.net.servers import Peer, answering, descriptors, serving

SIX = {Phase.CONNECT, Phase.TLS, Phase.SEND, Phase.WAIT, Phase.RECEIVE}


def test_a_second_request_has_no_dns_connect_or_tls_phase(run: Run, pki: Pki) -> None:
    """A kept connection is used again, and what did not happen is absent, not zero."""

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(answering(OK, OK), pki.good.server()) as server, session(route(pki), timeline) as tx:
            url = f"https://mail.test:{server.port}/"
            first = await tx.exchange(Call("GET", url))
            cold = set(timeline.spent)
            timeline.restart()
            second = await tx.exchange(Call("GET", url))
            assert first.body == second.body == b"hi"
            assert cold == SIX
            assert set(timeline.spent) == {Phase.SEND, Phase.WAIT, Phase.RECEIVE}
            assert server.connections == 1

    run(scenario())


def test_a_name_from_the_hosts_file_has_a_dns_phase(run: Run, pki: Pki) -> None:
    """Every name is resolved, also one that needs no question."""

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(answering(OK), pki.good.server()) as server, session(route(pki), timeline) as tx:
            await tx.exchange(Call("GET", f"https://localhost:{server.port}/"))
            assert set(timeline.spent) == SIX | {Phase.DNS}

    run(scenario())


def test_two_sessions_share_nothing(run: Run, pki: Pki) -> None:
    """Cold means cold: a new session has its own connection and an empty cookie jar."""
    seen: list[bytes] = []

    async def handler(peer: Peer) -> None:
        seen.append(await peer.request())
        await peer.say(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
        await peer.gone()

    async def scenario() -> None:
        network = Network(route(pki))
        async with serving(handler, pki.good.server()) as server:
            for _ in range(2):
                tx = network.session(Timeline())
                await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))
                await tx.close()
            assert server.connections == 2
        assert b"Cookie" not in seen[1]

    run(scenario())


def test_a_wire_under_implicit_tls_speaks_both_ways(run: Run, pki: Pki) -> None:
    """The greeting is waited for; what follows a command is wait, then receive."""

    async def imap(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        assert await peer.reader.readline() == b"a1 LOGOUT\r\n"
        await peer.say(b"* BYE\r\na1 OK\r\n")

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(imap, pki.good.server()) as server, session(route(pki), timeline) as tx:
            wire: Wire = await tx.dial(f"imaps://mail.test:{server.port}")
            assert await wire.receive() == b"* OK ready\r\n"
            await wire.send(b"a1 LOGOUT\r\n")
            assert await wire.receive() == b"* BYE\r\na1 OK\r\n"
            assert await wire.receive() == b""
            assert set(timeline.spent) == SIX

    run(scenario())


def test_closing_a_session_closes_every_socket(run: Run, pki: Pki) -> None:
    """Nothing stays open, neither kept connections nor wires."""

    async def scenario() -> None:
        async with serving(answering(OK), pki.good.server()) as server:
            before = descriptors()
            async with session(route(pki)) as tx:
                await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))
                await tx.dial(f"imaps://mail.test:{server.port}")
                assert len(descriptors() - before) >= 2
        assert not descriptors() - before

    run(scenario())


def test_a_url_nobody_can_use_is_our_fault(run: Run, pki: Pki) -> None:
    """It never looks like an outage."""

    async def scenario() -> None:
        async with session(route(pki)) as tx:
            with Raised() as raised:
                await tx.exchange(Call("GET", "gopher://mail.test/"))
            assert raised.error.fault.kind is kinds.PROBER_BUG

    run(scenario())


def test_it_is_a_session(pki: Pki) -> None:
    """The class fits the protocol the clients are written against."""
    fits: Session = Network(route(pki)).session(Timeline())
    assert fits.channel_binding("https://mail.test/") is None
