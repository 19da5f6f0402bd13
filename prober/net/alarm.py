"""One timer of the event loop for the many waits of one connection.

Making and cancelling a timer costs more than waiting for a server that answers, so a timer that is set stays set: when
it goes off too early for the wait that is under way, it is set anew for the rest.
"""

import asyncio


class Alarm:
    """Ends a wait whose deadline has passed, with `TimeoutError`. One wait at a time; deadlines are the loop's time."""

    __slots__ = ("_at", "_deadline", "_timer", "_waiter")

    def __init__(self) -> None:
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._at = 0.0  # for when the timer is set

    def watch(self, waiter: asyncio.Future[None], deadline: float) -> None:
        """Let `waiter` wait until `deadline`, unless it is done by then."""
        self._waiter, self._deadline = waiter, deadline
        if self._timer is None:
            self._set(deadline)
        elif self._at > deadline:
            self._timer.cancel()
            self._set(deadline)

    def stop(self) -> None:
        """Go off no more: nobody will wait."""
        self._waiter = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, deadline: float) -> None:
        self._at = deadline
        self._timer = asyncio.get_running_loop().call_at(deadline, self._go_off)

    def _go_off(self) -> None:
        self._timer = None
        waiter = self._waiter
        if waiter is None or waiter.done():
            self._waiter = None
        elif self._deadline > self._at:
            self._set(self._deadline)
        else:
            waiter.set_exception(TimeoutError())
