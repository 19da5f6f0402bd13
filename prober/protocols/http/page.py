"""One page of a web site, asked for only to see that somebody answers."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError, Kind, Reason

CONTROL_STATUS = Kind("control_status", Reason.SERVER_ERROR)


@dataclass(frozen=True, slots=True)
class Page:
    """GET `url`. Any status below 500 shows a name, a route, TLS and a server that works (RFC 9110 section 15)."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        return Call("GET", self.url, (("Accept", "*/*"),))

    def read(self, reply: Reply) -> int:
        """Return the status. Raises `FaultError` (`control_status`) for 500 and above."""
        if reply.status >= 500:
            raise FaultError(CONTROL_STATUS, {"status": str(reply.status)})
        return reply.status
