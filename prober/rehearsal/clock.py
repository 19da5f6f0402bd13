"""An event loop whose idle time runs faster than the clock on the wall, so that an hour of waiting takes a minute.

Rule of this file: only what was waited for is accelerated. The processor's work is charged as it is, or the work of
client and server, who share it here, would look like an outage of the one to the other.
"""

import asyncio
import select
import selectors
import time
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

FASTEST = 60.0
"""How many times faster than the scenario's its time may run at most."""

Real = Callable[[], float]
Pause = Callable[[int, float | None], None]


def pause_for_input(descriptor: int, seconds: float | None) -> None:
    """Return when the selector behind `descriptor` has something ready, or after `seconds`.

    A selector can be waited for like a socket; doing so is exact to the microsecond, where `epoll` counts whole
    milliseconds: at sixty-fold speed, each would cost sixty.
    """
    select.select([descriptor], [], [], seconds)


class _Pacing(selectors.DefaultSelector):
    """A selector that waits a fraction of what it is asked to, and accounts for the rest.

    `ahead`: seconds by which the accelerated clock is ahead of the real one. `speed`: how much faster waiting goes.
    """

    def __init__(self, speed: float, real: Real, pause: Pause) -> None:
        super().__init__()
        self.speed = speed
        self.ahead = 0.0
        self._real = real
        self._pause = pause

    def select(self, timeout: float | None = None) -> Any:
        """Return what is ready. `timeout` is in accelerated seconds, and so is what waiting adds to the clock."""
        ready = super().select(0)
        if ready or (timeout is not None and timeout <= 0):
            return ready
        began = self._real()
        self._pause(self.fileno(), None if timeout is None else timeout / self.speed)
        waited = self._real() - began
        passed = waited * self.speed
        if timeout is not None:
            passed = min(passed, timeout)
        self.ahead += passed - waited
        return super().select(0)


class Accelerated(asyncio.SelectorEventLoop):
    """An event loop in scenario time. `speed` is 1 to 60.

    Where nothing is to be done for T seconds of its time it waits T / `speed` real seconds for input and goes on at
    exactly the time of its next timer, so that being woken late is no lag. What callbacks take is added as it is; so
    is waiting while a thread works for the loop, since that is work as well. `real` is the clock that everything is
    measured by, `epoch` what the wall shows when the loop is made, both in seconds.
    """

    def __init__(
        self,
        speed: float = FASTEST,
        *,
        real: Real = time.monotonic,
        epoch: float | None = None,
        pause: Pause = pause_for_input,
    ) -> None:
        self._speed = speed
        self._real = real
        self._pacing = _Pacing(speed, real, pause)
        self._at_work = 0
        self._started = real()
        self._epoch = time.time() if epoch is None else epoch
        super().__init__(self._pacing)
        if not 1 <= speed <= FASTEST:
            self.close()
            raise ValueError(f"speed must be from 1 to {FASTEST:g}")

    def time(self) -> float:
        """Return the loop's time in seconds: the monotonic clock of everybody on this loop."""
        return self._real() + self._pacing.ahead

    def wall(self) -> float:
        """Return the time of day that goes with it, in seconds since the epoch."""
        return self._epoch + self.time() - self._started

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[Ts]], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Have a thread do something; until it has, no waiting is accelerated."""
        self._at_work += 1
        self._pacing.speed = 1.0
        try:
            task = super().run_in_executor(executor, func, *args)
        except BaseException:
            self._work_ended()
            raise
        task.add_done_callback(lambda _: self._work_ended())
        return task

    def _work_ended(self) -> None:
        self._at_work -= 1
        if not self._at_work:
            self._pacing.speed = self._speed
