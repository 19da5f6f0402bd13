"""The commands that write, byte for byte, and what they read."""

from typing import Any

import pytest

from prober.faults.taxonomy import BAD_REPLY, FaultError
from prober.protocols.imap.commands import Answer, Command
from prober.protocols.imap.marker import Append, Appended, ExpungeOne, MarkDeleted, Select
from prober.protocols.imap.responses import Status, parse

MESSAGE = b"Subject: x\r\n\r\nx\r\n"


def answer(*lines: bytes) -> Answer:
    """Read an answer whose last line is the tagged response."""
    *data, last = (parse(line) for line in lines)
    assert isinstance(last, Status)
    return Answer(last, tuple(data))


SENT: list[tuple[Command[Any], tuple[bytes, ...]]] = [
    (Append(MESSAGE), (b"APPEND INBOX (\\Seen) {17}", MESSAGE)),
    (Select(), (b"SELECT INBOX",)),
    (MarkDeleted(3955), (b"UID STORE 3955 +FLAGS.SILENT (\\Deleted)",)),
    (ExpungeOne(3955), (b"UID EXPUNGE 3955",)),
]


@pytest.mark.parametrize(("command", "pieces"), SENT, ids=lambda one: getattr(one, "name", ""))
def test_each_command_is_sent_as_the_standard_has_it(command: Command[Any], pieces: tuple[bytes, ...]) -> None:
    """And names one message at the most."""
    assert command.segments() == pieces
    assert pieces[0].startswith(command.name.encode())


def test_the_message_is_not_printed() -> None:
    """It holds an address."""
    assert "Subject" not in repr(Append(MESSAGE))


def test_the_server_tells_where_the_message_went() -> None:
    """The example of RFC 4315 section 3."""
    told = answer(b"A003 OK [APPENDUID 38505 3955] APPEND completed")
    assert Append(MESSAGE).read(told) == Appended(38505, 3955)


@pytest.mark.parametrize("code", [b"", b"[APPENDUID] ", b"[APPENDUID 1] ", b"[APPENDUID 1 2:3] ", b"[APPENDUID a b] "])
def test_a_server_that_does_not_tell_one_place_is_not_believed(code: bytes) -> None:
    """The message could not be removed again."""
    with pytest.raises(FaultError) as caught:
        Append(MESSAGE).read(answer(b"A1 OK " + code + b"done"))
    assert caught.value.fault.kind is BAD_REPLY


def test_the_open_mailbox_has_its_validity() -> None:
    """The example of RFC 3501 section 6.3.1; without it no UID means anything."""
    assert (
        Select().read(answer(b"* OK [UIDVALIDITY 3857529045] UIDs valid", b"A142 OK [READ-WRITE] done")) == 3857529045
    )
    with pytest.raises(FaultError):
        Select().read(answer(b"A142 OK done"))


@pytest.mark.parametrize("command", [MarkDeleted(1), ExpungeOne(1)], ids=lambda one: one.name)
def test_what_only_has_to_succeed_reads_nothing(command: Command[None]) -> None:
    """Nothing but OK lets the client go on."""
    assert command.settles(answer(b"A1 OK"))
    assert not command.settles(answer(b"A1 NO"))
    command.read(answer(b"A1 OK"))
