"""Who is introduced to whom: everything an attempt needs, made once from settings and store, for `run` and `once`."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from prober.faults.taxonomy import PROBER_BUG, FaultError, Reason
from prober.identity.identities import Identities, TokenObserver
from prober.identity.spec import CredentialType
from prober.model import Assignment
from prober.net.forbidden import is_forbidden
from prober.net.network import Contexts, Network
from prober.net.route import Route
from prober.schedule.attempts import Attempts, AttemptWatch, Record, Tell
from prober.schedule.budgets import DEFAULTS
from prober.schedule.governor import Governor
from prober.schedule.health import Health
from prober.schedule.judging import Judging
from prober.schedule.metering import Metered
from prober.schedule.pacing import Pacer
from prober.schedule.passwords import Passwords
from prober.schedule.records import Records, SecretMarks, Stamp
from prober.schedule.restraint import Restraint
from prober.schedule.scopes import Parties
from prober.settings.routes import METADATA_SERVICE
from prober.settings.settings import Settings
from prober.sightings import Sightings
from prober.storage.store import Store
from prober.timeline import Clock, Timeline
from prober.transaction import Client, Device, Identity, Scopes, Transaction
from prober.vocabulary import Environment


def device_id(installation: str, vantage: str, assignment: Assignment) -> str:
    """Return 32 letters and digits that stay the same as long as installation, vantage, target and client do."""
    parts = (installation, vantage, assignment.target.name, assignment.client)
    return blake2b("\0".join(parts).encode(), digest_size=16).hexdigest().upper()


class TokenNews:
    """Passes on what is heard from the token service: a `TokenObserver` that tells several."""

    def __init__(self, observers: Iterable[TokenObserver]) -> None:
        self._observers = tuple(observers)

    def requested(self, credential: str) -> None:
        """A token was asked for."""
        for observer in self._observers:
            observer.requested(credential)

    def failed(self, credential: str, reason: Reason) -> None:
        """None was issued."""
        for observer in self._observers:
            observer.failed(credential, reason)

    def issued(self, credential: str, expires_at: float) -> None:
        """One was issued; `expires_at` in epoch seconds."""
        for observer in self._observers:
            observer.issued(credential, expires_at)


class Networks:
    """One network for every distinct way out, however many targets take it. Raises `NetworkSetupError`."""

    def __init__(self, settings: Settings, *, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._user_agent = settings.user_agent
        self._contexts = Contexts()
        self._made: list[tuple[Route, Network]] = []
        self.tokens = self._by_route(replace(settings.token_route, literals=_literals(_token_hosts(settings))))
        hosts: dict[str, set[str]] = {}
        for one in settings.assignments:
            hosts.setdefault(one.target.name, set()).update(map(_host, one.target.endpoints.values()))
        self._by_target = {
            target: self._by_route(replace(route, literals=_literals(hosts.get(target, ()))))
            for target, route in settings.routes.items()
        }

    def of(self, target: str) -> Network:
        """Return the network that takes the way out of `target`."""
        return self._by_target[target]

    def along(self, route: Route) -> Network:
        """Return the network of a route that no target takes."""
        return self._by_route(route)

    async def close(self) -> None:
        """Close every network."""
        for _, network in self._made:
            await network.close()

    def _by_route(self, route: Route) -> Network:
        """Find or make the network of `route`; routes hold mappings and secrets, so they compare but do not hash."""
        for known, network in self._made:
            if known == route:
                return network
        network = Network(route, clock=self._clock, user_agent=self._user_agent, contexts=self._contexts)
        self._made.append((route, network))
        return network


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _token_hosts(settings: Settings) -> Iterator[str]:
    """Give the hosts that are asked for tokens, among them that of managed identities."""
    for spec in settings.credentials.values():
        if spec.type is CredentialType.MANAGED_IDENTITY and spec.token_url is None:
            yield METADATA_SERVICE
        yield _host(spec.token_url or spec.authority)


def _literals(hosts: Iterable[str]) -> frozenset[str]:
    return frozenset(filter(is_forbidden, hosts))


class CredentialStamps:
    """What a credential, and all that is done with it, is configured with: a change there is worth another try."""

    def __init__(self, settings: Settings, marks: SecretMarks) -> None:
        self._marks = marks
        found: dict[str, list[str]] = {}
        for one in settings.assignments:
            for name in {one.credential, one.push_credential} - {None}:
                found.setdefault(str(name), []).append(settings.fingerprints.get(one.key, ""))
        self._configured = {
            name: blake2b("\0".join(sorted(parts)).encode(), digest_size=8).hexdigest() for name, parts in found.items()
        }

    def __call__(self, credential: str) -> Stamp:
        """Return the stamp of `credential` as it is now."""
        return Stamp(self._configured.get(credential, ""), self._marks(credential))


class Assembly:
    """Networks, identities, devices, pacing, judgement and health, introduced to each other.

    `clock` (monotonic) and `wall` (since the epoch), in seconds, are those by which every one of them goes. `record`
    makes what takes down an attempt.
    """

    def __init__(
        self,
        settings: Settings,
        catalogue: Mapping[str, Client[Any]],
        store: Store,
        *,
        watch: AttemptWatch,
        tell: Tell,
        tell_again: Tell = lambda *_: None,
        lagged: Callable[[float], None],
        token_observers: Iterable[TokenObserver] = (),
        record: Record | None = None,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        self._clock = clock
        self._vantage = settings.vantage
        self._catalogue = catalogue
        self._store = store
        self._devices: dict[str, Device] = {}
        self._sightings: dict[str, Sightings] = {}
        self._wall = wall
        self.networks = Networks(settings, clock=clock)
        records = Records(store.section("records"))
        marks = SecretMarks(settings.credentials, store.installation)
        self.judging = Judging(
            records,
            configuration=settings.fingerprints,
            control_of=settings.control_of,
            control_interval=settings.control_interval,
            secret_mark=marks,
            maintenance=lambda target, when: any(one.active(target, when) for one in settings.maintenance),
            clock=clock,
            wall=wall,
        )
        passwords = Passwords(records, CredentialStamps(settings, marks), wall=wall)
        self.governor = Governor(
            Restraint(records, self.judging.stamp, wall=wall),
            passwords,
            Parties(catalogue, settings.credentials),
            store.section("governor"),
            budgets={name: replace(one, limit=settings.budgets.get(name, one.limit)) for name, one in DEFAULTS.items()},
            clock=clock,
            wall=wall,
        )
        self.identities = Identities(
            settings.credentials,
            self.networks.tokens,
            store.section("identities"),
            TokenNews((self.judging, self.governor, *token_observers)),
            remembered=passwords.remembered,
            clock=clock,
            wall=wall,
        )
        self.pacer = Pacer(settings.pacing.rate, settings.pacing.ceiling, clock=clock)
        self.health = Health(lagged, clock=clock, wall=wall)
        self.attempts = Attempts(
            catalogue,
            self.open,
            pacer=self.pacer,
            judging=self.judging,
            governor=self.governor,
            health=self.health,
            watch=watch,
            tell=tell,
            tell_again=tell_again,
            record=record,
            clock=clock,
            wall=wall,
        )

    def open(self, assignment: Assignment) -> Transaction:
        """Return a cold transaction: own session and timeline, the assignment's own device and identity."""
        timeline = Timeline(self._clock)
        session = self.networks.of(assignment.target.name).session(timeline, assignment.client)
        return Transaction(
            assignment,
            Metered(session, partial(self.governor.asked, assignment)),
            timeline,
            self.device(assignment),
            self._identity(assignment, assignment.credential, self._catalogue[assignment.client].scopes),
            sightings=self._seen(assignment),
            wall=self._wall,
            bind=lambda scopes: self._beside(assignment, scopes),
        )

    def _identity(self, assignment: Assignment, credential: str | None, scopes: Scopes | None) -> Identity | None:
        if credential is None:
            return None
        target = assignment.target
        if scopes is not None and target.environment is Environment.EXCHANGE_SERVER:
            host = urlsplit(target.endpoints.get(self._catalogue[assignment.client].endpoints[0], "")).hostname
            scopes = scopes.at(host) if host else scopes
        return self.identities.bind(credential, scopes, target.mailbox)

    def _beside(self, assignment: Assignment, scopes: Scopes) -> Identity:
        identity = self._identity(assignment, assignment.push_credential or assignment.credential, scopes)
        if identity is None:
            raise FaultError(PROBER_BUG, {"missing": "credential"})
        return identity

    def _seen(self, assignment: Assignment) -> Sightings:
        """Return what is seen of the mailbox of `assignment`, which its other clients and targets share."""
        mailbox = (assignment.target.mailbox or f"target {assignment.target.name}").lower()
        return self._sightings.setdefault(mailbox, Sightings())

    def device(self, assignment: Assignment) -> Device:
        """Return the device of `assignment`, the same for its attempts and its push channel."""
        if assignment.key not in self._devices:
            name = device_id(self._store.installation, self._vantage, assignment)
            self._devices[assignment.key] = Device(name, self._store.section(f"device {assignment.key}"))
        return self._devices[assignment.key]

    async def close(self) -> None:
        """Close identities and networks. Call it when nothing runs any more."""
        self.health.stop()
        await self.identities.close()
        await self.networks.close()
