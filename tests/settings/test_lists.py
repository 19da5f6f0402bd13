"""Which lists go together: the newest where they do, as they last were good where they do not."""

import zlib
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.settings.lists import Listed, ListState, key_of, packed, settle, states, unpacked
from prober.settings.load import Part
from prober.settings.settings import ConfigurationError, Problem, Settings
from prober.settings.source import LARGEST_FILE, parse

Rule = Callable[[Sequence[str]], Sequence[Problem]]


def part(place: str, *names: str) -> Part:
    data = f"[{', '.join(names)}]".encode()
    return Part(parse(place, data, "targets"), Path(), data)


def listed(place: str, newest: str | None, good: str | None, *, fetched: bool = False) -> Listed:
    """A list whose entries are single letters; `?` is none."""
    old = part(place, *good) if good is not None else None
    new = old if newest == good else part(place, *newest) if newest not in (None, "?") else None
    wrong = Problem(place, 1, 1, "", "is not valid YAML") if newest == "?" else None
    return Listed(place, place, place, new, old, problem=wrong, fetched=fetched)


class Trying:
    """Makes settings of all that is named; `wrong` says what is wrong with it. `tried`: how often."""

    def __init__(self, wrong: Rule = lambda _: ()) -> None:
        self._wrong = wrong
        self.tried: list[str] = []
        self.patient: list[bool] = []

    def __call__(self, parts: Sequence[Part], patient: bool) -> Settings:
        names = [str(name) for part in parts for name in cast("list[str]", part.source.value["targets"])]
        self.tried.append("".join(names))
        self.patient.append(patient)
        problems = [*_doubles(parts), *self._wrong(names)]
        if problems:
            raise ConfigurationError(tuple(problems))
        return cast("Settings", "".join(names))


def _doubles(parts: Sequence[Part]) -> list[Problem]:
    seen: set[object] = set()
    found = []
    for one in parts:
        for name in cast("list[str]", one.source.value["targets"]):
            if name in seen or name == "x":
                found.append(Problem(one.source.file, 1, 1, name, "is bad here"))
            seen.add(name)
    return found


def settled(*lists: Listed, wrong: Rule = lambda _: (), starting: bool = False) -> tuple[str, list[bool]]:
    """Return what is gone by, and of which lists the newest is not."""
    made = settle(lists, Trying(wrong), starting=starting)
    return str(made.settings), [problem is not None for problem in made.problems]


def test_where_all_is_well_it_is_tried_once() -> None:
    attempt = Trying()
    made = settle([listed("p", "ab", "a"), listed("q", "c", None)], attempt, starting=False)
    assert (str(made.settings), made.problems) == ("abc", (None, None))
    assert attempt.tried == ["abc"]


def test_a_bad_list_counts_as_it_was_and_holds_up_no_other() -> None:
    """Whether it cannot be read, or only does not go with the rest."""
    assert settled(listed("p", "?", "a"), listed("q", "cd", "c")) == ("acd", [True, False])
    assert settled(listed("p", "ax", "a"), listed("q", "cd", "c")) == ("acd", [True, False])
    assert settled(listed("p", "x", None), listed("q", "cd", "c")) == ("cd", [True, False])


def test_a_bad_list_alone_costs_one_more_trial() -> None:
    attempt = Trying()
    settle([listed("p", "ax", "a"), listed("q", "cd", "c"), listed("r", "e", "e")], attempt, starting=False)
    assert attempt.tried == ["axcde", "acde"]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_moves_from_one_list_to_another_is_taken_when_both_are_there(order: tuple[int, int]) -> None:
    """Until the first has let it go, the second is bad, whichever stands first: nothing is lost on the way."""
    first, second = listed("p", "ab", "ab"), listed("q", "bc", "c")
    pair = [(first, second)[index] for index in order]
    gone_by, bad = settled(*pair)
    assert sorted(gone_by) == ["a", "b", "c"]
    assert bad == [one is second for one in pair]
    let_go = listed("p", "a", "ab")
    gone_by, bad = settled(*[(let_go, second)[index] for index in order])
    assert sorted(gone_by) == ["a", "b", "c"]
    assert bad == [False, False]


def test_what_is_wrong_without_any_news_is_the_configurations_affair() -> None:
    """Told without what is wrong with the lists, which did not bring it about."""
    mine = Problem("prober.yml", 3, 1, "globl", "is not a known key")
    with pytest.raises(ConfigurationError) as caught:
        settled(listed("p", "?", "a"), listed("q", "cx", "c"), wrong=lambda _: [mine])
    assert caught.value.problems == (mine,)


def test_a_good_list_that_has_no_room_any_more_is_an_error_when_running() -> None:
    """Its targets are not dropped unasked."""

    def without_c(names: Sequence[str]) -> Sequence[Problem]:
        return [Problem("q", 1, 1, "", "no credential here")] if "c" in names else ()

    with pytest.raises(ConfigurationError, match="no credential here"):
        settled(listed("p", "ab", "a"), listed("q", "c", "c"), wrong=without_c)
    kept = listed("q", None, "c", fetched=True)
    assert settled(listed("p", "ab", "a"), kept, wrong=without_c, starting=True) == ("ab", [False, True])


def test_news_of_configuration_and_list_that_need_each_other_are_taken_beside_a_bad_list() -> None:
    """A credential is renamed in both, while a third cannot be read."""

    def renamed(names: Sequence[str]) -> Sequence[Problem]:
        return [Problem("p", 1, 1, "", "no credential here")] if "a" in names else ()

    assert settled(listed("p", "b", "a"), listed("q", "x", "c"), wrong=renamed) == ("bc", [False, True])


def test_what_is_told_of_nobodys_file_is_the_fault_of_the_list_that_brings_it() -> None:
    """An entry may make a profile of the configuration wrong."""
    profile = Problem("prober.yml", 9, 1, "profiles.all[0]", "needs a mailbox")

    def spoilt(names: Sequence[str]) -> Sequence[Problem]:
        return [profile] if "s" in names else ()

    lists = [listed("p", "ab", "a"), listed("q", "s", "c")]
    made = settle(lists, Trying(spoilt), starting=False)
    assert str(made.settings) == "abc"
    assert made.problems == (None, profile)


def test_at_the_start_a_file_that_never_was_good_is_an_error_and_a_fetched_list_never() -> None:
    with pytest.raises(ConfigurationError) as caught:
        settled(listed("p", "?", None), listed("q", "x", None), listed("r", "?", "c"), starting=True)
    assert {problem.file for problem in caught.value.problems} == {"p", "q"}
    assert settled(listed("p", "?", "a"), starting=True) == ("a", [True])
    assert settled(listed("h", None, None, fetched=True), starting=True) == ("", [False])
    assert settled(listed("h", None, "x", fetched=True), starting=True) == ("", [True])


def test_there_may_be_nothing_to_probe_only_while_a_list_may_come() -> None:
    attempt = Trying()
    settle([listed("p", "a", "a")], attempt, starting=False)
    settle([listed("p", "?", None)], attempt, starting=False)
    settle([listed("h", None, None, fetched=True)], attempt, starting=False)
    assert attempt.patient == [False, True, True]


LISTS = st.lists(st.tuples(st.sampled_from(["?", "", "a", "b", "ab", "x", "c"]), st.booleans()), max_size=4)


@given(LISTS)
def test_whatever_comes_what_is_gone_by_goes_together(given: list[tuple[str, bool]]) -> None:
    """And a list that is gone by as it came has no trouble, any other has."""
    lists = [listed(str(number), newest, None, fetched=fetched) for number, (newest, fetched) in enumerate(given)]
    made = settle(lists, Trying(), starting=False)
    names = str(made.settings)
    assert len(set(names)) == len(names)
    assert "x" not in names
    for one, chosen, problem in zip(lists, made.choice, made.problems, strict=True):
        assert (chosen is one.newest and one.problem is None) == (problem is None)


def test_lists_of_one_pattern_are_told_of_together() -> None:
    lists = [listed("a.json", "ab", None), listed("b.json", "?", "c"), listed("h", "d", None, fetched=True)]
    lists = [replace(one, label="files[0]" if one.place != "h" else "http[0]") for one in lists]
    made = settle(lists, Trying(), starting=False)
    assert list(states(lists, made)) == [
        ListState("files[0]", "b.json:1:1: is not valid YAML", 3, False),
        ListState("http[0]", "", 1, True),
    ]


def test_a_key_says_nothing_of_its_list() -> None:
    assert "corp" not in key_of("http", "https://lists.corp.example/?key=canary7f3a")
    assert key_of("http", "a") != key_of("file", "a")


@given(st.binary(max_size=300))
def test_what_is_packed_comes_out_again(data: bytes) -> None:
    assert unpacked(packed(data)) == data


@pytest.mark.parametrize(
    "text", ["", "*", "YQ==", b64encode(zlib.compress(bytes(LARGEST_FILE + 1))).decode()], ids=lambda text: text[:9]
)
def test_what_nobody_packed_is_nothing(text: str) -> None:
    """A file of state that was written by others; and little that would be much."""
    assert not unpacked(text)
