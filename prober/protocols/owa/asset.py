"""One script of Outlook on the web, from wherever its pages load it: mostly a content delivery network."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http.status import HTML
from prober.protocols.owa import status


@dataclass(frozen=True, slots=True)
class Asset:
    """Ask for the script at `url`."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        return Call("GET", self.url, (("Accept", "*/*"),))

    def read(self, reply: Reply) -> int:
        """Return how many bytes came. Raises `FaultError` where no script did."""
        if reply.status != 200 or not reply.body or HTML.match(reply.body[:512]):
            raise FaultError(status.NO_SCRIPT, status.evidence(reply) | {"bytes": str(len(reply.body))})
        return len(reply.body)
