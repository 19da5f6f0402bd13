"""Faults on the wire, and what each client has to make of them, written down from the specifications of the protocols.

Rule of this file: nothing here is read off the prober. A fault strikes at a part that a step plays; which step of a
client plays it stands in `PARTS`. Who has to see something else than the rest stands with the fault, in `but`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

CLIENTS = (
    *("imap4", "activesync", "outlook_mobile", "outlook_mac", "outlook_mac_legacy"),
    *("owa", "outlook_desktop", "m365_signin", "control"),
)
PARTS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "first": {
            "imap4": "greeting",
            "activesync": "discover_eas",
            "outlook_mobile": "discover_rest",
            "outlook_mac": "discover_ews",
            "outlook_mac_legacy": "oauth_challenge",
            "owa": "landing_redirect",
            "outlook_desktop": "oauth_challenge",
            "m365_signin": "openid_metadata",
            "control": "fetch",
        },
        "challenge": {
            "activesync": "oauth_challenge",
            "outlook_mobile": "oauth_challenge",
            "outlook_mac": "oauth_challenge",
            "outlook_mac_legacy": "oauth_challenge",
            "owa": "owa_service_unauth",
            "outlook_desktop": "oauth_challenge",
        },
        "token": dict.fromkeys(CLIENTS[:7], "token_request") | {"m365_signin": "token_client"},
        "let_in": {
            "imap4": "authenticate",
            "activesync": "options",
            "outlook_mobile": "list_folders",
            "outlook_mac": "list_folders",
            "outlook_mac_legacy": "get_folder",
            "owa": "calendar_and_mail_surrogate",
            "outlook_desktop": "connect",
            "m365_signin": "token_use",
        },
        "data": {
            "imap4": "list",
            "activesync": "folder_sync",
            "outlook_mobile": "calendar_delta",
            "outlook_mac": "calendar_delta",
            "outlook_mac_legacy": "sync_items",
            "owa": "calendar_and_mail_surrogate",
            "outlook_desktop": "connect",
            "m365_signin": "office_home",
            "control": "fetch",
        },
        "news": {
            "imap4": "idle_hold",
            "activesync": "ping",
            "outlook_mobile": "notify_wait",
            "outlook_mac": "notify_wait",
            "outlook_mac_legacy": "stream_wait",
            "outlook_desktop": "notification_wait",
        },
    }
)
"""By part and client, the step that plays it."""
LIES_IN: Mapping[str, str] = MappingProxyType(
    {
        "dns_failure": "dns",
        "connect_refused": "network",
        "connect_timeout": "network",
        "tls_handshake": "tls",
        "tls_certificate": "tls",
        "connection_reset": "frontend",
        "read_timeout": "frontend",
        "redirect_loop": "frontend",
        "unexpected_challenge": "frontend",
        "auth_rejected": "identity",
        "access_policy": "policy",
        "token_service_error": "identity",
        "throttled": "prober",
        "server_busy": "frontend",
        "server_error": "frontend",
        "mailbox_unavailable": "mailbox",
        "protocol_violation": "protocol",
        "client_misconfig": "prober",
        "push_channel_lost": "mailbox",
        "slow": "frontend",
    }
)
"""The domain that each reason points to by itself."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What one fault has to mean to one client, and at which step. Without a reason all is well or only slow."""

    fault: str
    client: str
    step: str
    verdict: str
    reason: str
    domain: str


@dataclass(frozen=True, slots=True)
class Wire:
    """One fault on the wire: what the tenant does, and at which part. `due`: verdict, reason, and the domain if it is
    another than that of the reason.

    `part` may be a step, of clients that are named. `only`: the clients it can happen to, all that play the part if
    empty. `but`: those to whom it means something else; the reason for that stands beside it.
    """

    name: str
    does: Mapping[str, Any]
    part: str
    due: str
    only: tuple[str, ...] = ()
    but: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def cells(self) -> tuple[Cell, ...]:
        """What is due to whom."""
        plays = PARTS.get(self.part) or dict.fromkeys(self.only, self.part)
        whom = [client for client in plays if not self.only or client in self.only]
        return tuple(self._cell(client, plays[client]) for client in whom)

    def _cell(self, client: str, step: str) -> Cell:
        verdict, reason, domain = (*self.but.get(client, self.due).split(), "", "")[:3]
        return Cell(self.name, client, step, verdict, reason, domain or LIES_IN.get(reason, ""))


PEOPLE = tuple(client for client in CLIENTS if client != "control")
WEB = tuple(client for client in CLIENTS if client != "imap4")
APPLICATIONS = tuple(client for client in WEB if client not in ("m365_signin", "control"))
"""Who asks for data over HTTP; the others ask for pages."""
GRAPH = ("outlook_mobile", "outlook_mac", "owa")
WELL = "ok"
GONE, EXPIRED = 410, 2000002
"""What a client may ask for again: a sync state that is gone, a token that has run out. They strike a single time."""


def below(kind: str, due: str) -> Wire:
    """Return a fault that strikes before anything is asked."""
    return Wire(kind, {"kind": kind}, "first", due)


def status(number: int, due: str, **but: str) -> Wire:
    """Return an answer with a status and a page without words.

    The control only asks whether anybody is there: below 500 somebody is, and anything above is a server's error.
    """
    control = WELL if number < 500 else "failed server_error"
    does = {"kind": "http", "status": number, "once": number == GONE}
    return Wire(f"http_{number}", does, "data", due, WEB, {"control": control} | but)


def redirect(name: str, to: str, due: str) -> Wire:
    """Return a redirect to a page that says what is wrong. The control minds no redirect."""
    does = {"kind": "http", "status": 302, "headers": {"Location": to}}
    return Wire(name, does, "data", due, WEB, {"control": WELL})


def refused(number: int, due: str, **but: str) -> Wire:
    """Return a refusal of the token shown, with the number of `x-ms-diagnostics`."""
    does = {"kind": "bearer_401", "diag": f'{number};reason="x"', "once": number == EXPIRED}
    return Wire(f"diagnostic_{number}", does, "let_in", due, (), but)


def aadsts(code: int, http: int, due: str) -> Wire:
    """Return a refusal by the token service, with its code."""
    return Wire(f"aadsts_{code}", {"kind": "token_error", "aadsts": code, "status": http}, "token", due)


def eas(code: int, due: str) -> Wire:
    """Return a status in the answer to FolderSync (MS-ASCMD section 2.2.2)."""
    return Wire(f"eas_{code}", {"kind": "eas_status", "code": code}, "folder_sync", due, ("activesync",))


def soap(code: str, due: str, step: str = "sync_items", **more: Any) -> Wire:
    """Return a response code of Exchange Web Services (MS-OXWSCDATA section 2.2.5.24)."""
    does = {"kind": "soap_code", "code": code, **more}
    return Wire("_".join(["soap", code, *more]), does, step, due, ("outlook_mac_legacy",))


def graph(code: str, http: int, due: str) -> Wire:
    """Return an error code of Microsoft Graph."""
    return Wire(f"graph_{code}", {"kind": "graph_error", "status": http, "code": code}, "data", due, GRAPH)


def mapi(code: int, step: str, due: str) -> Wire:
    """Return an `X-ResponseCode` (MS-OXCMAPIHTTP section 2.2.3.3.3)."""
    return Wire(f"mapi_{code}_{step}", {"kind": "mapi_code", "code": code}, step, due, ("outlook_desktop",))


def imap(name: str, text: str, due: str, step: str = "list", kind: str = "imap_tagged") -> Wire:
    """Return an answer of IMAP: Exchange's own words, or a response code (RFC 5530)."""
    return Wire(f"imap_{name}", {"kind": kind, "text": text}, step, due, ("imap4",))


def also(name: str, part: str, due: str, only: tuple[str, ...] = (), /, **does: Any) -> Wire:
    """Return any other fault."""
    return Wire(name, does, part, due, only)


EWS_IS_GONE = {"outlook_mac_legacy": "retired client_misconfig policy"}
"""Exchange Web Services are withdrawn from Exchange Online: who is shut out there is not down."""
PAGES_BUSY = {"m365_signin": "failed server_busy"}
"""A portal's visitor is no client with a quota: being told to come later is the portal's trouble."""
DOCUMENT = {"m365_signin": "failed token_service_error"}
"""The first thing asked for is the token service's own description."""
CHALLENGED = "failed unexpected_challenge"
"""Portals are reached without signing in: who wants to know who we are is in the way."""
RENEWED = {client: WELL for client in PEOPLE if client != "imap4"}
"""A token called expired is renewed once. An IMAP login is not tried again."""
READ, RESET, GARBLED = "failed read_timeout", "failed connection_reset", "failed protocol_violation"
SERVER, BUSY, OURS = "failed server_error", "failed server_busy", "excluded client_misconfig"
REFUSED, WRONG, POLICY = "failed auth_rejected", "excluded auth_rejected", "excluded access_policy"
MAILBOX, SLOWER, TOKENS = "failed mailbox_unavailable", "throttled throttled", "failed token_service_error"
LOST, LOOP = "failed push_channel_lost", "failed redirect_loop"

WIRES: tuple[Wire, ...] = (
    # names, connections, certificates
    *(below(f"dns_{what}", "failed dns_failure") for what in ("nxdomain", "timeout", "servfail", "empty")),
    below("connect_refuse", "failed connect_refused"),
    below("connect_blackhole", "failed connect_timeout"),
    *(below(f"tls_{what}", "failed tls_handshake") for what in ("stall", "close", "reset", "plain", "alert")),
    *(
        below(f"tls_{what}", "failed tls_certificate")
        for what in ("wrong_name", "expired", "not_yet_valid", "untrusted")
    ),
    # late, never, half, or too much; the control has no objective to be slow by
    also("late", "data", "slow slow", PEOPLE, kind="delay", seconds=22),
    also("too_late", "data", READ, kind="delay", seconds=200),
    also("first_too_late", "first", READ, kind="delay", seconds=200),
    *(also(f"stall_{at}", "data", READ, kind="stall", at=at) for at in ("headers", "body", 30)),
    *(also(f"reset_{at}", "data", RESET, kind="reset", at=at) for at in ("request", "headers", "body", 30)),
    *(also(f"close_{at}", "data", RESET, kind="close", at=at) for at in ("request", "headers", "body")),
    Wire("garbage", {"kind": "garbage"}, "data", GARBLED, (), {"control": WELL}),  # somebody is there
    also("flood", "data", GARBLED, kind="flood", octets=9 << 20),
    also("page_for_data", "data", GARBLED, APPLICATIONS, kind="html_page", text="Welcome"),
    also("page_for_discovery", "discover_eas", GARBLED, ("activesync", "outlook_mobile"), kind="html_page"),
    also("error_page", "office_home", SERVER, ("m365_signin",), kind="html_page"),
    also("error_page_of_mail", "landing_redirect", SERVER, ("owa",), kind="html_page"),
    # what HTTP says (RFC 9110, MS-ASHTTP section 2.2.2.1.2)
    status(400, OURS),
    status(401, REFUSED, m365_signin=CHALLENGED),
    status(403, POLICY, m365_signin=CHALLENGED, **EWS_IS_GONE),
    status(404, OURS, **EWS_IS_GONE),
    status(405, OURS),
    # a delta link that is gone is asked for anew, once; what the web mail asks first is none
    status(GONE, SERVER, outlook_mobile=WELL, outlook_mac=WELL, owa=f"{SERVER} mailbox", **EWS_IS_GONE),
    status(415, OURS),
    status(429, SLOWER, **PAGES_BUSY),
    status(440, REFUSED),
    status(456, REFUSED),
    status(457, REFUSED),
    status(500, SERVER),
    status(501, OURS),
    status(502, SERVER),
    status(503, BUSY),
    status(504, SERVER),
    status(507, OURS),
    Wire(
        "http_503_retry_after",
        {"kind": "http", "status": 503, "headers": {"Retry-After": 60}},
        "data",
        SLOWER,
        WEB,
        {"control": SERVER} | PAGES_BUSY,
    ),
    Wire("first_500", {"kind": "http", "status": 500}, "first", SERVER, WEB, DOCUMENT),
    Wire("first_503", {"kind": "http", "status": 503}, "first", BUSY, WEB, {"control": SERVER} | DOCUMENT),
    Wire("first_504", {"kind": "http", "status": 504}, "first", SERVER, WEB, DOCUMENT),
    also("redirect_to_itself", "data", LOOP, ("m365_signin",), kind="redirect_loop"),
    # nobody follows a redirect where data are asked for: it is an answer that is not due
    also("redirect_of_data", "data", GARBLED, APPLICATIONS, kind="redirect_loop"),
    also("redirect_451", "data", LOOP, ("activesync",), kind="redirect_loop", status=451),
    Wire(
        "first_redirect_to_itself",
        {"kind": "redirect_loop"},
        "first",
        LOOP,
        WEB,
        {"outlook_mac_legacy": GARBLED, "outlook_desktop": GARBLED, "control": WELL} | DOCUMENT,
    ),
    redirect("redirect_to_error", "/ews/genericerrorpage.htm", SERVER),
    redirect("redirect_to_gateway", "/internalsite/login", OURS),
    # who is let in; the web mail's own service refuses without naming a scheme
    also("no_bearer", "challenge", CHALLENGED, tuple(set(APPLICATIONS) - {"owa"}), kind="http", status=401),
    also("open_door", "challenge", CHALLENGED, kind="http", status=200, body=""),
    *(refused(2000000 + number, REFUSED) for number in (0, 1, 3, 4, 5, 6, 8)),
    refused(EXPIRED, REFUSED, **RENEWED),
    refused(2000007, f"{SERVER} identity"),
    aadsts(50000, 500, TOKENS),
    aadsts(90033, 503, TOKENS),
    aadsts(50196, 400, SLOWER),
    aadsts(90055, 429, SLOWER),
    aadsts(50126, 400, WRONG),
    aadsts(50057, 400, WRONG),
    aadsts(7000215, 401, WRONG),
    aadsts(7000222, 401, WRONG),
    aadsts(700016, 400, WRONG),
    aadsts(50076, 400, POLICY),
    aadsts(53003, 400, POLICY),
    aadsts(65001, 400, POLICY),
    aadsts(90002, 400, f"{OURS} identity"),
    also("token_500", "token", TOKENS, kind="http", status=500),
    also("token_503", "token", TOKENS, kind="http", status=503),
    also("token_429", "token", SLOWER, kind="http", status=429),
    also("token_page", "token", TOKENS, kind="html_page"),
    also("token_garbage", "token", TOKENS, kind="garbage"),
    # what the protocols say
    Wire("throttle", {"kind": "throttle", "retry_after": 60}, "data", SLOWER, PEOPLE, PAGES_BUSY),
    eas(110, SERVER),
    eas(111, BUSY),
    eas(114, MAILBOX),
    eas(126, POLICY),
    eas(129, POLICY),
    eas(133, BUSY),
    eas(138, "retired client_misconfig policy"),  # versions before 16.1 are withdrawn from Exchange Online
    eas(177, OURS),
    eas(250, GARBLED),
    soap("ErrorMailboxStoreUnavailable", MAILBOX),
    soap("ErrorMailboxMoveInProgress", MAILBOX),
    soap("ErrorInternalServerError", SERVER),
    soap("ErrorServerBusy", BUSY),
    soap("ErrorServerBusy", SLOWER, back_off_ms=60000),
    soap("ErrorAccessDenied", POLICY, step="get_folder"),
    soap("ErrorFolderNotFound", OURS, step="get_folder"),
    graph("MailboxInfoStale", 503, MAILBOX),
    graph("MailboxNotEnabledForRESTAPI", 404, MAILBOX),
    graph("UnknownError", 504, SERVER),
    graph("ErrorInternalServerError", 500, SERVER),
    graph("ErrorAccessDenied", 403, POLICY),
    graph("ApplicationThrottled", 429, SLOWER),
    mapi(1, "connect", SERVER),
    mapi(10, "connect", MAILBOX),  # no session can be had; later it is the session that is lost
    mapi(10, "execute_logon", SERVER),
    mapi(18, "connect", BUSY),
    imap("not_connected", "BAD User is authenticated but not connected.", MAILBOX),
    imap("busy", "NO Server Unavailable. 15", BUSY),
    imap("unavailable", "NO [UNAVAILABLE] later", BUSY),
    imap("server_bug", "NO [SERVERBUG] sorry", SERVER),
    imap("throttled", "BAD Request is throttled. Suggested Backoff Time: 60000 milliseconds", SLOWER),
    imap("refused", "NO AUTHENTICATE failed.", REFUSED, step="authenticate"),
    imap("bye", "Server Unavailable. 15", BUSY, kind="imap_bye"),
    imap("bye_first", "Server Unavailable. 15", BUSY, step="greeting", kind="imap_bye"),
    # news
    also("push_drop", "news", LOST, kind="push_drop", after=0),
)
