"""Cuts what a client sends into lines and commands (RFC 3501 section 2.2, literals of RFC 7888), bytes in, bytes out.

Rule of this file: every read has a limit, and no byte is looked at twice however the stream is cut.
"""

import re
from enum import Enum

LINE_LIMIT = 10_240
"""Octets of one command without its literals: the longest command line an Exchange Server takes by default."""
LITERAL_LIMIT = 10 * 1024 * 1024
LITERAL = re.compile(rb"\{(\d{1,20})(\+?)\}$")


class Wanted(Enum):
    """What is needed before there is a command: a go-ahead for a literal."""

    LITERAL = "literal"


class Overlong(Exception):  # noqa: N818 - a signal: the protocol words the refusal
    """A command is too long. `start` is the beginning of it; `lost`: what follows cannot be told from its rest."""

    def __init__(self, start: bytes, *, lost: bool) -> None:
        super().__init__("too long")
        self.start = start
        self.lost = lost


class Reader:
    """Collects bytes. `literal_limit` bounds the octets of all literals of one command."""

    __slots__ = ("_buffer", "_literals", "_resume", "_scanned", "_text", "literal_limit")

    def __init__(self, literal_limit: int = LINE_LIMIT) -> None:
        self.literal_limit = literal_limit
        self._buffer = bytearray()
        self._resume = self._scanned = self._text = self._literals = 0

    @property
    def waiting(self) -> int:
        """Octets received and not yet taken."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take what arrived."""
        self._buffer += data

    def clear(self) -> None:
        """Throw away what has not been taken."""
        self._buffer.clear()
        self._forget()

    def line(self) -> bytes | None:
        """Return the next line without its end, `None` until it is there. Raises `Overlong`."""
        newline = self._newline()
        return None if newline < 0 else self._taken(newline)

    def command(self) -> bytes | Wanted | None:
        """Return the next command, literals in place, or a wish; `None` until more arrives. Raises `Overlong`."""
        while len(self._buffer) >= self._resume:
            newline = self._newline()
            if newline < 0:
                return None
            literal = LITERAL.search(bytes(self._buffer[self._resume : newline]).removesuffix(b"\r"))
            if literal is None:
                return self._taken(newline)
            self._expect(newline, int(literal[1]), asked=not literal[2])
            if not literal[2]:
                return Wanted.LITERAL
        return None

    def _newline(self) -> int:
        """Return where the line at hand ends, -1 while it has not."""
        newline = self._buffer.find(b"\n", max(self._resume, self._scanned))
        end = len(self._buffer) if newline < 0 else newline
        if self._text + end - self._resume > LINE_LIMIT:
            raise self._overlong(lost=True)
        self._scanned = end
        return newline

    def _expect(self, newline: int, size: int, *, asked: bool) -> None:
        self._literals += size
        if self._literals > self.literal_limit:
            raise self._overlong(lost=not asked)
        self._text += newline - self._resume
        self._resume = newline + 1 + size

    def _overlong(self, *, lost: bool) -> Overlong:
        start = bytes(self._buffer[:100])
        self.clear()
        return Overlong(start, lost=lost)

    def _taken(self, newline: int) -> bytes:
        taken = bytes(self._buffer[:newline]).removesuffix(b"\r")
        del self._buffer[: newline + 1]
        self._forget()
        return taken

    def _forget(self) -> None:
        self._resume = self._scanned = self._text = self._literals = 0
