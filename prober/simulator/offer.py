"""Everything the tenant offers over HTTP, by name. A new service is one line here and one in `routing`."""

from collections.abc import Mapping
from types import MappingProxyType

from prober.simulator.activesync.service import ActiveSync
from prober.simulator.autodiscover.service import Autodiscover
from prober.simulator.ews.service import Ews
from prober.simulator.graph.service import Graph
from prober.simulator.health import Health
from prober.simulator.login.service import Login
from prober.simulator.mapi.service import Mapi
from prober.simulator.portal import Portal
from prober.simulator.service import Premises, Service
from prober.simulator.site import Website
from prober.simulator.web import Web


def offer(premises: Premises, login: Login, graph: Graph) -> Mapping[str, Service]:
    """Return every service of the tenant; two are made by the caller, who needs them for more than answering."""
    services: tuple[Service, ...] = (
        login,
        Autodiscover(premises),
        ActiveSync(premises),
        Ews(premises),
        graph,
        Mapi(premises),
        Web(premises),
        Portal(premises),
        Health(premises),
        Website(),
    )
    return MappingProxyType({service.name: service for service in services})
