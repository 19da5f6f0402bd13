"""Each rule of the drill's contract, with a recording that meets it and one that does not."""

import pytest

from prober.faults.taxonomy import Reason
from prober.rehearsal.expectation import (
    Expectation,
    Finding,
    clients_named,
    expectation,
    groups_named,
    judge,
    regions_named,
)
from prober.rehearsal.groups import Group
from prober.rehearsal.ledger import Touch
from prober.vocabulary import Verdict
from tests.rehearsal.made import Scene, assignment

IMAP, PHONE = assignment("imap4"), assignment("activesync")
BRITISH = assignment("imap4", "lon1-1", "uk")


def only(findings: tuple[Finding, ...]) -> Finding:
    (finding,) = findings
    return finding


def failing(*reasons: Reason) -> Scene:
    """Ten minutes of health, then ten of failures of IMAP, the reasons taking turns; the phone stays well."""
    scene = Scene().minutes(10, [IMAP, PHONE])
    for number in range(100):
        scene.now += 6.0
        scene.finish(IMAP, Verdict.FAILED, reasons[number % len(reasons)])
        scene.finish(PHONE)
    return scene


def test_red_holds_when_the_group_was_failing_during_the_incident() -> None:
    """And says after how many minutes of the scenario that was known: here all failed, and the phone did not."""
    finding = only(judge(Expectation(red=("imap4",)), failing(Reason.SERVER_BUSY).played(onset=600.0)))
    assert (finding.expected, finding.holds) == ("red imap4", True)
    assert finding.detected is not None
    assert 0.1 <= finding.detected <= 2.0
    assert finding.observed == f"failing after {finding.detected:.1f} min"


def test_red_does_not_hold_for_what_stayed_well() -> None:
    """What was observed instead is said."""
    finding = only(judge(Expectation(red=("activesync",)), failing(Reason.SERVER_BUSY).played(onset=600.0)))
    assert finding == Finding("red activesync", "learning: 100 ok", holds=False)


def test_a_group_that_nobody_heard_of_is_not_red() -> None:
    """No attempts, no alarm."""
    finding = only(judge(Expectation(red=("owa",)), Scene().played()))
    assert finding == Finding("red owa", "no data: no attempts", holds=False)


def test_red_before_the_onset_is_not_red_because_of_it() -> None:
    """An alarm in the healthy phase proves nothing about the incident."""
    scene = Scene().minutes(10, [IMAP], Verdict.FAILED, Reason.SERVER_BUSY)
    assert not only(judge(Expectation(red=("imap4",)), scene.played(onset=601.0))).holds


def test_red_in_a_region_is_that_regions_group() -> None:
    """The client elsewhere may be well."""
    scene = Scene().minutes(10, [IMAP, BRITISH]).minutes(10, [BRITISH], Verdict.FAILED, Reason.SERVER_ERROR)
    findings = judge(Expectation(red=("imap4@uk", "imap4@eu")), scene.played())
    assert [finding.holds for finding in findings] == [True, False]


def test_all_means_every_client_that_takes_part() -> None:
    """One finding for each, with its region where one is named; the control is never among them."""
    assert groups_named(["all"], ["imap4", "activesync"]) == (Group("imap4"), Group("activesync"))
    assert groups_named(["all@na"], ["imap4"]) == (Group("imap4", "na"),)
    assert groups_named(["imap4", "all"], ["imap4"]) == (Group("imap4"),)


def test_green_holds_when_the_group_never_failed() -> None:
    """At no time, the healthy phase included."""
    scene = failing(Reason.SERVER_BUSY)
    findings = judge(Expectation(green=("activesync", "imap4")), scene.played(onset=600.0))
    assert [(finding.expected, finding.holds) for finding in findings] == [
        ("green activesync", True),
        ("green imap4", False),
    ]
    assert "100 failed" in findings[1].observed
    early = Scene().minutes(10, [IMAP], Verdict.FAILED, Reason.SERVER_BUSY)
    assert not only(judge(Expectation(green=("imap4",)), early.played(onset=601.0))).holds


def test_green_of_a_client_that_is_not_there_holds() -> None:
    """It never turned red."""
    assert only(judge(Expectation(green=("owa",)), Scene().played())).holds


@pytest.mark.parametrize(
    ("classes", "holds"),
    [
        (("server_busy", "read_timeout"), True),
        (("server_busy", "read_timeout", "slow"), True),
        (("server_busy",), False),
        (("server_busy", "read_timeout", "tls_handshake"), False),
    ],
)
def test_every_listed_class_occurs_and_nearly_all_failures_are_listed(classes: tuple[str, ...], holds: bool) -> None:
    """`slow` need not occur: it is no failure."""
    scene = failing(Reason.SERVER_BUSY, Reason.READ_TIMEOUT)
    expected = Expectation(red=("imap4",), classes=frozenset(classes))
    finding = judge(expected, scene.played(onset=600.0))[1]
    assert finding.holds is holds
    assert finding.observed == "50 server_busy, 50 read_timeout"


@pytest.mark.parametrize(("others", "holds"), [(5, True), (6, False)])
def test_one_failure_in_twenty_may_be_of_another_class(others: int, holds: bool) -> None:
    """95 of 100 are enough, 94 are not."""
    reasons = [Reason.SERVER_BUSY] * (100 - others) + [Reason.PROTOCOL_VIOLATION] * others
    expected = Expectation(red=("imap4",), classes=frozenset({"server_busy"}))
    assert judge(expected, failing(*reasons).played(onset=600.0))[1].holds is holds


def test_classes_are_those_of_what_was_to_turn_red() -> None:
    """Another client's failures, other regions' and those before the onset are not looked at."""
    scene = failing(Reason.SERVER_BUSY).minutes(5, [PHONE], Verdict.FAILED, Reason.TLS_HANDSHAKE)
    expected = Expectation(red=("imap4@eu",), classes=frozenset({"server_busy"}))
    assert judge(expected, scene.played(onset=600.0))[1].observed == "100 server_busy"


def test_without_a_failure_no_class_holds() -> None:
    """Nothing seen is nothing proved, also where only `slow` is listed."""
    scene = Scene().minutes(5, [IMAP])
    expected = Expectation(red=("imap4",), classes=frozenset({"slow"}))
    assert judge(expected, scene.played())[1] == Finding("class slow", "none", holds=False)


def decoy(excluded: int, failed: int, *, touch: bool = True) -> Scene:
    """Attempts six seconds long, one a minute, each touched in its middle."""
    scene = Scene()
    for number in range(excluded + failed):
        verdict = Verdict.EXCLUDED if number < excluded else Verdict.FAILED
        scene.finish(IMAP, verdict, Reason.ACCESS_POLICY, after=60.0)
        if touch:
            scene.touches.append(Touch(scene.now - 3.0, "imap4", site="ams1"))
    return scene


EXCLUDED = Expectation(verdict="excluded", classes=frozenset({"access_policy"}))


def test_a_decoy_holds_when_nothing_is_red_and_the_verdict_is_the_expected_one() -> None:
    """For at least 95 % of the attempts that the fault has touched."""
    findings = judge(EXCLUDED, decoy(20, 0).played())
    assert [finding.holds for finding in findings] == [True, True, True]
    assert [finding.observed for finding in findings] == ["nothing red", "20 excluded", "20 access_policy"]


@pytest.mark.parametrize(("excluded", "failed", "holds"), [(19, 1, True), (18, 1, False), (0, 3, False)])
def test_one_attempt_in_twenty_may_have_another_verdict(excluded: int, failed: int, holds: bool) -> None:
    """19 of 20 are 95 %; 18 of 19 are not."""
    assert judge(EXCLUDED, decoy(excluded, failed).played())[1].holds is holds


def test_a_decoy_that_touched_nothing_proves_nothing() -> None:
    """Attempts that no fault has met do not count for it."""
    assert [finding.holds for finding in judge(EXCLUDED, decoy(20, 0, touch=False).played())] == [True, False, False]


def test_a_decoy_does_not_hold_when_anything_is_red() -> None:
    """Whichever client it is, the control aside."""
    scene = decoy(20, 0).minutes(10, [PHONE], Verdict.FAILED, Reason.SERVER_BUSY)
    finding = judge(EXCLUDED, scene.played())[0]
    assert finding == Finding("nothing red", "red: activesync, activesync@here/eu, everything, here/eu", holds=False)
    control = decoy(20, 0).minutes(10, [assignment("control", "control", "")], Verdict.FAILED, Reason.DNS_FAILURE)
    control.touches.append(Touch(control.now, "control"))
    assert all(finding.holds for finding in judge(EXCLUDED, control.played()))


def test_a_decoys_classes_are_those_of_the_touched_attempts() -> None:
    """Any of the listed ones will do: which it is depends on what the client asks first."""
    listed = Expectation(verdict="excluded", classes=frozenset({"access_policy", "client_misconfig"}))
    other = Expectation(verdict="excluded", classes=frozenset({"client_misconfig"}))
    assert judge(listed, decoy(20, 0).played())[2].holds
    assert not judge(other, decoy(20, 0).played())[2].holds


def test_recovery_holds_when_what_was_red_is_healthy_again() -> None:
    """Eleven calm minutes are enough, three attempts are not."""
    scene = failing(Reason.SERVER_BUSY)
    expected = Expectation(recovery=True)
    assert only(judge(expected, scene.played())) == Finding("recovery", "imap4 failing, imap4@eu failing", holds=False)
    for _ in range(3):
        scene.finish(IMAP, after=6.0)
    assert not only(judge(expected, scene.played())).holds
    scene.minutes(11, [IMAP, PHONE])
    assert only(judge(expected, scene.played())) == Finding("recovery", "all healthy", holds=True)


def test_the_section_is_read_as_it_is_written() -> None:
    """Missing keys expect nothing."""
    assert expectation({}, recovery=False) == Expectation()
    read = expectation({"red": ["owa@uk"], "green": ["all"], "class": ["slow"], "note": "x"}, recovery=True)
    assert read == Expectation(("owa@uk",), ("all",), frozenset({"slow"}), "", recovery=True)
    assert expectation({"verdict": "throttled"}, recovery=False).verdict == "throttled"


@pytest.mark.parametrize("wrong", [{"class": ["server_bussy"]}, {"verdict": "paged"}], ids=str)
def test_a_word_that_is_no_class_and_no_verdict_is_a_mistake(wrong: dict[str, object]) -> None:
    """It would never hold, and nobody would know why."""
    with pytest.raises(ValueError, match="neither a class nor a verdict"):
        expectation(wrong, recovery=False)


def test_clients_and_regions_are_taken_from_names() -> None:
    """`all` is no client."""
    names = ("owa@uk", "all@na", "imap4", "all")
    assert list(clients_named(names)) == ["owa", "imap4"]
    assert regions_named(names) == {"uk", "na"}
