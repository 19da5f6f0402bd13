"""Ping: wait until something changes in a folder, or a heartbeat passes (MS-ASCMD section 2.2.1.13)."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.protocols.eas import status
from prober.protocols.eas.command import Phone, opened, request
from prober.protocols.wbxml.codec import Element, element, encode

QUIET, CHANGED, HEARTBEAT, HIERARCHY = "1", "2", "5", "7"
FINE = (QUIET, CHANGED, HEARTBEAT, HIERARCHY)


@dataclass(frozen=True, slots=True)
class Pinged:
    """How a Ping ended. `heartbeat`: seconds the server would have agreed to, with status 5."""

    status: str
    heartbeat: int = 0


def body(collection: str, heartbeat: int) -> Element:
    """Return the request's body."""
    folder = element("Ping:Folder", element("Ping:Id", collection), element("Ping:Class", "Email"))
    return element("Ping:Ping", element("Ping:HeartbeatInterval", str(heartbeat)), element("Ping:Folders", folder))


@dataclass(frozen=True, slots=True)
class Ping:
    """Wait for a change in one folder, `heartbeat` seconds at the most."""

    phone: Phone
    collection: str
    heartbeat: int

    def call(self) -> Call:
        """Return the request."""
        data = encode(body(self.collection, self.heartbeat))
        return request(self.phone, "Ping", data, hold=float(self.heartbeat))

    def read(self, reply: Reply) -> Pinged:
        """Return how it ended. Raises `FaultError`."""
        root = opened(reply, "Ping:Ping")
        found = status.check("ping", root.at("Ping:Status"), fine=FINE)
        allowed = root.at("Ping:HeartbeatInterval")
        usable = allowed.isascii() and allowed.isdigit() and len(allowed) < 6
        return Pinged(found, int(allowed) if usable else 0)
