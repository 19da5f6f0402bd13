"""Streaming notifications: Subscribe, GetStreamingEvents and Unsubscribe (MS-OXWSNTIF).

Rule of this file: the answer to GetStreamingEvents is one envelope after the other on one response, for as long as the
connection lives. Each is read as soon as it is whole, and nothing of it is kept.
"""

import re
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from prober.exchange import Call, Headers, Reply
from prober.faults.taxonomy import HTML_INSTEAD_OF_DATA, REPLY_TOO_LARGE, FaultError
from prober.protocols.ews import soap, status
from prober.protocols.ews.soap import Caller
from prober.protocols.http import diagnostics
from prober.protocols.http.status import HTML

NAME = "GetStreamingEvents"
OPEN, CLOSED = "OK", "Closed"
ARRIVALS = ("NewMailEvent", "CreatedEvent", "CopiedEvent", "MovedEvent")
"""By which a folder comes to hold an item that it did not hold before."""
SHORTEST, LONGEST = 1, 30
"""Minutes of a connection (Learn, "ConnectionTimeout")."""
LARGEST = 1_000_000
"""Bytes of one envelope: the server packs at most 50 events into one."""
END = re.compile(rb"</(?:[A-Za-z_][A-Za-z0-9_.-]{0,40}:)?Envelope\s{0,20}>")
LONGEST_END = 80
BLANK = b"\xef\xbb\xbf \t\r\n"


@dataclass(frozen=True, slots=True)
class Subscribe:
    """Ask to be told what happens in a folder, by a stream."""

    caller: Caller
    events: tuple[str, ...] = ARRIVALS
    folder: str = "inbox"

    def call(self) -> Call:
        """Return the request."""
        where = f"<t:FolderIds>{soap.folder(self.caller, self.folder)}</t:FolderIds>"
        events = "".join(f"<t:EventType>{one}</t:EventType>" for one in self.events)
        wanted = f"{where}<t:EventTypes>{events}</t:EventTypes>"
        content = f"<m:StreamingSubscriptionRequest>{wanted}</m:StreamingSubscriptionRequest>"
        return soap.request(self.caller, f"<m:Subscribe>{content}</m:Subscribe>")

    def read(self, reply: Reply) -> str:
        """Return the subscription's id. Raises `FaultError`."""
        return soap.require(soap.only(reply, "Subscribe"), "Subscribe", "SubscriptionId")


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """Ask to be told no more."""

    caller: Caller
    subscription: str = field(repr=False)

    def call(self) -> Call:
        """Return the request."""
        name = f"<m:SubscriptionId>{soap.quoted(self.subscription)}</m:SubscriptionId>"
        return soap.request(self.caller, f"<m:Unsubscribe>{name}</m:Unsubscribe>")

    def read(self, reply: Reply) -> None:
        """Return when the subscription has ended. Raises `FaultError`."""
        soap.only(reply, "Unsubscribe")


def get_streaming_events(caller: Caller, subscription: str, minutes: int) -> Call:
    """Return the request that opens the stream of one subscription for `minutes`."""
    name = f"<t:SubscriptionId>{soap.quoted(subscription)}</t:SubscriptionId>"
    waiting = f"<m:ConnectionTimeout>{minutes}</m:ConnectionTimeout>"
    return soap.request(caller, f"<m:{NAME}><m:SubscriptionIds>{name}</m:SubscriptionIds>{waiting}</m:{NAME}>")


@dataclass(frozen=True, slots=True)
class Notice:
    """One envelope of a stream: `OK`, `Closed` or nothing, which items are told of as new, and how many events."""

    connection: str
    arrived: frozenset[str] = field(default=frozenset(), repr=False)
    events: int = 0


class EnvelopeReader:
    """Takes the bytes of a stream as they come, and gives its envelopes."""

    def __init__(self, headers: Headers) -> None:
        self._headers = headers
        self._left = b""
        self._looked = 0

    @property
    def between(self) -> bool:
        """Whether no envelope has been begun that is not ended."""
        return not self._left.strip(BLANK)

    def feed(self, data: bytes) -> list[Notice]:
        """Return what the envelopes say that are whole now. Raises `FaultError`."""
        self._left += data
        found = []
        while (end := END.search(self._left, max(0, self._looked - LONGEST_END))) is not None:
            piece, self._left, self._looked = self._left[: end.end()], self._left[end.end() :], 0
            found.append(self._notice(piece.strip(BLANK)))
        self._looked = len(self._left)
        self._refuse(self._left)
        return found

    def _refuse(self, begun: bytes) -> None:
        begun = begun[:512].lstrip(BLANK)
        if HTML.match(begun):
            raise FaultError(HTML_INSTEAD_OF_DATA, diagnostics.evidence(self._headers))
        if begun and not begun.startswith(b"<"):
            raise FaultError(status.NOT_SOAP, diagnostics.evidence(self._headers))
        if len(self._left) > LARGEST:
            raise FaultError(REPLY_TOO_LARGE, {"operation": NAME})

    def _notice(self, piece: bytes) -> Notice:
        root = soap.parse(piece)
        if root is None or soap.local(root) != "Envelope":
            raise FaultError(status.NOT_SOAP, diagnostics.evidence(self._headers))
        answer = soap.content_of(root, NAME, self._headers)
        (message, *_) = soap.messages(answer, NAME, self._headers)
        connection = soap.text(message, "ConnectionStatus")
        if connection not in (OPEN, CLOSED, ""):
            raise FaultError(status.MALFORMED, {"operation": NAME, "element": "ConnectionStatus"})
        return _told(message, connection)


def _told(message: Element, connection: str) -> Notice:
    """Return what a response message tells; a StatusEvent tells nothing but that the server is there."""
    notifications = soap.children(message, "Notifications")
    events = [one for notification in notifications for one in notification if soap.local(one).endswith("Event")]
    events = [one for one in events if soap.local(one) != "StatusEvent"]
    arrivals = (one for one in events if soap.local(one) in ARRIVALS and soap.find(one, "ItemId") is not None)
    return Notice(connection, frozenset(soap.item_id(one, NAME) for one in arrivals), len(events))
