"""What reaches the detector, as what, and what it sets in motion."""

from dataclasses import replace
from typing import Any

import pytest

from prober.clients import catalogue
from prober.detect.detector import Detector, Policy
from prober.detect.group import Group, GroupKind, Label, State
from prober.detection import PIECES, TOGETHER, TROUBLE, Detection, PushNews, sources
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind, Reason
from prober.model import Assignment, Outcome, PushSettings
from prober.verdict import Judgement
from prober.vocabulary import Depth, Environment, Verdict
from tests.schedule.made import NOON, Told, Watch, assignment, outcome

BUSY = Kind("imap_busy", Reason.SERVER_BUSY)
ONE = assignment(push=PushSettings(hold=480.0))
GROUP = "exchange_server/imap4"


class Shown:
    """Remembers which groups were shown."""

    def __init__(self) -> None:
        self.groups: list[str] = []
        self.whole: list[Label] = []
        self.states: list[State] = []
        self.all = self.rests = 0

    def show(self, groups: Any) -> None:
        self.groups += [group.name for group in groups if group.kind is GroupKind.CLIENT]

    def show_all(self, detector: Detector) -> None:
        self.all += 1

    def show_whole(self, groups: Any) -> None:
        self.whole += [group.label for group in groups]
        self.states += [group.state for group in groups]

    def show_rest(self, detector: Detector) -> None:
        self.rests += 1


class World:
    """A detection with a clock set by hand, that remembers what may be looked at again."""

    def __init__(self, section: dict[str, str] | None = None, *others: Assignment) -> None:
        self.wall = Watch()
        self.shown = Shown()
        self.again: list[str] = []
        self.section: dict[str, str] = {} if section is None else section
        self.detection = Detection(
            sources([ONE, *others], catalogue(), "fra1"),
            Policy(),
            self.section,
            self.shown,
            wall=self.wall,
            again=lambda one: self.again.append(one.key),
        )

    def attempt(self, verdict: Verdict, kind: Kind | None = None, *, second: bool = False) -> None:
        take = self.detection.second_look if second else self.detection
        take(ONE, outcome(ONE, kind, at=self.wall.now), Judgement(verdict, kind.reason if kind else None))
        self.wall.now += 60.0

    def group(self, kind: GroupKind = GroupKind.CLIENT) -> Group:
        return self.detection.detector.group(kind, GROUP)


def test_a_configuration_becomes_sources() -> None:
    """Region, declared families and a held push channel included."""
    target = replace(ONE.target, region="eu", family="database7")
    found = sources([replace(ONE, target=target), assignment("lab", "outlook_mobile")], catalogue(), "fra1")
    mine = found["imap4/hq"]
    assert (mine.environment, mine.location, mine.families) == (Environment.EXCHANGE_SERVER, "fra1/eu", ("database7",))
    assert (mine.interval, mine.hold) == (60.0, 480.0)
    assert (found["outlook_mobile/lab"].families, found["outlook_mobile/lab"].hold) == (("outlook_service",), 0.0)


@pytest.mark.parametrize(
    ("verdict", "heard"),
    [
        (Verdict.OK, True),
        (Verdict.SLOW, True),
        (Verdict.FAILED, True),
        (Verdict.THROTTLED, True),
        (Verdict.EXCLUDED, False),
        (Verdict.INCONCLUSIVE, False),
        (Verdict.RETIRED, False),
    ],
)
def test_what_does_not_count_is_no_evidence(verdict: Verdict, heard: bool) -> None:
    """Neither shown nor looked at again."""
    world = World()
    world.attempt(verdict, kinds.NO_ANSWER if verdict is Verdict.FAILED else None)
    assert bool(world.shown.groups) == bool(world.again) == heard
    failed = verdict is Verdict.FAILED
    assert (world.group().evidence.change > 0) == failed


def test_slow_is_no_failure_and_throttled_is_neither() -> None:
    """Ten of each leave the client's group at rest."""
    world = World()
    for _ in range(10):
        world.attempt(Verdict.SLOW)
        world.attempt(Verdict.THROTTLED, BUSY)
    assert not world.group().firing
    assert world.group(GroupKind.THROTTLED).firing


def test_an_outage_is_found_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    """With the group's name, and in a sentence what was seen, what is healthy and since when."""
    caplog.set_level("INFO")
    world = World()
    for _ in range(12):
        world.attempt(Verdict.FAILED, kinds.NO_ANSWER, second=True)
    assert world.group().state is State.FAILING
    said = [record.getMessage() for record in caplog.records]
    assert "client exchange_server/imap4: failing" in said
    assert any(one.startswith("imap4 in exchange_server: ") and "attempts failed since" in one for one in said)


def test_a_push_session_counts_by_its_holds() -> None:
    """Four hours of holds that went well, and then one loss after the other."""
    world = World()
    world.detection.push_session(ONE, 4 * 3600.0)
    push = world.group(GroupKind.PUSH)
    assert not push.firing
    for _ in range(8):
        world.wall.now += 30.0
        world.detection.push_disconnect(ONE, Reason.PUSH_CHANNEL_LOST)
    assert push.firing
    assert not world.group().firing


@pytest.mark.parametrize("reason", [Reason.THROTTLED, Reason.AUTH_REJECTED, Reason.PROBE_INTERNAL])
def test_a_channel_that_we_are_to_blame_for_is_no_evidence(reason: Reason) -> None:
    """A server that wants quiet, a password that was changed, a bug: counted, and never a page."""
    world = World()
    world.detection.push_session(ONE, 4 * 3600.0)
    for _ in range(20):
        world.wall.now += 30.0
        world.detection.push_disconnect(ONE, reason)
    assert not world.group(GroupKind.PUSH).firing


def test_news_of_pushes_reach_both() -> None:
    """The metrics hear everything, the detector what it cares for."""
    world, told = World(), Told()
    news = PushNews(told, world.detection)
    news.push_session(ONE, 960.0)
    news.push_disconnect(ONE, Reason.PUSH_CHANNEL_LOST)
    news.held_back(ONE)
    news.crashed(ONE)
    news.notification_latency(ONE, 1.5)
    news.marker_failed(ONE)
    assert [event[0] for event in told.events] == [
        *("session", "disconnect", "held back", "crashed", "latency", "marker failed")
    ]
    failures, holds = world.group(GroupKind.PUSH).evidence.since_change
    assert (failures, holds) == (1, 1)


def test_it_remembers_over_a_restart() -> None:
    """And shows it at once."""
    world = World()
    for _ in range(12):
        world.attempt(Verdict.FAILED, kinds.NO_ANSWER)
    world.detection.save()
    again = World(world.section)
    assert again.group().firing
    assert again.shown.all == 1


def test_what_is_saved_was_true_at_one_moment() -> None:
    """Attempts go on while it is written, a piece at a time; nothing of it is there before the last is ready."""
    mailboxes = [assignment(f"box{number}") for number in range(3 * PIECES)]
    world, other = World(None, *mailboxes), World(None, *mailboxes)
    for one in (world, other):
        for _ in range(8):
            one.attempt(Verdict.FAILED, kinds.NO_ANSWER)
    other.detection.save()
    turns = 0
    for _ in world.detection.saving():
        turns += 1
        assert world.section == {}
        world.attempt(Verdict.OK)
        world.attempt(Verdict.FAILED, kinds.NO_ANSWER)
    assert turns >= 3
    assert world.section == other.section
    world.detection.save()
    assert world.section != other.section


def test_time_alone_is_noticed() -> None:
    """Nothing for an hour: no data."""
    world = World()
    world.attempt(Verdict.OK)
    world.wall.now = NOON + 3600.0
    world.detection.tick()
    assert world.group().state is State.NO_DATA
    assert world.shown.whole == [group.label for group in world.detection.detector.groups]
    assert (world.shown.all, world.shown.rests) == (1, 1)


def many() -> World:
    """Return a world of so many groups that time passes for them in several turns of the loop."""
    targets = [replace(ONE.target, name=f"box{number}", region=f"r{number}") for number in range(TOGETHER)]
    return World(None, *(replace(ONE, target=target) for target in targets))


def test_time_passes_for_a_few_groups_at_a_time() -> None:
    """Attempts go on in between; whoever is shown has been noticed in the same turn, and the whole comes last."""
    world = many()
    every = [group.label for group in world.detection.detector.groups]
    world.attempt(Verdict.OK)
    world.wall.now = NOON + 3600.0
    shown = 0
    for turn in world.detection.ticking():
        assert turn is None
        assert len(world.shown.whole) - shown <= TOGETHER
        assert (shown := len(world.shown.whole)) <= len(every)
        assert world.shown.rests == 0
        world.attempt(Verdict.OK)
        assert world.group().state is State.LEARNING
    assert world.shown.whole == every
    assert world.shown.rests == 1
    assert world.shown.states[0] is State.NO_DATA
    assert world.detection.detector.last_update == world.wall.now


def test_time_passes_for_few_groups_at_a_time_where_these_are_in_trouble() -> None:
    """To show one of them takes as long as to show many that are well; nobody is left out, nobody comes twice."""
    world = World(None, *(assignment(f"box{number}", client) for number, client in enumerate(catalogue())))
    well = list(world.detection.detector.turns(TOGETHER, TROUBLE))
    assert well == [range(world.detection.detector.size)]
    world.attempt(Verdict.FAILED, kinds.NO_ANSWER)
    turns = list(world.detection.detector.turns(TROUBLE, TROUBLE))
    rows = [row for turn in turns for row in turn]
    assert rows == list(range(world.detection.detector.size))
    troubled = [row for row, group in enumerate(world.detection.detector.groups) if group.change]
    assert troubled
    assert {turn[-1] for turn in turns if turn} >= set(troubled)


def test_time_passes_no_more_for_groups_that_were_replaced() -> None:
    """Their successors were shown whole; whoever was shown after them would come back for ever."""
    world = many()
    turns = world.detection.ticking()
    next(turns)
    shown, known = len(world.shown.whole), sources([ONE], catalogue(), "fra1")
    renewed = world.detection.prepared(known, Policy())
    assert renewed is not None
    world.detection.replace(renewed, known)
    assert list(turns) == []
    assert (len(world.shown.whole), world.shown.rests) == (shown, 0)


def test_a_success_that_changes_nothing_but_evidence_is_not_shown() -> None:
    """The first one brings a group to life, and a failure makes it suspect; and so does what lies in between."""
    world = World()
    for verdict, shown in ((Verdict.OK, True), (Verdict.OK, False), (Verdict.FAILED, True), (Verdict.OK, True)):
        before = len(world.shown.groups)
        world.attempt(verdict, kinds.NO_ANSWER if verdict is Verdict.FAILED else None)
        assert (len(world.shown.groups) > before) == shown


def test_the_target_of_a_front_door_is_a_source_too() -> None:
    """Depth plays no part."""
    one: Assignment = assignment(depth=Depth.REACH, credential=None)
    assert list(sources([one], catalogue(), "fra1")) == ["imap4/hq"]
    made: Outcome = outcome(one)
    assert made.client == "imap4"
