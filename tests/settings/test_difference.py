"""What a new configuration changes, decided from two records."""

from pathlib import Path

import pytest

from prober.clients import catalogue
from prober.settings.difference import beyond_reload, difference
from prober.settings.load import load
from prober.settings.settings import Settings

BASE = """\
global: {labels: [site]}
credentials:
  user: {type: basic, username: u, password_file: password}
  other: {type: basic, username: o, password_file: password}
control: {urls: ["https://www.corp.example/"]}
targets:
  - {name: a, environment: exchange_server, host: a.corp.example, mailbox: a@corp.example, clients: [CLIENT]}
  - {name: b, environment: exchange_server, host: b.corp.example, clients: [{client: imap4}]}
"""
CLIENT = "{client: imap4, credential: user}"


def settings(folder: Path, *changes: tuple[str, str]) -> Settings:
    """Return the configuration with some of its text replaced."""
    (folder / "password").write_text("canary-password")
    text = BASE.replace("CLIENT", CLIENT)
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    file = folder / "prober.yml"
    file.write_text(text)
    return load([file], catalogue())


def keys(*some: tuple[object, ...]) -> list[list[str]]:
    return [[one.key for one in assignments] for assignments in some]  # type: ignore[attr-defined]  # assignments, all


def test_the_same_text_changes_nothing(tmp_path: Path) -> None:
    """All are kept, the control included."""
    change = difference(settings(tmp_path), settings(tmp_path))
    assert keys(change.kept) == [["imap4/a", "imap4/b", "control/control"]]
    assert (change.added, change.removed, change.changed, change.moved) == ((), (), (), frozenset())
    assert change.words == "0 added, 0 removed, 0 changed, 3 kept"


def test_what_comes_and_goes_leaves_the_others_alone(tmp_path: Path) -> None:
    """Although a credential's hosts follow from its targets."""
    where = "environment: exchange_server, host: c.corp.example, mailbox: c@corp.example"
    added = f"  - {{name: c, {where}, clients: [{CLIENT}]}}\n"
    new = settings(tmp_path, ("  - {name: b", f"{added}  - {{name: d"))
    change = difference(settings(tmp_path), new)
    assert keys(change.added, change.removed, change.kept) == [
        ["imap4/c", "imap4/d"],
        ["imap4/b"],
        ["imap4/a", "control/control"],
    ]
    assert change.moved == {"imap4/b"}


@pytest.mark.parametrize(
    "change",
    [
        (CLIENT, "{client: imap4, credential: user, interval: 2m}"),
        (CLIENT, "{client: imap4, credential: user, timeout: 20s}"),
        ("name: a, env", "name: a, region: eu, env"),
        ("name: a, env", "name: a, labels: {site: fra}, env"),
    ],
)
def test_what_only_looks_different_goes_on(tmp_path: Path, change: tuple[str, str]) -> None:
    """Rhythm and labels say nothing of how it gets through."""
    found = difference(settings(tmp_path), settings(tmp_path, change))
    assert (keys(found.changed), found.moved) == ([["imap4/a"]], frozenset())


@pytest.mark.parametrize(
    "change",
    [
        ("host: a.corp.example", "host: z.corp.example"),
        ("a@corp.example", "z@corp.example"),
        (CLIENT, "{client: imap4, credential: other}"),
        (CLIENT, "{client: imap4, credential: user, push: true, push_credential: other}"),
        ("username: u", "username: v"),
        ("name: a, env", "name: a, network: {family: ipv4}, env"),
        ("name: a, env", "name: a, network: {connect_to: {a.corp.example: 127.0.0.1}}, env"),
    ],
)
def test_what_gets_through_in_another_way_has_moved(tmp_path: Path, change: tuple[str, str]) -> None:
    """Where to, as whom, and along which way."""
    found = difference(settings(tmp_path), settings(tmp_path, change))
    assert "imap4/a" in found.moved
    assert "imap4/b" not in found.moved
    assert keys(found.changed)[0][0] == "imap4/a"


def test_what_only_a_restart_can_change_is_named(tmp_path: Path) -> None:
    """One line each; nothing where nothing of it differs."""
    new = settings(
        tmp_path,
        ("labels: [site]", "labels: [site, floor], vantage: here"),
        ("targets:", "storage: {path: s}\nworkers: 2\ntargets:"),
    )
    assert list(beyond_reload(settings(tmp_path), new)) == [
        "global.vantage: cannot change without a restart",
        "global.labels: cannot change without a restart",
        "workers: cannot change without a restart",
        "storage: cannot change without a restart",
    ]
    assert list(beyond_reload(new, new)) == []
