"""What passed between an attempt and its servers, line by line, as far as it may be shown.

Rules of this file: it is made for one attempt that somebody watches, and bounded; and it shows what is known to be
harmless, for nobody can list all that is not: no body, no argument, no value of a header field that is not named here.
"""

import re
from collections.abc import Iterable
from urllib.parse import unquote, urlsplit

from prober.exchange import Call, Flow, Headers, Reply, Session, Wire
from prober.faults.taxonomy import FaultError
from prober.observe.redact import HIDDEN, text
from prober.protocols.http import challenge
from prober.timeline import Clock

MOST = 500
LONGEST = 8192
"""Lines of a transcript, and bytes of a line of IMAP that are looked at."""
FIELDS = frozenset(
    {
        *("accept", "accept-encoding", "cache-control", "client-request-id", "connection", "content-encoding"),
        *("content-length", "content-type", "date", "ms-asprotocolcommands", "ms-asprotocolversion"),
        *("ms-asprotocolversions", "ms-server-activesync", "request-id", "retry-after", "transfer-encoding"),
        *("x-ms-asthrottle", "x-requesttype", "x-responsecode"),
    }
)
"""Header fields whose values are shown."""
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


class Transcript:
    """Lines with the milliseconds since it began. `names` are never shown, wherever they stand."""

    def __init__(self, clock: Clock, names: Iterable[str] = ()) -> None:
        self._clock = clock
        self._began = clock()
        self._lines: list[str] = []
        self._dropped = 0
        wanted = sorted({one for one in names if len(one) > 2}, key=len, reverse=True)
        self._names = re.compile("|".join(map(re.escape, wanted)), re.IGNORECASE) if wanted else None

    def say(self, mark: str, line: str) -> None:
        """Take down one line: `>` was said, `<` was heard, `!` is how it ended, `-` is anything else."""
        if len(self._lines) >= MOST:
            self._dropped += 1
            return
        shown = line if self._names is None else self._names.sub(HIDDEN, line)
        self._lines.append(f"{(self._clock() - self._began) * 1000:9.1f} {mark} {text(shown)}")

    def text(self) -> str:
        """Return all of it."""
        more = [f"({self._dropped} more lines were not kept)"] if self._dropped else []
        return "\n".join([*self._lines, *more]) or "(nothing was said)"

    def watch(self, session: Session) -> Session:
        """Return `session` with all that passes taken down."""
        return Watched(session, self)

    def failed(self, error: BaseException) -> None:
        """Take down how something ended."""
        self.say("!", error.fault.kind.code if isinstance(error, FaultError) else "interrupted")


class Watched:
    """Does as `session` does, and takes it down. Implements `exchange.Session`."""

    def __init__(self, session: Session, transcript: Transcript) -> None:
        self._session = session
        self._transcript = transcript

    async def exchange(self, call: Call) -> Reply:
        """Send one request and return its response. Raises `FaultError`."""
        self._asked(call)
        try:
            reply = await self._session.exchange(call)
        except BaseException as exc:
            self._transcript.failed(exc)
            raise
        self._answered(reply.status, reply.headers)
        self._transcript.say("<", f"({len(reply.body)} bytes)")
        return reply

    @property
    def opened(self) -> int:
        """How many connections have been opened so far."""
        return self._session.opened

    async def open(self, call: Call) -> Flow:
        """Send one request and return its response as soon as the head is there. Raises `FaultError`."""
        self._asked(call)
        try:
            flow = await self._session.open(call)
        except BaseException as exc:
            self._transcript.failed(exc)
            raise
        self._answered(flow.status, flow.headers)
        return flow

    async def dial(self, url: str) -> Wire:
        """Open a wire. Raises `FaultError`."""
        self._transcript.say("-", f"connect to {address(url)}")
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

    def _asked(self, call: Call) -> None:
        self._transcript.say(">", f"{call.method} {address(call.url)}")
        self._fields(">", call.headers)
        if call.body:
            self._transcript.say(">", f"({len(call.body)} bytes)")

    def _answered(self, status: int, headers: Headers) -> None:
        self._transcript.say("<", str(status))
        self._fields("<", headers)

    def _fields(self, mark: str, fields: Iterable[tuple[str, str]]) -> None:
        for name, value in fields:
            self._transcript.say(mark, f"  {name if NAME.fullmatch(name) else HIDDEN}: {field(name, value)}")


class WatchedWire:
    """Does as `wire` does, and takes down the lines of IMAP. Implements `exchange.Wire`."""

    def __init__(self, wire: Wire, transcript: Transcript) -> None:
        self._wire = wire
        self._transcript = transcript
        self._said, self._heard = Lines(), Lines()

    async def send(self, data: bytes) -> None:
        """Write all of `data`. Raises `FaultError`."""
        for line in self._said.feed(data):
            self._transcript.say(">", said(line))
        await self._wire.send(data)

    async def receive(self, within: float | None = None) -> bytes | None:
        """Return the next bytes. Raises `FaultError`."""
        try:
            data = await self._wire.receive(within)
        except BaseException as exc:
            self._transcript.failed(exc)
            raise
        for line in self._heard.feed(data or b""):
            self._transcript.say("<", heard(line))
        if data == b"":
            self._transcript.say("<", "(end)")
        return data

    async def start_tls(self) -> None:
        """Upgrade. Raises `FaultError`."""
        self._transcript.say("-", "TLS")
        await self._wire.start_tls()

    async def close(self) -> None:
        """Close without waiting for the peer."""
        await self._wire.close()


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
