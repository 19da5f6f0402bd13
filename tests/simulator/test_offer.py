"""Everything the tenant offers."""

from prober.simulator.graph.service import Graph
from prober.simulator.layout import default_layout, found
from prober.simulator.login.service import Login
from prober.simulator.offer import offer
from prober.simulator.routing import BY_HOST, BY_PATH
from prober.simulator.service import Premises
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Host


def test_every_route_leads_to_a_service_and_every_service_knows_its_name() -> None:
    """A path to nothing would be a 404 that looks like a fault."""
    tenant = found(default_layout())
    hosts = (
        Host("login.contoso.example", "127.0.0.1", 1),
        Host("mail.ams1.contoso.example", "127.0.0.1", 1, site="ams1"),
    )
    premises = Premises(tenant, Doorkeeper(tenant), hosts)
    services = offer(premises, Login(premises), Graph(premises))
    routed = {service for _, service in (*BY_HOST, *BY_PATH)} | {"health", "site"}
    assert routed == set(services)
    assert all(name == service.name for name, service in services.items())
