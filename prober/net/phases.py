"""One network phase with its limit: what it took goes to the timeline, also when it was cut short.

A phase may end before the coroutine that waits for it runs again, so its end can be set to the moment at which the
bytes arrived. Limits run on the event loop's own clock; only measured times come from the timeline's.
"""

import asyncio
from types import TracebackType
from typing import Self

from prober.faults.classify import TIMED_OUT_DURING
from prober.faults.taxonomy import FaultError
from prober.timeline import Timeline
from prober.vocabulary import Phase


class Measured:
    """`with Measured(timeline, phase, limit) as lap`: adds the phase's seconds, and names it when it breaks.

    `limit` is in seconds (`None`: what is awaited has its own); whatever waits within keeps to `lap.deadline`, on the
    loop's clock, and raises `TimeoutError` when that has passed. `started` and `ended` are readings of the timeline's
    clock; what is not set is read on entry and exit. Raises `FaultError` with the kind of that phase when its limit has
    passed; a `TimeoutError` with a number is the kernel's, and goes by.
    """

    __slots__ = ("_phase", "_timeline", "deadline", "ended", "started")

    def __init__(self, timeline: Timeline, phase: Phase, limit: float | None, started: float | None = None) -> None:
        self.started = timeline.clock() if started is None else started
        self.ended: float | None = None
        self.deadline = None if limit is None else asyncio.get_running_loop().time() + limit
        self._timeline = timeline
        self._phase = phase

    def __enter__(self) -> Self:
        self._timeline.current = self._phase
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        timeline, phase = self._timeline, self._phase
        ended = timeline.clock() if self.ended is None or kind is not None else self.ended
        timeline.current = None
        spent = timeline.spent
        spent[phase] = spent.get(phase, 0.0) + (ended - self.started if ended > self.started else 0.0)
        if kind is None:
            return
        timeline.interrupted = phase
        if isinstance(exc, FaultError):
            exc.fault = exc.fault.during(phase)
        elif isinstance(exc, TimeoutError) and exc.errno is None and self.deadline is not None:
            raise FaultError(TIMED_OUT_DURING[phase], phase=phase) from None
