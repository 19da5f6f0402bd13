"""What a phone does besides synchronising: settings, single items, search, sending and moving (MS-ASCMD 2.2.1)."""

from email import message_from_bytes, policy
from email.message import Message
from email.utils import getaddresses

from prober.simulator.activesync import items
from prober.simulator.activesync import tags as t
from prober.simulator.activesync.session import Done, Session
from prober.simulator.activesync.wbxml import Node, node, text
from prober.simulator.mailbox import Folder, FolderKind, Item

OK, PROTOCOL, NO_SUCH_ITEM, BAD_STORE = 1, 2, 6, 9
MIME_INVALID, NO_RECIPIENT, ALREADY_SENT = 107, 119, 118
MOVED, BAD_SOURCE, BAD_DESTINATION = 3, 1, 2
RESULTS = 100
SENT_KEPT = 100


async def settings(session: Session) -> Done:
    """Say who the user is, take note of the device, tell that nobody is out of office."""
    if session.body is None or session.body.tag != t.SETTINGS:
        return Done(node(t.SETTINGS, text(t.SETTINGS_STATUS, PROTOCOL)))
    answers = []
    for part in session.body.children:
        if part.tag == t.USER_INFORMATION:
            answers.append(_user_information(session))
        elif part.tag == t.DEVICE_INFORMATION:
            answers.append(node(t.DEVICE_INFORMATION, text(t.SETTINGS_STATUS, OK)))
        elif part.tag == t.OOF:
            answers.append(_out_of_office(part))
    return Done(node(t.SETTINGS, text(t.SETTINGS_STATUS, OK), *answers))


def _user_information(session: Session) -> Node:
    """The addresses stand in an account from 14.1 on, by themselves before."""
    address = session.mailbox.address
    known = node(t.EMAIL_ADDRESSES, text(t.SMTP_ADDRESS, address), text(t.PRIMARY_SMTP_ADDRESS, address))
    told = known if session.line.version in ("12.1", "14.0") else node(t.ACCOUNTS, node(t.ACCOUNT, known))
    return node(t.USER_INFORMATION, text(t.SETTINGS_STATUS, OK), node(t.GET, told))


def _out_of_office(part: Node) -> Node:
    if part.find(t.GET) is None:
        return node(t.OOF, text(t.SETTINGS_STATUS, OK))
    return node(t.OOF, text(t.SETTINGS_STATUS, OK), node(t.GET, text(t.OOF_STATE, 0)))


async def item_operations(session: Session) -> Done:
    """Fetch single items."""
    fetches = session.body.all(t.ITEM_FETCH) if session.body else []
    if not fetches:
        return Done(node(t.ITEM_OPERATIONS, text(t.ITEM_STATUS, PROTOCOL)))
    answers = [_fetched(session, one) for one in fetches]
    return Done(node(t.ITEM_OPERATIONS, text(t.ITEM_STATUS, OK), node(t.ITEM_RESPONSE, *answers)))


def _fetched(session: Session, asked: Node) -> Node:
    if asked.value(t.ITEM_STORE).lower() != "mailbox":
        return node(t.ITEM_FETCH, text(t.ITEM_STATUS, BAD_STORE))
    long_id = asked.value(t.LONG_ID)
    identifier = long_id or asked.value(t.SERVER_ID)
    name = asked.value(t.COLLECTION_ID) or identifier.partition(":")[0]
    folder = items.folder_of(session.mailbox.folders, name)
    item = folder.items.get(items.uid_of(folder, identifier)) if folder else None
    if folder is None or item is None:
        return node(t.ITEM_FETCH, text(t.ITEM_STATUS, NO_SUCH_ITEM), text(t.SERVER_ID, identifier))
    wanted = items.preference(asked.find(t.ITEM_OPTIONS))
    return node(
        t.ITEM_FETCH,
        text(t.ITEM_STATUS, OK),
        *((text(t.LONG_ID, long_id),) if long_id else (text(t.COLLECTION_ID, name), text(t.SERVER_ID, identifier))),
        text(t.CLASS, items.class_of(folder.kind)),
        node(t.ITEM_PROPERTIES, *items.data(item, wanted)),
    )


async def search(session: Session) -> Done:
    """Search the mailbox by words, or the address list by name."""
    store = session.body.find(t.STORE) if session.body else None
    if store is None:
        return Done(node(t.SEARCH, text(t.SEARCH_STATUS, PROTOCOL)))
    name, words = store.value(t.STORE_NAME).lower(), _words(store)
    if name == "mailbox":
        found = [_message(folder, item) for folder, item in _matching(session, store, words)]
    elif name == "gal":
        found = [_person(address) for address in session.tenant.mailboxes if words in address]
    else:
        return _searched(text(t.SEARCH_STATUS, BAD_STORE))
    first, last = _range(store.value(t.SEARCH_OPTIONS, t.RANGE))
    shown = found[first : last + 1]
    span = (text(t.RANGE, f"{first}-{first + len(shown) - 1}"),) if shown else ()
    empty = () if shown else (node(t.RESULT),)
    return _searched(text(t.SEARCH_STATUS, OK), *shown, *empty, *span, text(t.TOTAL, len(found)))


def _searched(*parts: Node) -> Done:
    return Done(node(t.SEARCH, text(t.SEARCH_STATUS, OK), node(t.SEARCH_RESPONSE, node(t.STORE, *parts))))


def _words(store: Node) -> str:
    query = store.find(t.QUERY)
    if query is None:
        return ""
    inner = query.find(t.AND)
    return ((inner.value(t.FREE_TEXT) if inner else query.value(t.FREE_TEXT)) or query.text).lower()


def _matching(session: Session, store: Node, words: str) -> list[tuple[Folder, Item]]:
    name = store.value(t.QUERY, t.AND, t.COLLECTION_ID)
    folders = [folder for folder in session.mailbox.folders.values() if name in ("", str(folder.number))]
    visible = ((folder, item) for folder in folders for item in folder.visible(session.until))
    return [one for one in visible if words in f"{one[1].subject}\n{one[1].body}".lower()]


def _message(folder: Folder, item: Item) -> Node:
    identifier = text(t.LONG_ID, items.server_id(folder, item.uid))
    data = node(t.PROPERTIES, *items.data(item, items.Preference(size=200)))
    return node(
        t.RESULT,
        text(t.CLASS, items.class_of(folder.kind)),
        identifier,
        text(t.COLLECTION_ID, folder.number),
        data,
    )


def _person(address: str) -> Node:
    alias = address.partition("@")[0]
    shown = (text(t.GAL_NAME, alias.title()), text(t.GAL_ALIAS, alias), text(t.GAL_ADDRESS, address))
    return node(t.RESULT, node(t.PROPERTIES, *shown))


def _range(value: str) -> tuple[int, int]:
    first, _, last = value.partition("-")
    begin = items.number(first, 0)
    return begin, min(items.number(last, begin + RESULTS - 1), begin + RESULTS - 1)


async def send_mail(session: Session) -> Done:
    """Deliver a message to the mailboxes of the tenant that it is addressed to; what goes elsewhere is dropped."""
    body = session.body
    mime = body.find(t.MIME) if body else None
    if body is None or mime is None:
        return _not_sent(103)
    client_id = body.value(t.SEND_CLIENT_ID)
    if client_id and client_id in session.device.sent:
        return _not_sent(ALREADY_SENT)
    message = message_from_bytes(mime.data or mime.text.encode(), policy=policy.default)
    fields = [str(field) for name in ("To", "Cc") for field in message.get_all(name, [])]
    addresses = [address for _, address in getaddresses(fields) if address]
    if not addresses:
        return _not_sent(NO_RECIPIENT)
    session.device.sent = (*session.device.sent[-SENT_KEPT:], client_id)
    _deliver(session, message, addresses, saved=body.find(t.SAVE_IN_SENT) is not None)
    return Done()


def _deliver(session: Session, message: Message, addresses: list[str], *, saved: bool) -> None:
    subject, content = str(message.get("Subject", "")), _plain(message)
    for address in addresses:
        mailbox = session.tenant.mailbox(address)
        if mailbox is not None:
            mailbox.deliver(subject, sender=session.mailbox.address, body=content)
    if saved:
        session.mailbox.deliver(subject, sender=session.mailbox.address, body=content, folder=FolderKind.SENT)


def _plain(message: Message) -> str:
    part = next((one for one in message.walk() if one.get_content_type() == "text/plain"), message)
    content = part.get_payload(decode=True)
    return content.decode("utf-8", "replace") if isinstance(content, bytes) else ""


def _not_sent(status: int) -> Done:
    return Done(node(t.SEND_MAIL, text(t.SEND_STATUS, status)))


async def move_items(session: Session) -> Done:
    """Move items to another folder; 3 means that it was done."""
    moves = session.body.all(t.MOVE) if session.body else []
    return Done(node(t.MOVE_ITEMS, *[_moved(session, one) for one in moves]))


def _moved(session: Session, asked: Node) -> Node:
    identifier = asked.value(t.SRC_MSG_ID)
    source = items.folder_of(session.mailbox.folders, asked.value(t.SRC_FLD_ID))
    destination = items.folder_of(session.mailbox.folders, asked.value(t.DST_FLD_ID))
    told = text(t.SRC_MSG_ID, identifier)
    item = source.items.get(items.uid_of(source, identifier)) if source else None
    if source is None or item is None:
        return node(t.MOVE_RESPONSE, told, text(t.MOVE_STATUS, BAD_SOURCE))
    if destination is None:
        return node(t.MOVE_RESPONSE, told, text(t.MOVE_STATUS, BAD_DESTINATION))
    session.mailbox.delete(source.kind, item.uid)
    moved = session.mailbox.deliver(
        item.subject, sender=item.sender, body=item.body, folder=destination.kind, received=item.received
    )
    new = text(t.DST_MSG_ID, items.server_id(destination, moved.uid))
    return node(t.MOVE_RESPONSE, told, text(t.MOVE_STATUS, MOVED), new)
