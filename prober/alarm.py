"""One timer of the event loop for many waits, one after the other.

Making and cancelling a timer costs more than waiting for a server that answers, so a timer that is set stays set: when
it goes off too early for the wait that is under way, it is set anew for the rest.
"""

import asyncio
from collections.abc import Callable


class Alarm:
    """Rings when a deadline has passed. One wait at a time; deadlines are readings of the event loop's clock."""

    __slots__ = ("_at", "_deadline", "_ring", "_timer")

    def __init__(self) -> None:
        self._ring: Callable[[], None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0  # for when the timer is set

    def set(self, deadline: float, ring: Callable[[], None]) -> None:
        """Call `ring` at `deadline`, and nobody else any more."""
        self._deadline, self._ring = deadline, ring
        if self._timer is None:
            self._start(deadline)
        elif self._at > deadline:
            self._timer.cancel()
            self._start(deadline)

    def rest(self) -> None:
        """Call nobody before it is set again."""
        self._ring = None

    def stop(self) -> None:
        """Give back the timer: it will hardly be set again."""
        self._ring = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _start(self, deadline: float) -> None:
        self._at = deadline
        self._timer = asyncio.get_running_loop().call_at(deadline, self._go_off)

    def _go_off(self) -> None:
        self._timer = None
        if self._ring is None:
            return
        if self._deadline > self._at:
            self._start(self._deadline)
        else:
            ring, self._ring = self._ring, None
            ring()
