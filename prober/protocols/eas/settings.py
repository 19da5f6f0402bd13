"""Settings: the addresses of the user behind the mailbox (MS-ASCMD section 2.2.1.18)."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, opened, request
from prober.protocols.wbxml.codec import element, encode

INFORMATION = "Settings:UserInformation"
GET = (INFORMATION, "Settings:Get")
ADDRESSES = ("Settings:EmailAddresses", "Settings:SMTPAddress")
PRIMARY = ("Settings:EmailAddresses", "Settings:PrimarySmtpAddress")
ACCOUNT = ("Settings:Accounts", "Settings:Account")


BODY = encode(element("Settings:Settings", element(INFORMATION, element("Settings:Get"))))


@dataclass(frozen=True, slots=True)
class UserInformation:
    """Ask for the user's addresses."""

    phone: Phone

    def call(self) -> Call:
        """Return the request."""
        return request(self.phone, "Settings", BODY)

    def read(self, reply: Reply) -> frozenset[str]:
        """Return the addresses in lower case, none where the server does not tell. Raises `FaultError`."""
        root = opened(reply, "Settings:Settings")
        status.check("settings", root.at("Settings:Status"))
        inner = root.at(INFORMATION, "Settings:Status")
        if inner:
            status.check("settings", inner)
        users = root.all(*GET)
        places = users + [account for user in users for account in user.all(*ACCOUNT)]
        found = [one.text for place in places for path in (ADDRESSES, PRIMARY) for one in place.all(*path)]
        return frozenset([address.lower() for address in found if address])
