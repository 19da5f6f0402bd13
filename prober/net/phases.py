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
    """`async with Measured(timeline, phase, limit) as lap`: adds the phase's seconds, and names it when it breaks.

    `limit` is in seconds (`None`: what is awaited has its own). `started` and `ended` are readings of the timeline's
    clock; what is not set is read on entry and exit. Raises `FaultError` with the kind of that phase when the limit
    passes.
    """

    __slots__ = ("_phase", "_scope", "_timeline", "ended", "started")

    def __init__(self, timeline: Timeline, phase: Phase, limit: float | None, started: float | None = None) -> None:
        self.started = timeline.clock() if started is None else started
        self.ended: float | None = None
        self._timeline = timeline
        self._phase = phase
        self._scope = asyncio.timeout(limit)

    async def __aenter__(self) -> Self:
        await self._scope.__aenter__()
        self._timeline.current = self._phase
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        ended = self._timeline.clock() if self.ended is None or kind is not None else self.ended
        self._timeline.current = None
        self._timeline.add(self._phase, max(0.0, ended - self.started))
        if kind is not None:
            self._timeline.interrupted = self._phase
        if isinstance(exc, FaultError):
            exc.fault = exc.fault.during(self._phase)
        try:
            await self._scope.__aexit__(kind, exc, trace)
        except TimeoutError:
            raise FaultError(TIMED_OUT_DURING[self._phase], phase=self._phase) from None
