"""Ids of folders and items: opaque to clients, and good for one mailbox only."""

import base64
import binascii
import struct
import uuid

from prober.simulator.graph.errors import malformed_id, not_found
from prober.simulator.mailbox import Folder, Item, Mailbox

MARK = b"\x00\x03\x24"
"""What makes every id begin with `AAMk`, as those of Exchange do."""
LAYOUT = struct.Struct("<3s16sBI")


def folder_id(mailbox: Mailbox, folder: Folder) -> str:
    """Return the id of a folder."""
    return _written(mailbox, folder.number, 0)


def item_id(mailbox: Mailbox, folder: Folder, uid: int) -> str:
    """Return the id of an item, whether or not it is still there."""
    return _written(mailbox, folder.number, uid)


def read_id(mailbox: Mailbox, text: str) -> tuple[Folder, int]:
    """Return the folder an id names and the item's UID there, 0 for the folder itself. Raises `GraphError`."""
    try:
        mark, owner, number, uid = LAYOUT.unpack(base64.b64decode(text, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError, struct.error):
        raise malformed_id() from None
    if mark != MARK:
        raise malformed_id()
    folder = next((one for one in mailbox.folders.values() if one.number == number), None)
    if owner != uuid.UUID(mailbox.guid).bytes or folder is None:
        raise not_found()
    return folder, uid


def read_item(mailbox: Mailbox, text: str) -> tuple[Folder, Item]:
    """Return the item an id names. Raises `GraphError`."""
    folder, uid = read_id(mailbox, text)
    item = folder.items.get(uid)
    if item is None:
        raise not_found()
    return folder, item


def _written(mailbox: Mailbox, number: int, uid: int) -> str:
    whole = LAYOUT.pack(MARK, uuid.UUID(mailbox.guid).bytes, number, uid)
    return base64.urlsafe_b64encode(whole).decode()
