"""A token's first use: a question to Graph of which only the answer's status matters."""

import json
from dataclasses import dataclass

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import FaultError, Reason
from prober.protocols.http import status as http
from prober.protocols.oidc import document, status


@dataclass(frozen=True, slots=True)
class TokenUse:
    """Ask Graph at `url` (with its version) for the organisation's id. `fresh`: the token was issued just now."""

    url: str
    fresh: bool = True

    def call(self) -> Call:
        """Return the request."""
        return Call("GET", f"{self.url.rstrip('/')}/organization?$select=id", document.JSON, auth=Auth.CREDENTIAL)

    def read(self, reply: Reply) -> str:
        """Return `allowed` or `forbidden`: either shows that the token was accepted. Raises `FaultError`."""
        if reply.status == 200:
            http.refuse_html(reply)
            return "allowed"
        if reply.status == 403 and _is_json(reply.body):
            return "forbidden"
        if reply.status == 403:
            raise FaultError(status.TOKEN_USE_CHALLENGED, {"http_status": "403"})
        raise self._refused(http.fault(reply))

    def _refused(self, error: FaultError) -> FaultError:
        """Say of a refusal of who we are how fresh the token was: a good one refused is the service's doing."""
        fault = error.fault
        if fault.reason is not Reason.AUTH_REJECTED or not self.fresh:
            return error
        return FaultError(fault.kind, {**fault.evidence, "fresh_token": "true"}, retry_after=fault.retry_after)


def _is_json(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body), dict)
    except (ValueError, RecursionError):
        return False
