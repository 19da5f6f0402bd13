"""Judging: each circumstance is kept, forgotten and restored as the verdicts need it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Fault, Kind, Reason
from prober.model import Assignment, Outcome
from prober.schedule.judging import Judging
from prober.schedule.records import Record, Records, Rest
from prober.verdict import WELL, Condition, Judgement
from prober.vocabulary import Domain, Verdict
from tests.schedule.made import NOON, Watch, assignment, outcome

REJECTED = Kind("imap_login_refused", Reason.AUTH_REJECTED)
UNAVAILABLE = Kind("imap_mailbox_unavailable", Reason.MAILBOX_UNAVAILABLE)
HOUR = 3600.0


class World:
    """One judging with everything about it set by hand."""

    def __init__(self, section: dict[str, str] | None = None) -> None:
        self.section = {} if section is None else section
        self.clock, self.wall = Watch(0.0), Watch()
        self.configuration = {"imap4/hq": "aa"}
        self.secret = "11"
        self.window = (0.0, 0.0)
        self.records = Records(self.section)
        self.judging = Judging(
            self.records,
            configuration=self.configuration,
            control_of={"hq": "way-out", "way-out": "way-out", "lab": "other-way"},
            control_interval=60.0,
            secret_mark=lambda _: self.secret,
            maintenance=self.maintenance,
            clock=self.clock,
            wall=self.wall,
        )

    def maintenance(self, target: str, *times: datetime) -> bool:
        return target == "hq" and any(self.window[0] <= when.timestamp() < self.window[1] for when in times)

    def after(self, seconds: float) -> None:
        self.clock.now += seconds
        self.wall.now += seconds

    def judge(self, kind: Kind | None = None, one: Assignment | None = None, condition: Condition = WELL) -> Judgement:
        one = one or assignment()
        return self.judging.judge(one, self.outcome(one, kind), condition)

    def outcome(self, one: Assignment, kind: Kind | None) -> Outcome:
        return outcome(one, kind, at=self.wall.now - 0.2)


CONTROL = replace(assignment("way-out", "control"), credential=None, credential_kind="")


def test_before_the_first_success_an_unavailable_mailbox_is_set_up_and_afterwards_a_failure() -> None:
    """The latch belongs to client and target, and stays shut behind the first success."""
    world = World()
    assert world.judge(UNAVAILABLE).verdict is Verdict.EXCLUDED
    assert world.judge().verdict is Verdict.OK
    assert world.judge(UNAVAILABLE).verdict is Verdict.FAILED
    assert world.judge(UNAVAILABLE, assignment(client="activesync")).verdict is Verdict.EXCLUDED
    world.after(400 * 24 * HOUR)
    assert world.judge(UNAVAILABLE).verdict is Verdict.FAILED


def test_the_latch_survives_a_restart() -> None:
    """A second process with the same section knows that it worked."""
    before = World()
    before.judge()
    assert World(before.section).judge(UNAVAILABLE).verdict is Verdict.FAILED


def test_an_established_target_needs_no_first_success() -> None:
    """The operator's word stands for it."""
    one = assignment()
    one = replace(one, target=replace(one.target, established=True))
    assert World().judge(UNAVAILABLE, one).verdict is Verdict.FAILED


@pytest.mark.parametrize(("age", "verdict"), [(23.9 * HOUR, Verdict.FAILED), (24.1 * HOUR, Verdict.EXCLUDED)])
def test_a_rejection_counts_only_within_a_day_of_a_success(age: float, verdict: Verdict) -> None:
    """Twenty-four hours by the wall clock, over restarts too."""
    before = World()
    before.judge()
    after = World(before.section)
    after.after(age)
    assert after.judge(REJECTED).verdict is verdict


def test_a_rejection_counts_where_the_credential_worked_with_the_protocol_at_another_target_today() -> None:
    """This one has failed for 30 hours; another mailbox was read with the same credential a minute ago."""
    before = World()
    before.judge()
    world = World(before.section)
    world.after(30 * HOUR)
    assert world.judge(REJECTED).verdict is Verdict.EXCLUDED
    world.judge(None, assignment("lab", "activesync"))
    world.judge(None, assignment("lab", credential="other"))
    assert world.judge(REJECTED).verdict is Verdict.EXCLUDED
    world.judge(None, assignment("lab"))
    assert world.judge(REJECTED).verdict is Verdict.FAILED
    assert world.judge(REJECTED, assignment("never")).verdict is Verdict.EXCLUDED
    world.secret = "22"
    assert world.judge(REJECTED).verdict is Verdict.EXCLUDED


def test_a_rejection_before_any_success_is_excluded() -> None:
    """Never worked: our own credential is the likelier cause."""
    assert World().judge(REJECTED).verdict is Verdict.EXCLUDED


def test_a_rejection_after_a_change_is_excluded_until_it_works_again() -> None:
    """A new configuration or secret takes the blame; a success with it ends that."""
    world = World()
    world.judge()
    world.configuration["imap4/hq"] = "bb"
    assert world.judge(REJECTED).verdict is Verdict.EXCLUDED
    world.judge()
    assert world.judge(REJECTED).verdict is Verdict.FAILED
    world.secret = "22"
    assert world.judge(REJECTED).verdict is Verdict.EXCLUDED
    world.secret = "11"
    assert world.judge(REJECTED).verdict is Verdict.FAILED


def test_a_rejection_counts_only_while_the_token_service_issues() -> None:
    """The last word of the token service decides, per credential."""
    world = World()
    world.judge()
    world.judging.requested("phone")
    world.judging.failed("phone", Reason.AUTH_REJECTED)
    assert world.judge(REJECTED).verdict is Verdict.EXCLUDED
    assert world.judge(REJECTED, assignment(credential="other")).verdict is Verdict.FAILED
    world.judging.issued("phone", NOON + HOUR)
    assert world.judge(REJECTED).verdict is Verdict.FAILED


@pytest.mark.parametrize(
    ("age", "verdict"), [(0, Verdict.INCONCLUSIVE), (120, Verdict.INCONCLUSIVE), (121, Verdict.FAILED)]
)
def test_a_network_fault_is_inconclusive_for_two_intervals_after_the_control_failed(
    age: float, verdict: Verdict
) -> None:
    """Sixty seconds of interval: for 120 s, whatever the control said in between."""
    world = World()
    assert world.judge(kinds.TCP_TIMEOUT, CONTROL).verdict is Verdict.FAILED
    world.after(age / 2)
    world.judge(None, CONTROL)
    world.after(age / 2)
    assert world.judge(kinds.TCP_REFUSED).verdict is verdict


def test_the_failure_of_a_control_that_took_long_is_held_against_the_vantage_for_longer() -> None:
    """Its next attempt ends so much later; until then nothing has shown that the way out is open."""
    world = World()
    slow = world.outcome(CONTROL, kinds.TCP_TIMEOUT)
    world.judging.judge(CONTROL, replace(slow, duration=90.0))
    world.after(205.0)
    assert world.judge(kinds.TCP_TIMEOUT).verdict is Verdict.INCONCLUSIVE
    world.after(10.0)
    assert world.judge(kinds.TCP_TIMEOUT).verdict is Verdict.FAILED


def test_the_control_excuses_only_those_who_take_its_way_out() -> None:
    """Another way out has its own control, and an answering server is never excused."""
    world = World()
    world.judge(kinds.TCP_TIMEOUT, CONTROL)
    assert world.judge(kinds.TCP_REFUSED, assignment("lab")).verdict is Verdict.FAILED
    assert world.judge(kinds.TCP_REFUSED, assignment("nowhere")).verdict is Verdict.FAILED
    assert world.judge(kinds.NO_ANSWER).verdict is Verdict.FAILED


def test_how_the_control_is_can_be_asked() -> None:
    """Of the same way out, within two of its intervals."""
    world = World()
    assert world.judging.control(assignment()) == "well"
    world.judge(kinds.NO_ANSWER, CONTROL)
    assert world.judging.control(assignment()) == "failed"
    assert world.judging.control(assignment("lab")) == "well"
    assert world.judging.control(assignment("nowhere")) == "none"
    world.after(121.0)
    assert world.judging.control(assignment()) == "well"


def test_the_control_does_not_excuse_itself() -> None:
    """Its own availability is that of the vantage: every failure of it counts."""
    world = World()
    assert [world.judge(kinds.TCP_TIMEOUT, CONTROL).verdict for _ in range(3)] == [Verdict.FAILED] * 3


def test_a_control_that_the_prober_itself_spoilt_has_not_failed() -> None:
    """A blocked loop during the control's attempt proves nothing about the network."""
    world = World()
    assert world.judge(kinds.TCP_TIMEOUT, CONTROL, Condition(kinds.LOOP_BLOCKED)).verdict is Verdict.INCONCLUSIVE
    assert world.judge(kinds.TCP_REFUSED).verdict is Verdict.FAILED


def test_a_control_in_a_hurry_is_no_witness() -> None:
    """Somebody who looked at it for a second found it slow: that excuses nobody."""
    world = World()
    hurried = world.judging.judge(CONTROL, outcome(CONTROL, kinds.TCP_TIMEOUT), witness=False)
    assert hurried.verdict is Verdict.FAILED
    assert world.judge(kinds.TCP_REFUSED).verdict is Verdict.FAILED


def test_sickness_and_objective_reach_the_rules() -> None:
    """A sick failure is inconclusive, a sick success is not timed, a slow one is slow."""
    world = World()
    assert world.judge(kinds.NO_ANSWER, condition=Condition(kinds.LOOP_BLOCKED)).verdict is Verdict.INCONCLUSIVE
    assert not world.judge(condition=Condition(kinds.CLOCK_WRONG)).timed
    assert world.judge(None, assignment(objective=0.1)).verdict is Verdict.SLOW


def test_an_attempt_that_touches_a_maintenance_window_is_excluded_whatever_came_of_it() -> None:
    """Started before and ended inside, or the other way round: excluded, success and failure alike."""
    world = World()
    world.window = (NOON, NOON + HOUR)
    for kind in (None, kinds.NO_ANSWER, kinds.TCP_REFUSED):
        judgement = world.judge(kind)
        assert (judgement.verdict, judgement.reason) == (Verdict.EXCLUDED, Reason.PROBE_INTERNAL)
        assert (judgement.code, judgement.domain, judgement.timed) == ("maintenance", Domain.PROBER, False)
    world.after(HOUR)
    assert world.judge(kinds.NO_ANSWER).verdict is Verdict.EXCLUDED
    world.after(1.0)
    assert world.judge(kinds.NO_ANSWER).verdict is Verdict.FAILED
    assert world.judge(kinds.NO_ANSWER, assignment("lab")).verdict is Verdict.FAILED


def test_a_control_that_the_prober_spoilt_does_not_let_an_earlier_failure_be_forgotten() -> None:
    """Nothing has shown meanwhile that the way out is open."""
    world = World()
    world.judge(kinds.TCP_TIMEOUT, CONTROL)
    for _ in range(3):
        world.after(60.0)
        world.judge(kinds.TCP_TIMEOUT, CONTROL, Condition(kinds.LOOP_BLOCKED))
    assert world.judge(kinds.TCP_TIMEOUT).verdict is Verdict.INCONCLUSIVE
    world.after(121.0)
    assert world.judge(kinds.TCP_TIMEOUT).verdict is Verdict.FAILED


def test_a_control_that_fails_inside_its_maintenance_window_has_failed_all_the_same() -> None:
    """It is excluded from the numbers, and no proof that the way out is open."""
    world = World()
    control = replace(CONTROL, target=replace(CONTROL.target, name="hq"))
    world.judging._control_of = {"lab": "hq"}
    world.window = (NOON - HOUR, NOON + HOUR)
    assert world.judge(kinds.TCP_TIMEOUT, control).verdict is Verdict.EXCLUDED
    assert world.judge(kinds.TCP_REFUSED, assignment("lab")).verdict is Verdict.INCONCLUSIVE


def test_the_loss_of_a_channel_is_judged_by_what_is_known_at_that_moment() -> None:
    """The control of its way out, a window of its target, the prober's own health."""
    world, lost = World(), Fault(kinds.PEER_RESET)
    assert world.judging.loss_counts(assignment(), lost, WELL)
    assert not world.judging.loss_counts(assignment(), lost, Condition(kinds.NO_DESCRIPTORS))
    world.judge(kinds.TCP_TIMEOUT, CONTROL)
    assert not world.judging.loss_counts(assignment(), lost, WELL)
    assert world.judging.loss_counts(assignment("lab"), lost, WELL)
    world.after(121.0)
    assert world.judging.loss_counts(assignment(), lost, WELL)
    world.window = (NOON, NOON + HOUR)
    assert not world.judging.loss_counts(assignment(), lost, WELL)


def test_a_success_inside_a_maintenance_window_is_still_a_success_to_remember() -> None:
    """Excluded from the numbers, but it did work: the latch is shut."""
    world = World()
    world.window = (NOON - HOUR, NOON + 1.0)
    world.judge()
    world.after(2.0)
    assert world.judge(UNAVAILABLE).verdict is Verdict.FAILED


def test_a_success_ends_a_rest() -> None:
    """Whatever held the assignment back has passed."""
    world = World()
    world.records.put("imap4/hq", Record(rest=Rest("http_429", NOON + HOUR)))
    world.judge()
    assert world.records.get("imap4/hq") == Record(NOON, world.judging.stamp(assignment()), None)


def test_a_wall_clock_set_back_makes_no_success_lie_in_the_future() -> None:
    """An age is never negative."""
    world = World()
    world.judge()
    world.wall.now -= 5 * HOUR
    assert world.judge(REJECTED).verdict is Verdict.FAILED
    assert datetime.fromtimestamp(world.wall.now, UTC).year == 2027


def test_a_failed_control_is_told_and_can_be_heard_of() -> None:
    """Where several processes judge, the control runs in one: the others take its word, and until when it holds."""
    here, there = World(), World()
    told: list[tuple[str, float]] = []
    here.judging.distrusted = lambda control, until: told.append((control, until))
    here.judge(kinds.TCP_REFUSED, replace(CONTROL, target=replace(CONTROL.target, name="way-out")))
    ((control, until),) = told
    there.judging.distrust(control, until)
    for world in (here, there):
        assert world.judge(kinds.TCP_REFUSED).verdict is Verdict.INCONCLUSIVE
        world.after(until + 1.0)
        assert world.judge(kinds.TCP_REFUSED).verdict is Verdict.FAILED
