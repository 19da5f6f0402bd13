"""The stream of notifications as legacy Outlook for Mac may keep it: opened for a moment, or held for hours.

Rule of this file: a stream lives as long as something comes. The server says at least every 45 seconds that it is
there; one that is silent for longer, ends before its time, or says nothing while the inbox changes, is lost.
"""

from contextlib import suppress

from prober.clients.ews import caller, follow, say, understood
from prober.exchange import Call, Flow
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.ews import status
from prober.protocols.ews.create_item import CreateItem
from prober.protocols.ews.delete_item import DeleteItem
from prober.protocols.ews.soap import answered
from prober.protocols.ews.streaming import (
    ARRIVALS,
    CLOSED,
    LONGEST,
    NAME,
    OPEN,
    SHORTEST,
    EnvelopeReader,
    Notice,
    Subscribe,
    Unsubscribe,
    get_streaming_events,
)
from prober.transaction import Transaction

HELD = "held_subscription"
FIRST_WORD = 30.0
"""Seconds within which a stream says that it is open."""
SILENCE = 60.0
"""Seconds without a byte after which an open stream is taken for dead."""
EARLY = 15.0
"""Seconds by which the end of a connection may be ahead of its time."""
GRACE = 10.0
"""Seconds that a notification may come later than the change can be seen."""
MANY = 500
"""Notifications after which the inbox is looked at in between, so that they need not be kept."""


async def subscribe(tx: Transaction, name: str) -> str:
    """Return a new subscription, which the device remembers as `name`. Raises `FaultError`.

    One that was left behind under that name is ended before: a mailbox may have few.
    """
    with suppress(FaultError):
        await unsubscribe(tx, name)
    tx.device.memory[name] = await say(tx, Subscribe(caller(tx, affinity=True), ARRIVALS))
    return tx.device.memory[name]


async def unsubscribe(tx: Transaction, name: str) -> None:
    """End the subscription that the device remembers as `name`, if there is one. Raises `FaultError`."""
    subscription = tx.device.memory.pop(name, "")
    if subscription:
        await say(tx, Unsubscribe(caller(tx, affinity=True), subscription))


class Stream:
    """One connection on which the server tells of a subscription, for `minutes`."""

    def __init__(self, flow: Flow, minutes: int, opened_at: float) -> None:
        self._flow = flow
        self._reader = EnvelopeReader(flow.headers)
        self._due = opened_at + 60.0 * minutes
        self._heard = opened_at
        self._waiting: list[Notice] = []

    @classmethod
    async def open(cls, tx: Transaction, subscription: str, minutes: int) -> "Stream":
        """Open a connection and wait until it says that it is open. Raises `FaultError`."""
        flow = await _given(tx, get_streaming_events(caller(tx, affinity=True), subscription, minutes))
        stream = cls(flow, minutes, tx.timeline.clock())
        try:
            await stream._first_word(tx)
        except BaseException:
            await flow.close()
            raise
        return stream

    async def _first_word(self, tx: Transaction) -> None:
        clock = tx.timeline.clock
        until = clock() + FIRST_WORD
        while (left := until - clock()) > 0:
            notice = await self._next(tx, left)
            if notice is not None and (notice.connection == OPEN or notice.events):
                self._keep(notice)
                return
            if notice is not None and notice.connection == CLOSED:
                raise FaultError(status.STREAM_LOST, {"connection": "closed at once"})
        raise FaultError(status.STREAM_SILENT, {"connection": "not yet open"})

    def _keep(self, notice: Notice) -> None:
        if notice.events:
            self._waiting.insert(0, notice)

    async def told(self, tx: Transaction, seconds: float) -> Notice | None:
        """Return the next notice with events or of the end, `None` when none came within `seconds`.

        Raises `FaultError` (`ews_stream_silent`, `ews_stream_lost`).
        """
        clock = tx.timeline.clock
        until = clock() + seconds
        while (left := until - clock()) > 0 or self._waiting:
            silent = self._heard + SILENCE - clock()
            notice = await self._next(tx, max(0.0, min(left, silent)))
            if notice is not None and (notice.events or notice.connection == CLOSED):
                return self._in_time(tx, notice)
            if clock() - self._heard >= SILENCE:
                raise FaultError(status.STREAM_SILENT, {"silent_seconds": str(round(clock() - self._heard))})
        return None

    def _in_time(self, tx: Transaction, notice: Notice) -> Notice:
        """Return a notice, unless it is the end before its time."""
        early = self._due - tx.timeline.clock()
        if notice.connection == CLOSED and early > EARLY:
            raise FaultError(status.STREAM_LOST, {"connection": "closed", "early_seconds": str(round(early))})
        return notice

    async def _next(self, tx: Transaction, within: float) -> Notice | None:
        """Return the next envelope, `None` when no whole one has come."""
        if not self._waiting:
            self._waiting += self._reader.feed(await self._bytes(tx, within))
        return self._waiting.pop(0) if self._waiting else None

    async def _bytes(self, tx: Transaction, within: float) -> bytes:
        try:
            data = await self._flow.receive(within)
        except FaultError as error:
            raise lost(error) from None
        if data is None:
            return b""
        if not data:
            raise FaultError(status.STREAM_LOST, {"connection": "ended" if self._reader.between else "broken off"})
        self._heard = tx.timeline.clock()
        return data

    async def close(self) -> None:
        """Hang up."""
        await self._flow.close()


async def _given(tx: Transaction, call: Call) -> Flow:
    """Return the stream that is asked for. Raises `FaultError` with what a refusal means."""
    try:
        return await tx.renewing(lambda: _once(tx, call))
    except FaultError as error:
        raise understood(tx, error) from None


async def _once(tx: Transaction, call: Call) -> Flow:
    flow = await tx.stream(call)
    if flow.status != 200:
        answered(await flow.rest(), NAME)
    return flow


def lost(error: FaultError) -> FaultError:
    """A connection that breaks while it waits is a lost channel."""
    if error.fault.reason not in (Reason.CONNECTION_RESET, Reason.READ_TIMEOUT):
        return error
    return FaultError(status.STREAM_LOST, {"cause": error.fault.kind.code}, phase=error.fault.phase)


class HeldStream:
    """A stream that is always open. Implements `Held` and `Marking`, and takes its markers back."""

    def __init__(self) -> None:
        self._subscription = ""
        self._stream: Stream | None = None
        self._minutes = SHORTEST
        self._state = ""
        self._told: set[str] = set()
        self._marker = ""

    async def open(self, tx: Transaction) -> None:
        """Learn what is in the inbox, subscribe to what comes, and leave the stream open. Raises `FaultError`."""
        push = tx.assignment.push
        self._minutes = min(max(-int(-(push.hold if push else 0.0) // 60), SHORTEST), LONGEST)
        self._subscription = await subscribe(tx, HELD)
        self._state = (await follow(tx, tx.device.memory.get("inbox_state", ""))).state
        self._stream = await Stream.open(tx, self._subscription, self._minutes)

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Listen for up to `seconds`; return whether the stream told of something new. Raises `FaultError`."""
        clock = tx.timeline.clock
        until = clock() + seconds
        while (left := until - clock()) > 0:
            if await self._listen(tx, left):
                return True
        return await self._quiet(tx)

    async def _listen(self, tx: Transaction, seconds: float) -> bool:
        """Return whether the stream tells of something; open it anew when its time has come."""
        notice = await self._open_stream.told(tx, seconds)
        if notice is None:
            return False
        if notice.connection == CLOSED:
            await self._open_stream.close()
            self._stream = await Stream.open(tx, self._subscription, self._minutes)
        if not notice.events:
            return False
        self._told |= notice.arrived
        if len(self._told) >= MANY:
            await self._look(tx)
        return True

    @property
    def _open_stream(self) -> Stream:
        if self._stream is None:
            raise FaultError(status.STREAM_LOST, {"connection": "none"})
        return self._stream

    async def _quiet(self, tx: Transaction) -> bool:
        """Look whether the inbox has been as quiet as the stream; what it told too late still counts as told."""
        told = len(self._told)
        arrived = await self._look(tx)
        if arrived <= told:
            return False
        if await self._listen(tx, GRACE):
            self._told.clear()
            return True
        raise FaultError(status.STREAM_MISSED, {"arrived": str(arrived), "told": str(told)})

    async def _look(self, tx: Transaction) -> int:
        """Return how many items have come to the inbox since the last look, and begin to count anew."""
        turn = await follow(tx, self._state)
        self._state = turn.state
        self._told.clear()
        return 0 if turn.refused else len(turn.arrived)

    async def mark(self, tx: Transaction) -> None:
        """Save a message in the inbox; it is there on return. Raises `FaultError`."""
        unique = f"{tx.device.id[:20]}{int(tx.timeline.clock() * 1000) & 0xFFFFFFFFFF:x}"
        self._marker = await say(tx, CreateItem(caller(tx), f"probe {unique}"))

    async def tidy(self, tx: Transaction) -> None:
        """Remove the last marker for good. Raises `FaultError`."""
        marker, self._marker = self._marker, ""
        if marker:
            await say(tx, DeleteItem(caller(tx), marker))

    async def close(self, tx: Transaction) -> None:
        """Hang up and end the subscription; one that is left behind would lapse by itself."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.close()
        with suppress(FaultError):
            await unsubscribe(tx, HELD)
        await tx.close()
