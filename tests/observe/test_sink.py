import asyncio
import logging

import pytest

from prober.model import Assignment, Outcome
from prober.observe.sink import MOMENT, MOST, Gathered, fan_out
from prober.verdict import Judgement
from tests.observe.made import ASSIGNMENT, judged
from tests.schedule import virtual


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


def test_outcomes_are_told_together_in_their_order_after_a_moment() -> None:
    """Of as many as are the most at once, of fewer after a moment, of each once."""

    async def main() -> None:
        heard: list[tuple[Outcome, float]] = []
        gathered = Gathered(lambda assignment, outcome, judgement: heard.append((outcome, virtual.now())))
        told = [judged() for _ in range(MOST + 3)]
        for one in told:
            gathered(ASSIGNMENT, *one)
        assert [outcome for outcome, _ in heard] == [outcome for outcome, _ in told[:MOST]]
        began = virtual.now()
        await asyncio.sleep(10 * MOMENT)
        assert all(one is outcome for (one, _), (outcome, _) in zip(heard, told, strict=True))
        assert heard[-1][1] == pytest.approx(began + MOMENT)

    virtual.run(main())


def test_nothing_waits_any_longer_when_it_is_flushed() -> None:
    """What ends or changes is told of before; the moment that was waited for is over."""

    async def main() -> None:
        heard: list[float] = []
        gathered = Gathered(lambda *_: heard.append(virtual.now()))
        gathered(ASSIGNMENT, *judged())
        gathered.flush()
        gathered.flush()
        assert heard == [virtual.now()]
        await asyncio.sleep(MOMENT / 2)
        gathered(ASSIGNMENT, *judged())
        began = virtual.now()
        await asyncio.sleep(10 * MOMENT)
        assert heard[1:] == [pytest.approx(began + MOMENT)]

    virtual.run(main())
