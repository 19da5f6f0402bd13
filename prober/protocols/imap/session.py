"""One conversation with an IMAP server over any `Wire`: tags are paired, nothing is dropped, every end is explained.

Rule: whatever ends the conversation, and wherever, leaves as one `FaultError` that says what it means there. Words that
came earlier are kept, because servers explain first and hang up afterwards. No clock and no socket in here.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import TypeVar

from prober.exchange import Wire
from prober.faults.taxonomy import (
    BAD_REPLY,
    PEER_CLOSED,
    REPLY_TOO_LARGE,
    STARTTLS_REFUSED,
    TRUNCATED_REPLY,
    Fault,
    FaultError,
    Kind,
    Reason,
)
from prober.protocols.imap import status as meanings
from prober.protocols.imap.commands import Answer, Command, Examine, StartTls
from prober.protocols.imap.framing import Framer
from prober.protocols.imap.greeting import site
from prober.protocols.imap.responses import (
    Capability,
    Condition,
    Continuation,
    Exists,
    Expunge,
    Response,
    Status,
    capabilities,
    parse,
)
from prober.protocols.imap.status import Reading, Stage

R = TypeVar("R")

LONGEST_LINE = 8192
"""Bytes in a line that every server must stand (RFC 7162 section 4). Exchange ends at 10,240, Dovecot at this."""
ANSWER_LIMIT = 8 << 20
"""Bytes that one command may bring in, all responses together."""
AFTER_FAREWELL = 2.0
"""Seconds to listen on after BYE for words that say more."""
AFTER_DONE = 30.0
"""Seconds in which IDLE must end after DONE."""
LAST_WORDS = 16
"""How many times to listen after a failed send."""
UNSTOOD = frozenset({meanings.COMMAND_REFUSED, meanings.BYE})
FAILURES = frozenset({Condition.NO, Condition.BAD, Condition.BYE})
HEEDED = frozenset({Capability, Exists, Expunge, Status})
"""The kinds of response that say something about the conversation itself."""


def never() -> bool:
    """Return that no token is in use that ought to be valid still."""
    return False


class Conversation:
    """A connection from its greeting to its end.

    `token_valid` tells whether the token in use should live on for a while: a session that the server ends as expired
    is its own error then (`imap_session_expired_early`) and our own business otherwise (`imap_session_expired`).
    `offered` holds the capabilities last heard, `site` the front-end site of Exchange's greeting.
    """

    __slots__ = (
        "_budget",
        "_command",
        "_earlier",
        "_exists",
        "_framer",
        "_idle_tag",
        "_longest",
        "_news",
        "_over",
        "_parting",
        "_remark",
        "_stage",
        "_tags",
        "_token_valid",
        "_wire",
        "offered",
        "site",
    )

    def __init__(self, wire: Wire, token_valid: Callable[[], bool] = never) -> None:
        self._wire = wire
        self._token_valid = token_valid
        self._framer = Framer()
        self._tags = 0
        self._idle_tag = ""
        self._earlier: Reading | None = None  # the last refusal of any command
        self._over: Fault | None = None  # what the farewell means, once it was said
        self._parting: Status | None = None  # the farewell that LOGOUT asked for, not yet read
        self._exists: int | None = None
        self._news = 0
        self.offered: frozenset[str] = frozenset()
        self.site = ""
        self._begin("greeting", Stage.GREETING)

    @property
    def idling(self) -> bool:
        """Whether IDLE is held."""
        return self._stage is Stage.IDLE

    @property
    def messages(self) -> int | None:
        """How many messages the open mailbox holds, as last told."""
        return self._exists

    async def greet(self) -> Status:
        """Return the server's greeting (RFC 9051 section 7.1). Raises `FaultError` for anything but OK."""
        greeting = await self._next()
        if not isinstance(greeting, Status) or greeting.tag:
            raise self._error(self._plain(BAD_REPLY, grammar="greeting"))
        if greeting.condition is Condition.PREAUTH:
            raise self._error(self._plain(meanings.UNEXPECTED_PREAUTH))
        if greeting.condition is not Condition.OK:
            raise self._error(self._meaning(greeting).fault)
        self.site = site(greeting.text)
        return greeting

    async def start_tls(self) -> None:
        """Upgrade (RFC 9051 section 6.2.1). What the plain side offered is not believed afterwards.

        Raises `FaultError`: `starttls_refused`, or `bad_reply` for bytes sent ahead of the handshake.
        """
        if "STARTTLS" not in self.offered:
            raise FaultError(STARTTLS_REFUSED, {"offered": "no"})
        await self.run(StartTls())
        if self._framer.pending:
            raise FaultError(BAD_REPLY, {"unexpected": "bytes before the handshake"})
        self.offered = frozenset()
        await self._wire.start_tls()

    async def run(self, command: Command[R]) -> R:
        """Send `command`, hear everything until its tagged response, and return what that says."""
        self._begin(command.name, command.stage)
        if isinstance(command, Examine):
            self._exists = None
        tag = self._next_tag()
        first, *following = command.segments()
        await self._send(tag.encode("ascii") + b" " + first)
        answer = await self._answer(command, tag, following)
        if command.settles(answer):
            return command.read(answer)
        raise self._error(command.refused(answer, self._explained(answer.status)))

    async def _answer(self, command: Command[R], tag: str, following: list[bytes]) -> Answer:
        data: list[Response] = []
        prompts: list[Continuation] = []
        while True:
            response = self._whole() or await self._next()
            if isinstance(response, Continuation):
                prompts.append(response)
                await self._send(following.pop(0) if following else command.respond(response))
            elif isinstance(response, Status) and response.tag:
                self._pair(response, tag)
                return Answer(response, tuple(data), tuple(prompts))
            else:
                data.append(response)

    async def idle(self) -> None:
        """Begin IDLE (RFC 2177): any continuation will do. Raises `FaultError` when it is refused."""
        self._begin("IDLE", Stage.MAILBOX)
        self._idle_tag = self._next_tag()
        await self._send(self._idle_tag.encode("ascii") + b" IDLE")
        while not isinstance(response := self._whole() or await self._next(), Continuation):
            if isinstance(response, Status) and response.tag:
                raise self._error(self._idle_refusal(response))
        self._begin("IDLE", Stage.IDLE)

    async def wait(self, seconds: float) -> int:
        """Hold IDLE; return how many changes the mailbox told of since last asked.

        Returns 0 after `seconds` of silence, and earlier after a remark that is no change. What was told before, even
        between two IDLE commands, is returned at once. Raises `FaultError` when the channel is lost.
        """
        self._budget = ANSWER_LIMIT
        if not self._news:
            await self._listen(seconds)
        news, self._news = self._news, 0
        return news

    async def _listen(self, seconds: float) -> None:
        """Hear what comes next, and all that came with it; a farewell is heard to its end unless it brought news."""
        response = await self._next_or_quiet(seconds)
        while response is not None:
            self._heed_idle(response)
            response = self._whole()
            if response is None and self._over and not self._news:
                response = await self._next_or_quiet(AFTER_FAREWELL)

    def _heed_idle(self, response: Response) -> None:
        if isinstance(response, Continuation):
            raise self._error(self._plain(BAD_REPLY, unexpected="continuation"))
        if isinstance(response, Status) and response.tag:
            self._over = self._over or self._idle_end(response)

    async def done(self) -> None:
        """End IDLE. Changes told meanwhile are kept for the next `wait`. Raises `FaultError` (`push_channel_lost`)."""
        self._budget = ANSWER_LIMIT
        await self._send(b"DONE")
        while True:
            response = await self._next_or_quiet(AFTER_DONE)
            if response is None:
                raise self._error(self._plain(meanings.IDLE_SILENT))
            if isinstance(response, Status) and response.tag:
                break
        self._pair(response, self._idle_tag)
        if response.condition is not Condition.OK:
            raise self._error(self._idle_end(response))
        self._stage = Stage.MAILBOX

    async def close(self) -> None:
        """Close without a word."""
        await self._wire.close()

    # What is said and heard

    def _begin(self, command: str, stage: Stage) -> None:
        self._command, self._stage = command, stage
        self._remark: Reading | None = None  # the first telling refusal or farewell within this command
        self._parting = None
        self._budget = ANSWER_LIMIT
        self._longest = 0  # bytes of the longest line sent for it

    def _next_tag(self) -> str:
        self._tags += 1
        return f"A{self._tags}"

    def _pair(self, response: Status, tag: str) -> None:
        if response.tag != tag:
            raise self._error(self._plain(BAD_REPLY, unexpected="tag"))

    async def _send(self, line: bytes) -> None:
        self._longest = max(self._longest, len(line) + 2)
        try:
            await self._wire.send(line + b"\r\n")
        except FaultError as error:
            await self._last_words()
            raise self._end(error.fault) from error

    async def _last_words(self) -> None:
        """Hear why nothing can be sent any more, if the server said so before it hung up."""
        with suppress(FaultError):
            for _ in range(LAST_WORDS):
                data = await self._wire.receive(AFTER_FAREWELL)
                if not data:
                    break
                self._framer.feed(data)
        with suppress(FaultError):
            while self._whole() is not None:
                pass

    async def _next(self) -> Response:
        """Wait for a response when none is in hand, as long as the wire allows; after a farewell, for its end."""
        while True:
            try:
                data = await self._wire.receive(AFTER_FAREWELL if self._over else None)
            except FaultError as error:
                raise self._end(error.fault) from error
            self._take_in(data)
            if (response := self._whole()) is not None:
                return response

    async def _next_or_quiet(self, seconds: float) -> Response | None:
        """Return the next response, or `None` when there was none within `seconds`; after a farewell, its end."""
        while (response := self._whole()) is None:
            try:
                data = await self._wire.receive(AFTER_FAREWELL if self._over else seconds)
            except FaultError as error:
                raise self._end(error.fault) from error
            if data is None and self._over is None:
                return None
            self._take_in(data)
        return response

    def _take_in(self, data: bytes | None) -> None:
        """Keep what came, or say what it means that nothing more will."""
        if not data:
            raise self._end(None)
        self._framer.feed(data)

    def _whole(self) -> Response | None:
        """Return the next response that is in hand, heeded, or `None`."""
        whole = self._framer.next_response()
        if whole is None:
            return None
        self._budget -= len(whole) + 2
        if self._budget < 0:
            raise self._error(self._plain(REPLY_TOO_LARGE, part="answer"))
        response = parse(whole)
        if type(response) in HEEDED:
            self._heed(response)
        return response

    def _heed(self, response: Response) -> None:
        """Keep what a response says about the conversation itself."""
        match response:
            case Status():
                if response.condition in FAILURES:
                    self._heed_failure(response)
                elif response.code == "CAPABILITY":
                    self.offered = capabilities(response.arguments)
            case Capability():
                self.offered = response.names
            case Exists():
                self._news += self._exists is not None and response.messages != self._exists
                self._exists = response.messages
            case Expunge():
                self._news += self._exists is not None
                self._exists = max(self._exists - 1, 0) if self._exists else self._exists
            case _:
                pass

    def _heed_failure(self, failure: Status) -> None:
        if failure.condition is Condition.BYE and self._stage is Stage.LOGOUT:
            self._parting = self._parting or failure  # as it should be; it has a meaning only where nothing follows
            return
        remark, reading = self._remarked(), self._meaning(failure)
        if not failure.tag and reading.specific:
            self._remark = remark or reading
        if failure.condition is Condition.BYE:
            self._over = self._explained(failure)
        else:
            self._earlier = reading

    # What it means

    def _meaning(self, failure: Status) -> Reading:
        if self._earlier and meanings.AFTER_ERROR.search(failure.text):
            return self._earlier
        reading = meanings.read(failure, self._stage, self._command)
        if reading.fault.kind is meanings.SESSION_EXPIRED and self._token_valid():
            return Reading(replace(reading.fault, kind=meanings.SESSION_EXPIRED_EARLY), specific=True)
        return reading

    def _explained(self, failure: Status) -> Fault:
        """Return the meaning of a refusal or farewell; a telling remark before it explains one that says nothing."""
        reading = self._meaning(failure)
        remark = self._remarked()
        return reading.fault if reading.specific or remark is None else remark.fault

    def _remarked(self) -> Reading | None:
        """Return the first telling refusal or farewell; one that LOGOUT brought is read only when it is asked for."""
        parting, self._parting = self._parting, None
        if parting is not None and self._remark is None and (reading := self._meaning(parting)).specific:
            self._remark = reading
        return self._remark

    def _idle_refusal(self, response: Status) -> Fault:
        self._pair(response, self._idle_tag)
        if response.condition is Condition.OK:
            return self._plain(BAD_REPLY, missing="continuation")
        fault = self._explained(response)
        unexplained = fault.kind in (meanings.REFUSED, meanings.COMMAND_REFUSED)
        return replace(fault, kind=meanings.IDLE_REFUSED) if unexplained else fault

    def _idle_end(self, response: Status) -> Fault:
        """Return what a tagged response means that nobody asked for by DONE, or that refuses DONE."""
        self._pair(response, self._idle_tag)
        if response.condition is Condition.OK:
            return self._plain(meanings.IDLE_ENDED)
        return self._explained(response)

    def _end(self, fault: Fault | None) -> FaultError:
        """Return what the end of the stream means here: what was said before it, else how it ended (`fault`)."""
        if self._over:
            return self._error(self._over)
        remark = self._remarked()
        if remark is not None:
            return self._error(remark.fault)
        if fault is None:
            fault = self._plain(TRUNCATED_REPLY if self._framer.pending else PEER_CLOSED)
        if self.idling and fault.reason is Reason.CONNECTION_RESET:
            fault = replace(self._plain(meanings.IDLE_LOST, was=fault.kind.code), phase=fault.phase)
        return self._error(fault)

    def _plain(self, kind: Kind, **evidence: str) -> Fault:
        return Fault(kind, MappingProxyType({"command": self._command, **evidence}))

    def _error(self, fault: Fault) -> FaultError:
        """Return the exception, with the front-end site in evidence: a fault tied to one site shows at once.

        What reads like a lost connection after a line too long for the server was our own token's doing.
        """
        evidence = {**fault.evidence, **({"site": self.site} if self.site else {})}
        kind = fault.kind
        if self._longest > LONGEST_LINE and (kind in UNSTOOD or kind.reason is Reason.CONNECTION_RESET):
            kind = meanings.LINE_TOO_LONG
        return FaultError(kind, evidence, phase=fault.phase, retry_after=fault.retry_after)
