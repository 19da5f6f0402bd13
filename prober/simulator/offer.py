"""Everything the tenant offers over HTTP, by name. A new service is one line here and one in `routing`."""

from collections.abc import Mapping
from types import MappingProxyType

from prober.simulator.activesync.service import ActiveSync
from prober.simulator.login.service import Login
from prober.simulator.service import Premises, Service
from prober.simulator.site import Website


def offer(premises: Premises, login: Login) -> Mapping[str, Service]:
    """Return every service of the tenant; `login` is made by the caller, who needs it for more than answering."""
    services: tuple[Service, ...] = (login, ActiveSync(premises), Website())
    return MappingProxyType({service.name: service for service in services})
