"""SyncFolderItems: what has changed in a folder (MS-OXWSSYNC section 3.1.4.2; 512 changes are the most at a time)."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from prober.exchange import Call, Reply
from prober.protocols.ews import soap
from prober.protocols.ews.soap import Caller

NAME = "SyncFolderItems"
MOST = 512
RECEIVED = "DateTimeReceived"


@dataclass(frozen=True, slots=True)
class Arrived:
    """An item that came to be, and when it was received (seconds since the epoch; `None`: it does not say)."""

    id: str = field(repr=False)
    received: float | None


@dataclass(frozen=True, slots=True)
class Changes:
    """The state for the next time, what came and what went, how much else changed, and whether that was all."""

    state: str = field(repr=False)
    arrived: tuple[Arrived, ...] = ()
    gone: frozenset[str] = field(default=frozenset(), repr=False)
    others: int = 0
    last: bool = True


@dataclass(frozen=True, slots=True)
class SyncFolderItems:
    """Ask for the items of a folder: all of them without a state, what changed since with one."""

    caller: Caller
    state: str = field(default="", repr=False)
    most: int = MOST
    folder: str = "inbox"

    def call(self) -> Call:
        """Return the request."""
        where = f"<m:SyncFolderId>{soap.folder(self.caller, self.folder)}</m:SyncFolderId>"
        state = f"<m:SyncState>{soap.quoted(self.state)}</m:SyncState>" if self.state else ""
        most = f"<m:MaxChangesReturned>{self.most}</m:MaxChangesReturned>"
        shape = soap.shape("ItemShape", f"item:{RECEIVED}")
        return soap.request(self.caller, f"<m:{NAME}>{shape}{where}{state}{most}</m:{NAME}>")

    def read(self, reply: Reply) -> Changes:
        """Return what is new. Raises `FaultError`."""
        message = soap.only(reply, NAME)
        changes = list(soap.children(message, "Changes"))
        arrived = tuple(_arrived(one) for one in changes if soap.local(one) == "Create")
        gone = frozenset(soap.item_id(one, NAME) for one in changes if soap.local(one) == "Delete")
        last = soap.require(message, NAME, "IncludesLastItemInRange") in ("true", "1")
        others = len(changes) - len(arrived) - len(gone)
        return Changes(soap.require(message, NAME, "SyncState"), arrived, gone, others, last)


def _arrived(change: Element) -> Arrived:
    item = next(iter(change), None)
    if item is None:
        raise soap.missing("Create", NAME)
    return Arrived(soap.item_id(item, NAME), soap.moment(item, NAME, RECEIVED))
