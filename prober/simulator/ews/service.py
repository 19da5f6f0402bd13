"""The service at `/EWS/Exchange.asmx`: who asks, for whose mailbox, and which operation answers."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from math import ceil
from types import MappingProxyType

from prober.simulator.ews import availability, directory, folders, items, search, soap, streaming, sync, zones
from prober.simulator.ews.session import Operation, Session
from prober.simulator.ews.soap import BUSY, SCHEMA, Call, Malformed, Refused
from prober.simulator.faults.fault import Fault
from prober.simulator.http.markup import Element, el
from prober.simulator.http.message import Fields, Reply, Request, html_reply, xml_reply
from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Errand, Premises
from prober.simulator.tenant import Site
from prober.simulator.tokens import EXCHANGE_NAMES, Admission, Refusal, challenge

PATH = "/ews/exchange.asmx"
AS_APPLICATION = "full_access_as_app"
TYPE = ("Content-Type", "text/xml; charset=utf-8")
AFFINITY = "X-BackEndOverrideCookie"
OPERATIONS: Mapping[str, Operation] = MappingProxyType(
    {
        "GetFolder": folders.get_folder,
        "FindFolder": folders.find_folder,
        "SyncFolderHierarchy": folders.sync_hierarchy,
        "SyncFolderItems": sync.sync_items,
        "FindItem": search.find_item,
        "GetItem": items.get_item,
        "CreateItem": items.create_item,
        "UpdateItem": items.update_item,
        "DeleteItem": items.delete_item,
        "GetUserAvailability": availability.user_availability,
        "GetUserOofSettings": availability.user_oof_settings,
        "GetServerTimeZones": zones.server_time_zones,
        "ResolveNames": directory.resolve_names,
        "ConvertId": directory.convert_id,
    }
)
STREAM = "GetStreamingEvents"
STEPS: Mapping[str, str] = MappingProxyType(
    {
        "GetFolder": "get_folder",
        "SyncFolderHierarchy": "sync_hierarchy",
        "SyncFolderItems": "sync_items",
        "GetItem": "get_item",
        "GetUserAvailability": "free_busy",
        "GetUserOofSettings": "out_of_office",
        "Subscribe": "subscribe_streaming",
        STREAM: "stream_wait",
        "Unsubscribe": "unsubscribe",
    }
)
ANY_ANSWER = frozenset({"soap_code", "stale"})
PUSH = frozenset({"soap_code", "push_drop", "push_silent"})


class Ews:
    """The service. `subscriptions` are those of all mailboxes."""

    name = "ews"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._tenant = premises.tenant
        self.subscriptions = streaming.Subscriptions(premises.tenant.clocks)

    def errand(self, request: Request) -> Errand:
        """Say which step of a client this is: a question who lets in, or one operation."""
        if request.path.lower() != PATH:
            return Errand()
        admitted = self._admitted(request)
        call = soap.read(request.body) if request.method == "POST" else None
        who = (call.acting_for if call else "") or getattr(admitted, "user", "")
        who = who or request.header("x-anchormailbox") or request.header("x-user-identity")
        if not request.header("authorization").partition(" ")[2].strip():
            return Errand(frozenset({"oauth_challenge"}), who)
        waits = call is not None and call.operation == STREAM
        return Errand(_steps(call), who, waits, PUSH if waits else ANY_ANSWER, admitted.expires, who)

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Answer one request."""
        if request.path.lower() != PATH:
            return html_reply("<h1>404 - Not found</h1>", 404)
        admitted = self._admitted(request)
        if isinstance(admitted, Refusal):
            return self._challenged(request, admitted)
        if request.method != "POST":
            return html_reply("<h1>Service</h1><p>You have created a service.</p>")
        call, site = soap.read(request.body), self._site(request)
        if call is None or call.operation not in (*OPERATIONS, "Subscribe", "Unsubscribe", STREAM):
            return soap.fault(SCHEMA, "The request failed schema validation.", site)
        if call.version not in soap.VERSIONS:
            return soap.fault("ErrorInvalidServerVersion", "The specified server version is invalid.", site)
        try:
            mailbox = self._opened(call, admitted, site)
        except Refused as refused:
            return soap.fault(refused.code, refused.text, site)
        return self._served(
            request, Session(self._tenant, mailbox, call.operation, call.element, self._until(fault)), fault
        )

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse as a whole, and say how long to stay away (Learn, "EWS throttling in Exchange")."""
        text = "The server cannot service this request right now. Try again later."
        reply = soap.fault(BUSY, text, self._site(request), back_off_ms=ceil(retry_after * 1000))
        waits = ("Retry-After", str(ceil(retry_after)))
        return Reply(status or reply.status, (*reply.headers, waits), reply.body)

    def _admitted(self, request: Request) -> Admission | Refusal:
        authorization = request.header("authorization")
        return self._premises.doorkeeper.admit(authorization, EXCHANGE_NAMES, self._site(request))

    def _site(self, request: Request) -> Site | None:
        return self._tenant.sites.get(request.connection.host.site)

    def _challenged(self, request: Request, refused: Refusal) -> Reply:
        bearer = request.header("authorization").lower().startswith("bearer")
        site = self._site(request)
        return Reply(401, tuple(challenge(self._tenant, self._premises.login, site, bearer=bearer, fault=refused)))

    def _opened(self, call: Call, admitted: Admission, site: Site | None) -> Mailbox:
        """Return the mailbox a request is about. Raises `Refused` where it may not be opened, or is not there."""
        if not admitted.user and not call.impersonates:
            text = "ExchangeImpersonation SOAP header must be present for this type of OAuth token."
            raise Refused("ErrorImpersonationRequired", text)
        if not admitted.user and AS_APPLICATION not in admitted.permissions:
            raise Refused("ErrorAccessDenied", "Access is denied. Check credentials and try again.")
        found = self._tenant.mailbox(call.acting_for if call.impersonates else admitted.user)
        if found is None or (site is not None and self._tenant.site_of(found).environment != site.environment):
            raise Refused("ErrorNonExistentMailbox", "The SMTP address has no mailbox associated with it.")
        if not self._premises.doorkeeper.may_open(admitted, found):
            text = "The account does not have permission to impersonate the requested user."
            raise Refused("ErrorImpersonateUserDenied", text)
        return found

    def _served(self, request: Request, session: Session, fault: Fault | None) -> Reply:
        site = self._site(request)
        try:
            if fault is not None and fault.kind == "soap_code":
                return self._reply(request, session, _struck(session.operation, fault))
            if session.operation == STREAM:
                stream = streaming.Stream(
                    session, self.subscriptions, lambda content: soap.document(content, site), fault
                )
                return Reply(200, (TYPE, *self._affinity(request, session)), stream.pieces())
            return self._reply(request, session, self._done(session))
        except Malformed as malformed:
            return soap.fault(SCHEMA, f"The request failed schema validation: {malformed}", site)
        except Refused as refused:
            return self._reply(request, session, _refused(session.operation, refused))

    def _done(self, session: Session) -> Element:
        if session.operation == "Subscribe":
            return streaming.subscribe(session, self.subscriptions)
        if session.operation == "Unsubscribe":
            return streaming.unsubscribe(session, self.subscriptions)
        return OPERATIONS[session.operation](session)

    def _reply(self, request: Request, session: Session, content: Element) -> Reply:
        body = soap.document(content, self._site(request))
        return xml_reply(body, headers=self._affinity(request, session))

    def _affinity(self, request: Request, session: Session) -> Fields:
        """Return the cookie that leads later requests to the same server (Learn, "maintain affinity")."""
        if request.header("x-preferserveraffinity").lower() != "true":
            return ()
        server = self._tenant.site_of(session.mailbox).back_end(session.mailbox)
        return (("Set-Cookie", f"{AFFINITY}={server}; path=/; secure; HttpOnly"),)

    def _until(self, fault: Fault | None) -> datetime | None:
        if fault is None or fault.kind != "stale":
            return None
        return self._tenant.clocks.now() - timedelta(minutes=fault.number("age_min", 60))


def _steps(call: Call | None) -> frozenset[str]:
    """Return which step of a client a request is: a search for something certain is that for the canary."""
    if call is None:
        return frozenset()
    if call.operation == "FindItem" and call.element.find(f"{soap.M}Restriction") is not None:
        return frozenset({"canary"})
    return frozenset({STEPS[call.operation]} if call.operation in STEPS else ())


def _struck(operation: str, fault: Fault) -> Element:
    refused = Refused(fault.text("code", BUSY), "The request was refused.")
    return _refused(operation, refused, int(fault.number("back_off_ms", 0)))


def _refused(operation: str, refused: Refused, back_off_ms: int = 0) -> Element:
    """Return an answer that is one error, in the form that the operation's answers have."""
    if operation == "GetUserAvailability":
        inner = el("m:FreeBusyResponse", soap.error("m:ResponseMessage", refused, back_off_ms))
        return el("m:GetUserAvailabilityResponse", el("m:FreeBusyResponseArray", inner))
    if operation == "GetUserOofSettings":
        return el("m:GetUserOofSettingsResponse", soap.error("m:ResponseMessage", refused, back_off_ms))
    return soap.response(operation, soap.failure(operation, refused, back_off_ms))
