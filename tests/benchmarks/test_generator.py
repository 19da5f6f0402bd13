"""The made outcomes are the same on every machine."""

from itertools import pairwise

import pytest

from benchmarks.detection.generator import DAY, MASK, STEP, UNIT, Hiccups, Stream, checksum, mixed
from benchmarks.detection.scenarios import ONSET, SCENARIOS, World, transactions


def test_the_generator_is_splitmix64() -> None:
    """Its published vector for the seed 1234567."""
    first = mixed((1234567 + STEP) & MASK)
    assert first == 6457827717110365317
    assert (first >> 11) * UNIT == 0.3500795420214081


def test_each_cell_has_a_stream_of_its_own() -> None:
    """The first three numbers of scenario 11."""
    stream = Stream(11, 0, 0)
    assert [stream.u(position) for position in range(3)] == [0.9251210328550561, 0.6562059615744077, 0.3147987760959169]
    assert Stream(11, 0, 1).u(0) != stream.u(0) != Stream(11, 1, 0).u(0)


@pytest.mark.parametrize(
    ("scenario", "replicate", "count", "failures", "check"),
    [
        (2, 0, 43194, 34, 2025875223),
        (2, 1, 43195, 14, 715868900),
        (11, 0, 43193, 1329, 1848508574),
        (11, 1, 43191, 1323, 1660622583),
        (23, 0, 43199, 1965, 1584708739),
        (23, 1, 43200, 1923, 655418519),
        (42, 0, 43193, 10816, 222072439),
        (42, 1, 43196, 10818, 1166303891),
    ],
)
def test_the_first_day_is_the_same_everywhere(
    scenario: int, replicate: int, count: int, failures: int, check: int
) -> None:
    """How many transactions and failures there are, and a checksum over times and cells of the failures."""
    world = World(SCENARIOS[scenario], replicate)
    assert transactions(world, DAY) == count
    assert checksum(world.failures(0, DAY)) == (failures, check)


@pytest.mark.parametrize("scenario", [3, 51, 61, 81])
def test_the_quick_way_finds_what_asking_one_by_one_finds(scenario: int) -> None:
    """Failures of half a day in one go, and transaction by transaction."""
    world = World(SCENARIOS[scenario], 1)
    slow = sorted(
        (world.at(cell, position), cell)
        for cell in range(15)
        for position in range(world.position(cell, ONSET - DAY // 8), world.position(cell, ONSET + DAY // 8))
        if world.fails(cell, position, world.at(cell, position))
    )
    assert world.failures(ONSET - DAY // 8, ONSET + DAY // 8) == slow
    assert slow


def test_a_blip_ends_and_the_next_comes_later() -> None:
    """Blips lie apart; between them there is none."""
    hiccups = Hiccups(Stream(2, 0, 32), 2.0, 45.0)
    found = hiccups.until(30 * DAY)
    assert 40 <= len(found) <= 80
    assert all(start <= end < following for (start, end), (following, _) in pairwise(found))
    start, end = next((start, end) for start, end in found if end - start > 2)
    assert (hiccups.inside(start - 1), hiccups.inside(start)) == (False, True)
    assert (hiccups.inside(end - 1), hiccups.inside(end)) == (True, False)
