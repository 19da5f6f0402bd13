"""How the prober and its workers speak: frames of messages over a pair of sockets that nobody else has an end of.

A message is a tuple: a word, and what belongs to it. What is sent within a twentieth of a second travels as one frame:
a length of four bytes, then the pickled list. Pickle, because both ends are one program; nothing from outside is ever
read by it.

Rule of this file: nothing is lost in silence. What finds no room, because the other side does not read, is counted.
"""

import asyncio
import io
import logging
import pickle
import struct
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, cast

from prober.faults.taxonomy import Fault, Kind, Reason
from prober.model import Aside, Certificate, Outcome, StepResult
from prober.secret import Secret
from prober.verdict import Judgement
from prober.vocabulary import Domain, Phase, Verdict

LOG = logging.getLogger(__name__)
HEAD = struct.Struct("!I")
MOST = 16 << 20
"""Bytes that wait for the other side to read, beyond which no more outcomes are added."""
CLOSING = 5.0
PACE = 0.05
"""Seconds between two frames: waking the other side costs more than hearing one message more."""

Message = tuple[Any, ...]
Hear = Callable[[Message], None]


def read_only(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """Return `values` as nobody can change them: the type itself has no name by which it is found."""
    return MappingProxyType(values)


def _fields(kind: type, *names: str) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes a record of `kind` apart: the generic way of frozen dataclasses with slots costs five times."""
    return lambda one: (kind, tuple(getattr(one, name) for name in names))


APART: Mapping[type, Callable[[Any], tuple[Any, ...]]] = MappingProxyType(
    {
        MappingProxyType: lambda one: (read_only, (dict(one),)),
        Secret: lambda one: (Secret, (one.reveal(),)),  # from memory to memory: a proxy's password, to our own child
        Outcome: _fields(Outcome, "client", "target", "started_at", "duration", "results", "skipped", "aside"),
        StepResult: _fields(StepResult, "step", "elapsed", "phases", "fault", "facts", "certificate"),
        Fault: _fields(Fault, "kind", "evidence", "phase", "retry_after"),
        Kind: _fields(Kind, "code", "reason", "where"),
        Certificate: _fields(Certificate, "not_before", "not_after", "sha256", "verified"),
        Aside: _fields(Aside, "recording", "prober"),
        Judgement: _fields(Judgement, "verdict", "reason", "code", "domain", "because", "timed"),
        **dict.fromkeys((Phase, Verdict, Domain, Reason), lambda one: (type(one), (one.value,))),
    }
)
"""How what is sent all the time is taken apart."""


def packed(messages: list[Message]) -> bytes:
    """Return one frame."""
    buffer = io.BytesIO(HEAD.pack(0))
    buffer.seek(HEAD.size)
    pickler = pickle.Pickler(buffer, protocol=pickle.HIGHEST_PROTOCOL)
    pickler.dispatch_table = cast("Any", APART)
    pickler.dump(messages)
    HEAD.pack_into(buffer.getbuffer(), 0, buffer.tell() - HEAD.size)
    return buffer.getvalue()


class Link(asyncio.Protocol):
    """One end. `hear` is told every message in order, `lost` that the other end is gone, each once.

    `besides` gives what goes along with every frame, whatever else is in it.
    """

    def __init__(
        self, hear: Hear, lost: Callable[[], None], besides: Callable[[], Iterable[Message]] = lambda: ()
    ) -> None:
        self._hear = hear
        self._lost = lost
        self._besides = besides
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._waiting: list[Message] = []
        self._flush: asyncio.TimerHandle | None = None
        self._flushed = float("-inf")
        self._received = bytearray()
        self._closed: asyncio.Future[None] = self._loop.create_future()
        self.dropped = 0
        """Messages that found no room, since somebody was last told."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self.soon()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other end is gone: nobody is told anything any more."""
        self._transport = None
        self._closed.set_result(None)
        self._lost()

    def data_received(self, data: bytes) -> None:
        """Hear every message of every frame that is whole."""
        self._received += data
        while len(self._received) >= HEAD.size:
            end = HEAD.size + HEAD.unpack_from(self._received)[0]
            if len(self._received) < end:
                return
            messages = pickle.loads(bytes(self._received[HEAD.size : end]))  # noqa: S301 - from our own process
            del self._received[:end]
            for message in messages:
                self._one(message)

    def send(self, *message: Any) -> None:
        """Send one message with the next frame; what must not be lost goes whatever waits already."""
        self._waiting.append(message)
        self.soon()

    def later(self, *message: Any) -> None:
        """Send one message when there is something else to send."""
        self._waiting.append(message)

    def offer(self, *message: Any) -> None:
        """Send one message if the other side reads; count it otherwise."""
        if self._transport is not None and self._transport.get_write_buffer_size() > MOST:
            self.dropped += 1
        else:
            self.send(*message)

    def soon(self) -> None:
        """Have the next frame sent: at once, or a moment after the last."""
        if self._flush is None:
            self._flush = self._loop.call_at(max(self._loop.time(), self._flushed + PACE), self.flush)

    def flush(self) -> None:
        """Send what there is now."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._transport is None:
            return
        self._flushed = self._loop.time()
        self._waiting += self._besides()
        if self._waiting:
            frame, self._waiting = packed(self._waiting), []
            self._transport.write(frame)

    async def close(self) -> None:
        """Send what there is, and end; the other side has a few seconds to read it."""
        self.flush()
        if self._transport is not None:
            self._transport.close()
            await asyncio.wait([self._closed], timeout=CLOSING)

    def _one(self, message: Message) -> None:
        try:
            self._hear(message)
        except Exception as exc:  # noqa: BLE001 - one message that cannot be taken in must not cost the others
            LOG.error("message %s could not be taken in: %s", message[0], type(exc).__name__)  # noqa: TRY400 - no foreign text
