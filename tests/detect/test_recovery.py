"""When a trouble is over."""

import pytest

from prober.detect.recovery import Recovery


def until(rate: float, every: float) -> int:
    """Return how many clean transactions it takes to be sure of three hours."""
    recovery, count = Recovery(), 0
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
    recovery = Recovery(2.0)
    recovery.update(30.0, failed=True, blip=0.0, certainty=0.98, healthy=0.001, rate=0.2)
    assert recovery.hours == pytest.approx((2.0 + 30 / 3600) * 0.001 / 0.1)


def test_hope_has_bounds() -> None:
    """It stays a number."""
    recovery = Recovery()
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
