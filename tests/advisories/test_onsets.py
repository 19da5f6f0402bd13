"""When trouble began, as it was seen here."""

import json
from dataclasses import replace

import pytest

from prober.advisories.onsets import FOLLOWED_WITHIN, KEPT, MOST, QUIET, Episode, Onsets
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind
from prober.verdict import judge
from prober.vocabulary import Environment
from tests.observe.made import ASSIGNMENT, AT, TARGET, WORKED, outcome

ONLINE = replace(ASSIGNMENT, target=replace(TARGET, environment=Environment.EXCHANGE_ONLINE))


def told(onsets: Onsets, *times: float, region: str = "eu") -> tuple[Episode, ...]:
    """Note failures at these times; return the episodes."""
    for at in times:
        onsets.note("imap4", region, at)
    return onsets.episodes(times[-1])


def test_one_failure_is_no_episode() -> None:
    """A healthy day has some."""
    assert told(Onsets(), 1000.0) == ()
    assert told(Onsets(), 1000.0, 1001.0 + FOLLOWED_WITHIN) == ()


def test_a_second_one_soon_makes_the_first_the_onset() -> None:
    """Not the second."""
    (episode,) = told(Onsets(), 1000.0, 1000.0 + FOLLOWED_WITHIN)
    assert (episode.began, episode.latest, episode.failures) == (1000.0, 1000.0 + FOLLOWED_WITHIN, 2)


def test_only_the_last_lone_failure_can_be_an_onset() -> None:
    """One of yesterday is not."""
    (episode,) = told(Onsets(), 0.0, 50_000.0, 50_060.0)
    assert episode.began == 50_000.0


def test_an_episode_goes_on_over_a_pause_and_ends_after_a_long_one() -> None:
    """Intermittent incidents pause; after the quiet time a new episode needs two failures again."""
    onsets = Onsets()
    told(onsets, 0.0, 60.0, 60.0 + QUIET)
    later = 61.0 + 2 * QUIET
    assert len(told(onsets, later)) == 1
    first, second = told(onsets, later + 60)
    assert (first.began, first.latest) == (0.0, 60.0 + QUIET)
    assert (second.began, second.failures) == (later, 2)
    assert first.over(later)
    assert not second.over(later + 60)


def test_regions_add_up_and_none_is_none() -> None:
    onsets = Onsets()
    onsets.note("imap4", "", 0.0)
    onsets.note("imap4", "eu", 1.0)
    onsets.note("imap4", "na", 2.0)
    assert onsets.episodes(2.0)[0].regions == {"eu", "na"}


def test_clients_have_episodes_of_their_own() -> None:
    onsets = Onsets()
    onsets.note("imap4", "eu", 0.0)
    onsets.note("owa", "eu", 1.0)
    assert onsets.episodes(1.0) == ()


def test_failures_that_come_in_out_of_order_do_not_turn_time_round() -> None:
    """A long attempt is told of after a short one that began later."""
    (episode,) = told(Onsets(), 100.0, 90.0, 80.0)
    assert (episode.began, episode.latest) == (80.0, 100.0)


def test_episodes_are_forgotten_after_a_month_and_beyond_a_number() -> None:
    """So that neither page nor state grow for ever."""
    onsets = Onsets()
    told(onsets, 0.0, 60.0)
    assert onsets.episodes(60.0 + KEPT) != ()
    assert onsets.episodes(61.0 + KEPT) == ()
    for number in range(MOST + 5):
        told(onsets, start := number * (QUIET + 2), start + 1.0)
    assert len(onsets.episodes(0.0)) <= MOST


def test_a_restart_forgets_no_onset() -> None:
    """What was seen is kept in the state."""
    memory: dict[str, str] = {}
    before = told(Onsets(memory), 0.0, 60.0)
    again = Onsets(memory)
    assert again.episodes(60.0) == before
    (episode,) = told(again, 120.0)
    assert episode.began == 0.0


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "7",
        "null",
        "[7]",
        '[{"began": 1}]',
        "[" * 100_000,
        '[{"began":"x","latest":1,"failures":1,"regions":[]}]',
    ],
)
def test_a_state_that_is_not_understood_is_forgotten(text: str) -> None:
    onsets = Onsets({"imap4": text})
    assert onsets.episodes(0.0) == ()
    assert len(told(onsets, 1.0, 2.0)) == 1


@pytest.mark.parametrize("kind", [kinds.NO_ANSWER, kinds.VIEW_STALE])
def test_a_counted_failure_in_exchange_online_is_noted_when_it_ended(kind: Kind) -> None:
    onsets, made = Onsets(), outcome(kind)
    for _ in range(2):
        onsets(ONLINE, made, judge(made, WORKED))
    (episode,) = onsets.episodes(AT.timestamp())
    assert (episode.client, episode.began) == ("toy", AT.timestamp() + 1.0)
    assert episode.regions == {"eu"}


def test_what_does_not_count_and_what_is_not_online_is_not_noted() -> None:
    """Success, an excuse, and servers of one's own, about which Microsoft says nothing."""
    onsets = Onsets()
    for assignment, kind in ((ONLINE, None), (ONLINE, kinds.PROXY_DENIED), (ASSIGNMENT, kinds.NO_ANSWER)):
        made = outcome(kind)
        for _ in range(3):
            onsets(assignment, made, judge(made, WORKED))
    assert onsets.episodes(AT.timestamp()) == ()


def test_what_is_kept_names_no_mailbox() -> None:
    memory: dict[str, str] = {}
    onsets, made = Onsets(memory), outcome(kinds.NO_ANSWER)
    for _ in range(2):
        onsets(ONLINE, made, judge(made, WORKED))
    assert set(json.loads(memory["toy"])[0]) == {"client", "began", "latest", "failures", "regions"}
