"""Following a folder or a stretch of the calendar (Learn, "Use delta query to track changes in Graph data").

Rule of this file: a page ends at a sequence number, and the next one begins after it; so nothing that changes in
between is lost, whatever the page size.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from prober.simulator.graph import entities
from prober.simulator.graph.asking import Answer, Asking
from prober.simulator.graph.calendar import overlaps, window
from prober.simulator.graph.errors import GraphError
from prober.simulator.graph.filters import read_filter
from prober.simulator.graph.mail import folder_named
from prober.simulator.graph.odata import Query, order_fields, page_size, selector
from prober.simulator.graph.tokens import State, SyncStates
from prober.simulator.mailbox import Change, Folder, FolderKind, Item

PAGE = 10
NOT_FOR_MESSAGES = ("search", "skip", "expand", "count")
NOT_FOR_EVENTS = ("search", "skip", "expand", "count", "select", "filter", "orderby")

Show = Callable[[Item], Mapping[str, Any] | None]
"""Returns how an item is shown, `None` for one that this client does not follow."""


class Deltas:
    """The two delta functions over one set of tokens."""

    def __init__(self, states: SyncStates) -> None:
        self._states = states

    def messages(self, asking: Asking) -> Answer:
        """Return a page of what has changed in a mail folder."""
        folder = folder_named(asking.mailbox, asking.parts[0])
        state = self._known(asking, folder) or _first_of_messages(asking.query, folder)
        query = Query({"select": state.select}, asking.query.url)
        chosen = selector(query, entities.MESSAGE_FIELDS)
        passes = read_filter(state.filter, entities.MESSAGE_FIELDS).passes

        def show(item: Item) -> Mapping[str, Any] | None:
            found = entities.message_entity(asking.mailbox, folder, item)
            return {"@odata.type": "#microsoft.graph.message"} | chosen(found) if passes(found) else None

        return self._page(asking, folder, state, show, "Collection(message)")

    def events(self, asking: Asking) -> Answer:
        """Return a page of what has changed in a stretch of the calendar."""
        folder = asking.mailbox.folders[FolderKind.CALENDAR]
        state = self._known(asking, folder) or _first_of_events(asking.query, folder)
        start, end = window({"startdatetime": state.start, "enddatetime": state.end})

        def show(item: Item) -> Mapping[str, Any] | None:
            if not overlaps(item, start, end):
                return None
            found = entities.event_entity(asking.mailbox, folder, item)
            return {"@odata.type": "#microsoft.graph.event"} | found

        return self._page(asking, folder, state, show, "Collection(event)")

    def _known(self, asking: Asking, folder: Folder) -> State | None:
        token = asking.query.text("deltatoken") or asking.query.text("skiptoken")
        if not token:
            return None
        state = self._states.read(asking.mailbox, token)
        if state.folder != folder.number or state.since > asking.mailbox.sequence:
            raise GraphError("SyncStateNotFound", "The sync state is not found for this collection.")
        return state

    def _page(self, asking: Asking, folder: Folder, state: State, show: Show, what: str) -> Answer:
        mailbox = asking.mailbox
        size, applied = page_size(asking.prefer, asking.query.top(PAGE))
        told = [
            (change.sequence, entity)
            for change in mailbox.changes(state.since, folder.kind, asking.until)
            if (entity := _shown(asking, folder, change, show)) is not None
        ]
        page, more = told[:size], len(told) > size
        if more:
            link, state = "nextLink", replace(state, since=page[-1][0])
        else:
            link, state = "deltaLink", replace(state, since=_told_up_to(asking, folder, state), again=True)
        name = "$skiptoken" if more else "$deltatoken"
        url = f"{asking.query.url}?{name}={self._states.write(mailbox, state)}"
        document = {
            "@odata.context": asking.context(what),
            f"@odata.{link}": url,
            "value": [entity for _, entity in page],
        }
        return Answer(document, headers=(("Preference-Applied", f"odata.maxpagesize={size}"),) if applied else ())


def _first_of_messages(query: Query, folder: Folder) -> State:
    """Return where a client begins that asks for the messages of `folder`. Raises `GraphError`."""
    _only(query, NOT_FOR_MESSAGES, "Messages")
    wanted = read_filter(query.text("filter"), entities.MESSAGE_FIELDS)
    if wanted.fields not in ((), ("receivedDateTime",)) or not {"ge", "gt"}.issuperset(wanted.operators):
        raise _not_followed("$filter", "Messages")
    if order_fields(query) not in ([], ["receiveddatetime"]):
        raise _not_followed("$orderby", "Messages")
    selector(query, entities.MESSAGE_FIELDS)
    return State(folder.number, select=query.text("select"), filter=query.text("filter"))


def _first_of_events(query: Query, folder: Folder) -> State:
    """Return where a client begins that asks for a stretch of the calendar. Raises `GraphError`."""
    _only(query, NOT_FOR_EVENTS, "CalendarView")
    window(query.options)
    return State(folder.number, start=query.text("startdatetime"), end=query.text("enddatetime"))


def _only(query: Query, refused: tuple[str, ...], resource: str) -> None:
    found = next((name for name in refused if query.text(name)), "")
    if found:
        raise _not_followed(f"${found}", resource)


def _not_followed(name: str, resource: str) -> GraphError:
    return GraphError(
        "ErrorInvalidUrlQuery",
        f"The following parameters are not supported with change tracking over the '{resource}' resource: '{name}'.",
    )


def _shown(asking: Asking, folder: Folder, change: Change, show: Show) -> Mapping[str, Any] | None:
    item = folder.items.get(change.uid)
    if item is None:
        return entities.removed_entity(asking.mailbox, folder, change.uid)
    return show(item)


def _told_up_to(asking: Asking, folder: Folder, state: State) -> int:
    """Return the sequence number before the first change that an old view has kept back, else the newest there is."""
    mailbox = asking.mailbox
    every = {change.sequence for change in mailbox.changes(state.since, folder.kind)}
    seen = {change.sequence for change in mailbox.changes(state.since, folder.kind, asking.until)}
    return min((number - 1 for number in every - seen), default=mailbox.sequence)
