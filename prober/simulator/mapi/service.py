"""MAPI over HTTP: who asks, which endpoint and which request it is, and the session it belongs to.

Rule of this file: whatever is wrong with a request is told by `X-ResponseCode` in a 200, as MS-OXCMAPIHTTP section
2.2.3.3.3 has it; what is wrong with the mailbox by a code within the body.
"""

import struct
import uuid
from collections.abc import Mapping
from math import ceil
from types import MappingProxyType

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Fields, Reply, Request
from prober.simulator.mailbox import Mailbox
from prober.simulator.mapi import bodies, extended, rops
from prober.simulator.mapi.bodies import BodyInvalid
from prober.simulator.mapi.codes import (
    INVALID_BODY,
    INVALID_HEADER,
    INVALID_PATH,
    INVALID_REQUEST_TYPE,
    INVALID_VERB,
    MISSING_HEADER,
    Refused,
)
from prober.simulator.mapi.contexts import CONTEXT, Context, Contexts
from prober.simulator.mapi.envelope import TYPE, head, refused, streamed, told
from prober.simulator.mapi.waiting import Wait
from prober.simulator.service import Errand, Premises
from prober.simulator.tenant import SERVER, Site
from prober.simulator.tokens import EXCHANGE_NAMES, Admission, Refusal, challenge

MAILBOX, ADDRESS_BOOK = "emsmdb", "nspi"
ACCESS_DENIED, UNKNOWN_USER, LOGIN_PERMISSION, CALL_FAILED = 0x80070005, 0x3EB, 0x3F2, 0x80040115
TOO_SMALL, NOT_SUPPORTED, UNBOUND = 0x47D, 0x80040102, 1
ADMINISTRATOR = 0x1
ORGANISATION = bytes.fromhex("0800 01 17 02000000")
"""AUX_EXORGINFO: size, version, type, and that public folders are found by Autodiscover (MS-OXCRPC 2.2.2.2.17)."""
STEPS: Mapping[str, str] = MappingProxyType(
    {
        "PING": "ping",
        "Connect": "connect",
        "Execute": "execute_logon",
        "NotificationWait": "notification_wait",
        "Disconnect": "disconnect",
    }
)
OF_ADDRESS_BOOK = frozenset(
    {
        *("CompareMIds", "DNToMId", "GetMatches", "GetPropList", "GetProps", "GetSpecialTable", "GetTemplateInfo"),
        *("ModLinkAtt", "ModProps", "QueryColumns", "QueryRows", "ResolveNames", "ResortRestriction", "SeekEntries"),
        *("UpdateStat", "GetMailboxUrl", "GetAddressBookUrl"),
    }
)
"""Requests of the address book that are known and not carried out (section 2.2.5)."""
KINDS = frozenset({"mapi_code"})
PUSH = frozenset({"push_drop", "push_silent"})


class Mapi:
    """The service: the mailbox endpoint and the address book's."""

    name = "mapi"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._tenant = premises.tenant
        self.contexts = Contexts(premises.tenant.clocks.monotonic)

    def errand(self, request: Request) -> Errand:
        """Say which step of Outlook this is."""
        kind, endpoint = request.header("x-requesttype"), _endpoint(request)
        admitted = self._admitted(request)
        if isinstance(admitted, Refusal):
            step = "nspi_challenge" if endpoint == ADDRESS_BOOK else "oauth_challenge"
            return Errand(frozenset({step}), self._asked_for(request), token_expires=admitted.expires)
        context = self.contexts.peek(request.cookies)
        known = context.mailbox.address if context is not None and context.mailbox is not None else ""
        push = kind == "NotificationWait" and endpoint == MAILBOX
        steps = frozenset({STEPS[kind]}) if kind in STEPS and endpoint == MAILBOX else frozenset[str]()
        address = known or self._asked_for(request) or admitted.user
        return Errand(steps, address, push, KINDS | (PUSH if push else frozenset()), admitted.expires)

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Answer one request."""
        admitted = self._admitted(request)
        if isinstance(admitted, Refusal):
            return self._challenged(request, admitted)
        try:
            return self._answered(request, admitted, fault)
        except BodyInvalid:
            return refused(request, self._site(request), INVALID_BODY)
        except Refused as refusal:
            return refused(request, self._site(request), refusal.code)

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse with the time to wait."""
        return Reply(status or 503, (("Retry-After", str(ceil(retry_after))),))

    def _answered(self, request: Request, admitted: Admission, fault: Fault | None) -> Reply:
        kind, endpoint = request.header("x-requesttype"), _endpoint(request)
        if fault is not None and fault.kind == "mapi_code":
            raise Refused(int(fault.number("code", 1)))
        if request.method != "POST":
            raise Refused(INVALID_VERB)
        if endpoint not in (MAILBOX, ADDRESS_BOOK):
            raise Refused(INVALID_PATH)
        if not kind or not request.header("x-requestid"):
            raise Refused(MISSING_HEADER)
        if request.header("content-type").partition(";")[0].strip().lower() != TYPE:
            raise Refused(INVALID_HEADER)
        if kind == "PING":
            return self._ping(request)
        if endpoint == ADDRESS_BOOK:
            return self._address_book(request, admitted, kind)
        return self._mailbox(request, admitted, kind, fault)

    def _ping(self, request: Request) -> Reply:
        """Return nothing, promptly; a context that is named is kept alive (section 2.2.6)."""
        context = self.contexts.peek(request.cookies)
        if context is not None:
            self.contexts.touch(context)
        return Reply(200, (("Content-Type", TYPE), *head(request, self._site(request))))

    def _mailbox(self, request: Request, admitted: Admission, kind: str, fault: Fault | None) -> Reply:
        if kind == "Connect":
            return self._connect(request, admitted)
        if kind not in STEPS:
            raise Refused(INVALID_REQUEST_TYPE)
        context = self.contexts.find(request.cookies, _owner(admitted), MAILBOX)
        if context.mailbox is None:
            raise LookupError("a context of the mailbox endpoint without a mailbox")
        if kind == "Execute":
            return self._execute(request, context, context.mailbox, admitted)
        if kind == "Disconnect":
            return self._disconnect(request, context)
        return self._wait(request, context, context.mailbox, fault)

    def _connect(self, request: Request, admitted: Admission) -> Reply:
        """Begin a session (section 2.2.4.1, MS-OXCRPC section 3.1.4.1)."""
        asked = bodies.read_connect(request.body)
        mailbox = self._by_dn(asked.user_dn)
        error = self._why_not(asked, mailbox, admitted)
        if error or mailbox is None:
            return self._told(request, bodies.not_connected(error))
        before = request.cookies.get(CONTEXT, "")
        context = self.contexts.open(_owner(admitted), MAILBOX, mailbox, instead=before)
        prefix = f"{mailbox.legacy_dn.partition('/cn=Recipients')[0]}/cn=Recipients/cn="
        body = bodies.connected(prefix, mailbox.display_name, extended.wrap(ORGANISATION))
        return self._told(request, body, context.cookies)

    def _why_not(self, asked: bodies.Connect, mailbox: Mailbox | None, admitted: Admission) -> int:
        """Return the error of a Connect that begins no session, 0 for one that does."""
        if not asked.user_dn:
            return ACCESS_DENIED
        if asked.flags & ADMINISTRATOR:
            return LOGIN_PERMISSION
        if mailbox is None:
            return UNKNOWN_USER
        if not self._premises.doorkeeper.may_open(admitted, mailbox):
            return ACCESS_DENIED
        return 0 if _readable(asked.auxiliary) else CALL_FAILED

    def _execute(self, request: Request, context: Context, mailbox: Mailbox, admitted: Admission) -> Reply:
        """Play operations (section 2.2.4.2); those that cannot be told apart fail as a whole."""
        asked = bodies.read_execute(request.body)
        self.contexts.in_turn(context, request.cookies)
        here = request.connection.host.site
        store = rops.Store(
            mailbox,
            self._by_dn,
            may=lambda one: self._premises.doorkeeper.may_open(admitted, one),
            home=lambda one: self._server_of(one) if here and one.site != here else "",
            now=self._tenant.clocks.now(),
            subscription=context.subscription,
            events=mailbox.sequence > context.told,
        )
        try:
            answer = rops.play(asked.rops, store)
            body = bodies.executed(answer) if len(answer) <= asked.longest else bodies.executed(b"", TOO_SMALL)
        except rops.FormatError:
            body = bodies.failed(rops.RPC_FORMAT)
        context.told, context.subscription = mailbox.sequence, store.subscription
        return self._told(request, body, self.contexts.advance(context))

    def _disconnect(self, request: Request, context: Context) -> Reply:
        bodies.read_auxiliary(request.body)
        self.contexts.in_turn(context, request.cookies)
        self.contexts.close(context)
        return self._told(request, bodies.done())

    def _wait(self, request: Request, context: Context, mailbox: Mailbox, fault: Fault | None) -> Reply:
        bodies.read_notification_wait(request.body)
        wait = Wait(self.contexts, context, mailbox, self._tenant.clocks)
        return streamed(head(request, self._site(request)), wait.pieces(fault))

    def _address_book(self, request: Request, admitted: Admission, kind: str) -> Reply:
        """Open and close the address book; nothing is looked up in it."""
        if kind == "Bind":
            bodies.read_bind(request.body)
            context = self.contexts.open(_owner(admitted), ADDRESS_BOOK, instead=request.cookies.get(CONTEXT, ""))
            return self._told(request, bodies.bound(uuid.UUID(self._tenant.id).bytes_le), context.cookies)
        if kind not in OF_ADDRESS_BOOK and kind != "Unbind":
            raise Refused(INVALID_REQUEST_TYPE)
        context = self.contexts.find(request.cookies, _owner(admitted), ADDRESS_BOOK)
        if kind != "Unbind":
            return self._told(request, bodies.failed(NOT_SUPPORTED))
        bodies.read_unbind(request.body)
        self.contexts.close(context)
        return self._told(request, bodies.done(UNBOUND))

    def _told(self, request: Request, body: bytes, cookies: Fields = ()) -> Reply:
        clocks = self._tenant.clocks
        return told((*head(request, self._site(request)), *cookies), body, clocks.wall(), clocks)

    def _server_of(self, mailbox: Mailbox) -> str:
        """Return the name in the directory of the server that has a mailbox (MS-OXCSTOR section 2.2.1.1.2)."""
        organisation = mailbox.legacy_dn.partition("/cn=Recipients")[0]
        domain = mailbox.address.partition("@")[2]
        return f"{organisation}/cn=Configuration/cn=Servers/cn={mailbox.guid}@{domain}"

    def _asked_for(self, request: Request) -> str:
        """Return the mailbox that a Connect request, or the URL, names."""
        found = None
        if request.header("x-requesttype") == "Connect":
            found = self._by_dn(request.body.partition(b"\0")[0].decode("latin-1"))
        guid = request.query.get("MailboxId", "").partition("@")[0].lower()
        if found is None and guid:
            found = next((one for one in self._tenant.mailboxes.values() if one.guid == guid), None)
        return found.address if found else ""

    def _by_dn(self, name: str) -> Mailbox | None:
        wanted = name.lower()
        return next((one for one in self._tenant.mailboxes.values() if one.legacy_dn.lower() == wanted), None)

    def _admitted(self, request: Request) -> Admission | Refusal:
        return self._premises.doorkeeper.admit(request.header("authorization"), EXCHANGE_NAMES, self._site(request))

    def _challenged(self, request: Request, refusal: Refusal) -> Reply:
        """Refuse who is not known; a server of one's own names Negotiate beside what it takes."""
        site = self._site(request)
        bearer = request.header("authorization").lower().startswith("bearer")
        fields = challenge(self._tenant, self._premises.login, site, bearer=bearer, fault=refusal)
        if site is not None and site.environment == SERVER:
            fields.append(("WWW-Authenticate", "Negotiate"))
        return Reply(401, tuple(fields))

    def _site(self, request: Request) -> Site | None:
        return self._tenant.sites.get(request.connection.host.site)


def _endpoint(request: Request) -> str:
    """Return the last word of the path, empty where it is none of this service's."""
    parts = request.path.strip("/").lower().split("/")
    return parts[1] if len(parts) == 2 and parts[0] == "mapi" else ""


def _owner(admitted: Admission) -> str:
    return admitted.user.lower() or admitted.client_id


def _readable(auxiliary: bytes) -> bool:
    """Whether an auxiliary buffer is one extended buffer of whole blocks, or none (MS-OXCRPC section 3.1.4.1.2)."""
    try:
        payload = extended.unwrap(auxiliary) if auxiliary else b""
    except BodyInvalid:
        return False
    while len(payload) >= 4:
        (size,) = struct.unpack_from("<H", payload)
        if not 4 <= size <= len(payload):
            return False
        payload = payload[size:]
    return not payload
