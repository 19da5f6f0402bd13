"""Several files become one document, and everything keeps its place."""

from pathlib import Path
from typing import cast

import pytest

from prober.settings.merge import Merged
from prober.settings.source import parse


def merged(*files: tuple[str, str]) -> Merged:
    whole = Merged()
    for name, text in files:
        whole.add(parse(name, text.encode()), Path(name).parent)
    return whole


A = ("x/a.yml", "targets: [{name: a}]\ncredentials: {u: {type: basic}}\n")
B = ("y/b.yml", "# b\ntargets: [{name: b}, {name: c}]\ncredentials:\n  v: {type: ntlm}\nglobal: {vantage: v}\n")


def test_lists_and_named_things_are_taken_together() -> None:
    whole = merged(A, B)
    assert whole.value == {
        "targets": [{"name": "a"}, {"name": "b"}, {"name": "c"}],
        "credentials": {"u": {"type": "basic"}, "v": {"type": "ntlm"}},
        "global": {"vantage": "v"},
    }
    assert whole.problems == []


def test_every_part_knows_its_file_and_folder() -> None:
    whole = merged(A, B)
    position = whole.position(("targets", 2, "name"))
    assert (position.file, position.line, position.column) == ("y/b.yml", 2, 23)
    assert whole.position(("credentials", "v", "type")).line == 4
    assert whole.folder(("targets", 0)) == Path("x")
    assert whole.folder(("credentials", "v", "password_file")) == Path("y")
    assert whole.position(("nothing",)).file == "x/a.yml"


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("global: {}", "global: {}", "b:1:1: global: stands here a second time, first in a:1"),
        (
            "a: 1\ncredentials: {u: 1}",
            "credentials: {u: 2}",
            "b:1:15: credentials.u: stands here a second time, first in a:2",
        ),
        ("targets: 1", "targets: [2]", "b:1:1: targets: stands here a second time, first in a:1"),
        ("targets: [1]", "targets: 2", "b:1:1: targets: stands here a second time, first in a:1"),
        ("profiles: 1", "profiles: {p: []}", "b:1:1: profiles: stands here a second time, first in a:1"),
    ],
)
def test_what_stands_in_two_files_is_named_with_both(first: str, second: str, told: str) -> None:
    assert list(map(str, merged(("a", first), ("b", second)).problems)) == [told]


def test_what_others_write_is_known_as_such() -> None:
    """Each target by the list it came from."""
    whole = merged(A)
    whole.add(parse("list.json", b"[{name: x}, {name: y}]", "targets"), Path("z"), foreign=True)
    found = [whole.foreign(("targets", index)) for index in range(len(cast("list[object]", whole.value["targets"])))]
    assert found[-2:] == [True, True]
    assert not any(found[:-2])
    assert not whole.foreign(("global", "vantage"))
