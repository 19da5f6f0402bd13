"""The plain rule on made streams: what it must see, what it must not, and how it calms down."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from prober.faults import taxonomy as kinds
from prober.model import Assignment, Outcome, Target
from prober.rehearsal.ratio import Change, Group, Ratios, Rule, State, groups
from prober.verdict import Judgement
from prober.vocabulary import Depth, Environment, Verdict
from tests.schedule import made

ONLINE = Environment.EXCHANGE_ONLINE
Draw = Callable[[float], Verdict]


def assignment(client: str = "imap4", region: str = "eu", environment: Environment = ONLINE) -> Assignment:
    return Assignment(client, Target(f"{region}-1", environment, region=region), Depth.MAILBOX, 60.0, 60.0)


def finished(one: Assignment, verdict: Verdict) -> tuple[Assignment, Outcome, Judgement]:
    kind = kinds.PEER_RESET if verdict is Verdict.FAILED else None
    return one, made.outcome(one, kind), Judgement(verdict)


class Stream:
    """Eight mailboxes probed every minute, in one group."""

    def __init__(self, rule: Rule | None = None) -> None:
        self.now = 0.0
        self.ratios = Ratios(lambda: self.now, rule)

    def play(self, minutes: float, draw: Draw, one: Assignment | None = None) -> "Stream":
        for _ in range(round(minutes * 8)):
            self.now += 7.5
            self.ratios(*finished(one or assignment(), draw(self.now)))
        return self

    def state(self) -> State:
        return self.ratios.state(Group("imap4"))


def well(_: float) -> Verdict:
    return Verdict.OK


def broken(_: float) -> Verdict:
    return Verdict.FAILED


def losing(share: float, seed: int) -> Draw:
    source = random.Random(seed)
    return lambda _: Verdict.FAILED if source.random() < share else Verdict.OK


def alarms(share: float, draws: int, minutes: float = 30) -> int:
    """In how many of so many draws a group that loses `share` of its attempts is called failing."""
    streams = (Stream().play(10, well).play(minutes, losing(share, seed)) for seed in range(draws))
    return sum(stream.ratios.failed_at(Group("imap4"), 0.0) is not None for stream in streams)


@pytest.mark.parametrize("share", [0.10, 0.18])
def test_intermittent_loss_is_seen(share: float) -> None:
    """A tenth of the attempts is enough: failing within half an hour, whatever the draws."""
    assert alarms(share, 40) == 40


def test_loss_of_a_few_percent_is_mostly_seen() -> None:
    """Three percent is at the limit of a plain ratio over half an hour: most draws show it, not all; five is not."""
    assert alarms(0.03, 60) >= 45
    assert alarms(0.05, 60) >= 57


def test_weather_is_not_an_incident() -> None:
    """Three failures in a thousand attempts, for a hundred times two hours: at most one alarm."""
    alarms = sum(
        Stream().play(120, losing(0.003, seed)).ratios.failed_at(Group("imap4"), 0.0) is not None for seed in range(100)
    )
    assert alarms <= 1


def test_a_single_bad_moment_is_not_an_incident() -> None:
    """Everything fails for two minutes, sixteen attempts in all: suspect, never failing, healthy in the end."""
    stream = Stream().play(10, well).play(2, broken)
    assert stream.state() is State.SUSPECT
    stream.play(31, well)
    assert stream.ratios.failed_at(Group("imap4"), 0.0) is None
    assert stream.state() is State.HEALTHY


def test_a_suspicion_lapses_when_nothing_more_comes_of_it() -> None:
    """Though its failures are still within the window: two more of them count together with the first two."""
    stream = Stream().play(3, well).play(2 / 8, broken).play(9, well)
    assert stream.state() is State.SUSPECT
    stream.play(2, well)
    assert stream.state() is State.HEALTHY
    for _ in range(3):
        stream.play(1 / 8, broken).play(1, well)
    assert stream.state() is State.FAILING


def test_everything_failing_is_seen_as_soon_as_there_is_enough_of_it() -> None:
    """Twenty attempts and four different minutes: within four minutes of a cold start."""
    stream = Stream().play(4, broken)
    assert stream.state() is State.FAILING
    assert stream.ratios.failed_at(Group("imap4"), 0.0) == pytest.approx(180.0, abs=8)


def test_a_lone_failure_is_nothing_and_two_are_a_suspicion() -> None:
    """One of 20 is 5 %, and still one."""
    stream = Stream().play(2, well)
    stream.play(1 / 8, broken)
    assert stream.state() is State.HEALTHY
    stream.play(1 / 8, broken)
    assert stream.state() is State.SUSPECT


def test_recovery_goes_by_way_of_recovering() -> None:
    """Five calm minutes make a failing group recovering, ten make it healthy, and what was before is forgotten."""
    stream = Stream().play(20, losing(0.3, 1))
    ended = stream.now
    stream.play(15, well)
    tail = stream.ratios.history(Group("imap4"))[-2:]
    assert [change.state for change in tail] == [State.RECOVERING, State.HEALTHY]
    assert tail[0].at - ended < 301
    assert tail[1].at - ended < 601
    stream.play(1 / 8, broken)
    assert stream.state() is State.HEALTHY


def test_a_relapse_is_failing_again() -> None:
    """While it recovers, two failures in five minutes are enough."""
    stream = Stream().play(20, losing(0.3, 1)).play(6, well)
    assert stream.state() is State.RECOVERING
    stream.play(1 / 4, broken)
    assert stream.state() is State.FAILING


def test_the_first_alarm_is_looked_for_from_a_given_moment() -> None:
    """An alarm before the incident is not one of it."""
    stream = Stream().play(5, broken)
    first = stream.ratios.failed_at(Group("imap4"), 0.0)
    assert first is not None
    assert stream.ratios.failed_at(Group("imap4"), first + 1) is None


def test_too_few_attempts_prove_nothing() -> None:
    """Nineteen attempts, all failed, over an hour: suspect."""
    stream = Stream()
    for _ in range(19):
        stream.now += 90
        stream.ratios(*finished(assignment(), Verdict.FAILED))
    assert stream.state() is State.SUSPECT


@pytest.mark.parametrize(
    "verdict", [Verdict.THROTTLED, Verdict.EXCLUDED, Verdict.INCONCLUSIVE, Verdict.RETIRED], ids=str
)
def test_what_does_not_count_does_not_count_here(verdict: Verdict) -> None:
    """Neither as failure nor in the denominator."""
    stream = Stream().play(60, lambda _: verdict)
    assert stream.state() is State.HEALTHY
    stream.play(4, broken)
    assert stream.state() is State.FAILING


def test_slow_is_counted_apart() -> None:
    """Slow attempts count as successes; how many there were is kept."""
    stream = Stream().play(30, lambda _: Verdict.SLOW)
    assert stream.state() is State.HEALTHY
    assert stream.ratios.slow(Group("imap4")) == 240
    assert stream.ratios.slow(Group("owa")) == 0


def test_regions_are_groups_of_their_own() -> None:
    """One region fails: it is red, its client everywhere too, the other region is not."""
    stream = Stream()
    for _ in range(10):
        stream.play(1, broken, assignment(region="uk"))
        stream.play(1, well, assignment(region="eu"))
    states = [stream.ratios.state(Group("imap4", region)) for region in ("uk", "eu", "")]
    assert states == [State.FAILING, State.HEALTHY, State.FAILING]


def test_environments_never_mix() -> None:
    """A server of one's own that fails leaves the cloud's group alone."""
    stream = Stream().play(10, broken, assignment(environment=Environment.EXCHANGE_SERVER))
    assert stream.state() is State.HEALTHY
    assert stream.ratios.state(Group("imap4", "", Environment.EXCHANGE_SERVER)) is State.FAILING


def test_an_assignment_belongs_to_its_client_and_to_its_region() -> None:
    """Without a region, to its client alone."""
    assert groups(assignment()) == (Group("imap4"), Group("imap4", "eu"))
    assert groups(replace(assignment(), target=Target("hq", ONLINE))) == (Group("imap4"),)
    assert [str(group) for group in groups(assignment())] == ["imap4", "imap4@eu"]


def test_what_was_never_heard_of_is_healthy_and_not_listed() -> None:
    """Groups are known from their first attempt on, in order."""
    stream = Stream().play(1, well)
    assert stream.ratios.state(Group("owa")) is State.HEALTHY
    assert stream.ratios.history(Group("owa")) == ()
    assert list(stream.ratios) == [Group("imap4"), Group("imap4", "eu")]
    stream.play(4, broken)
    assert stream.ratios.history(Group("imap4"))[-1] == Change(240.0, State.FAILING)
