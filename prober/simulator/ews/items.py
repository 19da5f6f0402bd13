"""Items one by one: read, create and send, mark, delete (MS-OXWSCORE, MS-OXWSMSG, MS-OXWSMTGS)."""

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from prober.simulator.ews import ids, soap
from prober.simulator.ews.session import Session
from prober.simulator.ews.shape import ItemShape, item_element
from prober.simulator.ews.soap import M, Malformed, Refused, T
from prober.simulator.http.markup import Element, el, local, text_of
from prober.simulator.mailbox import Folder, FolderKind, Item

RECIPIENTS = ("ToRecipients", "CcRecipients", "BccRecipients")
SENDING = frozenset({"SendOnly", "SendAndSaveCopy"})
DELETIONS = frozenset({"HardDelete", "SoftDelete", "MoveToDeletedItems"})


@dataclass(frozen=True, slots=True)
class Letter:
    """A message somebody writes."""

    subject: str
    body: str
    recipients: tuple[str, ...]


def get_item(session: Session) -> Element:
    """Answer `GetItem`."""
    shape = ItemShape(session.part("ItemShape"))

    def read(reference: Element) -> Element:
        return el("m:Items", item_element(session.mailbox, session.item(reference), shape))

    return _each(session, session.part("ItemIds"), read)


def create_item(session: Session) -> Element:
    """Answer `CreateItem`: a message saved or sent, or a calendar entry."""
    disposition = session.element.get("MessageDisposition", "SaveOnly")
    if disposition not in SENDING | {"SaveOnly"}:
        raise Malformed(f"The value '{disposition}' of MessageDisposition is invalid.")

    def create(element: Element) -> Element:
        if local(element) == "CalendarItem":
            return el("m:Items", el("t:CalendarItem", ids.item_id(session.mailbox, _schedule(session, element))))
        return _write(session, _letter(element), disposition)

    return _each(session, session.part("Items"), create)


def update_item(session: Session) -> Element:
    """Answer `UpdateItem`; what can be changed is whether an item has been read."""

    def update(change: Element) -> Element:
        item = session.item(_child(change, "ItemId"))
        for field in change.iterfind(f"{T}Updates/*"):
            _set(session, item, field)
        item = session.item(_child(change, "ItemId"))
        tag = "t:CalendarItem" if item.folder is FolderKind.CALENDAR else "t:Message"
        return el("m:Items", el(tag, ids.item_id(session.mailbox, item)))

    return _each(session, session.part("ItemChanges"), update, el("m:ConflictResults", el("t:Count", "0")))


def delete_item(session: Session) -> Element:
    """Answer `DeleteItem`, for good or by moving."""
    how = session.element.get("DeleteType", "")
    if how not in DELETIONS:
        raise Malformed(f"The value '{how}' of DeleteType is invalid.")

    def delete(reference: Element) -> None:
        item = session.item(reference)
        if how == "MoveToDeletedItems" and item.folder not in (FolderKind.DELETED, FolderKind.CALENDAR):
            kept = {"sender": item.sender, "body": item.body, "received": item.received}
            session.mailbox.deliver(item.subject, folder=FolderKind.DELETED, **kept)  # type: ignore[arg-type]  # each of its own type
        session.mailbox.delete(item.folder, item.uid)

    return _each(session, session.part("ItemIds"), delete)


def _each(
    session: Session, wanted: Element, act: Callable[[Element], Element | None], more: Element | None = None
) -> Element:
    """Return a response message for each thing asked for, an error where it is refused."""
    messages = []
    for one in wanted:
        try:
            messages.append(soap.success(session.operation, act(one), more))
        except Refused as refused:
            messages.append(soap.failure(session.operation, refused))
    return soap.response(session.operation, *messages)


def _child(element: Element, name: str) -> Element:
    found = element.find(f"{T}{name}")
    if found is None:
        raise Malformed(f"The element '{local(element)}' has incomplete content: '{name}' is expected.")
    return found


def _letter(element: Element) -> Letter:
    """Return the message a client writes, from its properties or from its MIME content."""
    encoded = text_of(element, f"{T}MimeContent")
    if encoded:
        return _from_mime(encoded)
    found = [
        text_of(one, f"{T}EmailAddress") for name in RECIPIENTS for one in element.iterfind(f"{T}{name}/{T}Mailbox")
    ]
    return Letter(text_of(element, f"{T}Subject"), element.findtext(f"{T}Body") or "", tuple(found))


def _from_mime(encoded: str) -> Letter:
    try:
        message = message_from_bytes(base64.b64decode(encoded), policy=default)
    except (binascii.Error, ValueError):
        raise Refused("ErrorMimeContentInvalidBase64String", "The MIME content is no base64.") from None
    if not isinstance(message, EmailMessage):
        raise Refused("ErrorMimeContentInvalid", "The MIME content is no message.")
    part = message.get_body(("plain", "html"))
    try:
        addresses = [one.addr_spec for name in ("to", "cc", "bcc") if message[name] for one in message[name].addresses]
        return Letter(str(message["subject"] or ""), part.get_content() if part else "", tuple(addresses))
    except (ValueError, LookupError, AttributeError):
        raise Refused("ErrorMimeContentInvalid", "The MIME content cannot be read.") from None


def _write(session: Session, letter: Letter, disposition: str) -> Element:
    """Send and save as asked; a message that is only sent leaves nothing behind to name."""
    if disposition in SENDING:
        _send(session, letter)
    if disposition == "SendOnly":
        return el("m:Items")
    usual = FolderKind.SENT if disposition in SENDING else FolderKind.DRAFTS
    saved = session.element.find(f"{M}SavedItemFolderId")
    folder: Folder = session.folder(saved[0]) if saved is not None and len(saved) else session.mailbox.folders[usual]
    item = session.mailbox.deliver(letter.subject, sender=session.mailbox.address, body=letter.body, folder=folder.kind)
    return el("m:Items", el("t:Message", ids.item_id(session.mailbox, item)))


def _send(session: Session, letter: Letter) -> None:
    """Deliver to every recipient; of those who are not there the sender is told."""
    if not letter.recipients:
        raise Refused("ErrorInvalidRecipients", "At least one recipient isn't valid.")
    for address in letter.recipients:
        there = session.tenant.mailbox(address)
        if there is not None:
            there.deliver(letter.subject, sender=session.mailbox.address, body=letter.body)
        else:
            session.mailbox.deliver(f"Undeliverable: {letter.subject}", body=f"{address} wasn't found.\r\n")


def _schedule(session: Session, element: Element) -> Item:
    start, end = (_moment(text_of(element, f"{T}{name}")) for name in ("Start", "End"))
    if end < start:
        raise Refused("ErrorCalendarEndDateIsEarlierThanStartDate", "End is earlier than Start.")
    return session.mailbox.schedule(text_of(element, f"{T}Subject"), start, end)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Refused("ErrorCalendarInvalidPropertyValue", f"'{text}' is no date and time.") from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def _set(session: Session, item: Item, field: Element) -> None:
    path = field.find(f"{T}FieldURI")
    if local(field) != "SetItemField" or path is None or path.get("FieldURI") != "message:IsRead":
        raise Refused("ErrorInvalidPropertySet", "Set action is invalid for property.")
    said = text_of(field, f"{T}Message/{T}IsRead")
    if said not in ("true", "false", "1", "0"):
        raise Refused("ErrorInvalidPropertySet", "IsRead is true or false.")
    session.mailbox.mark_read(item.folder, item.uid, said in ("true", "1"))
