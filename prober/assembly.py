"""Who is introduced to whom: everything an attempt needs, made once from settings and store, for `run` and `once`."""

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from prober.alarm import Alarms
from prober.deadline import Deadline
from prober.exchange import Session
from prober.faults.taxonomy import PROBER_BUG, FaultError, Reason
from prober.identity.identities import Identities, TokenObserver
from prober.identity.spec import CredentialType
from prober.identity.tokens import TokenCache
from prober.model import Assignment
from prober.net.arrivals import KernelNotes, Noted
from prober.net.forbidden import is_forbidden
from prober.net.network import Contexts, Network, content
from prober.net.route import Route
from prober.net.watch import Watch
from prober.schedule.attempts import Attempts, AttemptWatch, Record, Tell
from prober.schedule.budgets import DEFAULTS, Budget
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
from prober.transaction import BindIdentity, Client, Device, Identity, Scopes, Transaction
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
    """One network for every distinct way out, however many targets take it. Raises `NetworkSetupError`.

    Those of `before` serve on where route, User-Agent and the content of the files for TLS are the same. `noted` is
    told what becomes of the kernel's notes of when bytes came, where any are asked for.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock = time.monotonic,
        before: "Networks | None" = None,
        noted: Noted = lambda _: None,
    ) -> None:
        self._clock = clock
        self.notes: KernelNotes = KernelNotes(noted) if before is None else before.notes
        self.watch: Watch = Watch() if before is None else before.watch
        self.user_agent = settings.user_agent
        self.contexts: Contexts = Contexts(before.contexts if before is not None else None)
        same = before is not None and before.user_agent == settings.user_agent
        self._before = list(before.made) if before is not None and same else []
        self.made: list[tuple[Route, str, Network]] = []
        self.tokens = self._by_route(replace(settings.token_route, literals=_literals(_token_hosts(settings))))
        hosts: dict[str, set[str]] = {}
        for one in settings.assignments:
            hosts.setdefault(one.target.name, set()).update(map(_host, one.target.endpoints.values()))
        self._by_target = {
            target: self._by_route(replace(route, literals=_literals(hosts.get(target, ()))))
            for target, route in settings.routes.items()
        }
        if settings.service_health is not None:
            self._by_route(settings.service_health.route)
        for listed in settings.lists:
            self._by_route(listed.route)
        self._before = []

    def of(self, target: str) -> Network:
        """Return the network that takes the way out of `target`."""
        return self._by_target[target]

    def along(self, route: Route) -> Network:
        """Return the network of a route that no target takes."""
        return self._by_route(route)

    async def close(self) -> None:
        """Close every network."""
        for _, _, network in self.made:
            await network.close()
        self.notes.close()
        self.watch.close()

    async def retire(self, after: "Networks") -> None:
        """Close every network that `after` has no use for any more."""
        used = {id(network) for _, _, network in after.made}
        for _, _, network in self.made:
            if id(network) not in used:
                await network.close()

    def _by_route(self, route: Route) -> Network:
        """Find or make the network of `route`; routes hold mappings and secrets, so they compare but do not hash."""
        known = next((network for other, _, network in self.made if other == route), None)
        if known is not None:
            return known
        held = content(route.tls)
        before = (network for other, holding, network in self._before if (other, holding) == (route, held))
        network = next(before, None) or self._new(route)
        self.made.append((route, held, network))
        return network

    def _new(self, route: Route) -> Network:
        return Network(
            route,
            clock=self._clock,
            user_agent=self.user_agent,
            contexts=self.contexts,
            notes=self.notes,
            watch=self.watch,
        )


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


def _mailbox(assignment: Assignment) -> str:
    return (assignment.target.mailbox or f"target {assignment.target.name}").lower()


def _budgets(settings: Settings) -> dict[str, Budget]:
    return {name: replace(one, limit=settings.budgets.get(name, one.limit)) for name, one in DEFAULTS.items()}


def kernel_notes_in_force(settings: Settings) -> bool:
    """Return whether any way out has the kernel note when bytes come, and this system does so."""
    routes = [*settings.routes.values(), settings.token_route]
    if settings.service_health is not None:
        routes.append(settings.service_health.route)
    if all(route.timestamps == "loop" for route in routes):
        return False
    notes = KernelNotes()
    try:
        return notes.start()
    finally:
        notes.close()


class CredentialStamps:
    """What a credential, and all that is done with it, is configured with: a change there is worth another try."""

    def __init__(self, settings: Settings, marks: SecretMarks) -> None:
        self._marks = marks
        self._configured: Mapping[str, str] = {}
        self.configure(settings)

    def configure(self, settings: Settings) -> None:
        """Go by `settings` from now on."""
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


@dataclass(frozen=True, slots=True)
class _Ground:
    """What every transaction of one assignment stands on. `asked` is told of requests where a budget counts them."""

    assignment: Assignment
    network: Network
    asked: Callable[[str], None] | None
    device: Device
    scopes: Scopes | None
    sightings: Sightings
    bind: BindIdentity


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
        noted: Noted = lambda _: None,
        token_observers: Iterable[TokenObserver] = (),
        record: Record | None = None,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._vantage = settings.vantage
        self._catalogue = catalogue
        self._store = store
        self._grounds: dict[str, _Ground] = {}
        self._devices: dict[str, Device] = {}
        self._sightings: dict[str, Sightings] = {}
        self._wall = wall
        self._alarms = Alarms()
        self.networks = Networks(settings, clock=clock, noted=noted)
        records = Records(store.section("records"))
        self._marks = SecretMarks(settings.credentials, store.installation)
        self._stamps = CredentialStamps(settings, self._marks)
        self.judging = Judging(
            records,
            configuration=settings.fingerprints,
            control_of=settings.control_of,
            control_interval=settings.control_interval,
            secret_mark=self._marks,
            maintenance=self._maintained,
            clock=clock,
            wall=wall,
        )
        passwords = Passwords(records, self._stamps, wall=wall)
        self.governor = Governor(
            Restraint(records, self.judging.stamp, wall=wall),
            passwords,
            Parties(catalogue, settings.credentials),
            store.section("governor"),
            budgets=_budgets(settings),
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

    def ways_out(self, settings: Settings) -> Networks:
        """Return the networks of a new configuration, which nobody takes yet. May run in a thread.

        Raises `NetworkSetupError`.
        """
        return Networks(settings, clock=self._clock, before=self.networks)

    def configure(self, settings: Settings, networks: Networks, gone: Collection[str]) -> tuple[TokenCache, ...]:
        """Go by `settings` and take `networks` from now on; return what is to be closed when nothing runs any more.

        Nothing may run of the assignments `gone`.
        """
        self._settings, self.networks = settings, networks
        self._grounds.clear()
        self._marks.configure(settings.credentials)
        self._stamps.configure(settings)
        self.judging.configure(settings.fingerprints, settings.control_of, settings.control_interval)
        self.governor.configure(Parties(self._catalogue, settings.credentials), _budgets(settings))
        self.pacer.configure(settings.pacing.rate, settings.pacing.ceiling)
        self.attempts.forget(gone)
        for key in gone:
            self._devices.pop(key, None)
        seen = {_mailbox(one) for one in settings.assignments}
        self._sightings = {mailbox: one for mailbox, one in self._sightings.items() if mailbox in seen}
        return self.identities.configure(settings.credentials, networks.tokens)

    def _maintained(self, target: str, *times: datetime) -> bool:
        windows = self._settings.maintenance
        return bool(windows) and any(one.active(target, when) for one in windows for when in times)

    def open(self, assignment: Assignment) -> Transaction:
        """Return a cold transaction: own session and timeline, the assignment's own device and identity."""
        ground = self._grounds.get(assignment.key)
        if ground is None or ground.assignment is not assignment:
            ground = self._ground(assignment)
        timeline = Timeline(self._clock)
        session: Session = ground.network.session(timeline, assignment.client)
        if ground.asked is not None:
            session = Metered(session, ground.asked)
        return Transaction(
            assignment,
            session,
            timeline,
            ground.device,
            None if assignment.credential is None else self._identity(assignment, assignment.credential, ground.scopes),
            sightings=ground.sightings,
            wall=self._wall,
            bind=ground.bind,
            deadline=Deadline(self._alarms),
        )

    def _ground(self, assignment: Assignment) -> _Ground:
        """Find what all transactions of `assignment` have in common as long as the configuration stays."""
        ground = self._grounds[assignment.key] = _Ground(
            assignment,
            self.networks.of(assignment.target.name),
            partial(self.governor.asked, assignment) if self.governor.meters(assignment) else None,
            self.device(assignment),
            self._catalogue[assignment.client].scopes,
            self._seen(assignment),
            partial(self._beside, assignment),
        )
        return ground

    def _identity(self, assignment: Assignment, credential: str, scopes: Scopes | None) -> Identity:
        target = assignment.target
        if scopes is not None and target.environment is Environment.EXCHANGE_SERVER:
            host = urlsplit(target.endpoints.get(self._catalogue[assignment.client].endpoints[0], "")).hostname
            scopes = scopes.at(host) if host else scopes
        return self.identities.bind(credential, scopes, target.mailbox)

    def _beside(self, assignment: Assignment, scopes: Scopes) -> Identity:
        credential = assignment.push_credential or assignment.credential
        if credential is None:
            raise FaultError(PROBER_BUG, {"missing": "credential"})
        return self._identity(assignment, credential, scopes)

    def _seen(self, assignment: Assignment) -> Sightings:
        """Return what is seen of the mailbox of `assignment`, which its other clients and targets share."""
        return self._sightings.setdefault(_mailbox(assignment), Sightings())

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
