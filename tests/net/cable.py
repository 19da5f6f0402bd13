"""A connection without a network: its kernel is moved by hand."""

import asyncio

from prober.net.stream import Stream
from tests.net.clocks import Clock


class Cable(asyncio.Transport):
    """A transport that takes as many bytes at once as it is told to, and remembers what was asked of it."""

    def __init__(self, takes: int = 1 << 30) -> None:
        super().__init__()
        self.takes = takes
        self.sent = b""
        self.left = 0
        self.reading = True
        self.ended = ""

    def attach(self, stream: Stream) -> None:
        self._stream = stream
        stream.connection_made(self)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert high == 0, "every byte that the kernel does not take must be told of"

    def get_write_buffer_size(self) -> int:
        return self.left

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)
        self.left = max(0, len(data) - self.takes)
        if self.left:
            self._stream.pause_writing()

    def drain(self) -> None:
        """The kernel takes the rest."""
        self.left = 0
        self._stream.resume_writing()

    def pause_reading(self) -> None:
        self.reading = False

    def resume_reading(self) -> None:
        self.reading = True

    def get_extra_info(self, name: str, default: object = None) -> object:
        return ("192.0.2.1", 993) if name == "peername" else default

    def close(self) -> None:
        self.ended = "closed"

    def abort(self) -> None:
        self.ended = "aborted"


def plugged(clock: Clock | None = None, takes: int = 1 << 30) -> tuple[Stream, Cable]:
    """Return a stream that stands, and its cable."""
    stream, cable = Stream(clock or Clock()), Cable(takes)
    cable.attach(stream)
    return stream, cable
