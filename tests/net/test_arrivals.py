"""When bytes came, by the kernel's notes: used where they can be true, and nowhere else."""

import socket
import struct
import sys

import pytest

from prober.net import arrivals as module
from prober.net.arrivals import ROOM, SO_TIMESTAMPNS_NEW, Arrivals, KernelNotes
from tests.net.clocks import Clock

SECOND = 1_000_000_000
needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux notes when the bytes of a stream came")


class Clocks:
    """Both clocks of a machine, and what becomes of its kernel's notes. Moments are nanoseconds since the start."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.clock = Clock(100.0)
        self.epoch = 1_800_000_000 * SECOND
        self.notes = KernelNotes(self.heard.append, wall=lambda: self.epoch + self._passed())
        self.arrivals = Arrivals(self.clock, self.notes)

    def _passed(self) -> int:
        return round((self.clock.now - 100.0) * 1e9)

    def note(self, moment: float) -> list[tuple[int, int, bytes]]:
        """Return what the kernel tells of bytes that came at `moment` of the monotonic clock."""
        at = self.epoch + round((moment - 100.0) * 1e9)
        return [(socket.SOL_SOCKET, SO_TIMESTAMPNS_NEW, struct.pack("@qq", *divmod(at, SECOND)))]


def test_bytes_came_when_the_kernel_says_so() -> None:
    """However late they are read."""
    world = Clocks()
    world.clock.now = 101.5
    assert world.arrivals.moment(world.note(100.25)) == pytest.approx(100.25, abs=1e-6)
    world.clock.now = 103.0
    assert world.arrivals.moment(world.note(103.0)) == pytest.approx(103.0, abs=1e-6)
    assert world.heard == ["used", "used"]


@pytest.mark.parametrize(
    "ancillary",
    [
        [],
        [(socket.SOL_SOCKET, 35, bytes(16))],
        [(socket.IPPROTO_TCP, SO_TIMESTAMPNS_NEW, bytes(16))],
        [(socket.SOL_SOCKET, SO_TIMESTAMPNS_NEW, bytes(8))],
    ],
)
def test_without_a_note_bytes_came_when_they_were_read(ancillary: list[tuple[int, int, bytes]]) -> None:
    """None at all, of another kind or level, or half of one."""
    world = Clocks()
    world.clock.now = 101.5
    assert world.arrivals.moment(ancillary) == 101.5
    assert world.heard == ["missing"]


@pytest.mark.parametrize("moment", [99.9, 101.6])
def test_a_moment_before_the_connection_or_after_now_is_ignored(moment: float) -> None:
    world = Clocks()
    world.clock.now = 101.5
    assert world.arrivals.moment(world.note(moment)) == 101.5
    assert world.heard == ["ignored"]


def test_bytes_never_come_before_those_that_came_before_them() -> None:
    world = Clocks()
    world.clock.now = 102.0
    assert world.arrivals.moment(world.note(101.0)) == pytest.approx(101.0, abs=1e-6)
    world.clock.now = 103.0
    assert world.arrivals.moment(world.note(100.5)) == 103.0
    assert world.heard == ["used", "ignored"]


@pytest.mark.parametrize("step", [-3600.0, -0.25, -0.01, 0.01, 0.25, 3600.0])
def test_a_clock_that_is_set_between_arrival_and_reading_is_noticed(step: float) -> None:
    """Also by so little that the moment could be true; and what comes after it is exact again."""
    world = Clocks()
    world.clock.now = 101.0
    note = world.note(100.9)
    world.epoch += round(step * 1e9)
    assert world.arrivals.moment(note) == 101.0
    world.clock.now = 102.0
    assert world.arrivals.moment(world.note(101.75)) == pytest.approx(101.75, abs=1e-6)
    assert world.heard == ["ignored", "used"]


def test_a_clock_that_is_led_back_slowly_is_no_trouble() -> None:
    """500 ppm is what a kernel does to a clock without setting it: half a second in a thousand that are held."""
    world = Clocks()
    world.clock.now = 1100.0
    world.epoch += SECOND // 2
    assert world.arrivals.moment(world.note(1099.0)) == pytest.approx(1099.0, abs=1e-6)
    assert world.heard == ["used"]


def noting() -> KernelNotes:
    """Return notes when the kernel has come to make them, which is a moment after it was first asked."""
    notes = KernelNotes()
    assert notes.start()
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        theirs, _ = server.accept()
        assert notes.ask(ours)
        with theirs:
            for _ in range(20_000):
                theirs.send(b"x")
                if module._noted(ours.recvmsg(64, ROOM)[1]) is not None:
                    return notes
    raise AssertionError("the kernel never made a note")


@needs_linux
def test_the_kernel_notes_what_comes_over_a_real_connection() -> None:
    """Read in two parts: both have the moment at which they came."""
    notes = noting()
    assert notes.start(), "once is enough"
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as ours:
        theirs, _ = server.accept()
        assert notes.ask(ours)
        with theirs:
            before = notes.wall()
            theirs.send(b"word")
            after = notes.wall()
            first, ancillary, _, _ = ours.recvmsg(2, ROOM)
            second, again, _, _ = ours.recvmsg(64, ROOM)
    assert (first, second) == (b"wo", b"rd")
    noted = module._noted(ancillary)
    assert noted is not None
    assert noted == module._noted(again)
    assert before <= noted <= after, "the packet came while it was being sent"
    notes.close()
    notes.close()


@pytest.mark.parametrize("why", ["not Linux", "an old kernel"])
def test_a_system_without_notes_says_so(monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    """And no socket stays open for them."""
    if why == "not Linux":
        monkeypatch.setattr(sys, "platform", "darwin")
    else:
        monkeypatch.setattr(module, "SO_TIMESTAMPNS_NEW", 32_000)
    notes = KernelNotes()
    assert not notes.start()
    assert notes._keeper is None
