"""CreateItem: put a message into the inbox without sending it (MS-OXWSCORE)."""

from dataclasses import dataclass, field

from prober.exchange import Call, Reply
from prober.protocols.ews import soap
from prober.protocols.ews.soap import Caller

NAME = "CreateItem"
RECEIVED_MESSAGE = (
    '<t:ExtendedProperty><t:ExtendedFieldURI PropertyTag="0x0E07" PropertyType="Integer"/><t:Value>1</t:Value>'
    "</t:ExtendedProperty>"
)
"""PidTagMessageFlags without mfUnsent (MS-OXCMSG section 2.2.1.6): what is saved without it is a draft."""


@dataclass(frozen=True, slots=True)
class CreateItem:
    """Save a message with a subject and nothing else."""

    caller: Caller
    subject: str = field(repr=False)
    folder: str = "inbox"

    def call(self) -> Call:
        """Return the request."""
        where = f"<m:SavedItemFolderId>{soap.folder(self.caller, self.folder)}</m:SavedItemFolderId>"
        # the order of the schema: item properties first, those of a message after them
        written = f"<t:Subject>{soap.quoted(self.subject)}</t:Subject>{RECEIVED_MESSAGE}"
        items = f"<m:Items><t:Message>{written}</t:Message></m:Items>"
        return soap.request(self.caller, f'<m:{NAME} MessageDisposition="SaveOnly">{where}{items}</m:{NAME}>')

    def read(self, reply: Reply) -> str:
        """Return the id of the message. Raises `FaultError`."""
        item = next(soap.children(soap.only(reply, NAME), "Items"), None)
        if item is None:
            raise soap.missing("Items", NAME)
        return soap.item_id(item, NAME)
