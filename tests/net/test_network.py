"""One way out: made once from what is configured, or refused with one sentence."""

import pytest

from prober.exchange import Call, Session
from prober.net.network import Contexts, Network, NetworkSetupError
from prober.net.route import Proxy, Route, TlsPolicy
from prober.net.tls import Application
from prober.timeline import Timeline
from tests.net.certificates import Pki
from tests.net.conftest import Run
from tests.net.made import OK, route
from tests.net.servers import answering, serving


@pytest.mark.parametrize(
    ("route", "sentence"),
    [
        (Route(tls=TlsPolicy(ca_file="nowhere.pem")), "cannot use nowhere.pem as authorities (no such file"),
        (Route(tls=TlsPolicy(certificate_file="no.pem")), "cannot use no.pem as client certificate (no such file"),
        (Route(resolver=("resolver.test",)), "resolver.test: not the address of a name server"),
        (Route(proxy=Proxy("proxy.test:3128")), "proxy.test:3128: not the URL of a proxy"),
        (Route(proxy=Proxy("socks5://proxy.test:1080")), "socks5://proxy.test:1080: not the URL of a proxy"),
        (Route(proxy=Proxy("https://proxy.test:3128")), "https://proxy.test:3128: not the URL of a proxy"),
        (Route(source_address="here"), "here: not an address of this machine to connect from"),
    ],
)
def test_what_cannot_work_is_refused_when_the_network_is_made(route: Route, sentence: str) -> None:
    """Nothing is left to fail at run time."""
    with pytest.raises(NetworkSetupError) as raised:
        Network(route)
    assert str(raised.value).startswith(sentence)


def test_networks_that_share_contexts_read_files_once(pki: Pki) -> None:
    """By what they trust and show, not by route: a context with the system's authorities holds 700 KiB."""
    contexts = Contexts()
    policy = TlsPolicy(ca_file=pki.ours.file)
    first = contexts.get(policy, Application.HTTPS)
    named = TlsPolicy(ca_file=pki.ours.file, server_name="mail.test")
    assert contexts.get(named, Application.HTTPS) is first
    assert contexts.get(policy, Application.IMAP) is not first
    assert contexts.get(TlsPolicy(ca_file=pki.foreign.file), Application.HTTPS) is not first
    Network(Route(tls=policy), contexts=contexts)
    assert len(contexts.made) == 3


def test_a_network_outlives_its_sessions(run: Run, pki: Pki) -> None:
    """It is made outside of any event loop, serves session after session, and is closed."""
    network = Network(route(pki))

    async def scenario() -> None:
        async with serving(answering(OK), pki.good.server()) as server:
            for _ in range(3):
                tx: Session = network.session(Timeline())
                assert (await tx.exchange(Call("GET", f"https://mail.test:{server.port}/"))).status == 200
                await tx.close()
            assert server.connections == 3
        await network.close()

    run(scenario())
