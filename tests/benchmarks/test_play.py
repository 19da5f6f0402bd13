"""The detector under test is the prober's own, and is played what happened."""

import pytest

from benchmarks.detection.fleet import CLIENT, KEYS, Learner, moment, pages, seasoned, week
from benchmarks.detection.generator import DAY
from benchmarks.detection.play import Play, firing, incident
from benchmarks.detection.scenarios import CUT, HOUR, MINUTE, ONSET, SCENARIOS, World
from benchmarks.detection.scrapes import TICK
from benchmarks.detection.screen import LOOK, Sketches, false_page, windows
from benchmarks.detection.work import Setting, rollback, throttling
from prober.detect.detector import Sample
from prober.detect.group import GroupKind, State

SHORTLY = ONSET - HOUR // 2


def run(number: int, replicate: int = 0, start: int = SHORTLY, **how: bool) -> Play:
    """Return a run that starts shortly before the incident."""
    return Play(seasoned(week(2, replicate)), World(SCENARIOS[number], replicate), start, **how)


def test_a_seasoned_detector_has_learned_and_is_not_learning() -> None:
    """Its healthy rates are those of a fleet with 0.06 % failures, and its thresholds those of the shipped policy."""
    one = run(2, start=0)
    one.advance(2 * MINUTE)
    assert {group.state for group in one.groups} == {State.HEALTHY}
    client = one.detector.group(GroupKind.CLIENT, f"exchange_online/{CLIENT[0]}")
    assert client.threshold == pytest.approx(10 / (0.45 / 5))
    assert 0.0004 < client.healthy < 0.0015


def test_every_transaction_is_played_once_in_time_order() -> None:
    """As many as the schedule has, and the failures are those of the stream."""
    seen: list[tuple[float, str, str]] = []
    one = run(12)
    observe = one.detector.observe

    def listen(sample: Sample) -> None:
        seen.append((sample.at, sample.key, sample.what.value))
        observe(sample)

    one.detector.observe = listen  # type: ignore[method-assign]  # listened to
    stop = ONSET + 5 * MINUTE
    for at in range(SHORTLY, stop, TICK):
        one.advance(at)
    assert [at for at, _, _ in seen] == sorted({at for at, _, _ in seen})
    failures = [(at, key) for at, key, what in seen if what == "failed"]
    assert failures == [(at / 1000.0 + moment(0), KEYS[cell]) for at, cell in one.world.failures(SHORTLY, stop - TICK)]
    assert len(seen) == one.transactions == len(one.world.schedule(range(15), SHORTLY, stop - TICK + 1))


def test_an_outage_pages_at_the_first_tick_and_is_found_everywhere() -> None:
    """Scenario 31: everything fails from six hours on; all clients, all locations."""
    found = incident(run(31), CUT)
    assert found.delay == 0.25
    assert found.said[0].exact
    assert set(found.said) == {0, 2, 5, 15}


def test_second_looks_are_taken_after_failures_only() -> None:
    """They are sooner than the schedule, and shorten the wait for a page."""
    slow, fast = run(22, 4), run(22, 4, looks=True)
    late, soon = incident(slow, CUT, scope=False), incident(fast, CUT, scope=False)
    assert slow.taken == 0 < fast.taken
    assert late.delay is not None
    assert soon.delay is not None
    assert soon.delay < late.delay


def test_throttling_is_told_from_failing() -> None:
    """Scenario 51 as what it is: the location's alert within minutes, no page, and nobody is asked twice."""
    found = throttling(Setting(SHORTLY), 0)
    assert found.delay is not None
    assert found.delay <= 3.0
    assert (found.pages, found.unwelcome) == (0, 0)
    assert incident(run(51, looks=True), CUT, scope=False).delay is not None


def test_a_rollback_ends_the_page() -> None:
    """Scenario 71: one page, without a hole, that ends."""
    found = rollback(Setting(SHORTLY), 0)
    assert found is not None
    assert found.pages[0] >= 1
    assert found.covered[0] > 0.9
    assert 0 < found.cleared[0] < 60


def test_the_sketch_is_close_to_the_evidence() -> None:
    """At every failure of eight healthy hours with many blips; then what is far below a page need not be played."""
    world, stop = World(SCENARIOS[3], 4), DAY // 3
    sketches, learner, sketched = Sketches(), Learner(world, week(3, 4)), {}

    def saw(at: int, cell: int, blip: float) -> None:
        sketched[at, cell] = sketches.fail(at, cell, blip, learner.rates[cell])

    learner.live(world.failures(0, stop), stop, saw)
    one = Play(seasoned(week(3, 4)), world)
    real = {}
    for at, cell in sketched:
        one.advance(at)
        real[at, cell] = max(group.ratio for group in one.detector.of(KEYS[cell]))
    assert sum(world.blip(cell, at) for at, cell in real) > 10
    for key, share in real.items():
        assert share == pytest.approx(sketched[key], rel=0.5), key
        assert share < LOOK


def test_a_healthy_run_is_played_where_a_page_may_be() -> None:
    """A run that is healthy until everything fails pages as if it had been played from its start."""
    stop = ONSET + 5 * MINUTE
    outage, calm = World(SCENARIOS[31], 3), World(SCENARIOS[2], 3)
    found = windows(outage, outage.failures(0, stop), week(2, 3), stop)
    assert len(found) == 1
    assert found[0].start < MINUTE
    assert false_page(outage, outage.failures(0, stop), week(2, 3), stop) == ONSET + TICK
    assert false_page(calm, calm.failures(0, DAY), week(2, 3), DAY) is None
    assert len(windows(calm, calm.failures(0, DAY), week(2, 3), DAY)) <= 1


def test_the_groups_that_page_are_those_of_the_fleet() -> None:
    """Five clients, fifteen cells, three locations, a family and the fleet; none of them at the start."""
    one = run(2)
    assert len(pages(one.detector)) == 25
    assert not firing(one.groups)
