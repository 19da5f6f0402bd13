"""What was found, in words."""

from datetime import UTC, datetime
from typing import Any

import pytest

from prober.detect.detector import Detector, Sample, What
from prober.detect.explain import MIXED, listed, moment, parted, percent, rarity, scope, sentence, trouble
from prober.detect.group import GroupKind
from tests.detect.made import START, client_group, feed, lone, source

NOON = datetime(2026, 3, 30, 12, 0, tzinfo=UTC).timestamp()


def test_a_trouble_says_what_was_seen_what_is_healthy_and_since_when() -> None:
    """In one sentence, with the exact limits of the failure rate."""
    said = trouble(
        *("outlook_mobile", "exchange_online"),
        what="attempts failed",
        failures=7,
        transactions=31,
        since=NOON - 8340.0,
        healthy=0.0006,
        days=412.3,
        now=NOON,
    )
    assert said == (
        "outlook_mobile in exchange_online: 7 of 31 attempts failed since 09:41 UTC (23 %, 95 % limits 9.6 to 41 %); "
        "healthy is 0.06 %; a healthy fleet would show this once in 412 days."
    )


def test_a_group_tells_what_it_saw() -> None:
    """From its own numbers; the evidence counts for the whole fleet, of which a client here has a third."""
    detector = lone()
    at = feed(detector, [False] * 7000)
    feed(detector, [True, False, False, True, False, True, True, True], at=at)
    group = client_group(detector)
    said = sentence(group, 30.0, at + 240.0)
    assert said.startswith("imap4 in exchange_online: 5 of 8 attempts failed since ")
    assert "(62 %, 95 % limits 24 to 91 %); healthy is 0.02 %; a healthy fleet would " in said
    days = 30.0 * group.days / (30.0 / 0.75)
    assert said.endswith(f"{rarity(days)}.")


def test_a_push_group_tells_of_holds_and_a_throttled_one_of_throttling() -> None:
    """What is counted there is no failed attempt."""
    detector = Detector({"imap4/one": source(hold=480.0)})
    for index in range(8):
        detector.pushed("imap4/one", START + index, lost=True)
        detector.observe(Sample("imap4/one", START + index, What.THROTTLED))
    said = [
        sentence(detector.group(kind, "exchange_online/imap4"), 30.0, START)
        for kind in (GroupKind.PUSH, GroupKind.THROTTLED)
    ]
    assert said[0].startswith("imap4 in exchange_online: 8 of 8 holds were lost since ")
    assert said[1].startswith("imap4 in exchange_online: 8 of 8 attempts were throttled since ")


@pytest.mark.parametrize(
    ("group", "parts"),
    [
        ("exchange_online", ("exchange_online", "")),
        ("exchange_online/imap4@fra1/na", ("exchange_online", "imap4@fra1/na")),
        ("exchange_online@fra1/na", ("exchange_online", "fra1/na")),
    ],
)
def test_a_name_of_a_group_has_its_environment_and_the_rest(group: str, parts: tuple[str, str]) -> None:
    """Whichever sign stands between them."""
    assert parted(group) == parts


def test_a_whole_fleet_goes_by_the_name_of_its_environment() -> None:
    """And nothing seen says so instead of dividing by nothing."""
    numbers: dict[str, Any] = {"failures": 0, "transactions": 0, "since": NOON, "healthy": 0.001, "days": 0.2}
    said = trouble("", "exchange_online", what="attempts failed", now=NOON, **numbers)
    assert said == (
        "exchange_online: 0 of 0 attempts failed since 12:00 UTC (unknown, 95 % limits 0 to 100 %); healthy is 0.10 %; "
        "a healthy fleet shows this more than once a day."
    )


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0.99, "a healthy fleet shows this more than once a day"),
        (1.0, "a healthy fleet would show this about once a day"),
        (2.0, "a healthy fleet would show this once in 2 days"),
        (36_500.0, "a healthy fleet would show this once in 36500 days"),
        (1e9, "a healthy fleet would not show this in a hundred years"),
    ],
)
def test_how_rare_it_is_is_said_without_false_precision(days: float, words: str) -> None:
    """What nobody lives to see is not counted in days."""
    assert rarity(days) == words


@pytest.mark.parametrize(
    ("probability", "words"),
    [
        (0.9, "imap4 fails at step login"),
        (0.899, "probably imap4 fails at step login"),
        (0.5, "probably imap4 fails at step login"),
        (0.499, "scope not yet clear, best guess: imap4 fails at step login"),
    ],
)
def test_a_scope_is_said_as_surely_as_it_is_known(probability: float, words: str) -> None:
    """From nine in ten on it is a fact."""
    assert scope(["imap4"], [], "login", probability) == words


def test_a_scope_names_what_is_not_all() -> None:
    """Clients, locations and the step."""
    assert scope(["owa", "ews"], [], MIXED, 0.95) == "owa and ews fail at several steps"
    assert scope([], ["fra1/na"], "token", 0.95) == "every client fails from fra1/na at step token"
    assert scope(["a", "b", "c"], ["x", "y"], "token", 0.6) == "probably a, b and c fail from x and y at step token"


def test_names_are_listed_as_people_do() -> None:
    """None, one, two, three."""
    assert [listed(names) for names in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]


@pytest.mark.parametrize(
    ("ratio", "text"),
    [
        (0.0, "0"),
        (0.0006, "0.06"),
        (0.00996, "1.0"),
        (0.041, "4.1"),
        (0.0995, "10"),
        (0.226, "23"),
        (0.997, "99.7"),
        (0.9998, "99.9"),
        (1.0, "100"),
    ],
)
def test_a_ratio_has_two_figures_that_count(ratio: float, text: str) -> None:
    """Except at the ends, where nearly all is not all."""
    assert percent(ratio) == text


def test_a_moment_of_another_day_has_its_date() -> None:
    """Or it would be taken for one of today."""
    assert moment(NOON - 3600.0, NOON) == "11:00 UTC"
    assert moment(NOON - 13 * 3600.0, NOON) == "2026-03-29 23:00 UTC"
