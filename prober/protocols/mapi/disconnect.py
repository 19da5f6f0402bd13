"""Disconnect: end a session (MS-OXCMAPIHTTP section 2.2.4.3)."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.mapi import status
from prober.protocols.mapi.envelope import NO_AUXILIARY, Request, open_reply
from prober.protocols.mapi.octets import Octets


@dataclass(frozen=True, slots=True)
class Disconnect:
    """End the session that our cookies name."""

    request: Request

    def call(self) -> Call:
        """Return the request: no auxiliary buffer, and nothing else (section 2.2.4.3.1)."""
        return self.request.call("Disconnect", NO_AUXILIARY)

    def read(self, reply: Reply) -> None:
        """Return when the session has ended (section 2.2.4.3.2). Raises `FaultError`."""
        body = Octets(open_reply(self.request, "Disconnect", reply), "disconnect")
        failed = body.number() or body.number()
        if failed:
            raise FaultError(status.REQUEST_FAILED, {"request": "Disconnect", "error": f"{failed:#010x}"})
        body.sized()
