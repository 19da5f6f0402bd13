"""From `tls`, `network` and `proxy` to a `Route`: what a section leaves open is taken from `global`."""

import dataclasses
import ipaddress
from types import MappingProxyType

from prober.net.route import Proxy, Route, TlsPolicy
from prober.settings.addresses import direct_trouble, is_host, is_ip, name_server_trouble, proxy_trouble
from prober.settings.document import Global, NetworkSection, ProxySection, Tls, WayOut
from prober.settings.files import Files
from prober.settings.mistakes import Mistakes, shown
from prober.settings.source import Location

METADATA_SERVICE = "169.254.169.254"
"""Where managed identities get their tokens: a link-local address, which no proxy can reach."""
PAIR = ("certificate_file", "key_file")


class Routes:
    """Makes routes; the mistakes of `global` are taken down with the first."""

    def __init__(self, base: Global, mistakes: Mistakes, files: Files) -> None:
        self._base = base
        self._mistakes = mistakes
        self._files = files
        if base.tls.server_name is not None:
            mistakes.add(("global", "tls", "server_name"), "belongs to a target: here it would be asked of every host")

    def route(self, section: WayOut, path: Location) -> Route:
        """Return the way out that `section` at `path` describes."""
        network = self._network(section)
        self._check_network(section, path, network)
        return Route(
            tls=self._tls(section, path),
            proxy=self._proxy(section, path),
            no_proxy=self._direct(section, path),
            family=network.family or "auto",
            source_address=network.source_address,
            resolver=tuple(network.resolver or ()),
            connect_to=MappingProxyType({name.lower(): to for name, to in (network.connect_to or {}).items()}),
            timestamps=network.timestamps or "loop",
        )

    def token_route(self, section: WayOut) -> Route:
        """Return the way out to token services."""
        route = self.route(section, ("token_service",))
        if route.proxy is None:
            return route
        return dataclasses.replace(route, no_proxy=(*route.no_proxy, METADATA_SERVICE))

    # -- TLS -----------------------------------------------------------------------------------------------------

    def _tls(self, section: WayOut, path: Location) -> TlsPolicy:
        own, base = section.tls, self._base.tls
        pair = own if own.certificate_file is not None or own.key_file is not None else base
        holder: Location = (*(path if pair is own else ("global",)), "tls")
        certificate, key = self._files.pair(
            (*holder, "certificate_file"), pair.certificate_file, (*holder, "key_file"), pair.key_file
        )
        if own.server_name is not None and not is_host(own.server_name):
            self._mistakes.add((*path, "tls", "server_name"), "must be a host name")
        return TlsPolicy(
            ca_file=self._files.authorities(self._at(own, path, "tls", "ca_file"), own.ca_file or base.ca_file),
            server_name=own.server_name,
            certificate_file=certificate,
            key_file=key,
            minimum_version=own.minimum_version or base.minimum_version or "1.2",
        )

    def _at(self, own: Tls | NetworkSection, path: Location, part: str, key: str) -> Location:
        """Return where `part.key` stands: at the section itself, or else at `global`."""
        return (*path, part, key) if getattr(own, key) is not None else ("global", part, key)

    # -- network -------------------------------------------------------------------------------------------------

    def _network(self, section: WayOut) -> NetworkSection:
        own, base = section.network, self._base.network
        open_keys = {key: getattr(base, key) for key in NetworkSection.model_fields if getattr(own, key) is None}
        return own.model_copy(update=open_keys)

    def _check_network(self, section: WayOut, path: Location, network: NetworkSection) -> None:
        own = section.network
        self._check_source(self._at(own, path, "network", "source_address"), network)
        at = self._at(own, path, "network", "resolver")
        for index, server in enumerate(network.resolver or ()):
            self._check((*at, index), server, name_server_trouble(server))
        at = self._at(own, path, "network", "connect_to")
        for name, to in (network.connect_to or {}).items():
            if not is_host(name) or not (is_host(to) or is_ip(to)):
                self._mistakes.add(
                    (*at, name), "must lead from a host name to an IP address or another host name, without a port"
                )

    def _check_source(self, at: Location, network: NetworkSection) -> None:
        address = network.source_address
        if address is None:
            return
        if not is_ip(address):
            self._mistakes.add(at, f"{shown(address)} is not an IP address")
        elif network.family not in (None, "auto", f"ipv{ipaddress.ip_address(address).version}"):
            self._mistakes.add(at, f"is not an {network.family} address, which `family` asks for")

    def _check(self, at: Location, given: str, trouble: str) -> None:
        if trouble:
            self._mistakes.add(at, f"{shown(given)} {trouble}")

    # -- proxy ---------------------------------------------------------------------------------------------------

    def _choice(self, section: WayOut, path: Location) -> tuple[ProxySection | None, Location]:
        """Return the proxy of a section and where it stands."""
        own = section.proxy is not None
        chosen = section.proxy if own else self._base.proxy
        return chosen if isinstance(chosen, ProxySection) else None, (*(path if own else ("global",)), "proxy")

    def _proxy(self, section: WayOut, path: Location) -> Proxy | None:
        chosen, at = self._choice(section, path)
        if chosen is None:
            return None
        trouble = proxy_trouble(chosen.url)
        if trouble:
            self._mistakes.add((*at, "url"), trouble)
        if ":" in chosen.username:
            self._mistakes.add((*at, "username"), "must not hold a colon (RFC 7617)")
        source = self._files.secret(at, chosen, "password")
        if source is not None and not chosen.username:
            self._mistakes.add(at, "has a password, but no username")
        return Proxy(chosen.url, chosen.username, self._files.reveal(source))

    def _direct(self, section: WayOut, path: Location) -> tuple[str, ...]:
        chosen, at = self._choice(section, path)
        if chosen is None:
            return ()
        for index, rule in enumerate(chosen.no_proxy):
            self._check((*at, "no_proxy", index), rule, direct_trouble(rule))
        return tuple(chosen.no_proxy)
