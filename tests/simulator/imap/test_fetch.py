"""What FETCH can ask for."""

import pytest

from prober.simulator.imap.fetch import read_wishes
from prober.simulator.imap.message import Letter
from prober.simulator.imap.scanner import BadSyntax, Scanner
from tests.simulator.imap.desk import alice


def fetched(asked: bytes) -> bytes:
    mailbox = alice(1)
    scanner = Scanner(asked)
    wishes = read_wishes(scanner)
    scanner.end()
    letter = Letter(mailbox.inbox.items[1])
    return b" ".join(wish.written(letter, mailbox.inbox) for wish in wishes)


@pytest.mark.parametrize(
    ("asked", "value"),
    [
        (b"FLAGS", b"FLAGS ()"),
        (b"(uid internaldate)", b'UID 1 INTERNALDATE " 2-Mar-2026 09:00:00 +0000"'),
        (b"BODY.PEEK[TEXT]", b"BODY[TEXT] {9}\r\nText 1.\r\n"),
        (b"BODY[1]<2.4>", b'BODY[1]<2> "xt 1"'),
        (b"BODY[]<5.3>", b'BODY[]<5> " se"'),
        (b"BODY[]<99999.3>", b'BODY[]<99999> ""'),
        (b"BODY[2]", b"BODY[2] NIL"),
        (b"RFC822.TEXT", b"RFC822.TEXT {9}\r\nText 1.\r\n"),
        (
            b"BODY.PEEK[HEADER.FIELDS (Subject X-No)]",
            b"BODY[HEADER.FIELDS (Subject X-No)] {21}\r\nSubject: Report 1\r\n\r\n",
        ),
    ],
)
def test_each_thing_is_answered_under_its_own_name(asked: bytes, value: bytes) -> None:
    assert fetched(asked) == value


def test_the_size_is_that_of_the_whole_message() -> None:
    whole = fetched(b"BODY[]")
    size = int(fetched(b"RFC822.SIZE").split()[1])
    assert whole.startswith(b"BODY[] {%d}\r\n" % size)
    assert len(whole) == size + len(b"BODY[] {%d}\r\n" % size)


def test_all_header_fields_but_some_are_the_rest() -> None:
    rest = fetched(b"BODY[HEADER.FIELDS.NOT (From To)]")
    assert b"Subject: Report 1" in rest
    assert b"From:" not in rest


def test_the_mime_header_of_the_part_is_the_content_fields() -> None:
    assert b"Content-Type: text/plain" in fetched(b"BODY[1.MIME]")
    assert b"Subject" not in fetched(b"BODY[1.MIME]")


@pytest.mark.parametrize(
    ("macro", "names"),
    [
        (b"FAST", [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE"]),
        (b"ALL", [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE"]),
        (b"FULL", [b"FLAGS", b"INTERNALDATE", b"RFC822.SIZE", b"ENVELOPE", b"BODY"]),
    ],
)
def test_macros_stand_for_several(macro: bytes, names: list[bytes]) -> None:
    assert [wish.label for wish in read_wishes(Scanner(macro))] == names


@pytest.mark.parametrize(("asked", "reads"), [(b"BODY[]", True), (b"BODY.PEEK[]", False), (b"RFC822", True)])
def test_only_some_ways_of_asking_mark_as_read(asked: bytes, reads: bool) -> None:
    assert read_wishes(Scanner(asked))[0].reads is reads


@pytest.mark.parametrize(
    "asked",
    [
        b"",
        b"()",
        b"NONSENSE",
        b"(FAST)",
        b"BODY[",
        b"BODY[X]",
        b"BODY[HEADER.FIELDS]",
        b"BODY[HEADER.FIELDS ()]",
        b"BODY[HEADER.FIELDS (a\x00)]",
        b'BODY[HEADER.FIELDS ("a\x7f")]',
        b"BODY[]<1>",
        b"BODY[]<1.0>",
        b"(FLAGS",
        b"(FLAGS UID",
        b"BODY.PEEK",
    ],
)
def test_what_cannot_be_asked_for_is_bad(asked: bytes) -> None:
    with pytest.raises(BadSyntax):
        fetched(asked)
