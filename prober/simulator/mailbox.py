"""One mailbox store behind every protocol: what is delivered here shows up in each, and wakes each push channel.

Rule of this file: every change gets the mailbox's next sequence number. Sync keys, delta links, `SyncState`, UIDs and
modification sequences of the protocols are views of that one number.
"""

import asyncio
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime
from enum import Enum

Now = Callable[[], datetime]


class FolderKind(Enum):
    """The default folders of a mailbox, by their distinguished names (EWS `DistinguishedFolderIdName`)."""

    INBOX = "inbox"
    DRAFTS = "drafts"
    SENT = "sentitems"
    DELETED = "deleteditems"
    OUTBOX = "outbox"
    JUNK = "junkemail"
    ARCHIVE = "archive"
    CALENDAR = "calendar"
    CONTACTS = "contacts"
    TASKS = "tasks"
    NOTES = "notes"


DISPLAY_NAMES = {
    FolderKind.INBOX: "Inbox",
    FolderKind.DRAFTS: "Drafts",
    FolderKind.SENT: "Sent Items",
    FolderKind.DELETED: "Deleted Items",
    FolderKind.OUTBOX: "Outbox",
    FolderKind.JUNK: "Junk Email",
    FolderKind.ARCHIVE: "Archive",
    FolderKind.CALENDAR: "Calendar",
    FolderKind.CONTACTS: "Contacts",
    FolderKind.TASKS: "Tasks",
    FolderKind.NOTES: "Notes",
}


@dataclass(frozen=True, slots=True)
class Item:
    """A message, or with `start` and `end` a calendar entry. Times are aware and in UTC.

    `uid` is unique and rising within its folder; `sequence` is that of its last change, `created` that of its arrival.
    """

    uid: int
    folder: FolderKind
    sequence: int
    created: int
    received: datetime
    subject: str
    sender: str
    recipients: tuple[str, ...]
    body: str
    read: bool = False
    start: datetime | None = None
    end: datetime | None = None
    message_id: str = ""
    written: bytes = field(default=b"", repr=False, compare=False)
    """The message as RFC 5322 text, written once when it comes: clients ask for its size again and again."""

    def mime(self) -> bytes:
        """Return the message as RFC 5322 text with CRLF line ends."""
        if self.written:
            return self.written
        message = EmailMessage()
        message["From"] = self.sender
        message["To"] = ", ".join(self.recipients)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(self.received)
        message["Message-ID"] = self.message_id
        message.set_content(self.body)
        return message.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")


@dataclass(frozen=True, slots=True)
class Change:
    """One entry of the journal. `kind` is `add`, `change` or `delete`."""

    sequence: int
    folder: FolderKind
    uid: int
    kind: str


@dataclass(slots=True)
class Folder:
    """One folder: its items by UID in order of arrival. `number` is its place in the mailbox, from 1."""

    kind: FolderKind
    number: int
    uid_validity: int
    items: dict[int, Item] = field(default_factory=dict)
    uid_next: int = 1
    flags: dict[int, frozenset[str]] = field(default_factory=dict)
    """Flags beyond the read one, by UID, as IMAP writes them (`\\Deleted`)."""

    @property
    def name(self) -> str:
        """The folder's display name."""
        return DISPLAY_NAMES[self.kind]

    def visible(self, until: datetime | None = None) -> list[Item]:
        """Return the items in order of arrival; with `until`, only what had been received by then (a stale view)."""
        return [item for item in self.items.values() if until is None or item.received <= until]


class Mailbox:
    """One mailbox. `site` names the site it is homed at; `now` gives the time of deliveries."""

    def __init__(
        self, address: str, site: str, now: Now = lambda: datetime.now(UTC), *, display_name: str = ""
    ) -> None:
        self.address = address
        self.site = site
        self.display_name = display_name or address.partition("@")[0].replace(".", " ").title()
        self.guid = str(uuid.uuid5(uuid.NAMESPACE_URL, f"mailto:{address}"))
        self.legacy_dn = (
            "/o=ExchangeLabs/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/"
            f"cn={self.guid.replace('-', '')}"
        )
        self.sequence = 0
        self.journal: list[Change] = []
        validity = int(uuid.UUID(self.guid)) % 1_000_000 + 1_000
        self.folders = {kind: Folder(kind, n, validity + n) for n, kind in enumerate(FolderKind, 1)}
        self._now = now
        self._watchers: set[asyncio.Event] = set()
        self._listeners: set[Callable[[], None]] = set()

    @property
    def inbox(self) -> Folder:
        """The Inbox."""
        return self.folders[FolderKind.INBOX]

    def deliver(
        self,
        subject: str,
        *,
        sender: str = "",
        body: str = "",
        folder: FolderKind = FolderKind.INBOX,
        received: datetime | None = None,
    ) -> Item:
        """Put a message into `folder` and wake everybody who waits for news of this mailbox."""
        return self._add(folder, subject, sender or f"postmaster@{self._domain}", body, received or self._now())

    def schedule(self, subject: str, start: datetime, end: datetime) -> Item:
        """Put an entry into the calendar."""
        return self._add(FolderKind.CALENDAR, subject, self.address, "", self._now(), start, end)

    def mark_read(self, folder: FolderKind, uid: int, read: bool = True) -> None:  # noqa: FBT001, FBT002 - the state set
        """Set or clear the read flag. Raises `KeyError` for an item that is not there."""
        item = self.folders[folder].items[uid]
        number = self._record(folder, uid, "change")
        self.folders[folder].items[uid] = replace(item, read=read, sequence=number)
        self._wake()

    def set_flags(self, folder: FolderKind, uid: int, flags: frozenset[str]) -> None:
        """Set the flags beyond the read one. Raises `KeyError` for an item that is not there."""
        item = self.folders[folder].items[uid]
        number = self._record(folder, uid, "change")
        self.folders[folder].items[uid] = replace(item, sequence=number)
        self.folders[folder].flags[uid] = flags
        self._wake()

    def delete(self, folder: FolderKind, uid: int) -> None:
        """Remove an item for good. Raises `KeyError` for an item that is not there."""
        del self.folders[folder].items[uid]
        self.folders[folder].flags.pop(uid, None)
        self._record(folder, uid, "delete")
        self._wake()

    def changes(self, since: int, folder: FolderKind | None = None, until: datetime | None = None) -> list[Change]:
        """Return what happened after sequence number `since`, one entry per item: the net effect, in order.

        With `until`, arrivals later than that are left out: a store that serves an old view.
        """
        net: dict[tuple[FolderKind, int], Change] = {}
        for change in self.journal:
            if change.sequence <= since or folder not in (None, change.folder) or self._hidden(change, until):
                continue
            key = (change.folder, change.uid)
            before = net.pop(key, None)
            kind = "add" if before and before.kind == "add" and change.kind == "change" else change.kind
            if not (before and before.kind == "add" and change.kind == "delete"):
                net[key] = replace(change, kind=kind)
        return list(net.values())

    @contextmanager
    def watching(self) -> Iterator[asyncio.Event]:
        """Give an event that is set at every change, for push channels; the waiter clears it."""
        news = asyncio.Event()
        self._watchers.add(news)
        try:
            yield news
        finally:
            self._watchers.discard(news)

    def listen(self, hear: Callable[[], None]) -> Callable[[], None]:
        """Have `hear` called at every change, which costs no task per listener; return what ends that."""
        self._listeners.add(hear)
        return lambda: self._listeners.discard(hear)

    @property
    def _domain(self) -> str:
        return self.address.partition("@")[2]

    def _hidden(self, change: Change, until: datetime | None) -> bool:
        item = self.folders[change.folder].items.get(change.uid)
        return until is not None and item is not None and item.received > until

    def _add(
        self,
        kind: FolderKind,
        subject: str,
        sender: str,
        body: str,
        received: datetime,
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Item:
        folder = self.folders[kind]
        subject = " ".join(subject.split())  # a header is one line, however it came
        uid, folder.uid_next = folder.uid_next, folder.uid_next + 1
        number = self._record(kind, uid, "add")
        made = Item(
            uid=uid,
            folder=kind,
            sequence=number,
            created=number,
            received=received.replace(microsecond=0),
            subject=subject,
            sender=sender,
            recipients=(self.address,),
            body=body or f"{subject}\r\n",
            start=start,
            end=end,
            message_id=f"<{self.guid}.{kind.value}.{uid}@{self._domain}>",
        )
        folder.items[uid] = replace(made, written=made.mime())
        self._wake()
        return folder.items[uid]

    def _record(self, folder: FolderKind, uid: int, kind: str) -> int:
        self.sequence += 1
        self.journal.append(Change(self.sequence, folder, uid, kind))
        return self.sequence

    def _wake(self) -> None:
        for news in self._watchers:
            news.set()
        for hear in tuple(self._listeners):
            hear()


def furnish(mailbox: Mailbox, now: datetime, *, messages: int = 12) -> None:
    """Give a new mailbox what a lived-in one has: mail of the last days, and a calendar."""
    for position in range(messages, 0, -1):
        mailbox.deliver(
            f"Weekly report {position}", body=f"Report {position}.\r\n", received=now - timedelta(hours=5 * position)
        )
    for days in (-1, 0, 1, 3):
        start = (now + timedelta(days=days)).replace(hour=9, minute=0, second=0, microsecond=0)
        mailbox.schedule(f"Stand-up {start:%A}", start, start + timedelta(minutes=30))
