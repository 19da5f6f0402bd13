"""The tenant, running: its ground under it, its services behind the front door, its mail protocol beside them."""

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from prober.simulator.configuration import Wishes, configuration
from prober.simulator.control import Control
from prober.simulator.faults.attempts import Tracker
from prober.simulator.faults.fault import Level, Occasion
from prober.simulator.faults.read import Incident
from prober.simulator.faults.weather import Weather
from prober.simulator.graph.service import Graph
from prober.simulator.ground.addresses import NOBODY, plan
from prober.simulator.ground.dns import Answer
from prober.simulator.ground.ground import Ground
from prober.simulator.http.front_door import FrontDoor
from prober.simulator.http.server import Entrance, HttpProtocol
from prober.simulator.imap.entrance import ImapEntrance
from prober.simulator.imap.protocol import ImapProtocol
from prober.simulator.layout import CLIENTS
from prober.simulator.login.service import Login
from prober.simulator.offer import offer
from prober.simulator.quotas import Limits, Quotas
from prober.simulator.routing import service_of
from prober.simulator.service import Premises
from prober.simulator.tenant import Tenant
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Host

TENDING = 0.5
"""Seconds between looks at whether a listener has to go or to come back."""
UNRESOLVED: Mapping[str, str] = MappingProxyType(
    {"dns_nxdomain": "nxdomain", "dns_timeout": "silence", "dns_servfail": "servfail", "dns_empty": "empty"}
)
"""What a look-up comes to, by the kind of fault that strikes it."""
PROTOCOLS = {"https": "http", "imaps": "imap"}


class Simulator:
    """A tenant that listens. `folder` takes its certificates. `limits`: quotas, by default none.

    `catalogue`: incidents that the control interface can start by their id. Raises `NoPortError`.
    """

    def __init__(
        self, tenant: Tenant, folder: Path, *, limits: Limits | None = None, catalogue: Sequence[Incident] = ()
    ) -> None:
        self.tenant = tenant
        self.weather = Weather(tenant)
        self._ground = Ground(folder, tenant.domain, plan(tenant.domain, tuple(tenant.sites.values()), CLIENTS))
        self._by_name: dict[str, Host] = {}
        for host in self._ground.hosts:
            self._by_name.setdefault(host.name, host)
        login = next(host for host in self._ground.hosts if host.name.startswith("login."))
        doorkeeper = Doorkeeper(tenant, f"https://{login.authority}/{tenant.id}/v2.0")
        self.premises = Premises(tenant, doorkeeper, self._ground.hosts)
        self.login = Login(self.premises)
        self.graph = Graph(self.premises)
        self._tracker = Tracker(tenant.clocks.monotonic)
        self._numbers = itertools.count(1)
        self._quotas = Quotas(tenant, limits)
        self._http = self._http_entrance()
        self._imap = self._imap_entrance()
        self._control = Control(tenant, self.weather, self.premises, doorkeeper, catalogue)
        self._control_entrance = Entrance(
            self._control.answer, self._tracker.accepted, self._tracker.closed, tenant.clocks.monotonic
        )
        self._control_server: asyncio.Server | None = None
        self._tending: asyncio.TimerHandle | None = None
        self._shut: set[Host] = set()
        self._reopening: set[asyncio.Task[None]] = set()
        self.control_url = ""

    @property
    def ca_file(self) -> Path:
        """What a client has to trust (PEM)."""
        return self._ground.ca_file

    @property
    def resolver(self) -> str:
        """The tenant's name server, `host:port`."""
        return self._ground.resolver

    def host(self, name: str) -> Host:
        """Return a host by its name. Raises `KeyError`."""
        return self._by_name[name]

    async def start(self) -> None:
        """Listen everywhere."""
        await self._ground.open(self._protocol, self._hello, self._look_up, self.tenant.clocks.monotonic)
        loop = asyncio.get_running_loop()
        here = Host("127.0.0.1", "127.0.0.1", 0)
        self._control_server = await loop.create_server(
            lambda: HttpProtocol(here, self._control_entrance, next(self._numbers)), here.address, 0
        )
        port = self._control_server.sockets[0].getsockname()[1]
        self.control_url = f"http://127.0.0.1:{port}/"
        self._tend()

    async def stop(self) -> None:
        """Close everything, whoever is connected."""
        if self._tending is not None:
            self._tending.cancel()
        await asyncio.gather(*self._reopening, return_exceptions=True)
        if self._control_server is not None:
            self._control_server.close()
        await self._ground.close()
        for connection in (*self._http.open, *self._control_entrance.open):
            connection.close()
        for line in tuple(self._imap.open):
            line.close()
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # the loop closes sockets in the pass after, and the TLS layer in the one after that

    def write_configuration(self, folder: Path, wishes: Wishes | None = None) -> Path:
        """Write a prober's configuration for this tenant, with its secrets beside it; return the file."""
        written = configuration(
            self.premises,
            resolver=self.resolver,
            ca_file=str(self.ca_file),
            refresh_token=self.login.grants.refresh_token,
            wishes=wishes,
        )
        for name, content in written.files.items():
            place = folder / name
            place.parent.mkdir(mode=0o700, exist_ok=True)
            place.touch(mode=0o600)
            place.write_text(content)
        file = folder / "prober.yml"
        file.write_text(written.text)
        return file

    def _http_entrance(self) -> Entrance:
        services = offer(self.premises, self.login, self.graph)
        door = FrontDoor(
            self.premises,
            self.weather,
            self._quotas,
            route=lambda request: service_of(request, services),
            client_of_application=self.login.client_of,
            joins=self._tracker.joins,
            held=self._tracker.held,
        )
        tracker = self._tracker
        return Entrance(door.answer, tracker.accepted, tracker.closed, self.tenant.clocks.monotonic)

    def _imap_entrance(self) -> ImapEntrance:
        tracker = self._tracker
        return ImapEntrance(
            self.premises,
            self.weather,
            lambda who: self._quotas.enter("imap", who),
            tracker.accepted,
            tracker.held,
            tracker.closed,
        )

    def _protocol(self, host: Host) -> asyncio.Protocol:
        if host.scheme == "imaps":
            return ImapProtocol(host, self._imap, next(self._numbers))
        return HttpProtocol(host, self._http, next(self._numbers))

    def _hello(self, name: str) -> str:
        """Return the fault that strikes a handshake with the host of this name."""
        host = self._by_name.get(name.lower())
        return self._struck(host, Level.TLS) if host else ""

    def _look_up(self, name: str) -> Answer:
        """Decide a look-up, and with it whether the connection that follows will find anybody."""
        host = self._by_name.get(name)
        if host is None:
            return Answer(kind="nxdomain" if name.endswith(self.tenant.domain) else "refused")
        struck = self._struck(host, Level.NAME)
        if struck:
            return Answer(kind=UNRESOLVED[struck])
        struck = self._struck(host, Level.CONNECT)
        if struck == "connect_refuse":
            return Answer(NOBODY)
        return Answer(self._ground.trap(struck, host.port) if struck else host.address)

    def _struck(self, host: Host, level: Level) -> str:
        occasion = Occasion(host, self._tracker.looked_up(host), PROTOCOLS[host.scheme], host.client)
        fault = self.weather.strike(occasion, level)
        return fault.kind if fault else ""

    def _tend(self) -> None:
        """Shut listeners that nobody is to reach now, for those who come without asking for a name; reopen others."""
        self._tending = asyncio.get_running_loop().call_later(TENDING, self._tend)
        sure = {}
        if any(fault.level is Level.CONNECT for one in self.weather.running for fault in one.incident.faults):
            found = ((host, self.weather.certain(host)) for host in self._ground.hosts)
            sure = {host: fault for host, fault in found if fault is not None}
        for host in self._shut - set(sure):
            task = asyncio.get_running_loop().create_task(self._ground.reopen(host))
            self._reopening.add(task)
            task.add_done_callback(self._reopening.discard)
        for host, fault in sure.items():
            if host not in self._shut:
                self._ground.shut(host, fault.kind)
        self._shut = set(sure)
