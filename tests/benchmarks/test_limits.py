"""The limit is computed, and the table is what was computed."""

from random import Random

import pytest

from benchmarks.detection.limits import BASES, INTERVALS, PROBES, RATES, in_whole, limit

MONTH = 30 * 86_400


@pytest.mark.parametrize(
    ("base", "interval", "rate"),
    [
        *((0.001, 30, rate) for rate in RATES),
        (0.001, 15, 0.05),
        (0.003, 15, 0.10),
        (0.003, 60, 0.30),
        (0.01, 60, 0.20),
        (0.01, 15, 0.50),
    ],
)
def test_the_table_is_what_is_computed(base: float, interval: int, rate: float) -> None:
    """To the figures that it has."""
    assert limit(base, rate, MONTH / interval) == pytest.approx(PROBES[base, interval, rate], rel=0.006, abs=0.055)


def test_the_table_is_complete() -> None:
    """Three healthy rates, three intervals, seven rates; a worse trouble is never found later."""
    assert len(PROBES) == len(BASES) * len(INTERVALS) * len(RATES)
    for base in BASES:
        for interval in INTERVALS:
            row = [PROBES[base, interval, rate] for rate in RATES]
            assert row == sorted(row, reverse=True)


def test_the_limit_is_what_a_simulated_cusum_needs() -> None:
    """By another way: play CUSUM for 1 to 20 %, find its threshold for a run length of 2000, and its delay."""
    random = Random(7)

    def run(p: float, threshold: float) -> int:
        statistic, count = 0.0, 0
        while statistic < threshold:
            statistic = max(0.0, statistic + (2.995732 if random.random() < p else -0.213093))
            count += 1
        return count

    # With thresholds of 5.4 and 5.6 both run lengths bracket what is asked for.
    runs = {threshold: sum(run(0.01, threshold) for _ in range(300)) / 300 for threshold in (4.9, 5.8)}
    assert runs[4.9] < 2000 < runs[5.8]
    quick, slow = (sum(run(0.20, threshold) for _ in range(3000)) / 3000 for threshold in runs)
    assert 0.95 * quick < limit(0.01, 0.20, 2000) < 1.05 * slow


@pytest.mark.parametrize(("base", "counts"), [(0.001, [2, 2, 2]), (0.003, [3, 2, 2]), (0.01, [3, 3, 3])])
def test_an_outage_is_answered_after_a_whole_number_of_failures(base: float, counts: list[int]) -> None:
    """The fewest in a row that come at most once in 30 days; with dice it may be less, never more."""
    assert [in_whole(base, MONTH / interval) for interval in INTERVALS] == counts
    assert all(
        count - 1 <= PROBES[base, interval, 1.0] <= count for interval, count in zip(INTERVALS, counts, strict=True)
    )
