"""Folders: one by one, by search, and as a hierarchy to follow (MS-OXWSFOLD, MS-OXWSSYNC)."""

from collections.abc import Mapping
from types import MappingProxyType

from prober.simulator.ews import ids, soap
from prober.simulator.ews.ids import ROOT, TOP, SyncState
from prober.simulator.ews.session import KINDS, Session, children_of
from prober.simulator.ews.soap import M, Malformed, Refused, T
from prober.simulator.http.markup import Element, el, text_of
from prober.simulator.mailbox import FolderKind

TAGS: Mapping[FolderKind, tuple[str, str]] = MappingProxyType(
    {
        FolderKind.CALENDAR: ("t:CalendarFolder", "IPF.Appointment"),
        FolderKind.CONTACTS: ("t:ContactsFolder", "IPF.Contact"),
        FolderKind.TASKS: ("t:TasksFolder", "IPF.Task"),
        FolderKind.NOTES: ("t:Folder", "IPF.StickyNote"),
    }
)
USUAL = ("t:Folder", "IPF.Note")
NAMES: Mapping[str, str] = MappingProxyType({ROOT: "", TOP: "Top of Information Store"})
DEFAULT = frozenset({"DisplayName", "TotalCount", "ChildFolderCount", "UnreadCount"})
"""What the `Default` shape has; `AllProperties` has everything here."""
HIERARCHY = "hierarchy"
PAGE = 1000


def get_folder(session: Session) -> Element:
    """Answer `GetFolder`: a response message for each folder asked for."""
    shape = Shape(session.part("FolderShape"))
    wanted = session.part("FolderIds")
    return soap.response(session.operation, *(_one(session, one, shape) for one in wanted))


def find_folder(session: Session) -> Element:
    """Answer `FindFolder`: what is below each of the parents, one level or all."""
    shape = Shape(session.part("FolderShape"))
    deep = session.element.get("Traversal", "Shallow") != "Shallow"
    messages = [_below(session, one, shape, deep=deep) for one in session.part("ParentFolderIds")]
    return soap.response(session.operation, *messages)


def sync_hierarchy(session: Session) -> Element:
    """Answer `SyncFolderHierarchy`: every folder at first, and nothing after that, for folders do not change here."""
    shape = Shape(session.part("FolderShape"))
    try:
        known = text_of(session.element, f"{M}SyncState")
        ids.read_sync_state(known, session.mailbox, HIERARCHY)
    except Refused as refused:
        return soap.response(session.operation, soap.failure(session.operation, refused))
    names = () if known else (TOP, *KINDS)
    top = session.mailbox.sequence
    return soap.response(
        session.operation,
        soap.success(
            session.operation,
            el("m:SyncState", ids.sync_state(session.mailbox, SyncState(HIERARCHY, top, top, top))),
            el("m:IncludesLastFolderInRange", "true"),
            el("m:Changes", *(el("t:Create", folder(session, name, shape)) for name in names)),
        ),
    )


class Shape:
    """Which properties of a folder are wanted (`FolderShape`)."""

    def __init__(self, element: Element) -> None:
        self._base = text_of(element, f"{T}BaseShape")
        if self._base not in ("IdOnly", "Default", "AllProperties"):
            raise Malformed(f"The value '{self._base}' of BaseShape is invalid.")
        paths = element.iter(f"{T}FieldURI")
        self._more = frozenset(path.get("FieldURI", "").removeprefix("folder:") for path in paths)

    def has(self, name: str) -> bool:
        """Whether the property belongs to the answer."""
        whole = self._base == "AllProperties" or (self._base == "Default" and name in DEFAULT)
        return whole or name in self._more


def folder(session: Session, name: str, shape: Shape) -> Element:
    """Return a folder; the order of its properties is that of the schema."""
    kind = KINDS.get(name)
    tag, folder_class = TAGS.get(kind, USUAL) if kind else USUAL
    counted = session.items(session.mailbox.folders[kind]) if kind else []
    parent = {ROOT: ROOT, TOP: ROOT}.get(name, TOP)
    values = {
        "FolderClass": folder_class,
        "DisplayName": session.mailbox.folders[kind].name if kind else NAMES[name],
        "TotalCount": str(len(counted)),
        "ChildFolderCount": str(len(children_of(name))),
        "UnreadCount": str(sum(not item.read for item in counted)) if tag != "t:CalendarFolder" else "",
        "DistinguishedFolderId": name,
    }
    if tag == "t:ContactsFolder":
        values.pop("UnreadCount")
    return el(
        tag,
        ids.folder_id(session.mailbox, name),
        ids.folder_id(session.mailbox, parent, "t:ParentFolderId") if shape.has("ParentFolderId") else None,
        *(el(f"t:{key}", value) for key, value in values.items() if shape.has(key) and (value or key == "DisplayName")),
    )


def _one(session: Session, reference: Element, shape: Shape) -> Element:
    try:
        found = folder(session, session.place(reference), shape)
    except Refused as refused:
        return soap.failure(session.operation, refused)
    return soap.success(session.operation, el("m:Folders", found))


def _below(session: Session, reference: Element, shape: Shape, *, deep: bool) -> Element:
    try:
        parent = session.place(reference)
    except Refused as refused:
        return soap.failure(session.operation, refused)
    names = list(children_of(parent))
    if deep:
        names += [below for name in names for below in children_of(name)]
    offset, size = window(session.element.find(f"{M}IndexedPageFolderView"), PAGE)
    page = names[offset : offset + size]
    root = el(
        "m:RootFolder",
        el("t:Folders", *(folder(session, name, shape) for name in page)),
        IndexedPagingOffset=str(offset + len(page)),
        TotalItemsInView=str(len(names)),
        IncludesLastItemInRange=str(offset + len(page) >= len(names)).lower(),
    )
    return soap.success(session.operation, root)


def window(view: Element | None, most: int) -> tuple[int, int]:
    """Return the offset and the size of a page, at most `most`. Raises `Malformed`."""
    if view is None:
        return 0, most
    try:
        offset, size = int(view.get("Offset", "0")), int(view.get("MaxEntriesReturned", str(most)))
    except ValueError:
        raise Malformed("The paging values are invalid.") from None
    if offset < 0 or size < 1:
        raise Refused("ErrorInvalidPagingMaxRows", "The paging values are out of range.")
    return offset, min(size, most)
