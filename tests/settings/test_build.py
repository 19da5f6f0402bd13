"""The parts of a configuration come together."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from prober.settings.settings import HistorySettings, PacingSettings
from tests.settings.made import Loading

ONE = """
global: {vantage: fra1, user_agent: "probe/1"}
storage: {path: state, history: 2d, failures: 7d, history_megabytes: 5}
pacing: {rate: 5, ceiling: 6}
credentials: {u: {type: basic, username: me, password_env: PROBER_TEST_SECRET}}
targets:
  - name: a
    environment: exchange_server
    host: mail.corp.example
    mailbox: a@corp.example
    clients: [{client: imap4, credential: u}, {client: toy}]
maintenance:
  - {start: 2026-12-05T22:00:00Z, end: 2026-12-06T02:00:00Z, every: 7d, targets: [a]}
"""


def test_everything_that_is_no_assignment_arrives(loaded: Loading, tmp_path: Path) -> None:
    settings = loaded(ONE)
    assert (settings.vantage, settings.user_agent) == ("fra1", "probe/1")
    assert settings.storage_path == str(tmp_path / "state")
    assert settings.history == HistorySettings(2 * 86400.0, 7 * 86400.0, 5)
    assert settings.pacing == PacingSettings(5.0, 6)
    assert set(settings.credentials) == {"u"}
    assert set(settings.routes) == {"a"}
    window = settings.maintenance[0]
    assert window.active("a", datetime(2026, 12, 12, 23, tzinfo=UTC))
    assert not window.active("b", datetime(2026, 12, 12, 23, tzinfo=UTC))


def test_a_fingerprint_does_not_change_with_the_secret(loaded: Loading, monkeypatch: pytest.MonkeyPatch) -> None:
    """A new password is noticed elsewhere, without anything of it being kept."""
    before = loaded(ONE).fingerprints
    monkeypatch.setenv("PROBER_TEST_SECRET", "another")
    assert loaded(ONE).fingerprints == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("username: me", "username: you"),
        ("a@corp.example", "b@corp.example"),
        ("host: mail", "host: post"),
        ("probe/1", "probe/2"),
        ("host:", "tls: {minimum_version: '1.3'}\n    host:"),
        ("host:", "tls: {server_name: x}\n    host:"),
        ("host:", "network: {connect_to: {x: 192.0.2.1}}\n    host:"),
        ("host:", "network: {family: ipv4}\n    host:"),
        ("host:", "proxy: {url: 'http://p:1'}\n    host:"),
        ("credential: u", "credential: u, options: {idle_seconds: 2.0}"),
        ("credential: u", "credential: u, depth: reach"),
    ],
)
def test_a_fingerprint_changes_with_all_that_decides_over_success(loaded: Loading, old: str, new: str) -> None:
    assert ONE.count(old) == 1
    assert loaded(ONE.replace(old, new)).fingerprints["imap4/a"] != loaded(ONE).fingerprints["imap4/a"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("credential: u", "credential: u, interval: 5s, objective: 1s"),
        ("host:", "region: eu\n    host:"),
        ("rate: 5", "rate: 6"),
        ("{client: toy}", "{client: toy, steps: [dance]}"),
    ],
)
def test_a_fingerprint_stays_where_nothing_changed_for_the_server(loaded: Loading, old: str, new: str) -> None:
    """A working credential does not become an unproven one because somebody asks more often."""
    assert ONE.count(old) == 1
    assert loaded(ONE.replace(old, new)).fingerprints["imap4/a"] == loaded(ONE).fingerprints["imap4/a"]
