"""Session contexts: what two cookies stand for (MS-OXCMAPIHTTP sections 2.2.3.2.1 and 3.2.1).

Rule of this file: a context is one user's on one front end's site; every command that changes it moves its sequence on,
and who comes with an older one has lost its place.
"""

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from prober.simulator.http.message import Fields
from prober.simulator.mailbox import Mailbox
from prober.simulator.mapi.codes import (
    CONTEXT_NOT_FOUND,
    INVALID_CONTEXT_COOKIE,
    INVALID_SEQUENCE,
    MISSING_COOKIE,
    NO_PRIVILEGE,
    Refused,
)

CONTEXT, SEQUENCE = "MapiContext", "MapiSequence"
SHAPE = re.compile(r"[A-Za-z0-9_-]{32}")
EXPIRY = 900_000
"""Milliseconds without a request after which a context is forgotten."""
KEPT = 10_000


@dataclass(slots=True, eq=False)
class Context:
    """One session. `used` is on the tenant's clock, in seconds; `told` the last change its client has heard of.

    `waiting`: how many requests hold it open at the moment. `mailbox` is `None` for the address book's. `subscription`:
    the handle under which its client wants to hear of events, 0 for none.
    """

    name: str
    owner: str
    endpoint: str
    used: float
    mailbox: Mailbox | None = None
    sequence: int = 1
    told: int = 0
    waiting: int = 0
    subscription: int = 0
    key: str = ""

    @property
    def cookies(self) -> Fields:
        """What the client is to send from now on."""
        place = f"path=/mapi/{self.endpoint}; secure; HttpOnly"
        return (
            ("Set-Cookie", f"{CONTEXT}={self.name}; {place}"),
            ("Set-Cookie", f"{SEQUENCE}={self.mark}; {place}"),
        )

    @property
    def mark(self) -> str:
        """The sequence cookie's value."""
        return f"{self.sequence}-{self.key}"


class Contexts:
    """All sessions. `clock` in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: dict[str, Context] = {}

    def open(self, owner: str, endpoint: str, mailbox: Mailbox | None = None, *, instead: str = "") -> Context:
        """Begin a session; one of the same client's before it, named by its cookie, ends."""
        known = self._kept.get(instead)
        if known is not None and (known.owner, known.endpoint) == (owner, endpoint):
            self.close(known)
        if len(self._kept) >= KEPT:
            del self._kept[next(iter(self._kept))]
        told = mailbox.sequence if mailbox is not None else 0
        made = Context(secrets.token_urlsafe(24), owner, endpoint, self._clock(), mailbox, told=told)
        made.key = secrets.token_urlsafe(6)
        self._kept[made.name] = made
        return made

    def peek(self, cookies: Mapping[str, str]) -> Context | None:
        """Return the session that cookies name, if there is one, and touch nothing."""
        return self._kept.get(cookies.get(CONTEXT, ""))

    def find(self, cookies: Mapping[str, str], owner: str, endpoint: str) -> Context:
        """Return the session a request belongs to. Raises `Refused`."""
        name = cookies.get(CONTEXT, "")
        if not name:
            raise Refused(MISSING_COOKIE)
        if SHAPE.fullmatch(name) is None:
            raise Refused(INVALID_CONTEXT_COOKIE)
        found = self._kept.get(name)
        if found is not None and not found.waiting and self._clock() - found.used > EXPIRY / 1000:
            del self._kept[name]
            found = None
        if found is None or found.endpoint != endpoint:
            raise Refused(CONTEXT_NOT_FOUND)
        if found.owner != owner:
            raise Refused(NO_PRIVILEGE)
        found.used = self._clock()
        return found

    def in_turn(self, context: Context, cookies: Mapping[str, str]) -> None:
        """Let pass a command that comes in its turn. Raises `Refused`."""
        mark = cookies.get(SEQUENCE, "")
        if not mark:
            raise Refused(MISSING_COOKIE)
        if mark != context.mark:
            raise Refused(INVALID_SEQUENCE)

    def advance(self, context: Context) -> Fields:
        """Move the sequence on after a command; return the cookies of the next one."""
        context.sequence += 1
        return context.cookies

    def touch(self, context: Context) -> None:
        """Note that a context is in use."""
        context.used = self._clock()

    def close(self, context: Context) -> None:
        """End a session."""
        self._kept.pop(context.name, None)
