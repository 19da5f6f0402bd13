"""Flags of messages."""

from prober.simulator.imap import flags
from prober.simulator.mailbox import FolderKind
from tests.simulator.imap.desk import alice


def test_the_read_flag_is_the_stores_own() -> None:
    """What one protocol marks as read, all see as read."""
    mailbox = alice()
    flags.store(mailbox, mailbox.inbox, mailbox.inbox.items[1], frozenset({flags.SEEN}))
    assert mailbox.inbox.items[1].read
    assert flags.of(mailbox.inbox, mailbox.inbox.items[1]) == {flags.SEEN}


def test_other_flags_are_kept_beside_the_message_until_it_goes() -> None:
    mailbox = alice()
    flags.store(mailbox, mailbox.inbox, mailbox.inbox.items[1], frozenset({flags.DELETED, "\\Flagged"}))
    assert flags.written(flags.of(mailbox.inbox, mailbox.inbox.items[1])) == b"(\\Flagged \\Deleted)"
    mailbox.delete(FolderKind.INBOX, 1)
    assert mailbox.inbox.flags == {}


def test_what_is_so_already_is_no_change() -> None:
    mailbox = alice()
    before = mailbox.sequence
    flags.store(mailbox, mailbox.inbox, mailbox.inbox.items[1], frozenset())
    assert mailbox.sequence == before


def test_flags_are_known_by_any_case_and_others_forgotten() -> None:
    assert flags.known(frozenset({"\\sEEN", "$Label1", "\\Recent"})) == {"\\Seen"}
