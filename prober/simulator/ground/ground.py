"""The ground, opened: listeners on every address, the resolver beside them, and places where nobody answers.

Rule of this file: everything is on loopback, and everything that was opened is closed.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterable
from pathlib import Path

from prober.simulator.ground import addresses
from prober.simulator.ground.dns import Datagrams, Decide, Resolver, stream
from prober.simulator.ground.pki import Authority, OnHello, server_context
from prober.simulator.ground.traps import Trap
from prober.simulator.wire import Host

Factory = Callable[[Host], asyncio.Protocol]
BACKLOG = 4096
HANDSHAKE = 60.0
"""Seconds for a TLS handshake: a client's own limit comes first."""


class Ground:
    """What the tenant stands on. `hosts` have their ports as soon as it is made. Raises `NoPortError`."""

    def __init__(self, folder: Path, domain: str, hosts: Iterable[Host]) -> None:
        self.hosts, self._sockets = addresses.bind(hosts)
        self._domain = domain
        self._by_place = {(host.address, host.port): host for host in self.hosts}
        self._authority = Authority(folder)
        self._servers: dict[tuple[str, int], asyncio.Server] = {}
        self._traps: dict[tuple[str, int], Trap] = {}
        self._shut: dict[tuple[str, int], Trap | None] = {}
        self._datagrams: asyncio.DatagramTransport | None = None
        self._streams: asyncio.Server | None = None
        self._context: ssl.SSLContext | None = None
        self._factory: Factory | None = None
        self.resolver = ""

    @property
    def ca_file(self) -> Path:
        """The certificate of the tenant's authority (PEM)."""
        return self._authority.ca_file

    async def open(self, factory: Factory, on_hello: OnHello, decide: Decide, clock: Callable[[], float]) -> None:
        """Listen everywhere. `factory` makes the protocol of a connection to a host."""
        names = sorted({host.name for host in self.hosts} | {"localhost", "127.0.0.1"})
        self._context = server_context(self._authority, names, on_hello)
        self._factory = factory
        for bound in self._sockets:
            await self._listen(bound)
        self._sockets = []
        await self._resolve(decide, clock)

    async def close(self) -> None:
        """Close everything that listens. Connections are their protocols' business."""
        for server in (*self._servers.values(), *([self._streams] if self._streams else [])):
            server.close()
        if self._datagrams is not None:
            self._datagrams.close()
        for bound in self._sockets:
            bound.close()
        for trap in (*self._traps.values(), *filter(None, self._shut.values())):
            trap.close()
        self._servers, self._traps, self._shut, self._sockets = {}, {}, {}, []
        await asyncio.sleep(0)  # transports give their sockets back in the loop's next pass

    def trap(self, kind: str, port: int) -> str:
        """Return an address where whoever connects to `port` meets with a fault of this kind."""
        address = addresses.TRAPS[kind]
        if (address, port) not in self._traps:
            self._traps[address, port] = Trap(kind, address, port)
        return address

    def shut(self, host: Host, kind: str) -> None:
        """Listen to `host` no more: who comes is refused, or caught in a trap of this kind. Connections there stay."""
        place = (host.address, host.port)
        server = self._servers.pop(place, None)
        if server is None:
            return
        server.close()
        self._shut[place] = Trap(kind, *place) if kind in addresses.TRAPS else None

    async def reopen(self, host: Host) -> None:
        """Listen to `host` again."""
        place = (host.address, host.port)
        if place in self._shut:
            trap = self._shut.pop(place)
            if trap is not None:
                trap.close()
            await self._listen(addresses.bound(*place))

    async def _listen(self, bound: socket.socket) -> None:
        place: tuple[str, int] = bound.getsockname()
        host, factory = self._by_place[place], self._factory
        if factory is None:
            raise RuntimeError("the ground is not open")
        self._servers[place] = await asyncio.get_running_loop().create_server(
            lambda: factory(host),
            sock=bound,
            ssl=self._context,
            backlog=BACKLOG,
            ssl_handshake_timeout=HANDSHAKE,
            ssl_shutdown_timeout=1.0,
        )

    async def _resolve(self, decide: Decide, clock: Callable[[], float]) -> None:
        autodiscover = next((host for host in self.hosts if host.name.startswith("autodiscover.")), None)
        services = (
            {f"_autodiscover._tcp.{self._domain}": (autodiscover.name, autodiscover.port)} if autodiscover else {}
        )
        resolver = Resolver(self._domain, decide, clock, services)
        loop = asyncio.get_running_loop()
        datagrams, streams = addresses.pair()
        port = datagrams.getsockname()[1]
        self._datagrams, _ = await loop.create_datagram_endpoint(lambda: Datagrams(resolver), sock=datagrams)
        self._streams = await asyncio.start_server(
            lambda reader, writer: stream(resolver, reader, writer), sock=streams
        )
        self.resolver = f"127.0.0.1:{port}"
