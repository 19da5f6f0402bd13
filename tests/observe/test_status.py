from prober.faults import taxonomy as kinds
from prober.observe.status import FAILURES_KEPT, StatusBoard
from tests.observe.made import ASSIGNMENT, CATALOGUE, judged


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


def test_failures_are_kept_with_evidence_and_bounded() -> None:
    board = StatusBoard([ASSIGNMENT], CATALOGUE)
    for _ in range(FAILURES_KEPT + 10):
        board(ASSIGNMENT, *judged())
        board(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    assert len(board.failures) == FAILURES_KEPT
    assert board.failures[-1]["code"] == "no_answer"
