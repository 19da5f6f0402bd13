"""GetItem: one item from the store (MS-OXWSCORE). Nothing but its time of receipt is asked for."""

from dataclasses import dataclass, field

from prober.exchange import Call, Reply
from prober.protocols.ews import soap
from prober.protocols.ews.soap import Caller

NAME = "GetItem"
RECEIVED = "DateTimeReceived"


@dataclass(frozen=True, slots=True)
class GetItem:
    """Ask for one item by its id."""

    caller: Caller
    id: str = field(repr=False)

    def call(self) -> Call:
        """Return the request."""
        wanted = f'<m:ItemIds><t:ItemId Id="{soap.quoted(self.id)}"/></m:ItemIds>'
        shape = soap.shape("ItemShape", f"item:{RECEIVED}")
        return soap.request(self.caller, f"<m:{NAME}>{shape}{wanted}</m:{NAME}>")

    def read(self, reply: Reply) -> float | None:
        """Return when it was received (seconds since the epoch, `None`: it does not say). Raises `FaultError`."""
        item = next(soap.children(soap.only(reply, NAME), "Items"), None)
        if item is None:
            raise soap.missing("Items", NAME)
        soap.item_id(item, NAME)
        return soap.moment(item, NAME, RECEIVED)
