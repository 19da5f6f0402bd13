"""PING: see that an endpoint is there, and keep a session alive where there is one (MS-OXCMAPIHTTP section 2.2.6)."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.protocols.http import status as http
from prober.protocols.mapi.connect import version
from prober.protocols.mapi.envelope import CODE, Request, check_head


@dataclass(frozen=True, slots=True)
class Ping:
    """Ask for nothing. Neither request nor answer has a body."""

    request: Request

    def call(self) -> Call:
        """Return the request."""
        return self.request.call("PING")

    def read(self, reply: Reply) -> str:
        """Return the server's build, where it says. Raises `FaultError`."""
        if reply.status == 200 and CODE not in reply.headers:
            http.refuse_html(reply)
        check_head(self.request, "PING", reply.status, reply.headers)
        return version(reply)
