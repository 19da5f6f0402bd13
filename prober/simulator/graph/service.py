"""Graph over HTTP: who asks, whether they may, and where the path leads (Learn, "Use the Microsoft Graph API").

Rule of this file: every answer, a refusal included, carries the ids by which Graph's own people find a request.
"""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from types import MappingProxyType

from prober.simulator.faults.fault import Fault
from prober.simulator.graph.announcements import Announcements
from prober.simulator.graph.asking import Answer, Asking
from prober.simulator.graph.delta import Deltas
from prober.simulator.graph.directory import find_user, no_such_user
from prober.simulator.graph.errors import GraphError, access_denied, bad_request, no_segment
from prober.simulator.graph.odata import Query
from prober.simulator.graph.paths import split
from prober.simulator.graph.routes import CALENDAR, MAIL, Place, find, routes
from prober.simulator.graph.subscriptions import Subscriptions, subject_of
from prober.simulator.graph.tokens import SyncStates
from prober.simulator.http.message import Fields, Reply, Request, json_reply
from prober.simulator.mailbox import Mailbox
from prober.simulator.service import Errand, Premises
from prober.simulator.tenant import SERVER
from prober.simulator.tokens import GRAPH, GRAPH_NAMES, Admission, Refusal

VERSION = "v1.0"
CENTRES: Mapping[str, str] = MappingProxyType({"eu": "West Europe", "na": "East US", "apac": "Southeast Asia"})
PRIMING, FOLLOWING = frozenset({"mail_delta_prime"}), frozenset({"mail_delta_next", "held_connection"})
READING, LOOKING = frozenset({"read_newest"}), frozenset({"canary"})
OWN_KINDS = frozenset({"graph_error", "stale"})
UNREADABLE: Mapping[int, str] = MappingProxyType(
    {
        0: "Access token is empty.",
        2000001: "CompactToken parsing failed with error code: 80049217",
        2000002: "Lifetime validation failed, the token is expired.",
        2000003: "Access token validation failure. Invalid audience.",
    }
)
"""What Graph writes of a token that was refused, by the tenant's reason."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What marks one answer: the ids of the request, and when and where it was answered."""

    request_id: str
    client_request_id: str
    date: datetime
    diagnostic: str

    @property
    def fields(self) -> Fields:
        """The header fields."""
        return (
            ("request-id", self.request_id),
            ("client-request-id", self.client_request_id),
            ("x-ms-ags-diagnostic", self.diagnostic),
        )

    @property
    def inner(self) -> Mapping[str, str]:
        """The `innerError` object."""
        return {
            "date": self.date.strftime("%Y-%m-%dT%H:%M:%S"),
            "request-id": self.request_id,
            "client-request-id": self.client_request_id,
        }


class Graph:
    """The service. `announcements` is what service health says; `states` the delta tokens in use."""

    name = "graph"

    def __init__(self, premises: Premises) -> None:
        self._premises = premises
        self._tenant = premises.tenant
        self.announcements = Announcements()
        self.states = SyncStates()
        self.subscriptions = Subscriptions()
        self._routes = routes(Deltas(self.states), self.subscriptions, self.announcements)

    def errand(self, request: Request) -> Errand:
        """Say which step of a client this is."""
        admitted = self._admitted(request)
        place = find(self._routes, request.method, _below_version(request.path))
        asker = getattr(admitted, "client_id", "")
        if place is None:
            return Errand(kinds=OWN_KINDS, token_expires=admitted.expires, asker=asker)
        name = getattr(admitted, "user", "") if place.account == "me" else place.account
        user = find_user(self._tenant, name) if place.account else ""
        steps = self._steps(request, place)
        return Errand(steps, user, kinds=OWN_KINDS, token_expires=admitted.expires, asker=asker)

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Answer one request."""
        stamp = self._stamp(request)
        try:
            admitted = self._admitted(request)
            if isinstance(admitted, Refusal):
                raise self._unauthenticated(admitted)
            if fault is not None and fault.kind == "graph_error":
                raise _ordered(fault)
            answer = self._handled(request, admitted, self._until(fault))
        except GraphError as error:
            return json_reply(error.body(stamp.inner), error.status, (*stamp.fields, *error.headers))
        return _reply(answer, stamp)

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse as Outlook's part of Graph does (Learn, "Microsoft Graph service-specific throttling limits")."""
        stamp = self._stamp(request)
        error = GraphError("ApplicationThrottled", "Application is over its MailboxConcurrency limit.")
        fields = (*stamp.fields, ("Retry-After", str(ceil(retry_after))))
        return json_reply(error.body(stamp.inner), status or error.status, fields)

    def _steps(self, request: Request, place: Place) -> frozenset[str]:
        steps = place.route.steps
        query = Query.read(request.query, "")
        if steps >= READING and "contains" in query.text("filter"):
            return steps - READING | LOOKING
        if not steps >= PRIMING:
            return steps
        token = query.text("deltatoken") or query.text("skiptoken")
        return steps - PRIMING | FOLLOWING if token and self.states.peek(token) else steps

    def _handled(self, request: Request, admission: Admission, until: datetime | None) -> Answer:
        path = _below_version(request.path)
        place = find(self._routes, request.method, path)
        if place is None:
            raise no_segment(next(iter(split(path)[-1:]), ""))
        if place.route.method != request.method:
            raise GraphError("BadRequest", f"The HTTP method '{request.method}' is not allowed here.", status=405)
        user = self._user(place.account, admission, mailbox=place.route.mailbox)
        mailbox = self._opened(admission, user) if place.route.mailbox else None
        self._permitted(place, admission, user)
        root = f"https://{request.header('host') or request.connection.host.authority}/{VERSION}"
        url = f"{root}/{request.target.partition('?')[0].strip('/').partition('/')[2]}"
        query = Query.read(request.query, url)
        asking = Asking(
            request, self._premises, admission, query, root, place.parts, user, until, mailbox_or_none=mailbox
        )
        if place.route.method == "POST" and place.route.pattern == ("subscriptions",):
            self._may_subscribe(asking)
        return place.route.handler(asking)

    def _user(self, account: str, admission: Admission, *, mailbox: bool) -> str:
        """Return the principal name of the account a path names. Raises `GraphError`."""
        if not account:
            return ""
        if account == "me" and not admission.user:
            raise bad_request("/me request is only valid with delegated authentication flow.")
        user = find_user(self._tenant, admission.user if account == "me" else account)
        if not user:
            raise no_such_user(account, mailbox=mailbox)
        return user

    def _opened(self, admission: Admission, user: str) -> Mailbox:
        """Return an account's mailbox, where it has one in the cloud and the caller may open it."""
        mailbox = self._tenant.mailbox(user)
        if mailbox is None or self._tenant.site_of(mailbox).environment == SERVER:
            raise GraphError(
                "MailboxNotEnabledForRESTAPI",
                "The mailbox is either inactive, soft-deleted, or is hosted on-premise.",
            )
        if not self._premises.doorkeeper.may_open(admission, mailbox):
            raise access_denied()
        return mailbox

    def _permitted(self, place: Place, admission: Admission, user: str) -> None:
        """Let pass who has one of the permissions needed; a user may always look at the directory."""
        needs = place.route.needs
        if not needs or not needs.isdisjoint(admission.permissions):
            return
        if place.route.mailbox:
            raise access_denied()
        of_directory = "User.Read" in needs
        if of_directory and admission.user and user.lower() in ("", admission.user.lower()):
            return
        if of_directory:
            raise GraphError("Authorization_RequestDenied", "Insufficient privileges to complete the operation.")
        raise GraphError("Forbidden", "Required roles claim or permission is missing from the token.")

    def _may_subscribe(self, asking: Asking) -> None:
        """Let nobody subscribe to a mailbox that they could not read. Raises `GraphError`."""
        resource = asking.document().get("resource")
        if not isinstance(resource, str) or not resource:
            return
        account, kind = subject_of(resource)
        self._opened(asking.admission, self._user(account, asking.admission, mailbox=True))
        if (MAIL if kind == "messages" else CALENDAR).isdisjoint(asking.admission.permissions):
            raise access_denied()

    def _admitted(self, request: Request) -> Admission | Refusal:
        return self._premises.doorkeeper.admit(request.header("authorization"), GRAPH_NAMES)

    def _unauthenticated(self, refused: Refusal) -> GraphError:
        offer = (
            f'Bearer realm="", authorization_uri="https://{self._premises.login}/common/oauth2/authorize", '
            f'client_id="{GRAPH}"'
        )
        message = UNREADABLE.get(refused.code, refused.reason)
        return GraphError("InvalidAuthenticationToken", message, headers=(("WWW-Authenticate", offer),))

    def _until(self, fault: Fault | None) -> datetime | None:
        if fault is None or fault.kind != "stale":
            return None
        return self._tenant.clocks.now() - timedelta(minutes=fault.number("age_min", 60))

    def _stamp(self, request: Request) -> Stamp:
        request_id = str(uuid.uuid4())
        site = self._tenant.sites.get(request.connection.host.site) or next(iter(self._tenant.sites.values()))
        where = {
            "DataCenter": CENTRES.get(site.region, site.region),
            "Slice": "E",
            "Ring": "5",
            "ScaleUnit": "003",
            "RoleInstance": f"{site.code.upper()[:2]}1PEPF{request.connection.number % site.front_ends + 1:08X}",
        }
        diagnostic = json.dumps({"ServerInfo": where}, separators=(",", ":"))
        return Stamp(
            request_id, request.header("client-request-id") or request_id, self._tenant.clocks.now(), diagnostic
        )


def _ordered(fault: Fault) -> GraphError:
    """Return the refusal that a fault orders."""
    code = fault.text("code")
    wait = fault.arguments.get("retry_after")
    fields = () if wait is None else (("Retry-After", str(round(float(wait)))),)
    message = fault.text("message", "The request could not be processed.")
    return GraphError(code, message, status=int(fault.number("status", 0)), headers=fields)


def _reply(answer: Answer, stamp: Stamp) -> Reply:
    fields = (*stamp.fields, ("OData-Version", "4.0"), *answer.headers)
    if answer.raw is not None:
        return Reply(answer.status, fields, answer.raw)
    if answer.document is None:
        return Reply(answer.status, fields)
    kind = ("Content-Type", "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false")
    plain = json_reply(answer.document, answer.status)
    return Reply(answer.status, ((kind[0], f"{kind[1]};charset=utf-8"), *fields), plain.body)


def _below_version(path: str) -> str:
    return path.strip("/").partition("/")[2]
