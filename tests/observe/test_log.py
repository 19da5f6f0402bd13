"""One line for what is news; repetition is for debugging; nothing that must not leave."""

import json
import logging
from collections.abc import Iterator

import pytest

from prober.faults import taxonomy as kinds
from prober.observe.log import (
    ATTEMPTS,
    LINES_KNOWN,
    REMIND_EVERY,
    SAME_LINES,
    SAME_PERIOD,
    OutcomeLog,
    Repetition,
    Style,
    Verbosity,
    configure,
    formatter,
)
from prober.verdict import judge
from tests.observe.made import ASSIGNMENT, WORKED, judged, outcome


@pytest.fixture
def restored() -> Iterator[None]:
    """Give the root logger back as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def lines(style: Style, caplog: pytest.LogCaptureFixture) -> list[str]:
    return [formatter(style).format(record) for record in caplog.records if record.name == "prober.attempts"]


def test_a_failure_is_one_line_with_reason_step_and_evidence(caplog: pytest.LogCaptureFixture) -> None:
    made = outcome(kinds.BAD_REPLY, evidence={"element": "Sync", "subject": "canary", "error": "canary@corp.example"})
    with caplog.at_level(logging.INFO):
        OutcomeLog()(ASSIGNMENT, made, judge(made, WORKED))
    (line,) = lines("logfmt", caplog)
    assert "\n" not in line
    for part in (
        "client=toy",
        "target=hq",
        "verdict=failed",
        "reason=protocol_violation",
        "code=bad_reply",
        "step=take",
    ):
        assert part in line
    assert "evidence_element=Sync" in line
    assert "canary" not in line
    seen = json.loads(lines("json", caplog)[0])
    assert (seen["verdict"], seen["level"], seen["logger"]) == ("failed", "info", "prober.attempts")


def test_only_what_changes_is_news(caplog: pytest.LogCaptureFixture) -> None:
    log = OutcomeLog()
    with caplog.at_level(logging.INFO):
        for kind in (None, None, kinds.NO_ANSWER, kinds.NO_ANSWER, kinds.PEER_RESET, None, None):
            log(ASSIGNMENT, *judged(kind))
    verdicts = [json.loads(line).get("code", "ok") for line in lines("json", caplog)]
    assert verdicts == ["no_answer", "peer_reset", "ok"]


def test_a_lasting_failure_is_remembered_now_and_then(caplog: pytest.LogCaptureFixture) -> None:
    log = OutcomeLog()
    with caplog.at_level(logging.INFO):
        for _ in range(2 * REMIND_EVERY + 1):
            log(ASSIGNMENT, *judged(kinds.NO_ANSWER))
    assert [json.loads(line).get("repeated") for line in lines("json", caplog)] == [
        None,
        REMIND_EVERY,
        2 * REMIND_EVERY,
    ]


def test_debugging_shows_every_attempt(caplog: pytest.LogCaptureFixture) -> None:
    log = OutcomeLog()
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            log(ASSIGNMENT, *judged())
    assert len(lines("logfmt", caplog)) == 3


@pytest.mark.usefixtures("restored")
def test_configuring_sends_lines_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    configure("warning", "json")
    logging.getLogger("prober.x").info("unseen")
    logging.getLogger("prober.x").warning("seen %s", "twice")
    out, err = capsys.readouterr()
    assert out == ""
    assert [json.loads(line)["event"] for line in err.splitlines()] == ["seen twice"]
    assert ATTEMPTS.getEffectiveLevel() == logging.WARNING


def test_an_exception_stays_readable(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        try:
            int("odd")
        except ValueError:
            logging.getLogger("prober.attempts").exception("broke")
    assert "ValueError: invalid" in json.loads(lines("json", caplog)[0])["exception"]


def record(message: str, name: str = "prober.net") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, __file__, 1, message, None, None)


class Hand:
    """A clock that somebody turns."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.usefixtures("restored")
def test_the_same_line_is_written_a_few_times_and_then_counted() -> None:
    """The first one of the next period says how many there were meanwhile; other lines are not concerned."""
    logging.getLogger().setLevel(logging.INFO)
    clock = Hand()
    repetition = Repetition(clock=clock)
    written = [repetition.filter(record("disk full")) for _ in range(SAME_LINES + 7)]
    assert written == [True] * SAME_LINES + [False] * 7
    assert repetition.filter(record("disk fuller"))
    clock.now = SAME_PERIOD
    again, after = record("disk full"), record("disk full")
    assert repetition.filter(again)
    assert repetition.filter(after)
    assert vars(again)["kept_back"] == 7
    assert "kept_back" not in vars(after)
    assert '"kept_back": 7' in formatter("json").format(again)


@pytest.mark.usefixtures("restored")
def test_nothing_is_kept_back_from_who_debugs_nor_attempts_from_anybody() -> None:
    """Attempts are told once anyway, with their own reminder."""
    repetition = Repetition(clock=Hand())
    logging.getLogger().setLevel(logging.INFO)
    assert all(repetition.filter(record("attempt", ATTEMPTS.name)) for _ in range(2 * SAME_LINES))
    logging.getLogger().setLevel(logging.DEBUG)
    assert all(repetition.filter(record("disk full")) for _ in range(2 * SAME_LINES))


@pytest.mark.usefixtures("restored")
def test_lines_without_end_are_not_remembered_without_end() -> None:
    """Only the latest are."""
    logging.getLogger().setLevel(logging.INFO)
    repetition = Repetition(clock=Hand())
    for _ in range(SAME_LINES):
        assert repetition.filter(record("first"))
    assert not repetition.filter(record("first"))
    assert all(repetition.filter(record(f"line {number}")) for number in range(LINES_KNOWN))
    assert repetition.filter(record("first"))


@pytest.mark.usefixtures("restored")
def test_the_level_can_be_switched_while_it_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """To debug and back; each time it is said."""
    configure("warning", "logfmt")
    verbosity = Verbosity("warning")
    verbosity.toggle()
    assert logging.getLogger().level == logging.DEBUG
    verbosity.toggle()
    assert logging.getLogger().level == logging.WARNING
    said = capsys.readouterr().err.splitlines()
    assert [line.partition("event=")[2] for line in said] == ['"logging from debug on"', '"logging from warning on"']
