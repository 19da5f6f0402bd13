"""Evidence in days: its mean under health, its change time, gaps, limits, and what survives."""

import json
from math import inf
from random import Random

import pytest

from prober.detect.mixture import DAY, GRID, SPARED, Evidence, Series, Six, aimed, ratios

HEALTHY = 0.001


def feed(evidence: Evidence, results: str, at: float = 0.0) -> float:
    """Take in `.` for a success and `x` for a failure, every 30 seconds; return the time of the next."""
    for one in results:
        failed = one == "x"
        evidence.update(at, ratios(0.0, 0.0, HEALTHY, failed=failed)[1], failed=failed)
        at += 30.0
    return at


def test_the_ratios_are_those_of_the_two_models() -> None:
    """By hand, for a certain success and failure outside any blip, and within one where nothing tells them apart."""
    expected, failure = ratios(0.0, 0.98, HEALTHY, failed=True)
    assert expected == HEALTHY
    assert failure == pytest.approx([p / HEALTHY for p in GRID])
    assert ratios(0.0, 0.98, HEALTHY, failed=False)[1] == pytest.approx([(1 - p) / (1 - HEALTHY) for p in GRID])
    assert ratios(1.0, 0.98, HEALTHY, failed=True)[1] == pytest.approx([1.0] * 6)


@pytest.mark.parametrize("blip", [0.0, 0.01, 0.7])
def test_the_ratio_has_mean_one_while_all_is_well(blip: float) -> None:
    """Or evidence would grow by itself."""
    expected, failure = ratios(blip, 0.98, HEALTHY, failed=True)
    _, success = ratios(blip, 0.98, HEALTHY, failed=False)
    for up, down in zip(failure, success, strict=True):
        assert expected * up + (1 - expected) * down == pytest.approx(1.0)


def test_two_failures_close_together_are_worth_days() -> None:
    """A hundred successes, a failure, five successes, a failure: 12.7 days, as computed by hand elsewhere."""
    evidence = Evidence(30.0, HEALTHY)
    feed(evidence, "." * 100 + "x" + "." * 5 + "x")
    assert evidence.days(HEALTHY) == pytest.approx(12.7092985, rel=1e-8)


def test_the_change_is_where_the_failures_began() -> None:
    """And what failed since then is known; once all is quiet again, there is none."""
    evidence = Evidence(30.0, HEALTHY)
    assert evidence.change == 0.0
    at = feed(evidence, "." * 50)
    feed(evidence, "x...x..x", at)
    assert evidence.change == at
    assert evidence.since_change == (3, 8)
    feed(evidence, "." * 600, at + 240)
    assert evidence.change == 0.0


def test_a_grid_point_next_to_the_healthy_rate_is_left_out() -> None:
    """At a healthy rate of 2 % a trouble of 2 % is none."""
    evidence = Evidence(30.0, 0.02)
    feed(evidence, "x" * 3)
    values = evidence.dump()[:6]
    assert evidence.days(0.02) == pytest.approx(sum(values[1:]) / 5)  # type: ignore[arg-type]  # all are numbers
    assert evidence.days(HEALTHY) == pytest.approx(sum(values) / 6)  # type: ignore[arg-type]


def test_a_long_silence_is_no_evidence() -> None:
    """A prober that stood still for a month must not page for its first attempt."""
    evidence = Evidence(30.0, HEALTHY)
    at = feed(evidence, "." * 100)
    before = evidence.days(HEALTHY)
    feed(evidence, ".", at + 30 * DAY)
    assert evidence.days(HEALTHY) < 2 * before


def test_a_clock_set_back_makes_no_time_pass() -> None:
    """And breaks nothing."""
    evidence = Evidence(30.0, HEALTHY)
    feed(evidence, "..", 1000.0)
    before = evidence.days(HEALTHY)
    assert evidence.update(0.0, ratios(0.0, 0.0, HEALTHY, failed=False)[1], failed=False) == 0.0
    assert evidence.days(HEALTHY) < before


def test_neither_failure_nor_success_without_end_breaks_the_sums() -> None:
    """They stay finite, and a healthy series rests where it began."""
    evidence = Evidence(30.0, HEALTHY)
    rest = evidence.days(HEALTHY)
    at = feed(evidence, "x" * 2000)
    assert evidence.days(HEALTHY) <= 1e9
    assert evidence.since_change == (2000, 2000)
    feed(evidence, "." * 20_000, at)
    assert evidence.days(HEALTHY) == pytest.approx(rest, rel=1e-3)


class Glancing:
    """A series that takes a success at a glance unless there is a trouble, which it forgets once it has lapsed."""

    def __init__(self) -> None:
        self.series = Series((30.0,), HEALTHY)
        self.glances = 0

    def succeed(self, at: float, ratio: Six) -> None:
        series = self.series
        series.look(0, -inf if series.troubled(0) else inf)
        if series.succeed([0], at, ratio):
            series.take(0, at, ratio, failed=False, forget=True)
        else:
            self.glances += 1

    def fail(self, at: float) -> None:
        self.series.take(0, at, ratios(0.0, 0.0, HEALTHY, failed=True)[1], failed=True)


@pytest.mark.parametrize("every", [30.0, 400.0, -7.0])
def test_a_success_at_a_glance_gives_the_same_bits(every: float) -> None:
    """Where no trouble was found: after failures and without, with gaps, and with a clock that goes back."""
    success = ratios(0.001, 0.98, HEALTHY, failed=False)[1]
    one, two = Evidence(30.0, HEALTHY), Glancing()
    one.update(0.0, success, failed=False)
    two.succeed(0.0, success)
    for failures in (0, 1, 2):
        at = feed(one, "x" * failures, 30.0)
        for count in range(failures):
            two.fail(30.0 + 30.0 * count)
        for count in range(400):
            one.update(at + every * count, success, failed=False)
            two.succeed(at + every * count, success)
            assert (one.days(HEALTHY), one.change) == (two.series.days(0, HEALTHY), two.series.change(0))
            assert two.series.weighed(0) == one.days(HEALTHY)
        assert one.dump()[:6] == two.series.dump(0)[:6]
        assert one.dump()[-3:] == two.series.dump(0)[-3:]
    assert two.glances > 600


def test_what_shows_more_than_a_glance_is_left_as_it_was() -> None:
    """And named, for somebody to look closer."""
    series, success = Series((30.0, 60.0, 30.0), HEALTHY), ratios(0.0, 0.0, HEALTHY, failed=False)[1]
    series.look(0, inf)
    series.look(2, 1e-9)
    for row in range(3):
        series.take(row, 0.0, success, failed=False)
    before = series.dump(1), series.dump(2)
    assert series.succeed([2, 0, 1], 30.0, success) == [2, 1]
    assert (series.dump(1), series.dump(2)) == before
    assert series.last(0) == 30.0


def test_a_suspicion_that_has_lapsed_is_forgotten() -> None:
    """It takes no memory any more, and the next failure begins at itself."""
    series, rested = Glancing(), Evidence(30.0, HEALTHY)
    success = ratios(0.0, 0.0, HEALTHY, failed=False)[1]
    series.fail(0.0)
    for count in range(600):
        series.succeed(30.0 + 30.0 * count, success)
    assert series.series.dump(0)[6:-3] == rested.dump()[6:-3]
    assert not series.series.troubled(0)
    series.fail(30.0 * 601)
    assert series.series.change(0) == 30.0 * 601
    assert series.series.since_change(0) == (1, 1)


@pytest.mark.parametrize(
    ("days", "reached"),
    [(0.08, False), (0.11, True), (1.0, True), (31.0, False)],
    ids=["far away", "within what can be spared", "beyond", "there already"],
)
def test_evidence_is_aimed_without_making_any(days: float, reached: bool) -> None:
    """What a failure wastes a success gets, and the other way round; the mean of both is what it was before."""
    failing = ratios(0.001, 0.98, 0.003, failed=True)
    expected, success = ratios(0.001, 0.98, 0.003, failed=False)
    sums = [days] * 6
    after = {
        failed: aimed(sums, failing, 10.0, 0.003, failed=failed) * days * sum(failing[1] if failed else success) / 6
        for failed in (False, True)
    }
    assert expected * after[True] + (1.0 - expected) * after[False] == pytest.approx(days)
    assert (after[True] == pytest.approx(10.0)) == reached
    assert after[False] >= SPARED * days * sum(success) / 6


def test_a_copy_stays_as_it_is() -> None:
    """Whatever is taken in meanwhile, failures too."""
    series = Glancing()
    series.fail(0.0)
    copy, before = series.series.copy(), series.series.dump(0)
    series.succeed(30.0, ratios(0.0, 0.0, HEALTHY, failed=False)[1])
    series.fail(60.0)
    assert copy.dump(0) == before != series.series.dump(0)


def test_the_same_bits_come_back_from_a_file() -> None:
    """Through JSON, and whatever follows gives the same bits again."""
    one, two = Evidence(30.0, HEALTHY), Evidence(30.0, HEALTHY)
    chance = Random(1)
    text = "".join("x" if chance.random() < 0.1 else "." for _ in range(300))
    at = feed(one, text)
    two.load(json.loads(json.dumps(one.dump())))
    feed(one, "x..x", at)
    feed(two, "x..x", at)
    assert one.dump() == two.dump()
    with pytest.raises(ValueError, match="not a state"):
        two.load([1.0, 2.0])
    with pytest.raises(ValueError, match="not a state"):
        two.load(["a"] * 33)  # type: ignore[list-item]  # what a file may hold


def test_a_healthy_series_never_collects_more_days_than_pass() -> None:
    """The mean over many healthy series, sampled a day in, is at most a day, whatever the healthy rate."""
    chance = Random(7)
    success, failure = (ratios(0.0, 0.0, 0.01, failed=failed)[1] for failed in (False, True))
    total = 0.0
    for _ in range(400):
        evidence = Evidence(600.0, 0.01)
        for count in range(144):
            failed = chance.random() < 0.01
            evidence.update(count * 600.0, failure if failed else success, failed=failed)
        total += evidence.days(0.01)
    rest = Evidence(600.0, 0.01).days(0.01)
    assert 0.3 < total / 400 < (1.0 + rest) * 1.3
