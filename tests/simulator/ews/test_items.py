"""Items written, sent, marked and deleted, in the protocol's own words."""

import base64

import pytest

from prober.simulator.ews import ids
from prober.simulator.mailbox import FolderKind, Item
from tests.simulator.ews.desk import BOB, Desk, envelope, said, texts

CREATE = '<m:CreateItem MessageDisposition="{how}"><m:Items>{what}</m:Items></m:CreateItem>'
MESSAGE = (
    '<t:Message><t:Subject>hi</t:Subject><t:Body BodyType="Text">body</t:Body><t:ToRecipients><t:Mailbox>'
    "<t:EmailAddress>{to}</t:EmailAddress></t:Mailbox></t:ToRecipients></t:Message>"
)
UPDATE = (
    '<m:UpdateItem><m:ItemChanges><t:ItemChange>{id}<t:Updates><t:SetItemField><t:FieldURI FieldURI="{field}"/>'
    "<t:Message><t:IsRead>{value}</t:IsRead></t:Message></t:SetItemField></t:Updates></t:ItemChange></m:ItemChanges>"
    "</m:UpdateItem>"
)


def reference(desk: Desk, item: Item) -> str:
    return '<t:ItemId Id="{}"/>'.format(ids.item_id(desk.mailbox, item).get("Id"))


async def test_a_message_is_sent_and_kept_as_asked() -> None:
    """Sent only it leaves nothing; sent and saved it is in Sent Items; saved only it is a draft."""
    desk = Desk()
    sent = await desk.ask(CREATE.format(how="SendOnly", what=MESSAGE.format(to=BOB)))
    assert texts(sent, "ItemId") == []
    (got,) = desk.other.inbox.items.values()
    assert (got.subject, got.body, got.sender) == ("hi", "body", desk.mailbox.address)
    kept = await desk.ask(CREATE.format(how="SendAndSaveCopy", what=MESSAGE.format(to=BOB)))
    assert len(texts(kept, "ItemId")) == 1
    assert len(desk.mailbox.folders[FolderKind.SENT].items) == 1
    await desk.ask(CREATE.format(how="SaveOnly", what=MESSAGE.format(to=BOB)))
    assert len(desk.mailbox.folders[FolderKind.DRAFTS].items) == 1
    assert len(desk.other.inbox.items) == 2


async def test_a_message_to_nobody_comes_back() -> None:
    desk = Desk()
    await desk.ask(CREATE.format(how="SendOnly", what=MESSAGE.format(to="no-one@contoso.example")))
    assert [item.subject for item in desk.mailbox.inbox.items.values()] == ["Undeliverable: hi"]
    nobody = MESSAGE.replace("ToRecipients", "Categories").format(to="x")
    assert said(await desk.ask(CREATE.format(how="SendOnly", what=nobody))) == ["ErrorInvalidRecipients"]


async def test_mime_is_read_as_a_message() -> None:
    desk = Desk()
    mime = base64.b64encode(f"To: Bob <{BOB}>\r\nSubject: raw\r\n\r\nline\r\n".encode()).decode()
    what = f"<t:Message><t:MimeContent>{mime}</t:MimeContent></t:Message>"
    assert said(await desk.ask(CREATE.format(how="SendOnly", what=what))) == ["NoError"]
    (got,) = desk.other.inbox.items.values()
    assert (got.subject, got.body.strip()) == ("raw", "line")
    bad = what.replace(mime, "a")
    assert said(await desk.ask(CREATE.format(how="SendOnly", what=bad))) == ["ErrorMimeContentInvalidBase64String"]


async def test_an_entry_goes_into_the_calendar() -> None:
    desk = Desk()
    times = "<t:Start>{}</t:Start><t:End>2026-01-01T11:00:00Z</t:End>"
    entry = f"<t:CalendarItem><t:Subject>x</t:Subject>{times}</t:CalendarItem>"
    await desk.ask(CREATE.format(how="SaveOnly", what=entry.format("2026-01-01T10:00:00Z")))
    (item,) = desk.mailbox.folders[FolderKind.CALENDAR].items.values()
    assert item.start is not None
    assert item.start.hour == 10
    for start, code in (
        ("2026-01-01T12:00:00Z", "ErrorCalendarEndDateIsEarlierThanStartDate"),
        ("soon", "ErrorCalendarInvalidPropertyValue"),
    ):
        assert said(await desk.ask(CREATE.format(how="SaveOnly", what=entry.format(start)))) == [code]


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("message:IsRead", "true", "NoError"),
        ("message:IsRead", "maybe", "ErrorInvalidPropertySet"),
        ("item:Subject", "true", "ErrorInvalidPropertySet"),
    ],
)
async def test_reading_is_what_can_be_set(field: str, value: str, code: str) -> None:
    desk = Desk()
    item = desk.mailbox.deliver("x")
    answer = await desk.ask(UPDATE.format(id=reference(desk, item), field=field, value=value))
    assert said(answer) == [code]
    assert desk.mailbox.inbox.items[item.uid].read == (code == "NoError")


async def test_items_are_deleted_for_good_or_moved() -> None:
    desk = Desk()
    delete = '<m:DeleteItem DeleteType="{}"><m:ItemIds>{}</m:ItemIds></m:DeleteItem>'
    first, second = desk.mailbox.deliver("first"), desk.mailbox.deliver("second")
    assert said(await desk.ask(delete.format("HardDelete", reference(desk, first)))) == ["NoError"]
    assert said(await desk.ask(delete.format("MoveToDeletedItems", reference(desk, second)))) == ["NoError"]
    assert desk.mailbox.inbox.items == {}
    (kept,) = desk.mailbox.folders[FolderKind.DELETED].items.values()
    assert (kept.subject, kept.received) == ("second", second.received)
    assert said(await desk.ask(delete.format("HardDelete", reference(desk, first)))) == ["ErrorItemNotFound"]


@pytest.mark.parametrize(
    "content",
    [
        CREATE.format(how="Nonsense", what=""),
        '<m:DeleteItem DeleteType="Nonsense"/>',
        "<m:GetItem/>",
        "<m:UpdateItem><m:ItemChanges><t:ItemChange/></m:ItemChanges></m:UpdateItem>",
    ],
)
async def test_what_the_schema_does_not_have_is_a_fault(content: str) -> None:
    assert (await Desk().reply(envelope(content))).status == 500


async def test_each_item_is_answered_for_itself() -> None:
    desk = Desk()
    get = "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>{}</m:ItemIds></m:GetItem>"
    both = reference(desk, desk.mailbox.deliver("x")) + '<t:ItemId Id="nonsense"/>'
    assert said(await desk.ask(get.format(both))) == ["NoError", "ErrorInvalidIdMalformed"]
