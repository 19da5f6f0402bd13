"""Commands on a selected folder."""

import pytest

from prober.simulator.imap.scanner import BadSyntax
from prober.simulator.mailbox import FolderKind
from tests.simulator.imap.desk import NOON, alice, ask, at, inbox


def test_fetch_answers_by_number_and_uid_fetch_names_the_uid() -> None:
    mailbox = alice()
    mailbox.delete(FolderKind.INBOX, 1)
    session = inbox(mailbox)
    assert ask(session, b"FETCH 1 FLAGS")[0] == b"* 1 FETCH (FLAGS ())"
    assert ask(session, b"UID FETCH 2 (FLAGS)") == [b"* 1 FETCH (UID 2 FLAGS ())", b"t OK FETCH completed."]
    assert ask(session, b"UID FETCH 2 (FLAGS UID)")[0] == b"* 1 FETCH (FLAGS () UID 2)"


def test_the_newest_is_found_from_any_uid_on() -> None:
    assert ask(inbox(), b"UID FETCH 99:* (UID)") == [b"* 3 FETCH (UID 3)", b"t OK FETCH completed."]


def test_numbers_there_are_not_are_bad_but_uids_are_not() -> None:
    assert ask(inbox(), b"FETCH 4 FLAGS") == [b"t BAD The specified message set is invalid."]
    assert ask(inbox(alice(0)), b"FETCH 1:* FLAGS") == [b"t BAD The specified message set is invalid."]
    assert ask(inbox(), b"UID FETCH 4 FLAGS") == [b"t OK FETCH completed."]


def test_reading_a_message_marks_it_as_read_and_says_so() -> None:
    session = inbox()
    lines = ask(session, b"FETCH 1 BODY[TEXT]")
    assert lines[:3] == [b"* 1 FETCH (BODY[TEXT] {9}", b"Text 1.", b" FLAGS (\\Seen))"]
    assert session.store.inbox.items[1].read
    assert ask(session, b"NOOP") == [b"t OK NOOP completed."]


def test_looking_marks_nothing() -> None:
    session = at(alice())
    ask(session, b"EXAMINE INBOX")
    ask(session, b"FETCH 1 BODY[]")
    ask(session, b"SELECT INBOX")
    ask(session, b"FETCH 1:* (BODY.PEEK[] ENVELOPE BODYSTRUCTURE)")
    assert not any(item.read for item in session.store.inbox.items.values())


def test_a_stale_store_fetches_what_it_had() -> None:
    assert ask(inbox(), b"UID FETCH 1:* (UID)", NOON.replace(hour=9)) == [
        b"* 1 FETCH (UID 1)",
        b"t OK FETCH completed.",
    ]


def test_search_gives_numbers_and_uid_search_uids() -> None:
    mailbox = alice()
    mailbox.delete(FolderKind.INBOX, 1)
    session = inbox(mailbox)
    assert ask(session, b"SEARCH ALL") == [b"* SEARCH 1 2", b"t OK SEARCH completed."]
    assert ask(session, b"UID SEARCH CHARSET UTF-8 ALL")[0] == b"* SEARCH 2 3"
    assert ask(session, b"SEARCH SEEN")[0] == b"* SEARCH"


def test_a_charset_we_do_not_know_is_refused_with_those_we_do() -> None:
    assert ask(inbox(), b"SEARCH CHARSET KOI8-R ALL")[0].startswith(b"t NO [BADCHARSET (")


@pytest.mark.parametrize(
    ("said", "shown", "kept"),
    [
        (b"STORE 1 +FLAGS (\\Seen \\Deleted)", b"(\\Seen \\Flagged \\Deleted)", {"\\Flagged", "\\Deleted"}),
        (b"STORE 1 -FLAGS \\Flagged", b"()", set()),
        (b"STORE 1 FLAGS (\\Draft)", b"(\\Draft)", {"\\Draft"}),
        (b"STORE 1 FLAGS ()", b"()", set()),
        (b"STORE 1 FLAGS \\Seen \\Answered", b"(\\Seen \\Answered)", {"\\Answered"}),
        (b"STORE 1 +FLAGS ($Label1)", b"(\\Flagged)", {"\\Flagged"}),
    ],
)
def test_flags_are_added_taken_and_set(said: bytes, shown: bytes, kept: set[str]) -> None:
    mailbox = alice()
    mailbox.set_flags(FolderKind.INBOX, 1, frozenset({"\\Flagged"}))
    session = inbox(mailbox)
    assert ask(session, said) == [b"* 1 FETCH (FLAGS " + shown + b")", b"t OK STORE completed."]
    assert mailbox.inbox.flags[1] == kept
    assert mailbox.inbox.items[1].read is (b"Seen" in shown)


def test_storing_silently_says_nothing_and_by_uid_names_it() -> None:
    session = inbox()
    assert ask(session, b"STORE 1 +FLAGS.SILENT (\\Seen)") == [b"t OK STORE completed."]
    assert ask(session, b"UID STORE 2 +FLAGS (\\Seen)")[0] == b"* 2 FETCH (UID 2 FLAGS (\\Seen))"
    assert ask(session, b"STORE 9 FLAGS ()") == [b"t BAD The specified message set is invalid."]


@pytest.mark.parametrize("said", [b"1 LABELS (x)", b"1 +FLAGS", b"1 FLAGS.LOUD ()", b"x FLAGS ()", b"1 FLAGS (a"])
def test_storing_otherwise_is_bad(said: bytes) -> None:
    with pytest.raises(BadSyntax):
        ask(inbox(), b"STORE " + said)


@pytest.mark.parametrize("said", [b"STORE 1 FLAGS (\\Seen)", b"EXPUNGE", b"MOVE 1 Drafts"])
def test_an_examined_folder_stays_as_it_is(said: bytes) -> None:
    session = at(alice())
    ask(session, b"EXAMINE INBOX")
    assert ask(session, said) == [b"t NO The mailbox is read-only."]


def test_expunge_removes_what_is_marked_and_says_what_went() -> None:
    session = inbox()
    ask(session, b"STORE 1,3 +FLAGS (\\Deleted)")
    assert ask(session, b"EXPUNGE") == [b"* 1 EXPUNGE", b"* 2 EXPUNGE", b"t OK EXPUNGE completed."]
    assert list(session.store.inbox.items) == [2]


def test_uid_expunge_removes_only_those_named() -> None:
    """RFC 4315 section 2.1."""
    session = inbox()
    ask(session, b"STORE 1:3 +FLAGS (\\Deleted)")
    assert ask(session, b"UID EXPUNGE 2") == [b"* 2 EXPUNGE", b"t OK EXPUNGE completed."]
    assert list(session.store.inbox.items) == [1, 3]


def test_close_removes_silently_and_unselect_removes_nothing() -> None:
    for said, left in ((b"CLOSE", [2, 3]), (b"UNSELECT", [1, 2, 3])):
        session = inbox()
        ask(session, b"STORE 1 +FLAGS.SILENT (\\Deleted)")
        assert ask(session, said) == [b"t OK " + said + b" completed."]
        assert list(session.store.inbox.items) == left
        assert session.view is None
