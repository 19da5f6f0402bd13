"""NotificationWait: the request that stays open until there is news (MS-OXCMAPIHTTP sections 2.2.4.4 and 3.2.5.5).

Rule of this file: a server that waits shows that it is there. Silence for two pending periods is a lost channel, and
so is an end that comes before the answer.
"""

from prober.exchange import Call, Flow
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.mapi import status
from prober.protocols.mapi.envelope import AnswerReader, Request, check_head, open_reply, pending_period
from prober.protocols.mapi.octets import Octets

KIND = "NotificationWait"
BODY = bytes(4 + 4)
"""Flags and the size of the auxiliary buffer, both 0 (section 2.2.4.4.1)."""
LONGEST = 300.0
"""Seconds after which a server answers also where nothing has happened."""
PERIODS = 2
"""Pending periods without a sign of life after which nobody is there any more."""


def wait_call(request: Request) -> Call:
    """Return the request. Its head may be as late as its first sign of life."""
    return request.call(KIND, BODY)


class Waiting:
    """One open request. `listen` may be called again and again; `signs` counts what the server has shown of itself."""

    __slots__ = ("_flow", "_headers", "_limit", "_quiet", "_reader")

    def __init__(self, flow: Flow) -> None:
        self._flow = flow
        self._headers = flow.headers
        self._limit = PERIODS * pending_period(flow.headers)
        self._quiet = 0.0
        self._reader = AnswerReader()

    @property
    def signs(self) -> int:
        """How many signs of life there were."""
        return self._reader.signs

    @property
    def patience(self) -> float:
        """Seconds that the server may still keep silent."""
        return max(self._limit - self._quiet, 0.0)

    async def listen(self, seconds: float) -> bool | None:
        """Wait for one piece of the answer, up to `seconds`.

        Returns whether events are pending once the answer is whole, `None` before. Raises `FaultError`
        (`mapi_wait_silent`, `mapi_wait_lost`, `mapi_wait_refused`).
        """
        within = min(seconds, self.patience)
        piece = await self._receive(within)
        if piece is None:
            self._quiet += within
            if self.patience <= 0:
                raise FaultError(status.WAIT_SILENT, {"signs": str(self.signs), "seconds": f"{self._quiet:.0f}"})
            return None
        self._quiet = 0.0
        self._reader.feed(piece)
        return None if piece else self._answer()

    async def _receive(self, within: float) -> bytes | None:
        try:
            return await self._flow.receive(within)
        except FaultError as error:
            raise lost(error) from None

    def _answer(self) -> bool:
        """Return whether events are pending (section 2.2.4.4.2). Raises `FaultError`."""
        if not self._reader.complete:
            raise FaultError(status.WAIT_LOST, {"signs": str(self.signs), "cause": "ended"})
        body = Octets(self._reader.finish(KIND, self._headers), "notification_wait")
        failed = body.number() or body.number()
        if failed:
            raise FaultError(status.WAIT_REFUSED, {"error": f"{failed:#010x}"})
        pending = body.number()
        body.sized()
        return bool(pending & 1)

    async def close(self) -> None:
        """Let go of the request."""
        await self._flow.close()


async def begun(request: Request, flow: Flow) -> Waiting:
    """Return the request as it waits. Raises `FaultError` for a refusal, which is read to its end."""
    if flow.status == 200 and flow.headers.get("x-responsecode").strip() == "0":
        check_head(request, KIND, flow.status, flow.headers)
        return Waiting(flow)
    open_reply(request, KIND, await flow.rest())
    raise FaultError(status.WAIT_REFUSED, {"cause": "no code"})


def lost(error: FaultError) -> FaultError:
    """Return what it means that a connection breaks which waits: the channel is lost."""
    if error.fault.reason not in (Reason.CONNECTION_RESET, Reason.READ_TIMEOUT):
        return error
    return FaultError(status.WAIT_LOST, {"cause": error.fault.kind.code}, phase=error.fault.phase)
