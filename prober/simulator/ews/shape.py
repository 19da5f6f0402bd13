"""Items as they are written: which properties a client wants, and how each of them reads (MS-OXWSCDATA, MS-OXWSMSG).

Rule of this file: `PROPERTIES` is in the order of the schema, and so is every item.
"""

import base64
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import MappingProxyType

from prober.simulator.ews import ids
from prober.simulator.ews.soap import Malformed, T
from prober.simulator.http.markup import Element, el, text_of
from prober.simulator.mailbox import FolderKind, Item, Mailbox

CALENDAR = "calendar:"
Value = Callable[[Mailbox, Item], Element | str | None]


def stamp(moment: datetime) -> str:
    """Return a time as the schema has it, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def item_class(item: Item) -> str:
    """Return the message class of an item."""
    return "IPM.Appointment" if item.folder is FolderKind.CALENDAR else "IPM.Note"


def _said(value: bool) -> str:  # noqa: FBT001 - it is the value written
    return str(value).lower()


def _moment(moment: datetime | None) -> str | None:
    return stamp(moment) if moment else None


def _addressee(address: str) -> Element:
    return el("t:Mailbox", el("t:Name", address), el("t:EmailAddress", address), el("t:RoutingType", "SMTP"))


def _mime(item: Item) -> Element:
    return el("t:MimeContent", base64.b64encode(item.mime()).decode(), CharacterSet="UTF-8")


PROPERTIES: Mapping[str, Value] = MappingProxyType(
    {
        "item:MimeContent": lambda mailbox, item: _mime(item),
        "item:ParentFolderId": lambda mailbox, item: ids.folder_id(mailbox, item.folder.value, "t:ParentFolderId"),
        "item:ItemClass": lambda mailbox, item: item_class(item),
        "item:Subject": lambda mailbox, item: item.subject,
        "item:Sensitivity": lambda mailbox, item: "Normal",
        "item:Body": lambda mailbox, item: el("t:Body", item.body, BodyType="Text"),
        "item:DateTimeReceived": lambda mailbox, item: stamp(item.received),
        "item:Size": lambda mailbox, item: str(len(item.mime())),
        "item:Importance": lambda mailbox, item: "Normal",
        "item:IsSubmitted": lambda mailbox, item: "false",
        "item:IsDraft": lambda mailbox, item: _said(item.folder is FolderKind.DRAFTS),
        "item:IsFromMe": lambda mailbox, item: _said(item.sender.lower() == mailbox.address.lower()),
        "item:DateTimeSent": lambda mailbox, item: stamp(item.received),
        "item:DateTimeCreated": lambda mailbox, item: stamp(item.received),
        "item:DisplayTo": lambda mailbox, item: "; ".join(item.recipients),
        "item:HasAttachments": lambda mailbox, item: "false",
        "item:LastModifiedTime": lambda mailbox, item: stamp(item.received),
        "calendar:UID": lambda mailbox, item: item.message_id,
        "calendar:Start": lambda mailbox, item: _moment(item.start),
        "calendar:End": lambda mailbox, item: _moment(item.end),
        "calendar:IsAllDayEvent": lambda mailbox, item: "false",
        "calendar:LegacyFreeBusyStatus": lambda mailbox, item: "Busy",
        "calendar:IsMeeting": lambda mailbox, item: "false",
        "calendar:IsCancelled": lambda mailbox, item: "false",
        "calendar:IsRecurring": lambda mailbox, item: "false",
        "calendar:CalendarItemType": lambda mailbox, item: "Single",
        "calendar:MyResponseType": lambda mailbox, item: "Organizer",
        "calendar:Organizer": lambda mailbox, item: el("t:Organizer", _addressee(mailbox.address)),
        "message:Sender": lambda mailbox, item: el("t:Sender", _addressee(item.sender)),
        "message:ToRecipients": lambda mailbox, item: el("t:ToRecipients", *map(_addressee, item.recipients)),
        "message:From": lambda mailbox, item: el("t:From", _addressee(item.sender)),
        "message:InternetMessageId": lambda mailbox, item: item.message_id,
        "message:IsRead": lambda mailbox, item: _said(item.read),
    }
)
EXPENSIVE = frozenset({"item:MimeContent"})
"""Never there unless asked for by name."""
DEFAULT = frozenset(
    {
        *("item:Subject", "item:Sensitivity", "item:Body", "item:Size", "item:DateTimeSent", "item:DateTimeCreated"),
        *("item:HasAttachments", "message:ToRecipients", "message:From", "message:IsRead"),
        *("calendar:UID", "calendar:Start", "calendar:End", "calendar:LegacyFreeBusyStatus", "calendar:Organizer"),
    }
)


class ItemShape:
    """Which properties are wanted (`ItemShape`). In a list (`listed`) there are no bodies (MS-OXWSSRCH section 1.3)."""

    def __init__(self, element: Element, *, listed: bool = False) -> None:
        self._base = text_of(element, f"{T}BaseShape")
        if self._base not in ("IdOnly", "Default", "AllProperties"):
            raise Malformed(f"The value '{self._base}' of BaseShape is invalid.")
        self._more = {path.get("FieldURI", "") for path in element.iter(f"{T}FieldURI")}
        if text_of(element, f"{T}IncludeMimeContent") == "true":
            self._more.add("item:MimeContent")
        self._hidden = frozenset({"item:Body", "item:MimeContent"}) if listed else frozenset()

    def has(self, name: str) -> bool:
        """Whether the property belongs to the answer."""
        if name in self._hidden:
            return False
        whole = self._base == "AllProperties" and name not in EXPENSIVE
        return whole or (self._base == "Default" and name in DEFAULT) or name in self._more


def item_element(mailbox: Mailbox, item: Item, shape: ItemShape) -> Element:
    """Return an item in its shape."""
    entry = item.folder is FolderKind.CALENDAR
    foreign = "message:" if entry else CALENDAR
    names = [name for name in PROPERTIES if shape.has(name) and not name.startswith(foreign)]
    written = [_property(name, PROPERTIES[name](mailbox, item)) for name in names]
    # MimeContent comes before the id in the schema
    ahead = [one for one in written if one is not None and one.tag == "t:MimeContent"]
    rest = [one for one in written if one is not None and one.tag != "t:MimeContent"]
    return el("t:CalendarItem" if entry else "t:Message", *ahead, ids.item_id(mailbox, item), *rest)


def _property(name: str, value: Element | str | None) -> Element | None:
    return el(f"t:{name.partition(':')[2]}", value) if isinstance(value, str) else value
