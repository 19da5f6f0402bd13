"""Streaming notifications: subscriptions, and the answer that goes on for minutes (MS-OXWSNTIF).

Rule of this file: what happens between two connections is not lost; a subscription knows how far it has been told.
"""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType

from prober.simulator.ews import ids, soap
from prober.simulator.ews.session import KINDS, Session
from prober.simulator.ews.shape import stamp
from prober.simulator.ews.soap import M, Malformed, Refused, T
from prober.simulator.faults.fault import Fault
from prober.simulator.http.markup import Element, el, text_of
from prober.simulator.mailbox import Change, FolderKind, Mailbox
from prober.simulator.tenant import Clocks

LIFETIME = 1800.0
"""Seconds after which a subscription lapses that nobody listens to."""
PER_MAILBOX = 20
SHORTEST, LONGEST = 1, 30
"""Minutes of a connection."""
BREATH = 45.0
"""Seconds of quiet after which the server says that it is still there."""
EVENTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"add": ("CreatedEvent", "NewMailEvent"), "change": ("ModifiedEvent",), "delete": ("DeletedEvent",)}
)
KNOWN = frozenset(
    {*("CopiedEvent", "MovedEvent", "FreeBusyChangedEvent"), *(one for some in EVENTS.values() for one in some)}
)
Document = Callable[[Element], bytes]


@dataclass(slots=True, eq=False)
class Subscription:
    """What somebody wants to hear of. `told`: up to which change; `lapses` on the monotonic clock, in seconds."""

    id: str
    mailbox: Mailbox
    folders: frozenset[FolderKind]
    events: frozenset[str]
    told: int
    lapses: float


class Subscriptions:
    """All there are."""

    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks
        self._by_id: dict[str, Subscription] = {}

    def add(self, mailbox: Mailbox, folders: Iterable[FolderKind], events: Iterable[str]) -> Subscription:
        """Begin one, from now on. Raises `Refused` when the mailbox has too many."""
        self._tidy()
        if sum(one.mailbox is mailbox for one in self._by_id.values()) >= PER_MAILBOX:
            raise Refused(
                "ErrorExceededSubscriptionCount", "You have exceeded the available subscriptions for your account."
            )
        made = Subscription(
            uuid.uuid4().hex, mailbox, frozenset(folders), frozenset(events), mailbox.sequence, self._lapse()
        )
        self._by_id[made.id] = made
        return made

    def get(self, name: str, mailbox: Mailbox) -> Subscription:
        """Return one of a mailbox and keep it alive. Raises `Refused`."""
        self._tidy()
        found = self._by_id.get(name)
        if found is None:
            raise Refused("ErrorSubscriptionNotFound", "The subscription was not found.")
        if found.mailbox is not mailbox:
            raise Refused("ErrorSubscriptionAccessDenied", "The subscription belongs to somebody else.")
        found.lapses = self._lapse()
        return found

    def remove(self, name: str, mailbox: Mailbox) -> None:
        """End one. Raises `Refused`."""
        del self._by_id[self.get(name, mailbox).id]

    def holds(self, subscription: Subscription) -> bool:
        """Whether one has not been ended."""
        return subscription.id in self._by_id

    def _lapse(self) -> float:
        return self._clocks.monotonic() + LIFETIME

    def _tidy(self) -> None:
        now = self._clocks.monotonic()
        for name in [name for name, one in self._by_id.items() if one.lapses <= now]:
            del self._by_id[name]


def subscribe(session: Session, subscriptions: Subscriptions) -> Element:
    """Answer `Subscribe`; only streaming ones are to be had."""
    request = session.element.find(f"{M}StreamingSubscriptionRequest")
    if request is None:
        raise Refused("ErrorInvalidSubscriptionRequest", "Only streaming subscriptions are supported.")
    wanted = {(one.text or "").strip() for one in request.iterfind(f"{T}EventTypes/{T}EventType")}
    if not wanted or not wanted <= KNOWN:
        raise Malformed("The element 'EventTypes' names no events, or unknown ones.")
    folders = [session.folder(one).kind for one in request.iterfind(f"{T}FolderIds/*")]
    everywhere = request.get("SubscribeToAllFolders", "false") in ("true", "1")
    if bool(folders) == everywhere:
        raise Refused("ErrorInvalidSubscriptionRequest", "Either folders are named, or all of them are meant.")
    made = subscriptions.add(session.mailbox, folders or KINDS.values(), wanted)
    return soap.response(session.operation, soap.success(session.operation, el("m:SubscriptionId", made.id)))


def unsubscribe(session: Session, subscriptions: Subscriptions) -> Element:
    """Answer `Unsubscribe`."""
    subscriptions.remove(text_of(session.element, f"{M}SubscriptionId"), session.mailbox)
    return soap.response(session.operation, soap.success(session.operation))


def listened_to(session: Session, subscriptions: Subscriptions) -> tuple[list[Subscription], float]:
    """Return the subscriptions of a `GetStreamingEvents`, and for how many seconds. Raises `Refused`, `Malformed`."""
    names = [(one.text or "").strip() for one in session.element.iterfind(f"{M}SubscriptionIds/{T}SubscriptionId")]
    minutes = text_of(session.element, f"{M}ConnectionTimeout")
    if not names or not minutes.isdecimal() or not SHORTEST <= int(minutes) <= LONGEST:
        raise Malformed(f"Subscriptions are named, and ConnectionTimeout is from {SHORTEST} to {LONGEST} minutes.")
    return [subscriptions.get(name, session.mailbox) for name in names], 60.0 * int(minutes)


class Stream:
    """One connection that waits for news. `document` frames each message, `fault` is acted out on the way."""

    def __init__(self, session: Session, subscriptions: Subscriptions, document: Document, fault: Fault | None) -> None:
        self._session = session
        self._subscriptions = subscriptions
        self._document = document
        self._listening, self._seconds = listened_to(session, subscriptions)
        self._dropped = fault is not None and fault.kind == "push_drop"
        self._mute = fault is not None and fault.kind == "push_silent"
        self._quiet = self._mute and fault is not None and fault.text("says") == "no_change"
        if self._dropped and fault is not None:
            self._seconds = min(self._seconds, fault.number("after", 1))

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield envelopes: that the connection stands, what happens, and that it is over."""
        yield self._piece("OK")
        loop = asyncio.get_running_loop()
        end = loop.time() + self._seconds
        if self._mute and not self._quiet:
            await asyncio.sleep(2 * self._seconds)
            return
        with self._session.mailbox.watching() as news:
            while loop.time() < end and self._lives():
                events = [] if self._mute else self._events()
                if events:
                    yield self._piece("OK", el("m:Notifications", *events))
                    continue
                heard = await _heard(news, min(BREATH, end - loop.time()))
                if not heard and loop.time() < end:
                    yield self._piece("OK")
        if not self._dropped:
            yield self._piece("Closed")

    def _lives(self) -> bool:
        return any(self._subscriptions.holds(one) for one in self._listening)

    def _piece(self, status: str, notifications: Element | None = None) -> bytes:
        message = soap.success(self._session.operation, notifications, el("m:ConnectionStatus", status))
        return self._document(soap.response(self._session.operation, message))

    def _events(self) -> list[Element]:
        """Return a notification for each subscription that something has happened to."""
        told = (_notification(self._session, one) for one in self._listening if self._subscriptions.holds(one))
        return [one for one in told if one is not None]


async def _heard(news: asyncio.Event, seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await news.wait()
            news.clear()
            return True
    return False


def _notification(session: Session, subscription: Subscription) -> Element | None:
    changes = session.mailbox.changes(subscription.told)
    subscription.told = session.mailbox.sequence
    events = [
        _event(session, change, name)
        for change in changes
        if change.folder in subscription.folders
        for name in EVENTS[change.kind]
        if name in subscription.events and (name != "NewMailEvent" or change.folder is FolderKind.INBOX)
    ]
    return el("m:Notification", el("t:SubscriptionId", subscription.id), *events) if events else None


def _event(session: Session, change: Change, name: str) -> Element:
    item = ids.gone_id(session.mailbox, change.folder, change.uid, change.sequence)
    parent = ids.folder_id(session.mailbox, change.folder.value, "t:ParentFolderId")
    return el(f"t:{name}", el("t:TimeStamp", stamp(session.tenant.clocks.now())), item, parent)
