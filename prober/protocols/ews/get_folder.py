"""GetFolder: whether folders are there, and how much is in them (MS-OXWSFOLD)."""

from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.ews import soap, status
from prober.protocols.ews.soap import Caller

NAME = "GetFolder"


@dataclass(frozen=True, slots=True)
class Folders:
    """Ids and numbers of items, in the order of what was asked; `build` is the server's."""

    ids: tuple[str, ...] = field(repr=False)
    totals: tuple[int, ...]
    build: str = ""


@dataclass(frozen=True, slots=True)
class GetFolder:
    """Ask for distinguished folders."""

    caller: Caller
    names: tuple[str, ...] = ("inbox", "calendar")

    def call(self) -> Call:
        """Return the request."""
        wanted = "".join(soap.folder(self.caller, name) for name in self.names)
        shape = soap.shape("FolderShape", "folder:TotalCount")
        return soap.request(self.caller, f"<m:GetFolder>{shape}<m:FolderIds>{wanted}</m:FolderIds></m:GetFolder>")

    def read(self, reply: Reply) -> Folders:
        """Return the folders, one for each that was asked for. Raises `FaultError`."""
        answer = soap.answered(reply, NAME)
        found = [_folder(one) for one in soap.messages(answer, NAME, reply.headers)]
        if len(found) != len(self.names):
            raise FaultError(status.WRONG_ANSWER, {"operation": NAME, "messages": str(len(found))})
        ids, totals = zip(*((_id(one), soap.number(one, NAME, "TotalCount")) for one in found), strict=True)
        return Folders(ids, totals, soap.build(reply))


def _folder(message: Element) -> Element:
    found = next(soap.children(message, "Folders"), None)
    if found is None:
        raise soap.missing("Folders", NAME)
    return found


def _id(folder: Element) -> str:
    found = soap.find(folder, "FolderId")
    if found is None or not found.get("Id"):
        raise soap.missing("FolderId", NAME)
    return found.get("Id", "")
