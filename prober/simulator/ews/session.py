"""What an operation has at hand: the mailbox that was opened, the request, and the view that is served."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from prober.simulator.ews import ids
from prober.simulator.ews.ids import ROOT, VIRTUAL
from prober.simulator.ews.soap import M, Malformed, Refused, T
from prober.simulator.http.markup import Element, local, text_of
from prober.simulator.mailbox import Folder, FolderKind, Item, Mailbox
from prober.simulator.tenant import Tenant

KINDS = MappingProxyType({kind.value: kind for kind in FolderKind})


@dataclass(frozen=True, slots=True)
class Session:
    """One request on an open mailbox. `until`: nothing received later is seen, for a stale view."""

    tenant: Tenant
    mailbox: Mailbox
    operation: str
    element: Element
    until: datetime | None = None

    def items(self, folder: Folder) -> list[Item]:
        """Return what is seen in a folder, in order of arrival."""
        return folder.visible(self.until)

    def part(self, name: str) -> Element:
        """Return a child the schema demands. Raises `Malformed`."""
        found = self.element.find(f"{M}{name}")
        if found is None:
            raise Malformed(f"The element '{self.operation}' has incomplete content: '{name}' is expected.")
        return found

    def place(self, reference: Element) -> str:
        """Return the folder that a `FolderId` or `DistinguishedFolderId` names. Raises `Refused`, `Malformed`."""
        if local(reference) == "FolderId":
            guid, name = ids.read_folder_id(reference.get("Id", ""))
            owned = guid == self.mailbox.guid
        elif local(reference) == "DistinguishedFolderId":
            name = reference.get("Id", "").lower()
            owned = self._owned(text_of(reference, f"{T}Mailbox/{T}EmailAddress"))
        else:
            raise Malformed(f"The element '{local(reference)}' is no folder id.")
        if not owned or (name not in KINDS and name not in VIRTUAL):
            raise Refused("ErrorFolderNotFound", "The specified folder could not be found in the store.")
        return name

    def folder(self, reference: Element) -> Folder:
        """Return a folder that holds items. Raises `Refused`, `Malformed`."""
        name = self.place(reference)
        if name in VIRTUAL:
            raise Refused("ErrorFolderNotFound", f"The folder '{name}' holds no items.")
        return self.mailbox.folders[KINDS[name]]

    def item(self, reference: Element) -> Item:
        """Return the item that an `ItemId` names. Raises `Refused`."""
        guid, kind, uid = ids.read_item_id(reference.get("Id", ""))
        found = self.mailbox.folders[kind].items.get(uid) if guid == self.mailbox.guid else None
        if found is None or (self.until is not None and found.received > self.until):
            raise Refused("ErrorItemNotFound", "The specified object was not found in the store.")
        return found

    def _owned(self, address: str) -> bool:
        if not address or address.lower() == self.mailbox.address.lower():
            return True
        if self.tenant.mailbox(address) is None:
            raise Refused("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
        raise Refused("ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def children_of(name: str) -> tuple[str, ...]:
    """Return the folders directly below one."""
    if name == ROOT:
        return (ids.TOP,)
    return tuple(KINDS) if name == ids.TOP else ()


Operation = Callable[[Session], Element]
