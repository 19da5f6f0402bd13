"""Limits by hand."""

from math import inf

import pytest

from benchmarks.detection.metrics import Estimate, between, geometric, mean, quantile, ratio, share


def test_the_time_between_pages_has_exact_limits() -> None:
    """Nine pages in 675 days: 75, between 39.5 and 164; none in 100: at least 27."""
    found = between(675.0, 9)
    assert found.value == 75.0
    assert found.low == pytest.approx(675 / 17.0848, rel=1e-4)
    assert found.high == pytest.approx(675 / 4.11537, rel=1e-4)
    none = between(100.0, 0)
    assert none.low == pytest.approx(100 / 3.68888, rel=1e-4)
    assert none.high == inf


def test_a_mean_has_limits_that_shrink() -> None:
    """By hand: 0 and 2 have the mean 1 and the deviation 1."""
    assert mean([0.0, 2.0]).value == 1.0
    wide, narrow = mean([0.0, 2.0] * 2), mean([0.0, 2.0] * 200)
    assert narrow.high == pytest.approx(1 + 1.96 / 20)
    assert wide.high == pytest.approx(1.98)


def test_a_quantile_is_one_of_the_values() -> None:
    """The 95th of a hundred; its limits are the 90th and the 99th or so."""
    found = quantile(list(range(1, 101)), 0.95)
    assert found.value == 95
    assert 89 <= found.low <= 92
    assert 98 <= found.high <= 100


def test_a_share_has_exact_limits() -> None:
    """Ten of ten: at least 69 %."""
    assert share(10, 10).low == pytest.approx(0.6915, abs=1e-4)


def test_ratios_and_their_mean() -> None:
    """Twice is twice; the mean of a double and a half is one, and four of them are twice as certain as one."""
    one, two = Estimate(1.0, 0.9, 1.0 / 0.9), Estimate(2.0, 1.8, 2.0 / 0.9)
    twice = ratio(two, one)
    assert twice.value == pytest.approx(2.0)
    assert twice.low < 1.8
    assert geometric([twice, ratio(one, two)]).value == pytest.approx(1.0)
    assert geometric([one] * 4).spread == pytest.approx(one.spread / 2)
