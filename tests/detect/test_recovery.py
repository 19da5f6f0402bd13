"""When a trouble is over."""

import pytest

from prober.detect.recovery import LEAST, Recovery, rate_of


def until(rate: float, every: float) -> int:
    """Return how many clean transactions it takes to be sure of three hours."""
    recovery, count = Recovery.of(rate), 0
    while recovery.hours < 3.0:
        recovery.update(every, failed=False, blip=0.0, certainty=0.98, healthy=0.001, rate=rate)
        count += 1
    return count


def test_the_worse_the_trouble_the_sooner_its_end_is_seen() -> None:
    """In transactions of 30 s: a minute or three after everything failed, tens of minutes after one in ten did."""
    assert until(1.0, 30.0) <= 9
    assert 10 <= until(0.5, 30.0) <= 25
    assert 40 <= until(0.1, 30.0) <= 75


def test_a_failure_takes_hope_away() -> None:
    """More than most of it."""
    recovery = Recovery(2.0, least=0.1)
    recovery.update(30.0, failed=True, blip=0.0, certainty=0.98, healthy=0.001, rate=0.4)
    assert recovery.hours == pytest.approx((2.0 + 30 / 3600) * 0.001 / 0.1)
    assert recovery.least == 0.2, "what it is worth is known before, what is learned from it counts for the next"


def test_hope_has_bounds() -> None:
    """It stays a number."""
    recovery = Recovery.of(1.0)
    for _ in range(3000):
        recovery.update(30.0, failed=False, blip=0.0, certainty=0.98, healthy=0.0002, rate=1.0)
    assert recovery.hours == 1e6


def test_the_end_of_a_small_trouble_is_told_from_health_not_from_a_larger_one() -> None:
    """One per cent is more than healthy: after a failure at that rate, two hundred clean ones prove little."""
    small, large = Recovery(), Recovery()
    for recovery, rate in ((small, 0.01), (large, 0.3)):
        recovery.update(3.0, failed=True, blip=0.0, certainty=0.98, healthy=0.0005, rate=rate)
        for _ in range(200):
            recovery.update(3.0, failed=False, blip=0.0, certainty=0.98, healthy=0.0005, rate=0.01)
    assert small.hours < 0.3 < 1.0 < large.hours
    assert small.dump() == [small.hours, 0.005]


def test_successes_do_not_make_a_trouble_smaller_than_it_was() -> None:
    """How bad it was is known when last something failed: its end is found as soon as if no time had passed."""
    recovery = Recovery.of(0.4)
    for count in range(100):
        recovery.update(30.0, failed=False, blip=0.0, certainty=0.98, healthy=0.001, rate=4 / (14 + count))
    assert recovery.least == 0.2
    recovery.update(30.0, failed=True, blip=0.0, certainty=0.98, healthy=0.001, rate=rate_of(1, 1))
    assert recovery.least == 0.2, "a single failure says nothing about a rate"
    assert Recovery.of(0.01).least == LEAST


def test_one_failure_is_left_out_of_the_rate() -> None:
    """From a failure on until another, counting both, a single pair side by side would be a rate of one."""
    assert rate_of(4, 14) == pytest.approx(3 / 13)
    assert rate_of(2, 11) == pytest.approx(0.1)
    assert rate_of(1, 1) == rate_of(0, 0) == 0.0
