"""Limits of a failure rate: published values, exact tails, and what they promise."""

from fractions import Fraction
from math import comb

import pytest

from prober.detect.interval import beta_quantile, clopper_pearson, regularised_beta, wilson

# Newcombe, "Two-sided confidence intervals for the single proportion" (1998), table I: exact and score limits.
PUBLISHED = [
    (81, 263, (0.2527, 0.3676), (0.2553, 0.3662)),
    (15, 148, (0.0578, 0.1617), (0.0624, 0.1605)),
    (0, 20, (0.0000, 0.1684), (0.0000, 0.1611)),
    (1, 29, (0.0009, 0.1776), (0.0061, 0.1718)),
]


@pytest.mark.parametrize(("failures", "count", "exact", "score"), PUBLISHED)
def test_the_limits_are_the_published_ones(
    failures: int, count: int, exact: tuple[float, float], score: tuple[float, float]
) -> None:
    """To the four places they were printed with."""
    assert clopper_pearson(failures, count) == pytest.approx(exact, abs=5.1e-5)
    assert wilson(failures, count) == pytest.approx(score, abs=5.1e-5)


def at_least(failures: int, count: int, rate: Fraction) -> Fraction:
    """Return exactly how probable so many failures or more are."""
    return sum(
        (comb(count, k) * rate**k * (1 - rate) ** (count - k) for k in range(failures, count + 1)), start=Fraction(0)
    )


@pytest.mark.parametrize(
    ("failures", "count"), [(1, 1), (1, 2), (1, 30), (7, 31), (30, 31), (20, 40), (3, 90), (88, 90)]
)
def test_the_exact_limits_are_right_to_nine_places(failures: int, count: int) -> None:
    """The binomial tail, in whole numbers, passes 2.5 % between a billionth below and a billionth above the limit."""
    step = Fraction(1, 10**9)
    tail = Fraction(1, 40)
    lower, upper = (Fraction(limit) for limit in clopper_pearson(failures, count))
    assert at_least(failures, count, lower - step) < tail < at_least(failures, count, lower + step)
    if failures < count:
        below = 1 - tail
        assert at_least(failures + 1, count, upper - step) < below < at_least(failures + 1, count, upper + step)


@pytest.mark.parametrize("count", [1, 10, 299, 10_000_000])
def test_without_a_failure_the_limit_has_a_closed_form(count: int) -> None:
    """1 - 0.025 ^ (1/n), and the mirror of it where everything failed."""
    edge = 1.0 - 0.025 ** (1.0 / count)
    assert clopper_pearson(0, count) == pytest.approx((0.0, edge), rel=1e-9, abs=0.0)
    assert clopper_pearson(count, count) == pytest.approx((1.0 - edge, 1.0), rel=1e-9)


def test_299_clean_transactions_allow_to_say_below_one_percent() -> None:
    """One-sided at 95 %, that is 90 % on two sides; 298 do not."""
    assert clopper_pearson(0, 299, confidence=0.90)[1] < 0.01 < clopper_pearson(0, 298, confidence=0.90)[1]


@pytest.mark.parametrize("failures", [1, 5_000, 5_000_000, 9_999_999])
def test_ten_million_transactions_are_no_trouble(failures: int) -> None:
    """Where the normal approximation is good the limits agree with it, and everywhere they enclose the ratio."""
    count = 10_000_000
    lower, upper = clopper_pearson(failures, count)
    assert 0.0 < lower < failures / count < upper < 1.0
    if 1 < failures < count - 1:
        assert (lower, upper) == pytest.approx(wilson(failures, count), rel=1e-3)


def test_the_exact_limits_mirror_each_other() -> None:
    """Failures and successes are only names."""
    lower, upper = clopper_pearson(7, 31)
    assert clopper_pearson(24, 31) == pytest.approx((1.0 - upper, 1.0 - lower), abs=1e-14)


@pytest.mark.parametrize("limits", [clopper_pearson, wilson])
def test_nothing_seen_means_everything_is_possible(limits: object) -> None:
    """And more failures than transactions cannot be."""
    assert callable(limits)
    assert limits(0, 0) == (0.0, 1.0)
    with pytest.raises(ValueError, match="3 failures among 2"):
        limits(3, 2)
    with pytest.raises(ValueError, match="-1 failures"):
        limits(-1, 2)


@pytest.mark.parametrize(("count", "rate"), [(12, 0.05), (40, 0.3), (90, 0.5)])
def test_the_exact_limits_hold_what_they_promise(count: int, rate: float) -> None:
    """Over all outcomes, weighted by how probable they are, at least 95 % of the limits enclose the truth."""
    chances = [comb(count, k) * rate**k * (1.0 - rate) ** (count - k) for k in range(count + 1)]
    enclosing = [low <= rate <= high for low, high in (clopper_pearson(k, count) for k in range(count + 1))]
    assert sum(chance for chance, holds in zip(chances, enclosing, strict=True) if holds) >= 0.95


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (2.0, 5.0), (30.0, 1.0), (500.5, 20.25), (1.0, 1e7)])
@pytest.mark.parametrize("probability", [1e-6, 0.025, 0.5, 0.975, 1.0 - 1e-6])
def test_a_quantile_is_the_inverse_of_the_distribution(a: float, b: float, probability: float) -> None:
    """Near both ends and in the middle."""
    assert regularised_beta(beta_quantile(probability, a, b), a, b) == pytest.approx(probability, rel=1e-8)
