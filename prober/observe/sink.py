"""One outcome, many observers: each is told, and none can harm another."""

import logging
from collections.abc import Iterable
from typing import Protocol

from prober.model import Assignment, Outcome
from prober.verdict import Judgement

LOG = logging.getLogger(__name__)


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
