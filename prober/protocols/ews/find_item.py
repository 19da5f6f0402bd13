"""FindItem: look for items by their subject, the newest first (MS-OXWSSRCH)."""

from dataclasses import dataclass, field

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.ews import soap, status
from prober.protocols.ews.soap import Caller

NAME = "FindItem"
RECEIVED = "DateTimeReceived"
VIEW = '<m:IndexedPageItemView MaxEntriesReturned="1" Offset="0" BasePoint="Beginning"/>'
BY_RECEIPT = f'<t:FieldOrder Order="Descending"><t:FieldURI FieldURI="item:{RECEIVED}"/></t:FieldOrder>'
NEWEST_FIRST = f"<m:SortOrder>{BY_RECEIPT}</m:SortOrder>"


@dataclass(frozen=True, slots=True)
class Found:
    """How many items there are; id and time of receipt (seconds since the epoch) of the newest, if there is one."""

    total: int
    newest: str = field(default="", repr=False)
    received: float | None = None


@dataclass(frozen=True, slots=True)
class FindItem:
    """Look into a folder for items whose subject contains a text; for any item where the text is empty."""

    caller: Caller
    contains: str = field(default="", repr=False)
    folder: str = "inbox"

    def call(self) -> Call:
        """Return the request."""
        shape = soap.shape("ItemShape", f"item:{RECEIVED}")
        where = f"<m:ParentFolderIds>{soap.folder(self.caller, self.folder)}</m:ParentFolderIds>"
        content = f"{shape}{VIEW}{_restriction(self.contains)}{NEWEST_FIRST}{where}"
        return soap.request(self.caller, f'<m:{NAME} Traversal="Shallow">{content}</m:{NAME}>')

    def read(self, reply: Reply) -> Found:
        """Return what there is. Raises `FaultError`."""
        root = soap.find(soap.only(reply, NAME), "RootFolder")
        if root is None:
            raise soap.missing("RootFolder", NAME)
        total = root.get("TotalItemsInView", "")
        if not (total.isascii() and total.isdigit() and len(total) <= soap.LONGEST_NUMBER):
            raise FaultError(status.MALFORMED, {"operation": NAME, "element": "TotalItemsInView"})
        first = next(soap.children(root, "Items"), None)
        if first is None:
            return Found(int(total))
        return Found(int(total), soap.item_id(first, NAME), soap.moment(first, NAME, RECEIVED))


def _restriction(contains: str) -> str:
    if not contains:
        return ""
    what = f'<t:FieldURI FieldURI="item:Subject"/><t:Constant Value="{soap.quoted(contains)}"/>'
    how = 'ContainmentMode="Substring" ContainmentComparison="IgnoreCase"'
    return f"<m:Restriction><t:Contains {how}>{what}</t:Contains></m:Restriction>"
