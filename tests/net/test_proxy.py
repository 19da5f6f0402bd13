"""CONNECT, and what proxies answer to it."""

import pytest

from prober.exchange import Call
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.net.origin import Origin
from prober.net.proxy import bypasses, connect_request, unreachable
from prober.net.route import PhaseLimits, Proxy, Route
from prober.secret import Secret
from prober.timeline import Timeline
from prober.vocabulary import Domain, Phase
from tests.net.certificates import Pki
from tests.net.conftest import Run
from tests.net.made import OK, Raised, route, session
from tests.net.servers import Handler, Peer, Server, answering, full_backlog, relay, serving, silent


def entrance(proxy: Server) -> Proxy:
    """Return the way to a proxy of this machine, by name."""
    return Proxy(f"http://localhost:{proxy.port}")


@pytest.mark.parametrize(
    ("host", "rules", "direct"),
    [
        ("mail.corp.example", (), False),
        ("mail.corp.example", ("mail.corp.example",), True),
        ("mail.corp.example", ("Mail.Corp.Example",), True),
        ("mail.corp.example", (".corp.example",), True),
        ("corp.example", (".corp.example",), False),
        ("notcorp.example", (".corp.example",), False),
        ("mail.corp.example", ("corp.example",), False),
        ("127.0.0.1", ("127.0.0.1",), True),
        ("anything", ("*",), True),
    ],
)
def test_some_hosts_are_reached_directly(host: str, rules: tuple[str, ...], direct: bool) -> None:
    """By name, by suffix, or all."""
    assert bypasses(host, rules) is direct


def test_the_request_is_written_as_the_specification_has_it() -> None:
    """Authority form with the port, and Basic credentials where there are some (RFC 9110 9.3.6, RFC 7617)."""
    origin = Origin("imaps", "mail.test", 993)
    assert connect_request(origin, Proxy("http://proxy.test:3128")) == (
        b"CONNECT mail.test:993 HTTP/1.1\r\nHost: mail.test:993\r\n\r\n"
    )
    assert connect_request(origin, Proxy("http://proxy.test:3128", "Aladdin", Secret("open sesame"))) == (
        b"CONNECT mail.test:993 HTTP/1.1\r\nHost: mail.test:993\r\n"
        b"Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"
    )


def test_https_goes_through_the_proxy(run: Run, pki: Pki) -> None:
    """End to end under TLS; the connect phase holds all of it, and nothing retries."""

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(answering(OK, OK), pki.good.server()) as server, serving(relay(server.port)) as proxy:
            way = route(pki, proxy=entrance(proxy))
            async with session(way, timeline) as tx:
                url = f"https://mail.test:{server.port}/"
                assert (await tx.exchange(Call("GET", url))).body == b"hi"
                assert set(timeline.spent) == set(Phase)
                assert timeline.facts["proxied"] is True
                assert (await tx.exchange(Call("GET", url))).body == b"hi"
            assert (proxy.connections, server.connections) == (1, 1)

    run(scenario())


def test_a_greeting_that_comes_with_the_proxys_consent_is_heard(run: Run, pki: Pki) -> None:
    """IMAP servers speak first, perhaps in the same packet."""

    async def hasty(peer: Peer) -> None:
        head = await peer.request()
        assert head.startswith(b"CONNECT 127.0.0.1:143 HTTP/1.1\r\n")
        await peer.say(b"HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n* OK ready\r\n")
        await peer.gone()

    async def scenario() -> None:
        async with serving(hasty) as proxy, session(route(pki, proxy=entrance(proxy))) as tx:
            wire = await tx.dial("imap://mail.test")
            assert await wire.receive() == b"* OK ready\r\n"

    run(scenario())


def test_bytes_that_come_with_consent_are_not_taken_for_tls(run: Run, pki: Pki) -> None:
    """With implicit TLS the server has nothing to say yet."""

    async def hasty(peer: Peer) -> None:
        await peer.request()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\n* OK ready\r\n")
        await peer.gone()

    async def scenario() -> None:
        async with serving(hasty) as proxy, session(route(pki, proxy=entrance(proxy))) as tx:
            with Raised() as raised:
                await tx.dial("imaps://mail.test")
            assert raised.error.fault.kind is kinds.BAD_REPLY

    run(scenario())


async def leave(peer: Peer) -> None:
    await peer.request()


async def break_off(peer: Peer) -> None:
    await peer.request()
    peer.reset()


async def babble(peer: Peer) -> None:
    await peer.request()
    await peer.say(b"X-Word: word\r\n" * 10_000)
    await peer.gone()


def status(line: bytes) -> Handler:
    """Return a proxy that answers every request with this status line."""
    return answering(b"HTTP/1.1 " + line + b"\r\nContent-Length: 0\r\n\r\n")


ANSWERS: list[tuple[Handler, Kind, dict[str, str]]] = [
    (status(b"407 Proxy Authentication Required"), kinds.PROXY_AUTH_REQUIRED, {"status": "407"}),
    (status(b"502 Bad Gateway"), kinds.PROXY_UPSTREAM_REFUSED, {"status": "502"}),
    (status(b"503 Service Unavailable"), kinds.PROXY_UPSTREAM_REFUSED, {"status": "503"}),
    (status(b"504 Gateway Timeout"), kinds.PROXY_UPSTREAM_TIMEOUT, {"status": "504"}),
    (status(b"403 Forbidden"), kinds.PROXY_DENIED, {"status": "403"}),
    (status(b"302 Found"), kinds.PROXY_DENIED, {"status": "302"}),
    (status(b"2000 OK"), kinds.PROXY_DENIED, {"status": "malformed"}),
    (silent, kinds.PROXY_UPSTREAM_TIMEOUT, {"status": "none"}),
    (babble, kinds.PROXY_DENIED, {"status": "endless"}),
    (leave, kinds.PROXY_UNREACHABLE, {"cause": "peer_closed"}),
    (break_off, kinds.PROXY_UNREACHABLE, {"cause": "peer_reset", "errno": "ECONNRESET"}),
]


@pytest.mark.parametrize(("handler", "kind", "evidence"), ANSWERS)
def test_each_answer_of_a_proxy_has_its_kind(
    run: Run, pki: Pki, handler: Handler, kind: Kind, evidence: dict[str, str]
) -> None:
    """All of them lie with the proxy, in the connect phase."""

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(handler) as proxy:
            way = route(pki, proxy=entrance(proxy), limits=PhaseLimits(connect=0.1))
            async with session(way, timeline) as tx:
                with Raised() as raised:
                    await tx.exchange(Call("GET", "https://mail.test/"))
        fault = raised.error.fault
        assert (fault.kind, dict(fault.evidence)) == (kind, evidence)
        assert fault.phase is timeline.interrupted is Phase.CONNECT
        assert fault.kind.domain is Domain.PROXY

    run(scenario())


def test_a_proxy_that_is_not_there_is_unreachable(run: Run, pki: Pki, closed_port: int) -> None:
    """Refused, silent, or without a name: it is our set-up, never the service."""

    async def fault(url: str) -> FaultError:
        limits = PhaseLimits(connect=0.1)
        async with session(route(pki, proxy=Proxy(url), limits=limits)) as tx:
            with Raised() as raised:
                await tx.exchange(Call("GET", "https://mail.test/"))
        return raised.error

    async def scenario() -> None:
        refused = await fault(f"http://127.0.0.1:{closed_port}")
        assert refused.fault.kind is kinds.PROXY_UNREACHABLE
        assert refused.fault.reason is Reason.PROBE_INTERNAL
        assert refused.fault.evidence == {"cause": "tcp_refused", "errno": "ECONNREFUSED", "addresses": "1"}
        assert refused.fault.phase is Phase.CONNECT
        async with full_backlog() as port:
            silence = await fault(f"http://127.0.0.1:{port}")
        assert silence.fault.evidence["cause"] == "tcp_timeout"
        nameless = await fault("http://no..such.name:3128")
        assert nameless.fault.kind is kinds.PROXY_UNREACHABLE
        assert nameless.fault.evidence["cause"] == "dns_no_such_name"
        assert nameless.fault.phase is Phase.DNS

    run(scenario())


def test_our_own_sickness_is_not_the_proxys() -> None:
    """Without descriptors no proxy can be reached either; a proxy's own fault stays what it is."""
    for kind in (kinds.NO_DESCRIPTORS, kinds.PROXY_DENIED):
        error = FaultError(kind)
        assert unreachable(error) is error


def test_a_host_on_the_list_goes_around_the_proxy(run: Run, pki: Pki) -> None:
    """The list speaks of the host in the URL, not of the address behind it."""

    async def scenario() -> None:
        way = route(pki)
        way = Route(tls=way.tls, connect_to=way.connect_to, no_proxy=(".test",), proxy=Proxy("http://127.0.0.1:9"))
        async with serving(answering(OK), pki.good.server()) as server, session(way) as tx:
            assert (await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))).status == 200

    run(scenario())
