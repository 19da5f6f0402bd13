"""YAML in, values with positions out, and nothing but `SourceError` for everything else."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.settings.source import DEEPEST, LARGEST_FILE, Source, SourceError, parse, read


def test_every_value_knows_its_line_and_column() -> None:
    source = parse("f", b"a:\n  b: [1, {c: x}]\n")
    at = {path: (one.line, one.column) for path, one in source.positions.items()}
    assert source.value == {"a": {"b": [1, {"c": "x"}]}}
    assert at == {
        (): (1, 1),
        ("a",): (1, 1),
        ("a", "b"): (2, 3),
        ("a", "b", 0): (2, 7),
        ("a", "b", 1): (2, 10),
        ("a", "b", 1, "c"): (2, 11),
    }


def test_times_and_words_stay_text_and_plain_values_are_converted() -> None:
    source = parse("f", b"{t: 2026-12-05T22:00:00Z, n: ~, i: 0x10, f: 1.5, b: yes, s: '12'}")
    assert source.value == {"t": "2026-12-05T22:00:00Z", "n": None, "i": 16, "f": 1.5, "b": True, "s": "12"}


def test_merge_keys_are_taken_in_and_do_not_overrule() -> None:
    source = parse("f", b"a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\n")
    assert source.value["b"] == {"x": 1, "y": 3}


def test_json_is_read_as_programs_write_it() -> None:
    data = b'{\n\t"a":\t"https:\\/\\/mail.corp.example\\/",\n\t"b": ["\\ud83d\\ude00", "\\\\ud83d\\t", 1]\n}\n'
    source = parse("f", data)
    assert source.value == {"a": "https://mail.corp.example/", "b": ["\U0001f600", "\\ud83d\t", 1]}
    assert [source.positions["b", index].line for index in range(3)] == [3, 3, 3]


WORDS = st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co"), exclude_characters="\ufeff"))
PLAINLY = st.none() | st.booleans() | st.integers(-99, 99) | WORDS


@given(st.dictionaries(WORDS, PLAINLY | st.lists(PLAINLY), min_size=1), st.sampled_from(["\t", 2, None]), st.booleans())
def test_whatever_json_says_is_what_is_read(
    value: dict[str, object], indent: str | int | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only).replace("/", "\\/")
    assert parse("f", text.encode()).value == value


def test_half_a_pair_of_surrogates_stays_no_character() -> None:
    with pytest.raises(SourceError, match="which YAML forbids"):
        parse("f", b'{"a": "\\ud83d", "b": "\\n"}')


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\xff", "is not UTF-8 text"),
        (b"a: \x00", "which YAML forbids"),
        (b"a: 1\na: 2", "first in line 1"),
        (b"[" * 5000, "nested deeper"),
        (b"a: " + b"{b: " * 70 + b"1" + b"}" * 70, f"nested deeper than {DEEPEST} levels"),
        (b"a: &a [x, *a]", "contains itself"),
        (b"a: !x 1", "means nothing here"),
        (b"a: !!int x", "is not a valid int"),
        (b"? [1]\n: 2", "plain text"),
        (b"--- {a: 1}\n--- {a: 2}", "not valid YAML"),
        (b'a: "\\UFFFFFFFF"', "an escape stands for no character"),
        (b'"\\UFFFFFFFF": 1', "an escape stands for no character"),
        (b'a: "\\uD800"', "holds the character 0xd800"),
        (b'"\\uD800": 1', "holds the character 0xd800"),
        (b'a: "\\0"', "holds the character 0x0000"),
        (b"a: !!int ''", "is not a valid int"),
        (b"a: !!float ''", "is not a valid float"),
        (b"a: !!bool maybe", "is not a valid bool"),
        (b"a: 0x_", "is not a valid int"),
        (b"a: " + b"9" * 5000, "is not a valid int"),
        (b"a: !!set {x}", "YAML tag, which means nothing here"),
        (b"a: !x!y 1", "YAML tag, which means nothing here"),
        (b"a: &a 1\nb: &a 2", "defines an anchor a second time"),
        (b"a: {<<: 1}", "takes in mappings only"),
        (b"a: {<<: [{b: 1}, 2]}", "takes in mappings only"),
        (b"a: &a {<<: *a}", "nested deeper"),
        (b"a: &a {1: 2}\nb: {<<: *a}", "plain text"),
        (b"", "is empty"),
        (b"a: *b", "not defined"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(data: bytes, message: str) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        parse("f", data)
    assert caught.value.position.line >= 1


def test_a_document_that_multiplies_itself_is_refused_before_it_fills_the_memory() -> None:
    bomb = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    with pytest.raises(SourceError, match="aliases counted"):
        parse("f", bomb.encode())


def test_a_mapping_that_multiplies_itself_by_merging_is_refused_as_well() -> None:
    """Each level takes in the one below it ten times; nothing of it is ever written out."""
    bomb = "{k: 1}"
    for level in range(8):
        bomb = f"{{<<: [&a{level} {bomb}, {', '.join([f'*a{level}'] * 9)}]}}"
    with pytest.raises(SourceError, match="aliases counted"):
        parse("f", b"a: " + bomb.encode())


def test_the_first_of_several_merged_mappings_wins() -> None:
    source = parse("f", b"a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc: {<<: [*a, *b], z: 3}\nd: {z: 4, <<: *a, <<: *b}\n")
    assert source.value["c"] == {"x": 1, "y": 2, "z": 3}
    assert source.value["d"] == {"x": 1, "y": 2, "z": 4}
    assert source.position(("c", "y")).line == 2


def test_a_file_is_read_no_further_than_its_bound(tmp_path: Path) -> None:
    """A device never ends."""
    with pytest.raises(SourceError, match="larger than 1 MiB"):
        read(Path("/dev/zero"))
    with pytest.raises(SourceError, match="cannot be read: Is a directory"):
        read(tmp_path)
    with pytest.raises(SourceError, match="cannot be read: No such file"):
        read(tmp_path / "none.yml")


def test_a_huge_file_is_refused_unread() -> None:
    with pytest.raises(SourceError, match="larger than"):
        parse("f", b"#" * (LARGEST_FILE + 1))


@given(st.one_of(st.binary(max_size=300), st.text(alphabet="ab:[]{}&*!-'\"\n #<%@|>?,1", max_size=200).map(str.encode)))
def test_only_the_declared_error_comes_out(data: bytes) -> None:
    try:
        read: Source | SourceError = parse("f", data)
    except SourceError as exc:
        read = exc
    assert isinstance(read, Source) or read.message
