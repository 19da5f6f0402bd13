"""The plan: exact deadlines, spread by name, nothing made up for."""

from collections import Counter
from dataclasses import replace
from itertools import cycle, islice, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prober.model import Assignment, Target
from prober.schedule.plan import GAP, Due, Plan, first_slot, fraction, shifts, slots
from prober.vocabulary import Depth, Environment


def assignment(target: str = "hq", client: str = "imap4", interval: float = 60.0) -> Assignment:
    return Assignment(client, Target(target, Environment.EXCHANGE_SERVER), Depth.REACH, interval, 60.0)


def plan_due_at(first: float, interval: float = 60.0) -> tuple[Plan, Assignment]:
    """A plan of one assignment whose first deadline is `first`."""
    one = assignment(interval=interval)
    return Plan([one], now=first, epoch=fraction(one.key) * interval), one


def test_the_offset_is_a_stable_fraction_of_the_name() -> None:
    """The fraction is CRC-32 of the key over 2**32: a value somebody else can compute (CRC-32's published check)."""
    assert fraction("123456789") == 0xCBF43926 / 2**32


@pytest.mark.parametrize(("second_of_minute", "wait"), [(10.0, 5.0), (15.0, 0.0), (20.0, 55.0)])
def test_the_first_slot_keeps_its_place_in_the_wall_clock_minute(second_of_minute: float, wait: float) -> None:
    """The docstring's example: wherever in the minute the prober starts, it is due at the same second."""
    key = "imap4/hq"
    due_second = fraction(key) * 60
    epoch = 1_800_000_000.0 - 1_800_000_000.0 % 60 + due_second - 15.0 + second_of_minute
    assert first_slot(key, 60.0, now=500.0, epoch=epoch) - 500.0 == pytest.approx(wait, abs=1e-5)


def test_offsets_are_spread_over_the_interval() -> None:
    """Of a thousand assignments no tenth of the interval holds more than twice its share."""
    many = [assignment(f"site-{number}") for number in range(1000)]
    plan = Plan(many, now=0.0, epoch=0.0)
    tenths: Counter[int] = Counter()
    for _ in many:
        deadline = plan.next_deadline
        assert deadline is not None
        tenths[int(deadline // 6)] += 1
        plan.take(deadline)
    assert set(tenths) == set(range(10))
    assert max(tenths.values()) < 200


def test_no_two_starts_meet() -> None:
    """A thousand in two seconds keep nine tenths of an even share apart, period by period; a few keep `GAP`."""
    many = [assignment(f"site-{number}", interval=2.0) for number in range(1000)]
    few = [assignment(f"hq-{number}") for number in range(100)]
    for assignments, gap in ((many, 0.0018), (few, GAP)):
        plan = Plan(assignments, now=1000.0, epoch=1_800_000_000.0)
        deadlines = []
        for _ in range(2 * len(assignments)):
            deadline = plan.next_deadline
            assert deadline is not None
            plan.take(deadline)
            deadlines.append(deadline)
        assert all(after - before > gap - 1e-6 for before, after in pairwise(deadlines))


def test_a_start_is_moved_only_as_far_as_it_must_be() -> None:
    """Most keep the place that their key says, none moves for long, and other intervals do not count."""
    many = [assignment(f"site-{number}") for number in range(1000)]
    moved = shifts(many)
    assert sum(shift == 0 for shift in moved.values()) > 800
    assert max(moved.values()) < 10 * GAP
    assert shifts(reversed(many)) == moved
    other = assignment("site-0", "owa", interval=30.0)
    assert shifts([*many, other]) == {**moved, other.key: 0.0}


def test_the_place_of_a_start_is_the_same_after_a_restart() -> None:
    """Whenever that is, and in whatever order the assignments come."""
    many = [assignment(f"site-{number}", interval=2.0) for number in range(1000)]
    first = Plan(many, now=0.0, epoch=1_800_000_000.0)
    again = Plan(reversed(many), now=7.0, epoch=1_800_000_123.5)
    places = []
    for plan, epoch in ((first, 1_800_000_000.0), (again, 1_800_000_116.5)):
        found = {}
        for _ in many:
            deadline = plan.next_deadline
            assert deadline is not None
            due = plan.take(deadline)
            assert due is not None
            found[due.assignment.key] = (deadline + epoch) % 2.0
        places.append(found)
    assert places[0].keys() == places[1].keys()
    assert all(abs((places[0][key] - places[1][key] + 1.0) % 2.0 - 1.0) < 1e-5 for key in places[0])


def test_nothing_is_due_before_its_deadline() -> None:
    """Taking early gives nothing and moves nothing."""
    plan, _ = plan_due_at(15.0)
    assert plan.take(14.999) is None
    assert plan.next_deadline == pytest.approx(15.0)


def test_an_empty_plan_has_nothing_to_do() -> None:
    """No assignments: no deadline, nothing due."""
    plan = Plan([], now=0.0, epoch=0.0)
    assert plan.next_deadline is None
    assert plan.take(1e9) is None


@given(st.floats(0.05, 3600.0), st.lists(st.floats(0.0, 0.4), min_size=1, max_size=7))
def test_a_thousand_late_starts_do_not_drift(interval: float, lateness: list[float]) -> None:
    """After 1,000 periods, each taken up to 40 % late, the deadline is first + 1,000 intervals exactly."""
    plan, _ = plan_due_at(15.0 % interval, interval)
    first = plan.next_deadline
    assert first is not None
    for late in islice(cycle(lateness), 1000):
        deadline = plan.next_deadline
        assert deadline is not None
        due = plan.take(deadline + late * interval)
        assert due is not None
        assert due.intended == deadline
    assert plan.next_deadline == first + 1000 * interval


def test_a_slot_a_little_late_is_started_and_the_next_keeps_its_time() -> None:
    """4 ms late is started; the next deadline does not inherit the lateness."""
    plan, one = plan_due_at(15.0)
    due = plan.take(15.004)
    assert due == Due(one, pytest.approx(15.0), 0, start=True)  # type: ignore[arg-type]  # pytest's approx
    assert plan.next_deadline == pytest.approx(75.0)


@pytest.mark.parametrize(
    ("now", "intended", "missed", "start"),
    [
        (137.0, 135.0, 0, True),
        (141.0, 135.0, 1, False),
        (257.0, 255.0, 2, True),
        (262.0, 255.0, 3, False),
    ],
)
def test_a_suspension_is_counted_and_not_made_up_for(now: float, intended: float, missed: int, start: bool) -> None:
    """The docstring's example: one slot at most is started, the rest are missed, and the next lies ahead."""
    plan, one = plan_due_at(135.0)
    due = plan.take(now)
    assert due == Due(one, pytest.approx(intended), missed, start)  # type: ignore[arg-type]  # pytest's approx
    assert plan.next_deadline == pytest.approx(intended + 60.0)
    assert plan.take(now) is None


def test_short_intervals_give_up_a_slot_after_half_of_it() -> None:
    """Five seconds of tolerance would be five slots of one second: half an interval is the limit then."""
    plan, _ = plan_due_at(0.25, interval=1.0)
    due = plan.take(0.8)
    assert due is not None
    assert (due.missed, due.start) == (1, False)


@given(st.floats(0.0, 1e6), st.floats(0.5, 600.0), st.floats(0.0, 1.0))
def test_every_slot_is_either_taken_or_missed(now: float, interval: float, start: float) -> None:
    """Whatever the pause: starts plus missed equals the slots whose deadline has passed."""
    plan, _ = plan_due_at(start * interval, interval)
    first = plan.next_deadline
    assert first is not None
    due = plan.take(now)
    passed = 0 if now < first else int((now - first) // interval) + 1
    following = plan.next_deadline
    assert following is not None
    assert following > now - 1e-6
    assert (0 if due is None else due.missed + due.start) == pytest.approx(passed, abs=1)
    assert following == first + (0 if due is None else due.missed + due.start) * interval


def test_assignments_take_turns_by_deadline_whatever_their_interval() -> None:
    """Two intervals side by side: the heap always gives the earlier deadline."""
    slow, quick = assignment("a", interval=10.0), assignment("b", interval=3.0)
    plan = Plan([slow, replace(quick)], now=0.0, epoch=0.0)
    intended: list[float] = []
    while len(intended) < 100:
        deadline = plan.next_deadline
        assert deadline is not None
        due = plan.take(deadline)
        assert due is not None
        intended.append(due.intended)
    assert intended == sorted(intended)


def test_another_plan_leaves_the_deadlines_of_those_that_stay() -> None:
    """To the bit, also where the wall clock was put right meanwhile; who comes or has another interval begins anew."""
    stays, slower = assignment("stays"), assignment("slower")
    plan = Plan([stays, slower, assignment("goes")], now=0.0, epoch=0.0)
    labelled = replace(stays, target=replace(stays.target, region="eu"))
    plan.replace([labelled, replace(slower, interval=120.0), assignment("comes")], now=7.0, epoch=7.3)
    taken: dict[str, Due] = {}
    while len(taken) < 3:
        due = plan.take(plan.next_deadline or 0.0)
        assert due is not None
        taken.setdefault(due.assignment.key, due)
    assert taken["imap4/stays"].intended == fraction("imap4/stays") * 60.0
    assert taken["imap4/stays"].assignment is labelled
    assert taken["imap4/slower"].intended == 7.0 + (fraction("imap4/slower") * 120.0 - 7.3) % 120.0
    assert taken["imap4/comes"].intended == 7.0 + (fraction("imap4/comes") * 60.0 - 7.3) % 60.0


@given(st.floats(0, 1e6), st.floats(0, 1e4), st.sampled_from((1.0, 30.0, 60.0, 3600.0)))
def test_the_slots_between_two_times_are_those_of_the_plan(since: float, seconds: float, interval: float) -> None:
    """Counted one by one, from the first after `since`."""
    expected, at = 0, first_slot("imap4/hq", interval, now=since, epoch=since)
    while at <= since + seconds:
        expected += at > since
        at += interval
    assert abs(slots("imap4/hq", interval, since, since + seconds) - expected) <= 1


def test_the_slots_of_the_example() -> None:
    """The docstring's own, whatever the name: the offset is that of the name."""
    offset = fraction("imap4/hq") * 60
    assert slots("imap4/hq", 60.0, offset + 595.0, offset + 720.0) == 3
    assert slots("imap4/hq", 60.0, offset + 600.0, offset + 600.0) == 0
    assert slots("imap4/hq", 60.0, offset + 700.0, offset + 600.0) == 0
