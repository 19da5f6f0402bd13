"""The private service behind Outlook on the web, asked without a credential only to be refused by it."""

from dataclasses import dataclass
from urllib.parse import urljoin

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http import status as http
from prober.protocols.http.walk import REDIRECTS, target
from prober.protocols.oidc import signin_page
from prober.protocols.owa import landing, status

ACTION = "GetOwaUserConfiguration"
TIMED_OUT = 440
"""What Outlook on the web answers where a browser's sign-in has run out, or there was none."""
MORE_THAN_A_CHALLENGE = frozenset({http.DIAGNOSED_INTERNAL, http.THROTTLED})


@dataclass(frozen=True, slots=True)
class ServiceUnauth:
    """Ask the service of the site at `url`, its landing page's address, for a user's configuration."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        headers = (("Action", ACTION), ("Content-Type", "application/json; charset=utf-8"), ("Accept", "*/*"))
        return Call("POST", self._place(), headers, b"{}")

    def read(self, reply: Reply) -> str:
        """Return how we were refused: `challenge`, `timed out` or `redirect`. Raises `FaultError`."""
        if reply.status in REDIRECTS:
            return self._redirected(reply)
        if reply.status == TIMED_OUT:
            return "timed out"
        meaning = http.fault(reply)
        if reply.status == 401 and meaning.fault.kind not in MORE_THAN_A_CHALLENGE:
            return "challenge"
        raise status.named(reply) or self._unexpected(reply) or meaning

    def _place(self) -> str:
        return urljoin(self.url, f"/owa/service.svc?action={ACTION}")

    def _redirected(self, reply: Reply) -> str:
        where = target(self._place(), reply)
        if signin_page.asks_to_sign_in(where) or landing.at_form(where):
            return "redirect"
        raise FaultError(status.ELSEWHERE, status.evidence(reply))

    def _unexpected(self, reply: Reply) -> FaultError | None:
        if reply.status == 200:
            return FaultError(http.ANONYMOUS_ALLOWED, status.evidence(reply))
        return FaultError(status.FORBIDDEN, status.evidence(reply)) if reply.status == 403 else None
