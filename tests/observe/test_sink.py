import logging

import pytest

from prober.model import Assignment, Outcome
from prober.observe.sink import fan_out
from prober.verdict import Judgement
from tests.observe.made import ASSIGNMENT, judged


class Broken:
    """A sink with a bug."""

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        raise ValueError("canary")


class Watch:
    """Remembers who broke."""

    def __init__(self) -> None:
        self.errors: list[str] = []

    def sink_error(self, sink: str) -> None:
        self.errors.append(sink)


def test_one_that_raises_is_logged_and_counted_and_the_others_still_hear(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[Outcome] = []
    made, judgement = judged()
    watch = Watch()

    def listener(assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        heard.append(outcome)

    with caplog.at_level(logging.ERROR):
        fan_out((listener, Broken(), listener), ASSIGNMENT, made, judgement, watch=watch)
    assert heard == [made, made]
    assert watch.errors == ["Broken"]
    assert "sink Broken failed: ValueError" in caplog.text
    assert "canary" not in caplog.text
