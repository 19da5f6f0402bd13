"""A response read as it arrives. What passes is measured as receive; time in which the server keeps silent, as wait.

Rule of this file: nothing is kept of what was given out, so a response may go on for hours.
"""

import asyncio
from collections.abc import Callable

from prober.exchange import Headers, Reply
from prober.net.http import ResponseReader, take_in
from prober.net.phases import Measured
from prober.net.route import PhaseLimits
from prober.net.stream import Stream
from prober.timeline import Timeline
from prober.vocabulary import Phase


class HttpFlow:
    """Implements `exchange.Flow`. `done` is told whether the connection may serve another request."""

    def __init__(
        self,
        stream: Stream,
        reader: ResponseReader,
        timeline: Timeline,
        limits: PhaseLimits,
        done: Callable[[bool], None],
    ) -> None:
        self._stream = stream
        self._reader = reader
        self._timeline = timeline
        self._limits = limits
        self._done = done
        self._over = False

    @property
    def status(self) -> int:
        """Status of the response."""
        return self._reader.status

    @property
    def headers(self) -> Headers:
        """Header fields of the response."""
        return self._reader.head()

    async def receive(self, within: float) -> bytes | None:
        """Return the next bytes, b"" at the end, `None` when nothing came `within` seconds. Raises `FaultError`."""
        ready = self._reader.take()
        if ready:
            return ready
        try:
            deadline = asyncio.get_running_loop().time() + within
            with Measured(self._timeline, Phase.WAIT, None) as lap:
                while not (ready or self._reader.complete):
                    lap.ended = await take_in(self._stream, self._reader, deadline)
                    ready = self._reader.take()
        except TimeoutError:
            return None
        if not ready:
            self._end(keep=self._reader.keep_alive)
        return ready

    async def rest(self) -> Reply:
        """Read on to the end, and return the response. Raises `FaultError`."""
        with Measured(self._timeline, Phase.RECEIVE, self._limits.receive) as lap:
            while not self._reader.complete:
                lap.ended = await take_in(self._stream, self._reader, lap.deadline)
        self._end(keep=self._reader.keep_alive)
        return self._reader.reply()

    async def close(self) -> None:
        """Drop the connection, unless the response has ended and it serves on."""
        self._end(keep=False)

    def _end(self, *, keep: bool) -> None:
        if not self._over:
            self._over = True
            self._done(keep)
