"""One IDLE (RFC 2177): listens to the mailbox without a task of its own, and gathers what happens in one turn."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from prober.simulator.faults.fault import Fault
from prober.simulator.imap import mishaps
from prober.simulator.imap.view import View

Write = Callable[[bytes], None]


class Hold:
    """`tag` is that of the command. `fault` is set once it is known what befalls it, if anything."""

    __slots__ = ("_clock", "_due", "_unlisten", "_view", "_write", "fault", "tag")

    def __init__(self, tag: str, view: View | None, write: Write, clock: Callable[[], datetime]) -> None:
        self.tag = tag
        self.fault: Fault | None = None
        self._view = view
        self._write = write
        self._clock = clock
        self._due: asyncio.TimerHandle | asyncio.Handle | None = None
        self._unlisten: Callable[[], None] | None = None

    @property
    def silent(self) -> bool:
        """Whether nothing is reported."""
        return self.fault is not None and self.fault.kind == "push_silent"

    def listen(self) -> None:
        """Report from now on, first what has happened since the last word."""
        if self._view is not None and not self.silent:
            self._unlisten = self._view.mailbox.listen(self._hear)
            self._hear()

    def drop_after(self, seconds: float, drop: Callable[[], None]) -> None:
        """End it all later."""
        self._due = asyncio.get_running_loop().call_later(seconds, drop)

    def news(self) -> bytes:
        """Return what has not been reported."""
        if self._view is None or self.silent:
            return b""
        lines = self._view.news(mishaps.until(self.fault, self._clock()))
        return b"".join(line + b"\r\n" for line in lines)

    def stop(self) -> None:
        """Listen no more."""
        if self._unlisten is not None:
            self._unlisten()
        if self._due is not None:
            self._due.cancel()
        self._unlisten = self._due = None

    def _hear(self) -> None:
        if self._due is None:
            loop = asyncio.get_running_loop()
            late = self.fault.number("seconds", 0) if self.fault is not None and self.fault.kind == "delay" else 0
            self._due = loop.call_later(late, self._report) if late else loop.call_soon(self._report)

    def _report(self) -> None:
        self._due = None
        self._write(self.news())
