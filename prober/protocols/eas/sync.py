"""Sync: the items of one folder (MS-ASCMD section 2.2.1.21). An empty answer to a primed folder means: nothing new."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, open_reply, opened, request, require
from prober.protocols.wbxml.codec import BLANK, Element, Form, element, encode

FIRST = "0"
COLLECTION = ("AirSync:Collections", "AirSync:Collection")
PLAIN_TEXT = "1"
TRUNCATION = "512"
DATE_TIME = re.compile(
    r"([0-9]{4})-?([0-9]{2})-?([0-9]{2})T([0-9]{2}):?([0-9]{2}):?([0-9]{2})(?:\.[0-9]{1,7})?Z", re.ASCII
)


GONE = ("AirSync:Delete", "AirSync:SoftDelete")
RECEIVED = ("AirSync:ApplicationData", "Email:DateReceived")
SUBJECT = ("AirSync:ApplicationData", "Email:Subject")
NO_SUCH_WAIT = "14"


@dataclass(frozen=True, slots=True)
class Changes:
    """What came: the next key (empty: unchanged), ids of new items, how many changed or went, whether more waits.

    `received`: new items by id with when they were received, in seconds since the epoch, where that was told. `gone`:
    ids of items that went. `marked`: ids of new items that are markers. `limit`: seconds that the server would wait at
    the most, or at the least, when it would not wait as long as it was asked to.
    """

    sync_key: str = ""
    added: tuple[str, ...] = ()
    others: int = 0
    more: bool = False
    empty: bool = False
    received: tuple[tuple[str, float], ...] = ()
    gone: tuple[str, ...] = ()
    marked: tuple[str, ...] = ()
    limit: int = 0

    @property
    def quiet(self) -> bool:
        """Whether nothing came."""
        return not self.added and not self.others


def prime_body(collection: str) -> Element:
    """Return the body that makes a folder known: key `0`, no items wanted yet."""
    return _sync(element("AirSync:SyncKey", FIRST), element("AirSync:CollectionId", collection))


def fetch_body(
    collection: str,
    sync_key: str,
    window: str,
    filter_type: str,
    *,
    waiting: Element | None = None,
    delete: tuple[str, ...] = (),
) -> Element:
    """Return the body that asks for items, and has those of `delete` removed for good on the way."""
    preference = element(
        "AirSyncBase:BodyPreference",
        element("AirSyncBase:Type", PLAIN_TEXT),
        element("AirSyncBase:TruncationSize", TRUNCATION),
    )
    options = element("AirSync:Options", element("AirSync:FilterType", filter_type), preference)
    parts = (
        element("AirSync:SyncKey", sync_key),
        element("AirSync:CollectionId", collection),
        *((element("AirSync:DeletesAsMoves", "0"),) if delete else ()),
        element("AirSync:GetChanges"),
        element("AirSync:WindowSize", window),
        options,
        *((element("AirSync:Commands", *map(_deletion, delete)),) if delete else ()),
    )
    return _sync(*parts, also=() if waiting is None else (waiting,))


def _deletion(item: str) -> Element:
    return element("AirSync:Delete", element("AirSync:ServerId", item))


def wait_for(version: str, seconds: int) -> Element | None:
    """Return what makes a Sync wait for items: seconds from 14.0 on, whole minutes before (section 2.2.3.182.2)."""
    if not seconds:
        return None
    if version == "12.1":
        return element("AirSync:Wait", str(max(1, seconds // 60)))
    return element("AirSync:HeartbeatInterval", str(seconds))


def _sync(*parts: Element, also: tuple[Element, ...] = ()) -> Element:
    collections = element("AirSync:Collections", element("AirSync:Collection", *parts))
    return element("AirSync:Sync", collections, *also)


PRIME = Form(prime_body(BLANK))
"""To be filled with the collection."""
USUAL = Form(fetch_body(BLANK, BLANK, BLANK, BLANK))
"""Neither waits nor removes; to be filled with key, collection, window and filter, as they follow each other in it."""


@dataclass(frozen=True, slots=True)
class SyncPrime:
    """Make a folder known, and return its first key."""

    phone: Phone
    collection: str

    def call(self) -> Call:
        """Return the request."""
        return request(self.phone, "Sync", PRIME.fill(self.collection))

    def read(self, reply: Reply) -> str:
        """Return the key. An empty answer is a fault here: a key is due. Raises `FaultError`."""
        key = require(_collection(opened(reply, "AirSync:Sync")), "AirSync:SyncKey")
        if key == FIRST:
            raise FaultError(status.MISSING, {"element": "AirSync:SyncKey"})
        return key


@dataclass(frozen=True, slots=True)
class Sync:
    """Ask for what is new in a primed folder; `heartbeat` in seconds makes it a long poll.

    `delete`: ids of items to remove for good. `marker`: the subject by which markers are known, nothing for none.
    """

    phone: Phone
    collection: str
    sync_key: str
    window: int = 5
    filter_type: int = 1
    heartbeat: int = 0
    delete: tuple[str, ...] = ()
    marker: str = field(default="", repr=False)

    def call(self) -> Call:
        """Return the request."""
        return request(self.phone, "Sync", self._body(), hold=float(self.heartbeat))

    def _body(self) -> bytes:
        window, filter_type = str(self.window), str(self.filter_type)
        if not self.heartbeat and not self.delete:
            return USUAL.fill(self.sync_key, self.collection, window, filter_type)
        waiting = wait_for(self.phone.version, self.heartbeat)
        return encode(
            fetch_body(self.collection, self.sync_key, window, filter_type, waiting=waiting, delete=self.delete)
        )

    def read(self, reply: Reply) -> Changes:
        """Return what is new. Raises `FaultError`."""
        root = open_reply(reply, "AirSync:Sync", may_be_empty=True)
        if root is None:
            return Changes(empty=True)
        limit = self._limit(root)
        if limit:
            return Changes(limit=limit)
        found = _collection(root)
        commands = found.find("AirSync:Commands")
        children = commands.children if commands is not None else ()
        new = [(require(one, "AirSync:ServerId"), one) for one in children if one.name == "AirSync:Add"]
        times = ((item, date_time(one.at(*RECEIVED))) for item, one in new)
        return Changes(
            found.at("AirSync:SyncKey"),
            tuple(item for item, _ in new),
            len(children) - len(new),
            found.find("AirSync:MoreAvailable") is not None,
            received=tuple((item, at) for item, at in times if at is not None),
            gone=tuple(one.at("AirSync:ServerId") for one in children if one.name in GONE),
            marked=tuple(item for item, one in new if self.marker and one.at(*SUBJECT) == self.marker),
        )

    def _limit(self, root: Element) -> int:
        """Return the wait that the server would agree to, in seconds, 0 where it has nothing to say about that."""
        text = root.at("AirSync:Limit")
        if root.at("AirSync:Status") != NO_SUCH_WAIT or not self.heartbeat:
            return 0
        if not (text.isascii() and text.isdigit() and len(text) < 6):
            return 0
        return int(text) * (60 if self.phone.version == "12.1" else 1)


def date_time(text: str) -> float | None:
    """Return a date and time in UTC as seconds since the epoch (MS-ASDTYPE section 2.3), `None` for what is none."""
    found = DATE_TIME.fullmatch(text)
    if found is None:
        return None
    year, month, day, hour, minute, second = (int(part) for part in found.groups())
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _collection(root: Element) -> Element:
    """Return the answer's only folder. Raises `FaultError` for a status at either level."""
    overall = root.at("AirSync:Status")
    if overall:
        status.check("sync", overall)
    found = root.find(*COLLECTION)
    if found is None:
        raise FaultError(status.MISSING, {"element": "AirSync:Collection"})
    status.check("sync", found.at("AirSync:Status"))
    return found
