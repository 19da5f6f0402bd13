"""When bytes came, by the kernel: it notes the moment of every packet, however long the prober takes to read it.

The kernel's notes are on the wall clock, which may be set at any time; measured is by the monotonic one. So what is
taken from a note is only how long ago it was: both clocks are read together when the bytes are, and a note is used
only where the two have not moved against each other and the moment lies between the arrival before and now.

Rule of this file: a note that cannot be trusted costs exactness, never a measurement.
"""

import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from typing import Literal

from prober.timeline import Clock

Note = Literal["used", "missing", "ignored"]
"""What became of the kernel's note of one arrival: `ignored` when it cannot be true."""
Noted = Callable[[Note], None]

SO_TIMESTAMPNS_NEW = 64  # include/uapi/asm-generic/socket.h since Linux 5.1; Python's socket module does not name it
TIMESPEC = struct.Struct("@qq")  # struct __kernel_timespec: seconds and nanoseconds, 64 bits each on every machine
ROOM = socket.CMSG_SPACE(TIMESPEC.size) if hasattr(socket, "CMSG_SPACE") else 0
STEP = 0.001
"""Seconds by which the two clocks may seem to move against each other at once: what lies between two readings."""
SLEW = 0.0005
"""Seconds per second by which the wall clock may be led back to the right time (adjtimex(2): 500 ppm)."""


class KernelNotes:
    """Has the kernel note arrivals, for all connections of a process. `noted` is told what became of each note.

    `wall` is in nanoseconds since 1970, by the clock that the kernel uses.
    """

    def __init__(self, noted: Noted = lambda _: None, *, wall: Callable[[], int] = time.time_ns) -> None:
        self.noted = noted
        self.wall = wall
        self._keeper: socket.socket | None = None

    def start(self) -> bool:
        """Begin, at the first call; return whether this system offers such notes.

        A socket that wants them is kept: with the last of these the kernel would stop noting for everybody, and the
        first packets after the next one has come would have no note.
        """
        if self._keeper is None:
            keeper = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            if not self.ask(keeper):
                keeper.close()
                return False
            self._keeper = keeper
        return True

    def ask(self, connection: socket.socket) -> bool:
        """Have arrivals on `connection` noted; return whether the system agrees."""
        if sys.platform != "linux":
            return False
        try:
            connection.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS_NEW, 1)
        except OSError:  # ENOPROTOOPT: a kernel before 5.1, or one that only looks like Linux
            return False
        return True

    def close(self) -> None:
        """Need no more notes."""
        if self._keeper is not None:
            self._keeper.close()
            self._keeper = None


class Arrivals:
    """The moments at which the bytes of one connection came; each lies neither before the last nor after now."""

    __slots__ = ("_checked", "_clock", "_last", "_notes", "_offset")

    def __init__(self, clock: Clock, notes: KernelNotes) -> None:
        self._clock = clock
        self._notes = notes
        wall = notes.wall()
        self._last = self._checked = clock()
        self._offset = self._checked - wall * 1e-9

    def expect(self, connection: socket.socket) -> None:
        """Have the kernel note what comes on `connection`."""
        self._notes.ask(connection)

    def moment(self, ancillary: Iterable[tuple[int, int, bytes]]) -> float:
        """Return when what was just read had come, on the monotonic clock.

        `ancillary` is what `recvmsg` returned beside the bytes. Where one read takes several packets, the kernel tells
        the moment of the last. A note that is missing or cannot be true leaves the moment of reading.
        """
        wall = self._notes.wall()
        now = self._clock()  # in this order a pause between the two makes a moment late, as reading late does
        still = self._together(now, wall)
        noted = _noted(ancillary)
        at = now if noted is None else now - (wall - noted) * 1e-9
        trusted = still and self._last <= at <= now
        self._notes.noted("missing" if noted is None else "used" if trusted else "ignored")
        self._last = at if trusted else now
        return self._last

    def _together(self, now: float, wall: int) -> bool:
        """Whether the two clocks have gone alike since they were last read here."""
        offset = now - wall * 1e-9
        moved = abs(offset - self._offset)
        allowed = STEP + SLEW * (now - self._checked)
        self._offset, self._checked = offset, now
        return moved <= allowed


def _noted(ancillary: Iterable[tuple[int, int, bytes]]) -> int | None:
    """Return the kernel's note in nanoseconds since 1970, `None` where there is none."""
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == SO_TIMESTAMPNS_NEW and len(data) == TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack(data)
            return int(seconds) * 1_000_000_000 + int(nanoseconds)
    return None
