"""Each rule has its bad example; good configurations become what they say."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prober.secret import Secret
from prober.settings.load import load
from prober.settings.settings import ConfigurationError, Settings
from prober.transaction import Client

ROOT = Path(__file__).parents[2]
BAD = sorted((Path(__file__).parent / "bad").glob("*.yml"))
EXAMPLES = sorted((ROOT / "config").glob("*.yml"))


@pytest.mark.parametrize("file", BAD, ids=lambda file: file.stem)
def test_a_bad_example_gives_exactly_the_lines_it_expects(
    file: Path, catalogue: Mapping[str, Client[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first line of each file says what must come out of it."""
    monkeypatch.chdir(file.parent)
    monkeypatch.setenv("PROBER_EMPTY", "")
    expected = file.read_text().splitlines()[0].removeprefix("# expect: ").split(" && ")
    with pytest.raises(ConfigurationError) as caught:
        load([Path(file.name)], catalogue)
    assert [str(problem).removeprefix(f"{file.name}:") for problem in caught.value.problems] == expected


def test_there_are_bad_examples() -> None:
    assert len(BAD) > 100


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
    with pytest.raises(ConfigurationError, match=r"c\.yml:2:6: targets\[2\]\.name: 'a' is .*a\.yml:2$"):
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


def test_a_path_that_cannot_even_be_looked_at_is_one_line(tmp_path: Path, catalogue: Mapping[str, Client[Any]]) -> None:
    """As a folder is that may not be entered, for whoever is not root."""
    with pytest.raises(ConfigurationError, match=r"cannot be read: File name too long$"):
        load([tmp_path / ("x" * 300)], catalogue)


def test_nothing_named_is_a_mistake(catalogue: Mapping[str, Client[Any]]) -> None:
    with pytest.raises(ConfigurationError, match="no file was named"):
        load([], catalogue)


def test_the_command_line_overrules_the_storage_path(tmp_path: Path, catalogue: Mapping[str, Client[Any]]) -> None:
    file = tmp_path / "f.yml"
    file.write_text(
        "storage: {path: here}\ntargets: [{name: a, environment: exchange_online, clients: [{client: toy}]}]"
    )
    assert load([file], catalogue).storage_path == str(tmp_path / "here")
    assert load([file], catalogue, storage_path="there").storage_path == "there"


def test_loading_brings_in_nothing_that_reaches_the_network() -> None:
    """`check-config` works where the libraries of the network are not even installed."""
    program = """
import sys
from prober.clients import catalogue
from prober.secret import Secret
from prober.settings.load import load
catalogue()
outside = ("httpx", "httptools", "pycares", "uvicorn", "prober.net.")
print(sorted(name for name in sys.modules if name.startswith(outside)))
"""
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    assert told.stdout.strip() == "['prober.net.forbidden', 'prober.net.route']"


CANARY = "canary7f3a"


def test_no_secret_shows_in_what_is_loaded(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text(CANARY)
    monkeypatch.setenv("PROBER_TEST_SECRET", CANARY)
    file = tmp_path / "f.yml"
    file.write_text(
        "global: {proxy: {url: 'http://p:1', username: u, password_file: secret}}\n"
        "credentials:\n"
        "  u: {type: basic, password_env: PROBER_TEST_SECRET}\n"
        "  v: {type: refresh_token, tenant: t, client_id: c, token_file: secret}\n"
        "targets:\n- {name: a, environment: exchange_online, mailbox: a@b.example,\n"
        "  clients: [{client: imap4, credential: u}]}\n"
    )
    loaded = load([file], catalogue)
    proxy = loaded.routes["a"].proxy
    assert proxy is not None
    assert proxy.password == Secret(CANARY)
    everything = [repr(loaded), str(loaded), loaded.redacted, repr(loaded.routes), repr(loaded.credentials)]
    assert [text for text in everything if CANARY in text] == []
    assert [value for value in loaded.fingerprints.values() if CANARY in value] == []


@pytest.mark.parametrize(
    "sigil", ["", "*", "&", "!", "!!", "!a!", "@", "`", "%", "'", '"', "|", ">", "{", "[", "- ", "? ", ": "]
)
@pytest.mark.parametrize("key", ["password", "client_secret", "password_env", "password_file", "type", "expires_at"])
def test_no_secret_at_the_wrong_place_shows_in_a_mistake(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]], sigil: str, key: str
) -> None:
    """Somebody writes a password into the file, and it may begin with a sign that means something in YAML."""
    file = tmp_path / "f.yml"
    known = "" if key == "type" else "\n    type: basic"
    file.write_text(f"credentials:\n  u:{known}\n    {key}: {sigil}{CANARY} {CANARY}\n    {key}: *{CANARY}\n")
    with pytest.raises(ConfigurationError) as first:
        load([file], catalogue)
    file.write_text(f"credentials:\n  u:{known}\n    {key}: {sigil}{CANARY}\n")
    with pytest.raises(ConfigurationError) as second:
        load([file], catalogue)
    assert CANARY not in str(first.value) + str(second.value)


@pytest.mark.parametrize(
    "text",
    [
        f"global: {{proxy: 'http://u:{CANARY}@p:1'}}",
        f"global: {{proxy: {{url: 'http://u:{CANARY}@p:1'}}}}",
        f"targets: [{{name: a, environment: exchange_online, endpoints: {{imap4: 'imaps://u:{CANARY}@h'}}}}]",
        f"control: {{urls: ['https://u:{CANARY}@h/']}}",
        f"credentials: {{u: {{type: ropc, token_url: 'https://u:{CANARY}@h/'}}}}",
        f"credentials: {{u: {CANARY}}}",
        f"credentials: {CANARY}",
        CANARY,
    ],
)
def test_no_secret_in_a_url_or_instead_of_a_section_shows(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]], text: str
) -> None:
    file = tmp_path / "f.yml"
    file.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load([file], catalogue)
    assert CANARY not in str(caught.value)


KEYS = ["global", "targets", "credentials", "profiles", "control", "name", "environment", "clients", "client", "type"]
KEYS += ["interval", "password_env", "mailbox", "urls", "proxy", "tls", "ca_file", "labels", "push"]
VALUES = ["exchange_online", "imap4", "30s", "basic", "PATH", "a@b.example", "https://x/", "none", "true", "1", "null"]
WORDS = st.sampled_from(KEYS + VALUES)
TREES = st.recursive(
    WORDS | st.integers() | st.none() | st.booleans() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=25,
)


def outcome(file: Path, data: bytes, catalogue: Mapping[str, Client[Any]]) -> Settings | ConfigurationError:
    """Load `data`, in time; anything but settings or mistakes with their places comes out as it is."""
    file.write_bytes(data)
    started = time.process_time()  # what the neighbours take does not count
    try:
        found: Settings | ConfigurationError = load([file], catalogue, check_files=False)
    except ConfigurationError as exc:
        found = exc
    assert time.process_time() - started < 30
    return found


def sound(found: Settings | ConfigurationError) -> bool:
    """Whether there is something to work with, or a line about everything that is wrong."""
    if isinstance(found, Settings):
        return bool(found.assignments)
    placed = all(one.line >= 1 and one.column >= 1 and one.message for one in found.problems)
    return placed and len(str(found).splitlines()) == len(found.problems) > 0


FUZZ = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
SHIPPED = [file.read_text(encoding="utf-8") for file in EXAMPLES]
MARKS = r": - \n { } [ ] &a *a <<:*a !!int !x ' # | > ? , @ ` % null ~ true 1e9 0x .inf 2027-01-01 \0 \t"
SNIPPETS = st.sampled_from([*MARKS.split(), ": ", "- ", "\n", "\n  ", '"', "\t", "\x00", "\ufeff", "\u2028", "٣"])


@FUZZ
@given(document=st.dictionaries(WORDS, TREES, max_size=5))
def test_any_document_gives_settings_or_mistakes(
    document: dict[str, Any], tmp_path: Path, catalogue: Mapping[str, Client[Any]]
) -> None:
    """Whatever well-formed YAML says, nothing but the declared error comes out."""
    text = yaml.safe_dump(document, allow_unicode=True)
    assert sound(outcome(tmp_path / "f.yml", text.encode(), catalogue))


@FUZZ
@given(text=st.text(max_size=300))
def test_any_text_gives_settings_or_mistakes(text: str, tmp_path: Path, catalogue: Mapping[str, Client[Any]]) -> None:
    assert sound(outcome(tmp_path / "f.yml", text.encode("utf-8", "surrogatepass"), catalogue))


@FUZZ
@given(
    text=st.sampled_from(SHIPPED),
    edits=st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 12), SNIPPETS | st.text(max_size=4)), max_size=4),
)
def test_any_slip_of_the_pen_gives_settings_or_mistakes(
    text: str, edits: list[tuple[int, int, str]], tmp_path: Path, catalogue: Mapping[str, Client[Any]]
) -> None:
    """A working configuration with some characters lost, and others in their place."""
    for at, length, instead in edits:
        at %= len(text) + 1
        text = text[:at] + instead + text[at + length :]
    assert sound(outcome(tmp_path / "f.yml", text.encode("utf-8", "surrogatepass"), catalogue))


def test_a_large_configuration_full_of_mistakes_is_read_in_time(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]]
) -> None:
    """Each of a thousand wrong names would be compared with each of a thousand known ones."""
    names = "".join(f"  cred{number}: {{type: managed_identity, resource: r}}\n" for number in range(1000))
    targets = "".join(
        f"  - {{name: t{number}, environment: exchange_online, clients: [{{client: toy, credential: crad{number}}}]}}\n"
        for number in range(1000)
    )
    found = outcome(tmp_path / "f.yml", f"credentials:\n{names}targets:\n{targets}".encode(), catalogue)
    assert isinstance(found, ConfigurationError)
    assert len(found.problems) == 1000


def test_targets_are_discovered_in_files_of_their_own(tmp_path: Path, catalogue: Mapping[str, Client[Any]]) -> None:
    """Lists as YAML or JSON, by patterns relative to the file that names them."""
    folder = tmp_path / "found"
    folder.mkdir()
    entry = {"name": "b", "environment": "exchange_server", "host": "b.corp.example", "mailbox": "probe@corp.example"}
    (folder / "b.json").write_text(json.dumps([{**entry, "clients": [{"client": "toy"}]}]))
    (folder / "a.yml").write_text("- {name: a, environment: exchange_server, host: a.corp.example, profiles: [all]}\n")
    (folder / "none.json").write_text("[]")
    file = tmp_path / "prober.yml"
    file.write_text("discovery: {files: ['found/*.json', found/a.yml]}\nprofiles: {all: [{client: toy}]}\n")
    settings = load([file], catalogue)
    assert [one.key for one in settings.assignments] == ["toy/b", "toy/a"]
    assert settings.assignments[0].target.mailbox == "probe@corp.example"
    assert settings.patterns == (str(folder / "*.json"), str(folder / "a.yml"))


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('[{"name": "b", ', "a.json:1:16: is not valid YAML"),
        ("", "a.json:1:1: is empty"),
        ("targets: []", "a.json:1:1: must be a list of targets"),
        ("- {nane: b}", "a.json:1:4: targets[1].nane: is not a known key"),
        ("- {name: hq, environment: exchange_server, host: h, clients: [{client: toy}]}", "'hq' is the name of two"),
        (
            "- {name: b, environment: exchange_server, host: h, clients: [{client: toy, credential: c}]}",
            "no credential here",
        ),
        (None, "a.json:1:1: cannot be read: No such file or directory"),
    ],
)
def test_a_bad_list_is_a_mistake_at_its_own_place(
    tmp_path: Path, catalogue: Mapping[str, Client[Any]], text: str | None, line: str
) -> None:
    """Cut off, of another shape, with what is not configured: told as if it stood in the configuration itself."""
    if text is not None:
        (tmp_path / "a.json").write_text(text)
    file = tmp_path / "prober.yml"
    target = "{name: hq, environment: exchange_server, host: h.corp.example, clients: [{client: toy}]}"
    file.write_text(f"targets: [{target}]\ndiscovery: {{files: [a.json]}}\n")
    with pytest.raises(ConfigurationError) as caught:
        load([file], catalogue)
    assert line in str(caught.value)
    assert str(tmp_path / "a.json") in str(caught.value)
