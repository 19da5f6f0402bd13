"""A web site's front page, seen by a browser nobody has signed in with.

Rule: we are no API client here, so being told to come back later is the site's trouble, not our doing.
"""

from collections.abc import Iterable

from prober.exchange import Reply
from prober.faults.taxonomy import EMPTY_REPLY, FaultError, Kind, Reason
from prober.protocols.http import diagnostics, phrases
from prober.protocols.http import status as http

BUSY = Kind("portal_busy", Reason.SERVER_BUSY)
NO_PAGE = Kind("portal_without_page", Reason.PROTOCOL_VIOLATION)
CHALLENGED = Kind("portal_challenged", Reason.UNEXPECTED_CHALLENGE)


def check(reply: Reply, unwanted: Iterable[str]) -> None:
    """Raise `FaultError` unless a page came that shows none of the phrases `unwanted`."""
    evidence = {"http_status": str(reply.status), **diagnostics.evidence(reply.headers)}
    if reply.status in (429, 503):
        raise FaultError(BUSY, evidence)
    if reply.status in (401, 403):
        raise FaultError(CHALLENGED, evidence)
    if reply.status != 200:
        raise http.fault(reply)
    if not reply.body.strip():
        raise FaultError(EMPTY_REPLY, evidence)
    if "html" not in reply.headers.get("content-type", "text/html").lower():
        raise FaultError(NO_PAGE, evidence)
    phrases.refuse_error_page(reply, unwanted)
