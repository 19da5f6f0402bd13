"""Answers written out by hand: heads, the lines before a body, and bodies field by field."""

import struct
from collections.abc import Sequence

import pytest

from prober.exchange import Headers, Reply
from prober.faults.taxonomy import Fault, FaultError
from prober.protocols.mapi.envelope import Request

INSTANCE = "{C715155F-2BE8-44E0-BD34-2960065754C8}"
URL = "https://mail.contoso.com/mapi/emsmdb/?MailboxId=416c6368-656d-794a-6f45-57615272456e@Contoso.com"
DN = "/o=microsoft/ou=Contoso/cn=Recipients/cn=486021"
REQUEST = Request(URL, INSTANCE, 2, "Outlook/15.0.4815.1002")
COOKIES = ("Set-Cookie", "MapiContext=opaque"), ("Set-Cookie", "MapiSequence=opaque")
DONE = (
    b"PROCESSING\r\nDONE\r\nX-ResponseCode: 0\r\nX-ElapsedTime: 250\r\n"
    b"X-StartTime: Mon, 16 Mar 2026 06:42:00 GMT\r\n\r\n"
)
END = DONE.removeprefix(b"PROCESSING\r\n")
CONNECTED = (
    bytes.fromhex("00000000 00000000 60EA0000 06000000 10270000")
    + b"/o=microsoft/ou=Contoso/cn=Recipients/cn=\0"
    + "User Display Name".encode("utf-16-le")
    + bytes(2 + 4)
)
"""Status, error, polls, tries, delay, prefix, name, no auxiliary buffer (MS-OXCMAPIHTTP section 2.2.4.1.2)."""


def head(kind: str, code: str = "0", number: int = 2) -> list[tuple[str, str]]:
    """Return the header fields of the examples in MS-OXCMAPIHTTP section 4."""
    fields = {
        "Content-Type": "application/mapi-http",
        "X-PendingPeriod": "15000",
        "X-RequestType": kind,
        "X-RequestId": f"{INSTANCE}:{number}",
        "X-ResponseCode": code,
        "X-ClientInfo": INSTANCE,
        "X-ServerApplication": "Exchange/15.02.1544.004",
        "X-ExpirationInfo": "900000",
    }
    return list(fields.items())


def answer(kind: str, content: bytes, *cookies: tuple[str, str], number: int = 2) -> Reply:
    """Return the answer to a request of type `kind`."""
    return Reply(200, Headers([*head(kind, number=number), *cookies]), DONE + content)


def refused(kind: str, code: int, number: int = 2) -> Reply:
    """Return an answer that is none: 200 all the same, and a page."""
    fields = [*head(kind, str(code), number), ("Content-Type", "text/html")]
    return Reply(200, Headers(fields), b"<html><body>The request failed.</body></html>")


def buffer(answers: bytes, *handles: int) -> bytes:
    """Return answers to operations as they travel (MS-OXCRPC section 2.2.2.1, MS-OXCROPS section 2.2.1)."""
    payload = struct.pack("<H", len(answers) + 2) + answers + struct.pack(f"<{len(handles)}I", *handles)
    return bytes.fromhex("0000 0400") + struct.pack("<HH", len(payload), len(payload)) + payload


def executed(buffered: bytes, error: int = 0, status: int = 0) -> bytes:
    """Return the body of an Execute answer (MS-OXCMAPIHTTP section 2.2.4.2.2)."""
    return struct.pack("<4I", status, error, 0, len(buffered)) + buffered + bytes(4)


FOLDERS = b"".join(bytes((1, 0, 0, 0, 0, 0, 0, number)) for number in range(1, 14))
GRANTED = bytes.fromhex("FE 00 00000000 01") + FOLDERS + bytes((7,)) + bytes(16 + 2 + 16 + 8 + 8 + 4)
"""RopLogon's answer for a private mailbox (MS-OXCROPS section 2.2.3.1.2)."""
LOGGED_ON = executed(buffer(GRANTED, 1))
REGISTERED = executed(buffer(bytes.fromhex("29 01 00000000"), 1, 2))
TOLD = executed(buffer(bytes.fromhex("2A 02000000 00 0200") + bytes(20), 1, 2))
"""RopNotify about new mail; its details cut short (MS-OXCROPS section 2.2.14.2)."""
NOTHING = executed(buffer(b""))


def notified(pending: int, error: int = 0, status: int = 0) -> bytes:
    """Return the body of a NotificationWait answer (MS-OXCMAPIHTTP section 2.2.4.4.2)."""
    return struct.pack("<4I", status, error, pending, 0)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Scripted:
    """Implements `Flow`: bytes as they come, numbers of seconds in between, `None` for silence, and exceptions."""

    def __init__(
        self,
        pieces: Sequence[bytes | float | Exception | None],
        reply: Reply | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.pieces = list(pieces)
        self.reply = reply or Reply(200, Headers(head("NotificationWait")))
        self.clock = clock or Clock()
        self.asked: list[float] = []
        self.closed = False

    @property
    def status(self) -> int:
        return self.reply.status

    @property
    def headers(self) -> Headers:
        return self.reply.headers

    async def receive(self, within: float) -> bytes | None:
        self.asked.append(within)
        piece = self.pieces.pop(0) if self.pieces else b""
        if isinstance(piece, float):
            return await self._pass(piece, within)
        if isinstance(piece, Exception):
            raise piece
        self.clock.now += within if piece is None else 0.0
        return piece

    async def _pass(self, seconds: float, within: float) -> bytes | None:
        self.clock.now += min(seconds, within)
        if seconds > within:
            self.pieces.insert(0, seconds - within)
            return None
        return await self.receive(within - seconds)

    async def rest(self) -> Reply:
        return self.reply

    async def close(self) -> None:
        self.closed = True


def fault_of(question: object, reply: Reply) -> Fault:
    """Return the fault that a question makes of a reply."""
    with pytest.raises(FaultError) as caught:
        question.read(reply)  # type: ignore[attr-defined]  # every question has it
    return caught.value.fault
