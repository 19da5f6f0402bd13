"""What Graph means when it says no (Learn, "Microsoft Graph error responses and resource types").

Rule of this file: `error.code` before headers before the HTTP status; codes compare without case, for services behind
Graph spell the same one differently. A code that nobody knows leaves the word to the status it rides on.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType

from prober.exchange import Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http import diagnostics
from prober.protocols.http import status as http
from prober.vocabulary import Domain

RESYNC = Kind("graph_resync_required", Reason.SERVER_ERROR, Domain.MAILBOX)
"""A delta token that is no longer known: followed once by a new beginning, a fault when that is refused too."""
MAILBOX_MOVED = Kind("graph_mailbox_info_stale", Reason.MAILBOX_UNAVAILABLE)
NO_MAILBOX = Kind("graph_mailbox_not_enabled", Reason.MAILBOX_UNAVAILABLE)
STORE_UNAVAILABLE = Kind("graph_mailbox_store_unavailable", Reason.MAILBOX_UNAVAILABLE)
MOVE_IN_PROGRESS = Kind("graph_mailbox_move_in_progress", Reason.MAILBOX_UNAVAILABLE)
ACCESS_DENIED = Kind("graph_access_denied", Reason.ACCESS_POLICY)
TOKEN_REFUSED = Kind("graph_token_refused", Reason.AUTH_REJECTED)
UNKNOWN_USER = Kind("graph_unknown_user", Reason.CLIENT_MISCONFIG)
NOT_FOUND = Kind("graph_not_found", Reason.CLIENT_MISCONFIG)
BAD_REQUEST = Kind("graph_bad_request", Reason.CLIENT_MISCONFIG)
THROTTLED = Kind("graph_throttled", Reason.THROTTLED)
BUSY = Kind("graph_server_busy", Reason.SERVER_BUSY)
SERVER_ERROR = Kind("graph_server_error", Reason.SERVER_ERROR)
TIMED_OUT = Kind("graph_timeout", Reason.SERVER_ERROR)

NOT_JSON = Kind("graph_not_json", Reason.PROTOCOL_VIOLATION)
WRONG_SHAPE = Kind("graph_wrong_shape", Reason.PROTOCOL_VIOLATION)
FOREIGN_LINK = Kind("graph_foreign_link", Reason.PROTOCOL_VIOLATION)
NO_INBOX = Kind("graph_no_inbox", Reason.MAILBOX_UNAVAILABLE)
TOO_MANY_PAGES = Kind("graph_too_many_pages", Reason.CLIENT_MISCONFIG)

CODES: Mapping[str, Kind] = MappingProxyType(
    {
        "syncstatenotfound": RESYNC,
        "syncstateinvalid": RESYNC,
        "resyncrequired": RESYNC,
        "mailboxinfostale": MAILBOX_MOVED,
        "mailboxnotenabledforrestapi": NO_MAILBOX,
        "mailboxnotsupportedforrestapi": NO_MAILBOX,
        "errormailboxstoreunavailable": STORE_UNAVAILABLE,
        "errormailboxmoveinprogress": MOVE_IN_PROGRESS,
        "errorconnectionfailed": STORE_UNAVAILABLE,
        "erroraccessdenied": ACCESS_DENIED,
        "authorization_requestdenied": ACCESS_DENIED,
        "accessdenied": ACCESS_DENIED,
        "forbidden": ACCESS_DENIED,
        "errorinvaliduser": UNKNOWN_USER,
        "errornonexistentmailbox": UNKNOWN_USER,
        "request_resourcenotfound": UNKNOWN_USER,
        "resourcenotfound": UNKNOWN_USER,
        "erroritemnotfound": NOT_FOUND,
        "applicationthrottled": THROTTLED,
        "toomanyrequests": THROTTLED,
        "errorexceededconnectioncount": THROTTLED,
        "errortoomanyobjectsopened": THROTTLED,
        "errorserverbusy": BUSY,
        "servicenotavailable": BUSY,
        "serviceunavailable": BUSY,
        "errorinternalservertransienterror": BUSY,
        "errortimeoutexpired": TIMED_OUT,
        "errorinternalservererror": SERVER_ERROR,
        "generalexception": SERVER_ERROR,
        "internalservererror": SERVER_ERROR,
    }
)
"""By `error.code` in lower case. What is not here (`UnknownError`) is read from the status."""
THROTTLE_SCOPE = "x-ms-throttle-scope"
THROTTLE_SCOPES = frozenset({"Tenant", "Application", "Tenant_Application", "User", "Application_User"})
"""Whom a limit is about: the first part of that field, where it is sent (Learn, "Microsoft Graph throttling")."""
CODE = re.compile(r"[A-Za-z][A-Za-z_.]{1,60}")


def fault(reply: Reply, code: str) -> FaultError:
    """Return what an answer that is no success means; `code` is that of its `error`, empty where it has none."""
    evidence = {"http_status": str(reply.status), **diagnostics.evidence(reply.headers)}
    if CODE.fullmatch(code):
        evidence["error"] = code
    scope = reply.headers.get(THROTTLE_SCOPE).split("/")[0].strip()
    if scope in THROTTLE_SCOPES:
        evidence["throttle_scope"] = scope
    kind = CODES.get(code.lower())
    after = http.retry_after(reply.headers)
    if reply.status == 429 or (kind is BUSY and http.throttle_evidence(reply.headers)):
        return FaultError(THROTTLED, evidence, retry_after=after)
    if reply.status == 410 and kind is None:
        return FaultError(RESYNC, evidence)
    if reply.status == 401 or kind is None:
        found = http.fault(reply).fault
        return FaultError(found.kind, {**found.evidence, **evidence}, retry_after=found.retry_after)
    return FaultError(kind, evidence, retry_after=after if kind is THROTTLED else None)
