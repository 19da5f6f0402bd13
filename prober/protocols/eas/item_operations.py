"""ItemOperations: fetch one item from the store (MS-ASCMD section 2.2.1.10)."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, opened, request
from prober.protocols.wbxml.codec import BLANK, Element, Form, element

FETCH = ("ItemOperations:Response", "ItemOperations:Fetch")
GONE = "6"


def body(collection: str, item: str) -> Element:
    """Return the request's body: a text body, cut short."""
    preference = element(
        "AirSyncBase:BodyPreference", element("AirSyncBase:Type", "1"), element("AirSyncBase:TruncationSize", "512")
    )
    fetch = element(
        "ItemOperations:Fetch",
        element("ItemOperations:Store", "Mailbox"),
        element("AirSync:CollectionId", collection),
        element("AirSync:ServerId", item),
        element("ItemOperations:Options", preference),
    )
    return element("ItemOperations:ItemOperations", fetch)


BODY = Form(body(BLANK, BLANK))
"""To be filled with collection and item."""


@dataclass(frozen=True, slots=True)
class Fetch:
    """Fetch one item; its content is looked at by nobody."""

    phone: Phone
    collection: str
    item: str

    def call(self) -> Call:
        """Return the request."""
        return request(self.phone, "ItemOperations", BODY.fill(self.collection, self.item))

    def read(self, reply: Reply) -> bool:
        """Return whether the item was there; one deleted meanwhile is no fault. Raises `FaultError`."""
        root = opened(reply, "ItemOperations:ItemOperations")
        status.check("item_operations", root.at("ItemOperations:Status"))
        found = root.find(*FETCH)
        if found is None:
            raise FaultError(status.MISSING, {"element": "ItemOperations:Fetch"})
        if status.check("item_operations", found.at("ItemOperations:Status"), fine=(status.OK, GONE)) == GONE:
            return False
        properties = found.find("ItemOperations:Properties")
        if properties is None or not properties.children:
            raise FaultError(status.ITEM_MISSING, {"element": "ItemOperations:Properties"})
        return True
