"""GetItemEstimate: how many items a Sync would bring (MS-ASCMD section 2.2.1.9)."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, opened, request, require
from prober.protocols.wbxml.codec import BLANK, Element, Form, element

RESPONSE = "GetItemEstimate:Response"


def body(collection: str, sync_key: str, filter_type: str) -> Element:
    """Return the request's body."""
    one = element(
        "GetItemEstimate:Collection",
        element("AirSync:SyncKey", sync_key),
        element("GetItemEstimate:CollectionId", collection),
        element("AirSync:Options", element("AirSync:FilterType", filter_type)),
    )
    return element("GetItemEstimate:GetItemEstimate", element("GetItemEstimate:Collections", one))


BODY = Form(body(BLANK, BLANK, BLANK))
"""To be filled with key, collection and filter, as they follow each other in it."""


@dataclass(frozen=True, slots=True)
class GetItemEstimate:
    """Ask for the estimate of one primed folder."""

    phone: Phone
    collection: str
    sync_key: str
    filter_type: int = 1

    def call(self) -> Call:
        """Return the request."""
        return request(self.phone, "GetItemEstimate", BODY.fill(self.sync_key, self.collection, str(self.filter_type)))

    def read(self, reply: Reply) -> int:
        """Return the number. Raises `FaultError`."""
        root = opened(reply, "GetItemEstimate:GetItemEstimate")
        status.check("estimate", root.at(RESPONSE, "GetItemEstimate:Status") or root.at("GetItemEstimate:Status"))
        text = require(root, RESPONSE, "GetItemEstimate:Collection", "GetItemEstimate:Estimate")
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise FaultError(status.MISSING, {"element": "GetItemEstimate:Estimate"})
        return int(text)
