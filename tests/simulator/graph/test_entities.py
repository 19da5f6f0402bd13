"""How folders, messages and events are shown."""

from datetime import timedelta

from prober.simulator.graph import entities
from prober.simulator.mailbox import FolderKind
from tests.simulator.graph.desk import ALICE, NOW, Desk


def test_a_message_has_every_property_it_can_be_asked_for(desk: Desk) -> None:
    """And no other but its annotation."""
    item = desk.alice.deliver("Hello", sender="Bob Builder <bob@contoso.example>", body="x" * 300, received=NOW)
    shown = entities.message_entity(desk.alice, desk.alice.inbox, item)
    assert set(shown) - {"@odata.etag"} == entities.MESSAGE_FIELDS
    assert shown["receivedDateTime"] == "2026-03-16T06:42:00Z"
    assert shown["from"] == {"emailAddress": {"name": "Bob Builder", "address": "bob@contoso.example"}}
    assert shown["toRecipients"] == [{"emailAddress": {"name": ALICE, "address": ALICE}}]
    assert len(shown["bodyPreview"]) == 255
    assert (shown["isRead"], shown["isDraft"]) == (False, False)


def test_a_change_is_a_new_version(desk: Desk) -> None:
    """Of the message and of its entity tag."""
    item = desk.alice.deliver("Hello", received=NOW)
    desk.alice.mark_read(FolderKind.INBOX, item.uid)
    changed = desk.alice.inbox.items[item.uid]
    before, after = (entities.message_entity(desk.alice, desk.alice.inbox, one) for one in (item, changed))
    assert before["id"] == after["id"]
    assert before["changeKey"] != after["changeKey"]
    assert after["@odata.etag"] == f'W/"{after["changeKey"]}"'
    assert after["isRead"] is True


def test_an_event_is_shown_in_utc(desk: Desk) -> None:
    """With seven digits behind the second, as Outlook writes them."""
    item = desk.alice.schedule("Stand-up", NOW, NOW + timedelta(minutes=30))
    shown = entities.event_entity(desk.alice, desk.alice.folders[FolderKind.CALENDAR], item)
    assert set(shown) - {"@odata.etag"} == entities.EVENT_FIELDS
    assert shown["start"] == {"dateTime": "2026-03-16T06:42:00.0000000", "timeZone": "UTC"}
    assert shown["end"] == {"dateTime": "2026-03-16T07:12:00.0000000", "timeZone": "UTC"}


def test_a_folder_counts_what_is_in_it(desk: Desk) -> None:
    """At the time it is shown as of."""
    desk.alice.deliver("old", received=NOW - timedelta(days=1))
    desk.alice.mark_read(FolderKind.INBOX, 1)
    desk.alice.deliver("new", received=NOW)
    shown = entities.folder_entity(desk.alice, desk.alice.inbox, None)
    assert set(shown) == entities.FOLDER_FIELDS == set(entities.root_entity(desk.alice))
    assert (shown["displayName"], shown["totalItemCount"], shown["unreadItemCount"]) == ("Inbox", 2, 1)
    assert entities.folder_entity(desk.alice, desk.alice.inbox, NOW - timedelta(hours=1))["totalItemCount"] == 1


def test_what_is_gone_is_told_by_its_id(desk: Desk) -> None:
    """As Learn shows it."""
    shown = entities.removed_entity(desk.alice, desk.alice.inbox, 3)
    assert shown["@removed"] == {"reason": "deleted"}
