"""A wire whose other end is written down: what the client must send, what the server says, and how it ends."""

from collections.abc import Iterable
from dataclasses import dataclass

from prober.faults.taxonomy import NO_ANSWER, PEER_RESET, FaultError, Kind


@dataclass(frozen=True)
class C:
    """The client must send exactly this."""

    data: bytes


@dataclass(frozen=True)
class S:
    """The server says this."""

    data: bytes


@dataclass(frozen=True)
class End:
    """The server closes its side."""


@dataclass(frozen=True)
class Broken:
    """The next read fails so."""

    kind: Kind = PEER_RESET


@dataclass(frozen=True)
class Quiet:
    """The server says nothing for as long as the client listens, once."""


@dataclass(frozen=True)
class Silent:
    """From here on the server takes what it is sent and says nothing."""


@dataclass(frozen=True)
class Handshake:
    """The client must begin TLS here."""


Act = C | S | End | Broken | Quiet | Silent | Handshake


class Clock:
    """Seconds that pass only when somebody waits."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class ScriptedWire:
    """Implements `Wire`. `chunk` is the largest piece in which the server's bytes arrive."""

    def __init__(self, acts: Iterable[Act], chunk: int = 4096, clock: Clock | None = None) -> None:
        self.acts = list(acts)
        self.chunk = chunk
        self.clock = clock or Clock()
        self.sent = b""
        self.upgraded = False
        self.closed = False

    async def send(self, data: bytes) -> None:
        self.sent += data
        place = next((at for at, act in enumerate(self.acts) if isinstance(act, C)), None)
        if place is None and any(isinstance(act, Silent) for act in self.acts):
            return
        if place is None:
            assert any(isinstance(act, End | Broken) for act in self.acts), f"nobody waits for {data!r}"
            raise FaultError(PEER_RESET)
        expected = self.acts[place]
        assert isinstance(expected, C)
        assert expected.data.startswith(data), f"sent {data!r}, not {expected.data!r}"
        rest = expected.data[len(data) :]
        self.acts[place : place + 1] = [C(rest)] if rest else []

    async def receive(self, within: float | None = None) -> bytes | None:
        act = self.acts[0] if self.acts else None
        if isinstance(act, S):
            self.acts[:1] = [S(act.data[self.chunk :])] if len(act.data) > self.chunk else []
            return act.data[: self.chunk]
        if isinstance(act, End):
            return b""
        if isinstance(act, Broken):
            raise FaultError(act.kind)
        if isinstance(act, Quiet):
            self.acts.pop(0)
        if within is None:
            raise FaultError(NO_ANSWER)
        self.clock.now += within
        return None

    async def start_tls(self) -> None:
        assert self.acts, "a handshake nobody waits for"
        assert isinstance(self.acts[0], Handshake), f"handshake before {self.acts[0]}"
        self.acts.pop(0)
        self.upgraded = True

    async def close(self) -> None:
        self.closed = True


def transcript(text: str) -> list[Act]:
    """Read a transcript: lines that begin with `C: ` and `S: `, each ending in CRLF on the wire."""
    acts: list[Act] = []
    kinds: dict[str, type[C | S]] = {"C": C, "S": S}
    for line in text.strip().splitlines():
        mark, _, rest = line.lstrip().partition(":")
        acts.append(kinds[mark]((rest.removeprefix(" ") + "\r\n").encode()))
    return acts
