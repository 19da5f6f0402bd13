"""The empty bearer: a request that shows how a front end would have OAuth done (MS-XOAUTH section 4).

Exchange Server answers a wholly anonymous request without the bearer scheme and names it only to this one.
"""

from dataclasses import dataclass, field
from typing import Literal

from prober.exchange import Auth, Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http import challenge, diagnostics
from prober.protocols.http import status as http

INTEGRATED = frozenset({"negotiate", "ntlm"})
BEFORE_THE_CHALLENGE = frozenset({http.OAUTH_NOT_AVAILABLE, http.DIAGNOSED_INTERNAL, http.THROTTLED})
"""What a 401 can mean by its other header fields, which say more than the challenge."""


@dataclass(frozen=True, slots=True)
class OAuthChallenge:
    """Provoke the challenge at `url`, for the mailbox `address` where one is known.

    `on_premises`: a server that offers Negotiate or NTLM in place of the bearer scheme answers well too.
    """

    url: str
    address: str = field(default="", repr=False)
    method: Literal["OPTIONS", "GET", "POST"] = "OPTIONS"
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    on_premises: bool = False

    def call(self) -> Call:
        """Return the request."""
        identity = (("X-User-Identity", self.address),) if self.address else ()
        return Call(self.method, self.url, (*self.headers, *identity), auth=Auth.EMPTY_BEARER)

    def read(self, reply: Reply) -> str:
        """Return who issues tokens: `every tenant`, `one tenant` or `other`; on premises, schemes where none does.

        Raises `FaultError`.
        """
        if reply.status == 200:
            raise FaultError(http.ANONYMOUS_ALLOWED, {"http_status": "200", **diagnostics.evidence(reply.headers)})
        meaning = http.fault(reply)
        if reply.status != 401 or meaning.fault.kind in BEFORE_THE_CHALLENGE:
            raise meaning
        found, schemes = challenge.bearer(reply.headers), challenge.schemes(reply.headers)
        if found is None and self.on_premises and INTEGRATED & set(schemes.split()):
            return schemes
        if found is None:
            raise FaultError(http.NO_BEARER, {"schemes": schemes, **diagnostics.evidence(reply.headers)})
        if self.address and "authorization_uri" not in found.parameters:
            raise FaultError(http.NO_BEARER, {"missing": "authorization_uri", **diagnostics.evidence(reply.headers)})
        return _issuer(found)


def _issuer(found: challenge.Challenge) -> str:
    issuers = found.parameters.get("trusted_issuers", "")
    return "every tenant" if issuers.endswith("@*") else "one tenant" if "@" in issuers else "other"
