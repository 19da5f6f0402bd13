"""What each command sends, byte for byte, and what it reads from an answer."""

from datetime import UTC, datetime
from typing import Any

import pytest

from prober.faults.taxonomy import BAD_REPLY, STARTTLS_REFUSED, Fault, FaultError
from prober.protocols.imap import status as kinds
from prober.protocols.imap.commands import (
    Answer,
    AskCapability,
    AskCapabilityAgain,
    AskNamespace,
    Command,
    Examine,
    Examined,
    FetchArrivals,
    FetchDate,
    FetchNewest,
    FindSubject,
    Identify,
    ListAll,
    Logout,
    Message,
    Noop,
    StartTls,
    quoted,
)
from prober.protocols.imap.responses import Continuation, Status, parse
from prober.protocols.imap.status import Stage


def answer(*lines: bytes) -> Answer:
    """Read an answer whose last line is the tagged response."""
    *data, last = (parse(line) for line in lines)
    assert isinstance(last, Status)
    return Answer(last, tuple(data))


SENT: list[tuple[Command[Any], bytes, Stage]] = [
    (AskCapability(), b"CAPABILITY", Stage.BEFORE_LOGIN),
    (AskCapabilityAgain(), b"CAPABILITY", Stage.MAILBOX),
    (Identify("mail probe", '1"0\\'), b'ID ("name" "mail probe" "version" "1\\"0\\\\")', Stage.BEFORE_LOGIN),
    (StartTls(), b"STARTTLS", Stage.BEFORE_LOGIN),
    (AskNamespace(), b"NAMESPACE", Stage.MAILBOX),
    (ListAll(), b'LIST "" "*"', Stage.MAILBOX),
    (ListAll(special_use=True), b'LIST "" "*" RETURN (SPECIAL-USE)', Stage.MAILBOX),
    (Examine(), b"EXAMINE INBOX", Stage.MAILBOX),
    (FetchNewest(17), b"UID FETCH 17:* (UID FLAGS INTERNALDATE RFC822.SIZE)", Stage.MAILBOX),
    (FetchDate(21), b"UID FETCH 21 (BODY.PEEK[HEADER.FIELDS (DATE)])", Stage.MAILBOX),
    (FetchArrivals(10), b"FETCH 10:* (INTERNALDATE)", Stage.MAILBOX),
    (FindSubject("x7 canary"), b'UID SEARCH SUBJECT "x7 canary"', Stage.MAILBOX),
    (FindSubject('a"b\\c'), b'UID SEARCH SUBJECT "a\\"b\\\\c"', Stage.MAILBOX),
    (Noop(), b"NOOP", Stage.MAILBOX),
    (Logout(), b"LOGOUT", Stage.LOGOUT),
]


@pytest.mark.parametrize(("command", "line", "stage"), SENT)
def test_a_command_is_one_line_of_fixed_bytes(command: Command[Any], line: bytes, stage: Stage) -> None:
    """What is sent changes nothing in the mailbox: EXAMINE, BODY.PEEK."""
    assert command.segments() == (line,)
    assert command.stage is stage
    assert line.startswith(command.name.encode())


def test_nothing_is_said_to_a_request_for_more_that_nobody_expects() -> None:
    """A continuation within a one-line command breaks the protocol."""
    with pytest.raises(FaultError) as caught:
        Noop().respond(Continuation(b""))
    assert caught.value.fault.kind is BAD_REPLY


def test_capability_wants_a_revision_we_speak() -> None:
    """The list must be there and name IMAP4rev1 or IMAP4rev2."""
    good = answer(b"* CAPABILITY IMAP4rev1 SASL-IR", b"A1 OK done")
    assert AskCapability().read(good) == {"IMAP4REV1", "SASL-IR"}
    for lines in ((b"A1 OK done",), (b"* CAPABILITY IMAP4 SASL-IR", b"A1 OK done")):
        with pytest.raises(FaultError):
            AskCapability().read(answer(*lines))


def test_id_takes_any_answer() -> None:
    """A refusal is `None`, silence about the server is an empty record."""
    command = Identify("a", "1")
    refused = answer(b"A2 BAD Command Error. 12")
    assert command.settles(refused)
    assert command.read(refused) is None
    silent, told = command.read(answer(b"A2 OK")), command.read(answer(b'* ID ("name" "Dovecot")', b"A2 OK"))
    assert silent is not None
    assert told is not None
    assert (dict(silent.fields), dict(told.fields)) == ({}, {"name": "Dovecot"})


def test_refused_starttls_is_named_so_whatever_the_words() -> None:
    """NO and BAD alike."""
    fault = StartTls().refused(answer(b"A1 BAD what"), Fault(kinds.COMMAND_REFUSED, {"condition": "BAD"}))
    assert (fault.kind, fault.evidence) == (STARTTLS_REFUSED, {"condition": "BAD"})


def test_namespace_must_be_told() -> None:
    """OK without data is no answer."""
    assert AskNamespace().read(answer(b'* NAMESPACE (("" "/")) NIL NIL', b"A1 OK")).personal[0].delimiter == "/"
    with pytest.raises(FaultError):
        AskNamespace().read(answer(b"A1 OK"))


def test_a_list_without_inbox_is_a_failure() -> None:
    """The inbox may be spelt in any case (RFC 9051 section 5.1), but it must be there."""
    listed = ListAll().read(answer(b'* LIST () "/" "Inbox"', rb'* LIST (\Sent) "/" Sent', b"A1 OK"))
    assert len(listed) == 2
    for lines in ((b"A1 OK",), (b'* LIST () "/" Sent', b"A1 OK")):
        with pytest.raises(FaultError) as caught:
            ListAll().read(answer(*lines))
        assert caught.value.fault.kind is kinds.NO_INBOX


EXAMINED = (
    rb"* FLAGS (\Seen)",
    b"* 3 EXISTS",
    b"* 0 RECENT",
    b"* OK [UIDVALIDITY 1700000000] UIDs valid",
    b"* OK [UIDNEXT 22] Predicted next UID",
)


def test_examine_reads_the_numbers_of_the_mailbox() -> None:
    """Count, UIDVALIDITY, UIDNEXT, and whether it really is read-only."""
    done = b"A1 OK [READ-ONLY] done"
    assert Examine().read(answer(*EXAMINED, done)) == Examined(3, 1_700_000_000, 22, read_only=True)
    assert Examine().read(answer(*EXAMINED[:4], b"A1 OK [READ-WRITE] done")) == Examined(
        3, 1_700_000_000, None, read_only=False
    )


@pytest.mark.parametrize(
    "lines",
    [
        (*EXAMINED[2:], b"A1 OK"),
        (*EXAMINED[:3], b"A1 OK"),
        (*EXAMINED, b"* OK [UIDVALIDITY soon]", b"A1 OK"),
        (*EXAMINED, b"* OK [UIDNEXT -1]", b"A1 OK"),
        (*EXAMINED, b"* OK [UIDNEXT 123456789012345678901]", b"A1 OK"),
    ],
)
def test_examine_without_what_a_client_needs_is_a_bad_reply(lines: tuple[bytes, ...]) -> None:
    """EXISTS and UIDVALIDITY must come, and numbers must be numbers."""
    with pytest.raises(FaultError) as caught:
        Examine().read(answer(*lines))
    assert caught.value.fault.kind is BAD_REPLY


FIRST = b'* 2 FETCH (UID 20 FLAGS () INTERNALDATE "01-Jan-2026 10:00:00 +0200" RFC822.SIZE 512)'
SECOND = b'* 3 FETCH (UID 21 FLAGS (\\Seen) INTERNALDATE "02-Jan-2026 10:00:00 +0000" RFC822.SIZE 600)'
MESSAGES = (
    Message(20, 512, datetime(2026, 1, 1, 8, tzinfo=UTC)),
    Message(21, 600, datetime(2026, 1, 2, 10, tzinfo=UTC)),
)


def test_fetch_reads_messages_in_one_response_or_in_several() -> None:
    """A message may be told in pieces; flags alone are somebody else's change."""
    pieces = (
        b'* 3 FETCH (UID 21 INTERNALDATE "02-Jan-2026 10:00:00 +0000")',
        b"* 9 FETCH (FLAGS (\\Deleted))",
        b"* 3 FETCH (UID 21 RFC822.SIZE 600 FLAGS ())",
    )
    assert FetchNewest(17).read(answer(FIRST, SECOND, b"A1 OK")) == MESSAGES
    assert FetchNewest(17).read(answer(FIRST, *pieces, b"A1 OK")) == MESSAGES


def test_one_bad_item_is_no_fault_but_none_at_all_is() -> None:
    """`NO Some messages could not be FETCHed` counts only when nothing was fetched."""
    partial, nothing = b"A1 NO Some messages could not be FETCHed", answer(b"A1 NO Some messages could not be FETCHed")
    assert FetchNewest(17).settles(answer(FIRST, partial))
    assert FetchNewest(17).settles(answer(FIRST, b"A1 NO [EXPUNGEISSUED] gone"))
    assert not FetchNewest(17).settles(nothing)
    assert not FetchNewest(17).settles(answer(FIRST, b"A1 NO Server Unavailable. 15"))
    assert not FetchNewest(17).settles(answer(FIRST, b"A1 BAD Some messages could not be FETCHed"))


def test_a_fetch_that_finds_nothing_is_a_bad_reply_unless_messages_went_away() -> None:
    """The range ends in `*`, so a mailbox with messages always has one to tell."""
    assert FetchNewest(17).read(answer(b"* 3 EXPUNGE", b"A1 OK")) == ()
    for lines in ((b"A1 OK",), (b'* 2 FETCH (UID x INTERNALDATE "x" RFC822.SIZE 5)', b"A1 OK")):
        with pytest.raises(FaultError) as caught:
            FetchNewest(17).read(answer(*lines))
        assert caught.value.fault.kind is BAD_REPLY


def test_the_header_must_come_with_its_message() -> None:
    """Whatever it holds, an empty one too; a message expunged meanwhile is none."""
    assert FetchDate(21).read(answer(b"* 3 FETCH (UID 21 BODY[HEADER.FIELDS (DATE)] {2}\r\n\r\n)", b"A1 OK"))
    assert not FetchDate(21).read(answer(b"* 3 EXPUNGE", b"A1 OK"))
    for lines in ((b"A1 OK",), (b"* 3 FETCH (UID 21 BODY[HEADER.FIELDS (DATE)] NIL)", b"A1 OK")):
        with pytest.raises(FaultError):
            FetchDate(21).read(answer(*lines))


def test_noop_logout_and_starttls_need_nothing_but_ok() -> None:
    """They have nothing to read."""
    for command in (Noop(), Logout(), StartTls()):
        assert command.settles(answer(b"A1 OK"))
        assert not command.settles(answer(b"A1 NO"))
        command.read(answer(b"A1 OK"))


def test_codes_are_found_in_untagged_and_tagged_responses_the_last_one_first() -> None:
    """Exchange puts READ-ONLY into the tagged response, others before it."""
    said = answer(b"* OK [UIDNEXT 5]", b"* OK [UIDNEXT 6]", b"A1 OK [READ-ONLY]")
    assert said.code_number("UIDNEXT") == 6
    assert said.code("READ-ONLY") == ""
    assert said.code("UIDVALIDITY") is None


def test_quoting_escapes_what_must_be_escaped() -> None:
    """Only the quotation mark and the backslash."""
    assert quoted('a"b\\c{d}') == b'"a\\"b\\\\c{d}"'


def test_what_cannot_be_quoted_is_searched_for_as_a_literal() -> None:
    """RFC 3501 section 4.3; beyond ASCII with its charset (section 6.4.4)."""
    assert FindSubject("a\tb").segments() == (b"UID SEARCH SUBJECT {3}", b"a\tb")
    assert FindSubject("K\u00e4fer").segments() == (b"UID SEARCH CHARSET UTF-8 SUBJECT {6}", b"K\xc3\xa4fer")
    assert "canary" not in repr(FindSubject("canary"))


@pytest.mark.parametrize(
    ("lines", "expected"),
    [((b"* SEARCH 2 84 882",), (2, 84, 882)), ((b"* SEARCH",), ()), ((), ()), ((b"* SEARCH 2", b"* SEARCH 3"), (2, 3))],
)
def test_a_search_tells_what_it_found(lines: tuple[bytes, ...], expected: tuple[int, ...]) -> None:
    """The first is the example of RFC 3501 section 6.4.4."""
    assert FindSubject("x").read(answer(*lines, b"A1 OK SEARCH completed")) == expected


def test_arrivals_are_those_from_the_number_asked_for_on() -> None:
    """`10:*` names message 9 where there is no other (RFC 3501 section 9 `seq-range`); flags alone are no answer."""
    command = FetchArrivals(10)
    one = b'* %d FETCH (INTERNALDATE "17-Jul-1996 02:44:25 -0700")'
    told = answer(one % 9, one % 11, b"* 12 FETCH (FLAGS (\\Seen))", b"A1 OK")
    assert command.settles(told)
    assert command.read(told) == (datetime(1996, 7, 17, 9, 44, 25, tzinfo=UTC),)
    partial = answer(b"A1 NO Some messages could not be FETCHed")
    assert command.settles(partial)
    assert command.read(partial) == ()
    assert not command.settles(answer(b"A1 NO not today"))
    with pytest.raises(FaultError):
        command.read(answer(b"* 10 FETCH (INTERNALDATE x)", b"A1 OK"))
