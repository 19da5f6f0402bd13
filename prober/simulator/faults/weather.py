"""Decides, for every occasion, whether and how it goes wrong. The same seed and occasions give the same draws.

Rule of this file: a draw is a hash of what it is about, never the next number of a generator, so that one client's
traffic cannot change what happens to another.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from itertools import count

from prober.simulator.faults.fault import (
    ANY_STEP,
    CONTROL,
    EVERYBODY,
    KINDS,
    PUSH_KINDS,
    Fault,
    Level,
    Occasion,
)
from prober.simulator.faults.read import Incident
from prober.simulator.tenant import Tenant
from prober.simulator.wire import Host

REMEMBERED = 50_000
REACH = 8
"""A fault meant for any step strikes one of the first so many requests of an attempt."""
STEPS = (0.6180339887498949, 0.41421356237309515, 0.7320508075688772, 0.23606797749978969, 0.6457513110645906)
"""Fractions of the golden ratio and of the roots of 2, 3, 5 and 7: multiples of each are spread evenly over [0, 1)."""
RUNNING = frozenset({"stale"})
"""Kinds that show only in a run: an old picture of a mailbox is none of the service's faults before it has lasted."""
MINUTE = 60.0
LASTING = frozenset({"redirect_loop", "mapi_code"})
"""Kinds of a request that stay on for the rest of the attempt they struck: who follows a loop comes back to it, and who
is told that a context is gone makes another on the server that has none."""


@dataclass(frozen=True, slots=True)
class Strike:
    """One fault that struck: `at` on the tenant's monotonic clock in seconds, `when` by the time of day."""

    number: int
    at: float
    when: datetime
    incident: str
    fault: Fault
    client: str
    host: str
    site: str
    region: str
    mailbox: str
    steps: frozenset[str]
    attempt: str


@dataclass(slots=True)
class Running:
    """An incident that is on. `began` and `ended` on the tenant's clock; `scale`: how many times faster it unfolds."""

    id: str
    incident: Incident
    seed: int
    scale: float
    began: float
    first: int
    ended: float | None = None
    spent: set[int] = field(default_factory=set)

    def minutes(self, at: float) -> float:
        """Return how many of its minutes have passed at `at`."""
        return (at - self.began) * self.scale / MINUTE

    def end(self) -> float | None:
        """Return after how many of its minutes its decay begins, `None` where nothing says so yet."""
        said = None if self.ended is None else self.minutes(self.ended)
        planned = self.incident.duration_min or None
        return min((one for one in (said, planned) if one is not None), default=None)

    def intensity(self, at: float) -> float:
        """Return how strong it is at `at`, 0 to 1."""
        return self.incident.shape.intensity(self.minutes(at), self.end())


class Weather:
    """The incidents that are on, the draws, and what struck."""

    def __init__(self, tenant: Tenant) -> None:
        self._tenant = tenant
        self._running: dict[str, Running] = {}
        self._names = count(1)
        self._faults = count()
        self._numbers = count(1)
        self._strikes: deque[Strike] = deque(maxlen=REMEMBERED)

    def begin(self, incident: Incident, *, scale: float = 1.0, seed: int | None = None) -> str:
        """Let an incident begin; return the name by which it is ended. `scale`: how many times faster it unfolds."""
        name = f"{incident.id}-{next(self._names)}"
        first = next(self._faults)
        for _ in incident.faults:
            next(self._faults)
        now = self._tenant.clocks.monotonic()
        drawn = self._tenant.seed if seed is None else seed
        self._running[name] = Running(name, incident, drawn, scale, now, first)
        return name

    def end(self, name: str, *, now: bool = False) -> None:
        """Let an incident die down as its shape says, or with `now` be over. Ending one twice is no mistake."""
        running = self._running.get(name)
        if running is None:
            return
        if now:
            del self._running[name]
        elif running.ended is None:
            running.ended = self._tenant.clocks.monotonic()

    def clear(self) -> None:
        """End everything at once."""
        self._running.clear()

    @property
    def running(self) -> tuple[Running, ...]:
        """What is on; what has died down altogether is forgotten."""
        now = self._tenant.clocks.monotonic()
        for name, one in list(self._running.items()):
            if one.incident.shape.over(one.minutes(now), one.end()):
                del self._running[name]
        return tuple(self._running.values())

    @property
    def strikes(self) -> Sequence[Strike]:
        """What struck, oldest first; of very many, the last."""
        return tuple(self._strikes)

    def strikes_since(self, number: int) -> Sequence[Strike]:
        """Return what struck after the strike with this number."""
        return tuple(one for one in self._strikes if one.number > number)

    def strike(self, occasion: Occasion, level: Level) -> Fault | None:
        """Return the fault that hits `occasion` at `level`, if one does, and note it."""
        if not self._running:
            return None
        now = self._tenant.clocks.monotonic()
        for running in self._running.values():
            intensity = running.intensity(now)
            for index, fault in enumerate(running.incident.faults):
                if self._suits(running.incident, fault, occasion, level) and self._hits(
                    running, index, occasion, intensity
                ):
                    self._note(running, index, occasion, now)
                    return fault
        return None

    def certain(self, host: Host) -> Fault | None:
        """Return the fault that keeps every attempt from connecting to `host` now, if one does."""
        now = self._tenant.clocks.monotonic()
        for running in self._running.values():
            incident, intensity = running.incident, running.intensity(now)
            for fault in incident.faults:
                sure = fault.pct * intensity >= 100 and incident.population_pct >= 100 and not fault.once
                if sure and fault.level is Level.CONNECT and _concerns(fault, host.client) and _there(incident, host):
                    return fault
        return None

    def _suits(self, incident: Incident, fault: Fault, occasion: Occasion, level: Level) -> bool:
        """Whether this fault could hit this occasion at all, chance aside."""
        kind = KINDS[fault.kind]
        if kind.level is not level or occasion.protocol not in kind.protocols:
            return False
        if level is Level.REQUEST and occasion.kinds and fault.kind not in occasion.kinds:
            return False
        if fault.kind in PUSH_KINDS and not occasion.push:
            return False
        if not _concerns(fault, occasion.client or occasion.host.client) or not _there(incident, occasion.host):
            return False
        if fault.at_token_expiry and not 0 < occasion.token_expires <= self._tenant.clocks.wall() + 1:
            return False
        return level is not Level.REQUEST or ANY_STEP in fault.steps or bool(fault.steps & occasion.steps)

    def _hits(self, running: Running, index: int, occasion: Occasion, intensity: float) -> bool:
        fault, attempt, mark = running.incident.faults[index], occasion.attempt, running.first + index
        again = fault.level is Level.REQUEST and fault.kind not in LASTING and mark in attempt.struck
        if again or (fault.once and index in running.spent):
            return False
        if not self._affected(running, occasion):
            return False
        strength = 1.0 if fault.since == "setup" else intensity
        if self._chance(running, index, occasion) * 100 >= fault.pct * strength:
            return False
        if fault.level is Level.REQUEST and ANY_STEP in fault.steps:
            return attempt.requests >= self._due(running, mark, occasion)
        return True

    def _chance(self, running: Running, index: int, occasion: Occasion) -> float:
        """Return a number in [0, 1): the fault strikes where it is below its share.

        From one attempt of somebody to the next it moves on by an irrational step: of any few dozen attempts as many
        are struck as the percentage says. What has only few attempts to show itself in must not depend on luck. Each
        fault of an incident has a step of its own, so that none avoids or seeks another. What shows only in a run is
        drawn anew each time.
        """
        attempt = occasion.attempt
        if running.incident.stick == "connection":
            return self._share(running, f"{index} pct {occasion.connection}")
        if running.incident.faults[index].kind in RUNNING:
            return self._share(running, f"{index} pct {_attempt(occasion)}")
        began = self._share(running, f"{index} pct {attempt.key}")
        return (began + attempt.number * STEPS[index % len(STEPS)]) % 1.0

    def _due(self, running: Running, mark: int, occasion: Occasion) -> int:
        """Return at which request of its attempt a fault meant for any step strikes."""
        attempt = occasion.attempt
        if mark not in attempt.due:
            share = self._share(running, f"{mark} step {_attempt(occasion)}")
            attempt.due[mark] = 1 + int(share * min(attempt.usual, REACH))
        return attempt.due[mark]

    def _affected(self, running: Running, occasion: Occasion) -> bool:
        """Whether the occasion belongs to the population the incident touches."""
        incident = running.incident
        if incident.population_pct >= 100:
            return True
        if incident.stick == "mailbox":
            mailbox = occasion.mailbox or self._only_mailbox(occasion.host.site)
            return mailbox.lower() in self._chosen(running, self._mailboxes(incident))
        if incident.stick == "site":
            return occasion.host.site in self._chosen(running, self._sites(incident))
        unit = str(occasion.connection) if incident.stick == "connection" else _attempt(occasion)
        return self._drawn(running, f"population {unit}", incident.population_pct)

    def _chosen(self, running: Running, names: Iterable[str]) -> frozenset[str]:
        """Return the affected ones of `names`: the same ones always, at least one unless none is to be."""
        ranked = sorted(names, key=lambda name: self._share(running, f"rank {name}"))
        pct = running.incident.population_pct
        return frozenset(ranked[: max(1, round(pct / 100 * len(ranked)))]) if pct > 0 else frozenset()

    def _mailboxes(self, incident: Incident) -> list[str]:
        sites = set(self._sites(incident))
        return [address for address, mailbox in self._tenant.mailboxes.items() if mailbox.site in sites]

    def _sites(self, incident: Incident) -> list[str]:
        everywhere = EVERYBODY in incident.regions
        return [site.name for site in self._tenant.sites.values() if everywhere or site.region in incident.regions]

    def _only_mailbox(self, site: str) -> str:
        """Return the mailbox of a site that has just one: whoever comes there comes for it."""
        here = [address for address, mailbox in self._tenant.mailboxes.items() if mailbox.site == site]
        return here[0] if len(here) == 1 else ""

    def _drawn(self, running: Running, what: str, pct: float) -> bool:
        return self._share(running, what) * 100 < pct

    def _share(self, running: Running, what: str) -> float:
        text = f"{running.seed}\0{running.incident.id}\0{running.first}\0{what}"
        return int.from_bytes(blake2b(text.encode(), digest_size=7).digest()) / 2**56

    def _note(self, running: Running, index: int, occasion: Occasion, now: float) -> None:
        """Note a strike; what an attempt tries again below requests meets the same fate, and is no new strike."""
        fault, host, mark = running.incident.faults[index], occasion.host, running.first + index
        if mark in occasion.attempt.struck:
            return
        occasion.attempt.struck.add(mark)
        running.spent.add(index)
        self._strikes.append(
            Strike(
                next(self._numbers),
                now,
                self._tenant.clocks.now(),
                running.incident.id,
                fault,
                occasion.client or host.client,
                host.name,
                host.site,
                host.region,
                occasion.mailbox or self._only_mailbox(host.site),
                occasion.steps,
                _attempt(occasion),
            )
        )


def _attempt(occasion: Occasion) -> str:
    return f"{occasion.attempt.key} {occasion.attempt.number}"


def _concerns(fault: Fault, client: str) -> bool:
    return client in fault.clients or (EVERYBODY in fault.clients and client not in ("", CONTROL))


def _there(incident: Incident, host: Host) -> bool:
    return EVERYBODY in incident.regions or not host.region or host.region in incident.regions
