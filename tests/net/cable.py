"""A connection without a network: its kernel is moved by hand."""

from prober.net.stream import Stream
from tests.net.clocks import Clock


class Cable:
    """A link that takes as many bytes at once as it is told to, and remembers what was asked of it."""

    def __init__(self, takes: int = 1 << 30) -> None:
        self.takes = takes
        self.sent = b""
        self.left = 0
        self.reading = True
        self.closed = False

    def attach(self, stream: Stream) -> None:
        self._stream = stream
        stream.connection_made(self)

    @property
    def peer(self) -> str:
        return "192.0.2.1"

    def write(self, data: bytes) -> None:
        self.sent += data
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

    def close(self, last: bytes = b"") -> None:
        self.sent += last
        self.closed = True


def plugged(clock: Clock | None = None, takes: int = 1 << 30) -> tuple[Stream, Cable]:
    """Return a stream that stands, and its cable."""
    stream, cable = Stream(clock or Clock()), Cable(takes)
    cable.attach(stream)
    return stream, cable
