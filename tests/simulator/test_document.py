"""YAML with places."""

import pytest

from prober.simulator.document import DocumentError, dotted, meant, read


def test_every_part_has_its_place() -> None:
    """That of its key for what a mapping holds, its own for what a list does."""
    document = read("a:\n  b: [x, y]\n", "f")
    assert document.problem(("a", "b"), "no") == "f:2:3: a.b: no"
    assert document.problem(("a", "b", 1), "no") == "f:2:10: a.b[1]: no"


def test_what_is_missing_is_told_where_it_should_be() -> None:
    """At the part around it."""
    assert read("a:\n  b: 1\n", "f").problem(("a", "c"), "is missing") == "f:1:1: a.c: is missing"


@pytest.mark.parametrize("text", ["a: [", "a: 1\na: 2", "\x00", "a: &x [*x, *y]", "!!python/object:os.system {}"])
def test_what_is_no_yaml_is_one_line(text: str) -> None:
    """Never a traceback."""
    with pytest.raises(DocumentError) as told:
        read(text, "f")
    assert all(problem.startswith("f:") for problem in told.value.problems)


def test_a_path_is_written_as_people_do() -> None:
    """With dots and brackets."""
    assert dotted(("faults", 0, "kind")) == "faults[0].kind"


def test_a_word_near_a_known_one_is_a_suggestion() -> None:
    """And one that is not is none."""
    assert meant("stik", ["stick"]) == "; did you mean 'stick'?"
    assert meant("zzz", ["stick"]) == ""
