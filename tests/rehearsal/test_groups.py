"""What is taken down of the detector's states."""

from prober.detect.group import State
from prober.faults.taxonomy import Reason
from prober.rehearsal.groups import Group, Groups
from prober.vocabulary import Environment, Verdict
from tests.rehearsal.made import Scene, assignment

IMAP, BRITISH = assignment("imap4"), assignment("imap4", "lon1-1", "uk")
PHONE = assignment("activesync")
CONTROL = assignment("control", "control", "")


def test_a_region_that_fails_is_red_and_the_other_is_not() -> None:
    """The client as a whole is red with it."""
    scene = Scene().minutes(10, [IMAP, BRITISH, PHONE])
    for _ in range(60):
        scene.now += 6.0
        scene.finish(BRITISH, Verdict.FAILED, Reason.SERVER_ERROR)
        scene.finish(IMAP)
        scene.finish(PHONE)
    groups = scene.groups
    assert groups.failed_at(Group("imap4", "uk"), 600.0) is not None
    assert groups.failed_at(Group("imap4", "uk"), scene.now + 1) is None
    assert groups.failed_at(Group("imap4", "eu"), 0.0) is None
    assert groups.state(Group("imap4")) is State.FAILING
    assert groups.state(Group("activesync")) is State.LEARNING
    assert "imap4@here/uk" in groups.alarms
    assert Group("imap4", "uk") in list(groups)


def test_with_one_region_the_region_is_everything() -> None:
    """The detector has no cells then."""
    groups = Groups(lambda: 5.0)
    assert groups.state(Group("imap4", "eu")) is State.NO_DATA
    scene = Scene()
    groups = scene.groups
    scene.minutes(1, [PHONE])
    assert groups.history(Group("activesync", "mars")) == groups.history(Group("activesync"))


def test_the_control_raises_no_alarm_about_others() -> None:
    """Its state is known all the same, in its own environment."""
    scene = Scene()
    control = scene.detection.detector
    for _ in range(60):
        scene.now += 6.0
        scene.finish(CONTROL, Verdict.FAILED, Reason.DNS_FAILURE)
    assert scene.groups.alarms == ()
    assert scene.groups.state(Group("control", "", Environment.INDEPENDENT)) is State.FAILING
    assert any(group.firing for group in control.groups)
