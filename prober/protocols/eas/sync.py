"""Sync: the items of one folder (MS-ASCMD section 2.2.1.21). An empty answer to a primed folder means: nothing new."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, open_reply, opened, request, require
from prober.protocols.wbxml.codec import Element, element

FIRST = "0"
COLLECTION = ("AirSync:Collections", "AirSync:Collection")
PLAIN_TEXT = "1"
TRUNCATION = "512"


@dataclass(frozen=True, slots=True)
class Changes:
    """What came: the next key (empty: unchanged), ids of new items, how many changed or went, whether more waits."""

    sync_key: str = ""
    added: tuple[str, ...] = ()
    others: int = 0
    more: bool = False
    empty: bool = False

    @property
    def quiet(self) -> bool:
        """Whether nothing came."""
        return not self.added and not self.others


def prime_body(collection: str) -> Element:
    """Return the body that makes a folder known: key `0`, no items wanted yet."""
    return _sync(element("AirSync:SyncKey", FIRST), element("AirSync:CollectionId", collection))


def fetch_body(collection: str, sync_key: str, window: int, filter_type: int, *, heartbeat: int = 0) -> Element:
    """Return the body that asks for items; with a heartbeat the server waits for them (section 2.2.3.84.2)."""
    preference = element(
        "AirSyncBase:BodyPreference",
        element("AirSyncBase:Type", PLAIN_TEXT),
        element("AirSyncBase:TruncationSize", TRUNCATION),
    )
    options = element("AirSync:Options", element("AirSync:FilterType", str(filter_type)), preference)
    parts = (
        element("AirSync:SyncKey", sync_key),
        element("AirSync:CollectionId", collection),
        element("AirSync:GetChanges"),
        element("AirSync:WindowSize", str(window)),
        options,
    )
    waiting = (element("AirSync:HeartbeatInterval", str(heartbeat)),) if heartbeat else ()
    return _sync(*parts, also=waiting)


def _sync(*parts: Element, also: tuple[Element, ...] = ()) -> Element:
    collections = element("AirSync:Collections", element("AirSync:Collection", *parts))
    return element("AirSync:Sync", collections, *also)


@dataclass(frozen=True, slots=True)
class SyncPrime:
    """Make a folder known, and return its first key."""

    phone: Phone
    collection: str

    def call(self) -> Call:
        """Return the request."""
        return request(self.phone, "Sync", prime_body(self.collection))

    def read(self, reply: Reply) -> str:
        """Return the key. An empty answer is a fault here: a key is due. Raises `FaultError`."""
        key = require(_collection(opened(reply, "AirSync:Sync")), "AirSync:SyncKey")
        if key == FIRST:
            raise FaultError(status.MISSING, {"element": "AirSync:SyncKey"})
        return key


@dataclass(frozen=True, slots=True)
class Sync:
    """Ask for what is new in a primed folder; `heartbeat` in seconds makes it a long poll."""

    phone: Phone
    collection: str
    sync_key: str
    window: int = 5
    filter_type: int = 1
    heartbeat: int = 0

    def call(self) -> Call:
        """Return the request."""
        body = fetch_body(self.collection, self.sync_key, self.window, self.filter_type, heartbeat=self.heartbeat)
        return request(self.phone, "Sync", body, hold=float(self.heartbeat))

    def read(self, reply: Reply) -> Changes:
        """Return what is new. Raises `FaultError`."""
        root = open_reply(reply, "AirSync:Sync", may_be_empty=True)
        if root is None:
            return Changes(empty=True)
        found = _collection(root)
        commands = found.find("AirSync:Commands")
        children = commands.children if commands is not None else ()
        added = tuple(require(one, "AirSync:ServerId") for one in children if one.name == "AirSync:Add")
        more = found.find("AirSync:MoreAvailable") is not None
        return Changes(found.at("AirSync:SyncKey"), added, len(children) - len(added), more)


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
