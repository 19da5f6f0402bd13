"""One token per credential and scope: asked for early, once for all who wait, and kept when asking fails.

Rule of this file: the asking is a task of its own, so that whoever stops waiting takes nothing from the others.
"""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Protocol

from prober.exchange import Call, Reply, Session
from prober.faults import taxonomy as kinds
from prober.faults.classify import classify
from prober.faults.taxonomy import Fault, FaultError, Reason
from prober.identity.refusals import Refusals
from prober.protocols.oauth import aadsts
from prober.protocols.oauth.token import Granted
from prober.timeline import Clock, Timeline
from prober.transaction import Token
from prober.vocabulary import Phase

EARLY = 300.0
SHORTEST_SHARE = 0.5
ASKING_LIMIT = 30.0
"""Seconds one question may take: with the pause that counts from its beginning, the shortest usual interval."""
CLOCK_TOLERANCE = 300.0
AFTER_FAILED_REFRESH = 30.0
PATIENCE_WITH_RENEWAL = 1.0
"""Seconds an attempt waits for an early renewal while the old token is still good."""


class Question(Protocol):
    """A token request made ready, and the mark of the secret it carries."""

    @property
    def mark(self) -> str:
        """A hash of the secret: changes when the secret does."""

    def call(self) -> Call:
        """Return the request."""

    def read(self, reply: Reply) -> Granted:
        """Return what was granted. Raises `FaultError`."""

    async def granted(self, granted: Granted) -> None:
        """Take note of success (a rotated refresh token)."""


class TokenObserver(Protocol):
    """Who hears how the token service fares."""

    def requested(self, credential: str) -> None:
        """A token was asked for."""

    def failed(self, credential: str, reason: Reason) -> None:
        """None was issued."""

    def issued(self, credential: str, expires_at: float) -> None:
        """One was issued; `expires_at` in epoch seconds."""


def mark(*secrets: str) -> str:
    """Return a hash by which a secret is known again, but not known."""
    return hashlib.sha256("\0".join(secrets).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Held:
    """A token in hand; times on the monotonic clock."""

    granted: Granted
    since: float

    def expires(self) -> float:
        return self.since + self.granted.expires_in

    def due(self) -> float:
        """When to ask for the next: five minutes early, or at half time of a short life."""
        return self.expires() - min(EARLY, self.granted.expires_in * SHORTEST_SHARE)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one asking came to."""

    held: _Held | None
    fault: Fault | None
    spent: Mapping[Phase, float]


class TokenCache:
    """The token of one credential and `scope`.

    `refusals` are shared by all caches of a credential; so is `turn`, where two questions at once would harm each
    other: a refresh token that both replace, a password that both would show.
    """

    def __init__(
        self,
        credential: str,
        ask: Callable[[], Awaitable[Question]],
        open_session: Callable[[Timeline], Session],
        observer: TokenObserver,
        *,
        scope: str = "",
        refusals: Refusals | None = None,
        turn: asyncio.Lock | None = None,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        self._credential = credential
        self._ask = ask
        self._open = open_session
        self._observer = observer
        self._clock = clock
        self._wall = wall
        self._held: _Held | None = None
        self._scope = scope
        self._refusals = refusals or Refusals(credential, clock=clock)
        self._turn = turn or asyncio.Lock()
        self._asking: asyncio.Task[_Asked] | None = None
        self._timeline = Timeline(clock)
        self._quiet_until = 0.0

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        """Return a token. Raises `FaultError`. See `transaction.Identity.token`."""
        held, now = self._held, self._clock()
        usable = held is not None and now < held.expires()
        if held is not None and usable and not fresh and (now < held.due() or now < self._quiet_until):
            return self._given(held, cached=True)
        asked = await (self._early(timeline) if usable and not fresh else self._wait(timeline))
        if asked.held is not None:
            return self._given(asked.held, cached=False)
        if held is not None and usable and not fresh:
            self._quiet_until = now + AFTER_FAILED_REFRESH
            return self._given(held, cached=True)
        fault = asked.fault or Fault(kinds.PROBER_BUG)
        raise FaultError(fault.kind, fault.evidence, phase=fault.phase, retry_after=fault.retry_after)

    async def close(self) -> None:
        """Stop asking."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.wait([self._asking])

    def _given(self, held: _Held, *, cached: bool) -> Token:
        return Token(held.granted.access_token, held.granted.expires_in, self._clock() - held.since, cached)

    async def _wait(self, timeline: Timeline) -> _Asked:
        """Join the asking under way, or begin one; its phases become those of the waiter."""
        if self._asking is None or self._asking.done():
            self._timeline = Timeline(self._clock)
            self._asking = asyncio.create_task(self._once(self._timeline), name=f"token {self._credential}")
        running = self._timeline
        try:
            asked = await asyncio.shield(self._asking)
        except asyncio.CancelledError:
            timeline.interrupted = running.current
            timeline.adopt(running.spent)
            if self._asking.cancelled():
                raise FaultError(kinds.PROBER_CANCELLED) from None
            raise
        timeline.adopt(asked.spent)
        return asked

    async def _early(self, timeline: Timeline) -> _Asked:
        """Wait a little for an early renewal: a slow token service is no reason to fail while the old token is good."""
        trial = Timeline(self._clock)
        try:
            async with asyncio.timeout(PATIENCE_WITH_RENEWAL):
                asked = await self._wait(trial)
        except TimeoutError:
            return _Asked(None, None, MappingProxyType({}))
        if asked.held is not None:
            timeline.adopt(trial.spent)
        return asked

    async def _once(self, timeline: Timeline) -> _Asked:
        """Ask once, in turn, and remember what came of it. Never raises."""
        async with self._turn:
            try:
                question = await self._ask()
            except FaultError as exc:
                return self._told(exc.fault, timeline)
            remembered = self._refusals.remembered(self._scope, question.mark)
            if remembered is not None:
                return _Asked(None, remembered, MappingProxyType({}))
            since = self._clock()
            try:
                async with asyncio.timeout(ASKING_LIMIT):
                    return await self._answered(question, timeline)
            except FaultError as exc:
                fault = exc.fault.during(timeline.interrupted)
            except TimeoutError as exc:
                fault = classify(exc, timeline.interrupted)
            self._refusals.refused(self._scope, fault, question.mark, since)
            return self._told(fault, timeline)

    def _told(self, fault: Fault, timeline: Timeline) -> _Asked:
        self._observer.failed(self._credential, fault.reason)
        return _Asked(None, fault, MappingProxyType(timeline.spent))

    async def _answered(self, question: Question, timeline: Timeline) -> _Asked:
        self._observer.requested(self._credential)
        session = self._open(timeline)
        try:
            reply = await session.exchange(question.call())
            granted = self._read(question, reply)
        finally:
            await session.close()
        await question.granted(granted)
        self._held = _Held(granted, self._clock())
        self._refusals.granted(self._scope)
        self._observer.issued(self._credential, self._wall() + granted.expires_in)
        return _Asked(self._held, None, MappingProxyType(timeline.spent))

    def _read(self, question: Question, reply: Reply) -> Granted:
        """Return what was granted; look at our own clock before blaming anyone. Raises `FaultError`."""
        try:
            return question.read(reply)
        except FaultError as exc:
            code = int(exc.fault.evidence.get("aadsts", "0"))
            if code in aadsts.CLOCK_SENSITIVE and self._clock_wrong(reply):
                raise FaultError(kinds.CLOCK_WRONG, exc.fault.evidence) from None
            raise

    def _clock_wrong(self, reply: Reply) -> bool:
        try:
            there = parsedate_to_datetime(reply.headers.get("date")).timestamp()
        except (ValueError, TypeError):
            return False
        return abs(there - self._wall()) > CLOCK_TOLERANCE
