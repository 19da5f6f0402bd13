"""One outcome, many observers: each is told, and none can harm another."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Protocol

from prober.model import Assignment, Outcome
from prober.verdict import Judgement

LOG = logging.getLogger(__name__)
MOMENT, MOST = 0.02, 16
"""Seconds for which an outcome waits for others, and how many are told of together at most: half a millisecond."""


class Sink(Protocol):
    """Whoever wants to hear of finished attempts."""

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Take note of one finished attempt."""


class SinkWatch(Protocol):
    """Counts what sinks get wrong."""

    def sink_error(self, sink: str) -> None:
        """One sink raised."""


def fan_out(
    sinks: Iterable[Sink],
    assignment: Assignment,
    outcome: Outcome,
    judgement: Judgement,
    *,
    watch: SinkWatch | None = None,
) -> None:
    """Tell every sink; one that raises is logged and counted, and the others still hear."""
    for sink in sinks:
        try:
            sink(assignment, outcome, judgement)
        except Exception as exc:  # noqa: BLE001 - an observer's bug must not cost the observation
            LOG.error("sink %s failed: %s", type(sink).__name__, type(exc).__name__)  # noqa: TRY400 - no foreign text
            if watch is not None:
                watch.sink_error(type(sink).__name__)


class Gathered:
    """Tells of outcomes some at a time, in their order.

    After the work of an attempt, nothing that observers need is left in the processor's caches: who tells of several in
    a row pays for that once. Whoever ends or changes something has it `flush` first.
    """

    def __init__(self, tell: Sink) -> None:
        self._tell = tell
        self._waiting: list[tuple[Assignment, Outcome, Judgement]] = []
        self._timer: asyncio.TimerHandle | None = None

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Tell of a finished attempt within a moment. Needs a running loop."""
        self._waiting.append((assignment, outcome, judgement))
        if len(self._waiting) >= MOST:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MOMENT, self.flush)

    def flush(self) -> None:
        """Tell of all that waits, now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self._waiting = self._waiting, []
        for finished in waiting:
            self._tell(*finished)
