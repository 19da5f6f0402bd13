"""The files that a configuration is read from: a change of what they hold is seen, whatever leads there."""

from pathlib import Path

import pytest

from prober.clients import catalogue
from prober.settings.inputs import ABSENT, Inputs
from prober.settings.load import load
from prober.settings.settings import ConfigurationError

TARGET = """\
targets:
  - {{name: {name}, environment: exchange_server, host: mail.corp.example, {more} clients: [{{client: imap4}}]}}
"""


def target(name: str = "hq", more: str = "") -> str:
    return TARGET.format(name=name, more=more)


def inputs(*paths: Path) -> Inputs:
    return Inputs(paths, catalogue(), load(paths, catalogue()))


def test_content_counts_and_nothing_else(tmp_path: Path) -> None:
    """Written anew with the same content, a file is the same; one more letter, and it is another."""
    file = tmp_path / "prober.yml"
    file.write_text(target())
    seen = inputs(file)
    before = seen.look()
    file.unlink()
    file.write_text(target())
    assert seen.look() == before
    file.write_text(target("hx"))
    assert seen.look() != before
    assert [one.target.name for one in seen.read().assignments] == ["hx"]


def test_a_swapped_link_is_seen(tmp_path: Path) -> None:
    """As Kubernetes renews a ConfigMap: the file links into `..data`, and that link is replaced as a whole."""
    for version, name in (("..one", "first"), ("..two", "second")):
        (tmp_path / version).mkdir()
        (tmp_path / version / "prober.yml").write_text(target(name))
    (tmp_path / "..data").symlink_to("..one")
    (tmp_path / "prober.yml").symlink_to("..data/prober.yml")
    for path in (tmp_path / "prober.yml", tmp_path):
        (tmp_path / "..data").unlink()
        (tmp_path / "..data").symlink_to("..one")
        seen = inputs(path)
        before = seen.look()
        (tmp_path / "..new").symlink_to("..two")
        (tmp_path / "..new").rename(tmp_path / "..data")
        assert seen.look() != before
        assert [one.target.name for one in seen.read().assignments] == ["second"]


def test_a_directory_is_all_its_files(tmp_path: Path) -> None:
    """One that comes, one that goes; what is named otherwise is none of ours."""
    (tmp_path / "10-a.yml").write_text(target("a"))
    seen = inputs(tmp_path)
    before = seen.look()
    (tmp_path / "notes.txt").write_text("nothing")
    assert seen.look() == before
    (tmp_path / "20-b.yml").write_text(target("b"))
    assert seen.look() != before
    assert [one.target.name for one in seen.read().assignments] == ["a", "b"]
    (tmp_path / "20-b.yml").unlink()
    assert seen.look() == before


def test_named_files_that_are_a_part_of_it_are_looked_at(tmp_path: Path) -> None:
    """An address; also one that was named only the last time it was read, and one that is not there any more."""
    (tmp_path / "address").write_text("probe@corp.example")
    file = tmp_path / "prober.yml"
    file.write_text(target())
    seen = inputs(file)
    file.write_text(target(more="address_file: address,"))
    assert str(tmp_path / "address") not in seen.look()
    assert seen.read().assignments[0].target.mailbox == "probe@corp.example"
    before = seen.look()
    (tmp_path / "address").write_text("other@corp.example")
    assert {name for name, mark in seen.look().items() if mark != before[name]} == {str(tmp_path / "address")}
    (tmp_path / "address").unlink()
    assert seen.look()[str(tmp_path / "address")] == ABSENT


def test_secrets_that_are_read_when_needed_are_not_looked_at(tmp_path: Path) -> None:
    """They rotate by themselves, and nobody has to read a configuration for that."""
    (tmp_path / "password").write_text("canary-password")
    file = tmp_path / "prober.yml"
    file.write_text(target() + "credentials: {user: {type: basic, username: u, password_file: password}}\n")
    assert list(inputs(file).look()) == [str(file)]


def test_a_bad_file_is_told_and_still_looked_at(tmp_path: Path) -> None:
    """It stays named with all its mistakes, until it is good again."""
    file = tmp_path / "prober.yml"
    file.write_text(target())
    seen = inputs(file)
    file.write_text("targets: [")
    with pytest.raises(ConfigurationError):
        seen.read()
    bad = seen.look()
    file.write_text(target())
    assert seen.look() != bad
    assert seen.read().assignments


def test_lists_of_discovered_targets_are_looked_at_as_they_come_and_go(tmp_path: Path) -> None:
    """What a pattern means is looked up each time."""
    file = tmp_path / "prober.yml"
    file.write_text(target() + "discovery: {files: ['found-*.json']}\n")
    seen = inputs(file)
    before = seen.look()
    found = tmp_path / "found-1.json"
    found.write_text(
        '[{"name": "x", "environment": "exchange_server", "host": "x.example", "clients": [{"client": "imap4"}]}]'
    )
    assert set(seen.look()) - set(before) == {str(found)}
    assert [one.target.name for one in seen.read().assignments] == ["hq", "x"]
    found.unlink()
    assert seen.look() == before
