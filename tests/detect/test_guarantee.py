"""What the detector promises, checked against every course of events there is, or against many drawn by chance."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise, product
from math import exp
from random import Random
from statistics import mean

import pytest

from prober.detect.baseline import CEILING, FLOOR
from prober.detect.blips import Blips
from prober.detect.detector import Detector, Policy, Sample, What
from prober.detect.group import GroupKind, Groups, Result, State, Watched
from prober.detect.groups import Source
from prober.detect.mixture import DAY, GRID, Evidence, ratios
from prober.detect.recovery import HOUR, Recovery
from tests.detect.made import ONLINE, START, client_group, feed, lone, source

FOREVER = 1e9
"""Days in which nobody pages: resets would hide what the sums do."""


@dataclass(frozen=True, slots=True)
class Course:
    """One course of events of several cells of one vantage: who was asked when, and whether it failed."""

    keys: tuple[str, ...]
    times: tuple[float, ...]
    failures: tuple[bool, ...]

    def probability(self, policy: Policy, healthy: float) -> float:
        """Return how probable the failures are if nothing but blips is wrong."""
        blips, chance = Blips(policy.tau, policy.rho, policy.certainty), 1.0
        for at, failed in zip(self.times, self.failures, strict=True):
            blip = blips.probability(at)
            expected = blip * policy.certainty + (1.0 - blip) * healthy
            blips.saw(at, blip, expected, failed=failed)
            chance *= expected if failed else 1.0 - expected
        return chance

    def watched_by(self, detector: Detector) -> Detector:
        """Let a detector see it."""
        for key, at, failed in zip(self.keys, self.times, self.failures, strict=True):
            detector.observe(Sample(key, at, What.FAILED if failed else What.OK))
        return detector


def pool() -> dict[str, Source]:
    """Return two clients of one family in two regions."""
    return {
        f"{client}/{region}": source(client, region, interval=60.0, families=("ours",))
        for client in ("imap4", "owa")
        for region in ("na", "eu")
    }


def courses(count: int) -> Iterator[Course]:
    """Give every way in which so many attempts can end, at times of their own."""
    chance = Random(3)
    keys = tuple(chance.choice(list(pool())) for _ in range(count))
    times, at = [], START
    for _ in range(count):
        at += chance.uniform(0.1, 40.0)
        times.append(at)
    for failures in product((False, True), repeat=count):
        yield Course(keys, tuple(times), failures)


@pytest.mark.parametrize("healthy", [FLOOR, 0.001, 0.013])
@pytest.mark.parametrize("rho", [2.6e-4, 0.05])
def test_expected_evidence_is_the_time_that_passes(healthy: float, rho: float) -> None:
    """In every group, exactly, over all 256 courses of eight attempts, each as probable as the healthy model says."""
    policy = Policy(budget=FOREVER, rho=rho, healthy=healthy)
    fresh = Detector(pool(), policy)
    expected = {(one.kind, one.name): 0.0 for one in fresh.groups if one.kind is not GroupKind.THROTTLED}
    total = 0.0
    for course in courses(8):
        probability = course.probability(policy, healthy)
        total += probability
        watching = course.watched_by(Detector(pool(), policy))
        for kind, name in expected:
            expected[kind, name] += probability * watching.group(kind, name).days
    assert total == pytest.approx(1.0, abs=1e-12)
    passed = {(one.kind, one.name): elapsed(course, one.name, one.evidence.interval) for one in fresh.groups}
    for group, days in expected.items():
        assert days == pytest.approx(fresh.group(*group).days + passed[group] / DAY, rel=1e-9), group


def test_expected_evidence_is_the_time_that_passes_also_with_parts() -> None:
    """A quarter of a client's evidence is the mean of that of its mailboxes, each of which waits for its own time."""
    policy = Policy(budget=FOREVER, healthy=0.002)
    boxes = {key: source(interval=60.0) for key in pool()}
    before, total = client_group(Detector(boxes, policy)), 0.0
    for course in courses(8):
        total += course.probability(policy, 0.002) * client_group(course.watched_by(Detector(boxes, policy))).days
    pooled = elapsed_between(list(course.times), 15.0)
    of_each = [[at for key, at in zip(course.keys, course.times, strict=True) if key == one] for one in boxes]
    parts = mean(elapsed_between(times, 60.0) for times in of_each)
    assert total == pytest.approx(before.days + (0.75 * pooled + 0.25 * parts) / DAY, rel=1e-9)


def elapsed(course: Course, name: str, interval: float) -> float:
    """Return the seconds that count between a group's attempts: never more than five intervals in one piece."""
    return elapsed_between(
        [at for key, at in zip(course.keys, course.times, strict=True) if belongs(key, name)], interval
    )


def elapsed_between(times: list[float], interval: float) -> float:
    """Return the seconds that count between attempts at these times, and before the first."""
    gaps = [later - earlier for earlier, later in pairwise(times)]
    return (interval if times else 0.0) + sum(min(gap, 5.0 * interval) for gap in gaps)


def belongs(key: str, name: str) -> bool:
    """Whether the source `key` is in the group `name`."""
    client, region = key.split("/")
    place = f"fra1/{region}"
    return name.removeprefix(ONLINE.value) in ("", "/ours", f"/{client}", f"/{place}", f"/{client}@{place}")


def pages(policy: Policy, actual: "Blipping", runs: int) -> float:
    """Return the mean days to the first page of one healthy series."""
    return mean(until_page(policy, actual, Random(seed)) for seed in range(runs))


def until_page(policy: Policy, actual: "Blipping", chance: Random) -> float:
    """Return the days to the first page."""
    detector, at, inside = lone(policy=policy), START, False
    group = client_group(detector)
    while not group.firing:
        at += 30.0
        inside = chance.random() < (actual.stay if inside else actual.enter)
        failed = chance.random() < (actual.certainty if inside else actual.healthy)
        detector.observe(Sample("imap4/one", at, What.FAILED if failed else What.OK))
    return (at - START) / DAY


@dataclass(frozen=True, slots=True)
class Blipping:
    """A healthy path as it is: probabilities from one attempt to the next."""

    stay: float
    enter: float
    certainty: float
    healthy: float


HICCUPS = Blipping(stay=exp(-30.0 / 45.0), enter=(1.0 - exp(-30.0 / 45.0)) * 0.01, certainty=0.98, healthy=0.005)


def test_a_page_comes_no_more_often_than_the_budget_allows() -> None:
    """One series has 0.54 of the budget, so 0.27 of a day guarantee half a day, blips or none."""
    policy = Policy(budget=0.27, healthy=0.005, rho=0.01)
    shipped = lone(policy=policy)
    assert client_group(shipped).guaranteed == pytest.approx(0.27 / 0.75)
    plain = Policy(budget=0.81, healthy=0.005, rho=0.01, learning=0.0)  # a third of it is the same evidence, not aimed
    assert client_group(lone(policy=plain)).guaranteed / 3.0 == pytest.approx(0.27 / 0.75)
    assert pages(plain, HICCUPS, 40) > 0.27 / 0.75


def test_the_guaranteed_setting_pages_as_often_as_the_budget_allows() -> None:
    """Neither much more often nor much less; the spread of the mean of so many is a sixth. Exactly: see below."""
    policy = Policy(budget=0.27, guaranteed=True, rho=0.01, healthy=0.005)
    assert client_group(lone(policy=policy)).threshold == pytest.approx(0.27 / 0.75)
    assert pages(policy, HICCUPS, 40) == pytest.approx(0.27 / 0.75, rel=0.4)


@pytest.mark.parametrize("healthy", [0.002, 0.013, 0.05])
@pytest.mark.parametrize("blip", [0.0, 0.2])
@pytest.mark.parametrize("days", [0.03, 0.3])
def test_expected_time_to_a_page_is_exactly_what_is_guaranteed(healthy: float, blip: float, days: float) -> None:
    """Over all courses of ten attempts, each ended by a page: what is expected of the evidence is the time it took.

    And at a page it is what a page needs, but for what it has at rest: there is nothing to come short of the time.
    """
    chance = blip * 0.98 + (1.0 - blip) * healthy
    gaps = [7.0, 30.0, 3.0, 60.0, 12.0, 30.0, 5.0, 44.0, 30.0, 21.0]
    watched = Watched(GroupKind.CLIENT, "exchange_online/imap4", 30.0, days, days)
    waited = gained = paged = 0.0
    for failures in product((False, True), repeat=len(gaps)):
        groups = Groups([watched], healthy=healthy, hear=lambda _: None, aiming=True)
        rest, at, probability, passed = groups.days(0), START, 1.0, 0.0
        for index, (gap, failed) in enumerate(zip(gaps, failures, strict=True)):
            at += gap
            passed += gap if index else 30.0
            ratio = ratios(blip, 0.98, healthy, failed=failed)[1]
            groups.update(0, Result(at, failed, blip, 0.98, healthy, ratio))
            probability *= chance if failed else 1.0 - chance
            if groups.firing(0):
                probability *= not any(failures[index + 1 :])  # what would follow is counted once
                break
        waited += probability * passed / DAY
        gained += probability * (groups.days(0) - rest)
        paged += probability * groups.firing(0)
        assert not groups.firing(0) or days <= groups.days(0) <= (days + rest) * (1.0 + 1e-9)
    assert gained == pytest.approx(waited, rel=1e-9)
    assert 0.0 < paged < 1.0


def test_who_knows_nothing_of_blips_pages_far_too_often() -> None:
    """The same series, watched as if its attempts failed independently of each other, at the same mean rate."""
    blind = Policy(budget=0.27, guaranteed=True, rho=1e-12, healthy=0.015)
    assert pages(blind, HICCUPS, 40) < 0.5 * 0.27 / 0.75


# -- what must not happen ------------------------------------------------------------------------------------------


def history(seed: int, count: int = 3000) -> list[tuple[str, float, bool]]:
    """Return attempts of the pool, with a trouble of one client in the middle and an end to it."""
    chance, at, found = Random(seed), START, []
    keys = list(pool())
    for index in range(count):
        at += chance.uniform(1.0, 29.0)
        key = keys[index % len(keys)]
        ill = key.startswith("owa") and count // 3 < index < count // 2
        found.append((key, at, chance.random() < (0.3 if ill else 0.002)))
    return found


def see(detector: Detector, attempts: list[tuple[str, float, bool]]) -> list[object]:
    """Let a detector see attempts; return all that it thinks of every group after each."""
    thoughts: list[object] = []
    for key, at, failed in attempts:
        detector.observe(Sample(key, at, What.FAILED if failed else What.OK, "login" if failed else ""))
        thoughts.append([(one.days, one.ratio, one.evidence.change, one.firing, one.state) for one in detector.groups])
    return thoughts


@pytest.mark.parametrize("cut", [1, 999, 1010, 1100, 1495, 1530, 1600, 2400])
def test_a_restart_changes_nothing_that_is_thought_afterwards(cut: int) -> None:
    """Bit by bit, states included, wherever in a trouble it falls."""
    attempts = history(5)
    through, before, after = Detector(pool()), Detector(pool()), Detector(pool())
    expected = see(through, attempts)[cut:]
    section: dict[str, str] = {}
    see(before, attempts[:cut])
    before.save(section)
    after.load(json.loads(json.dumps(section)))
    assert see(after, attempts[cut:]) == expected


def test_a_restart_in_a_trouble_does_not_forget_what_fails() -> None:
    """The same explanation at once, and nothing to explain once it is over."""
    attempts, section = history(5), dict[str, str]()
    before, after, over = Detector(pool()), Detector(pool()), Detector(pool())
    see(before, attempts[:1300])
    before.save(section)
    after.load(section)
    assert after.explanations() == before.explanations()
    assert after.explanations()[ONLINE].clients == ("owa",)
    see(after, attempts[1300:])
    after.tick(attempts[-1][1])
    after.save(section)
    over.load(section)
    assert over.explanations() == {}


def test_the_history_has_a_trouble_that_is_found_and_ends() -> None:
    """Or the restarts above would prove little."""
    detector = Detector(pool())
    firing = [any(group[3] for group in one) for one in see(detector, history(5))]  # type: ignore[attr-defined]
    assert True in firing[1000:1500]
    assert not any(firing[:1000])
    assert not firing[-1]


@pytest.mark.parametrize("order", [1, 2, 3])
def test_it_does_not_matter_who_is_heard_first_at_one_moment(order: int) -> None:
    """Results of the same second, merged in any order, give the same evidence to nine figures."""
    sources = {f"imap4/{place}": Source(ONLINE, "imap4", place, 30.0) for place in ("fra1", "iad1", "sin1", "gru1")}
    policy = Policy(budget=FOREVER)
    one, other, chance = Detector(sources, policy), Detector(sources, policy), Random(order)
    for index in range(400):
        round_ = [(key, chance.random() < 0.01) for key in sources]
        for detector in (one, other):
            for key, failed in round_:
                detector.observe(Sample(key, START + 30.0 * index, What.FAILED if failed else What.OK))
            chance.shuffle(round_)
    assert [group.days for group in one.groups] == pytest.approx([group.days for group in other.groups], rel=1e-9)


@pytest.mark.parametrize("silence", [3600.0, DAY, 100 * DAY])
def test_a_long_silence_does_not_ripen_into_a_page(silence: float) -> None:
    """A failure may be the first thing that is heard after each, even of a group that has a history."""
    detector = lone()
    at = feed(detector, [False] * 7000)
    for _ in range(20):
        at = feed(detector, [True, *[False] * 120], at=at + silence)
        assert not client_group(detector).firing
    assert client_group(detector).ratio < 0.1


@pytest.mark.parametrize("step", [-1e9, -DAY, -60.0, DAY, 1e9])
def test_a_clock_that_leaps_neither_pages_nor_makes_blind(step: float) -> None:
    """There and back again a minute later; then a trouble is found as soon as ever."""
    detector = lone()
    group = client_group(detector)
    at = feed(detector, [False] * 7000)
    feed(detector, [False, True, False], at=at + step)
    at = feed(detector, [False] * 300, at=at + 60.0)
    assert not group.firing
    needed = 0
    while not group.firing and needed < 100:
        at = feed(detector, [needed % 5 == 0], at=at)
        needed += 1
    assert needed < 30
    assert abs(group.evidence.change - at) < 30 * 31.0


def test_a_clock_that_leapt_ahead_does_not_stop_the_learning() -> None:
    """The healthy rate is read anew within the hour, and old counts go on being forgotten."""
    detector = lone()
    at = feed(detector, [False] * 10)
    feed(detector, [False], at=at + 1e9)
    feed(detector, [False] * 7000, at=at)
    assert client_group(detector).healthy < 0.0007


def test_a_stray_failure_does_not_become_the_beginning_of_an_outage() -> None:
    """However long the outage lasts: the largest sum stays the largest when sums reach their bounds."""
    evidence = Evidence(30.0, 0.001)
    success, failure = (ratios(0.0, 0.98, 0.001, failed=failed)[1] for failed in (False, True))
    for index in range(2101):
        failed = index == 0 or index > 100
        evidence.update(START + 30.0 * index, failure if failed else success, failed=failed)
    assert evidence.change == START + 30.0 * 101
    assert evidence.since_change == (2000, 2000)


@pytest.mark.parametrize("healthy", [FLOOR, CEILING])
def test_at_the_edges_of_what_is_healthy_outages_are_found_and_end(healthy: float) -> None:
    """Three hours of outage and three without failure."""
    detector = lone(policy=Policy(healthy=healthy))
    group = client_group(detector)
    at = feed(detector, [False] * 7000)
    at = feed(detector, [True] * 360, at=at)
    during = group.state
    feed(detector, [False] * 360, at=at)
    assert [during, group.state] == [State.FAILING, State.HEALTHY]


def test_healthy_for_ever_rests_where_it_began() -> None:
    """No sum creeps towards nothing, where trouble would be found late."""
    evidence = Evidence(30.0, 0.001)
    rest = evidence.days(0.001)
    success = ratios(0.0002, 0.98, 0.001, failed=False)[1]
    for index in range(300_000):
        evidence.update(index * 30.0, success, failed=False)
    assert evidence.days(0.001) == pytest.approx(rest, rel=0.02)


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-1.0", "null", '"1"', "true"])
def test_a_number_that_is_none_is_not_taken_over(text: str) -> None:
    """A state file says anything; what cannot be begins anew, and the next failures are found."""
    detector = lone()
    feed(detector, [False] * 50 + [True])
    section: dict[str, str] = {}
    detector.save(section)
    for name, state in section.items():
        for index in range(len(json.loads(state))):
            parts = [json.dumps(part) for part in json.loads(state)]
            if isinstance(json.loads(state)[index], list):
                inner = [json.dumps(part) for part in json.loads(state)[index]]
                parts[index] = f"[{', '.join([text, *inner[1:]])}]"
            else:
                parts[index] = text
            spoilt = lone()
            spoilt.load({**section, name: f"[{', '.join(parts)}]"})
            feed(spoilt, [True] * 40, at=START + 7 * DAY)
            assert client_group(spoilt).firing, (name, parts)


# -- recovery ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [0.04, 0.2, 1.0])
@pytest.mark.parametrize("blip", [0.0, 0.3])
def test_hope_grows_no_faster_than_time_while_half_of_a_trouble_lasts(rate: float, blip: float) -> None:
    """Exactly, over all courses of eight attempts: three hours of hope are called for less than once in three hours."""
    ill = blip * 0.98 + (1.0 - blip) * rate / 2.0
    gaps = [7.0, 30.0, 3.0, 60.0, 12.0, 30.0, 5.0, 44.0]
    expected = 0.0
    for failures in product((False, True), repeat=8):
        recovery, probability = Recovery.of(rate), 1.0
        for gap, failed in zip(gaps, failures, strict=True):
            recovery.update(gap, failed=failed, blip=blip, certainty=0.98, healthy=0.001, rate=rate)
            probability *= ill if failed else 1.0 - ill
        expected += probability * recovery.hours
    assert expected == pytest.approx(sum(gaps) / HOUR, rel=1e-9)


def test_to_be_sure_that_one_in_ten_no_longer_fails_takes_few_dozen_attempts() -> None:
    """Clean ones; the worse it was the fewer."""
    needed = []
    for rate in (0.1, 0.3, 1.0):
        recovery, count = Recovery.of(rate), 0
        while recovery.hours < 3.0:
            recovery.update(10.0, failed=False, blip=0.0002, certainty=0.98, healthy=0.0006, rate=rate)
            count += 1
        needed.append(count)
    assert needed == sorted(needed, reverse=True)
    assert 60 < needed[0] < 120
    assert needed[2] < 15


def test_a_few_bad_mailboxes_among_many_are_found_once() -> None:
    """Two of sixty fail three times in ten, one attempt in a hundred: it goes on, and so does the alert."""
    detector = Detector({f"imap4/{index}": source(interval=60.0) for index in range(60)}, Policy(learning=0.0))
    group, chance, pages = client_group(detector), Random(2), 0
    for count in range(60 * 60 * 5):
        firing, ill = group.firing, count % 60 < 2 and count > 3600
        failed = chance.random() < (0.3 if ill else 0.0003)
        detector.observe(Sample(f"imap4/{count % 60}", START + count, What.FAILED if failed else What.OK))
        pages += group.firing > firing
    assert pages == 1
    assert group.firing


@pytest.mark.parametrize("interval", [30.0, 900.0, 3600.0])
def test_a_slow_series_at_rest_is_not_suspect(interval: float) -> None:
    """Though it has more evidence at rest than others have in a suspicion."""
    detector = lone(interval=interval)
    feed(detector, [False] * round(3.1 * DAY / interval), every=interval)
    assert client_group(detector).state is State.HEALTHY


def test_the_grid_covers_what_is_called_trouble() -> None:
    """From the rate at which recovery begins to count up to an outage."""
    assert GRID[0] == 0.02
    assert GRID[-1] == 0.9
