"""To which hosts credentials are bound."""

from pathlib import Path

import pytest

from prober.identity.spec import covers
from prober.settings.bindings import plain, trouble
from prober.settings.settings import ConfigurationError
from tests.settings.made import Loading

ONE = """\
credentials:
  u: {{type: basic, username: me, password_env: PROBER_TEST{more}}}
targets:
  - name: hq
    environment: {environment}
    mailbox: me@corp.example
    {where}
    clients: [{{client: imap4, credential: u}}, {{client: activesync, credential: u}}]
"""


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROBER_TEST", "secret")


def written(more: str = "", environment: str = "exchange_server", where: str = "host: mail.corp.example") -> str:
    return ONE.format(more=more, environment=environment, where=where)


def test_without_a_list_they_are_bound_to_the_endpoints_of_their_targets(loaded: Loading) -> None:
    """Each to its host and port, and to nothing else: every credential of a configuration is bound."""
    settings = loaded(
        written(where="endpoints: {imap4: 'imaps://imap.corp.example:1993', activesync: 'https://as.corp.example/x'}")
    )
    assert settings.credentials["u"].hosts == ("as.corp.example:443", "imap.corp.example:1993")


def test_in_the_cloud_the_well_known_hosts_belong_to_it(loaded: Loading) -> None:
    hosts = loaded(written(environment="exchange_online", where="region: eu")).credentials["u"].hosts
    assert hosts is not None
    for host in ("outlook.office365.com", "autodiscover-s.outlook.com", "graph.microsoft.com"):
        assert covers(hosts, host, 443)
    for host in ("outlook.com.evil.example", "evil.example", "169.254.169.254"):
        assert not covers(hosts, host, 443)
    assert not covers(hosts, "outlook.office365.com", 8443)


def test_a_credential_that_nobody_uses_may_go_nowhere(loaded: Loading) -> None:
    unused = "credentials:\n  v: {type: basic, password_env: PROBER_TEST}\n"
    settings = loaded(written().replace("credentials:\n", unused))
    assert settings.credentials["v"].hosts == ()


def test_a_list_is_all_there_is(loaded: Loading) -> None:
    settings = loaded(written(", hosts: ['*.corp.example', 'other.example:8443']"))
    assert settings.credentials["u"].hosts == ("*.corp.example", "other.example:8443")


@pytest.mark.parametrize("hosts", ["other.example", "mail.corp.example:443", "'*.mail.corp.example'"])
def test_a_list_that_leaves_out_where_it_is_needed_is_a_mistake(loaded: Loading, hosts: str) -> None:
    """At load, with who needs what: IMAP goes to configured hosts only, so nothing has to be looked at later."""
    with pytest.raises(ConfigurationError) as caught:
        loaded(written(f", hosts: [{hosts}]"))
    text = str(caught.value)
    assert "credentials.u.hosts: leaves out mail.corp.example:993, where client 'imap4' of target 'hq' signs in" in text


def test_what_is_not_about_where_it_gets_through_changes_no_fingerprint(loaded: Loading) -> None:
    """A target more that uses the credential is no news for the others."""
    narrow, wide = loaded(written()), loaded(written(", hosts: ['*.corp.example']"))
    assert narrow.fingerprints == wide.fingerprints


@pytest.mark.parametrize(
    ("pattern", "shape"),
    [
        ("Mail.Corp.Example.", "mail.corp.example"),
        ("*.CORP.example:8443", "*.corp.example:8443"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("192.0.2.1:993", "192.0.2.1:993"),
        ("2001:db8::1", "[2001:db8::1]"),
        ("[2001:db8::1]:993", "[2001:db8::1]:993"),
    ],
)
def test_patterns(pattern: str, shape: str) -> None:
    assert trouble(pattern) == ""
    assert plain(pattern) == shape


@pytest.mark.parametrize(
    "pattern",
    ["*", "*.", "https://x.example", "x.example/", "a b", "x:0", "x:99999", "x:y", "*.*.example", "", "\u3002:1"],
)
def test_what_is_no_pattern(pattern: str) -> None:
    assert trouble(pattern)


@pytest.mark.parametrize(
    ("pattern", "host", "port", "meant"),
    [
        ("mail.corp.example", "mail.corp.example", 443, True),
        ("mail.corp.example", "mail.corp.example.", 993, True),
        ("mail.corp.example", "mail.corp.example", 80, False),
        ("*.corp.example", "corp.example", 443, False),
        ("*.corp.example", "evilcorp.example", 443, False),
        ("*.corp.example", ".corp.example", 443, False),
        ("[2001:db8::1]:993", "2001:db8::1", 993, True),
        ("[2001:db8::1]", "2001:db8::1", 443, True),
        ("[2001:db8::1]", "2001:db8::2", 443, False),
    ],
)
def test_what_a_pattern_means(pattern: str, host: str, port: int, meant: bool) -> None:
    assert covers((pattern,), host, port) is meant


LISTED = """\
- name: far
  environment: exchange_online
  mailbox: me@corp.example
  endpoints: {activesync: 'https://mail.corp.example/'}
  clients: [{client: activesync, credential: u}]
"""


def test_discovered_targets_bind_nothing(loaded: Loading, tmp_path: Path) -> None:
    """Neither their endpoints nor what is well known of their environment come to the hosts of a credential."""
    alone = loaded(written()).credentials["u"].hosts
    (tmp_path / "list.yml").write_text(LISTED)
    settings = loaded(written() + "discovery: {files: [list.yml]}\n")
    assert settings.credentials["u"].hosts == alone == ("mail.corp.example:443", "mail.corp.example:993")
    assert "activesync/far" in {one.key for one in settings.assignments}
