"""The health pages of servers of one's own: what a load balancer asks each protocol for (Learn, "Load balancing").

Rule of this file: the cloud has no such pages, and nobody has to sign in for them.
"""

from math import ceil

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Reply, Request, html_reply
from prober.simulator.service import Errand, Premises
from prober.simulator.tenant import SERVER

DIRECTORIES = frozenset(
    {"owa", "ecp", "ews", "mapi", "rpc", "oab", "autodiscover", "microsoft-server-activesync", "powershell"}
)
PAGE = "healthcheck.htm"
METHODS = ("GET", "HEAD")


class Health:
    """`/{directory}/healthcheck.htm`: that the protocol is well, and the name of the server that says so."""

    name = "health"

    def __init__(self, premises: Premises) -> None:
        self._tenant = premises.tenant

    def errand(self, request: Request) -> Errand:
        """Say that this is the health page."""
        return Errand(frozenset({"health_page"}))

    async def answer(self, request: Request, fault: Fault | None) -> Reply:
        """Return the page; 404 where there is none."""
        site = self._tenant.sites.get(request.connection.host.site)
        if site is None or site.environment != SERVER or not _is_page(request.path):
            return html_reply("<h1>404 - File or directory not found.</h1>", 404)
        if request.method not in METHODS:
            return Reply(405, (("Allow", ", ".join(METHODS)),))
        server = f"{site.front_end(request.connection.number)}.{self._tenant.domain}"
        return html_reply(f"200 OK<br/>{server}", headers=(("Cache-Control", "no-cache"),))

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse as a web server does (RFC 9110 section 15.6.4)."""
        return Reply(status or 503, (("Retry-After", str(ceil(retry_after))),))


def _is_page(path: str) -> bool:
    directory, _, page = path.lower().lstrip("/").partition("/")
    return directory in DIRECTORIES and page == PAGE
