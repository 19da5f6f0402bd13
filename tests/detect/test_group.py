"""The states of one group, and how it comes into them."""

import json

import pytest

from prober.detect.group import LEARNING, Group, GroupKind, Result, State, Transition
from prober.detect.mixture import ratios

HEALTHY = 0.001


def group(heard: list[Transition], days: float = 10.0) -> Group:
    """Return a group that pages at `days` of evidence, and at three times as many while it learns."""
    return Group(
        GroupKind.CLIENT,
        "exchange_online/imap4",
        interval=30.0,
        days=days,
        learning_days=3 * days,
        healthy=HEALTHY,
        hear=heard.append,
    )


def shown(one: Group) -> State:
    """Return the state of a group as it is now."""
    return one.state


def feed(one: Group, results: str, at: float) -> float:
    """Take in `.` for a success and `x` for a failure, every 30 seconds."""
    for result in results:
        failed = result == "x"
        one.update(Result(at, failed, 0.0, 0.0, HEALTHY, ratios(0.0, 0.0, HEALTHY, failed=failed)[1]))
        at += 30.0
    return at


def test_it_learns_then_is_healthy() -> None:
    """For two days a page takes the guaranteed evidence."""
    heard: list[Transition] = []
    one = group(heard)
    assert shown(one) is State.NO_DATA
    at = feed(one, "." * 10, 0.0)
    assert shown(one) is State.LEARNING
    assert one.threshold == 30.0
    feed(one, "...", LEARNING)
    assert shown(one) is State.HEALTHY
    assert one.threshold == 10.0
    assert at < LEARNING


def test_one_failure_is_a_suspicion_that_lapses() -> None:
    """After three minutes without another."""
    heard: list[Transition] = []
    one = group(heard, days=1000.0)
    at = feed(one, "....x", LEARNING * 2)
    assert shown(one) is State.SUSPECT
    feed(one, "." * 8, at)
    assert shown(one) is not State.SUSPECT


def test_failures_that_go_on_are_trouble_until_it_is_over() -> None:
    """Failing, recovering, healthy: each told once, with its time."""
    heard: list[Transition] = []
    one = group(heard)
    feed(one, ".", 0.0)
    at = feed(one, "." * 20, LEARNING + 1)
    began = at
    at = feed(one, "x..x.x", at)
    assert shown(one) is State.FAILING
    assert one.firing
    assert one.ratio >= 1.0
    assert one.evidence.change == began
    at = feed(one, "." * 200, at)
    assert shown(one) is State.HEALTHY
    assert not one.firing
    assert one.ratio < 0.01
    said = [(two.before, two.after) for two in heard]
    assert said[-3:] == [
        (State.SUSPECT, State.FAILING),
        (State.FAILING, State.RECOVERING),
        (State.RECOVERING, State.HEALTHY),
    ]


def test_a_relapse_while_recovering_is_failing_again() -> None:
    """Without having been well in between."""
    heard: list[Transition] = []
    one = group(heard)
    at = feed(one, "x" * 12, LEARNING)
    at = feed(one, "." * 5, at)
    assert shown(one) is State.RECOVERING
    feed(one, "x", at)
    assert shown(one) is State.FAILING
    assert State.HEALTHY not in [two.after for two in heard]


def test_a_healthy_group_takes_a_success_the_short_way() -> None:
    """With the same bits; in any other state it asks for the whole."""
    one, two = group([]), group([])
    success = ratios(0.0, 0.0, HEALTHY, failed=False)[1]
    assert not one.succeed(0.0, success)
    for each in (one, two):
        feed(each, ".", 0.0)
        feed(each, ".....", LEARNING)
    for index in range(20):
        at = LEARNING + 150.0 + 30.0 * index
        assert one.succeed(at, success)
        two.update(Result(at, False, 0.0, 0.0, HEALTHY, success))
    assert one.dump() == two.dump()
    feed(one, "x", at + 30.0)
    assert not one.succeed(at + 60.0, success)


def test_silence_is_neither_well_nor_ill() -> None:
    """Ten minutes without an attempt: no data, and the trouble found is not forgotten."""
    heard: list[Transition] = []
    one = group(heard)
    one.tick(0.0)
    assert shown(one) is State.NO_DATA
    at = feed(one, "x" * 12, LEARNING)
    one.tick(at + 300.0)
    assert shown(one) is State.FAILING
    one.tick(at + 601.0)
    assert shown(one) is State.NO_DATA
    assert one.firing
    feed(one, "x", at + 700.0)
    assert shown(one) is State.FAILING


def test_it_survives_a_restart_bit_by_bit() -> None:
    """In the middle of a trouble."""
    one, two = group([]), group([])
    at = feed(one, "x" * 12 + "...", LEARNING)
    two.load(json.loads(json.dumps(one.dump())))
    feed(one, "..x", at)
    feed(two, "..x", at)
    assert two.dump() == one.dump()
    assert two.state is one.state
    wrongs: tuple[list[object], ...] = (
        [],
        [None, True, [0.0, 0.02], 0.1, "evidence", None, None, 0],
        [None, 1, [0.0, 0.02], 0.1, [], None, None, 0],
        [None, True, "x", 0.1, [], None, None, 0],
        [None, True, [0.0, 0.02], 0.9, one.evidence.dump(), None, None, 0],
        [None, True, [0.0, 0.02], 0.1, one.evidence.dump(), None, None, 17],
    )
    for wrong in wrongs:
        with pytest.raises((ValueError, TypeError)):
            two.load(wrong)
