"""The folder hierarchy, and how many items wait in a folder (MS-ASCMD sections 2.2.1.5 and 2.2.1.9)."""

from prober.simulator.activesync import items
from prober.simulator.activesync import tags as t
from prober.simulator.activesync.session import Done, Session
from prober.simulator.activesync.wbxml import Node, node, text
from prober.simulator.mailbox import Folder

BAD_REQUEST, UNKNOWN_KEY = 10, 9


async def folder_sync(session: Session) -> Done:
    """Show all folders to a device that begins, none to one that has them; an unknown key starts at the beginning."""
    device = session.device
    if session.body is None or session.body.tag != t.FOLDER_SYNC:
        return Done(node(t.FOLDER_SYNC, text(t.FOLDER_STATUS, BAD_REQUEST)))
    key = session.body.value(t.FOLDER_KEY)
    if key == "0":
        device.start_anew()
        device.folder_key = 1
        return Done(_hierarchy(device.folder_key, list(session.mailbox.folders.values())))
    if key != str(device.folder_key):
        return Done(node(t.FOLDER_SYNC, text(t.FOLDER_STATUS, UNKNOWN_KEY)))
    return Done(_hierarchy(device.folder_key, []))


def _hierarchy(key: int, added: list[Folder]) -> Node:
    adds = [
        node(
            t.FOLDER_ADD,
            text(t.FOLDER_ID, folder.number),
            text(t.PARENT_ID, 0),
            text(t.FOLDER_NAME, folder.name),
            text(t.FOLDER_TYPE, items.TYPES[folder.kind]),
        )
        for folder in added
    ]
    changes = node(t.FOLDER_CHANGES, text(t.COUNT, len(adds)), *adds)
    return node(t.FOLDER_SYNC, text(t.FOLDER_STATUS, 1), text(t.FOLDER_KEY, key), changes)


async def get_item_estimate(session: Session) -> Done:
    """Say for each collection how many changes a Sync would bring."""
    asked = session.body.find(t.ESTIMATE_COLLECTIONS) if session.body else None
    if asked is None:
        return Done(node(t.GET_ITEM_ESTIMATE, text(t.ESTIMATE_STATUS, 103)))
    return Done(node(t.GET_ITEM_ESTIMATE, *[_estimated(session, one) for one in asked.all(t.ESTIMATE_COLLECTION)]))


def _estimated(session: Session, asked: Node) -> Node:
    name = asked.value(t.ESTIMATE_COLLECTION_ID) or asked.value(t.COLLECTION_ID)
    folder = items.folder_of(session.mailbox.folders, name)
    if folder is None:
        return _estimate(name, 2)
    state = session.device.collections.get(name)
    if state is None:
        return _estimate(name, 3)
    progress = state.at(asked.value(t.SYNC_KEY))
    if progress is None:
        return _estimate(name, 4)
    found = items.pending(
        session.mailbox,
        folder,
        progress.sequence,
        filter_type=state.filter_type,
        now=session.now,
        until=session.until,
    )
    return _estimate(name, 1, len(found))


def _estimate(name: str, status: int, count: int | None = None) -> Node:
    shown = () if count is None else (text(t.ESTIMATE, count),)
    collection = node(t.ESTIMATE_COLLECTION, text(t.ESTIMATE_COLLECTION_ID, name), *shown)
    return node(t.ESTIMATE_RESPONSE, text(t.ESTIMATE_STATUS, status), collection)
