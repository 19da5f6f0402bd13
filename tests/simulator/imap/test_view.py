"""A selected folder, as one session knows it."""

from prober.simulator.imap.scanner import Scanner
from prober.simulator.imap.sequence import read_set
from prober.simulator.imap.view import View
from prober.simulator.mailbox import FolderKind, Mailbox
from tests.simulator.imap.desk import NOON, alice

INBOX = FolderKind.INBOX


def view_of(mailbox: Mailbox) -> View:
    return View(mailbox, INBOX, read_only=False)


def test_an_arrival_is_news_once() -> None:
    mailbox = alice()
    view = view_of(mailbox)
    assert view.news() == []
    mailbox.deliver("New")
    assert view.news() == [b"* 4 EXISTS", b"* 0 RECENT"]
    assert view.news() == []


def test_what_goes_is_told_number_by_number() -> None:
    """RFC 3501 section 7.4.1: each EXPUNGE counts as if those before it had been followed."""
    mailbox = alice(4)
    view = view_of(mailbox)
    for uid in (2, 3):
        mailbox.delete(INBOX, uid)
    assert view.news() == [b"* 2 EXPUNGE", b"* 2 EXPUNGE"]
    assert view.uids == [1, 4]


def test_what_came_and_went_was_never_there() -> None:
    mailbox = alice()
    view = view_of(mailbox)
    mailbox.delete(INBOX, mailbox.deliver("Short-lived").uid)
    assert view.news() == []


def test_a_change_of_flags_elsewhere_is_news() -> None:
    mailbox = alice()
    view = view_of(mailbox)
    mailbox.mark_read(INBOX, 2)
    assert view.news() == [b"* 2 FETCH (UID 2 FLAGS (\\Seen))"]


def test_other_folders_are_no_news() -> None:
    mailbox = alice()
    view = view_of(mailbox)
    mailbox.deliver("Elsewhere", folder=FolderKind.DRAFTS)
    assert view.news() == []


def test_own_changes_are_no_news_but_those_of_others_stay_so() -> None:
    mailbox = alice()
    view = view_of(mailbox)
    with view.own_changes():
        mailbox.mark_read(INBOX, 1)
    assert view.news() == []
    mailbox.deliver("New")
    with view.own_changes():
        mailbox.mark_read(INBOX, 2)
    assert b"* 4 EXISTS" in view.news()


def test_numbers_stay_put_until_the_session_is_told() -> None:
    mailbox = alice()
    view = view_of(mailbox)
    mailbox.delete(INBOX, 1)
    assert [number for number, _ in view.items()] == [2, 3]
    assert view.number(3) == 3


def test_a_stale_store_shows_what_it_knew_then_and_the_rest_later() -> None:
    mailbox = alice()
    view = View(mailbox, INBOX, read_only=True, until=NOON.replace(hour=10))
    assert view.uids == [1, 2]
    assert view.news(NOON.replace(hour=10)) == []
    assert view.news() == [b"* 3 EXISTS", b"* 0 RECENT"]


def test_a_stale_look_leaves_out_what_the_session_knows_already() -> None:
    view = view_of(alice())
    assert [number for number, _ in view.items(NOON.replace(hour=9))] == [1]


def test_a_set_of_numbers_names_only_numbers_there_are() -> None:
    view = view_of(alice())
    assert view.chosen(read_set(Scanner(b"1:4")), by_uid=False) is None
    assert [n for n, _ in view.chosen(read_set(Scanner(b"2:*")), by_uid=False) or []] == [2, 3]


def test_a_set_of_uids_may_name_any() -> None:
    """The largest is in it whenever `*` is: so does a client find its newest message."""
    view = view_of(alice())
    assert [n for n, _ in view.chosen(read_set(Scanner(b"100:*")), by_uid=True) or []] == [3]
    assert view.chosen(read_set(Scanner(b"100")), by_uid=True) == []
    assert View(alice(0), INBOX, read_only=True).chosen(read_set(Scanner(b"1:*")), by_uid=True) == []
