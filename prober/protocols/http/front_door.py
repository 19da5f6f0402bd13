"""A front door asked without a word: any refusal of an Exchange front end shows that it is there."""

from dataclasses import dataclass

from prober.exchange import Call, Reply
from prober.faults.taxonomy import FaultError
from prober.protocols.http import challenge, diagnostics, status

GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """GET `url` without credentials."""

    url: str

    def call(self) -> Call:
        """Return the request."""
        return Call("GET", self.url)

    def read(self, reply: Reply) -> bool:
        """Return whether it is there; a 404 or 410 says that it is no more. Raises `FaultError`."""
        if reply.status in GONE:
            return False
        if reply.status == 401 and "request-id" in reply.headers:
            return True
        if reply.status == 401:
            evidence = {"schemes": challenge.schemes(reply.headers), "missing": "request-id"}
            raise FaultError(status.NO_BEARER, {**evidence, **diagnostics.evidence(reply.headers)})
        raise status.fault(reply)
