"""Opening connections, phase by phase, with everything that can break on the way."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from dataclasses import replace

import pytest

from prober.exchange import Call
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Kind
from prober.net.dial import DNS_FORBIDDEN_ADDRESS, FORBIDDEN_ADDRESS
from prober.net.network import Network
from prober.net.route import PhaseLimits, Proxy, Route
from prober.net.session import ColdSession
from prober.timeline import Timeline
from prober.vocabulary import Phase
from tests.net.certificates import Leaf, Pki
from tests.net.conftest import Run
from tests.net.made import OK, Raised, route, session
from tests.net.servers import (
    Handler,
    Peer,
    answering,
    descriptors,
    full_backlog,
    name_server,
    relay,
    serving,
    silent,
    until,
)

Act = Callable[[ColdSession, int], Coroutine[None, None, None]]


async def said_in_the_clear(peer: Peer) -> None:
    await peer.say(b"* OK IMAP ready\r\n")
    await peer.gone()


async def leave(peer: Peer) -> None:
    await peer.reader.read(1)
    peer.finish()
    await peer.gone()


async def alert(peer: Peer) -> None:
    await peer.reader.read(1)
    await peer.say(b"\x15\x03\x03\x00\x02\x02\x28")
    await peer.gone()


TLS_FAULTS: list[tuple[Handler, Kind]] = [
    (silent, kinds.TLS_TIMEOUT),
    (leave, kinds.TLS_CLOSED),
    (alert, kinds.TLS_ALERT),
    (said_in_the_clear, kinds.TLS_NOT_TLS),
]


@pytest.mark.parametrize("url", ["https://mail.test:{}/", "imaps://mail.test:{}"])
@pytest.mark.parametrize(("handler", "kind"), TLS_FAULTS)
def test_a_handshake_that_fails_is_a_fault_of_the_tls_phase(
    run: Run, pki: Pki, handler: Handler, kind: Kind, url: str
) -> None:
    """For HTTPS and IMAP alike, and no socket is left."""

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(handler) as server:
            before = descriptors()
            async with session(route(pki, limits=PhaseLimits(tls=0.1)), timeline) as tx:
                with Raised() as raised:
                    await reach(tx, url.format(server.port))
            assert raised.error.fault.kind is kind
            assert raised.error.fault.phase is timeline.interrupted is Phase.TLS
            assert set(timeline.spent) == {Phase.CONNECT, Phase.TLS}
            await until(lambda: descriptors() <= before)

    run(scenario())


async def reach(tx: ColdSession, url: str) -> None:
    """Ask over HTTP, or dial."""
    if url.startswith("http"):
        await tx.exchange(Call("GET", url))
    else:
        await tx.dial(url)


@pytest.mark.parametrize(
    ("quality", "kind"),
    [
        ("expired", kinds.TLS_EXPIRED),
        ("early", kinds.TLS_NOT_YET_VALID),
        ("other_name", kinds.TLS_WRONG_NAME),
        ("unknown", kinds.TLS_UNTRUSTED),
        ("for_clients", kinds.TLS_BAD_CERTIFICATE),
    ],
)
def test_a_certificate_that_is_refused_is_still_told_of(run: Run, pki: Pki, quality: str, kind: Kind) -> None:
    """Its last day is what the operator wants to know."""
    leaf: Leaf = getattr(pki, quality)

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(silent, leaf.server()) as server, session(route(pki), timeline) as tx:
            with Raised() as raised:
                await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))
        assert raised.error.fault.kind is kind
        assert timeline.certificate is not None
        assert timeline.certificate.not_after == leaf.not_after.timestamp()
        assert not timeline.certificate.verified
        assert "tls_version" not in timeline.facts

    run(scenario())


def test_a_connection_tells_where_it_went_and_what_was_agreed(run: Run, pki: Pki) -> None:
    """As facts, which never become labels."""

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(silent, pki.good.server()) as server, session(route(pki), timeline) as tx:
            await tx.dial(f"imaps://mail.test:{server.port}")
        assert timeline.facts == {
            "address": "127.0.0.1",
            "tls_version": "TLSv1.3",
            "tls_cipher": "TLS_AES_256_GCM_SHA384",
        }
        assert timeline.certificate is not None
        assert timeline.certificate.verified

    run(scenario())


def test_what_a_name_resolves_to_is_a_fact_too(run: Run, pki: Pki) -> None:
    """Whether or not anybody answers there."""

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(silent, pki.good.server()) as server, session(route(pki), timeline) as tx:
            await tx.dial(f"imaps://localhost:{server.port}")
        assert "127.0.0.1" in str(timeline.facts["resolved"]).split()

    run(scenario())


def test_addresses_as_hosts_have_no_dns_phase_and_are_verified(run: Run, pki: Pki) -> None:
    """Against the certificate's addresses."""

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(answering(OK), pki.good.server()) as server, session(route(pki), timeline) as tx:
            await tx.exchange(Call("GET", f"https://127.0.0.1:{server.port}/"))
            assert Phase.DNS not in timeline.spent
        async with serving(answering(OK), pki.other_name.server()) as server, session(route(pki)) as tx:
            with Raised() as raised:
                await tx.exchange(Call("GET", f"https://127.0.0.1:{server.port}/"))
            assert raised.error.fault.kind is kinds.TLS_WRONG_NAME
            assert raised.error.fault.evidence == {"verify_code": "64"}

    run(scenario())


def test_the_configured_server_name_is_what_is_verified(run: Run, pki: Pki) -> None:
    """Not the host of the URL."""

    async def scenario() -> None:
        way = route(pki, server_name="other.test")
        async with serving(answering(OK), pki.other_name.server()) as server, session(way) as tx:
            assert (await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))).status == 200

    run(scenario())


@pytest.mark.parametrize(
    ("rcode", "kind"),
    [(0, kinds.DNS_NO_ADDRESS), (2, kinds.DNS_SERVER_FAILURE), (3, kinds.DNS_NO_SUCH_NAME), (None, kinds.DNS_TIMEOUT)],
)
def test_a_name_that_does_not_resolve_is_a_fault_of_the_dns_phase(
    run: Run, pki: Pki, rcode: int | None, kind: Kind
) -> None:
    """Asked of the name servers of the route, within the limit of the route."""

    async def scenario() -> None:
        timeline = Timeline()
        async with name_server() as (server, address):
            server.rcode, server.silent = rcode or 0, rcode is None
            way = replace(route(pki, limits=PhaseLimits(dns=0.2)), resolver=(address,))
            async with session(way, timeline) as tx:
                with Raised() as raised:
                    await tx.exchange(Call("GET", "https://elsewhere.test/"))
        assert raised.error.fault.kind is kind
        assert raised.error.fault.phase is timeline.interrupted is Phase.DNS
        assert set(timeline.spent) == {Phase.DNS}

    run(scenario())


def test_no_address_of_the_wanted_family_is_no_address(run: Run, pki: Pki) -> None:
    """Also when the URL itself names one of the other."""

    async def scenario() -> None:
        async with session(replace(route(pki), family="ipv6")) as tx:
            with Raised() as raised:
                await tx.exchange(Call("GET", "https://127.0.0.1/"))
        assert raised.error.fault.kind is kinds.DNS_NO_ADDRESS
        assert raised.error.fault.evidence == {"family": "ipv6"}

    run(scenario())


def test_the_connect_phase_has_its_own_faults(run: Run, pki: Pki, closed_port: int) -> None:
    """Refused at once, or silent until the limit."""

    async def scenario() -> None:
        for silence in (False, True):
            timeline = Timeline()
            async with full_backlog() as port, session(route(pki, limits=PhaseLimits(connect=0.1)), timeline) as tx:
                with Raised() as raised:
                    await tx.dial(f"imaps://mail.test:{port if silence else closed_port}")
            assert raised.error.fault.kind is (kinds.TCP_TIMEOUT if silence else kinds.TCP_REFUSED)
            assert raised.error.fault.phase is timeline.interrupted is Phase.CONNECT
            assert set(timeline.spent) == {Phase.CONNECT}

    run(scenario())


def test_the_steps_own_limit_names_the_phase_it_broke(run: Run, pki: Pki) -> None:
    """The timeline knows what was under way when the step's time was up."""

    async def scenario() -> None:
        timeline = Timeline()
        async with serving(silent) as server, session(route(pki), timeline) as tx:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await tx.dial(f"imaps://mail.test:{server.port}")
            assert timeline.interrupted is Phase.TLS

    run(scenario())


async def imap_with_starttls(tx: ColdSession, port: int) -> None:
    """Dial in the clear, upgrade, and read a line."""
    wire = await tx.dial(f"imap://relayed.test:{port}")
    await wire.receive()
    await wire.send(b"a1 STARTTLS\r\n")
    await wire.receive()
    await wire.start_tls()
    await wire.send(b"a2 NOOP\r\n")
    await wire.receive()


async def https_twice(tx: ColdSession, port: int) -> None:
    """Ask twice on one connection."""
    for _ in range(2):
        await tx.exchange(Call("POST", f"https://relayed.test:{port}/", body=bytes(100_000)))


@pytest.mark.parametrize("through_proxy", [False, True], ids=["direct", "proxy"])
@pytest.mark.parametrize("act", [https_twice, imap_with_starttls])
def test_cancelling_at_any_await_leaves_no_socket_and_no_task(
    run: Run, pki: Pki, act: Act, through_proxy: bool
) -> None:
    """The act is begun again and again, and cancelled one turn of the loop later each time, until it succeeds."""

    async def imap(peer: Peer) -> None:
        await peer.say(b"* OK ready\r\n")
        await peer.reader.readline()
        await peer.say(b"a1 OK begin\r\n")
        await peer.writer.start_tls(pki.good.server())
        await peer.reader.readline()
        await peer.say(b"a2 OK\r\n")
        await peer.gone()

    async def attempt(network: Network, port: int, turns: int) -> bool:
        before, tasks = descriptors(), asyncio.all_tasks()
        tx = network.session(Timeline())
        acting = asyncio.create_task(act(tx, port))
        for _ in range(turns):
            await asyncio.sleep(0)
        finished = acting.done()
        acting.cancel()
        await asyncio.gather(acting, return_exceptions=True)
        await tx.close()
        await until(lambda: descriptors() <= before)
        await until(lambda: asyncio.all_tasks() == tasks)
        if finished:
            acting.result()
        return finished

    async def scenario() -> None:
        imaps = act is imap_with_starttls
        handler, context = (imap, None) if imaps else (answering(OK, OK), pki.good.server())
        async with name_server() as (names, address), serving(handler, context) as server:
            names.a = ("127.0.0.2", "127.0.0.1")
            async with serving(relay(server.port)) as proxy:
                network = Network(way(pki, address, proxy.port if through_proxy else None))
                turns = 0
                while not await attempt(network, server.port, turns):
                    turns += 1
                assert turns > 10, "there were awaits to be cancelled at"

    run(scenario())


def way(pki: Pki, names: str, proxy: int | None) -> Route:
    """Return a route that resolves by `names`, and goes through a proxy of the same name where there is one."""
    return replace(
        route(pki, server_name="mail.test", proxy=None if proxy is None else Proxy(f"http://relayed.test:{proxy}")),
        resolver=(names,),
    )


HOSTILE = [
    "https://169.254.169.254/latest/meta-data/",
    "http://169.254.169.254/metadata/identity/oauth2/token",
    "https://[fe80::1]/",
    "https://[fd00:ec2::254]/",
    "https://[::ffff:169.254.169.254]/",
    "http://0.0.0.0:10143/config",
    "http://100.100.100.200/",
    "imaps://169.254.169.254:993",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_nobody_sends_us_to_where_no_server_can_be(run: Run, pki: Pki, url: str) -> None:
    """Such an address comes from a redirect or a link: no connection is opened, and the fault is the sender's."""

    async def scenario() -> None:
        timeline = Timeline()
        async with session(route(pki), timeline) as tx:
            with Raised() as raised:
                await (tx.dial(url) if url.startswith("imap") else tx.exchange(Call("GET", url)))
            assert raised.error.fault.kind is FORBIDDEN_ADDRESS
        assert timeline.spent == {}
        through = route(pki, proxy=Proxy("http://127.0.0.1:1"))
        async with session(through) as tx:
            with Raised() as raised:
                await (tx.dial(url) if url.startswith("imap") else tx.exchange(Call("GET", url)))
            assert raised.error.fault.kind is FORBIDDEN_ADDRESS

    run(scenario())


def test_a_configured_address_is_where_it_is(run: Run, pki: Pki, closed_port: int) -> None:
    """The metadata service itself, for a managed identity; and what `connect_to` names is configured too."""

    async def scenario() -> None:
        url = f"http://0.0.0.0:{closed_port}/"
        for way in (
            replace(route(pki), literals=frozenset({"0.0.0.0"})),
            replace(route(pki), connect_to={"mail.test": "0.0.0.0"}),
        ):
            async with session(way) as tx:
                with Raised() as raised:
                    await tx.exchange(Call("GET", url if way.literals else url.replace("0.0.0.0", "mail.test")))
                assert raised.error.fault.kind is kinds.TCP_REFUSED

    run(scenario())


def test_dns_that_changes_its_answer_leads_nowhere(run: Run, pki: Pki) -> None:
    """First a good address, then the metadata service: the second connection is not made, and nothing is said there."""

    async def scenario() -> None:
        async with serving(answering(OK), pki.good.server()) as server, name_server() as (names, address):
            names.a = ("127.0.0.1",)
            way = replace(route(pki), connect_to={}, resolver=(address,), family="ipv4")
            url = f"https://mail.test:{server.port}/"
            async with session(way) as tx:
                assert (await tx.exchange(Call("GET", url))).status == 200
            names.a = ("169.254.169.254",)
            timeline = Timeline()
            async with session(way, timeline) as tx:
                with Raised() as raised:
                    await tx.exchange(Call("GET", url, (("Authorization", "Basic canary"),)))
            fault = raised.error.fault
            assert (fault.kind, fault.evidence["address"]) == (DNS_FORBIDDEN_ADDRESS, "169.254.169.254")
            assert Phase.CONNECT not in timeline.spent
            assert server.connections == 1
            names.a = ("169.254.169.254", "127.0.0.1")
            async with session(way, timeline) as tx:
                with contextlib.suppress(FaultError):
                    await tx.exchange(Call("GET", url))
            assert server.connections == 2

    run(scenario())
