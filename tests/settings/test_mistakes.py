"""Mistakes are one line each, taken down once, and helpful."""

from prober.settings.mistakes import GUESSES, LISTED, Mistakes, dotted, shown
from tests.settings.made import lines


def test_a_path_reads_as_people_write_it() -> None:
    assert dotted(("targets", 2, "clients", 0, "interval")) == "targets[2].clients[0].interval"
    assert dotted(()) == ""


def test_an_unusual_key_stays_on_its_line() -> None:
    assert dotted(("global", "a\nb c")) == 'global["a\\nb c"]'
    assert len(dotted(("x" * 10_000,))) < 100


def test_a_name_is_shown_on_one_line_and_shortened() -> None:
    assert shown("a\nb") == "'a\\nb'"
    assert len(shown("x" * 10_000)) < 100


def test_the_same_thing_is_taken_down_once(mistakes: Mistakes) -> None:
    """What stands at `global` is read for every way out."""
    assert not mistakes
    for _ in range(2):
        mistakes.add(("global", "tls"), "is wrong")
    mistakes.add(("global", "proxy"), "is wrong")
    assert lines(mistakes) == ["global.tls: is wrong", "global.proxy: is wrong"]
    assert mistakes


def test_an_unknown_name_comes_with_the_nearest_or_with_all(mistakes: Mistakes) -> None:
    mistakes.unknown(("a",), "client", "imap", ["imap4", "activesync"])
    mistakes.unknown(("b",), "client", "zzz", ["imap4", "activesync"])
    mistakes.unknown(("c",), "profile", "zzz", [])
    assert lines(mistakes) == [
        "a: 'imap' is no client; did you mean 'imap4'?",
        "b: 'zzz' is no client; known: activesync, imap4",
        "c: 'zzz' is no profile",
    ]


def test_a_long_list_of_known_names_is_cut_short(mistakes: Mistakes) -> None:
    mistakes.unknown(("a",), "target", "zzz", [f"t{number:03}" for number in range(500)])
    assert lines(mistakes)[0].endswith(f"t{LISTED - 1:03}, …")


def test_guessing_ends_before_it_takes_minutes(mistakes: Mistakes) -> None:
    """A thousand wrong names against a thousand known ones."""
    known = ["name"]
    assert [mistakes.guesses.near("nam", known) for _ in range(GUESSES + 1)] == ["name"] * GUESSES + [None]
