"""What passed between an attempt and its servers, line by line, as far as it may be shown.

Rules of this file: it is made for one attempt, and bounded; and it shows what is known to be harmless, for nobody can
list all that is not: no body, no argument, no value of a header field that is not named here.
"""

import base64
import copy
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from prober.exchange import Call, Flow, Headers, Reply, Session, Wire
from prober.faults.taxonomy import FaultError
from prober.model import Assignment
from prober.observe.redact import HIDDEN, text
from prober.protocols.http import challenge
from prober.timeline import Clock

MOST = 500
LONGEST = 8192
"""Lines of a transcript, and bytes of a line of IMAP that are looked at."""
MOST_OCTETS, ENDS = 262_144, 20
"""Bytes of conversations that are taken down, and ends of something beyond `MOST`."""
MOST_SETTLED = 20
"""Values of a header field that are kept of what has been settled: the last ones."""
FIELDS = frozenset(
    {
        *("accept", "accept-encoding", "cache-control", "client-request-id", "connection", "content-encoding"),
        *("content-length", "content-type", "date", "ms-asprotocolcommands", "ms-asprotocolversion"),
        *("ms-asprotocolversions", "ms-server-activesync", "request-id", "retry-after", "transfer-encoding"),
        *("x-ms-asthrottle", "x-requesttype", "x-responsecode"),
    }
)
"""Header fields whose values are shown."""
REQUEST_IDS = frozenset({"client-request-id", "request-id", "x-ms-client-request-id", "x-ms-request-id"})
PLAIN_ID = re.compile(r"[0-9A-Za-z:-]{1,80}")
SERVERS = frozenset(
    {
        *("x-beserver", "x-calculatedbetarget", "x-calculatedfetarget", "x-diaginfo", "x-feserver", "x-ms-ests-server"),
        *("x-targetbeserver", "x-firsthopcafeefz", "x-feefzinfo"),
    }
)
SERVER = re.compile(r"[0-9A-Za-z_.:/ -]{1,120}")
GREETING = re.compile(rb"\* OK [^\r\n\[]{0,200}\[([A-Za-z0-9+/=]{8,400})\]\r?\n")
QUERIES = frozenset({"cmd", "protocol"})
LONG_SEGMENT = 40
NAME = re.compile(r"[A-Za-z0-9._$-]{1,60}")
HOST = re.compile(r"(?i)\b[a-z0-9_-]+(?:\.[a-z0-9_-]+){2,}\b")
BRACKETS = re.compile(r"\[([A-Z-]{2,30}(?: [A-Za-z0-9=+:. -]{1,300})?)\]")
BRACKETED = re.compile(r"\[[^]]*\]?")
TAG, COMMAND = re.compile(r"[A-Za-z0-9.]{1,20}|\*"), re.compile(r"[A-Za-z-]{1,20}")
LITERAL = re.compile(rb"\{(\d{1,9})\+?\}$")
MECHANISM = re.compile(r"(?i)XOAUTH2|OAUTHBEARER|PLAIN|LOGIN|NTLM|GSSAPI|CRAM-MD5")
SAID_WHOLE = frozenset({"CAPABILITY", "FLAGS", "ENABLED"})
OUTCOMES = frozenset({"OK", "NO", "BAD", "BYE", "PREAUTH"})
COUNTED = frozenset({"EXISTS", "RECENT", "EXPUNGE"})
NOTHING: Mapping[str, Sequence[str]] = MappingProxyType({})


class Answered(NamedTuple):
    """The head of an answer, and how many bytes came with it; `None` where they come over time."""

    status: int
    headers: Headers
    size: int | None


class Dialled(NamedTuple):
    """A connection was asked for."""

    url: str


Seen = str | Call | Answered | Dialled | bytes
"""What was taken down: bytes are of a conversation."""


class Transcript:
    """What passed, with the milliseconds since it began. `names` are never shown, wherever they stand.

    Taking down is cheap, for it is done for attempts that nobody will ask about; all work is left to who reads it. What
    goes on for hours is settled now and then: read, and but for what may be shown forgotten.
    """

    _octets = _wires = _dropped = _left_out = 0
    _adopted = ""
    _reading: "Reading | None" = None  # as far as it was settled
    _settled: Sequence[str] = ()
    _named_before: tuple[Mapping[str, Sequence[str]], Mapping[str, Sequence[str]]] = (NOTHING, NOTHING)

    def __init__(self, clock: Clock, names: Sequence[str] = ()) -> None:
        self._clock = clock
        self._began = clock()
        self._names = names
        self._seen: list[tuple[float, str, Seen, int]] = []  # with the number of the conversation, of bytes

    def say(self, mark: str, seen: Seen) -> None:
        """Take down one thing: `>` was said, `<` was heard, `!` is how it ended, `-` is anything else."""
        if self._dropped or len(self._seen) >= MOST:
            self._dropped += 1
            return
        self._seen.append((self._clock(), mark, seen, 0))

    def passed(self, mark: str, wire: int, data: bytes) -> None:
        """Take down bytes of a conversation."""
        octets = self._octets = self._octets + len(data)
        if octets > MOST_OCTETS or self._dropped or len(self._seen) >= MOST:
            self._dropped += 1
            return
        self._seen.append((self._clock(), mark, data, wire))

    def failed(self, error: BaseException) -> None:
        """Take down how something ended: that is kept however much there was before."""
        if len(self._seen) < MOST + ENDS:
            code = error.fault.kind.code if isinstance(error, FaultError) else "interrupted"
            self._seen.append((self._clock(), "!", code, 0))

    def next_wire(self) -> int:
        """Return the number of a new conversation."""
        self._wires += 1
        return self._wires

    def watch(self, session: Session) -> Session:
        """Return `session` with all that passes taken down."""
        return Watched(session, self)

    __call__ = watch

    def adopt(self, text: str) -> None:
        """Take over the text of an attempt that another process of ours has made."""
        self._adopted = text

    def lines(self) -> list[str]:
        """Return all of it, line by line; of very many the first and the last."""
        shown = [*self._settled, *self._read(copy.deepcopy(self._reading or Reading()))]
        left_out = self._left_out + _cut(shown)
        if left_out:
            shown.insert(MOST // 2, f"({left_out} lines are left out)")
        return shown + self._not_kept()

    def settle(self) -> None:
        """Read what has passed so far, and forget of it all but what may be shown."""
        self._named_before = (_last(self.request_ids()), _last(self.servers()))
        self._reading = self._reading or Reading()
        settled = [*self._settled, *self._read(self._reading), *self._not_kept()]
        self._left_out += _cut(settled)
        self._settled = settled
        self._seen.clear()
        self._octets = self._dropped = 0

    def _read(self, reading: "Reading") -> list[str]:
        """Return the lines of what has not been settled, `reading` going on from there."""
        starred = _starred(self._names)
        return [
            f"{(at - self._began) * 1000:9.1f} {mark} {text(starred(line))}"
            for at, mark, seen, wire in self._seen
            for line in reading.lines(mark, seen, wire)
        ]

    def _not_kept(self) -> list[str]:
        return [f"({self._dropped} more lines were not kept)"] if self._dropped else []

    def text(self) -> str:
        """Return all of it."""
        return self._adopted or "\n".join(self.lines()) or "(nothing was said)"

    def request_ids(self) -> dict[str, list[str]]:
        """Return the ids by which servers know the requests, by header field."""
        return self._named(REQUEST_IDS, PLAIN_ID, self._named_before[0])

    def servers(self) -> dict[str, list[str]]:
        """Return the names of the servers that answered, by header field; `greeting` is the name in one of IMAP."""
        found = self._named(SERVERS, SERVER, self._named_before[1])
        greeted = [name for _, mark, seen, _ in self._seen if mark == "<" and (name := _greeting(seen))]
        known = [*found.pop("greeting", ()), *greeted]
        return found | ({"greeting": list(dict.fromkeys(known))} if known else {})

    def _named(
        self, names: Container[str], shape: re.Pattern[str], before: Mapping[str, Sequence[str]]
    ) -> dict[str, list[str]]:
        """Return the values of header fields that are called and look as they should, each of them once.

        Those that were settled come `before`.
        """
        starred = _starred(self._names)
        found = {name: list(values) for name, values in before.items()}
        for _, _, seen, _ in self._seen:
            for name, value in seen.headers if isinstance(seen, Answered | Call) else ():
                known, shown = name.lower(), text(starred(value.strip()))
                if known in names and shape.fullmatch(shown) and shown not in found.setdefault(known, []):
                    found[known].append(shown)
        return found


def _cut(lines: list[str]) -> int:
    """Leave of very many lines the first and the last; return how many went."""
    left_out = max(0, len(lines) - MOST)
    del lines[MOST // 2 : MOST // 2 + left_out]
    return left_out


def _last(named: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    return {name: values[-MOST_SETTLED:] for name, values in named.items()}


def _starred(names: Iterable[str]) -> Callable[[str], str]:
    """Return what stars `names` in a line."""
    wanted = sorted({one for one in names if len(one) > 2}, key=len, reverse=True)
    if not wanted:
        return lambda line: line
    return partial(re.compile("|".join(map(re.escape, wanted)), re.IGNORECASE).sub, HIDDEN)


def private(assignment: Assignment) -> list[str]:
    """Return the names that no transcript of `assignment` shows."""
    mailbox = assignment.target.mailbox or ""
    return [mailbox, mailbox.partition("@")[0], assignment.target.canary or ""]


def _greeting(seen: Seen) -> str:
    """Return the name of the server in the first line of a conversation with Exchange, base64 of UTF-16; or nothing."""
    found = GREETING.match(seen) if isinstance(seen, bytes) else None
    if found is None:
        return ""
    try:
        name = base64.b64decode(found[1], validate=True).decode("utf-16-le")
    except ValueError:
        return ""
    return text(name) if SERVER.fullmatch(name) else ""


class Watched:
    """Does as `session` does, and takes it down. Implements `exchange.Session`."""

    def __init__(self, session: Session, transcript: Transcript) -> None:
        self._session = session
        self._transcript = transcript

    async def exchange(self, call: Call) -> Reply:
        """Send one request and return its response. Raises `FaultError`."""
        self._transcript.say(">", call)
        try:
            reply = await self._session.exchange(call)
        except BaseException as exc:
            self._transcript.failed(exc)
            raise
        self._transcript.say("<", Answered(reply.status, reply.headers, len(reply.body)))
        return reply

    @property
    def opened(self) -> int:
        """How many connections have been opened so far."""
        return self._session.opened

    async def open(self, call: Call) -> Flow:
        """Send one request and return its response as soon as the head is there. Raises `FaultError`."""
        self._transcript.say(">", call)
        try:
            flow = await self._session.open(call)
        except BaseException as exc:
            self._transcript.failed(exc)
            raise
        self._transcript.say("<", Answered(flow.status, flow.headers, None))
        return flow

    async def dial(self, url: str) -> Wire:
        """Open a wire. Raises `FaultError`."""
        self._transcript.say("-", Dialled(url))
        try:
            return WatchedWire(await self._session.dial(url), self._transcript)
        except BaseException as exc:
            self._transcript.failed(exc)
            raise

    def channel_binding(self, url: str) -> bytes | None:
        """Return the peer's certificate (DER) of the open connection to this URL's origin."""
        return self._session.channel_binding(url)

    async def close(self) -> None:
        """Close every connection."""
        await self._session.close()


class WatchedWire:
    """Does as `wire` does, and takes down what passes. Implements `exchange.Wire`."""

    def __init__(self, wire: Wire, transcript: Transcript) -> None:
        self._wire = wire
        self._transcript = transcript
        self._number = transcript.next_wire()

    async def send(self, data: bytes) -> None:
        """Write all of `data`. Raises `FaultError`."""
        self._transcript.passed(">", self._number, data)
        await self._wire.send(data)

    async def receive(self, within: float | None = None) -> bytes | None:
        """Return the next bytes. Raises `FaultError`."""
        try:
            data = await self._wire.receive(within)
        except BaseException as exc:
            self._transcript.failed(exc)
            raise
        if data is not None:
            self._transcript.passed("<", self._number, data)
        return data

    async def start_tls(self) -> None:
        """Upgrade. Raises `FaultError`."""
        self._transcript.say("-", "TLS")
        await self._wire.start_tls()

    async def close(self) -> None:
        """Close without waiting for the peer."""
        await self._wire.close()


class Reading:
    """Reads what was taken down, in its order: what is said of IMAP depends on what came before."""

    def __init__(self) -> None:
        self._ways: dict[tuple[int, str], Lines] = {}

    def lines(self, mark: str, seen: Seen, wire: int = 0) -> Iterator[str]:
        """Give the lines of one thing; bytes are of the conversation with the number `wire`."""
        match seen:
            case str():
                yield seen
            case Dialled():
                yield f"connect to {address(seen.url)}"
            case Call():
                yield f"{seen.method} {address(seen.url)}"
                yield from _fields(seen.headers)
                if seen.body:
                    yield f"({len(seen.body)} bytes)"
            case Answered():
                yield str(seen.status)
                yield from _fields(seen.headers)
                if seen.size is not None:
                    yield f"({seen.size} bytes)"
            case bytes():
                way = self._ways.setdefault((wire, mark), Lines())
                yield from map(said if mark == ">" else heard, way.feed(seen))
                if not seen:
                    yield "(end)"


def _fields(fields: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, value in fields:
        yield f"  {name if NAME.fullmatch(name) else HIDDEN}: {field(name, value)}"


class Lines:
    """Cuts bytes into lines of IMAP, leaving out what literals hold (RFC 9051 section 4.3)."""

    def __init__(self) -> None:
        self._rest = b""
        self._literal = 0
        self._within = False

    def feed(self, data: bytes) -> Iterable[str]:
        """Return the lines that end in `data`. What follows a literal belongs to the line before it and is left out."""
        self._rest += data
        found = []
        while self._skip() and (end := self._rest.find(b"\n")) >= 0:
            line, self._rest = self._rest[:end].rstrip(b"\r"), self._rest[end + 1 :]
            literal = LITERAL.search(line[-16:])
            if not self._within:
                found.append(line[:LONGEST].decode("ascii", "replace"))
            self._within = literal is not None
            self._literal = int(literal[1]) if literal else 0
        if len(self._rest) > LONGEST and not self._literal:
            self._rest = self._rest[:LONGEST]  # a line without end: its beginning is all that will be shown
        return found

    def _skip(self) -> bool:
        """Leave out bytes of a literal; return whether it is over."""
        taken = min(self._literal, len(self._rest))
        self._literal -= taken
        self._rest = self._rest[taken:]
        return not self._literal


def said(line: str) -> str:
    """Return a line of the client: its tag and command, and of what follows only a mechanism's name."""
    tag, _, rest = line.partition(" ")
    command, _, arguments = rest.partition(" ")
    if line.upper() == "DONE":
        return "DONE"
    if not TAG.fullmatch(tag) or not COMMAND.fullmatch(command):
        return HIDDEN
    first = arguments.partition(" ")[0]
    if command.upper() == "AUTHENTICATE" and MECHANISM.fullmatch(first):
        return f"{tag} {command} {first}{f' {HIDDEN}' if arguments != first else ''}"
    return f"{tag} {command}{f' {HIDDEN}' if arguments else ''}"


def heard(line: str) -> str:
    """Return a line of the server: outcomes and capabilities, counts; of mail and folders only that they came."""
    tag, _, rest = line.partition(" ")
    if tag == "+":
        return f"+ {HIDDEN}" if rest else "+"
    word, _, after = rest.partition(" ")
    if not TAG.fullmatch(tag):
        return HIDDEN
    if word.isascii() and word.isdecimal():
        kind = after.partition(" ")[0].upper()
        return f"{tag} {word[:10]} {kind}" if kind in COUNTED else f"{tag} {word[:10]} {_word(kind)} {HIDDEN}"
    if word.upper() in OUTCOMES:
        return f"{tag} {word.upper()} {_outcome(word.upper(), after)}"
    if word.upper() in SAID_WHOLE:
        return f"{tag} {word.upper()} {HOST.sub(HIDDEN, after)}"
    return f"{tag} {_word(word)} {HIDDEN}"


def _word(text: str) -> str:
    return text if COMMAND.fullmatch(text) else HIDDEN


def _outcome(word: str, after: str) -> str:
    """Return the response code and, of a refusal, its words; greetings name servers, and are not shown."""
    code = BRACKETS.match(after)
    shown = f"[{_code(code[1])}] " if code else ""
    if word in ("OK", "PREAUTH"):
        return f"{shown}{HIDDEN}"
    words = after[code.end() :].strip() if code else after
    return f"{shown}{HOST.sub(HIDDEN, BRACKETED.sub(HIDDEN, words))}"


def _code(code: str) -> str:
    name, _, arguments = code.partition(" ")
    if not arguments or name in SAID_WHOLE or arguments.isdecimal():
        return code
    return f"{name} {HIDDEN}"


def field(name: str, value: str) -> str:
    """Return what is shown of a header field's value."""
    known = name.lower()
    if known in FIELDS:
        return value
    if known == "location":
        return address(value)
    if known == "www-authenticate":
        return f"{challenge.schemes(Headers([(name, value)]))} {HIDDEN}".strip()
    if known == "authorization":
        return f"{scheme} {HIDDEN}" if COMMAND.fullmatch(scheme := value.partition(" ")[0]) and " " in value else HIDDEN
    return HIDDEN


def address(url: str) -> str:
    """Return where a URL leads: its values, and parts of its path that may name somebody or something, starred."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
    except ValueError:
        return HIDDEN
    path = "/".join(HIDDEN if _names(one) else one for one in parts.path.split("/"))
    given = (one.partition("=") for one in parts.query.split("&") if one)
    query = "&".join(f"{_key(key)}={value if key.lower() in QUERIES else HIDDEN}" for key, _, value in given)
    where = f"{parts.scheme}://{host}" if host else ""
    return f"{where}{path}{'?' if query else ''}{query}"


def _key(key: str) -> str:
    return key if NAME.fullmatch(unquote(key)) else HIDDEN


def _names(segment: str) -> bool:
    plain = unquote(segment)
    return len(plain) > LONG_SEGMENT or "@" in plain or not plain.isprintable()
