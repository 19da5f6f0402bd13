"""SyncFolderItems: what has changed in a folder since the client last asked (MS-OXWSSYNC section 3.1.4.2).

Rule of this file: a round of pages goes over the changes up to the moment it began, so that nothing that happens in
between is lost or told twice; what came later is the next round's.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from prober.simulator.ews import ids, soap
from prober.simulator.ews.ids import SyncState
from prober.simulator.ews.session import Session
from prober.simulator.ews.shape import ItemShape, item_element
from prober.simulator.ews.soap import M, Malformed, Refused
from prober.simulator.http.markup import Element, el, text_of
from prober.simulator.mailbox import Change, Folder, Mailbox

MOST = 512
"""Changes in one answer (Learn, "EWS throttling in Exchange")."""
TAGS = (("add", "t:Create"), ("change", "t:Update"), ("delete", "t:Delete"))


@dataclass(frozen=True, slots=True)
class Page:
    """One page of changes, and the state after it."""

    changes: list[Change]
    state: SyncState
    last: bool


def sync_items(session: Session) -> Element:
    """Answer `SyncFolderItems`."""
    shape = ItemShape(session.part("ItemShape"), listed=True)
    most = text_of(session.element, f"{M}MaxChangesReturned")
    if not most.isdecimal() or not 1 <= int(most) <= MOST:
        raise Malformed(f"The value '{most}' of MaxChangesReturned is not from 1 to {MOST}.")
    reference = session.part("SyncFolderId")
    if len(reference) != 1:
        raise Malformed("The element 'SyncFolderId' names one folder.")
    try:
        folder = session.folder(reference[0])
        state = ids.read_sync_state(text_of(session.element, f"{M}SyncState"), session.mailbox, folder.kind.value)
    except Refused as refused:
        return soap.response(session.operation, soap.failure(session.operation, refused))
    page = turn(session.mailbox, folder, state, int(most), session.until)
    return soap.response(
        session.operation,
        soap.success(
            session.operation,
            el("m:SyncState", ids.sync_state(session.mailbox, page.state)),
            el("m:IncludesLastItemInRange", str(page.last).lower()),
            el("m:Changes", *(_written(session, folder, change, shape) for change in page.changes)),
        ),
    )


def turn(mailbox: Mailbox, folder: Folder, state: SyncState, most: int, until: datetime | None) -> Page:
    """Return the next page after `state`; a new round begins where the last one has ended."""
    if state.upto == state.top:
        begun = max(state.top, _seen(mailbox, folder, until))
        state = SyncState(state.scope, base=state.top, upto=state.top, top=begun)
    due = [change for change in _net(mailbox, folder, state.base, state.top) if change.sequence > state.upto]
    page = due[:most]
    last = len(page) == len(due)
    reached = state.top if last else page[-1].sequence
    return Page(page, replace(state, base=state.top if last else state.base, upto=reached), last)


def _seen(mailbox: Mailbox, folder: Folder, until: datetime | None) -> int:
    """Return up to which change the view reaches: in a stale one, to before the first arrival it does not have yet."""
    if until is None:
        return mailbox.sequence
    unseen = [item.created for item in folder.items.values() if item.received > until]
    return min(unseen) - 1 if unseen else mailbox.sequence


def _net(mailbox: Mailbox, folder: Folder, base: int, top: int) -> list[Change]:
    """Return the net effect of what happened after `base` up to `top`: one change per item, in order."""
    first: dict[int, str] = {}
    last: dict[int, Change] = {}
    for change in mailbox.journal:
        if change.folder is folder.kind and base < change.sequence <= top:
            first.setdefault(change.uid, change.kind)
            last.pop(change.uid, None)
            last[change.uid] = change
    return [
        replace(change, kind="add" if first[uid] == "add" and change.kind == "change" else change.kind)
        for uid, change in last.items()
        if not (first[uid] == "add" and change.kind == "delete") and _there(folder, change)
    ]


def _there(folder: Folder, change: Change) -> bool:
    """Whether there is something to say: an item deleted since the round began is the next round's business."""
    return change.kind == "delete" or change.uid in folder.items


def _written(session: Session, folder: Folder, change: Change, shape: ItemShape) -> Element:
    tag = dict(TAGS)[change.kind]
    if change.kind == "delete":
        return el(tag, ids.gone_id(session.mailbox, folder.kind, change.uid, change.sequence))
    return el(tag, item_element(session.mailbox, folder.items[change.uid], shape))
