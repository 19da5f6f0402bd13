"""SendMail: hand in one message (MS-ASCMD section 2.2.1.17). It writes, so it is never a default."""

from dataclasses import dataclass, field

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, open_reply, request
from prober.protocols.wbxml.codec import Element, element, encode


def body(client_id: str, message: bytes) -> Element:
    """Return the request's body."""
    return element(
        "ComposeMail:SendMail", element("ComposeMail:ClientId", client_id), element("ComposeMail:Mime", message)
    )


@dataclass(frozen=True, slots=True)
class SendMail:
    """Hand in one message; `client_id` is unique to it, at most 40 characters."""

    phone: Phone
    client_id: str
    message: bytes = field(repr=False)

    def call(self) -> Call:
        """Return the request."""
        return request(self.phone, "SendMail", encode(body(self.client_id, self.message)))

    def read(self, reply: Reply) -> None:
        """Return when it was taken: success is an empty answer. Raises `FaultError`."""
        root = open_reply(reply, "ComposeMail:SendMail", may_be_empty=True)
        if root is not None:
            status.check("send_mail", root.at("ComposeMail:Status"), fine=())
            raise FaultError(status.UNKNOWN_STATUS, {"command": "send_mail"})
