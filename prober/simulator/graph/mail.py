"""Mail folders and messages (Learn, "List mailFolders", "List messages")."""

from collections.abc import Mapping
from typing import Any

from prober.simulator.graph import entities
from prober.simulator.graph.asking import Answer, Asking
from prober.simulator.graph.errors import malformed_id, not_found
from prober.simulator.graph.ids import read_id, read_item
from prober.simulator.graph.odata import Query, filtered, one_page, selector, sorter
from prober.simulator.mailbox import Folder, FolderKind, Item, Mailbox

PAGE = 10
WELL_KNOWN = frozenset(kind.value for kind in entities.MAIL_FOLDERS)
ROOT = "msgfolderroot"
UNSORTED = ("receivedDateTime desc",)


def list_folders(asking: Asking) -> Answer:
    """Return the mail folders of the mailbox."""
    mailbox = asking.mailbox
    found: list[Mapping[str, Any]] = [
        entities.folder_entity(mailbox, mailbox.folders[kind], asking.until) for kind in entities.MAIL_FOLDERS
    ]
    return _listed(asking, found, entities.FOLDER_FIELDS, f"users('{asking.user}')/mailFolders")


def child_folders(asking: Asking) -> Answer:
    """Return the folders within a folder: none, but for the one that holds all."""
    if is_root(asking.mailbox, asking.parts[0]):
        return list_folders(asking)
    folder_named(asking.mailbox, asking.parts[0])
    context = asking.context(f"users('{asking.user}')/mailFolders('{asking.parts[0]}')/childFolders")
    return Answer({"@odata.context": context, "value": []})


def get_folder(asking: Asking) -> Answer:
    """Return one folder."""
    mailbox = asking.mailbox
    if is_root(mailbox, asking.parts[0]):
        found = entities.root_entity(mailbox)
    else:
        found = entities.folder_entity(mailbox, folder_named(mailbox, asking.parts[0]), asking.until)
    context = asking.context(f"users('{asking.user}')/mailFolders/$entity")
    return Answer({"@odata.context": context} | selector(asking.query, entities.FOLDER_FIELDS)(found))


def folder_messages(asking: Asking) -> Answer:
    """Return a page of a folder's messages, the newest first unless told otherwise."""
    mailbox = asking.mailbox
    folder = folder_named(mailbox, asking.parts[0])
    found = [entities.message_entity(mailbox, folder, item) for item in folder.visible(asking.until)]
    what = f"users('{asking.user}')/mailFolders('{asking.parts[0]}')/messages"
    return _listed(asking, found, entities.MESSAGE_FIELDS, what, UNSORTED)


def all_messages(asking: Asking) -> Answer:
    """Return a page of the messages of all folders."""
    mailbox = asking.mailbox
    folders = [mailbox.folders[kind] for kind in entities.MAIL_FOLDERS]
    found = [
        entities.message_entity(mailbox, folder, item) for folder in folders for item in folder.visible(asking.until)
    ]
    return _listed(asking, found, entities.MESSAGE_FIELDS, f"users('{asking.user}')/messages", UNSORTED)


def get_message(asking: Asking) -> Answer:
    """Return one message, from the folder the path names where it names one."""
    folder, item = _message(asking)
    found = entities.message_entity(asking.mailbox, folder, item)
    context = asking.context(f"users('{asking.user}')/messages/$entity")
    return Answer({"@odata.context": context} | selector(asking.query, entities.MESSAGE_FIELDS)(found))


def message_mime(asking: Asking) -> Answer:
    """Return one message as it came over the wire."""
    return Answer(headers=(("Content-Type", "text/plain"),), raw=_message(asking)[1].mime())


def folder_named(mailbox: Mailbox, name: str) -> Folder:
    """Return the mail folder of an id or of a well-known name. Raises `GraphError`."""
    if name.lower() in WELL_KNOWN:
        return mailbox.folders[FolderKind(name.lower())]
    folder, uid = read_id(mailbox, name)
    if uid:
        raise malformed_id()
    if folder.kind not in entities.MAIL_FOLDERS:
        raise not_found()
    return folder


def is_root(mailbox: Mailbox, name: str) -> bool:
    """Whether this names the folder that holds all others."""
    return name.lower() == ROOT or name == entities.root_id(mailbox)


def _message(asking: Asking) -> tuple[Folder, Item]:
    *within, name = asking.parts
    folder, item = read_item(asking.mailbox, name)
    hidden = asking.until is not None and item.received > asking.until
    elsewhere = bool(within) and folder_named(asking.mailbox, within[0]) is not folder
    if hidden or elsewhere or folder.kind not in entities.MAIL_FOLDERS:
        raise not_found()
    return folder, item


def _listed(
    asking: Asking,
    found: list[Any],
    known: frozenset[str],
    what: str,
    order: tuple[str, ...] = (),
) -> Answer:
    query = asking.query
    chosen = selector(query, known)
    passes = filtered(query, known).passes
    natural = sorter(Query({"orderby": ",".join(order)}, query.url), known)
    ordered = sorter(query, known)(natural(one for one in found if passes(one)))
    page = one_page(query, ordered, query.top(PAGE))
    page["value"] = [chosen(one) for one in page["value"]]
    return Answer({"@odata.context": asking.context(what)} | page)
