"""Windows and least numbers of failures, for every objective and interval."""

import math

import pytest

from prober.alerting.objective import Objective, Slice, burns, clients, duration, sliced
from prober.model import Assignment, Target
from prober.vocabulary import Depth, Environment

OBJECTIVES = (99.0, 99.5, 99.9, 99.95)
INTERVALS = (15.0, 30.0, 60.0, 120.0, 300.0, 900.0)
GRID = [(percent, interval) for percent in OBJECTIVES for interval in INTERVALS]


def assignment(client: str, target: str, interval: float) -> Assignment:
    return Assignment(client, Target(target, Environment.EXCHANGE_ONLINE), Depth.REACH, interval, 30.0)


@pytest.mark.parametrize(("percent", "interval"), GRID)
def test_every_window_holds_five_attempts(percent: float, interval: float) -> None:
    """And the long one twelve times as many, so an alert can fire at every interval."""
    for burn in burns(Objective(percent), Slice(interval)):
        assert burn.short / interval >= 5
        assert burn.long >= 12 * burn.short
        assert burn.failures <= burn.long / interval


@pytest.mark.parametrize(("percent", "interval"), GRID)
def test_neither_one_failure_nor_a_blip_of_a_minute_and_a_half_suffices(percent: float, interval: float) -> None:
    assert all(burn.failures > 1 + 90 / interval for burn in burns(Objective(percent), Slice(interval)))


@pytest.mark.parametrize(("percent", "interval"), GRID)
def test_a_healthy_service_stays_below_one_alert_in_ten_months(percent: float, interval: float) -> None:
    """Failures at a fifth of the budget, at random: the chance per short window, times the short windows of a month.

    Where the ratio itself asks for more failures than chance explains, that many are asked for.
    """
    objective = Objective(percent)
    for burn in burns(objective, Slice(interval)):
        attempts = burn.long / interval
        mean = attempts * objective.budget / 5
        needed = max(burn.failures, math.ceil(attempts * burn.ratio))
        below = sum(math.exp(k * math.log(mean) - mean - math.lgamma(k + 1)) for k in range(needed))
        months = 30 * 86_400 / burn.short
        assert (1 - below) * months < 0.1 or needed >= attempts * burn.ratio


def test_the_windows_of_the_workbook_hold_at_a_minute() -> None:
    found = [
        (duration(burn.long), duration(burn.short), burn.ratio, burn.severity)
        for burn in burns(Objective(), Slice(60.0))
    ]
    assert found == [
        ("1h", "5m", 0.0144, "page"),
        ("6h", "30m", 0.006, "page"),
        ("1d", "2h", 0.003, "ticket"),
        ("3d", "6h", 0.001, "ticket"),
    ]


def test_at_a_quarter_of_an_hour_the_first_two_pairs_are_one() -> None:
    """With the lower of their two factors."""
    found = [(duration(burn.long), duration(burn.short), burn.factor) for burn in burns(Objective(), Slice(900.0))]
    assert found == [("15h", "1h15m", 6.0), ("1d", "2h", 3.0), ("3d", "6h", 1.0)]


def test_one_interval_is_one_slice_of_everything_but_the_control() -> None:
    made = sliced(
        [assignment("imap4", "hq", 30.0), assignment("owa", "hq", 30.0), assignment("control", "control", 5.0)]
    )
    assert made == (Slice(30.0, 'client!="control"', "imap4", "hq"),)


def test_several_intervals_are_slices_that_match_exactly_their_own() -> None:
    """Clients with the same targets share a selector; a dot in a name is a dot."""
    made = sliced(
        [
            assignment("imap4", "mail.hq", 30.0),
            assignment("owa", "mail.hq", 30.0),
            assignment("owa", "lab", 300.0),
            assignment("imap4", "b", 300.0),
            assignment("imap4", "a", 300.0),
        ]
    )
    assert {(piece.interval, piece.selector) for piece in made} == {
        (30.0, 'client=~"imap4|owa",target="mail.hq"'),
        (300.0, 'client="imap4",target=~"a|b"'),
        (300.0, 'client="owa",target="lab"'),
    }
    dotted = sliced([assignment("owa", "a.b", 1.0), assignment("owa", "c", 1.0), assignment("owa", "d", 2.0)])
    assert dotted[0].selector == 'client="owa",target=~"a[.]b|c"'


def test_a_configuration_with_nothing_but_controls_has_a_slice_of_a_minute() -> None:
    assert sliced([assignment("control", "control", 5.0)]) == (Slice(60.0),)


@pytest.mark.parametrize(("seconds", "text"), [(5400.0, "1h30m"), (86_400.0, "1d"), (45.0, "45s"), (0.0, "0s")])
def test_durations_are_written_as_in_promql(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_clients_are_counted_without_the_control() -> None:
    """At least one, so that a threshold can be made of it."""
    pairs = [("imap4", "a"), ("imap4", "b"), ("owa", "a"), ("control", "control")]
    assert clients(assignment(client, target, 60.0) for client, target in pairs) == 2
    assert clients([]) == 1
