"""Items as phones see them."""

from datetime import UTC, datetime, timedelta

import pytest

from prober.simulator.activesync import items
from prober.simulator.activesync import tags as t
from prober.simulator.activesync.wbxml import node, text
from prober.simulator.mailbox import FolderKind, Mailbox

NOON = datetime(2026, 11, 2, 12, tzinfo=UTC)


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox("a@x.test", "s", lambda: NOON)


@pytest.mark.parametrize(
    ("size", "shown", "cut"), [("3", "abc", True), ("100", "abcdef", False), ("", "abcdef", False)]
)
def test_a_body_is_cut_to_the_size_wanted(mailbox: Mailbox, size: str, shown: str, cut: bool) -> None:
    """And says so, with its whole size."""
    item = mailbox.deliver("s", body="abcdef")
    wanted = node(t.BODY_PREFERENCE, text(t.BODY_TYPE, 1), *((text(t.TRUNCATION_SIZE, size),) if size else ()))
    body = items.body(item, items.preference(node(t.OPTIONS, wanted)))
    assert (body.value(t.BODY_DATA), body.value(t.ESTIMATED_DATA_SIZE)) == (shown, "6")
    assert (body.find(t.TRUNCATED) is not None) is cut


def test_a_body_can_be_the_whole_message(mailbox: Mailbox) -> None:
    """Type 4 is MIME, type 2 HTML that holds no markup of the sender's."""
    item = mailbox.deliver("s", body="<b>")
    assert "Message-ID" in items.body(item, items.Preference(items.MIME)).value(t.BODY_DATA)
    assert "&lt;b>" in items.body(item, items.Preference(items.HTML)).value(t.BODY_DATA)


def test_dates_are_written_as_each_class_does(mailbox: Mailbox) -> None:
    """Mail with dashes and milliseconds, the calendar without."""
    mail = node(t.ADD, *items.data(mailbox.deliver("s"), items.Preference()))
    entry = node(t.ADD, *items.data(mailbox.schedule("m", NOON, NOON + timedelta(hours=1)), items.Preference()))
    assert mail.value(t.DATE_RECEIVED) == "2026-11-02T12:00:00.000Z"
    assert (entry.value(t.START_TIME), entry.value(t.END_TIME)) == ("20261102T120000Z", "20261102T130000Z")


def test_a_filter_leaves_out_old_arrivals_and_no_deletions(mailbox: Mailbox) -> None:
    """One day, here."""
    mailbox.deliver("old", received=NOON - timedelta(days=3))
    mailbox.deliver("new")
    pending = items.pending(mailbox, mailbox.inbox, 0, filter_type=1, now=NOON, until=None)
    assert [one.uid for one in pending] == [2]
    since = mailbox.sequence
    mailbox.delete(FolderKind.INBOX, 1)
    assert [one.kind for one in items.pending(mailbox, mailbox.inbox, since, filter_type=1, now=NOON, until=None)] == [
        "delete"
    ]


@pytest.mark.parametrize(("identifier", "uid"), [("1:7", 7), ("2:7", -1), ("7", -1), ("1:", -1), ("1:x", -1)])
def test_an_id_names_an_item_of_its_folder(mailbox: Mailbox, identifier: str, uid: int) -> None:
    """Or none."""
    assert items.uid_of(mailbox.inbox, identifier) == uid
    assert items.folder_of(mailbox.folders, "1") is mailbox.inbox
    assert items.folder_of(mailbox.folders, "99") is None
