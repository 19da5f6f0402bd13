"""Timers of the event loop that last longer than what they are set for.

Making and cancelling a timer costs more than waiting for a server that answers. So a timer that is set stays set: when
it goes off too early for the wait that is under way, it is set anew for the rest; and who needs it no more leaves it to
the next who does. However many attempts there are in a second, no timer is made for them but those needed at once.
"""

import asyncio
from collections.abc import Callable

KEPT = 256  # timers; more are seldom needed at once


class Alarms:
    """Timers that alarms have given back, still set; `most` of them are kept, the others cancelled.

    A pool is worth most where deadlines are as far off as those before: a timer that is set for later cannot wait for
    earlier, and is set anew.
    """

    __slots__ = ("_most", "_spare")

    def __init__(self, most: int = KEPT) -> None:
        self._most = most
        self._spare: list[_Timer] = []

    def take(self, alarm: "Alarm", deadline: float) -> "_Timer":
        """Return a timer of the running loop that goes off at `deadline` or before, for `alarm`."""
        loop = asyncio.get_running_loop()
        while self._spare:
            timer = self._spare.pop()
            if timer.handle is None or timer.loop is not loop:
                continue  # it went off meanwhile, or belongs to a loop that is over
            if timer.at > deadline:
                timer.set(deadline)
            timer.alarm = alarm
            return timer
        timer = _Timer(loop, alarm)
        timer.set(deadline)
        return timer

    def give_back(self, timer: "_Timer") -> None:
        """Keep `timer` for the next alarm."""
        timer.alarm = None
        if len(self._spare) < self._most:
            self._spare.append(timer)
        elif timer.handle is not None:
            timer.handle.cancel()
            timer.handle = None


class _Timer:
    """One timer of `loop`: set for `at`, on behalf of `alarm`. Without a handle it is not set."""

    __slots__ = ("alarm", "at", "handle", "loop")

    def __init__(self, loop: asyncio.AbstractEventLoop, alarm: "Alarm") -> None:
        self.loop = loop
        self.alarm: Alarm | None = alarm
        self.at = 0.0
        self.handle: asyncio.TimerHandle | None = None

    def set(self, at: float) -> None:
        """Go off at `at`, and not when it was set for before."""
        if self.handle is not None:
            self.handle.cancel()
        self.at = at
        self.handle = self.loop.call_at(at, self._go_off)

    def _go_off(self) -> None:
        self.handle = None
        if self.alarm is not None:
            self.alarm.wake()


class Alarm:
    """Rings when a deadline has passed. One wait at a time; deadlines are readings of the event loop's clock."""

    __slots__ = ("_alarms", "_deadline", "_ring", "_timer")

    def __init__(self, alarms: Alarms | None = None) -> None:
        self._alarms = Alarms(0) if alarms is None else alarms
        self._ring: Callable[[], None] | None = None
        self._deadline = 0.0
        self._timer: _Timer | None = None

    def set(self, deadline: float, ring: Callable[[], None]) -> None:
        """Call `ring` at `deadline`, and nobody else any more."""
        self._deadline, self._ring = deadline, ring
        timer = self._timer
        if timer is None:
            self._timer = self._alarms.take(self, deadline)
        elif timer.at > deadline:
            timer.set(deadline)

    def rest(self) -> None:
        """Call nobody before it is set again."""
        self._ring = None

    def stop(self) -> None:
        """Give back the timer: it will hardly be set again."""
        self._ring = None
        timer, self._timer = self._timer, None
        if timer is not None:
            self._alarms.give_back(timer)

    def wake(self) -> None:
        """Hear from the timer that it went off: ring, or have it set for the rest of the wait."""
        timer, self._timer = self._timer, None
        if timer is None or self._ring is None:
            return
        if self._deadline > timer.at:
            self._timer = timer
            timer.set(self._deadline)
        else:
            ring, self._ring = self._ring, None
            ring()
