"""A limit for what a task does, as `asyncio.timeout` is one, kept by one timer for one thing after the other."""

import asyncio
from types import TracebackType
from typing import Self

from prober.alarm import Alarm, Alarms


class Deadline:
    """`with deadline.within(seconds)`: cancels the task when the time is over, and makes `TimeoutError` of that.

    A cancellation from elsewhere goes by as it is, also in the same moment. One use at a time. Its timer is one of
    `alarms`.
    """

    __slots__ = ("_alarm", "_before", "_struck", "_task", "_until")

    def __init__(self, alarms: Alarms | None = None) -> None:
        self._alarm = Alarm(alarms)
        self._task: asyncio.Task[object] | None = None
        self._before = 0  # requests to cancel the task that were there when the time began
        self._struck = False
        self._until = 0.0

    def within(self, seconds: float) -> Self:
        """Return this deadline, `seconds` from now."""
        self._until = asyncio.get_running_loop().time() + seconds
        return self

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a deadline is for a task")
        self._task, self._before, self._struck = task, task.cancelling(), False
        self._alarm.set(self._until, self._strike)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        self._alarm.rest()
        if self._struck and task is not None and task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from exc

    def close(self) -> None:
        """Give back the timer."""
        self._alarm.stop()

    def _strike(self) -> None:
        if self._task is not None:
            self._struck = True
            self._task.cancel()
