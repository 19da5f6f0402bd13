"""Running totals and copies of the past: what was said since a moment, in constant memory."""

from random import Random

import pytest

from prober.detect.history import MOST, PERIOD, History

LOGS = (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)
START = 1_000_000_005.0
"""A moment at which a stretch begins: a multiple of fifteen seconds."""


def twice(logs: tuple[float, ...]) -> tuple[float, ...]:
    """Return what two such transactions add up to."""
    return tuple(2.0 * one for one in logs)


def test_a_cell_adds_up_what_was_said_of_it() -> None:
    """Each cell its own."""
    history = History(2)
    history.note(1, START, LOGS, None)
    history.note(1, START + 1, LOGS, "login")
    said = history.since(START)
    assert said.sums == ((0.0,) * 6, twice(LOGS))
    assert said.transactions == (0, 2)
    assert said.failures == {"login": (0, 1)}


def test_what_came_before_is_left_out() -> None:
    """From the stretch on that the moment falls into."""
    history = History(1)
    for index in range(40):
        history.note(0, START + index * PERIOD, LOGS, "login" if index % 2 else None)
    assert history.since(START + 30 * PERIOD + 7).transactions == (10,)
    assert history.since(START + 30 * PERIOD + 7).failures == {"login": (5,)}
    assert history.since(START + 30 * PERIOD).sums == (tuple(10 * one for one in LOGS),)


def test_a_moment_before_everything_gives_everything() -> None:
    """And one after everything gives the stretch that is still open."""
    history = History(1)
    for index in range(3):
        history.note(0, START + index * PERIOD, LOGS, None)
    assert history.since(0.0).transactions == (3,)
    assert history.since(START + 1e6).transactions == (1,)


def test_nothing_said_is_nothing() -> None:
    """Not an error."""
    said = History(2).since(START)
    assert said.transactions == (0, 0)
    assert said.failures == {}


def test_a_step_seen_late_was_not_failed_at_before() -> None:
    """Copies of the past know fewer steps than there are now."""
    history = History(2)
    history.note(0, START, LOGS, "login")
    history.note(1, START + PERIOD, LOGS, "select")
    assert history.since(START + PERIOD).failures == {"login": (0, 0), "select": (0, 1)}
    assert history.since(START).failures == {"login": (1, 0), "select": (0, 1)}


def test_a_late_transaction_counts_with_those_of_its_day() -> None:
    """An attempt that took long ends after others that began later."""
    history = History(1)
    history.note(0, START + 60.0, LOGS, None)
    history.note(0, START + 10.0, LOGS, "login")
    assert history.since(START + 60.0).failures == {"login": (1,)}
    assert history.copies == 1


def test_a_clock_that_leapt_ahead_and_came_back_leaves_no_gap() -> None:
    """Or every change from then on would begin in the future."""
    history = History(1)
    history.note(0, START, LOGS, None)
    history.note(0, START + 1e9, LOGS, None)
    for index in range(1, 41):
        history.note(0, START + index * PERIOD, LOGS, None)
    assert history.since(START + 31 * PERIOD).transactions == (10,)
    assert history.since(START).transactions == (42,)


def test_a_clock_set_back_by_an_hour_forgets_nothing_that_was_said() -> None:
    """What was said after the hour that is repeated belongs to its beginning."""
    history = History(1)
    for index in range(600):
        history.note(0, START + index * PERIOD, LOGS, None)
    back = START + 600 * PERIOD - 3600.0
    history.note(0, back, LOGS, None)
    history.note(0, back + PERIOD, LOGS, None)
    assert history.since(START).transactions == (602,)
    assert history.since(back).transactions == (242,)
    assert history.since(back + PERIOD).transactions == (1,)


@pytest.mark.parametrize("spacing", [5.0, 30.0, 900.0])
def test_memory_stays_the_same_however_long_it_runs(spacing: float) -> None:
    """And nothing is lost of the sum over all time."""
    history = History(1)
    for index in range(20_000):
        history.note(0, START + index * spacing, LOGS, None)
    assert history.copies <= MOST
    assert history.since(START).transactions == (20_000,)


@pytest.mark.parametrize("ago", [60.0, 600.0, 3600.0, 6 * 3600.0, 86_400.0])
def test_the_past_loses_resolution_only_with_age(ago: float) -> None:
    """A change is taken to begin no more than an eighth of its age, and a stretch, too early; never too late."""
    history, random = History(1), Random(4)
    times = [START]
    while times[-1] < START + 3 * 86_400.0:
        times.append(times[-1] + random.uniform(1.0, 20.0))
    for at in times:
        history.note(0, at, LOGS, None)
    change = times[-1] - ago
    earliest = change - ago / 8.0 - PERIOD
    since = history.since(change).transactions[0]
    assert sum(at >= change for at in times) <= since <= sum(at >= earliest for at in times)
