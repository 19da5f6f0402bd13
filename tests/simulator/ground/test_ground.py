"""The ground, opened on real addresses of 127.0.0.0/8."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from prober.simulator.ground.addresses import NOBODY, plan
from prober.simulator.ground.dns import Answer
from prober.simulator.ground.ground import Ground
from prober.simulator.tenant import Site
from prober.simulator.wire import Host


class Greeter(asyncio.Protocol):
    """Says which host was meant, and leaves."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.write(self._host.name.encode())  # type: ignore[attr-defined]  # a server makes no other
        transport.close()


@dataclass(slots=True)
class Opened:
    """A ground that is open."""

    ground: Ground

    def host(self, name: str) -> Host:
        return next(host for host in self.ground.hosts if host.name == name)

    async def greeting(self, host: Host) -> str:
        """Connect with TLS and read."""
        context = ssl.create_default_context(cafile=str(self.ground.ca_file))
        reader, writer = await asyncio.open_connection(host.address, host.port, ssl=context, server_hostname=host.name)
        said = (await reader.read()).decode()
        writer.close()
        return said


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Opened]:
    ground = Ground(folder, "x.test", plan("x.test", [Site("ams1", "eu", "AMS")], ["imap4", "activesync", "control"]))
    await ground.open(Greeter, lambda name: "", lambda name: Answer(kind="nxdomain"), lambda: 0.0)
    try:
        yield Opened(ground)
    finally:
        await ground.close()


async def test_every_host_answers_for_itself(tmp_path: Path) -> None:
    """With a certificate that bears its name."""
    async with opened(tmp_path) as here:
        for host in here.ground.hosts:
            assert await here.greeting(host) == host.name


async def test_nobody_listens_where_nobody_is(tmp_path: Path) -> None:
    """The kernel refuses."""
    async with opened(tmp_path) as here:
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(NOBODY, here.ground.hosts[0].port)


def reaches(address: str, port: int) -> bool:
    """Whether a connection is accepted within the time of several tries of the kernel on loopback."""
    with socket.socket() as plain:
        plain.settimeout(0.2)
        try:
            plain.connect((address, port))
        except TimeoutError:
            return False
        return True


async def test_a_trap_is_set_once_and_catches_whoever_comes(tmp_path: Path) -> None:
    """No refusal, no acceptance."""
    async with opened(tmp_path) as here:
        port = here.ground.hosts[0].port
        address = here.ground.trap("connect_blackhole", port)
        assert not reaches(address, port)
        assert here.ground.trap("connect_blackhole", port) == address


@pytest.mark.parametrize("kind", ["connect_refuse", "connect_blackhole", "tls_stall"])
async def test_a_listener_can_be_shut_and_opened_again(tmp_path: Path, kind: str) -> None:
    """Its neighbours stay."""
    async with opened(tmp_path) as here:
        host, neighbour = here.host("imap4.ams1.x.test"), here.host("activesync.ams1.x.test")
        here.ground.shut(host, kind)
        here.ground.shut(host, kind)
        if kind == "connect_refuse":
            with pytest.raises(ConnectionRefusedError):
                reaches(host.address, host.port)
        else:
            assert reaches(host.address, host.port) is (kind == "tls_stall")
        assert await here.greeting(neighbour) == neighbour.name
        await here.ground.reopen(host)
        assert await here.greeting(host) == host.name


async def test_what_was_opened_is_closed(tmp_path: Path) -> None:
    """Also what was shut or dug."""
    async with opened(tmp_path) as here:
        host = here.host("imap4.ams1.x.test")
        here.ground.shut(host, "connect_blackhole")
        here.ground.trap("tls_close", host.port)
    for one in here.ground.hosts:
        with pytest.raises(ConnectionRefusedError):
            reaches(one.address, one.port)
