"""DeleteItem: remove an item for good (MS-OXWSCORE)."""

from dataclasses import dataclass, field

from prober.exchange import Call, Reply
from prober.protocols.ews import soap
from prober.protocols.ews.soap import Caller

NAME = "DeleteItem"


@dataclass(frozen=True, slots=True)
class DeleteItem:
    """Delete one item by its id; no copy stays in the mailbox."""

    caller: Caller
    id: str = field(repr=False)

    def call(self) -> Call:
        """Return the request."""
        wanted = f'<m:ItemIds><t:ItemId Id="{soap.quoted(self.id)}"/></m:ItemIds>'
        return soap.request(self.caller, f'<m:{NAME} DeleteType="HardDelete">{wanted}</m:{NAME}>')

    def read(self, reply: Reply) -> None:
        """Return when it is gone. Raises `FaultError`."""
        soap.only(reply, NAME)
