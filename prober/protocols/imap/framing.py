"""Half-arrived bytes become whole responses: the only place in this room that knows of chunks.

Rule: the same responses come out for every way of slicing the same bytes, in time linear in their number, and no more
than `Framer.response_limit` bytes plus the chunk just fed are ever held.
"""

import re
from collections import deque

from prober.faults.taxonomy import BAD_REPLY, REPLY_TOO_LARGE, FaultError

LINE_LIMIT = 65_536
LITERAL_LIMIT = 1 << 20
RESPONSE_LIMIT = LITERAL_LIMIT + 4 * LINE_LIMIT

LITERAL = re.compile(rb"~?\{(\d{1,20})\+?\}\r\n\Z")
"""A line that goes on after so many bytes: RFC 9051 section 9 `literal`, RFC 3516 `literal8`."""
CLOSING_BRACE, CARRIAGE_RETURN = ord("}"), ord("\r")
CARRIES_DATA = re.compile(rb"\* (?!(?:OK|NO|BAD|BYE|PREAUTH)(?![^ \r\n]))", re.IGNORECASE)
"""Only untagged data holds literals: free text that happens to end in `{12}` announces nothing."""


class Framer:
    """Give it bytes as they come; ask it for responses until it says `None`. Limits are in bytes."""

    __slots__ = (
        "_buffer",
        "_farthest",
        "_fresh",
        "_line",
        "_lines",
        "_scanned",
        "line_limit",
        "literal_limit",
        "response_limit",
    )

    def __init__(
        self,
        *,
        line_limit: int = LINE_LIMIT,
        literal_limit: int = LITERAL_LIMIT,
        response_limit: int = RESPONSE_LIMIT,
    ) -> None:
        self.line_limit = line_limit
        self.literal_limit = literal_limit
        self.response_limit = response_limit
        self._lines: deque[bytes] = deque()  # whole responses that came before what is in the buffer
        self._buffer = bytearray()
        self._fresh = False  # whether the buffer has not been looked at since bytes came
        self._go_on_at(0)

    def _go_on_at(self, place: int) -> None:
        self._line = place  # where the line under way begins
        self._scanned = place  # up to where no line feed was found
        self._farthest = min(place + self.line_limit, self.response_limit)  # where it ends at the latest

    @property
    def pending(self) -> int:
        """Bytes in hand that belong to responses not yet given out."""
        return sum(len(line) + 2 for line in self._lines) + len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take the next bytes."""
        self._buffer += data
        self._fresh = True

    def next_response(self) -> bytes | None:
        """Return the next whole response without its final CRLF, literals in place, or `None`: more data needed.

        Raises `FaultError`: `bad_reply` for a line feed without carriage return, `reply_too_large` past a limit.
        """
        if self._lines:
            return self._lines.popleft()
        if not self._buffer:
            return None
        if self._fresh and not self._scanned:
            self._fresh = False
            if self._take_lines():
                return self._lines.popleft()
        return self._at_length()

    def _take_lines(self) -> bool:
        """Take all lines at once, as long as none announces a literal or is at fault; return whether there were any.

        Looked at once for what came, or time would not be linear.
        """
        buffer = self._buffer
        end = buffer.rfind(b"\r\n") + 2
        if not 2 <= end <= self._farthest or b"}\r\n" in buffer or buffer.count(b"\n") != buffer.count(b"\r\n"):
            return False
        self._lines.extend(bytes(buffer[: end - 2]).split(b"\r\n"))
        del buffer[:end]
        return True

    def _at_length(self) -> bytes | None:
        """Return what `next_response` does, line by line."""
        buffer = self._buffer
        while (feed := buffer.find(b"\n", self._scanned)) >= 0:
            end = feed + 1
            if end > self._farthest:
                raise FaultError(REPLY_TOO_LARGE, {"part": "line"})
            if feed == self._line or buffer[feed - 1] != CARRIAGE_RETURN:
                raise FaultError(BAD_REPLY, {"grammar": "line feed without carriage return"})
            announced = self._announced(end) if buffer[end - 3] == CLOSING_BRACE else None
            if announced is None:
                response = bytes(buffer[: end - 2])
                del buffer[:end]
                if self._line:
                    self._go_on_at(0)
                self._scanned = 0
                return response
            self._go_on_at(end + announced)
        if len(buffer) > self._farthest:
            raise FaultError(REPLY_TOO_LARGE, {"part": "line"})
        self._scanned = max(self._scanned, len(buffer))
        return None

    def _announced(self, end: int) -> int | None:
        """Return how many bytes of a literal the line that ends at `end` announces, or `None`."""
        literal = LITERAL.search(self._buffer, max(self._line, end - 26), end)
        if literal is None or not CARRIES_DATA.match(self._buffer):
            return None
        size = int(literal[1])
        if size > self.literal_limit or end + size > self.response_limit:
            raise FaultError(REPLY_TOO_LARGE, {"part": "literal"})
        return size
