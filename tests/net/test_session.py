"""One transaction's connections and cookies, over real sockets."""

import asyncio

from prober.exchange import Call, Session, Wire
from prober.faults import taxonomy as kinds
from prober.net.network import Network
from prober.timeline import Timeline
from prober.vocabulary import Phase
from tests.net.certificates import Pki
from tests.net.conftest import Run
from tests.net.made import OK, Raised, route, session
from tests.net.servers import Peer, answering, descriptors, serving, silent, until

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


def test_a_session_forgets_wires_that_are_closed(run: Run, pki: Pki) -> None:
    """One that dials for a whole day does not grow."""

    async def scenario() -> None:
        async with serving(silent, pki.good.server()) as server, session(route(pki)) as tx:
            for _ in range(5):
                wire = await tx.dial(f"imaps://mail.test:{server.port}")
                await wire.close()
                await until(lambda stream=wire._stream: stream.gone)  # type: ignore[misc]  # its own wire each time
            assert len(tx._open) == 1

    run(scenario())


def test_a_url_nobody_can_use_is_our_fault(run: Run, pki: Pki) -> None:
    """It never looks like an outage."""

    async def scenario() -> None:
        async with session(route(pki)) as tx:
            with Raised() as raised:
                await tx.exchange(Call("GET", "gopher://mail.test/"))
            assert raised.error.fault.kind is kinds.PROBER_BUG

    run(scenario())


def test_a_request_says_who_asks_and_under_which_number(run: Run, pki: Pki) -> None:
    """Host first, the constant User-Agent, and a request id of its own that the server is to repeat."""
    heads: list[bytes] = []

    async def handler(peer: Peer) -> None:
        for _ in range(3):
            heads.append(await peer.request())
            await peer.say(OK)
        await peer.gone()

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(handler) as server:
            tx = Network(route(pki), user_agent="prober/1 (emulates={client})").session(timeline, "test")
            url = f"http://mail.test:{server.port}/a?b"
            ids = []
            for _ in range(2):
                await tx.exchange(Call("GET", url, (("X-Y", "z"),)))
                ids.append(str(timeline.facts["client_request_id"]))
            own = (("Host", "a"), ("User-Agent", "b"), ("Client-Request-Id", "c"))
            await tx.exchange(Call("GET", url, own))
            await tx.close()
        assert heads[0].decode() == (
            f"GET /a?b HTTP/1.1\r\nHost: mail.test:{server.port}\r\nUser-Agent: prober/1 (emulates=test)\r\nX-Y: z\r\n"
            f"client-request-id: {ids[0]}\r\nreturn-client-request-id: true\r\n\r\n"
        )
        assert len({*ids}) == 2
        assert len(ids[0]) == 36
        assert heads[2] == b"GET /a?b HTTP/1.1\r\nHost: a\r\nUser-Agent: b\r\nClient-Request-Id: c\r\n\r\n"

    run(scenario())


def test_cookies_are_kept_as_browsers_keep_them(run: Run, pki: Pki) -> None:
    """By host and path, replaced and expired by the server; a cookie given by hand wins."""
    heads: list[bytes] = []
    cookies = [
        b"Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Path=/owa\r\nSet-Cookie: c=3; Secure\r\n",
        b"Set-Cookie: a=4; Path=/\r\n",
        b"Set-Cookie: a=; Path=/; Max-Age=0\r\n",
        b"",
        b"",
    ]

    async def handler(peer: Peer) -> None:
        for cookie in cookies:
            heads.append(await peer.request())
            await peer.say(b"HTTP/1.1 200 OK\r\n" + cookie + b"Content-Length: 0\r\n\r\n")
        await peer.gone()

    async def scenario() -> None:
        async with serving(handler) as server, session(route(pki)) as tx:
            base = f"http://mail.test:{server.port}"
            for path in ("/", "/owa/x", "/", "/"):
                await tx.exchange(Call("GET", base + path))
            await tx.exchange(Call("GET", base + "/owa/", (("Cookie", "own=1"),)))
        sent = [[line for line in head.split(b"\r\n") if line.lower().startswith(b"cookie")] for head in heads]
        assert sent == [[], [b"Cookie: b=2; a=1"], [b"Cookie: a=4"], [], [b"Cookie: own=1"]]

    run(scenario())


def test_a_connection_that_ended_while_idle_is_replaced(run: Run, pki: Pki) -> None:
    """Known to be over before the request: no fault, and the new one is measured as such."""

    async def once(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(once, pki.good.server()) as server, session(route(pki), timeline) as tx:
            url = f"https://mail.test:{server.port}/"
            await tx.exchange(Call("GET", url))
            (kept,) = tx._idle.values()
            await until(lambda: not kept.quiet())
            timeline.restart()
            assert (await tx.exchange(Call("GET", url))).status == 200
            assert Phase.TLS in timeline.spent
            assert server.connections == 2

    run(scenario())


def test_a_kept_connection_that_dies_under_a_request_is_a_fault(run: Run, pki: Pki) -> None:
    """Nothing is sent a second time: a retry is a lost observation."""

    async def handler(peer: Peer) -> None:
        await peer.request()
        await peer.say(OK)
        await peer.request()

    async def scenario() -> None:
        async with serving(handler, pki.good.server()) as server, session(route(pki)) as tx:
            url = f"https://mail.test:{server.port}/"
            await tx.exchange(Call("GET", url))
            with Raised() as raised:
                await tx.exchange(Call("GET", url))
            assert raised.error.fault.kind is kinds.PEER_CLOSED
            assert raised.error.fault.phase is Phase.WAIT
            assert server.connections == 1
            assert not tx._open, "what broke is dropped at once"

    run(scenario())


def test_redirects_and_challenges_are_answers_like_any_other(run: Run, pki: Pki) -> None:
    """Whoever asked decides what to do about them."""

    async def scenario() -> None:
        for status in (b"302 Found", b"401 Unauthorized", b"451 Redirect", b"503 Busy"):
            reply = b"HTTP/1.1 " + status + b"\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n"
            async with serving(answering(reply)) as server, session(route(pki)) as tx:
                answer = await tx.exchange(Call("GET", f"http://mail.test:{server.port}/"))
                assert answer.status == int(status[:3])
                assert server.connections == 1

    run(scenario())


def test_requests_at_the_same_time_have_connections_of_their_own(run: Run, pki: Pki) -> None:
    """One is kept afterwards, for HTTP/1.1 speaks one at a time; none is lost."""
    arrived: list[Peer] = []

    async def together(peer: Peer) -> None:
        await peer.request()
        arrived.append(peer)
        await until(lambda: len(arrived) == 2)
        await peer.say(OK)
        await peer.gone()

    async def scenario() -> None:
        async with serving(together, pki.good.server()) as server, session(route(pki)) as tx:
            url = f"https://mail.test:{server.port}/"
            await asyncio.gather(*(tx.exchange(Call("GET", url)) for _ in range(2)))
            assert server.connections == 2
            assert len(tx._open) == len(tx._idle) == 1

    run(scenario())


def test_the_binding_is_the_certificate_of_the_open_connection(run: Run, pki: Pki) -> None:
    """In DER, as RFC 5929 section 4 wants it hashed; nothing without TLS or connection."""

    async def scenario() -> None:
        async with (
            serving(answering(OK), pki.good.server()) as server,
            serving(answering(OK)) as plain,
            session(route(pki)) as tx,
        ):
            url = f"https://mail.test:{server.port}/"
            assert tx.channel_binding(url) is None
            await tx.exchange(Call("GET", url))
            await tx.exchange(Call("GET", f"http://mail.test:{plain.port}/"))
            assert tx.channel_binding(url + "elsewhere") == pki.good.der
            assert tx.channel_binding(f"http://mail.test:{plain.port}/") is None

    run(scenario())


def test_a_session_is_closed_in_the_midst_of_a_request(run: Run, pki: Pki) -> None:
    """The socket goes, and who waits is told."""

    async def scenario() -> None:
        async with serving(silent, pki.good.server()) as server:
            before = descriptors()
            timeline = Timeline()
            tx = Network(route(pki)).session(timeline)
            asking = asyncio.create_task(tx.exchange(Call("GET", f"https://mail.test:{server.port}/")))
            await until(lambda: Phase.SEND in timeline.spent)
            await tx.close()
            with Raised() as raised:
                await asking
            assert raised.error.fault.kind is kinds.PEER_CLOSED
            await until(lambda: descriptors() <= before)

    run(scenario())


def test_it_is_a_session(pki: Pki) -> None:
    """The class fits the protocol the clients are written against."""
    fits: Session = Network(route(pki)).session(Timeline())
    assert fits.channel_binding("https://mail.test/") is None
