"""The states of one group, and how it comes into them."""

import json

import pytest

from prober.detect.group import LEARNING, Group, GroupKind, Groups, Result, State, Transition, Watched
from prober.detect.mixture import Six, ratios

HEALTHY = 0.001
SUCCESS = ratios(0.0, 0.0, HEALTHY, failed=False)[1]


class Alone:
    """The only group of its kind: it pages at `days` of evidence, and at three times as many while it learns."""

    def __init__(self, heard: list[Transition], days: float = 10.0) -> None:
        watched = Watched(GroupKind.CLIENT, "exchange_online/imap4", 30.0, days, 3 * days)
        self.groups = Groups([watched], healthy=HEALTHY, hear=heard.append)

    @property
    def seen(self) -> Group:
        return self.groups[0]

    @property
    def state(self) -> State:
        return self.seen.state

    def succeed(self, at: float, ratio: Six) -> bool:
        """Take in a success at a glance, if that is enough."""
        return not self.groups.succeed([0], at, ratio)

    def update(self, result: Result) -> None:
        self.groups.update(0, result)

    def tick(self, now: float) -> None:
        self.groups.tick(now, [0])

    def dump(self) -> list[object]:
        return self.groups.dump(0)

    def load(self, state: list[object]) -> None:
        self.groups.load(0, state)


def group(heard: list[Transition], days: float = 10.0) -> Alone:
    """Return a group by itself."""
    return Alone(heard, days)


def shown(one: Alone) -> State:
    """Return the state of a group as it is now."""
    return one.state


def feed(one: Alone, results: str, at: float) -> float:
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
    assert one.seen.threshold == 30.0
    feed(one, "...", LEARNING)
    assert shown(one) is State.HEALTHY
    assert one.seen.threshold == 10.0
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
    assert one.seen.firing
    assert one.seen.ratio >= 1.0
    assert one.seen.evidence.change == began
    at = feed(one, "." * 200, at)
    assert shown(one) is State.HEALTHY
    assert not one.seen.firing
    assert one.seen.ratio < 0.01
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
    assert not one.succeed(0.0, SUCCESS)
    for each in (one, two):
        feed(each, ".", 0.0)
        feed(each, ".....", LEARNING)
    for index in range(20):
        at = LEARNING + 150.0 + 30.0 * index
        assert one.succeed(at, SUCCESS)
        two.update(Result(at, False, 0.0, 0.0, HEALTHY, SUCCESS))
    assert one.dump() == two.dump()
    feed(one, "x", at + 30.0)
    assert not one.succeed(at + 60.0, SUCCESS)


def test_a_healthy_group_is_looked_at_closely_where_it_has_to_be() -> None:
    """While a suspicion has not lapsed, and where the healthy rate leaves out some of the grid."""
    one = group([], days=1e6)
    at = feed(one, "...", LEARNING)
    at = feed(one, "." * 3, at + LEARNING)
    assert one.succeed(at, SUCCESS)
    one.update(Result(at, True, 0.9, 0.98, HEALTHY, ratios(0.9, 0.98, HEALTHY, failed=True)[1]))
    assert one.state is State.HEALTHY  # a blip explains it, and yet it may be where a trouble began
    assert one.seen.evidence.change == at
    assert not one.succeed(at + 30.0, SUCCESS)
    at = feed(one, "." * 600, at + 30.0)
    assert one.succeed(at, SUCCESS)
    one.groups.believe(0, 0.015)
    assert not one.succeed(at + 30.0, SUCCESS)
    feed(one, ".", at + 30.0)
    assert one.seen.days == one.seen.evidence.days(0.015) != one.seen.evidence.days(HEALTHY)
    one.groups.believe(0, HEALTHY)
    assert one.succeed(at + 60.0, SUCCESS)


def test_a_group_that_learns_takes_a_success_the_short_way() -> None:
    """With the same bits and states, before and after a suspicion, until it is well and not a second longer."""
    heard: list[Transition] = []
    told: list[Transition] = []
    one, two, short = group(heard, days=1e6), group(told, days=1e6), []
    for index in range(int(LEARNING / 30.0) + 10):
        at, failed = 30.0 * index, index in (50, 51)
        result = Result(at, failed, 0.0, 0.0, HEALTHY, ratios(0.0, 0.0, HEALTHY, failed=failed)[1])
        two.update(result)
        if failed or not one.succeed(at, SUCCESS):
            one.update(result)
        else:
            short.append(index)
        assert one.state is two.state
    assert one.dump() == two.dump()
    assert [(each.before, each.after, each.at) for each in heard] == [
        (each.before, each.after, each.at) for each in told
    ]
    assert heard[-1].after is State.HEALTHY
    assert heard[-1].at == LEARNING
    lapsed, well = short[49], int(LEARNING / 30.0)
    assert 52 < lapsed < well
    assert short == [*range(1, 50), *range(lapsed, well), *range(well + 2, well + 10)]


def test_a_clock_set_back_into_a_suspicion_makes_it_one_again() -> None:
    """Of a group that learns: it is looked at closely then, although its trouble has lapsed."""
    one, two = group([], days=1e6), group([], days=1e6)
    for each in (one, two):
        feed(each, "." * 5 + "x" + "." * 600, 0.0)
    assert one.succeed(30.0 * 606, SUCCESS)
    two.update(Result(30.0 * 606, False, 0.0, 0.0, HEALTHY, SUCCESS))
    assert one.state is two.state is State.LEARNING
    assert not one.succeed(200.0, SUCCESS)
    for each in (one, two):
        each.update(Result(200.0, False, 0.0, 0.0, HEALTHY, SUCCESS))
        assert each.state is State.SUSPECT
    assert one.dump() == two.dump()


def test_mailboxes_are_weighed_at_a_glance_too() -> None:
    """With the same bits as one by one."""
    watched = Watched(GroupKind.CLIENT, "exchange_online/imap4", 30.0, 10.0, 30.0, (60.0, 60.0))
    one, two = (Groups([watched], healthy=HEALTHY, hear=lambda _: None, learning=0.0) for _ in range(2))
    for count in range(50):
        result = Result(30.0 * count, count == 4, 0.0, 0.0, HEALTHY, ratios(0.0, 0.0, HEALTHY, failed=count == 4)[1])
        two.update(0, result, count % 2)
        if result.failed or one.succeed([0], result.at, result.ratio, one.parted([0]), count % 2):
            one.update(0, result, count % 2)
        assert one.dump(0) == two.dump(0)
        assert one.days(0) == two.days(0)


def test_a_look_is_at_a_group_and_not_a_group() -> None:
    """Two looks at the same are equal, whoever took them."""
    watched = [Watched(GroupKind.CLIENT, name, 30.0, 10.0, 30.0) for name in ("a", "b")]
    groups = Groups(watched, healthy=HEALTHY, hear=lambda _: None)
    assert groups[0] == groups[0] != groups[1]
    assert len({groups[0], groups[0], *groups}) == len(groups) == 2
    assert [one.name for one in groups] == ["a", "b"]


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
    assert one.seen.firing
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
        [None, True, [0.0, 0.02], 0.9, one.seen.evidence.dump(), None, None, 0],
        [None, True, [0.0, 0.02], 0.1, one.seen.evidence.dump(), None, None, 17],
    )
    for wrong in wrongs:
        with pytest.raises((ValueError, TypeError)):
            two.load(wrong)
