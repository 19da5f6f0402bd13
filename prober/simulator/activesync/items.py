"""Messages and calendar entries as ActiveSync shows them (MS-ASEMAIL, MS-ASCAL, MS-ASAIRS)."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prober.simulator.activesync import tags as t
from prober.simulator.activesync.wbxml import Node, node, text
from prober.simulator.mailbox import Change, Folder, FolderKind, Item, Mailbox

PLAIN, HTML, MIME = 1, 2, 4
TYPES = {
    FolderKind.INBOX: 2,
    FolderKind.DRAFTS: 3,
    FolderKind.DELETED: 4,
    FolderKind.SENT: 5,
    FolderKind.OUTBOX: 6,
    FolderKind.TASKS: 7,
    FolderKind.CALENDAR: 8,
    FolderKind.CONTACTS: 9,
    FolderKind.NOTES: 10,
    FolderKind.JUNK: 12,
    FolderKind.ARCHIVE: 12,
}
"""Folder types (MS-ASCMD section 2.2.3.186.3)."""
CLASSES = {
    FolderKind.CALENDAR: "Calendar",
    FolderKind.CONTACTS: "Contacts",
    FolderKind.TASKS: "Tasks",
    FolderKind.NOTES: "Notes",
}
FILTER_DAYS = {1: 1, 2: 3, 3: 7, 4: 14, 5: 31, 6: 92, 7: 183}
"""FilterType in days (MS-ASCMD section 2.2.3.68.2)."""
TIMEZONE = base64.b64encode(bytes(172)).decode()
"""UTC: a TIME_ZONE_INFORMATION structure without any bias (MS-ASDTYPE section 2.7.6)."""


@dataclass(frozen=True, slots=True)
class Preference:
    """Which body a client wants, and how much of it; `size` negative for all."""

    type: int = PLAIN
    size: int = -1


def preference(options: Node | None) -> Preference:
    """Read the first body preference of an `Options` element; without one, a plain text."""
    found = options.find(t.BODY_PREFERENCE) if options else None
    if found is None:
        return Preference()
    return Preference(number(found.value(t.BODY_TYPE), PLAIN), number(found.value(t.TRUNCATION_SIZE), -1))


def folder_of(folders: dict[FolderKind, Folder], collection_id: str) -> Folder | None:
    """Return the folder with this id."""
    return next((folder for folder in folders.values() if str(folder.number) == collection_id), None)


def class_of(kind: FolderKind) -> str:
    """Return the class of a folder's items."""
    return CLASSES.get(kind, "Email")


def cutoff(filter_type: int, now: datetime) -> datetime | None:
    """Return the time before which items are left out."""
    days = FILTER_DAYS.get(filter_type)
    return now - timedelta(days=days) if days else None


DIGITS = 9


def pending(
    mailbox: Mailbox, folder: Folder, since: int, *, filter_type: int, now: datetime, until: datetime | None
) -> list[Change]:
    """Return what happened in `folder` after sequence number `since`, without arrivals that the filter leaves out."""
    oldest = cutoff(filter_type, now)

    def wanted(change: Change) -> bool:
        item = folder.items.get(change.uid)
        if change.kind != "add" or item is None:
            return change.kind != "add"
        return oldest is None or item.start is not None or item.received >= oldest

    return [change for change in mailbox.changes(since, folder.kind, until) if wanted(change)]


def server_id(folder: Folder, uid: int) -> str:
    """Return the id of an item: that of its collection, and its own."""
    return f"{folder.number}:{uid}"


def uid_of(folder: Folder, identifier: str) -> int:
    """Return the UID that an id names, -1 for one that is not this folder's."""
    collection, _, uid = identifier.partition(":")
    return number(uid, -1) if collection == str(folder.number) else -1


def data(item: Item, wanted: Preference) -> tuple[Node, ...]:
    """Return the properties of an item."""
    return _calendar(item) if item.folder is FolderKind.CALENDAR else _email(item, wanted)


def _email(item: Item, wanted: Preference) -> tuple[Node, ...]:
    return (
        text(t.TO, ", ".join(f'"{name}" <{name}>' for name in item.recipients)),
        text(t.FROM, f'"{item.sender}" <{item.sender}>'),
        text(t.EMAIL_SUBJECT, item.subject),
        text(t.DATE_RECEIVED, f"{item.received.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"),
        text(t.DISPLAY_TO, "; ".join(item.recipients)),
        text(t.THREAD_TOPIC, item.subject),
        text(t.IMPORTANCE, 1),
        text(t.READ, int(item.read)),
        body(item, wanted),
        text(t.MESSAGE_CLASS, "IPM.Note"),
        text(t.INTERNET_CPID, 65001),
        text(t.CONTENT_CLASS, "urn:content-classes:message"),
        text(t.NATIVE_BODY_TYPE, PLAIN),
    )


def _calendar(item: Item) -> tuple[Node, ...]:
    start, end = item.start or item.received, item.end or item.received
    return (
        text(t.TIMEZONE, TIMEZONE),
        text(t.DT_STAMP, _compact(item.received)),
        text(t.START_TIME, _compact(start)),
        text(t.CALENDAR_SUBJECT, item.subject),
        text(t.UID, item.message_id.strip("<>")),
        text(t.END_TIME, _compact(end)),
        text(t.ALL_DAY_EVENT, 0),
        text(t.BUSY_STATUS, 2),
        text(t.SENSITIVITY, 0),
        text(t.MEETING_STATUS, 0),
    )


def body(item: Item, wanted: Preference) -> Node:
    """Return a body in the type wanted, cut to the size wanted (MS-ASAIRS section 2.2.2.9)."""
    if wanted.type == MIME:
        whole = item.mime().decode("utf-8", "replace")
    elif wanted.type == HTML:
        whole = f"<html><body><pre>{item.body.replace('&', '&amp;').replace('<', '&lt;')}</pre></body></html>"
    else:
        whole = item.body
    kind = wanted.type if wanted.type in (HTML, MIME) else PLAIN
    shown = whole if wanted.size < 0 else whole[: wanted.size]
    cut = () if shown == whole else (text(t.TRUNCATED, 1),)
    size = text(t.ESTIMATED_DATA_SIZE, len(whole.encode()))
    return node(t.BODY, text(t.BODY_TYPE, kind), size, *cut, *((text(t.BODY_DATA, shown),) if shown else ()))


def _compact(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def number(value: str, default: int) -> int:
    """Return the number in a text of a client's, `default` for what is none, or none that anybody means."""
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= DIGITS else default
