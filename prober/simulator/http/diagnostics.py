"""The fields by which Exchange tells who answered: front end, edge site, mailbox server, ids of the request.

What they mean is in Learn, "Instrumenting client requests for EWS and REST", and in MS-ASHTTP section 2.2.1.1.2.
"""

import uuid
from email.utils import formatdate

from prober.simulator.http.message import Fields, Request
from prober.simulator.mailbox import Mailbox
from prober.simulator.tenant import Site, Tenant

EXCHANGE_SERVICES = frozenset({"activesync", "ews", "autodiscover", "mapi", "owa", "health"})
BUILD = "15.20.9200.010"


def plain(wall: float) -> Fields:
    """Return what every reply carries; `wall` in epoch seconds."""
    return (("Date", formatdate(wall, usegmt=True)), ("Server", "Microsoft-IIS/10.0"))


def front_end(request: Request, site: Site) -> Fields:
    """Return what the front end adds to every reply, an error of its own included."""
    asked = request.header("client-request-id")
    return (
        ("request-id", str(uuid.uuid4())),
        *((("client-request-id", asked),) if asked else ()),
        ("X-FEServer", site.front_end(request.connection.number)),
        ("X-FEEFZInfo", site.code.upper()),
        ("X-FirstHopCafeEFZ", site.code.upper()),
        ("X-RUM-Validated", "1"),
    )


def back_end(tenant: Tenant, site: Site, mailbox: Mailbox | None, status: int) -> Fields:
    """Return what is there once the mailbox server has answered: who it was, and what it said to the front end."""
    home = tenant.site_of(mailbox) if mailbox is not None else site
    server = home.back_end(mailbox) if mailbox is not None else f"{home.front_end(0)}.{home.forest}.prod.outlook.com"
    return (
        ("X-CalculatedBETarget", server),
        ("X-BEServer", server.partition(".")[0]),
        ("X-DiagInfo", server.partition(".")[0]),
        ("X-BackEndHttpStatus", str(status)),
        ("X-Proxy-RoutingCorrectness", "1"),
        ("X-Proxy-BackendServerStatus", str(status)),
    )
