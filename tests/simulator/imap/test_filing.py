"""Putting messages into folders."""

from datetime import UTC, datetime

import pytest

from prober.simulator.imap.scanner import BadSyntax
from prober.simulator.mailbox import FolderKind, Item
from tests.simulator.imap.desk import alice, ask, at, inbox

DRAFTS = FolderKind.DRAFTS
LETTER = b"From: Ann <ann@b.example>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\nHello.\r\n"


def appended(text: bytes, options: bytes = b"") -> Item:
    session = at(alice(0))
    lines = ask(session, b"APPEND Drafts %b{%d}\r\n%b" % (options, len(text), text))
    validity = session.store.folders[DRAFTS].uid_validity
    assert lines == [b"t OK [APPENDUID %d 1] APPEND completed." % validity]
    return session.store.folders[DRAFTS].items[1]


def test_an_appended_message_is_in_the_store_for_every_protocol() -> None:
    item = appended(LETTER, b'(\\Seen) "07-Feb-1994 21:52:25 -0800" ')
    assert (item.subject, item.sender, item.body, item.read) == ("Grüße", "ann@b.example", "Hello.\r\n", True)
    assert item.received == datetime(1994, 2, 8, 5, 52, 25, tzinfo=UTC)


def test_appending_wakes_whoever_waits() -> None:
    session = inbox()
    assert ask(session, b"APPEND INBOX {1+}\r\nx")[:2] == [b"* 4 EXISTS", b"* 0 RECENT"]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"\x00\xff",
        b"Subject: =?nonsense?q?x?=\r\nFrom: <<<>\r\n\r\n",
        b"Subject: =?utf-8?b?!?=\r\nContent-Type: text/plain; charset=no-such\r\n\r\n\xff",
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\npart\r\n--x--\r\n",
        b"Content-Type: multipart/mixed\r\n\r\nno parts",
        b"Subject: a\r\n\x01b\r\nFrom: a@b\r\n c\r\n\r\nx",
        b"Subject: caf\xe9\r\n\r\n\xe9",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!",
        b'Content-Type: text/plain; charset="utf\x00-8"\r\n\r\nx',
    ],
)
def test_whatever_is_appended_can_be_read_again(text: bytes) -> None:
    """A client can put in anything; reading it must not fail for anybody afterwards."""
    session = at(alice(0))
    ask(session, b"APPEND INBOX {%d}\r\n%b" % (len(text), text))
    ask(session, b"SELECT INBOX")
    lines = ask(session, b"FETCH 1 (BODY[] ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
    assert lines[-1] == b"t OK FETCH completed."


def test_a_folder_that_is_not_there_could_be_made() -> None:
    assert ask(at(alice()), b"APPEND Nowhere {1+}\r\nx") == [
        b"t NO [TRYCREATE] The requested folder could not be found."
    ]
    assert ask(inbox(), b"COPY 1 Nowhere")[0].startswith(b"t NO [TRYCREATE]")


@pytest.mark.parametrize(
    "said", [b"", b" INBOX", b" INBOX (\\Seen)", b' INBOX "yesterday" {1+}\r\nx', b" INBOX {2}\r\nx"]
)
def test_half_an_append_is_bad(said: bytes) -> None:
    with pytest.raises(BadSyntax):
        ask(at(alice()), b"APPEND" + said)


def test_a_copy_has_the_flags_and_the_date_of_the_original() -> None:
    session = inbox()
    ask(session, b"STORE 1 FLAGS.SILENT (\\Seen \\Flagged)")
    drafts = session.store.folders[DRAFTS]
    assert ask(session, b"UID COPY 1,3 Drafts") == [b"t OK [COPYUID %d 1,3 1:2] COPY completed." % drafts.uid_validity]
    copy, original = drafts.items[1], session.store.inbox.items[1]
    assert (copy.subject, copy.received, copy.read) == (original.subject, original.received, True)
    assert drafts.flags[1] == {"\\Flagged"}


def test_moving_names_the_new_uids_before_the_old_ones_go() -> None:
    """RFC 6851 section 4.3."""
    session = inbox()
    validity = session.store.folders[DRAFTS].uid_validity
    assert ask(session, b"MOVE 2 Drafts") == [
        b"* OK [COPYUID %d 2 1] Moved." % validity,
        b"* 2 EXPUNGE",
        b"t OK MOVE completed.",
    ]
    assert list(session.store.inbox.items) == [1, 3]


def test_nothing_can_be_copied_and_no_number_that_is_not_there() -> None:
    assert ask(inbox(), b"UID COPY 77 Drafts") == [b"t OK COPY completed."]
    assert ask(inbox(), b"COPY 77 Drafts") == [b"t BAD The specified message set is invalid."]
