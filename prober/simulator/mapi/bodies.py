"""Bodies of requests and answers, little-endian, laid out as MS-OXCMAPIHTTP section 2.2.4 and 2.2.5 have them."""

import struct
from dataclasses import dataclass

NO_AUXILIARY = struct.pack("<I", 0)
POLLS_MAX, RETRY_COUNT, RETRY_DELAY = 60_000, 6, 10_000
"""Milliseconds between polls, tries, and milliseconds between tries: what Connect tells a client."""
STATE = 36
"""Bytes of a STAT structure (MS-OXNSPI section 2.2.8)."""


class BodyInvalid(Exception):  # noqa: N818 - what the bytes are
    """A body is shorter than it says, or not text where it should be."""


class Reader:
    """Reads a body from the front. Raises `BodyInvalid`."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._at = 0

    def number(self) -> int:
        """Return an unsigned 32-bit number."""
        return int.from_bytes(self.take(4), "little")

    def take(self, size: int) -> bytes:
        """Return the next `size` bytes."""
        if size > len(self._raw) - self._at:
            raise BodyInvalid("shorter than it says")
        self._at += size
        return self._raw[self._at - size : self._at]

    def text(self) -> str:
        """Return ASCII text up to its NUL."""
        end = self._raw.find(b"\0", self._at)
        if end < 0:
            raise BodyInvalid("text without an end")
        found, self._at = self._raw[self._at : end], end + 1
        try:
            return found.decode("ascii")
        except UnicodeDecodeError:
            raise BodyInvalid("not ASCII") from None

    @property
    def left(self) -> int:
        """How many bytes are still to be read."""
        return len(self._raw) - self._at

    def auxiliary(self) -> bytes:
        """Return the auxiliary buffer that ends every body; it must be the end."""
        found = self.take(self.number())
        if self.left:
            raise BodyInvalid("more after the auxiliary buffer")
        return found


@dataclass(frozen=True, slots=True)
class Connect:
    """A Connect request (section 2.2.4.1.1)."""

    user_dn: str
    flags: int
    code_page: int
    auxiliary: bytes = b""


@dataclass(frozen=True, slots=True)
class Execute:
    """An Execute request (section 2.2.4.2.1): a buffer of operations, and how long its answer may be."""

    rops: bytes
    longest: int


def read_connect(raw: bytes) -> Connect:
    """Return what a Connect request asks for. Raises `BodyInvalid`."""
    reader = Reader(raw)
    user_dn, flags, code_page = reader.text(), reader.number(), reader.number()
    reader.number()
    reader.number()
    return Connect(user_dn, flags, code_page, reader.auxiliary())


def connected(dn_prefix: str, display_name: str, auxiliary: bytes = b"") -> bytes:
    """Return the answer to a Connect that began a session (section 2.2.4.1.2)."""
    numbers = struct.pack("<5I", 0, 0, POLLS_MAX, RETRY_COUNT, RETRY_DELAY)
    names = dn_prefix.encode("ascii", "replace") + b"\0" + _wide(display_name)
    return numbers + names + struct.pack("<I", len(auxiliary)) + auxiliary


def not_connected(error: int) -> bytes:
    """Return the answer to a Connect that began none, and why (MS-OXCRPC section 3.1.4.1)."""
    return struct.pack("<5I", 0, error, 0, 0, 0) + b"\0" + _wide("") + NO_AUXILIARY


def failed(status: int) -> bytes:
    """Return the answer to a request that could not be carried out at all (section 2.2.4.2.3 and others)."""
    return struct.pack("<I", status) + NO_AUXILIARY


def read_execute(raw: bytes) -> Execute:
    """Return what an Execute request asks for. Raises `BodyInvalid`."""
    reader = Reader(raw)
    reader.number()
    request = Execute(reader.take(reader.number()), reader.number())
    reader.auxiliary()
    return request


def executed(rops: bytes, error: int = 0) -> bytes:
    """Return an Execute answer (section 2.2.4.2.2)."""
    return struct.pack("<4I", 0, error, 0, len(rops)) + rops + NO_AUXILIARY


def read_notification_wait(raw: bytes) -> None:
    """Check a NotificationWait request (section 2.2.4.4.1). Raises `BodyInvalid`."""
    reader = Reader(raw)
    reader.number()
    reader.auxiliary()


def notified(*, pending: bool) -> bytes:
    """Return a NotificationWait answer (section 2.2.4.4.2)."""
    return struct.pack("<3I", 0, 0, int(pending)) + NO_AUXILIARY


def read_auxiliary(raw: bytes) -> None:
    """Check a body that is an auxiliary buffer alone: Disconnect, Unbind. Raises `BodyInvalid`."""
    Reader(raw).auxiliary()


def done(error: int = 0) -> bytes:
    """Return an answer of a status and an error code alone (sections 2.2.4.3.2 and 2.2.5.2.2)."""
    return struct.pack("<2I", 0, error) + NO_AUXILIARY


def read_bind(raw: bytes) -> None:
    """Check a Bind request (section 2.2.5.1.1). Raises `BodyInvalid`."""
    reader = Reader(raw)
    reader.number()
    if reader.take(1)[0]:
        reader.take(STATE)
    reader.auxiliary()


def read_unbind(raw: bytes) -> None:
    """Check an Unbind request (section 2.2.5.2.1). Raises `BodyInvalid`."""
    reader = Reader(raw)
    reader.number()
    reader.auxiliary()


def bound(server_guid: bytes) -> bytes:
    """Return a Bind answer (section 2.2.5.1.2)."""
    return struct.pack("<2I", 0, 0) + server_guid + NO_AUXILIARY


def _wide(text: str) -> bytes:
    return text.encode("utf-16-le") + b"\0\0"
