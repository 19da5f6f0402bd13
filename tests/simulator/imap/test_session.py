"""Commands that need no selected folder."""

import pytest

from prober.simulator.imap.scanner import BadSyntax
from prober.simulator.imap.session import Session
from prober.simulator.mailbox import FolderKind
from tests.simulator.imap.desk import NOON, alice, ask, at, inbox


def test_capabilities_grow_with_login() -> None:
    assert b" MOVE " in ask(at(alice()), b"CAPABILITY")[0]
    assert b" MOVE " not in ask(Session(), b"CAPABILITY")[0]
    assert ask(Session(), b"CAPABILITY")[0].startswith(b"* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR")


@pytest.mark.parametrize("said", [b"NIL", b"()", b'("name" "Mac OS X Mail" "version" NIL)', b'("a" {1+}\r\nb)'])
def test_an_id_is_returned_whatever_the_client_calls_itself(said: bytes) -> None:
    assert ask(Session(), b"ID " + said)[0].startswith(b'* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server"')


@pytest.mark.parametrize("said", [b"", b" (", b' ("a")', b' ("a" "b"', b' ("a" b)', b" NIL x"])
def test_half_an_id_is_bad(said: bytes) -> None:
    with pytest.raises(BadSyntax):
        ask(Session(), b"ID" + said)


def test_logout_says_goodbye_before_it_agrees() -> None:
    said = [b"* BYE Microsoft Exchange Server IMAP4 server signing off.", b"t OK LOGOUT completed."]
    assert ask(Session(), b"LOGOUT") == said


def test_there_is_one_personal_namespace() -> None:
    assert ask(at(alice()), b"NAMESPACE") == [b'* NAMESPACE (("" "/")) NIL NIL', b"t OK NAMESPACE completed."]


def test_noop_tells_of_new_mail_in_the_selected_folder() -> None:
    session = inbox()
    assert ask(session, b"NOOP") == [b"t OK NOOP completed."]
    session.store.deliver("New")
    assert ask(session, b"NOOP") == [b"* 4 EXISTS", b"* 0 RECENT", b"t OK NOOP completed."]


def test_a_stale_store_has_no_news() -> None:
    session = inbox()
    session.store.deliver("New")
    assert ask(session, b"NOOP", NOON.replace(hour=11)) == [b"t OK NOOP completed."]


def test_list_joins_reference_and_pattern() -> None:
    assert ask(at(alice()), b'LIST "IN" BOX')[0] == b'* LIST (\\HasNoChildren) "/" INBOX'
    assert ask(at(alice()), b'LSUB "" "Arch%"')[0] == b'* LSUB (\\HasNoChildren \\Archive) "/" Archive'
    assert ask(at(alice()), b'LIST "" ""')[0] == b'* LIST (\\Noselect) "/" ""'


def test_status_counts_without_selecting() -> None:
    session = at(alice())
    assert ask(session, b"STATUS inbox (MESSAGES UNSEEN)")[0] == b"* STATUS INBOX (MESSAGES 3 UNSEEN 3)"
    assert session.view is None
    assert ask(session, b"STATUS INBOX (MESSAGES UIDNEXT)", NOON.replace(hour=9))[0].endswith(b"(MESSAGES 1 UIDNEXT 2)")


@pytest.mark.parametrize("asked", [b"INBOX", b"INBOX ()", b"INBOX (SIZE)", b"INBOX (MESSAGES", b"INBOX MESSAGES"])
def test_status_of_nothing_is_bad(asked: bytes) -> None:
    with pytest.raises(BadSyntax):
        ask(at(alice()), b"STATUS " + asked)


def test_selecting_tells_what_a_client_must_know() -> None:
    """RFC 3501 section 6.3.1, in Exchange's order."""
    mailbox = alice()
    mailbox.mark_read(FolderKind.INBOX, 1)
    known = b"(\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)"
    assert ask(at(mailbox), b"SELECT inbox") == [
        b"* 3 EXISTS",
        b"* 0 RECENT",
        b"* FLAGS " + known,
        b"* OK [PERMANENTFLAGS " + known + b"] Permanent flags",
        b"* OK [UNSEEN 2] Is the first unseen message",
        b"* OK [UIDVALIDITY %d] UIDVALIDITY value" % mailbox.inbox.uid_validity,
        b"* OK [UIDNEXT 4] The next unique identifier value",
        b"t OK [READ-WRITE] SELECT completed.",
    ]


def test_examining_is_read_only() -> None:
    lines = ask(at(alice()), b"EXAMINE INBOX")
    assert lines[-1] == b"t OK [READ-ONLY] EXAMINE completed."
    assert b"* OK [PERMANENTFLAGS ()] Permanent flags" in lines


def test_an_empty_folder_has_no_first_unseen_message() -> None:
    lines = ask(at(alice(0)), b"SELECT INBOX")
    assert lines[0] == b"* 0 EXISTS"
    assert not any(b"UNSEEN" in line for line in lines)


def test_a_stale_store_selects_as_it_was() -> None:
    lines = ask(at(alice()), b"EXAMINE INBOX", NOON.replace(hour=10))
    assert lines[0] == b"* 2 EXISTS"
    assert b"* OK [UIDNEXT 3] The next unique identifier value" in lines


def test_a_folder_that_is_not_there_leaves_nothing_selected() -> None:
    session = inbox()
    assert ask(session, b"SELECT Nowhere") == [b"t NO Nowhere doesn't exist."]
    assert session.view is None


def test_a_name_comes_back_without_control_characters() -> None:
    assert ask(at(alice()), b"SELECT {5+}\r\na\r\nb\x00")[-1] == b"t NO a??b? doesn't exist."


def test_folders_stay_as_they_are() -> None:
    session = at(alice())
    assert ask(session, b"CREATE x") == [b"t NO CREATE failed."]
    assert ask(session, b"SUBSCRIBE INBOX") == [b"t OK SUBSCRIBE completed."]
    assert ask(session, b"UNSUBSCRIBE x") == [b"t NO x doesn't exist."]


@pytest.mark.parametrize("said", [b"XYZZY", b"UID", b"UID NOOP", b"UID LOGIN a b"])
def test_what_is_no_command_is_bad(said: bytes) -> None:
    assert ask(Session(), said) == [b"t BAD Command Error. 12"]


def test_without_a_mailbox_or_a_folder_there_is_nothing_to_ask() -> None:
    with pytest.raises(BadSyntax):
        _ = Session().store
    with pytest.raises(BadSyntax):
        _ = Session().selected
