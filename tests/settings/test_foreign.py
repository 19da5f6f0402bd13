"""What a list that others write may not say: each of it is one clear line, whichever way the list came."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from prober.settings.load import Part, configured, load, settings_of
from prober.settings.settings import ConfigurationError, Settings
from prober.settings.source import parse
from prober.transaction import Client

CONFIGURATION = """\
credentials:
  bound: {type: basic, username: u, password_env: PROBER_TEST_SECRET}
  listed: {type: basic, username: v, password_env: PROBER_TEST_SECRET, hosts: ['*.corp.example']}
  idle: {type: basic, username: w, password_env: PROBER_TEST_SECRET}
  cloud: {type: client_credentials, tenant: t, client_id: c, client_secret_env: PROBER_TEST_SECRET}
targets:
  - name: hq
    environment: exchange_server
    host: mail.corp.example
    mailbox: hq@corp.example
    clients: [{client: imap4, credential: bound}]
  - name: exo
    environment: exchange_online
    mailbox: exo@corp.example
    clients: [{client: activesync, credential: cloud}]
global: {labels: [tls, network, site_file]}
discovery: {files: [list.json]}
"""
SERVER = {"name": "x", "environment": "exchange_server", "host": "mail.corp.example", "mailbox": "x@corp.example"}
IMAP = {"client": "imap4", "credential": "bound"}


class Lists:
    """Loads a list of one entry beside the configuration; a value of `None` leaves its key out."""

    def __init__(self, folder: Path, catalogue: Mapping[str, Client[Any]]) -> None:
        self._folder, self._catalogue = folder, catalogue
        (folder / "prober.yml").write_text(CONFIGURATION)

    def load(self, **entry: Any) -> Settings:
        whole = {**SERVER, "clients": [IMAP], **entry}
        given = {key: value for key, value in whole.items() if value is not None}
        (self._folder / "list.json").write_text(json.dumps([given]))
        return load([self._folder / "prober.yml"], self._catalogue)

    def mistakes(self, **entry: Any) -> list[str]:
        with pytest.raises(ConfigurationError) as caught:
            self.load(**entry)
        assert {problem.file for problem in caught.value.problems} == {str(self._folder / "list.json")}
        return [f"{problem.path}: {problem.message}" for problem in caught.value.problems]


@pytest.fixture
def lists(tmp_path: Path, catalogue: Mapping[str, Client[Any]], monkeypatch: pytest.MonkeyPatch) -> Lists:
    monkeypatch.setenv("PROBER_TEST_SECRET", "secret")
    return Lists(tmp_path, catalogue)


WAY = "may not stand in a discovered target: the way out is the configuration's affair"
READ = "may not stand in a discovered target: only the configuration names what is read"


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        ({"network": {"connect_to": {"mail.corp.example": "evil.example"}}}, f"targets[2].network: {WAY}"),
        ({"network": {}}, f"targets[2].network: {WAY}"),
        ({"tls": {"server_name": "evil.example", "ca_file": "/etc/passwd"}}, f"targets[2].tls: {WAY}"),
        ({"proxy": {"url": "http://evil.example:1"}}, f"targets[2].proxy: {WAY}"),
        ({"proxy": "none"}, f"targets[2].proxy: {WAY}"),
        ({"address_file": "/etc/shadow"}, f"targets[2].address_file: {READ}"),
        ({"password_file": "/etc/shadow"}, f"targets[2].password_file: {READ}"),
        ({"password_env": "HOME"}, f"targets[2].password_env: {READ}"),
        ({"clients": [{"client": "toy", "token_file": "/etc/shadow"}]}, f"targets[2].clients[0].token_file: {READ}"),
        (
            {"clients": [{"client": "toy", "options": {"proxy": "http://evil.example:1"}}]},
            f"targets[2].clients[0].options.proxy: {WAY}",
        ),
        (
            {"clients": [{"client": "toy", "options": {"deep": [{"key_file": "/etc/shadow"}]}}]},
            f"targets[2].clients[0].options.deep[0].key_file: {READ}",
        ),
    ],
)
def test_what_leads_elsewhere_or_has_a_file_read_is_refused(lists: Lists, entry: dict[str, Any], line: str) -> None:
    """Before anything is made of it: no file is looked at, and nothing is said of what it holds."""
    assert lists.mistakes(**entry) == [line]


def test_the_names_of_labels_are_free(lists: Lists) -> None:
    """They are the configuration's, and mean nothing here."""
    assert lists.load(labels={"tls": "a", "network": "b", "site_file": "c"}).assignments


@pytest.mark.parametrize(
    ("entry", "place"),
    [
        ({"host": "169.254.169.254", "clients": [{"client": "toy"}]}, "169.254.169.254:443"),
        ({"endpoints": {"activesync": "http://169.254.169.254/latest"}, "clients": [{"client": "toy"}]}, "254:80"),
        ({"endpoints": {"owa": "https://[fd00:ec2::254]/"}, "clients": [{"client": "toy"}]}, "fd00:ec2::254:443"),
        ({"endpoints": {"owa": "https://[::ffff:169.254.169.254]/"}, "clients": [{"client": "toy"}]}, ":443"),
        (
            {"clients": [{"client": "toy", "endpoints": {"activesync": "https://168.63.129.16/"}}]},
            "168.63.129.16:443",
        ),
    ],
)
def test_metadata_services_are_no_endpoints(lists: Lists, entry: dict[str, Any], place: str) -> None:
    """In the configuration itself they may be named; who writes a list may not unlock them."""
    told = lists.mistakes(**entry)
    assert all("where no server of anybody's mail can be" in line for line in told)
    assert place in told[0]


def test_a_credential_is_shown_where_configured_targets_are(lists: Lists) -> None:
    """With the same host and port a list may name it, and it stays bound to where it was."""
    settings = lists.load()
    assert [one.key for one in settings.assignments if one.target.name == "x"] == ["imap4/x"]
    hosts = settings.credentials["bound"].hosts
    assert hosts is not None
    assert {host.partition(":")[0] for host in hosts} == {"mail.corp.example"}


@pytest.mark.parametrize(
    ("entry", "lines"),
    [
        ({"host": "evil.example"}, ["'bound' to evil.example:993 (imap4)"]),
        ({"endpoints": {"imap4": "imap://mail.corp.example:14300"}}, ["'bound' to mail.corp.example:14300 (imap4)"]),
        (
            {"clients": [{**IMAP, "endpoints": {"imap4": "imaps://evil.example"}}]},
            ["'bound' to evil.example:993 (imap4)"],
        ),
        ({"clients": [{"client": "imap4", "credential": "idle"}]}, ["'idle' to mail.corp.example:993 (imap4)"]),
        ({"environment": "exchange_online", "host": None}, ["'bound' to outlook.office365.com:993 (imap4)"]),
        (
            {"host": "evil.example", "clients": [{"client": "activesync", "credential": "cloud"}]},
            ["'cloud' to evil.example:443 (activesync)", "'cloud' to evil.example:443 (autodiscover)"],
        ),
        (
            {
                "environment": "exchange_online",
                "host": None,
                "endpoints": {"graph": "https://evil.example/"},
                "clients": [{"client": "outlook_mac", "credential": "cloud"}],
            },
            ["'cloud' to evil.example:443 (graph)"],
        ),
        (
            {
                "environment": "exchange_online",
                "host": None,
                "endpoints": {"imap4": "imaps://evil.example"},
                "clients": [{"client": "activesync", "credential": "cloud", "push": True, "push_credential": "idle"}],
            },
            ["'idle' to evil.example:993 (imap4)"],
        ),
    ],
)
def test_a_credential_is_shown_nowhere_else(lists: Lists, entry: dict[str, Any], lines: list[str]) -> None:
    """Another host, another port, another endpoint, one that nobody else uses: what it would need is said."""
    told = lists.mistakes(**entry)
    assert [line.partition("would show credential ")[2].partition(";")[0] for line in told] == lines
    assert all("name that place in the credential's `hosts`" in line for line in told)


def test_a_list_of_hosts_lets_discovered_targets_in(lists: Lists) -> None:
    entry = {"client": "imap4", "credential": "listed"}
    settings = lists.load(host="far.corp.example", clients=[entry])
    assert any(one.target.name == "x" for one in settings.assignments)
    assert settings.credentials["listed"].hosts == ("*.corp.example",)


def test_a_discovered_target_binds_nothing(lists: Lists) -> None:
    """Not even to well-known hosts: a credential of servers of one's own does not become one of the cloud."""
    hosts = lists.load(clients=[{"client": "toy"}]).credentials["idle"].hosts
    assert hosts == ()


def test_what_was_fetched_is_held_to_the_same(tmp_path: Path, catalogue: Mapping[str, Client[Any]]) -> None:
    (tmp_path / "prober.yml").write_text("discovery: {http: [{url: 'https://h/'}]}\n")
    source = parse("discovery.http[0]", b'[{"name": "x", "proxy": "none"}]', "targets")
    with pytest.raises(ConfigurationError) as caught:
        settings_of(configured([tmp_path / "prober.yml"]), [Part(source, Path("/"))], catalogue)
    assert str(caught.value) == f"discovery.http[0]:1:16: targets[0].proxy: {WAY}"
