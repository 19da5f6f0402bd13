"""The same transport with httpx's face, for what is not a measured step: `httpx.AsyncClient(transport=…)` works.

It keeps no pool: each request has its own connection, closed with the response. The route's limits apply, httpx's
own time-outs do not.
"""

import httpx

from prober.exchange import Call
from prober.faults.taxonomy import Fault, FaultError
from prober.net.network import Network
from prober.timeline import Timeline

OURS = frozenset({"accept-encoding", "content-length", "transfer-encoding"})
UNDONE = frozenset({"content-encoding", "content-length", "transfer-encoding"})
CODINGS = ("Accept-Encoding", "gzip, deflate")  # those that we undo; httpx may know more


class TransportFaultError(httpx.TransportError):
    """A fault, as something that users of httpx catch."""

    def __init__(self, fault: Fault, request: httpx.Request) -> None:
        super().__init__(fault.kind.code, request=request)
        self.fault = fault


class HttpTransport(httpx.AsyncBaseTransport):
    """Sends httpx requests along one network. Raises `TransportFaultError`."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request; the response is whole and its codings undone. Phases are in `extensions["phases"]`."""
        timeline = Timeline(self._network.clock)
        session = self._network.session(timeline)
        fields = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        kept = tuple(field for field in fields if field[0].lower() not in OURS)
        try:
            call = Call(request.method, str(request.url), (*kept, CODINGS), await request.aread())
            reply = await session.exchange(call)
        except FaultError as error:
            raise TransportFaultError(error.fault, request) from error
        finally:
            await session.close()
        headers = [field for field in reply.headers if field[0].lower() not in UNDONE]
        return httpx.Response(
            reply.status, headers=headers, content=reply.body, extensions={"phases": dict(timeline.spent)}
        )
