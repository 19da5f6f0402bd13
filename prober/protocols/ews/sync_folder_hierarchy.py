"""SyncFolderHierarchy: the folders of a mailbox, and what has changed among them (MS-OXWSSYNC section 3.1.4.1)."""

from dataclasses import dataclass, field

from prober.exchange import Call, Reply
from prober.protocols.ews import soap
from prober.protocols.ews.soap import Caller

NAME = "SyncFolderHierarchy"


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """The state for the next time, how many folders came to be, changed or went, and whether that was all."""

    state: str = field(repr=False)
    created: int = 0
    others: int = 0
    last: bool = True


@dataclass(frozen=True, slots=True)
class SyncFolderHierarchy:
    """Ask for folders: all of them without a state, what changed since with one."""

    caller: Caller
    state: str = field(default="", repr=False)

    def call(self) -> Call:
        """Return the request."""
        top = f"<m:SyncFolderId>{soap.folder(self.caller, 'msgfolderroot')}</m:SyncFolderId>"
        state = f"<m:SyncState>{soap.quoted(self.state)}</m:SyncState>" if self.state else ""
        return soap.request(self.caller, f"<m:{NAME}>{soap.shape('FolderShape')}{top}{state}</m:{NAME}>")

    def read(self, reply: Reply) -> Hierarchy:
        """Return what is new. Raises `FaultError`."""
        message = soap.only(reply, NAME)
        changes = [soap.local(one) for one in soap.children(message, "Changes")]
        created = changes.count("Create")
        last = soap.require(message, NAME, "IncludesLastFolderInRange") in ("true", "1")
        return Hierarchy(soap.require(message, NAME, "SyncState"), created, len(changes) - created, last)
