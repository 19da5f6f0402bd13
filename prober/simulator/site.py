"""A web site of the organisation that has nothing to do with mail: what a control probe asks for."""

from math import ceil

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Reply, Request, html_reply
from prober.simulator.service import Errand

PAGE = "<!doctype html><html><head><title>Contoso</title></head><body><h1>Contoso</h1></body></html>"
METHODS = ("GET", "HEAD")


class Website:
    """One page."""

    name = "site"

    def errand(self, request: Request) -> Errand:
        """Say that this is the control's only step."""
        return Errand(frozenset({"fetch"}))

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Return the page."""
        return html_reply(PAGE) if request.method in METHODS else Reply(405, (("Allow", ", ".join(METHODS)),))

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse as web servers do (RFC 6585 section 4)."""
        return Reply(status or 429, (("Retry-After", str(ceil(retry_after))),))
