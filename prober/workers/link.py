"""How the prober and its workers speak: frames of messages over a pair of sockets that nobody else has an end of.

A message is a tuple: a word, and what belongs to it. What is said in one turn of the loop travels as one frame: a
length of four bytes, then the pickled list. Pickle, because both ends are one program; nothing from outside is ever
read by it.

A worker writes at once, and the kernel keeps what it wrote, also when the worker is killed. The prober reads when a
bell rings: four times a second, and at once when something does not bear waiting. To wake it for every outcome would
cost more than to hear it.

Rule of this file: nothing is lost in silence. What finds no room, because the other side does not read, is counted.
"""

import asyncio
import io
import logging
import pickle
import socket
import struct
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
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
REST = 0.25
"""Seconds after which the prober hears at the latest what a worker has told."""

Message = tuple[Any, ...]
Hear = Callable[[Message], None]


def read_only(values: dict[Any, Any]) -> MappingProxyType[Any, Any]:
    """Return `values` as nobody can change them: the type itself has no name by which it is found."""
    return MappingProxyType(values)


def _fields(kind: type, *names: str) -> Callable[[Any], tuple[Any, ...]]:
    """Return what takes a record of `kind` apart: the generic way of frozen dataclasses with slots costs five times."""
    return lambda one: (kind, tuple(getattr(one, name) for name in names))


def _outcome(*taken: Any) -> Outcome:
    client, target, started_at, duration, results, skipped, aside = taken
    at = started_at if isinstance(started_at, datetime) else datetime.fromtimestamp(started_at, UTC)
    return Outcome(client, target, at, duration, tuple([_result(*one) for one in results]), skipped, aside)


def _result(*taken: Any) -> StepResult:
    step, elapsed, phases, fault, facts, certificate = taken
    return StepResult(
        step,
        elapsed,
        MappingProxyType({PHASES[name]: seconds for name, seconds in phases}),
        fault,
        MappingProxyType(facts),
        None if certificate is None else _certificate(*certificate),
    )


def _certificate(not_before: float, not_after: float, sha256: str, verified: bool) -> Certificate:  # noqa: FBT001 - as sent
    return Certificate(not_before, not_after, sha256, verified=verified)


def _judgement(*taken: Any) -> Judgement:
    verdict, reason, code, domain, because, timed = taken
    return Judgement(
        VERDICTS[verdict],
        None if reason is None else REASONS[reason],
        code,
        None if domain is None else Domain(domain),
        because,
        timed=timed,
    )


def _outcome_apart(one: Outcome) -> tuple[Any, ...]:
    """Take an outcome apart, its steps with it: a class costs more to be named in a frame than its values."""
    at = one.started_at  # to the microsecond exact as a number, for two centuries from now
    started_at = at.timestamp() if at.tzinfo is UTC else at
    results = tuple([_result_apart(result) for result in one.results])
    return _outcome, (one.client, one.target, started_at, one.duration, results, one.skipped, one.aside)


def _result_apart(one: StepResult) -> tuple[Any, ...]:
    read = one.certificate
    return (
        one.step,
        one.elapsed,
        tuple([(phase.value, seconds) for phase, seconds in one.phases.items()]),
        one.fault,
        dict(one.facts),
        None if read is None else (read.not_before, read.not_after, read.sha256, read.verified),
    )


def _judgement_apart(one: Judgement) -> tuple[Any, ...]:
    reason = None if one.reason is None else one.reason.value
    domain = None if one.domain is None else one.domain.value
    return _judgement, (one.verdict.value, reason, one.code, domain, one.because, one.timed)


PHASES: Mapping[str, Phase] = MappingProxyType({one.value: one for one in Phase})
REASONS: Mapping[str, Reason] = MappingProxyType({one.value: one for one in Reason})
VERDICTS: Mapping[str, Verdict] = MappingProxyType({one.value: one for one in Verdict})
APART: Mapping[type, Callable[[Any], tuple[Any, ...]]] = MappingProxyType(
    {
        MappingProxyType: lambda one: (read_only, (dict(one),)),
        Secret: lambda one: (Secret, (one.reveal(),)),  # from memory to memory: a proxy's password, to our own child
        Outcome: _outcome_apart,
        Judgement: _judgement_apart,
        Fault: _fields(Fault, "kind", "evidence", "phase", "retry_after"),
        Kind: _fields(Kind, "code", "reason", "where"),
        Aside: _fields(Aside, "recording", "prober"),
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
        self._flush: asyncio.Handle | None = None
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
        """Send one message that does not bear waiting."""
        self.tell(*message)

    def tell(self, *message: Any) -> None:
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
            self.tell(*message)

    def soon(self) -> None:
        """Have the next frame sent in this turn of the loop."""
        if self._flush is None:
            self._flush = self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Send what there is now."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        if self._transport is None:
            return
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


class WorkersEnd(Link):
    """The end that writes at once, and rings when the other side has something to hear."""

    def __init__(
        self,
        hear: Hear,
        lost: Callable[[], None],
        besides: Callable[[], Iterable[Message]],
        bell: socket.socket,
    ) -> None:
        super().__init__(hear, lost, besides)
        self._bell = bell
        self._bell.settimeout(0.0)
        self._ringing: asyncio.TimerHandle | None = None
        self._urgent = False

    def send(self, *message: Any) -> None:
        """Send one message, and have it heard at once."""
        self._urgent = True
        self.tell(*message)

    def hurry(self) -> None:
        """Have heard at once what goes with the next frame."""
        self._urgent = True

    def flush(self) -> None:
        """Write what there is now; ring for it now, or in a moment."""
        super().flush()
        if self._urgent:
            self._ring()
        elif self._ringing is None:
            self._ringing = self._loop.call_later(REST, self._ring)

    async def close(self) -> None:
        """Send what there is, and end: the bell with the link, which is a sign, too."""
        self._urgent = True
        await super().close()
        if self._ringing is not None:
            self._ringing.cancel()
        self._bell.close()

    def _ring(self) -> None:
        self._urgent = False
        if self._ringing is not None:
            self._ringing.cancel()
            self._ringing = None
        with suppress(OSError):  # it rings already; or there is nobody there any more, which the link notices
            self._bell.send(b"\0")


class ProbersEnd(Link):
    """The end that leaves what it was sent with the kernel until the bell rings, and reads all when it is gone."""

    def __init__(self, hear: Hear, lost: Callable[[], None], bell: socket.socket) -> None:
        super().__init__(hear, lost)
        self._bell = bell
        self._bell.settimeout(0.0)
        self._alone = False
        self._resting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to listen for the bell, and to nothing else."""
        super().connection_made(transport)
        self._rest()
        self._loop.add_reader(self._bell, self._rung)

    def data_received(self, data: bytes) -> None:
        """Hear what is whole; rest when nothing is begun, and there is somebody who will ring."""
        super().data_received(data)
        if not (self._received or self._alone or self._resting):
            self._rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Everything has been heard."""
        self._loop.remove_reader(self._bell)
        self._bell.close()
        super().connection_lost(exc)

    def _rest(self) -> None:
        if self._transport is not None:
            self._resting = True
            self._transport.pause_reading()

    def _rung(self) -> None:
        try:
            self._alone = not self._bell.recv(4096)
        except OSError:
            self._alone = True
        if self._alone:
            self._loop.remove_reader(self._bell)
        if self._resting and self._transport is not None:
            self._resting = False
            self._transport.resume_reading()
