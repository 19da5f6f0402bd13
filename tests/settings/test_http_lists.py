"""How lists to fetch are configured, and what is refused."""

from pathlib import Path

import pytest

from prober.secret import SecretSource
from prober.settings.settings import ConfigurationError
from tests.settings.made import Loading

GLOBAL = "global: {network: {family: ipv4}}\n"
CANARY = "canary7f3a"


def test_a_url_is_all_it_needs_and_nothing_has_to_be_probed_yet(loaded: Loading) -> None:
    """Once a minute, by the way out of `global`, without saying who we are; nothing is fetched here."""
    settings = loaded(GLOBAL + "discovery: {http: [{url: 'https://lists.corp.example/targets?site=eu'}]}\n")
    assert settings.assignments == ()
    (one,) = settings.lists
    assert (one.label, one.url) == ("http[0]", "https://lists.corp.example/targets?site=eu")
    assert (one.interval, one.timeout, one.route.family) == (60.0, 10.0, "ipv4")
    assert (one.token, one.username, one.password) == (None, "", None)


def test_everything_can_be_said_otherwise(loaded: Loading, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(CANARY)
    first = "{url: 'https://a.example/', interval: 5m, timeout: 3s, token_file: token, network: {family: ipv6}}"
    second = "{url: 'https://b.example/', username: u, password_env: PROBER_TEST_SECRET}"
    settings = loaded(f"discovery: {{http: [{first}, {second}]}}\n")
    one, two = settings.lists
    assert (one.interval, one.timeout, one.route.family) == (300.0, 3.0, "ipv6")
    assert one.token == SecretSource(file=str(tmp_path / "token"))
    assert (two.label, two.username) == ("http[1]", "u")
    assert two.password == SecretSource(environment="PROBER_TEST_SECRET")
    assert CANARY not in repr(settings) + settings.redacted


@pytest.mark.parametrize(
    ("section", "mistake"),
    [
        ("{url: lists}", "discovery.http[0].url: must be a URL such as https://host/"),
        ("{url: 'https://u:secret@h/'}", "discovery.http[0].url: must not hold a user name or password"),
        ("{url: 'https://h/', interval: 500ms}", "discovery.http[0].interval: must be at least 1s"),
        ("{url: 'https://h/', token: x}", "discovery.http[0].token: is not a known key"),
        ("{url: 'https://h/', password: x}", "password: secrets do not stand in the configuration: use password_file"),
        ("{url: 'https://h/', username: u}", "discovery.http[0]: username and password belong together"),
        (
            "{url: 'https://h/', password_env: PROBER_TEST_SECRET}",
            "discovery.http[0]: username and password belong together",
        ),
        (
            "{url: 'https://h/', username: 'u:v', password_env: PROBER_TEST_SECRET}",
            "discovery.http[0].username: must not hold a colon",
        ),
        (
            "{url: 'https://h/', username: u, password_env: PROBER_TEST_SECRET, token_env: PROBER_TEST_SECRET}",
            "discovery.http[0]: give a token, or username and password, not both",
        ),
        ("{url: 'https://h/', token_file: nowhere}", "discovery.http[0].token_file: names a file that cannot be read"),
        ("{url: 'https://h/'}, {url: 'https://h/'}", "discovery.http[1].url: is the URL of two lists"),
        ("{interval: 1m}", "discovery.http[0].url: is required"),
        ("{url: 'https://h/', tls: {ca_file: nowhere.pem}}", "discovery.http[0].tls.ca_file: 'nowhere.pem' cannot be"),
    ],
)
def test_what_is_wrong_is_one_line(loaded: Loading, section: str, mistake: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        loaded(f"discovery: {{http: [{section}]}}\n")
    (line,) = str(caught.value).splitlines()
    assert mistake in line


def test_a_window_may_name_a_target_that_is_not_there_yet(loaded: Loading) -> None:
    """Where targets come and go; elsewhere it is a slip of the pen."""
    window = "maintenance: [{start: 2027-01-01T00:00:00Z, end: 2027-01-02T00:00:00Z, targets: [later]}]\n"
    assert loaded("discovery: {http: [{url: 'https://h/'}]}\n" + window).maintenance[0].targets == {"later"}
    with pytest.raises(ConfigurationError, match="'later' is no target here"):
        loaded(window + "targets: [{name: hq, environment: exchange_online, clients: [{client: imap4}]}]\n")
