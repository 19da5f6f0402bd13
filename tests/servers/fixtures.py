"""Fixtures of the servers. Those of the session are shared: a test that breaks one does so within its `with` block."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.servers.account import fresh_room
from tests.servers.dns_server import DnsServer
from tests.servers.dovecot import ALICE, Dovecot, Options
from tests.servers.oauth_server import Application, OAuthServer
from tests.servers.pki import Pki
from tests.servers.prometheus import Prometheus
from tests.servers.proxy import ConnectProxy
from tests.servers.silent import black_hole, refusing, silent
from tests.servers.sogo import Sogo

REAL = frozenset({"dovecot", "start_dovecot", "sogo", "start_sogo", "start_prometheus"})
StartDovecot = Callable[[Options], Dovecot]
StartPrometheus = Callable[[str, Sequence[Path]], Prometheus]


@pytest.fixture(scope="session")
def pki() -> Iterator[Pki]:
    """An authority and its certificates."""
    with fresh_room("pki") as room:
        yield Pki(room)


@pytest.fixture(scope="session")
def oauth(pki: Pki) -> Iterator[OAuthServer]:
    """An authorisation server that knows the application `prober`, for Alice's mailbox, by a secret."""
    with OAuthServer(pki.right) as server:
        server.register(Application("prober", ALICE, secret="prober-secret"))
        yield server


@pytest.fixture(scope="session")
def dovecot(pki: Pki, oauth: OAuthServer) -> Iterator[Dovecot]:
    """A Dovecot that takes passwords, and the tokens of `oauth`, which it checks by itself."""
    with fresh_room("dovecot") as room, Dovecot(room, Options(pki.right, oauth.local_tokens())) as server:
        yield server


@pytest.fixture
def start_dovecot() -> Iterator[StartDovecot]:
    """Start a Dovecot of the test's own; it takes a tenth of a second."""
    with ExitStack() as stack:

        def start(options: Options) -> Dovecot:
            room = stack.enter_context(fresh_room("dovecot"))
            return stack.enter_context(Dovecot(room, options))

        yield start


@pytest.fixture(scope="session")
def sogo(pki: Pki) -> Iterator[Sogo]:
    """A SOGo that agrees to heartbeats of up to 59 minutes."""
    with fresh_room("sogo") as room, Sogo(room, pki.right) as stack:
        yield stack


@pytest.fixture
def start_sogo(pki: Pki) -> Iterator[Callable[[int], Sogo]]:
    """Start a SOGo of the test's own with another longest heartbeat, in seconds; it takes some seconds."""
    with ExitStack() as stack:

        def start(longest_ping: int) -> Sogo:
            room = stack.enter_context(fresh_room("sogo"))
            return stack.enter_context(Sogo(room, pki.right, longest_ping=longest_ping))

        yield start


@pytest.fixture
def start_prometheus() -> Iterator[StartPrometheus]:
    """Start a Prometheus that scrapes a target (`host:port`) and evaluates rule files."""
    with ExitStack() as stack:

        def start(target: str, rules: Sequence[Path] = ()) -> Prometheus:
            room = stack.enter_context(fresh_room("prometheus"))
            return stack.enter_context(Prometheus(room, [target], rules=rules))

        yield start


@pytest.fixture
def connect_proxy() -> Iterator[ConnectProxy]:
    """A proxy that opens tunnels until told otherwise."""
    with ConnectProxy() as proxy:
        yield proxy


@pytest.fixture
def dns_server() -> Iterator[DnsServer]:
    """A name server that knows no name yet."""
    with DnsServer() as server:
        yield server


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that accepts and says nothing."""
    with silent() as port:
        yield port


@pytest.fixture
def refusing_port() -> Iterator[int]:
    """A port that refuses connections."""
    with refusing() as port:
        yield port


@pytest.fixture
def black_hole_port() -> Iterator[int]:
    """A port where connecting is never answered."""
    with black_hole() as port:
        yield port
