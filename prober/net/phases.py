"""One network phase with its limit: what it took goes to the timeline, also when it was cut short.

A phase may end before the coroutine that waits for it runs again, so its end can be set to the moment at which the
bytes arrived. Limits run on the event loop's own clock; only measured times come from the timeline's.

`with Measured(...)` reads best. The phases of every attempt go without it, by `Timeline.spend` and `cut_short`, which
costs a third.
"""

import asyncio
from types import TracebackType
from typing import Self

from prober.faults.classify import TIMED_OUT_DURING
from prober.faults.taxonomy import FaultError
from prober.timeline import Timeline
from prober.vocabulary import Phase


def cut_short(timeline: Timeline, phase: Phase, started: float, exc: BaseException, *, limited: bool = True) -> None:
    """Note that `exc` broke `phase` off, and name that phase in a fault. For an `except` that raises `exc` afterwards.

    Raises `FaultError` with the kind of that phase when its limit has passed, where it is `limited`; a `TimeoutError`
    with a number is the kernel's, and goes by.
    """
    timeline.spend(phase, started, timeline.clock())
    timeline.interrupted = phase
    if isinstance(exc, FaultError):
        exc.fault = exc.fault.during(phase)
    elif limited and isinstance(exc, TimeoutError) and exc.errno is None:
        raise FaultError(TIMED_OUT_DURING[phase], phase=phase) from None


class Measured:
    """`with Measured(timeline, phase, limit) as lap`: adds the phase's seconds, and names it when it breaks.

    `limit` is in seconds (`None`: what is awaited has its own); whatever waits within keeps to `lap.deadline`, on the
    loop's clock, and raises `TimeoutError` when that has passed. `started` and `ended` are readings of the timeline's
    clock; what is not set is read on entry and exit. Raises `FaultError` as `cut_short` does.
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
        if exc is not None:
            cut_short(self._timeline, self._phase, self.started, exc, limited=self.deadline is not None)
            return
        timeline, ended = self._timeline, self.ended
        timeline.spend(self._phase, self.started, timeline.clock() if ended is None else ended)
