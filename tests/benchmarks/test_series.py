"""One series from failure to failure is the detector's own evidence, and its thresholds are what they say."""

import pytest

from benchmarks.detection.generator import Stream
from benchmarks.detection.series import (
    NUMBERS,
    Aiming,
    Jumping,
    delays,
    gaps,
    guaranteed_run,
    records,
    run_length,
    threshold,
)
from prober.detect.group import GroupKind, Groups, Result, Transition, Watched
from prober.detect.mixture import Evidence, ratios


@pytest.mark.parametrize("healthy", [0.001, 0.01, 0.02])
def test_jumping_arrives_where_walking_does(healthy: float) -> None:
    """Five failures among some 250 transactions, by the detector's own class one by one, and in jumps."""
    walking, jumping = Evidence(30.0, healthy), Jumping(30.0, healthy)
    at = 0.0
    source = gaps(Stream(101, 0, 0), 0.02)
    for _ in range(5):
        gap = next(source)
        for failed in (*[False] * gap, True):
            walking.update(at, ratios(0.0, 0.98, healthy, failed=failed)[1], failed=failed)
            at += 30.0
        jumping.succeed(gap)
        assert jumping.fail() == pytest.approx(walking.days(healthy), rel=1e-9)


def test_gaps_have_the_mean_they_should() -> None:
    """Geometric: 1/p - 1 successes before a failure; none if everything fails."""
    source = gaps(Stream(101, 0, 0), 0.1)
    assert sum(next(source) for _ in range(4000)) / 4000 == pytest.approx(9.0, rel=0.06)
    assert next(gaps(Stream(101, 0, 0), 1.0)) == 0


def test_a_threshold_is_reached_as_rarely_as_asked_for() -> None:
    """Records rise, and the threshold for 30 days lies between nothing and what guarantees them."""
    healthy = [records(0.001, 30, replicate, 30.0) for replicate in range(40)]
    for one in healthy:
        assert [days for _, days in one] == sorted(days for _, days in one)
        assert one[-1][1] >= 30.0
    found = threshold(healthy)
    assert 3.0 < found < 30.0
    assert run_length(healthy, found) == pytest.approx(30.0, rel=0.1)
    assert run_length(healthy, 30.0) > 30.0


def test_a_higher_threshold_is_reached_later() -> None:
    """And nothing is reached before the first failure."""
    found = [one for replicate in range(50) if (one := delays(0.001, 30, 0.2, replicate, 7.0)) is not None]
    assert len(found) > 40
    assert all(min(one) > 1 for one in found)
    assert sum(low for low, _ in found) < sum(high for _, high in found)


@pytest.mark.parametrize("healthy", [0.001, 0.003, 0.01])
def test_aiming_arrives_where_the_detector_does(healthy: float) -> None:
    """By its own group in the guaranteed setting, one by one, from failure to failure until the page."""
    aiming, heard = Aiming(60.0, healthy, 30.0), list[Transition]()
    watched = Watched(GroupKind.CLIENT, "exchange_online/imap4", 60.0, 30.0, 30.0)
    groups = Groups([watched], healthy=healthy, hear=heard.append, aiming=True)
    at, source = 0.0, gaps(Stream(101, 0, 0), 0.05)
    while not groups.firing(0):
        gap = next(source)
        for failed in (*[False] * gap, True):
            groups.update(0, Result(at, failed, 0.0, 0.0, healthy, ratios(0.0, 0.0, healthy, failed=failed)[1]))
            at += 60.0
        aiming.succeed(gap)
        assert aiming.fail() == pytest.approx(groups.days(0), rel=1e-9)
    assert groups.days(0) == pytest.approx(30.0, rel=0.01)
    assert at > 300.0


def test_what_is_guaranteed_is_what_comes() -> None:
    """Thirty days between false pages: no fewer, and none are wasted (their spread is that of any rare event)."""
    found = [guaranteed_run(0.01, 60, replicate) for replicate in range(150)]
    assert sum(found) / len(found) == pytest.approx(30.0, rel=0.2)


def test_every_combination_has_its_number() -> None:
    """101 to 163."""
    assert sorted(NUMBERS.values()) == list(range(101, 164))
    assert (NUMBERS[0.001, 15, 0.02], NUMBERS[0.01, 60, 1.0]) == (101, 163)
