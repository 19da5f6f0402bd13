from dataclasses import replace

from prober.faults import taxonomy as kinds
from prober.model import Certificate
from prober.observe.status import StatusBoard
from prober.verdict import judge
from tests.observe.made import ASSIGNMENT, CATALOGUE, WORKED, judged, outcome


def test_every_assignment_has_a_row_from_the_start() -> None:
    (row,) = StatusBoard([ASSIGNMENT], CATALOGUE).rows
    assert (row.client, row.summary, row.target, row.depth, row.verdict) == ("toy", "A toy", "hq", "mailbox", "pending")


def test_a_row_shows_the_last_attempt() -> None:
    board = StatusBoard([ASSIGNMENT], CATALOGUE)
    board(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    (row,) = board.rows
    assert (row.verdict, row.reason, row.code, row.blame, row.step) == (
        "failed",
        "read_timeout",
        "no_answer",
        "frontend",
        "take",
    )
    board(ASSIGNMENT, *judged())
    assert board.rows[0].verdict == "ok"
    assert board.rows[0].step == ""


def test_a_row_counts_what_belongs_in_availability() -> None:
    """Attempts, and those that count by verdict; what is excluded is an attempt and no more."""
    board = StatusBoard([ASSIGNMENT], CATALOGUE)
    for kind in (None, None, kinds.NO_ANSWER, kinds.PROBER_BUG):
        board(ASSIGNMENT, *judged(kind))
    (row,) = board.rows
    assert (row.attempts, row.counted, row.ok, row.slow, row.failed) == (4, 3, 2, 0, 1)


def test_a_row_keeps_the_end_of_the_certificate_that_was_shown_last() -> None:
    """An attempt that never came so far says nothing of it."""
    board = StatusBoard([ASSIGNMENT], CATALOGUE)
    shown = outcome(certificate=Certificate(0.0, 1_800_000_000.0, "ab", verified=True))
    board(ASSIGNMENT, shown, judge(shown, WORKED))
    board(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    assert board.rows[0].certificate_not_after == "2027-01-15T08:00:00+00:00"


def test_a_row_that_was_looked_at_goes_on_and_moves_with_its_target() -> None:
    """Looking changes nothing; another configuration changes the place, and not what happened."""
    board = StatusBoard([ASSIGNMENT], CATALOGUE)
    board(ASSIGNMENT, *judged())
    assert board.rows == board.rows
    board(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    board.configure([replace(ASSIGNMENT, target=replace(ASSIGNMENT.target, region="eu"))])
    (row,) = board.rows
    assert (row.region, row.attempts, row.ok, row.failed, row.verdict) == ("eu", 2, 1, 1, "failed")
