"""What Graph says when it says no (Learn, "Microsoft Graph error responses and resource types").

Rule of this file: every refusal of this service is a `GraphError`, and its text is what the real one has been seen to
write.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from prober.simulator.http.message import Fields

STATUS: Mapping[str, int] = MappingProxyType(
    {
        "BadRequest": 400,
        "InvalidRequest": 400,
        "InefficientFilter": 400,
        "ErrorInvalidIdMalformed": 400,
        "ErrorInvalidParameter": 400,
        "ErrorInvalidUrlQuery": 400,
        "InvalidAuthenticationToken": 401,
        "ErrorAccessDenied": 403,
        "Authorization_RequestDenied": 403,
        "Forbidden": 403,
        "ErrorInvalidUser": 404,
        "ErrorItemNotFound": 404,
        "MailboxNotEnabledForRESTAPI": 404,
        "Request_ResourceNotFound": 404,
        "ResourceNotFound": 404,
        "SyncStateNotFound": 410,
        "resyncRequired": 410,
        "ApplicationThrottled": 429,
        "TooManyRequests": 429,
        "ErrorInternalServerError": 500,
        "generalException": 500,
        "UnknownError": 500,
        "MailboxInfoStale": 503,
        "ErrorMailboxStoreUnavailable": 503,
        "ErrorServerBusy": 503,
        "serviceNotAvailable": 503,
    }
)
"""The HTTP status a code comes with."""


class GraphError(Exception):
    """One refusal: the `error` object's code and message, the status they ride on and fields beside them."""

    def __init__(self, code: str, message: str, *, status: int = 0, headers: Fields = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status or STATUS.get(code, 503)
        self.headers = headers

    def body(self, inner: Mapping[str, str]) -> dict[str, Any]:
        """Return the document; `inner` says when it was and by which ids the request is found."""
        return {"error": {"code": self.code, "message": self.message, "innerError": dict(inner)}}


def bad_request(message: str) -> GraphError:
    """Return the refusal of a query that is no OData, or of a body that is no JSON."""
    return GraphError("BadRequest", message)


def access_denied() -> GraphError:
    """Return the refusal of a mailbox that the caller has no permission for."""
    return GraphError("ErrorAccessDenied", "Access is denied. Check credentials and try again.")


def not_found() -> GraphError:
    """Return the refusal of an id that names nothing in the mailbox."""
    return GraphError("ErrorItemNotFound", "The specified object was not found in the store.")


def malformed_id() -> GraphError:
    """Return the refusal of what cannot be an id."""
    return GraphError("ErrorInvalidIdMalformed", "Id is malformed.")


def no_segment(segment: str) -> GraphError:
    """Return the refusal of a path that leads nowhere."""
    return GraphError("BadRequest", f"Resource not found for the segment '{segment}'.")


def sync_state_lost(generation: int) -> GraphError:
    """Return the refusal of a delta token whose state is not kept any more."""
    message = f"The sync state generation is not found; generation={generation};[highest={generation + 8}]."
    return GraphError("SyncStateNotFound", message)
