"""Each rule has its bad example; good configurations become what they say."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.settings.load import dotted, load
from prober.settings.settings import ConfigurationError, Problem, Settings
from prober.transaction import Client

BAD = sorted((Path(__file__).parent / "bad").glob("*.yml"))
EXAMPLES = sorted((Path(__file__).parents[2] / "config").glob("*.yml"))


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_example_gives_exactly_the_lines_it_expects(
    file: Path, catalogue: Mapping[str, Client[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first line of each file says what must come out of it."""
    monkeypatch.chdir(file.parent)
    expected = file.read_text().splitlines()[0].removeprefix("# expect: ").split(" && ")
    with pytest.raises(ConfigurationError) as caught:
        load([Path(file.name)], catalogue)
    assert [str(problem).removeprefix(f"{file.name}:") for problem in caught.value.problems] == expected


def test_there_are_bad_examples() -> None:
    assert len(BAD) > 60


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_every_shipped_example_loads(file: Path, catalogue: Mapping[str, Client[Any]]) -> None:
    assert load([file], catalogue, check_files=False).assignments


def test_all_mistakes_come_at_once_in_the_order_of_the_file(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]]
) -> None:
    file = tmp_path / "f.yml"
    file.write_text("global: {interval: x}\nstorage: {paht: x}\npacing: {rate: -1}\n")
    with pytest.raises(ConfigurationError) as caught:
        load([file], catalogue)
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3]
    assert str(caught.value).splitlines()[1] == f"{file}:2:11: storage.paht: is not a known key; did you mean 'path'?"


def test_a_directory_is_taken_together_and_names_stay_unique(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]]
) -> None:
    (tmp_path / "a.yml").write_text(
        "targets:\n  - {name: a, environment: exchange_online, clients: [{client: imap4}]}\n"
    )
    (tmp_path / "b.yml").write_text(
        "targets:\n  - {name: b, environment: exchange_online, clients: [{client: imap4}]}\n"
    )
    assert [one.target.name for one in load([tmp_path], catalogue).assignments] == ["a", "b"]
    (tmp_path / "c.yml").write_text(
        "targets:\n  - {name: a, environment: exchange_online, clients: [{client: imap4}]}\n"
    )
    with pytest.raises(ConfigurationError, match=r"c\.yml:2:6: targets\[2\]\.name: 'a' is the name of two targets"):
        load([tmp_path], catalogue)


def test_a_section_that_stands_in_two_files_is_named_with_both(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]]
) -> None:
    (tmp_path / "a.yml").write_text("global: {vantage: a}\n")
    (tmp_path / "b.yml").write_text("global: {vantage: b}\n")
    with pytest.raises(ConfigurationError, match=r"b\.yml:1:1: global: stands here a second time, first in .*a\.yml:1"):
        load([tmp_path], catalogue)


def test_a_missing_file_and_an_empty_directory_are_one_line_each(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]]
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load([tmp_path / "none.yml", tmp_path], catalogue)
    assert sorted(str(one).split(": ", 1)[1] for one in caught.value.problems) == [
        "cannot be read: No such file or directory",
        "is a directory without any *.yml file",
    ]


def test_no_secret_shows_in_what_is_loaded_or_in_a_mistake(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]]
) -> None:
    canary = "canary-7f3a"
    (tmp_path / "secret").write_text(canary)
    file = tmp_path / "f.yml"
    file.write_text(
        "global: {proxy: {url: 'http://p:1', username: u, password_file: secret}}\n"
        "credentials: {u: {type: basic, password_file: secret}}\n"
        "targets:\n- {name: a, environment: exchange_online, mailbox: a@b.example,\n"
        "  clients: [{client: imap4, credential: u}]}\n"
    )
    loaded = load([file], catalogue)
    route = loaded.routes["a"]
    assert route.proxy is not None
    assert route.proxy.password is not None
    assert route.proxy.password.reveal() == canary
    assert canary not in repr(loaded) + str(loaded)
    file.write_text(file.read_text().replace("type: basic", "type: basic, tenant: t"))
    with pytest.raises(ConfigurationError) as caught:
        load([file], catalogue)
    assert canary not in str(caught.value)


def test_a_path_reads_as_people_write_it() -> None:
    assert dotted(("targets", 2, "clients", 0, "interval")) == "targets[2].clients[0].interval"


WORDS = st.sampled_from(
    [
        "global",
        "targets",
        "credentials",
        "control",
        "name",
        "environment",
        "exchange_online",
        "clients",
        "client",
        "imap4",
        "interval",
        "30s",
        "type",
        "basic",
        "password_env",
        "PATH",
        "mailbox",
        "a@b.example",
        "urls",
        "https://x/",
        "proxy",
        "none",
        "tls",
        "ca_file",
        "labels",
        "push",
        "true",
        "1",
        "null",
    ]
)
TREES = st.recursive(
    WORDS | st.integers() | st.none() | st.booleans() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=25,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(document=st.dictionaries(WORDS, TREES, max_size=5))
def test_any_document_gives_settings_or_mistakes(
    document: dict[str, Any], tmp_path: Path, catalogue: Mapping[str, Client[Any]]
) -> None:
    """Whatever well-formed YAML says, nothing but the declared error comes out."""
    file = tmp_path / "f.yml"
    file.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    try:
        read: Settings | tuple[Problem, ...] = load([file], catalogue, check_files=False)
    except ConfigurationError as exc:
        read = exc.problems
    assert isinstance(read, Settings) or (read and all(one.line >= 1 and one.message for one in read))
