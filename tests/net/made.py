"""What the tests of this room set up again and again."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from prober.faults.taxonomy import FaultError
from prober.net.network import Network
from prober.net.route import PhaseLimits, Proxy, Route, TlsPolicy
from prober.net.session import ColdSession
from prober.timeline import Timeline
from tests.net.certificates import Pki

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
QUICK = PhaseLimits(dns=0.2, connect=0.2, tls=0.2, send=0.2, wait=0.2, receive=0.2)


def route(pki: Pki, *, limits: PhaseLimits | None = None, proxy: Proxy | None = None, **tls: str) -> Route:
    """Return a way out that trusts our authority and finds `mail.test` on this machine."""
    return Route(
        tls=TlsPolicy(ca_file=pki.ours.file, **tls),  # type: ignore[arg-type]  # a version's literal arrives as str
        proxy=proxy,
        connect_to={"mail.test": "127.0.0.1"},
        limits=limits or PhaseLimits(),
    )


@asynccontextmanager
async def session(way: Route, timeline: Timeline | None = None) -> AsyncIterator[ColdSession]:
    """Open a session along `way` and close it at the end."""
    timeline = timeline or Timeline()
    opened = Network(way, clock=timeline.clock).session(timeline)
    try:
        yield opened
    finally:
        await opened.close()


class Raised:
    """Catches the fault that a block must end with."""

    error: FaultError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, trace: object) -> bool:
        assert kind is not None, "no fault was raised"
        if not isinstance(exc, FaultError):
            return False
        self.error = exc
        return True
