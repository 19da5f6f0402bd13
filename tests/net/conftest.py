"""Fixtures of the network's tests."""

import asyncio
import socket
from collections.abc import Callable, Coroutine, Iterator, Mapping
from types import MappingProxyType
from typing import Any

import pytest
import uvloop

from prober.net import connect, watch
from prober.net.arrivals import KernelNotes
from prober.net.stream import Stream
from prober.net.watch import Watch
from prober.timeline import Clock
from tests.net.certificates import Pki

Run = Callable[[Coroutine[Any, Any, None]], None]
LOOPS: Mapping[str, Callable[[], asyncio.AbstractEventLoop]] = MappingProxyType(
    {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
)
_attempt = connect._attempt


async def _with_notes(
    watch: Watch, address: str, port: int, clock: Clock, limit: float, source: str | None, notes: KernelNotes | None
) -> Stream | OSError:
    return await _attempt(watch, address, port, clock, limit, source, notes or KernelNotes())


@pytest.fixture(scope="session")
def pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """Certificates of every quality."""
    return Pki(tmp_path_factory.mktemp("pki"))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """Give a port of 127.0.0.1 that refuses connections: it is taken, but nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


@pytest.fixture(params=["asyncio", "uvloop", "asyncio and kernel", "asyncio without epoll"])
def run(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a coroutine to its end on each kind of event loop, with the kernel's notes of when bytes came, and as on a
    system that has no epoll.
    """
    factory, _, how = request.param.partition(" ")
    if how == "and kernel":
        monkeypatch.setattr(connect, "_attempt", _with_notes)
    elif how:
        monkeypatch.setattr(watch, "HAS_EPOLL", False)

    def runner(scenario: Coroutine[Any, Any, None]) -> None:
        with asyncio.Runner(loop_factory=LOOPS[factory]) as loop:
            loop.run(scenario)

    return runner
