"""The words in which a fault is described: its kind, whom and which step it concerns, and in what share of attempts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import MappingProxyType
from typing import Any

from prober.simulator.wire import Attempt, Host

EVERYBODY = "all"
ANY_STEP = "any"
CONTROL = "control"


class Level(Enum):
    """Where a fault can strike: the look-up, the connection, its handshake, or a request (a command, for IMAP)."""

    NAME = "name"
    CONNECT = "connect"
    TLS = "tls"
    REQUEST = "request"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fault: where it strikes, which protocols have it, which arguments it takes, and which it needs."""

    name: str
    level: Level
    protocols: frozenset[str]
    takes: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()


EVERY = frozenset({"http", "imap"})
HTTP = frozenset({"http"})
IMAP = frozenset({"imap"})


def _kind(name: str, level: Level, protocols: frozenset[str], takes: str = "", needs: str = "") -> Kind:
    needed = frozenset(needs.split())
    return Kind(name, level, protocols, frozenset(takes.split()) | needed, needed)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            _kind("dns_nxdomain", Level.NAME, EVERY),
            _kind("dns_timeout", Level.NAME, EVERY),
            _kind("dns_servfail", Level.NAME, EVERY),
            _kind("dns_empty", Level.NAME, EVERY),
            _kind("connect_refuse", Level.CONNECT, EVERY),
            _kind("connect_blackhole", Level.CONNECT, EVERY),
            # who stands in the server's place is met like a server: with the connection
            _kind("tls_stall", Level.CONNECT, EVERY),
            _kind("tls_close", Level.CONNECT, EVERY),
            _kind("tls_reset", Level.CONNECT, EVERY),
            _kind("tls_plain", Level.CONNECT, EVERY),
            _kind("tls_alert", Level.TLS, EVERY),
            _kind("tls_wrong_name", Level.TLS, EVERY),
            _kind("tls_expired", Level.TLS, EVERY),
            _kind("tls_not_yet_valid", Level.TLS, EVERY),
            _kind("tls_untrusted", Level.TLS, EVERY),
            _kind("delay", Level.REQUEST, EVERY, needs="seconds"),
            _kind("stall", Level.REQUEST, EVERY, takes="at"),
            _kind("reset", Level.REQUEST, EVERY, takes="at"),
            _kind("close", Level.REQUEST, EVERY, takes="at"),
            _kind("garbage", Level.REQUEST, EVERY),
            _kind("flood", Level.REQUEST, EVERY, needs="octets"),
            _kind("http", Level.REQUEST, HTTP, takes="headers body", needs="status"),
            _kind("html_page", Level.REQUEST, HTTP, takes="status text"),
            _kind("redirect_loop", Level.REQUEST, HTTP, takes="status"),
            _kind("bearer_401", Level.REQUEST, EVERY, takes="diag"),
            _kind("token_error", Level.REQUEST, HTTP, takes="status", needs="aadsts"),
            _kind("throttle", Level.REQUEST, EVERY, takes="status retry_after"),
            _kind("eas_status", Level.REQUEST, HTTP, needs="code"),
            _kind("soap_code", Level.REQUEST, HTTP, takes="back_off_ms", needs="code"),
            _kind("graph_error", Level.REQUEST, HTTP, takes="status retry_after", needs="code"),
            _kind("mapi_code", Level.REQUEST, HTTP, needs="code"),
            _kind("imap_tagged", Level.REQUEST, IMAP, needs="text"),
            _kind("imap_bye", Level.REQUEST, IMAP, takes="text"),
            _kind("push_drop", Level.REQUEST, EVERY, takes="after"),
            _kind("push_silent", Level.REQUEST, EVERY, takes="says"),
            _kind("stale", Level.REQUEST, EVERY, takes="age_min"),
        )
    }
)
PUSH_KINDS = frozenset({"push_drop", "push_silent"})


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of an incident. `pct`: failing attempts, in percent, within the affected population.

    `clients` and `steps` are the names of the contract; `all` and `any` mean every one. `once`: it strikes a single
    time. `since`: `onset`, or `setup` for a fault that was there before anything ever worked. `at_token_expiry`: only
    where the token presented has run out, or during the hold in which it does.
    """

    kind: str
    clients: frozenset[str] = frozenset({EVERYBODY})
    steps: frozenset[str] = frozenset({ANY_STEP})
    pct: float = 100.0
    arguments: Mapping[str, Any] = field(default_factory=lambda: MappingProxyType({}))
    since: str = "onset"
    once: bool = False
    at_token_expiry: bool = False

    @property
    def level(self) -> Level:
        """Where it strikes."""
        return KINDS[self.kind].level

    def number(self, name: str, default: float) -> float:
        """Return a numeric argument."""
        return float(self.arguments.get(name, default))

    def text(self, name: str, default: str = "") -> str:
        """Return an argument as text."""
        return str(self.arguments.get(name, default))


@dataclass(frozen=True, slots=True)
class Occasion:
    """One moment at which something may go wrong, as the tenant sees it.

    `steps`: the names this request may have in the step tables of clients. `protocol` is `http` or `imap`.
    `push`: the request is one that waits for news. `token_expires`: epoch seconds, 0 when no token was presented.
    """

    host: Host
    attempt: Attempt
    protocol: str
    client: str = ""
    steps: frozenset[str] = frozenset()
    mailbox: str = ""
    connection: int = 0
    push: bool = False
    token_expires: float = 0.0
    kinds: frozenset[str] = frozenset()
    """The kinds the service at hand can act out; empty for every kind of the protocol."""
