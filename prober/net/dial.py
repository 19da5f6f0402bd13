"""Opening a connection: resolve, connect, perhaps through a proxy, perhaps TLS; each a measured phase with its limit.

Whatever breaks, or cancels us, on the way leaves no socket behind.
"""

import asyncio
import functools
import ssl
from collections.abc import Mapping
from dataclasses import replace

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.net.arrivals import KernelNotes
from prober.net.connect import connect, usable
from prober.net.dns import HostsFile, is_numeric, resolve
from prober.net.forbidden import is_forbidden
from prober.net.origin import Origin, split_url
from prober.net.phases import Measured, cut_short
from prober.net.proxy import bypasses, tunnel, unreachable
from prober.net.route import Proxy, Route
from prober.net.stream import Stream
from prober.net.tls import Application, TlsSession, read_certificate
from prober.net.watch import Watch
from prober.timeline import Timeline
from prober.vocabulary import Phase

DNS_FORBIDDEN_ADDRESS = Kind("dns_forbidden_address", Reason.DNS_FAILURE)
FORBIDDEN_ADDRESS = Kind("forbidden_address", Reason.PROTOCOL_VIOLATION)
"""A name that leads, and a server that sends us, to where no server of anybody's mail can be."""
MOST_ADDRESSES = 8  # of a name, that are kept as evidence
CERTIFICATES = 64  # the same few are shown at every visit; reading one costs more than finding it
PLACES = 256  # nor do a route's names, addresses and URLs change from one attempt to the next


class Dialer:
    """Opens streams along one route. Shared by all its sessions; keeps nothing of them.

    `split` reads a URL as `split_url` does. With `notes` the kernel says when bytes came.
    """

    def __init__(
        self,
        route: Route,
        contexts: Mapping[Application, ssl.SSLContext],
        watch: Watch,
        notes: KernelNotes | None = None,
    ) -> None:
        self._route = route
        self._watch = watch
        self._notes = notes
        self._contexts = contexts
        self._hosts = HostsFile()
        self._read = functools.lru_cache(CERTIFICATES)(read_certificate)
        self._forbidden = functools.lru_cache(PLACES)(is_forbidden)
        self._allowed = functools.lru_cache(PLACES)(self._not_forbidden)
        self._usable = functools.lru_cache(PLACES)(self._of_our_family)
        self._numeric = functools.lru_cache(PLACES)(is_numeric)
        self.split = functools.lru_cache(PLACES)(split_url)

    async def open(self, origin: Origin, application: Application, timeline: Timeline) -> Stream:
        """Return a stream to `origin`, under TLS where its scheme says so. Raises `FaultError`."""
        host = self._route.connect_to.get(origin.host, origin.host)
        if host == origin.host and host not in self._route.literals and self._forbidden(host):
            raise FaultError(FORBIDDEN_ADDRESS, {"address": host})
        proxy = self._route.proxy
        if proxy is None or bypasses(origin.host, self._route.no_proxy):
            proxy = None
            stream = await self._reach(host, origin.port, timeline)
        else:
            stream = await self._through(proxy, replace(origin, host=host), timeline)
        timeline.facts["address"] = stream.address
        if proxy is not None:
            timeline.facts["proxied"] = True
        if self._route.timestamps == "kernel":
            timeline.facts["timestamps"] = "loop" if self._notes is None else "kernel"
        if origin.secure:
            await self.secure(stream, origin, application, timeline)
        return stream

    async def secure(self, stream: Stream, origin: Origin, application: Application, timeline: Timeline) -> None:
        """Shake hands with `origin` on `stream`, which is dropped on failure. Raises `FaultError`.

        The certificate goes to the timeline also when it was refused.
        """
        name = self._route.tls.server_name or origin.host.rstrip(".")
        session = TlsSession(self._contexts[application], name)
        timeline.current, started = Phase.TLS, timeline.clock()
        deadline = asyncio.get_running_loop().time() + self._route.limits.tls
        try:
            try:
                await stream.start_tls(session, deadline, more=application is Application.HTTPS)
            except BaseException as exc:
                cut_short(timeline, Phase.TLS, started, exc)
                raise
            timeline.spend(Phase.TLS, started, timeline.clock())
        except BaseException:
            stream.close()
            raise
        finally:
            der = session.peer_certificate()
            if der is not None:
                timeline.certificate = self._read(der, verified=session.verified)
        timeline.facts["tls_version"], timeline.facts["tls_cipher"] = session.version, session.cipher

    async def _reach(self, host: str, port: int, timeline: Timeline) -> Stream:
        addresses = self._usable(await self._addresses(host, timeline))
        if not addresses:
            raise FaultError(kinds.DNS_NO_ADDRESS, {"family": self._route.family})
        limit, source = self._route.limits.connect, self._route.source_address
        timeline.current, started = Phase.CONNECT, timeline.clock()
        try:
            stream = await connect(self._watch, addresses, port, timeline.clock, limit, source, self._notes)
        except BaseException as exc:
            cut_short(timeline, Phase.CONNECT, started, exc, limited=False)  # each address has its own limit
            raise
        timeline.spend(Phase.CONNECT, started, stream.opened_at)
        return stream

    async def _addresses(self, host: str, timeline: Timeline) -> tuple[str, ...]:
        if self._numeric(host):
            return (host,)
        timeline.current, started = Phase.DNS, timeline.clock()
        try:
            found = self._hosts.find(host, self._route.family)
            if not found:
                async with asyncio.timeout(self._route.limits.dns):
                    found = await resolve(host, self._route.family, self._route.resolver)
        except BaseException as exc:
            cut_short(timeline, Phase.DNS, started, exc)
            raise
        timeline.spend(Phase.DNS, started, timeline.clock())
        timeline.facts["resolved"] = " ".join(found[:MOST_ADDRESSES])
        allowed = self._allowed(found)
        if found and not allowed:
            raise FaultError(DNS_FORBIDDEN_ADDRESS, {"address": found[0]}, phase=Phase.DNS)
        return allowed

    def _not_forbidden(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one for one in addresses if not self._forbidden(one))

    def _of_our_family(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        return usable(addresses, self._route.family, self._route.source_address)

    async def _through(self, proxy: Proxy, origin: Origin, timeline: Timeline) -> Stream:
        """Reach the proxy and have it connect; the whole of that is the connect phase."""
        entrance, _ = split_url(proxy.url)
        try:
            stream = await self._reach(entrance.host, entrance.port, timeline)
        except FaultError as error:
            raise unreachable(error) from None
        try:
            with Measured(timeline, Phase.CONNECT, None) as lap:
                lap.ended = await tunnel(stream, origin, proxy, self._route.limits.connect)
        except BaseException:
            stream.abort()
            raise
        return stream
