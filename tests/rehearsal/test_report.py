"""What is printed of a drill, and what its exit code says."""

import json

from prober.rehearsal.expectation import Finding
from prober.rehearsal.report import STYLES, Result, as_json, exit_code, text

RED = Finding("red imap4", "failing after 6.2 min", holds=True, detected=6.2)
GREEN = Finding("green activesync", "failing after 9.0 min, failing: 3 failed", holds=False)
HELD = Result("S03", "EX1215307", (RED,), minutes=60, seconds=64.4, attempts=900)
BROKEN = Result("S03", "EX1215307", (RED, GREEN), minutes=60, seconds=64.4, attempts=900)
UNPLAYED = Result("S06", missing=("m365_signin",))


def test_expected_and_observed_stand_side_by_side() -> None:
    """A line per expectation, marked where it did not hold; then the sum of it."""
    assert text(BROKEN).splitlines() == [
        "S03  EX1215307",
        "       expected          observed",
        "  ok   red imap4         failing after 6.2 min",
        "  NOT  green activesync  failing after 9.0 min, failing: 3 failed",
        "  did not hold: detected after 6.2 min; 60 min played in 64 s, 900 attempts",
    ]
    assert text(HELD).splitlines()[-1].startswith("  held: ")


def test_what_cannot_be_played_says_which_client_is_missing() -> None:
    """And nothing else."""
    assert text(UNPLAYED) == "S06\n  not yet drillable: no client m365_signin\n"


def test_trouble_of_the_drill_itself_is_told_and_holds_nothing() -> None:
    """However well the expectations look."""
    troubled = Result("S03", "", (RED,), trouble="2 attempts crashed")
    assert "trouble: 2 attempts crashed" in text(troubled)
    assert not troubled.holds


def test_json_is_one_object_per_line() -> None:
    """With everything that the text has."""
    line = as_json(BROKEN)
    assert "\n" not in line
    assert json.loads(line) == {
        "id": "S03",
        "title": "EX1215307",
        "played": True,
        "missing_clients": [],
        "holds": False,
        "detected_minutes": 6.2,
        "expectations": [
            {"expected": "red imap4", "observed": "failing after 6.2 min", "holds": True, "detected_minutes": 6.2},
            {"expected": "green activesync", "observed": GREEN.observed, "holds": False, "detected_minutes": None},
        ],
        "played_minutes": 60,
        "duration_seconds": 64.4,
        "attempts": 900,
        "trouble": None,
    }
    unplayed = json.loads(as_json(UNPLAYED))
    assert (unplayed["played"], unplayed["holds"], unplayed["missing_clients"]) == (False, False, ["m365_signin"])
    assert set(STYLES) == {"text", "json"}


def test_the_time_to_detect_is_that_of_the_last_to_be_detected() -> None:
    """Nothing, where one was not, or where nothing was to turn red."""
    later = Finding("red owa", "failing after 8.0 min", holds=True, detected=8.0)
    never = Finding("red owa", "healthy: 9 ok", holds=False)
    assert Result("S", "", (RED, later)).detected == 8.0
    assert Result("S", "", (RED, never)).detected is None
    assert Result("S", "", (Finding("nothing red", "nothing red", holds=True),)).detected is None


def test_the_exit_code_is_0_only_if_every_expectation_held() -> None:
    """One that did not is enough for 1."""
    assert exit_code([HELD, HELD]) == 0
    assert exit_code([HELD, BROKEN]) == 1


def test_what_cannot_be_played_counts_only_where_it_was_asked_for() -> None:
    """A file for the whole catalogue can be used before every client is there; asking by name is another matter."""
    assert exit_code([HELD, UNPLAYED]) == 0
    assert exit_code([HELD, UNPLAYED], ["S03"]) == 0
    assert exit_code([UNPLAYED], ["S06"]) == 1
