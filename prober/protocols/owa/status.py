"""What Outlook on the web says when it says no: the exception it names in `X-OWA-Error`, and strangers let in."""

from collections.abc import Mapping
from types import MappingProxyType

from prober.exchange import Reply
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.http import diagnostics

SET_UP = Kind("owa_set_up", Reason.CLIENT_MISCONFIG)
MAILBOX = Kind("owa_mailbox", Reason.MAILBOX_UNAVAILABLE)
ERROR = Kind("owa_error", Reason.SERVER_ERROR)
ELSEWHERE = Kind("owa_not_at_signin", Reason.UNEXPECTED_CHALLENGE)
FORBIDDEN = Kind("owa_anonymous_forbidden", Reason.UNEXPECTED_CHALLENGE)
NO_SCRIPT = Kind("owa_asset_broken", Reason.SERVER_ERROR)
WORDS: Mapping[str, Kind] = MappingProxyType(
    {"quota": SET_UP, "licence": SET_UP, "license": SET_UP, "storage": MAILBOX, "mapi": MAILBOX}
)
"""Parts of the names of exceptions, in order: a quota is reported by the storage layer too."""


def named(reply: Reply) -> FaultError | None:
    """Return what the exception that a reply names means, `None` where it names none."""
    name = reply.headers.get("x-owa-error").lower()[:200]
    if not name.strip():
        return None
    kind = next((kind for word, kind in WORDS.items() if word in name), ERROR)
    return FaultError(kind, evidence(reply))


def evidence(reply: Reply) -> dict[str, str]:
    """Return what may be kept of a reply."""
    return {"http_status": str(reply.status), **diagnostics.evidence(reply.headers)}
