"""A selected folder as one session knows it: message numbers stay put until the session is told otherwise.

Rule of this file: numbers change only in `news`, whose lines tell the client so (RFC 3501 section 7.4.1).
"""

from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from prober.simulator.imap import flags
from prober.simulator.imap.search import Extent
from prober.simulator.imap.sequence import SequenceSet
from prober.simulator.mailbox import Folder, FolderKind, Item, Mailbox


class View:
    """A folder under selection. `uids` are the messages by number; with `until` all methods see an old state."""

    __slots__ = ("_position", "folder", "mailbox", "read_only", "uids")

    def __init__(self, mailbox: Mailbox, kind: FolderKind, *, read_only: bool, until: datetime | None = None) -> None:
        self.mailbox = mailbox
        self.folder: Folder = mailbox.folders[kind]
        self.read_only = read_only
        self.uids: list[int] = list(self.folder.items) if until is None else []
        self._position = len(mailbox.journal) if until is None else 0
        self.news(until)

    @property
    def extent(self) -> Extent:
        """What `*` stands for here."""
        return Extent(len(self.uids), self.uids[-1] if self.uids else 0)

    def items(self, until: datetime | None = None) -> Iterator[tuple[int, Item]]:
        """Give number and item of every message that is there still."""
        for number, uid in enumerate(self.uids, 1):
            item = self.folder.items.get(uid)
            if item is None:
                continue
            if until is not None and item.received > until:
                return
            yield number, item

    def chosen(
        self, wanted: SequenceSet, *, by_uid: bool, until: datetime | None = None
    ) -> list[tuple[int, Item]] | None:
        """Return the messages of a set; `None` where it names a number there is not. UIDs may be missing."""
        there = list(self.items(until))
        if by_uid:
            resolved = wanted.within(there[-1][1].uid if there else 0)
            return [one for one in there if one[1].uid in resolved]
        resolved = wanted.within(len(self.uids))
        if resolved.bounds[0] < 1 or resolved.bounds[1] > len(self.uids):
            return None
        return [one for one in there if one[0] in resolved]

    def news(self, until: datetime | None = None) -> list[bytes]:
        """Catch up with the store, and return the lines that say what changed. Arrivals after `until` stay unknown."""
        journal = self.mailbox.journal
        lines: list[bytes] = []
        changed: dict[int, None] = {}
        before = len(self.uids)
        while self._position < len(journal):
            change = journal[self._position]
            if change.folder is self.folder.kind:
                if change.kind == "add" and self._hidden(change.uid, until):
                    break
                gone = self._follow(change.kind, change.uid, changed)
                before = before - 1 if gone and gone <= before else before
                lines += [b"* %d EXPUNGE" % gone] if gone else []
            self._position += 1
        lines += [self.flags_line(uid) for uid in changed if uid in self.folder.items and self.number(uid)]
        if len(self.uids) != before:
            lines += [b"* %d EXISTS" % len(self.uids), b"* 0 RECENT"]
        return lines

    def number(self, uid: int) -> int:
        """Return the number of a message, 0 when it is not known here."""
        place = bisect_left(self.uids, uid)
        return place + 1 if place < len(self.uids) and self.uids[place] == uid else 0

    def flags_line(self, uid: int) -> bytes:
        """Return the line that gives the flags of a message."""
        shown = flags.written(flags.of(self.folder, self.folder.items[uid]))
        return b"* %d FETCH (UID %d FLAGS %b)" % (self.number(uid), uid, shown)

    @contextmanager
    def own_changes(self) -> Iterator[None]:
        """Do not call news what is done within: the command that does it says so itself."""
        current = self._position == len(self.mailbox.journal)
        yield
        if current:
            self._position = len(self.mailbox.journal)

    def _hidden(self, uid: int, until: datetime | None) -> bool:
        item = self.folder.items.get(uid)
        return until is not None and item is not None and item.received > until

    def _follow(self, kind: str, uid: int, changed: dict[int, None]) -> int:
        """Take one change in; return the number of a message that is gone, else 0."""
        number = self.number(uid)
        if kind == "add" and not number and uid in self.folder.items:
            self.uids.append(uid)
        if kind == "change" and number:
            changed[uid] = None
        if kind == "delete" and number:
            del self.uids[number - 1]
            return number
        return 0
