"""Reads bodies and operations from the front: little-endian numbers, texts up to their end, runs of bytes.

Rule of this file: whatever is shorter than it says is `mapi_body_malformed`, never an exception of Python's.
"""

from prober.faults.taxonomy import FaultError
from prober.protocols.mapi.status import MALFORMED


class Octets:
    """Bytes that are read once, from the front. `what` names them in evidence."""

    __slots__ = ("_at", "_raw", "_what")

    def __init__(self, raw: bytes, what: str) -> None:
        self._raw = raw
        self._at = 0
        self._what = what

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self._raw) - self._at

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes. Raises `FaultError`."""
        if size > self.left:
            raise self.malformed("length")
        self._at += size
        return self._raw[self._at - size : self._at]

    def number(self, size: int = 4) -> int:
        """Return an unsigned number of `size` bytes. Raises `FaultError`."""
        return int.from_bytes(self.take(size), "little")

    def text(self) -> bytes:
        """Return a text of bytes up to its NUL, which is read over. Raises `FaultError`."""
        end = self._raw.find(b"\0", self._at)
        if end < 0:
            raise self.malformed("text")
        found, self._at = self._raw[self._at : end], end + 1
        return found

    def wide_text(self) -> str:
        """Return a text of UTF-16LE up to its NUL, which is read over. Raises `FaultError`."""
        begin = self._at
        while self.number(2):
            pass
        return self._raw[begin : self._at - 2].decode("utf-16-le", "replace")

    def sized(self) -> bytes:
        """Return as many bytes as the number before them says. Raises `FaultError`."""
        return self.take(self.number())

    def malformed(self, part: str) -> FaultError:
        """Return the fault that these bytes are not what they should be."""
        return FaultError(MALFORMED, {"body": self._what, "part": part})
