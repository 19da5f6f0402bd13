"""MAPI over HTTP: request types, contexts kept in cookies, and answers that dribble while a server works.

Rule of this file: whatever is wrong is told by `X-ResponseCode` in a 200, as MS-OXCMAPIHTTP section 2.2.3.3.3 has it.
"""

import asyncio
import secrets
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from email.utils import formatdate
from types import MappingProxyType

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Broken, Fields, Reply, Request
from prober.simulator.mailbox import Mailbox
from prober.simulator.mapi import bodies, rops
from prober.simulator.service import Errand, Premises
from prober.simulator.tenant import Site
from prober.simulator.tokens import EXCHANGE_NAMES, Admission, Refusal, challenge

TYPE = "application/mapi-http"
MAILBOX, ADDRESS_BOOK = "/mapi/emsmdb", "/mapi/nspi"
BAD_PATH, UNKNOWN_TYPE, MISSING_HEADER, NO_CONTEXT, NO_RIGHT, BODY_INVALID, NO_COOKIE = 3, 5, 7, 10, 11, 12, 13
ACCESS_DENIED, UNKNOWN_USER = 0x80070005, 0x3EB
PENDING_PERIOD, EXPIRY = 15_000, 900_000
"""Milliseconds between signs of life, and until a context is forgotten."""
WAIT = 300.0
"""Seconds that NotificationWait is held where nothing happens."""
CONTEXTS = 10_000
APPLICATION = "Exchange/15.20.9200.010"
STEPS: Mapping[str, str] = MappingProxyType(
    {
        "PING": "ping",
        "Connect": "connect",
        "Execute": "execute_logon",
        "NotificationWait": "notification_wait",
        "Disconnect": "disconnect",
    }
)
KINDS = frozenset({"mapi_code"})
PUSH = frozenset({"push_drop", "push_silent"})


@dataclass(slots=True)
class Context:
    """One session: whose mailbox it is, and when it was last used, in seconds of the tenant's clock."""

    mailbox: Mailbox
    owner: str
    used: float


class Code(Exception):  # noqa: N818 - what the server answers
    """A request ends with this `X-ResponseCode`."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Mapi:
    """The service, mailbox and address book."""

    name = "mapi"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._tenant = premises.tenant
        self._contexts: dict[str, Context] = {}

    def errand(self, request: Request) -> Errand:
        """Say which step of Outlook this is."""
        kind = request.header("x-requesttype")
        admitted = self._admitted(request)
        if isinstance(admitted, Refusal):
            step = "nspi_challenge" if _path(request) == ADDRESS_BOOK else "oauth_challenge"
            return Errand(frozenset({step}), token_expires=admitted.expires)
        context = self._contexts.get(request.cookies.get("MapiContext", ""))
        address = context.mailbox.address if context else admitted.user or self._asked_for(request)
        push = kind == "NotificationWait"
        steps = frozenset({STEPS[kind]}) if kind in STEPS else frozenset[str]()
        return Errand(steps, address, push, KINDS | (PUSH if push else frozenset()), admitted.expires)

    async def answer(self, request: Request, fault: Fault | None) -> Reply | Broken:
        """Answer one request."""
        admitted = self._admitted(request)
        if isinstance(admitted, Refusal):
            return self._challenged(request, admitted)
        if request.method != "POST":
            return Reply(405, (("Allow", "POST"),))
        try:
            _act_out(fault)
            return await self._answered(request, admitted, fault)
        except bodies.BodyInvalid:
            return _refused(request, BODY_INVALID)
        except Code as refused:
            return _refused(request, refused.code)

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse with the time to wait."""
        return Reply(status or 503, (("Retry-After", str(round(retry_after))),))

    async def _answered(self, request: Request, admitted: Admission, fault: Fault | None) -> Reply | Broken:
        kind, place = request.header("x-requesttype"), _path(request)
        if not kind or not request.header("x-requestid"):
            raise Code(MISSING_HEADER)
        if kind == "PING":
            return Reply(200, (*_head(request), ("X-ResponseCode", "0")))
        if place == ADDRESS_BOOK:
            return self._address_book(request, kind)
        if place != MAILBOX:
            raise Code(BAD_PATH)
        if kind == "Connect":
            return self._connect(request, admitted)
        context = self._context(request, admitted)
        known: Mapping[str, Callable[[Request, Context], Reply]] = {
            "Execute": self._execute,
            "Disconnect": self._disconnect,
        }
        if kind in known:
            return known[kind](request, context)
        if kind != "NotificationWait":
            raise Code(UNKNOWN_TYPE)
        bodies.read_notification_wait(request.body)
        if fault is not None and fault.kind == "push_drop":
            await self._tenant.clocks.sleep(fault.number("after", 1))
            return Broken(Reply(), "nothing", "close")
        return Reply(200, _head(request), self._held(context, silent=fault is not None))

    def _connect(self, request: Request, admitted: Admission) -> Reply:
        asked = bodies.read_connect(request.body)
        mailbox = self._by_dn(asked.user_dn)
        if mailbox is None:
            return self._told(request, bodies.connected(UNKNOWN_USER if asked.user_dn else ACCESS_DENIED))
        if not self._premises.doorkeeper.may_open(admitted, mailbox):
            return self._told(request, bodies.connected(ACCESS_DENIED))
        name = secrets.token_urlsafe(24)
        if len(self._contexts) >= CONTEXTS:
            del self._contexts[next(iter(self._contexts))]
        self._contexts[name] = Context(mailbox, _owner(admitted), self._tenant.clocks.monotonic())
        prefix = mailbox.legacy_dn.partition("/cn=Recipients")[0]
        return self._told(request, bodies.connected(0, prefix, mailbox.display_name), _cookies(name))

    def _execute(self, request: Request, context: Context) -> Reply:
        here = request.connection.host.site
        home = context.mailbox.site
        elsewhere = self._tenant.sites[home].back_end(context.mailbox) if here and here != home else ""
        buffer = bodies.read_execute(request.body)
        answer = rops.answer(buffer, context.mailbox, self._tenant.clocks.now(), elsewhere=elsewhere)
        return self._told(request, bodies.executed(answer))

    def _disconnect(self, request: Request, context: Context) -> Reply:
        bodies.read_auxiliary(request.body)
        self._contexts.pop(request.cookies.get("MapiContext", ""), None)
        return self._told(request, bodies.done())

    def _address_book(self, request: Request, kind: str) -> Reply:
        if kind == "Bind":
            return self._told(
                request, bodies.bound(uuid.UUID(self._tenant.id).bytes_le), _cookies(secrets.token_urlsafe(24))
            )
        if kind == "Unbind":
            bodies.read_auxiliary(request.body)
            return self._told(request, bodies.done(1))
        raise Code(UNKNOWN_TYPE)

    async def _held(self, context: Context, *, silent: bool) -> AsyncIterator[bytes]:
        """Give a sign of life every pending period until something happens, then the answer."""
        yield b"PROCESSING\r\n"
        happened = False
        with context.mailbox.watching() as news:
            for _ in range(int(WAIT * 1000 // PENDING_PERIOD)):
                try:
                    async with asyncio.timeout(PENDING_PERIOD / 1000):
                        await news.wait()
                    happened = not silent
                except TimeoutError:
                    pass
                if happened:
                    break
                yield b"PENDING\r\n"
        yield _done(bodies.notified(pending=happened), self._tenant.clocks.wall())

    def _context(self, request: Request, admitted: Admission) -> Context:
        """Return the session a request belongs to. Raises `Code`."""
        name = request.cookies.get("MapiContext", "")
        if not name:
            raise Code(NO_COOKIE)
        context = self._contexts.get(name)
        now = self._tenant.clocks.monotonic()
        if context is None or now - context.used > EXPIRY / 1000:
            self._contexts.pop(name, None)
            raise Code(NO_CONTEXT)
        if context.owner != _owner(admitted):
            raise Code(NO_RIGHT)
        context.used = now
        return context

    def _told(self, request: Request, body: bytes, cookies: Fields = ()) -> Reply:
        return _told(request, body, self._tenant.clocks.wall(), cookies)

    def _asked_for(self, request: Request) -> str:
        """Return the mailbox that a Connect request, or the URL, names."""
        guid = request.query.get("MailboxId", "").partition("@")[0].lower()
        found = next((one for one in self._tenant.mailboxes.values() if one.guid == guid), None)
        if found is None and request.header("x-requesttype") == "Connect":
            found = self._by_dn(request.body.partition(b"\0")[0].decode("ascii", "replace"))
        return found.address if found else ""

    def _by_dn(self, dn: str) -> Mailbox | None:
        return next((one for one in self._tenant.mailboxes.values() if one.legacy_dn.lower() == dn.lower()), None)

    def _admitted(self, request: Request) -> Admission | Refusal:
        return self._premises.doorkeeper.admit(request.header("authorization"), EXCHANGE_NAMES, self._site(request))

    def _challenged(self, request: Request, refused: Refusal) -> Reply:
        bearer = request.header("authorization").lower().startswith("bearer")
        fields = challenge(self._tenant, self._premises.login, self._site(request), bearer=bearer, fault=refused)
        return Reply(401, tuple(fields))

    def _site(self, request: Request) -> Site | None:
        return self._tenant.sites.get(request.connection.host.site)


def _act_out(fault: Fault | None) -> None:
    if fault is not None and fault.kind == "mapi_code":
        raise Code(int(fault.number("code", 1)))


def _path(request: Request) -> str:
    return request.path.lower().rstrip("/")


def _owner(admitted: Admission) -> str:
    return admitted.user.lower() or admitted.client_id


def _head(request: Request) -> Fields:
    """Return what every answer repeats and tells (sections 2.2.3.3.1 to 2.2.3.3.7)."""
    info = request.header("x-clientinfo")
    return (
        ("Content-Type", TYPE),
        ("X-RequestType", request.header("x-requesttype")),
        ("X-RequestId", request.header("x-requestid")),
        *((("X-ClientInfo", info),) if info else ()),
        ("X-PendingPeriod", str(PENDING_PERIOD)),
        ("X-ExpirationInfo", str(EXPIRY)),
        ("X-ServerApplication", APPLICATION),
    )


def _cookies(name: str) -> Fields:
    return (
        ("Set-Cookie", f"MapiContext={name}; path=/mapi; secure; httponly"),
        ("Set-Cookie", f"MapiSequence={secrets.token_urlsafe(6)}; path=/mapi; secure; httponly"),
    )


def _told(request: Request, body: bytes, now: float, cookies: Fields = ()) -> Reply:
    return Reply(200, (*_head(request), *cookies, ("X-ResponseCode", "0")), b"PROCESSING\r\n" + _done(body, now))


def _done(body: bytes, wall: float) -> bytes:
    """Return the end of an answer: its own headers, a blank line, the bytes (section 2.2.2.2)."""
    started = formatdate(wall, usegmt=True)
    return f"DONE\r\nX-ElapsedTime: 1\r\nX-StartTime: {started}\r\nX-ResponseCode: 0\r\n\r\n".encode() + body


def _refused(request: Request, code: int) -> Reply:
    fields = [field for field in _head(request) if field[0] != "Content-Type"]
    page = f"<html><body>The request failed with code {code}.</body></html>".encode()
    return Reply(200, (("Content-Type", "text/html"), *fields, ("X-ResponseCode", str(code))), page)
