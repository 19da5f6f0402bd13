"""What a configuration says becomes assignments, routes and controls."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from prober.model import PushSettings
from prober.settings.load import load
from prober.settings.settings import Settings
from prober.transaction import Client
from prober.vocabulary import Depth, Environment

Loading = Callable[[str], Settings]


@pytest.fixture
def loaded(tmp_path: Path, catalogue: Mapping[str, Client[Any]], monkeypatch: pytest.MonkeyPatch) -> Loading:
    monkeypatch.setenv("PROBER_TEST_SECRET", "secret")

    def loading(text: str) -> Settings:
        (tmp_path / "f.yml").write_text(text)
        return load([tmp_path / "f.yml"], catalogue)

    return loading


ONE = """
credentials: {u: {type: basic, username: me, password_env: PROBER_TEST_SECRET}}
targets:
  - name: a
    environment: exchange_server
    host: mail.corp.example
    mailbox: a@corp.example
    clients:
      - {client: imap4, credential: u, push: {hold: 1m}, options: {idle_seconds: 0.5}}
      - {client: toy, steps: [dance], interval: 5s, timeout: 4s, objective: 1s}
"""


def test_a_client_entry_becomes_an_assignment(loaded: Loading) -> None:
    imap, toy = loaded(ONE).assignments
    assert (imap.depth, imap.interval, imap.timeout, imap.credential_kind) == (Depth.MAILBOX, 60.0, 60.0, "basic")
    assert imap.push == PushSettings(60.0, 3600.0)
    assert imap.options.idle_seconds == 0.5
    assert (toy.depth, toy.interval, toy.timeout, toy.objective) == (Depth.REACH, 5.0, 4.0, 1.0)
    assert toy.steps == {"dance"}
    assert toy.options.colour == "red"


def test_defaults_come_from_the_environment_and_single_endpoints_override_them(loaded: Loading) -> None:
    target = (
        loaded(ONE.replace("mailbox:", "endpoints: {imap4: 'imap://other:1143'}\n    mailbox:")).assignments[0].target
    )
    assert target.environment is Environment.EXCHANGE_SERVER
    assert dict(target.endpoints) == {
        "activesync": "https://mail.corp.example/Microsoft-Server-ActiveSync",
        "imap4": "imap://other:1143",
    }
    online = loaded("targets: [{name: x, environment: exchange_online, clients: [{client: imap4}]}]").assignments[0]
    assert online.target.endpoints["imap4"] == "imaps://outlook.office365.com:993"


def test_intervals_fall_back_from_entry_to_global_to_client(loaded: Loading) -> None:
    bare = "targets: [{name: x, environment: exchange_online, clients: [{client: toy}]}]"
    assert loaded(bare).assignments[0].interval == 33.0
    assert loaded("global: {interval: 7s}\n" + bare).assignments[0].interval == 7.0


TWO_WAYS = """
global: {proxy: {url: "http://p:3128", no_proxy: [.corp]}}
targets:
  - {name: a, environment: exchange_online, clients: [{client: imap4}]}
  - {name: b, environment: exchange_online, clients: [{client: imap4}]}
  - name: c
    environment: exchange_online
    proxy: none
    network: {source_address: 127.0.0.2}
    clients: [{client: imap4}]
control: {urls: ["https://one/", "https://two/"]}
"""


def test_each_way_out_has_its_control_and_the_commonest_is_plain(loaded: Loading) -> None:
    settings = loaded(TWO_WAYS)
    assert dict(settings.control_of) == {"a": "control", "b": "control", "c": "control-2"}
    controls = [one for one in settings.assignments if one.client == "control"]
    assert [one.target.name for one in controls] == ["control", "control-2"]
    assert dict(controls[0].target.endpoints) == {"control": "https://one/", "control_2": "https://two/"}
    assert settings.routes["control"].proxy == settings.routes["a"].proxy
    assert settings.routes["control-2"].proxy is None
    assert settings.routes["control-2"].source_address == "127.0.0.2"


def test_sections_of_a_target_fill_up_from_global(loaded: Loading) -> None:
    settings = loaded(
        "global: {tls: {minimum_version: '1.3'}, network: {family: ipv6}}\n"
        "targets: [{name: x, environment: exchange_online, tls: {server_name: s}, clients: [{client: imap4}]}]"
    )
    route = settings.routes["x"]
    assert (route.tls.minimum_version, route.tls.server_name, route.family) == ("1.3", "s", "ipv6")


def test_a_fingerprint_changes_with_the_configuration_and_not_with_the_secret(
    loaded: Loading, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = loaded(ONE).fingerprints
    monkeypatch.setenv("PROBER_TEST_SECRET", "another")
    assert loaded(ONE).fingerprints == before
    after = loaded(ONE.replace("username: me", "username: you")).fingerprints
    assert after["imap4/a"] != before["imap4/a"]
    assert after["toy/a"] == before["toy/a"]


def test_a_profile_serves_many_targets_and_an_address_may_come_from_a_file(loaded: Loading, tmp_path: Path) -> None:
    (tmp_path / "address").write_text("b@corp.example\n")
    settings = loaded(
        "profiles: {all: [{client: imap4}, {client: toy}]}\n"
        "targets:\n"
        "  - {name: a, environment: exchange_online, mailbox: a@corp.example, profiles: [all]}\n"
        "  - {name: b, environment: exchange_online, address_file: address, profiles: [all]}\n"
    )
    assert [one.key for one in settings.assignments] == ["imap4/a", "toy/a", "imap4/b", "toy/b"]
    assert settings.assignments[2].target.mailbox == "b@corp.example"
