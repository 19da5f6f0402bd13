"""The rules of others are given what they would see, and page when they would."""

import pytest

from benchmarks.detection.baselines import (
    RULES,
    Average,
    BurnRate,
    Down,
    InARow,
    Pair,
    Pooled,
    Rule,
    Seen,
    third_in_a_row,
)
from benchmarks.detection.generator import DAY, PERIOD
from benchmarks.detection.scenarios import ONSET, SCENARIOS, World
from benchmarks.detection.scrapes import Scrapes, increase

HOUR = 3_600_000


def scraped(scenario: int) -> Seen:
    """Return the first day of a scenario's first replicate."""
    world = World(SCENARIOS[scenario], 0)
    return Seen(world, world.failures(0, DAY), DAY)


def failing(*counts: tuple[int, int]) -> Seen:
    """Return a fleet in which cell c fails n times in a row, for each (c, n), from the second hour on."""
    world = World(SCENARIOS[1], 0)
    start = world.position(0, HOUR)
    failures = sorted((world.at(cell, start + one), cell) for cell, count in counts for one in range(count))
    return Seen(world, failures, 3 * HOUR)


@pytest.mark.parametrize(
    ("scenario", "third", "average"),
    [(2, None, 33285), (11, 25454688, 21960), (23, 21705656, 21810), (42, 21664261, 21765)],
)
def test_two_rules_page_when_they_should(scenario: int, third: int | None, average: int) -> None:
    """Three failures in a row to the millisecond, the average to the tick, as computed elsewhere."""
    seen = scraped(scenario)
    found = [at for cell in seen.cells if (at := third_in_a_row(cell.failures, 0)) is not None]
    assert (min(found) if found else None) == third
    assert Average().first(seen, 0) == 1000 * average


def test_a_gauge_holds_the_last_result() -> None:
    """One failure is two scrapes, unless it falls between; a range of five minutes has twenty."""
    cell = Scrapes(0, [20 * PERIOD, 21 * PERIOD + 1])
    assert cell.zeros == [40, 41, 43, 44]
    assert cell.unavailable(44, 20) == pytest.approx(0.2)
    assert cell.unavailable(59, 20) == pytest.approx(0.2)
    assert cell.unavailable(60, 20) == pytest.approx(0.15)


def test_increase_extrapolates_as_the_server_does() -> None:
    """885 seconds are sampled of 900; a young counter is never taken below zero; a flat one stays flat."""
    assert increase(10, 13, 1000, 60) == pytest.approx(3 * 900 / 885)
    assert increase(0, 3, 1000, 60) == 3
    assert increase(4, 4, 1000, 60) == 0.0
    assert round(increase(10, 39, 1000, 60)) == 29


def test_a_rule_that_needs_five_minutes_waits_for_them() -> None:
    """Eleven failures in a row are five and a half minutes down; ten are not enough."""
    assert Down().first(failing((4, 10)), 0) is None
    paged = Down().first(failing((4, 11)), 0)
    assert paged is not None
    assert 300_000 <= paged - min(failing((4, 11)).cells[4].failures) < 330_000


@pytest.mark.parametrize(
    ("rule", "too_few", "enough"),
    [
        (InARow(), ((0, 2), (1, 2)), ((0, 3),)),
        (Pooled(), ((0, 6), (3, 6)), ((0, 4), (1, 3))),
        (Pair(), ((0, 7),), ((0, 8),)),
        (Pair(), ((0, 5), (1, 1)), ((0, 2), (1, 2))),
        (BurnRate(), ((7, 1),), ((7, 2),)),
    ],
)
def test_counting_rules_count(
    rule: Rule, too_few: tuple[tuple[int, int], ...], enough: tuple[tuple[int, int], ...]
) -> None:
    """One less than enough is not enough, and clients are not added up."""
    first = rule.first
    assert first(failing(*too_few), 0) is None
    assert first(failing(*enough), 0) is not None


def test_what_was_before_the_start_is_no_page() -> None:
    """A rule is asked from a time on."""
    seen = scraped(23)
    for rule in RULES:
        paged = rule.first(seen, ONSET)
        assert paged is None or paged >= ONSET
    assert {rule.name for rule in RULES if rule.first(seen, ONSET) is None} == {Down.name}
