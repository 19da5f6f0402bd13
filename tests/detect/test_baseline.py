"""What is healthy: an upper limit, with the fleet as prior, forgotten by halves."""

import pytest

from prober.detect.baseline import CEILING, DAY, FLOOR, HALF_LIFE, USUAL, Counts, healthy, pooled


def test_without_a_history_it_is_the_prior_on_the_high_side() -> None:
    """An upper limit of two failures among two thousand."""
    assert pooled(0, 0) == pytest.approx(USUAL)
    assert healthy(0, 0, USUAL) == pytest.approx(0.0015, rel=0.01)


def test_with_a_history_it_comes_close_from_above() -> None:
    """The gamma quantile of 80 % for 22 failures is 25.8; for 2,002 it is 2,039."""
    assert healthy(20, 20_000, USUAL) == pytest.approx(25.8 / 22_000, rel=0.005)
    assert healthy(2_000, 2_000_000, USUAL) == pytest.approx(2_039.5 / 2_002_000, rel=0.002)


def test_it_is_neither_absurdly_good_nor_does_it_get_used_to_trouble() -> None:
    """Floor and ceiling."""
    assert healthy(0, 1e9, 1e-6) == FLOOR
    assert healthy(5_000, 10_000, 0.5) == CEILING


def test_what_is_old_counts_less() -> None:
    """Half after a week; a clock set back forgets nothing."""
    counts = Counts()
    counts.add(0.0, 1.0, failed=True)
    counts.add(7 * DAY, 0.0, failed=False)
    assert counts.failures == pytest.approx(0.5)
    counts.add(0.0, 1.0, failed=False)
    assert counts.transactions == pytest.approx(1.5)


def test_it_forgets_in_steps_that_do_not_matter() -> None:
    """A week of attempts is worth the same within a thousandth, whether something is forgotten with each or not."""
    seldom = Counts()
    for index in range(5_000):
        seldom.add(100.0 * index, 1.0, failed=index % 100 == 0)
    kept = sum(0.5 ** (100.0 * (4_999 - index) / HALF_LIFE) for index in range(5_000))
    assert seldom.transactions == pytest.approx(kept, rel=1e-3)
    assert seldom.failures == pytest.approx(kept / 100.0, rel=1e-2)


def test_it_survives_a_restart() -> None:
    """And refuses what is no state of its own."""
    one, two = Counts(), Counts()
    one.add(5.0, 0.7, failed=True)
    two.load(one.dump())  # type: ignore[arg-type]  # a number where one was seen
    assert two.dump() == one.dump()
    with pytest.raises(ValueError, match="not a state"):
        two.load([2.0, 1.0, 0.0])


def test_the_good_health_of_others_does_not_make_a_path_look_ill() -> None:
    """A path that fails three times in a thousand is taken for one that does, in a fleet that hardly ever fails."""
    assert healthy(43.0, 14_500.0, 0.00005) >= 43.0 / 14_500.0
    assert healthy(9.0, 3_000.0, 0.00005) < 9.0 / 3_000.0


def test_a_clock_that_leapt_ahead_does_not_stop_the_forgetting() -> None:
    """What is counted after it came back is forgotten in its time."""
    counts = Counts()
    counts.add(1e10, 1.0, failed=False)
    counts.add(0.0, 99.0, failed=False)
    counts.add(HALF_LIFE, 0.0, failed=False)
    assert counts.transactions == pytest.approx(50.0)
