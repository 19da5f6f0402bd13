"""A stream as conversations use it: send, receive, upgrade. What passes between is measured as wait and receive."""

import asyncio
from collections.abc import Awaitable, Callable

from prober.net.phases import Measured, cut_short
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
        timeline, stream = self._timeline, self._stream
        started = timeline.clock()
        try:
            if not stream.put(data):
                timeline.current = Phase.SEND
                await stream.emptied(asyncio.get_running_loop().time() + self._limits.send)
        except BaseException as exc:
            cut_short(timeline, Phase.SEND, started, exc)
            raise
        self._since, self._waiting = stream.sent_at, True
        timeline.spend(Phase.SEND, started, stream.sent_at)

    async def receive(self, within: float | None = None) -> bytes | None:
        """Return the next bytes, b"" at the end, `None` when nothing came `within` seconds. Raises `FaultError`."""
        if within is not None:
            return await self._hold(within)
        timeline, since = self._timeline, self._since
        phase, limit = (Phase.WAIT, self._limits.wait) if self._waiting else (Phase.RECEIVE, self._limits.receive)
        timeline.current = phase
        try:
            data, at = await self._stream.receive(asyncio.get_running_loop().time() + limit)
        except BaseException as exc:
            cut_short(timeline, phase, since, exc)
            raise
        timeline.spend(phase, since, at)
        self._waiting = at < since  # it was on its way before we asked
        if not self._waiting:
            self._since = at
        return data

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
