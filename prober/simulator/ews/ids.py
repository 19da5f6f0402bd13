"""Identifiers as clients see them: opaque, in base64, and each naming the mailbox it is from."""

import base64
import binascii
from dataclasses import dataclass

from prober.simulator.ews.soap import Refused
from prober.simulator.http.markup import Element, el
from prober.simulator.mailbox import FolderKind, Item, Mailbox

ROOT, TOP = "root", "msgfolderroot"
VIRTUAL = frozenset({ROOT, TOP})
"""Folders that hold folders only: the root, and the top of what a user sees."""


@dataclass(frozen=True, slots=True)
class SyncState:
    """How far a client has got. Paging goes over the changes from `base` to `top`, of which all up to `upto` are out.

    `scope` is a folder, or the hierarchy.
    """

    scope: str
    base: int = 0
    upto: int = 0
    top: int = 0


def folder_id(mailbox: Mailbox, name: str, tag: str = "t:FolderId") -> Element:
    """Return the id of a folder, named as `FolderKind` does or as one of `VIRTUAL`."""
    return el(tag, Id=_pack("F", mailbox.guid, name), ChangeKey=_pack("K", name))


def item_id(mailbox: Mailbox, item: Item) -> Element:
    """Return the id of an item; its change key follows its last change."""
    return gone_id(mailbox, item.folder, item.uid, item.sequence)


def gone_id(mailbox: Mailbox, folder: FolderKind, uid: int, sequence: int) -> Element:
    """Return the id of an item that need not be there any more."""
    return el("t:ItemId", Id=_pack("I", mailbox.guid, folder.value, str(uid)), ChangeKey=_pack("K", str(sequence)))


def read_folder_id(text: str) -> tuple[str, str]:
    """Return the mailbox's guid and the folder's name. Raises `Refused`."""
    guid, name = _unpacked("F", text, 2)
    return guid, name


def read_item_id(text: str) -> tuple[str, FolderKind, int]:
    """Return the mailbox's guid, the folder and the UID. Raises `Refused`."""
    guid, folder, uid = _unpacked("I", text, 3)
    try:
        return guid, FolderKind(folder), int(uid)
    except ValueError:
        raise _malformed() from None


def sync_state(mailbox: Mailbox, state: SyncState) -> str:
    """Return a state as the client keeps it."""
    return _pack("S", mailbox.guid, state.scope, str(state.base), str(state.upto), str(state.top))


def read_sync_state(text: str, mailbox: Mailbox, scope: str) -> SyncState:
    """Return the state, a fresh one for none. Raises `Refused` for one of elsewhere, of the future, or of nobody."""
    if not text:
        return SyncState(scope)
    try:
        guid, where, *numbers = _unpacked("S", text, 5)
        base, upto, top = (int(number) for number in numbers)
    except (Refused, ValueError):
        raise _bad_state() from None
    if guid != mailbox.guid or where != scope or not 0 <= base <= upto <= top <= mailbox.sequence:
        raise _bad_state()
    return SyncState(where, base, upto, top)


def _bad_state() -> Refused:
    return Refused("ErrorInvalidSyncStateData", "The sync state data is corrupted or otherwise invalid.")


def _malformed() -> Refused:
    return Refused("ErrorInvalidIdMalformed", "Id is malformed.")


def _pack(*parts: str) -> str:
    return base64.b64encode("|".join(parts).encode()).decode()


def _unpacked(mark: str, text: str, count: int) -> list[str]:
    try:
        found, *parts = base64.b64decode(text, validate=True).decode().split("|")
    except (binascii.Error, UnicodeError, ValueError):
        raise _malformed() from None
    if found != mark or len(parts) != count:
        raise _malformed()
    return parts
