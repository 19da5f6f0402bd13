"""Items in their shapes."""

import base64
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from prober.simulator.ews.shape import PROPERTIES, ItemShape, item_class, item_element, stamp
from prober.simulator.ews.soap import Malformed
from prober.simulator.mailbox import Item
from tests.simulator.ews.desk import Desk

SPACE = 'xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"'
NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


def shape(base: str, more: str = "", *, listed: bool = False) -> ItemShape:
    text = f"<x {SPACE}><t:BaseShape>{base}</t:BaseShape>{more}</x>"
    return ItemShape(ET.fromstring(text), listed=listed)


def names(item: Item, wanted: ItemShape) -> list[str]:
    return [one.tag.removeprefix("t:") for one in item_element(Desk().mailbox, item, wanted)]


def test_ids_only_is_ids_only_and_fields_come_by_name() -> None:
    item = Desk().mailbox.deliver("hello")
    assert names(item, shape("IdOnly")) == ["ItemId"]
    more = '<t:AdditionalProperties><t:FieldURI FieldURI="item:DateTimeReceived"/></t:AdditionalProperties>'
    assert names(item, shape("IdOnly", more)) == ["ItemId", "DateTimeReceived"]


def test_all_is_all_but_the_mime_which_comes_first_when_asked_for() -> None:
    item = Desk().mailbox.deliver("hello", body="text")
    assert "MimeContent" not in names(item, shape("AllProperties"))
    asked = shape("IdOnly", "<t:IncludeMimeContent>true</t:IncludeMimeContent>")
    assert names(item, asked) == ["MimeContent", "ItemId"]
    (mime, _) = item_element(Desk().mailbox, item, asked)
    assert b"Subject: hello" in base64.b64decode(mime.text or "")


def test_lists_have_no_bodies() -> None:
    item = Desk().mailbox.deliver("hello")
    assert "Body" in names(item, shape("Default"))
    assert "Body" not in names(item, shape("Default", listed=True))


def test_entries_and_messages_have_properties_of_their_own() -> None:
    mailbox = Desk().mailbox
    entry = mailbox.schedule("lunch", NOON, NOON)
    assert {"Start", "End", "UID"} <= set(names(entry, shape("Default")))
    assert "IsRead" not in names(entry, shape("AllProperties"))
    assert "Start" not in names(mailbox.deliver("x"), shape("AllProperties"))
    assert item_element(mailbox, entry, shape("IdOnly")).tag == "t:CalendarItem"
    assert item_class(entry) == "IPM.Appointment"


def test_the_order_is_that_of_the_schema() -> None:
    """Item first, then what a message or an entry adds (MS-OXWSMSG section 2.2.4.1)."""
    item = Desk().mailbox.deliver("hello")
    order = names(item, shape("AllProperties"))
    expected = ["ItemId", "ParentFolderId", "ItemClass", "Subject", "Body", "DateTimeReceived", "Sender", "IsRead"]
    assert [name for name in order if name in expected] == expected
    families = [name.partition(":")[0] for name in PROPERTIES]
    assert families == sorted(families, key=["item", "calendar", "message"].index)


def test_times_are_in_utc_and_shapes_known() -> None:
    assert stamp(NOON) == "2026-03-04T12:00:00Z"
    with pytest.raises(Malformed):
        shape("Everything")
