"""The few commands that write: put one marker message into the inbox, and remove exactly that one again.

Rule: what is removed is named by its UID (UIDPLUS, RFC 4315), so that nobody else's deleted messages go with it.
"""

import re
from dataclasses import dataclass, field
from typing import ClassVar

from prober.faults.taxonomy import BAD_REPLY, FaultError
from prober.protocols.imap.commands import Answer, Command

APPENDED = re.compile(r"([0-9]{1,10}) ([0-9]{1,10})")


@dataclass(frozen=True, slots=True)
class Appended:
    """Where a message went: the mailbox's UIDVALIDITY and the message's UID."""

    uid_validity: int
    uid: int


@dataclass(frozen=True, slots=True)
class Append(Command[Appended]):
    """APPEND to the inbox (RFC 9051 section 6.3.12) as a message already seen; the literal waits to be asked for."""

    message: bytes = field(repr=False)

    name: ClassVar[str] = "APPEND"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command, and the message for when the server is ready."""
        return (b"APPEND INBOX (\\Seen) {%d}" % len(self.message), self.message)

    def read(self, answer: Answer) -> Appended:
        """Return where it went; a server that offers UIDPLUS tells."""
        found = APPENDED.fullmatch(answer.code("APPENDUID") or "")
        if found is None:
            raise FaultError(BAD_REPLY, {"missing": "APPENDUID"})
        return Appended(int(found[1]), int(found[2]))


@dataclass(frozen=True, slots=True)
class Select(Command[int]):
    """SELECT INBOX (RFC 9051 section 6.3.2) for writing: its UIDVALIDITY."""

    name: ClassVar[str] = "SELECT"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command."""
        return (b"SELECT INBOX",)

    def read(self, answer: Answer) -> int:
        """Return the mailbox's UIDVALIDITY."""
        validity = answer.code_number("UIDVALIDITY")
        if validity is None:
            raise FaultError(BAD_REPLY, {"missing": "UIDVALIDITY"})
        return validity


@dataclass(frozen=True, slots=True)
class MarkDeleted(Command[None]):
    """UID STORE of the deleted flag on one message (RFC 9051 section 6.4.9)."""

    uid: int

    name: ClassVar[str] = "UID STORE"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command."""
        return (b"UID STORE %d +FLAGS.SILENT (\\Deleted)" % self.uid,)

    def read(self, answer: Answer) -> None:
        """Nothing but OK."""


@dataclass(frozen=True, slots=True)
class ExpungeOne(Command[None]):
    """UID EXPUNGE of one message (RFC 4315 section 2.1)."""

    uid: int

    name: ClassVar[str] = "UID EXPUNGE"

    def segments(self) -> tuple[bytes, ...]:
        """Return the command."""
        return (b"UID EXPUNGE %d" % self.uid,)

    def read(self, answer: Answer) -> None:
        """Nothing but OK."""
