"""Search: a full-text search of the mailbox (MS-ASCMD section 2.2.1.16)."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, opened, request
from prober.protocols.wbxml.codec import Element, element, encode

STORE = ("Search:Response", "Search:Store")


def body(text: str, collection: str = "") -> Element:
    """Return the request's body: the first match only."""
    where = (element("AirSync:CollectionId", collection),) if collection else ()
    query = element("Search:And", element("AirSync:Class", "Email"), *where, element("Search:FreeText", text))
    store = element(
        "Search:Store",
        element("Search:Name", "Mailbox"),
        element("Search:Query", query),
        element("Search:Options", element("Search:Range", "0-0")),
    )
    return element("Search:Search", store)


@dataclass(frozen=True, slots=True)
class Search:
    """Search mail for a text."""

    phone: Phone
    text: str
    collection: str = ""

    def call(self) -> Call:
        """Return the request."""
        return request(self.phone, "Search", encode(body(self.text, self.collection)))

    def read(self, reply: Reply) -> int:
        """Return how many results came. Raises `FaultError`."""
        root = opened(reply, "Search:Search")
        status.check("search", root.at("Search:Status"))
        status.check("search", root.at(*STORE, "Search:Status"))
        return sum(1 for result in root.all(*STORE, "Search:Result") if result.children)
