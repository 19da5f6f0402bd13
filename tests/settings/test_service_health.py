"""How the reader of Microsoft's notices is configured, and what it is refused."""

from pathlib import Path

import pytest

from prober.settings.settings import ConfigurationError
from tests.settings.made import Loading

REST = """\
targets:
  - name: exo
    environment: exchange_online
    mailbox: probe@contoso.example
    clients: [{client: activesync, credential: phone}]
credentials:
  reader: {type: client_credentials, tenant: t, client_id: c, client_secret_env: PROBER_TEST_SECRET}
  phone: {type: refresh_token, tenant: t, client_id: c, token_file: phone.token}
  hq: {type: basic, username: u, password_env: PROBER_TEST_SECRET}
global:
  network: {family: ipv4}
"""


@pytest.fixture(autouse=True)
def _token(tmp_path: Path) -> None:
    """A refresh token where the configuration says that there is one."""
    (tmp_path / "phone.token").write_text("seed")


def test_without_the_section_nothing_is_read(loaded: Loading) -> None:
    assert loaded(REST).service_health is None


def test_a_credential_is_all_it_needs(loaded: Loading) -> None:
    """Every five minutes, at Graph, the services that mail clients depend on, by the way out of `global`."""
    read = loaded(REST + "service_health: {credential: reader}\n").service_health
    assert read is not None
    assert (read.credential, read.interval, read.url) == ("reader", 300.0, "https://graph.microsoft.com/v1.0")
    assert read.services[0] == "Exchange Online"
    assert len(read.services) == 4
    assert read.route.family == "ipv4"


def test_everything_can_be_said_otherwise(loaded: Loading) -> None:
    """The way out included."""
    section = (
        "service_health: {credential: reader, interval: 2m, url: 'https://graph.microsoft.us/v1.0', "
        "services: [Exchange Online], network: {family: ipv6}}\n"
    )
    read = loaded(REST + section).service_health
    assert read is not None
    assert (read.interval, read.url, read.services) == (120.0, "https://graph.microsoft.us/v1.0", ("Exchange Online",))
    assert read.route.family == "ipv6"


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        ("credential: raeder", "service_health.credential: 'raeder' is no credential here; did you mean 'reader'?"),
        ("credential: hq", "service_health.credential: Graph needs an OAuth credential, not one of type basic"),
        (
            "credential: phone",
            "service_health.credential: 'phone' signs in clients: its refresh token can serve only one of them and",
        ),
        ("credential: reader, interval: 59s", "service_health.interval: must be at least 1m"),
        ("credential: reader, url: 'http://graph.example/v1.0'", "service_health.url: must be a URL such as https:"),
        ("credential: reader, url: 'https://graph.example/v1.0?a=b'", "service_health.url: must not have a query"),
        ("credential: reader, services: []", "service_health.services: "),
        ("credential: reader, services: [Exchange Online, Exchange Online]", "service_health.services: names some"),
        ("interval: 5m", "service_health.credential: "),
    ],
)
def test_what_cannot_work_is_refused(loaded: Loading, section: str, mistake: str) -> None:
    """With its place."""
    with pytest.raises(ConfigurationError) as refused:
        loaded(f"{REST}service_health: {{{section}}}\n")
    (problem,) = refused.value.problems
    assert mistake in str(problem)
    assert problem.line == 12
