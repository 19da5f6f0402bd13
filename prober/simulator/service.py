"""What a service of the tenant is: it says what a request is for and answers it, with or without a fault."""

from dataclasses import dataclass
from typing import Protocol

from prober.simulator.faults.fault import Fault
from prober.simulator.http.message import Broken, Reply, Request
from prober.simulator.tenant import Tenant
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Host

COMMON = frozenset(
    {"delay", "stall", "reset", "close", "garbage", "flood"}
    | {"http", "html_page", "redirect_loop", "bearer_401", "throttle"}
)
"""Kinds the front door acts out for every service; the rest reach `Service.answer`."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What a request is for.

    `steps`: the names it has in the step tables of clients, empty for what no step does. `mailbox`: the address it is
    about, as far as it says. `push`: it waits for news. `kinds`: the kinds of fault beyond `COMMON` that this service
    can act out on this request. `token_expires`: of the bearer token presented, epoch seconds, 0 without one. `asker`:
    who asks, where that has a budget beside the mailbox's: an application, a device, a grant.
    """

    steps: frozenset[str] = frozenset()
    mailbox: str = ""
    push: bool = False
    kinds: frozenset[str] = frozenset()
    token_expires: float = 0.0
    asker: str = ""


@dataclass(frozen=True, slots=True)
class Premises:
    """What every service stands on: the tenant, who is let in, and under which names the tenant is reached."""

    tenant: Tenant
    doorkeeper: Doorkeeper
    hosts: tuple[Host, ...]

    @property
    def login(self) -> str:
        """Authority (`name:port`) of the token service."""
        return next(host.authority for host in self.hosts if host.name.startswith("login."))

    def authority(self, client: str, site: str) -> str:
        """Return the authority under which `client` reaches `site`, that of any client where it has none of its own."""
        here = [host for host in self.hosts if host.site == site and host.scheme == "https"]
        return next((host for host in here if host.client == client), here[0]).authority


class Service(Protocol):
    """A service behind the front door. `name` is what quotas know it by."""

    name: str

    def errand(self, request: Request) -> Errand:
        """Say what `request` is for. Cheap, and never raises for bytes a client may send."""

    async def answer(self, request: Request, fault: Fault | None) -> Reply | Broken:
        """Answer `request`; `fault` is of a kind named in its errand."""

    def throttled(self, request: Request, status: int, retry_after: float) -> Reply:
        """Refuse `request` the way this service tells a client to slow down; `status` 0 leaves it to the service."""
