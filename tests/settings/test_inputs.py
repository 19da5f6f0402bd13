"""The files that a configuration is read from: a change of what they hold is seen, whatever leads there."""

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from prober.clients import catalogue
from prober.settings.inputs import ABSENT, Inputs
from prober.settings.lists import key_of, packed
from prober.settings.load import load
from prober.settings.settings import ConfigurationError, Settings
from prober.settings.source import LARGEST_FILE

TARGET = """\
targets:
  - {{name: {name}, environment: exchange_server, host: mail.corp.example, {more} clients: [{{client: imap4}}]}}
"""


def target(name: str = "hq", more: str = "") -> str:
    return TARGET.format(name=name, more=more)


def inputs(*paths: Path) -> Inputs:
    made = Inputs(paths, catalogue())
    made.begin()
    return made


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


# -- lists -------------------------------------------------------------------------------------------------------------

URL = "https://lists.corp.example/targets"
FETCHING = f"discovery: {{http: [{{url: '{URL}'}}]}}\n"


def entry(name: str, **more: object) -> dict[str, object]:
    return {
        "name": name,
        "environment": "exchange_server",
        "host": "mail.corp.example",
        "clients": [{"client": "imap4"}],
        **more,
    }


def as_list(*names: str) -> bytes:
    return json.dumps([entry(name) for name in names]).encode()


def names(settings: Settings | None) -> list[str]:
    assert settings is not None
    return [one.target.name for one in settings.assignments]


def begun(folder: Path, text: str, kept: Mapping[str, str] | None = None) -> tuple[Inputs, Settings]:
    (folder / "prober.yml").write_text(text)
    made = Inputs([folder / "prober.yml"], catalogue())
    return made, made.begin(lambda _: kept or {})


def test_a_list_that_was_fetched_comes_beside_the_configuration(tmp_path: Path) -> None:
    """Once it is in force, the same bytes are no news."""
    seen, settings = begun(tmp_path, target() + FETCHING)
    assert names(settings) == ["hq"]
    assert seen.fetched(URL, as_list("a", "b"))
    assert names(seen.refresh()) == ["hq", "a", "b"]
    assert seen.fetched(URL, as_list("a", "b"))  # nobody said that it is in force
    seen.refresh()
    seen.in_force()
    assert not seen.fetched(URL, as_list("a", "b"))
    assert [(one.label, one.targets, one.trouble) for one in seen.lists] == [("http[0]", 2, "")]
    assert seen.fetched(URL, b"[]")
    assert names(seen.refresh()) == ["hq"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"", "discovery.http[0]:1:1: is empty"),
        (b"<html>not found</html>", "discovery.http[0]:1:1: must be a list of targets"),
        (b'{"targets": []}', "discovery.http[0]:1:1: must be a list of targets"),
        (b'[{"name": ', "discovery.http[0]:1:"),
        (b"\xff\xfe", "discovery.http[0]:1:1: is not UTF-8 text"),
        (b" " * (LARGEST_FILE + 1), "discovery.http[0]:1:1: is larger than 1 MiB"),
        (b"[" * 1000, "discovery.http[0]:1:"),
        (b"[&a [*a]]", "discovery.http[0]:1:2: targets[0][0]: contains itself"),
        (as_list("a", "a"), "discovery.http[0]:1:115: targets[2].name: 'a' is the name of two targets"),
        (as_list("hq"), "discovery.http[0]:1:3: targets[1].name: 'hq' is the name of two targets"),
        (as_list("control"), "targets[1].name: 'control' is taken by the control"),
        (json.dumps([entry("a", network={})]).encode(), "targets[1].network: may not stand in a discovered target"),
        (json.dumps([entry("a", address_file="/etc/shadow")]).encode(), "targets[1].address_file: may not stand"),
        (json.dumps([entry("a", host="169.254.169.254")]).encode(), "leads to 169.254.169.254:443"),
        (
            json.dumps([entry("a", mailbox="a@x.example", clients=[{"client": "imap4", "credential": "u"}])]).encode(),
            "'u' is no credential here",
        ),
    ],
)
def test_a_bad_list_counts_as_it_was(tmp_path: Path, data: bytes, told: str) -> None:
    """It is tried once, changes nothing and says what is wrong with it, until it is good again."""
    seen, _ = begun(tmp_path, target() + FETCHING)
    seen.fetched(URL, as_list("a"))
    seen.refresh()
    seen.in_force()
    assert seen.fetched(URL, data)
    assert seen.refresh() is None
    seen.in_force()
    assert told in seen.trouble(URL)
    assert len(seen.trouble(URL).splitlines()) == 1
    assert not seen.fetched(URL, data)
    assert [(one.targets, one.trouble) for one in seen.lists] == [(1, seen.trouble(URL))]
    assert names(seen.read()) == ["hq", "a"]
    assert not seen.fetched(URL, as_list("a"))
    assert seen.trouble(URL) == ""


def test_a_list_is_tried_beside_what_is_in_force_and_no_file_is_read_for_it(tmp_path: Path) -> None:
    """What is being written into the configuration, or into a list beside it, is none of its business."""
    (tmp_path / "f.json").write_bytes(as_list("f"))
    text = target() + FETCHING.replace("{http", "{files: [f.json], http")
    seen, _ = begun(tmp_path, text)
    (tmp_path / "prober.yml").write_text(target()[:30])
    (tmp_path / "f.json").write_bytes(as_list("f", "g"))
    seen.fetched(URL, as_list("a"))
    assert names(seen.refresh()) == ["hq", "f", "a"]


def test_a_reading_that_is_not_put_in_force_changes_nothing(tmp_path: Path) -> None:
    """It was read, but something beyond files stood in its way."""
    seen, _ = begun(tmp_path, target() + FETCHING)
    (tmp_path / "prober.yml").write_text(target("other") + FETCHING)
    assert names(seen.read()) == ["other"]
    seen.fetched(URL, as_list("a"))
    assert names(seen.refresh()) == ["hq", "a"]


def test_good_lists_are_kept_and_come_back_without_their_server(tmp_path: Path) -> None:
    """Under a name that gives no URL away; a list that nothing names any more is dropped."""
    section: dict[str, str] = {}
    (tmp_path / "f.json").write_bytes(as_list("f"))
    text = target() + FETCHING.replace("{http", "{files: ['f*.json'], http")
    seen, _ = begun(tmp_path, text)
    seen.keep(section)
    seen.fetched(URL, as_list("a"))
    seen.refresh()
    assert len(section) == 1
    seen.in_force()
    assert len(section) == 2
    assert "corp" not in json.dumps(section)
    (tmp_path / "f.json").write_text("[")
    again, settings = begun(tmp_path, text, section)
    assert names(settings) == ["hq", "f", "a"]
    assert [(one.label, bool(one.trouble)) for one in again.lists] == [("files[0]", True), ("http[0]", False)]
    again.keep(section)
    (tmp_path / "prober.yml").write_text(target())
    again.read()
    again.in_force()
    assert section == {}


@pytest.mark.parametrize("kept", ["", "*", packed(b""), packed(b"["), packed(as_list("hq")), packed(b"[{name: x}]")])
def test_a_bad_list_that_was_kept_stops_no_start(tmp_path: Path, kept: str) -> None:
    """Damaged, or good beside another configuration only; what comes later is looked at as ever."""
    seen, settings = begun(tmp_path, target() + FETCHING, {key_of("http", URL): kept})
    assert names(settings) == ["hq"]
    assert seen.fetched(URL, as_list("a"))
    assert names(seen.refresh()) == ["hq", "a"]


def test_a_list_that_had_no_room_at_the_start_is_tried_when_it_is_fetched(tmp_path: Path) -> None:
    """It may be the same, and the configuration another."""
    section = {key_of("http", URL): packed(as_list("hq"))}
    seen, _ = begun(tmp_path, target() + FETCHING, section)
    assert "'hq' is the name of two" in seen.trouble(URL)
    (tmp_path / "prober.yml").write_text(target("other") + FETCHING)
    assert names(seen.read()) == ["other", "hq"]


def test_a_bad_file_holds_up_no_change_and_is_an_error_at_the_start(tmp_path: Path) -> None:
    """It counts as it was, also when it is gone; one that never was good counts as empty while the prober runs."""
    (tmp_path / "f.json").write_bytes(as_list("f"))
    lists = "discovery: {files: [f.json, 'more/*.json']}\n"
    seen, _ = begun(tmp_path, target() + lists)
    (tmp_path / "more").mkdir()
    for bad in (b"[", as_list("hq"), None):
        (tmp_path / "f.json").unlink() if bad is None else (tmp_path / "f.json").write_bytes(bad)
        (tmp_path / "more" / "g.json").write_bytes(b"{")
        (tmp_path / "prober.yml").write_text(target(more="region: eu,") + lists)
        settings = seen.read()
        seen.in_force()
        assert names(settings) == ["hq", "f"]
        assert settings.assignments[0].target.region == "eu"
        assert [(one.label, one.targets, bool(one.trouble)) for one in seen.lists] == [
            ("files[0]", 1, True),
            ("files[1]", 0, True),
        ]
    with pytest.raises(ConfigurationError) as caught:
        begun(tmp_path, target() + lists)
    assert [problem.file for problem in caught.value.problems] == [
        str(tmp_path / "f.json"),
        str(tmp_path / "more" / "g.json"),
    ]
    with pytest.raises(ConfigurationError) as caught:
        load([tmp_path / "prober.yml"], catalogue())
    assert len(caught.value.problems) == 2


def test_a_list_that_nobody_asked_for_is_no_news(tmp_path: Path) -> None:
    """A reload took it away while it was fetched."""
    seen, _ = begun(tmp_path, target())
    assert not seen.fetched(URL, as_list("a"))
    assert seen.trouble(URL) == ""


def test_the_configuration_comes_first(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="begin comes first"):
        Inputs([tmp_path / "prober.yml"], catalogue()).refresh()
