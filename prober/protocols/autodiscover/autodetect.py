"""AutoDetect: the question by which a phone learns what kind of account an address has.

Rule of this file: nobody has promised this interface; a script that Microsoft publishes for diagnosing hybrid modern
authentication asks it, and so does this, where somebody has asked for it.
"""

import json
from dataclasses import dataclass
from urllib.parse import urlencode

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http import diagnostics, status

SERVICES = "office365,outlook,google,icloud,yahoo"
PROTOCOLS = "rest-cloud,rest-outlook,rest-office365,eas,imap,smtp"
OFFICE = "office365"
NOT_JSON = Kind("autodetect_not_json", Reason.PROTOCOL_VIOLATION)
NOT_FOUND = Kind("autodetect_nothing_found", Reason.CLIENT_MISCONFIG)


@dataclass(frozen=True, slots=True)
class AutoDetect:
    """Ask `url` what kind of account `address` has. It sends the address to a third host."""

    url: str
    address: str

    def __repr__(self) -> str:
        return "AutoDetect()"

    def call(self) -> Call:
        """Return the request."""
        query = urlencode({"services": SERVICES, "protocols": PROTOCOLS}, safe=",")
        return Call("GET", f"{self.url}?{query}", (("Accept", "application/json"), ("X-Email", self.address)))

    def read(self, reply: Reply) -> str:
        """Return the protocol that Office 365 offers for the address. Raises `FaultError`."""
        if reply.status != 200:
            raise status.fault(reply)
        status.refuse_html(reply)
        try:
            answer = json.loads(reply.body[: 1 << 20])
        except (ValueError, RecursionError):
            answer = None
        protocols = answer.get("protocols") if isinstance(answer, dict) else None
        if not isinstance(protocols, list):
            raise FaultError(NOT_JSON, diagnostics.evidence(reply.headers))
        entries = [one for one in protocols if isinstance(one, dict)]
        offices = [one for one in entries if str(one.get("service", "")).lower() == OFFICE]
        if not offices:
            raise FaultError(NOT_FOUND, {"entries": str(len(entries))})
        known = (str(one.get("protocol", "")).lower() for one in offices)
        return next((name for name in known if name in PROTOCOLS.split(",")), "other")
