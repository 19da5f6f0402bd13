"""A phone, and answers written out by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import Fault, FaultError
from prober.protocols.eas.command import Phone

PHONE = Phone("https://mail.example.test/Microsoft-Server-ActiveSync", "a@b", "DEV1", "HealthProbe", "14.1", "7")
HEADER = b"\x03\x01\x6a\x00"


def page(number: int) -> bytes:
    """Switch to a code page."""
    return bytes((0x00, number))


def tag(token: int, *inside: bytes | str) -> bytes:
    """Return an element of the current page: texts are inline strings, bytes go in as they are."""
    if not inside:
        return bytes((token,))
    parts = (b"\x03" + one.encode() + b"\x00" if isinstance(one, str) else one for one in inside)
    return bytes((token | 0x40,)) + b"".join(parts) + b"\x01"


def answer(*parts: bytes, status: int = 200, headers: dict[str, str] | None = None) -> Reply:
    """Return an answer whose document is `parts`; without parts its body is empty."""
    body = HEADER + b"".join(parts) if parts else b""
    return Reply(status, Headers((headers or {}).items()), body)


def refused(read: Callable[[Reply], Any], reply: Reply) -> Fault:
    """Return the fault that reading `reply` gives."""
    with pytest.raises(FaultError) as caught:
        read(reply)
    return caught.value.fault
