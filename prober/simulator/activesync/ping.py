"""Ping: the request a phone leaves open to hear of new mail (MS-ASCMD section 2.2.1.13)."""

import asyncio
from contextlib import suppress

from prober.simulator.activesync import items
from prober.simulator.activesync import tags as t
from prober.simulator.activesync.session import Done, Session
from prober.simulator.activesync.wbxml import Node, node, text

QUIET, CHANGED, MISSING, SYNTAX, HEARTBEAT, TOO_MANY, HIERARCHY = 1, 2, 3, 4, 5, 6, 7
SHORTEST, LONGEST = 60, 3540
FOLDERS = 200


async def ping(session: Session) -> Done:
    """Hold until a folder changes or the heartbeat is over. What a request leaves out is as it was in the last one."""
    device, body = session.device, session.body
    if body is not None and body.tag != t.PING:
        return _answer(SYNTAX)
    _remember(session, body)
    if not device.ping_folders or not device.ping_heartbeat:
        return _answer(MISSING)
    if len(device.ping_folders) > FOLDERS:
        return _answer(TOO_MANY, text(t.MAX_FOLDERS, FOLDERS))
    if not SHORTEST <= device.ping_heartbeat <= LONGEST:
        limit = SHORTEST if device.ping_heartbeat < SHORTEST else LONGEST
        return _answer(HEARTBEAT, text(t.PING_HEARTBEAT, limit))
    known = session.mailbox.folders
    if any(items.folder_of(known, name) is None for name in device.ping_folders):
        return _answer(HIERARCHY)
    return await _held(session)


def _remember(session: Session, body: Node | None) -> None:
    folders = body.find(t.PING_FOLDERS) if body else None
    heartbeat = body.value(t.PING_HEARTBEAT) if body else ""
    if folders is not None:
        session.device.ping_folders = tuple(one.value(t.PING_ID) for one in folders.all(t.PING_FOLDER))
    if heartbeat:
        session.device.ping_heartbeat = items.number(heartbeat, LONGEST + 1)


async def _held(session: Session) -> Done:
    device, fault = session.device, session.fault
    since = {name: _known_to(session, name) for name in device.ping_folders}
    if fault is not None and fault.kind == "push_drop":
        await session.tenant.clocks.sleep(min(device.ping_heartbeat, fault.number("after", 1)))
        return Done(cut_off=True)
    silent = fault is not None and fault.kind == "push_silent"
    changed: list[str] = [] if silent else _changed(session, since)
    with suppress(TimeoutError), session.mailbox.watching() as news:
        async with asyncio.timeout(device.ping_heartbeat):
            while not changed:
                await news.wait()
                news.clear()
                changed = [] if silent else _changed(session, since)
    if not changed:
        return _answer(QUIET)
    return _answer(CHANGED, node(t.PING_FOLDERS, *[text(t.PING_FOLDER, name) for name in changed]))


def _known_to(session: Session, name: str) -> int:
    """Return up to which sequence number the device knows a folder: what it has synchronised, or what is there now."""
    state = session.device.collections.get(name)
    return state.now.sequence if state else session.mailbox.sequence


def _changed(session: Session, since: dict[str, int]) -> list[str]:
    return [name for name, sequence in since.items() if _news(session, name, sequence)]


def _news(session: Session, name: str, sequence: int) -> bool:
    folder = items.folder_of(session.mailbox.folders, name)
    if folder is None:
        return False
    state = session.device.collections.get(name)
    found = items.pending(
        session.mailbox,
        folder,
        sequence,
        filter_type=state.filter_type if state else 0,
        now=session.now,
        until=session.until,
    )
    return bool(found)


def _answer(status: int, *rest: Node) -> Done:
    return Done(node(t.PING, text(t.PING_STATUS, status), *rest))
