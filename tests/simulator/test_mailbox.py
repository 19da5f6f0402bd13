"""The store behind every protocol: what changed since when, who is woken, what a stale view hides."""

import asyncio
from datetime import UTC, datetime, timedelta
from email import message_from_bytes

import pytest

from prober.simulator.mailbox import FolderKind, Mailbox, furnish

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox("alice@contoso.example", "ams1", lambda: NOON)


def net(mailbox: Mailbox, since: int, **more: object) -> list[tuple[str, int]]:
    return [(one.kind, one.uid) for one in mailbox.changes(since, **more)]  # type: ignore[arg-type]  # passed on as it is


def test_a_delivery_takes_the_next_number_and_the_next_uid(mailbox: Mailbox) -> None:
    """UIDs rise within a folder, sequence numbers within the mailbox."""
    first, second = mailbox.deliver("one"), mailbox.deliver("two", folder=FolderKind.SENT)
    third = mailbox.deliver("three")
    assert [(one.uid, one.sequence) for one in (first, second, third)] == [(1, 1), (1, 2), (2, 3)]
    assert mailbox.sequence == 3


def test_changes_are_the_net_effect_since_a_number(mailbox: Mailbox) -> None:
    """A read flag on a new item is an add, a delete of a new item is nothing, of an old one a delete."""
    old = mailbox.deliver("old")
    since = mailbox.sequence
    new, gone = mailbox.deliver("new"), mailbox.deliver("gone")
    mailbox.mark_read(FolderKind.INBOX, new.uid)
    mailbox.delete(FolderKind.INBOX, gone.uid)
    mailbox.mark_read(FolderKind.INBOX, old.uid)
    assert net(mailbox, since) == [("add", new.uid), ("change", old.uid)]
    mailbox.delete(FolderKind.INBOX, old.uid)
    assert net(mailbox, since) == [("add", new.uid), ("delete", old.uid)]
    assert net(mailbox, mailbox.sequence) == []


def test_changes_keep_to_the_folder_asked_for(mailbox: Mailbox) -> None:
    """Another folder's are left out."""
    mailbox.deliver("in")
    mailbox.deliver("out", folder=FolderKind.SENT)
    assert net(mailbox, 0, folder=FolderKind.SENT) == [("add", 1)]


def test_a_stale_view_hides_what_came_later(mailbox: Mailbox) -> None:
    """Items and changes alike."""
    mailbox.deliver("early", received=NOON - timedelta(hours=2))
    mailbox.deliver("late")
    until = NOON - timedelta(hours=1)
    assert [item.subject for item in mailbox.inbox.visible(until)] == ["early"]
    assert net(mailbox, 0, until=until) == [("add", 1)]
    assert len(mailbox.inbox.visible()) == 2


async def test_every_change_wakes_those_who_watch(mailbox: Mailbox) -> None:
    """Delivery, flag and deletion; and nobody once the watching has ended."""
    with mailbox.watching() as news:
        for change in (
            lambda: mailbox.deliver("one"),
            lambda: mailbox.mark_read(FolderKind.INBOX, 1),
            lambda: mailbox.delete(FolderKind.INBOX, 1),
        ):
            news.clear()
            change()
            await asyncio.wait_for(news.wait(), 1)
    news.clear()
    mailbox.deliver("two")
    assert not news.is_set()


def test_a_message_is_text_any_mail_reader_understands(mailbox: Mailbox) -> None:
    """Read here by the standard library; lines end with CRLF."""
    item = mailbox.deliver("Grüße", sender="bob@contoso.example", body="line one\nline two\n")
    assert b"\n" not in item.mime().replace(b"\r\n", b"")
    message = message_from_bytes(item.mime())
    assert message["From"] == "bob@contoso.example"
    assert message["To"] == "alice@contoso.example"
    assert message["Message-ID"] == item.message_id
    assert "line two" in str(message.get_payload())


def test_a_furnished_mailbox_looks_lived_in(mailbox: Mailbox) -> None:
    """Mail in order of arrival, the newest a few hours old, and entries around today."""
    furnish(mailbox, NOON)
    arrivals = [item.received for item in mailbox.inbox.visible()]
    assert arrivals == sorted(arrivals)
    assert NOON - arrivals[-1] == timedelta(hours=5)
    entries = mailbox.folders[FolderKind.CALENDAR].visible()
    assert all(item.start and item.end and item.start < item.end for item in entries)
    assert any(item.start and item.start > NOON for item in entries)


def test_what_is_not_there_cannot_be_changed(mailbox: Mailbox) -> None:
    """And leaves no trace in the journal."""
    with pytest.raises(KeyError):
        mailbox.mark_read(FolderKind.INBOX, 7)
    with pytest.raises(KeyError):
        mailbox.delete(FolderKind.INBOX, 7)
    assert mailbox.journal == []
