"""FolderSync: the hierarchy of folders (MS-ASCMD section 2.2.1.5)."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, opened, request, require
from prober.protocols.wbxml.codec import BLANK, Form, element

FIRST = "0"
INBOX, CALENDAR = "2", "8"
ADD = ("FolderHierarchy:Changes", "FolderHierarchy:Add")
BODY = Form(element("FolderHierarchy:FolderSync", element("FolderHierarchy:SyncKey", BLANK)))
"""To be filled with the key."""


@dataclass(frozen=True, slots=True)
class Folders:
    """The key for the next time, the ids of the folders told of with their types, and the ids of those that went."""

    sync_key: str
    ids: tuple[tuple[str, str], ...]
    gone: frozenset[str] = frozenset()

    def first(self, kind: str) -> str:
        """Return the id of the first folder of type `kind`, or nothing."""
        return next((folder for folder, its in self.ids if its == kind), "")


@dataclass(frozen=True, slots=True)
class FolderSync:
    """Ask for folders: all of them with key `0`, what changed since with a later one."""

    phone: Phone
    sync_key: str = FIRST

    def call(self) -> Call:
        """Return the request."""
        return request(self.phone, "FolderSync", BODY.fill(self.sync_key))

    def read(self, reply: Reply) -> Folders:
        """Return the folders. Raises `FaultError`."""
        root = opened(reply, "FolderHierarchy:FolderSync")
        status.check("folder_sync", root.at("FolderHierarchy:Status"))
        ids = tuple(
            (require(folder, "FolderHierarchy:ServerId"), folder.at("FolderHierarchy:Type"))
            for folder in root.all(*ADD)
        )
        deleted = root.all("FolderHierarchy:Changes", "FolderHierarchy:Delete", "FolderHierarchy:ServerId")
        return Folders(require(root, "FolderHierarchy:SyncKey"), ids, frozenset(one.text for one in deleted))
