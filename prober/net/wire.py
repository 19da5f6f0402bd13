"""A stream as conversations use it: send, receive, upgrade. What passes between is measured as wait and receive."""

import asyncio
from collections.abc import Awaitable, Callable

from prober.net.phases import Measured
from prober.net.route import PhaseLimits
from prober.net.stream import Stream
from prober.timeline import Timeline
from prober.vocabulary import Phase


class StreamWire:
    """Implements `exchange.Wire`.

    `wait` runs from the last byte sent (or the open connection) to the first that came after it, `receive` from each
    arrival to the next. Time under a hold (`receive(within)`) is `wait`: the server rightly keeps silent.
    """

    def __init__(
        self, stream: Stream, timeline: Timeline, limits: PhaseLimits, secure: Callable[[Stream], Awaitable[None]]
    ) -> None:
        self._stream = stream
        self._timeline = timeline
        self._limits = limits
        self._secure = secure
        self._since = timeline.clock()
        self._waiting = True

    async def send(self, data: bytes) -> None:
        """Write all of `data`. Raises `FaultError` (`peer_reset`, `peer_closed`, `send_stalled`)."""
        with Measured(self._timeline, Phase.SEND, self._limits.send) as lap:
            lap.ended = await self._stream.send(data, lap.deadline)
        self._since, self._waiting = lap.ended, True

    async def receive(self, within: float | None = None) -> bytes | None:
        """Return the next bytes, b"" at the end, `None` when nothing came `within` seconds. Raises `FaultError`."""
        if within is not None:
            return await self._hold(within)
        phase = Phase.WAIT if self._waiting else Phase.RECEIVE
        limit = self._limits.wait if self._waiting else self._limits.receive
        with Measured(self._timeline, phase, limit, self._since) as lap:
            chunk = await self._stream.receive(lap.deadline)
            lap.ended = max(chunk.at, self._since)
        self._waiting = chunk.at < self._since  # it was on its way before we asked
        self._since = lap.ended
        return chunk.data

    async def _hold(self, within: float) -> bytes | None:
        with Measured(self._timeline, Phase.WAIT, None) as lap:
            try:
                chunk = await self._stream.receive(asyncio.get_running_loop().time() + within)
            except TimeoutError:
                return None
            lap.ended = chunk.at
        self._since, self._waiting = chunk.at, False
        return chunk.data

    async def start_tls(self) -> None:
        """Upgrade; the connection is closed on failure. Raises `FaultError` (`bad_reply`, TLS kinds)."""
        await self._secure(self._stream)
        self._since, self._waiting = self._timeline.clock(), True

    async def close(self) -> None:
        """Close without waiting for the peer."""
        self._stream.close()
