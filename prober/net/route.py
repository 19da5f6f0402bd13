"""The way out: everything a connection needs to know besides the URL. Made at load, shared by all who take that way."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from prober.secret import Secret

Family = Literal["auto", "ipv4", "ipv6"]
Timestamps = Literal["loop", "kernel"]


@dataclass(frozen=True, slots=True)
class TlsPolicy:
    """Trust and identity of TLS. Files are PEM; `ca_file` replaces the system's authorities."""

    ca_file: str | None = None
    server_name: str | None = None
    certificate_file: str | None = None
    key_file: str | None = None
    minimum_version: Literal["1.0", "1.1", "1.2", "1.3"] = "1.2"


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy, always used by CONNECT (RFC 9110 section 9.3.6). `url` is `http://host:port`."""

    url: str
    username: str = ""
    password: Secret | None = None


@dataclass(frozen=True, slots=True)
class PhaseLimits:
    """Longest time of each phase, in seconds; the step's own limit still applies."""

    dns: float = 5.0
    connect: float = 10.0
    tls: float = 10.0
    send: float = 10.0
    wait: float = 30.0
    receive: float = 30.0


@dataclass(frozen=True, slots=True)
class Route:
    """One way out. `no_proxy` holds host names, domain suffixes (`.corp.example`) and `*`.

    `resolver` holds name-server addresses (`192.0.2.53`, `127.0.0.1:5353`); empty means the system's own.
    `connect_to` maps a host name to the address to dial instead, leaving SNI and Host as they are. `literals` are the
    addresses that are configured although no server of anybody's mail can be there (`forbidden.py`). `timestamps` says
    by whom the moment is known at which bytes came: the event loop, or the kernel where the system offers it.
    """

    tls: TlsPolicy = field(default_factory=TlsPolicy)
    proxy: Proxy | None = None
    no_proxy: tuple[str, ...] = ()
    family: Family = "auto"
    source_address: str | None = None
    resolver: tuple[str, ...] = ()
    connect_to: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    limits: PhaseLimits = field(default_factory=PhaseLimits)
    literals: frozenset[str] = frozenset()
    timestamps: Timestamps = "loop"
