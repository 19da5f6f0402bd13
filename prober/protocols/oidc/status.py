"""What it means that a document or a page of the sign-in service is not as it should be.

Rule: a number of the service's own goes first, then being held back; whatever else HTTP can say is an error of the
token service, for nobody else answers under its name.
"""

import re

from prober.exchange import Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http.status import retry_after
from prober.protocols.oauth import aadsts
from prober.vocabulary import Domain

METADATA_BROKEN = Kind("openid_metadata_broken", Reason.TOKEN_SERVICE_ERROR)
KEYS_BROKEN = Kind("signing_keys_broken", Reason.TOKEN_SERVICE_ERROR)
REALM_BROKEN = Kind("user_realm_broken", Reason.TOKEN_SERVICE_ERROR)
REALM_LOST = Kind("user_realm_lost", Reason.TOKEN_SERVICE_ERROR)
REALM_UNKNOWN = Kind("user_realm_unknown", Reason.CLIENT_MISCONFIG, Domain.IDENTITY)
REALM_DIFFERS = Kind("user_realm_differs", Reason.CLIENT_MISCONFIG, Domain.IDENTITY)
SIGNIN_PAGE_BROKEN = Kind("signin_page_broken", Reason.TOKEN_SERVICE_ERROR)
SIGNIN_PAGE_ERROR = Kind("signin_page_error", Reason.TOKEN_SERVICE_ERROR)
FEDERATION_BROKEN = Kind("federation_metadata_broken", Reason.TOKEN_SERVICE_ERROR)
UNKNOWN_CODE = Kind("signin_unknown_code", Reason.TOKEN_SERVICE_ERROR)
THROTTLED = Kind("signin_throttled", Reason.THROTTLED)
TOKEN_UNDECODABLE = Kind("token_undecodable", Reason.TOKEN_SERVICE_ERROR)
TOKEN_SHORT_LIVED = Kind("token_short_lived", Reason.TOKEN_SERVICE_ERROR)
TOKEN_USE_CHALLENGED = Kind("token_use_challenged", Reason.UNEXPECTED_CHALLENGE)

CODE = re.compile(rb"\bAADSTS(\d{5,8})\b")
PLAIN_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
MOST = 262_144
"""Bytes of an answer that are searched for a number."""


def refused(reply: Reply, kind: Kind) -> FaultError:
    """Return what a refusal of the sign-in service means; `kind` where it says no more than its HTTP status."""
    coded = by_code(reply)
    if coded is not None:
        return coded
    if reply.status == 429:
        return FaultError(THROTTLED, evidence(reply), retry_after=retry_after(reply.headers))
    return FaultError(kind, evidence(reply))


def by_code(reply: Reply) -> FaultError | None:
    """Return what the AADSTS number in a page or a document means, `None` where there is none."""
    found = CODE.search(reply.body[:MOST])
    if found is None:
        return None
    code = int(found[1])
    kind = aadsts.KINDS.get(code, UNKNOWN_CODE)
    told = evidence(reply) | {"aadsts": str(code)}
    if code in aadsts.CUSTOMER_SIDE:
        told["where"] = "customer"
    wait = retry_after(reply.headers) if kind.reason is Reason.THROTTLED else None
    return FaultError(kind, told, retry_after=wait)


def evidence(reply: Reply) -> dict[str, str]:
    """Return the status, and the id that a support case needs."""
    request = reply.headers.get("x-ms-request-id").strip()
    return {"http_status": str(reply.status)} | ({"request_id": request} if PLAIN_ID.fullmatch(request) else {})
