"""`healthcheck.htm`: the page that Exchange Server's Managed Availability makes for load balancers.

It speaks of one protocol on one server, in two lines: `200 OK` and the server's name. The name is cut to its first
letters, for a full server name never leaves the prober.
"""

import re
from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http import diagnostics
from prober.protocols.http import status as http

NOT_PUBLISHED = Kind("health_page_not_published", Reason.UNEXPECTED_CHALLENGE)
OUT_OF_ROTATION = Kind("health_page_out_of_rotation", Reason.SERVER_BUSY)
PAGE = "healthcheck.htm"
NAMED = re.compile(rb"^\s*200 OK\s*(?:<br\s*/?>\s*)?([A-Za-z]{0,3})", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class HealthPage:
    """Ask for the page at `url`, the whole address of it. No authentication is expected."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        return Call("GET", self.url, (("Accept", "*/*"),))

    def read(self, reply: Reply) -> str:
        """Return up to three letters that tell where the server stands, when its protocol is healthy.

        Raises `FaultError`: `health_page_not_published` where something else than the page answers,
        `health_page_out_of_rotation` where the server has been taken out of the balancing.
        """
        if reply.status in (401, 403, 404):
            raise FaultError(NOT_PUBLISHED, {"http_status": str(reply.status)})
        if reply.status == 503:
            raise FaultError(OUT_OF_ROTATION, {"http_status": "503", **diagnostics.evidence(reply.headers)})
        if reply.status != 200:
            raise http.fault(reply)
        found = NAMED.match(reply.body[:256])
        if found is None:
            raise FaultError(NOT_PUBLISHED, {"http_status": "200"})
        return diagnostics.region(reply.headers) or found[1].decode().upper()


def beside(endpoint: str) -> str:
    """Return the address of the health page of the virtual directory that `endpoint` is."""
    return f"{endpoint.rstrip('/')}/{PAGE}"
