"""The words in which steps speak to servers: one HTTP question and its answer, and a wire for conversations.

No library and no clock in here. `net/` moves these; `protocols/` makes and reads them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from enum import Enum
from typing import Protocol, TypeVar

from prober.record import record

R_co = TypeVar("R_co", covariant=True)


class Headers:
    """Header fields in order; names compare without case (RFC 9110 section 5.1). Immutable.

    `first` holds the first value of each field, by its name in small letters: every reply is asked for some twenty
    fields of which it has few.
    """

    __slots__ = ("_fields", "first")

    def __init__(self, fields: Iterable[tuple[str, str]] = ()) -> None:
        self._fields = tuple(fields)
        self.first: Mapping[str, str] = {name.lower(): value for name, value in reversed(self._fields)}

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of `name`, or `default`."""
        return self.first.get(name.lower(), default)

    def all(self, name: str) -> tuple[str, ...]:
        """Return every value of `name`, in order."""
        wanted = name.lower()
        if wanted not in self.first:
            return ()
        if len(self.first) == len(self._fields):  # every field came once
            return (self.first[wanted],)
        return tuple([value for key, value in self._fields if key.lower() == wanted])

    def __contains__(self, name: str) -> bool:
        return name.lower() in self.first

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Headers) and other._fields == self._fields

    def __hash__(self) -> int:
        return hash(self._fields)

    def __repr__(self) -> str:
        return f"Headers({[name for name, _ in self._fields]})"


NO_FIELDS = Headers()


class Auth(Enum):
    """Who asks: nobody, nobody but with an empty bearer to provoke the OAuth challenge, or the credential."""

    NONE = "none"
    EMPTY_BEARER = "empty_bearer"
    CREDENTIAL = "credential"


@record
class Call:
    """One HTTP request to an absolute `url`. `hold`: seconds the server may rightly keep silent (long polls)."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = field(default=b"", repr=False)
    auth: Auth = Auth.NONE
    hold: float = 0.0


@record
class Reply:
    """One HTTP response, whole: the transport has undone chunking and content coding."""

    status: int
    headers: Headers = NO_FIELDS
    body: bytes = field(default=b"", repr=False)


class Flow(Protocol):
    """An HTTP response whose body arrives over time: held requests such as streams of notifications."""

    @property
    def status(self) -> int:
        """Status of the response."""

    @property
    def headers(self) -> Headers:
        """Header fields of the response."""

    async def receive(self, within: float) -> bytes | None:
        """Return the next bytes of the body, chunking undone; b"" at its end, `None` when none came `within` seconds.

        Raises `FaultError` when the connection breaks or the body ends early.
        """

    async def rest(self) -> Reply:
        """Read on to the end and return the response, as far as `receive` has not given it out; again where asked."""

    async def close(self) -> None:
        """Let go of the response and its connection."""


class Exchange(Protocol[R_co]):
    """One question over HTTP. `read` raises `FaultError` and nothing else."""

    def call(self) -> Call:
        """Return the request."""

    def read(self, reply: Reply) -> R_co:
        """Return what the reply says."""


class Wire(Protocol):
    """A byte stream for conversations such as IMAP. All waits are bounded by the phase limits of the network."""

    async def send(self, data: bytes) -> None:
        """Write all of `data`. Raises `FaultError` (`peer_reset`, `send_stalled`)."""

    async def receive(self, within: float | None = None) -> bytes | None:
        """Return the next bytes, b"" at the end of the stream.

        With `within` seconds, returns `None` when nothing came by then (a hold that stayed quiet is no fault);
        without, silence longer than the wait limit raises `FaultError` (`no_answer`).
        """

    async def start_tls(self) -> None:
        """Upgrade (RFC 2595, RFC 9051 section 6.2.1). Bytes that came before the handshake are a fault."""

    async def close(self) -> None:
        """Close without waiting for the peer."""


class Session(Protocol):
    """The connections and the cookie jar of one transaction: opened cold, kept warm within it, closed at its end."""

    async def exchange(self, call: Call) -> Reply:
        """Send one request and return its response. Never retries, never follows a redirect. Raises `FaultError`."""

    @property
    def opened(self) -> int:
        """How many connections have been opened so far: whether a kept one served again can be told by it."""

    async def open(self, call: Call) -> Flow:
        """Send one request and return its response as soon as the head is there. Raises `FaultError`."""

    async def dial(self, url: str) -> Wire:
        """Open a wire to `imaps://host:port` (implicit TLS) or `imap://host:port` (plain until `start_tls`)."""

    def channel_binding(self, url: str) -> bytes | None:
        """Return the peer's certificate (DER) of the open connection to this URL's origin, for RFC 5929 bindings."""

    async def close(self) -> None:
        """Close every connection."""
