"""Sync: what changed in a collection since a key, a window of it at a time (MS-ASCMD section 2.2.1.21).

Rule of this file: a key stands for a sequence number of the mailbox. The current key and the one before it work, so
that an answer that was lost can be asked for again; any other starts the collection anew.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass

from prober.simulator.activesync import devices, items
from prober.simulator.activesync import tags as t
from prober.simulator.activesync.session import Done, Session
from prober.simulator.activesync.wbxml import Malformed, Node, decode, node, text
from prober.simulator.mailbox import Change, Folder

OK, INVALID_KEY, PROTOCOL_ERROR, NOT_FOUND, HIERARCHY, WAIT_RANGE, INCOMPLETE = 1, 3, 4, 8, 12, 14, 13
WINDOW = 100
LONGEST, SHORTEST = 3540, 60
"""Seconds a client may wait; `Limit` tells them in the unit in which it asked."""
LIMIT = (0, 0x25)
FIRST = "0"


@dataclass(frozen=True, slots=True)
class Part:
    """The answer about one collection. `news`: there is something in it that the client did not know."""

    answer: Node
    news: bool


async def sync(session: Session) -> Done:
    """Answer at once, or with a wait given and nothing new only when something changes or the time is over."""
    body = _document(session)
    collections = body.find(t.COLLECTIONS) if body else None
    if body is None or collections is None:
        return _status(INCOMPLETE if not session.raw else PROTOCOL_ERROR)
    wait = _wait(body)
    if wait and not SHORTEST <= wait <= LONGEST:
        limit = SHORTEST if wait < SHORTEST else LONGEST
        shown = limit if body.find(t.WAIT) is None else limit // 60
        return Done(node(t.SYNC, text(t.STATUS, WAIT_RANGE), text(LIMIT, shown)))
    session.device.last_sync = session.raw or session.device.last_sync
    asked = collections.all(t.COLLECTION)
    parts = [_part(session, one) for one in asked]
    if wait and not any(part.news for part in parts):
        parts = await _held(session, asked, wait, parts)
        if session.fault is not None and session.fault.kind == "push_drop":
            return Done(cut_off=True)
    if not any(part.news for part in parts):
        return Done()
    return Done(node(t.SYNC, node(t.COLLECTIONS, *[part.answer for part in parts])))


def _document(session: Session) -> Node | None:
    """Return the request, or the one before it where this one is empty: nothing has changed in it."""
    if session.raw:
        return session.body if session.body and session.body.tag == t.SYNC else None
    try:
        return decode(session.device.last_sync)
    except Malformed:
        return None


async def _held(session: Session, asked: list[Node], wait: float, parts: list[Part]) -> list[Part]:
    fault = session.fault
    if fault is not None and fault.kind == "push_drop":
        await session.tenant.clocks.sleep(min(wait, fault.number("after", 1)))
        return parts
    with suppress(TimeoutError), session.mailbox.watching() as news:
        async with asyncio.timeout(wait):
            while not any(part.news for part in parts):
                await news.wait()
                news.clear()
                if fault is None or fault.kind != "push_silent":
                    parts = [_part(session, one) for one in asked]
    return parts


def _part(session: Session, asked: Node) -> Part:
    """Return the answer about one collection."""
    name, key = asked.value(t.COLLECTION_ID), asked.value(t.SYNC_KEY)
    folder = items.folder_of(session.mailbox.folders, name)
    if session.device.folder_key == 0 or folder is None:
        return _failed(name, key, HIERARCHY)
    if key == FIRST:
        session.device.collections[name] = devices.fresh(0)
        return Part(_collection(folder, "1", ()), news=True)
    state = session.device.collections.get(name)
    progress = state.at(key) if state else None
    if state is None or progress is None:
        return _failed(name, FIRST, INVALID_KEY)
    state.now, state.before = progress, state.before if progress is state.now else None
    before = session.mailbox.sequence
    replies = _obeyed(session, folder, asked.find(t.COMMANDS))
    own = range(before + 1, session.mailbox.sequence + 1)
    return _changes(session, folder, state, asked, (replies, own))


def _changes(
    session: Session, folder: Folder, state: devices.CollectionState, asked: Node, done: tuple[tuple[Node, ...], range]
) -> Part:
    """`done`: answers to what the client changed, and the sequence numbers of that, which are no news to it."""
    replies, own = done
    wanted = asked.find(t.GET_CHANGES)
    window = min(items.number(asked.value(t.WINDOW_SIZE), WINDOW), 512) or 512
    options = asked.find(t.OPTIONS)
    if options is not None:
        state.filter_type = items.number(options.value(t.FILTER_TYPE), 0)
    fetch = wanted is None or wanted.text != "0"
    pending = [one for one in _pending(session, folder, state) if one.sequence not in own] if fetch else []
    shown = pending[:window]
    if not shown and not replies and not own:
        return Part(_collection(folder, str(state.now.key), ()), news=False)
    key = state.advance(
        state.now, _reached(session, folder, state.now, pending, shown) if fetch else state.now.sequence
    )
    changes = [_change(session, folder, one, items.preference(options)) for one in shown]
    more = (node(t.MORE_AVAILABLE),) if len(pending) > window else ()
    answered = (node(t.RESPONSES, *replies),) if replies else ()
    commands = (node(t.COMMANDS, *changes),) if changes else ()
    return Part(_collection(folder, key, (*more, *answered, *commands)), news=True)


def _reached(
    session: Session, folder: Folder, start: devices.Progress, pending: list[Change], shown: list[Change]
) -> int:
    """Return up to which sequence number the client knows the folder now; what a stale view hid is still to come."""
    if len(shown) < len(pending):
        return shown[-1].sequence
    hidden = (
        set() if session.until is None else set(session.mailbox.changes(start.sequence, folder.kind)) - set(pending)
    )
    return min((one.sequence - 1 for one in hidden), default=session.mailbox.sequence)


def _pending(session: Session, folder: Folder, state: devices.CollectionState) -> list[Change]:
    """Return the changes to be sent, in order."""
    return items.pending(
        session.mailbox,
        folder,
        state.now.sequence,
        filter_type=state.filter_type,
        now=session.now,
        until=session.until,
    )


def _change(session: Session, folder: Folder, change: Change, wanted: items.Preference) -> Node:
    identifier = text(t.SERVER_ID, items.server_id(folder, change.uid))
    item = folder.items.get(change.uid)
    if change.kind == "delete" or item is None:
        return node(t.DELETE, identifier)
    tag = t.ADD if change.kind == "add" else t.CHANGE
    return node(tag, identifier, node(t.APPLICATION_DATA, *items.data(item, wanted)))


def _obeyed(session: Session, folder: Folder, commands: Node | None) -> tuple[Node, ...]:
    """Carry out what the client changed; return an answer for each command that needs one."""
    answers = []
    for command in commands.children if commands else ():
        uid = items.uid_of(folder, command.value(t.SERVER_ID))
        if command.tag == t.FETCH:
            answers.append(_fetched(folder, command, uid))
        elif uid not in folder.items:
            answers.append(node(command.tag, text(t.SERVER_ID, command.value(t.SERVER_ID)), text(t.STATUS, NOT_FOUND)))
        elif command.tag == t.DELETE:
            session.mailbox.delete(folder.kind, uid)
        elif command.tag == t.CHANGE:
            read = command.find(t.APPLICATION_DATA, t.READ)
            if read is not None:
                session.mailbox.mark_read(folder.kind, uid, read.text == "1")
    return tuple(answers)


def _fetched(folder: Folder, command: Node, uid: int) -> Node:
    item = folder.items.get(uid)
    identifier = text(t.SERVER_ID, command.value(t.SERVER_ID))
    if item is None:
        return node(t.FETCH, identifier, text(t.STATUS, NOT_FOUND))
    data = node(t.APPLICATION_DATA, *items.data(item, items.Preference()))
    return node(t.FETCH, identifier, text(t.STATUS, OK), data)


def _collection(folder: Folder, key: str, rest: tuple[Node, ...]) -> Node:
    head = (text(t.SYNC_KEY, key), text(t.COLLECTION_ID, folder.number), text(t.STATUS, OK))
    return node(t.COLLECTION, text(t.CLASS, items.class_of(folder.kind)), *head, *rest)


def _failed(name: str, key: str, status: int) -> Part:
    head = (text(t.SYNC_KEY, key), text(t.COLLECTION_ID, name), text(t.STATUS, status))
    return Part(node(t.COLLECTION, *head), news=True)


def _wait(body: Node) -> float:
    """Return for how many seconds the client would wait, 0 for not at all."""
    minutes, seconds = body.value(t.WAIT), body.value(t.HEARTBEAT)
    return items.number(minutes, 0) * 60.0 or float(items.number(seconds, 0))


def _status(status: int) -> Done:
    return Done(node(t.SYNC, text(t.STATUS, status)))
