"""One service of the tenant behind its real front door, over TLS on 127.0.0.1, for clients that block."""

import asyncio
import itertools
import ssl
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from prober.simulator.faults.weather import Weather
from prober.simulator.http.front_door import FrontDoor
from prober.simulator.http.server import Entrance, HttpProtocol
from prober.simulator.quotas import Quotas
from prober.simulator.service import Premises, Service
from prober.simulator.tenant import Application, Site, Tenant, User
from prober.simulator.tokens import Doorkeeper
from prober.simulator.wire import Attempt, Host
from tests.servers.pki import Authority

T = TypeVar("T")
ALICE = "alice@contoso.example"
PASSWORD = "secret-a"
APP = Application("11111111-1111-1111-1111-111111111111", "Probe", "", "app-secret", "", frozenset({ALICE}))


def tenant_of_one(environment: str = "exchange_online") -> Tenant:
    """Return a tenant with one site, one mailbox, one user, one application."""
    site = Site("ams1", "eu", "AMS", environment=environment)
    tenant = Tenant("contoso.example", [site], users=[User(ALICE, PASSWORD)], applications=[APP])
    tenant.open_mailbox(ALICE, "ams1")
    return tenant


@dataclass(slots=True)
class Doorway:
    """A running service. `on_loop` runs something where the tenant lives: nothing of it may be touched elsewhere."""

    tenant: Tenant
    premises: Premises
    service: Service
    weather: Weather
    port: int
    ca_file: Path
    loop: asyncio.AbstractEventLoop
    open: set[HttpProtocol] = field(default_factory=set)

    @property
    def url(self) -> str:
        """`https://localhost:port`."""
        return f"https://localhost:{self.port}"

    def on_loop(self, work: Callable[[], T]) -> T:
        """Run `work` on the tenant's loop and return what it returns."""

        async def doing() -> T:
            return work()

        return asyncio.run_coroutine_threadsafe(doing(), self.loop).result(10)


@contextmanager
def doorway(folder: Path, make: Callable[[Premises], Service], tenant: Tenant | None = None) -> Iterator[Doorway]:
    """Run the service that `make` makes, in a thread of its own, until the block ends."""
    authority = Authority(folder, "Doorway CA")
    pair = authority.issue("doorway")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.certificate_file, pair.key_file)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    try:
        way, server = run(_opened(tenant or tenant_of_one(), make, context, authority.ca_file, loop))
        try:
            yield way
        finally:
            run(_closed(way, server))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _opened(
    tenant: Tenant,
    make: Callable[[Premises], Service],
    context: ssl.SSLContext,
    ca_file: Path,
    loop: asyncio.AbstractEventLoop,
) -> tuple[Doorway, asyncio.Server]:
    host: list[Host] = []
    numbers, open_ones = itertools.count(1), set[HttpProtocol]()
    entrance: list[Entrance] = []
    server = await loop.create_server(
        lambda: HttpProtocol(host[0], entrance[0], next(numbers)), "127.0.0.1", 0, ssl=context
    )
    port = server.sockets[0].getsockname()[1]
    site = next(iter(tenant.sites.values()))
    host.append(Host("localhost", "127.0.0.1", port, site=site.name, region=site.region))
    login = Host("login.contoso.example", "127.0.0.1", port)
    premises = Premises(tenant, Doorkeeper(tenant), (host[0], login))
    service, weather = make(premises), Weather(tenant)
    door = FrontDoor(
        premises,
        weather,
        Quotas(tenant, None),
        route=lambda request: service,
        client_of_application=lambda request: "",
        joins=lambda client, connection: connection.attempt,
        held=lambda connection: None,
    )
    attempts = itertools.count(1)
    entrance.append(
        Entrance(
            door.answer,
            lambda where: Attempt(where.name, next(attempts)),
            lambda connection: None,
            tenant.clocks.monotonic,
            open_ones,
        )
    )
    return Doorway(tenant, premises, service, weather, port, ca_file, loop, open_ones), server


async def _closed(way: Doorway, server: asyncio.Server) -> None:
    server.close()
    for connection in list(way.open):
        connection.close()
    await server.wait_closed()
    rest = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
