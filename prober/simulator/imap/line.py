"""The wire side of an IMAP connection: bytes in and out, timers, and what the weather does to an answer.

Rule of this file: no task and no thread per connection. A connection that waits costs one timer and, idling, one
listener on its mailbox.
"""

import asyncio
import base64
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from enum import Enum

from prober.simulator.faults.fault import Fault, Level, Occasion
from prober.simulator.http.server import reset
from prober.simulator.imap import mishaps, reader, texts
from prober.simulator.imap.answer import Answer, bad, no, severed
from prober.simulator.imap.entrance import ImapEntrance
from prober.simulator.imap.hold import Hold
from prober.simulator.imap.scanner import TAG, BadSyntax
from prober.simulator.imap.session import Session
from prober.simulator.tenant import ONLINE, Site
from prober.simulator.wire import Connection, Host

LOG = logging.getLogger(__name__)
BACKLOG = 64 * 1024
"""Octets a client may send ahead while it is kept waiting."""
SOONEST = 0.01
"""Seconds a timer waits at least, for clocks that do not run alike."""

Act = Callable[[datetime | None], Answer]


class Mode(Enum):
    """What the next bytes of the client are."""

    COMMAND = "a command"
    RESPONSE = "a response to the empty challenge of AUTHENTICATE"
    ACKNOWLEDGEMENT = "a line that acknowledges why authentication failed"
    IDLE = "DONE"
    BUSY = "kept for later: the answer at hand is delayed"
    DEAF = "ignored for good"


class Line(asyncio.Protocol):
    """One connection, up to what is said on it: `_take` of a subclass gets each command or line."""

    __slots__ = (
        "_active",
        "_connection",
        "_entrance",
        "_full",
        "_hold",
        "_host",
        "_leave",
        "_loop",
        "_mode",
        "_number",
        "_paused",
        "_reader",
        "_session",
        "_spoken",
        "_timer",
        "_transport",
        "_wait",
    )

    def __init__(self, host: Host, entrance: ImapEntrance, number: int) -> None:
        self._host = host
        self._entrance = entrance
        self._number = number
        self._reader = reader.Reader()
        self._session = Session()
        self._mode = Mode.COMMAND
        self._full = self._paused = False
        self._hold: Hold | None = None
        self._leave: AbstractContextManager[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wait: asyncio.TimerHandle | None = None
        self._active = self._spoken = 0.0
        self._loop: asyncio.AbstractEventLoop
        self._transport: asyncio.Transport
        self._connection: Connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        self._transport = transport  # type: ignore[assignment]  # a server makes no other
        self._loop = asyncio.get_running_loop()
        self._active = self._spoken = self._now()
        peer = transport.get_extra_info("peername") or ("", 0)
        attempt = self._entrance.accepted(self._host)
        self._connection = Connection(self._number, self._host, str(peer[0]), self._active, attempt)
        self._entrance.open.add(self)
        self._arm()
        self._perform("*", "greeting", lambda until: self._greeting(), mishaps.ANYWHERE)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back everything."""
        self._entrance.open.discard(self)
        self._stop()
        if self._timer is not None:
            self._timer.cancel()
        if self._leave is not None:
            self._leave.__exit__(None, None, None)
        self._entrance.closed(self._connection)

    def data_received(self, data: bytes) -> None:
        """Read on."""
        if self._mode is Mode.DEAF:
            return
        self._active = self._now()
        self._reader.feed(data)
        self._pump()
        if self._reader.waiting > BACKLOG and self._kept_waiting and not self._transport.is_closing():
            self._paused = True
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """Leave when the client has."""
        return False

    def pause_writing(self) -> None:
        """Answer no more until the client reads."""
        self._full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._pump()

    def close(self) -> None:
        """Leave without a word."""
        self._transport.abort()

    @property
    def _kept_waiting(self) -> bool:
        return self._full or self._mode is Mode.BUSY

    def _pump(self) -> None:
        """Take in order what can be taken now."""
        while not self._transport.is_closing() and not self._kept_waiting and self._mode is not Mode.DEAF:
            try:
                read = self._reader.command if self._mode is Mode.COMMAND else self._reader.line
                taken = read()
            except reader.Overlong as long:
                self._too_long(long)
                continue
            if taken is None:
                break
            self._take(taken)
        if self._paused and not self._kept_waiting and not self._transport.is_closing():
            self._paused = False
            self._transport.resume_reading()

    def _too_long(self, long: reader.Overlong) -> None:
        tag = TAG.match(long.start)
        answer = severed("BAD", texts.TOO_LONG) if long.lost else no("[TOOBIG] The message is too large.")
        self._finish(tag[0].decode("ascii") if tag and self._mode is Mode.COMMAND else "*", answer)

    def _take(self, taken: bytes | reader.Wanted) -> None:
        raise NotImplementedError

    def _refused(self, answer: Answer, diagnostics: str = "") -> Answer:
        raise NotImplementedError

    # How it goes.

    def _perform(
        self,
        tag: str,
        step: str,
        act: Act,
        kinds: frozenset[str] = mishaps.COMMAND,
        mailbox: str = "",
        expires: float = 0.0,
    ) -> None:
        """Do what was asked, as the weather lets it."""
        fault = self._strike(step, kinds, mailbox=mailbox, expires=expires)
        if fault is None or fault.kind == "stale":
            self._finish(tag, self._answered(act, fault))
        elif fault.kind == "delay":
            self._mode = Mode.BUSY
            self._wait = self._loop.call_later(fault.number("seconds", 0), self._late, tag, act)
        elif fault.kind in mishaps.CUTS:
            self._break(fault, tag, act)
        elif fault.kind in mishaps.NOISE:
            self._write(mishaps.noise(fault))
        elif fault.kind == "bearer_401":
            self._finish(tag, self._refused(mishaps.refusal(fault), mishaps.diagnostics(fault)))
        else:
            self._finish(tag, mishaps.refusal(fault, greeting=tag == "*"))

    def _late(self, tag: str, act: Act) -> None:
        self._wait = None
        self._mode = Mode.COMMAND
        self._finish(tag, self._answered(act, None))
        self._pump()
        if not self._transport.is_closing():
            self._arm()

    def _break(self, fault: Fault, tag: str, act: Act) -> None:
        """Send the part of the answer that may leave, then fall silent, reset or leave."""
        if mishaps.needs_answer(fault):
            self._write(mishaps.part(fault, self._answered(act, None).written(tag)))
        after = {"stall": self._fall_silent, "reset": self._reset, "close": self._leave_early}
        after[fault.kind]()

    def _answered(self, act: Act, fault: Fault | None) -> Answer:
        try:
            return act(mishaps.until(fault, self._entrance.premises.tenant.clocks.now()))
        except BadSyntax:
            return bad(texts.ARGUMENT_ERROR)
        except Exception:
            LOG.exception("an IMAP command could not be answered")
            return bad(texts.UNAVAILABLE)

    def _finish(self, tag: str, answer: Answer) -> None:
        self._write(answer.written(tag))
        if answer.bye:
            self._stop()
            self._transport.close()
        elif answer.after is not None:
            answer.after()

    def _write(self, data: bytes) -> None:
        if data and not self._transport.is_closing():
            self._spoken = self._now()
            self._transport.write(data)

    def _fall_silent(self) -> None:
        self._stop()
        self._mode = Mode.DEAF
        self._reader.clear()

    def _leave_early(self) -> None:
        self._stop()
        self._transport.close()

    def _reset(self) -> None:
        self._stop()
        reset(self._transport)

    def _stop(self) -> None:
        """Drop what is under way: a late answer, a hold."""
        if self._wait is not None:
            self._wait.cancel()
        if self._hold is not None:
            self._hold.stop()
        self._wait = self._hold = None

    def _strike(
        self, step: str, kinds: frozenset[str], *, mailbox: str = "", expires: float = 0.0, push: bool = False
    ) -> Fault | None:
        connection = self._connection
        connection.requests += 1
        connection.attempt.requests += 1
        occasion = Occasion(
            self._host,
            connection.attempt,
            "imap",
            self._host.client or "imap4",
            frozenset({_called(step, self._host.client)} - {""}),
            mailbox or connection.mailbox,
            self._number,
            push,
            expires or self._session.expires,
            kinds,
        )
        return self._entrance.weather.strike(occasion, Level.REQUEST)

    def _greeting(self) -> Answer:
        site = self._site
        if site is None or site.environment != ONLINE:
            return Answer("OK", texts.READY)
        name = f"{site.front_end(self._number)}.{site.forest}.PROD.OUTLOOK.COM".upper()
        return Answer("OK", f"{texts.READY} [{base64.b64encode(name.encode('utf-16-le')).decode('ascii')}]")

    @property
    def _site(self) -> Site | None:
        return self._entrance.premises.tenant.sites.get(self._host.site)

    def _now(self) -> float:
        return self._entrance.premises.tenant.clocks.monotonic()

    def _token_left(self) -> float | None:
        """Return how long the token lives still, in seconds; `None` without one."""
        expires = self._session.expires
        return expires - self._entrance.premises.tenant.clocks.wall() if expires else None

    def _arm(self) -> None:
        """Set the timer to whatever is due first."""
        if self._timer is not None:
            self._timer.cancel()
        now, limits = self._now(), self._entrance.limits
        due = [self._active + self._patience - now]
        left = self._token_left()
        due += [left] if left is not None and self._mode is not Mode.DEAF else []
        due += [self._spoken + limits.keep_alive - now] if self._hold and limits.keep_alive else []
        self._timer = self._loop.call_later(max(min(due), SOONEST), self._look)

    @property
    def _patience(self) -> float:
        limits = self._entrance.limits
        return limits.authenticated if self._session.authenticated else limits.unauthenticated

    def _look(self) -> None:
        """Do what is due, and wait on; a late answer comes first, and sets the timer anew."""
        if self._mode is Mode.BUSY:
            return
        now, left = self._now(), self._token_left()
        quiet = now >= self._active + self._patience
        if self._mode is Mode.DEAF and quiet:
            self._transport.abort()
        elif self._mode is not Mode.DEAF:
            self._speak_up(now, quiet=quiet, expired=left is not None and left <= 0)
        if not self._transport.is_closing():
            self._arm()

    def _speak_up(self, now: float, *, quiet: bool, expired: bool) -> None:
        every = self._entrance.limits.keep_alive
        if expired:
            self._expire()
        elif quiet:
            self._finish("*", Answer("", "", bye=texts.INACTIVE))
        elif self._hold is not None and every and now >= self._spoken + every:
            self._write(f"* OK {texts.STILL_IDLE}\r\n".encode())

    def _expire(self) -> None:
        """End with the token: with a word, unless the weather has it otherwise for one who waits."""
        fault = self._strike("idle_hold", mishaps.AT_EXPIRY, push=True) if self._hold is not None else None
        kind = fault.kind if fault else ""
        if kind == "reset":
            self._reset()
        elif kind == "push_drop":
            self._stop()
            self._transport.close()
        else:
            self._finish("*", mishaps.refusal(fault) if fault else Answer("", "", bye=texts.TOKEN_EXPIRED))


def _called(step: str, client: str) -> str:
    """Return the name of a step: whoever comes from another client's host comes to be told of news."""
    return step if client in ("", "imap4") else "notify_wait"
