"""What reaches the detector, as what, and what it sets in motion."""

from dataclasses import replace
from typing import Any

import pytest

from prober.clients import catalogue
from prober.detect.detector import Detector, Policy
from prober.detect.group import Group, GroupKind, State
from prober.detection import PIECES, Detection, PushNews, sources
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
        self.all = 0

    def show(self, groups: Any) -> None:
        self.groups += [group.name for group in groups if group.kind is GroupKind.CLIENT]

    def show_all(self, detector: Detector) -> None:
        self.all += 1


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
    assert world.shown.all == 2


def test_the_target_of_a_front_door_is_a_source_too() -> None:
    """Depth plays no part."""
    one: Assignment = assignment(depth=Depth.REACH, credential=None)
    assert list(sources([one], catalogue(), "fra1")) == ["imap4/hq"]
    made: Outcome = outcome(one)
    assert made.client == "imap4"
