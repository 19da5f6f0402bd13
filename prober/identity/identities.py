"""The credentials of a configuration, bound to those who use them."""

import asyncio
import base64
import time
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from prober.exchange import Call, Reply, Session
from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Fault, FaultError
from prober.identity.binding import Check, checker
from prober.identity.grants import Grant
from prober.identity.negotiate import Negotiation
from prober.identity.refusals import Refusals
from prober.identity.rotation import read
from prober.identity.spec import CredentialSpec, CredentialType, unbound
from prober.identity.tokens import TokenCache, TokenObserver
from prober.net.network import Network
from prober.secret import CurrentSecret, Secret, SecretSource
from prober.timeline import Clock, Timeline
from prober.transaction import Identity, Scopes, Token

__all__ = ["Identities", "TokenObserver"]
SCHEMES = {CredentialType.NTLM: "NTLM", CredentialType.NEGOTIATE: "Negotiate"}
ONE_AT_A_TIME = frozenset({CredentialType.REFRESH_TOKEN, CredentialType.ROPC})
"""Of these, no two questions at once: one would use up the refresh token of the other, or show a password twice."""
Remembered = Callable[[str], Fault | None]
APP_ONLY = (CredentialType.CLIENT_CREDENTIALS, CredentialType.MANAGED_IDENTITY)


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of one credential between transactions: the tokens by scope, among others."""

    grant: Grant | None
    refusals: Refusals
    turn: asyncio.Lock | None
    caches: dict[str, TokenCache] = field(default_factory=dict)


class Identities:
    """All credentials. Tokens are cached per credential and scope, over transactions; refusals are the credential's.

    `remembered` gives, by credential, the rejection that showing its password now would only repeat.
    """

    def __init__(
        self,
        specs: Mapping[str, CredentialSpec],
        network: Network,
        memory: MutableMapping[str, str],
        observer: TokenObserver,
        *,
        remembered: Remembered = lambda _: None,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        self._specs: Mapping[str, CredentialSpec] = {}
        self._network = network
        self._memory = memory
        self._observer = observer
        self._clock = clock
        self._wall = wall
        self._remembered = remembered
        self._kept: dict[str, _Kept] = {}
        self._checks: Mapping[str, Check] = {}
        self.configure(specs, network)

    def configure(self, specs: Mapping[str, CredentialSpec], network: Network) -> tuple[TokenCache, ...]:
        """Have these credentials from now on, and ask along `network`; return caches to close when nothing runs.

        What is the same as before, its hosts aside, keeps its tokens, its refusals and its turn.
        """
        same = {name for name, spec in specs.items() if unbound(spec) == unbound(self._specs.get(name))}
        gone = [kept for name, kept in self._kept.items() if name not in same]
        self._kept = {name: self._kept[name] if name in same else self._make(spec) for name, spec in specs.items()}
        self._checks = {name: checker(spec) for name, spec in specs.items()}
        self._specs, self._network = specs, network
        return tuple(cache for kept in gone for cache in kept.caches.values())

    def _make(self, spec: CredentialSpec) -> "_Kept":
        return _Kept(
            Grant(spec, self._memory, self._wall) if spec.type.bearer else None,
            Refusals(spec.name, password=_is_password(spec), clock=self._clock),
            asyncio.Lock() if spec.type in ONE_AT_A_TIME else None,
        )

    def bind(self, credential: str, scopes: Scopes | None, mailbox: str | None) -> Identity:
        """Return the credential as one transaction uses it: a new object, since legs belong to its connections."""
        spec, check = self._specs[credential], self._checks[credential]
        if spec.type.bearer:
            return OAuthIdentity(spec, check, mailbox or spec.username, self._cache(spec, _scope(spec, scopes)))
        if spec.type is CredentialType.BASIC:
            return BasicIdentity(spec, check, spec.username or mailbox or "", _password(spec), self._remembered)
        return NegotiatingIdentity(spec, check, spec.username, _password(spec), self._remembered)

    async def close(self) -> None:
        """Stop all asking for tokens."""
        for kept in self._kept.values():
            for cache in kept.caches.values():
                await cache.close()

    def _cache(self, spec: CredentialSpec, scope: str) -> TokenCache:
        kept = self._kept[spec.name]
        grant = kept.grant
        if scope not in kept.caches and grant is not None:
            kept.caches[scope] = TokenCache(
                spec.name,
                lambda: grant.ask(scope),
                self._session,
                self._observer,
                scope=scope,
                refusals=kept.refusals,
                turn=kept.turn,
                clock=self._clock,
                wall=self._wall,
            )
        return kept.caches[scope]

    def _session(self, timeline: Timeline) -> Session:
        """Return a session along the way out as it is now, for one question."""
        return self._network.session(timeline)


def _password(spec: CredentialSpec) -> CurrentSecret:
    return CurrentSecret(spec.password or SecretSource(""))


def _is_password(spec: CredentialSpec) -> bool:
    return spec.type is CredentialType.ROPC


def _scope(spec: CredentialSpec, scopes: Scopes | None) -> str:
    if spec.scope is not None or scopes is None:
        return spec.scope or ""
    return scopes.app if spec.type in APP_ONLY else scopes.delegated


@dataclass(frozen=True, slots=True)
class OAuthIdentity:
    """A credential that yields bearer tokens (RFC 6750)."""

    spec: CredentialSpec
    check: Check = field(repr=False, compare=False)
    username: str
    cache: TokenCache = field(repr=False)

    @property
    def kind(self) -> str:
        """Type of the credential."""
        return self.spec.type.value

    @property
    def bearer(self) -> bool:
        """Whether it yields OAuth tokens."""
        return True

    async def password(self) -> Secret:
        """Raise: there is none to give to a mail server."""
        raise FaultError(kinds.PROBER_BUG, {"missing": "password"})

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        """Return a token. Raises `FaultError`."""
        return await self.cache.token(timeline, fresh=fresh)

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        """Return the bearer token as header value. Raises `FaultError`, also for a host that must not see it."""
        self.check(call.url)
        return f"Bearer {(await self.cache.token(timeline)).value.reveal()}"

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        """Return `None`: a refused token is the server's last word."""
        return None


@dataclass(frozen=True, slots=True)
class BasicIdentity:
    """User name and password (RFC 7617)."""

    spec: CredentialSpec
    check: Check = field(repr=False, compare=False)
    username: str
    source: CurrentSecret = field(repr=False, compare=False)
    remembered: Remembered = field(default=lambda _: None, repr=False)

    @property
    def kind(self) -> str:
        """Type of the credential."""
        return self.spec.type.value

    @property
    def bearer(self) -> bool:
        """Whether it yields OAuth tokens."""
        return False

    async def password(self) -> Secret:
        """Return the password as it is now. Raises `FaultError`: `secret_unreadable`, or as it was rejected before."""
        return self._shown()

    def _shown(self) -> Secret:
        """Return the password, unless it is known that it will be rejected. Raises `FaultError`."""
        fault = self.remembered(self.spec.name)
        if fault is not None:
            raise FaultError(fault.kind, fault.evidence)
        return read(self.source, "password")

    async def token(self, timeline: Timeline, *, fresh: bool = False) -> Token:
        """Raise: there is none."""
        raise FaultError(kinds.PROBER_BUG, {"missing": "token"})

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        """Return user name and password as header value, in UTF-8 (RFC 7617 section 2.1).

        Raises `FaultError`, also for a host that must not see them.
        """
        self.check(call.url)
        pair = f"{self.username}:{self._shown().reveal()}"
        return f"Basic {base64.b64encode(pair.encode()).decode()}"

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        """Return `None`: the server has heard all there is."""
        return None


@dataclass(frozen=True, slots=True)
class NegotiatingIdentity(BasicIdentity):
    """User name and password, shown in legs on each connection."""

    negotiations: dict[str, Negotiation] = field(default_factory=dict, repr=False)

    async def authorization(self, call: Call, timeline: Timeline) -> str:
        """Return nothing at first: the server's certificate is known only after its first answer."""
        return ""

    async def answer(self, call: Call, reply: Reply, binding: bytes | None) -> str | None:
        """Return the next leg; a 401 after the last leg is final, one to a request without any begins anew.

        Raises `FaultError`, also for a host that must not see it.
        """
        self.check(call.url)
        origin = urlsplit(call.url).netloc
        talk = self.negotiations.get(origin)
        if talk is not None and any(name.lower() == "authorization" for name, _ in call.headers):
            return talk.follow(reply)
        talk = Negotiation(SCHEMES[self.spec.type], urlsplit(call.url).hostname or "")
        if not talk.offered(reply):
            return None
        self.negotiations[origin] = talk
        return talk.begin(self.username, self._shown(), binding)
