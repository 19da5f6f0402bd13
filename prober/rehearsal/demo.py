"""The whole product on one machine: a simulated tenant, a prober that watches it, and incidents to start.

Rule of this file: the prober gets a configuration, as it would anywhere, and knows of nothing else.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from types import MappingProxyType

from prober.app import Service, stopping
from prober.clients import catalogue
from prober.listen import DEFAULT_LISTEN, bind, name
from prober.rehearsal.bulletins import Bulletins
from prober.rehearsal.groups import Groups
from prober.rehearsal.incidents import Incidents
from prober.rehearsal.post import Post
from prober.settings.load import load
from prober.settings.settings import DetectorSettings
from prober.simulator.configuration import Wishes
from prober.simulator.faults.catalogue import incidents
from prober.simulator.faults.fault import Fault
from prober.simulator.faults.read import Incident
from prober.simulator.layout import default_layout, found
from prober.simulator.simulator import Simulator
from prober.storage.store import Store

INTERVAL = 5.0
POST = 5.0
"""Seconds between two messages to a mailbox."""
SCALE = 60.0
"""A minute of an incident takes a second here."""
PAGE_BUDGET = 1.0
"""Days of the rehearsal between two false pages: it runs at a dozen times the usual pace, for an afternoon."""
PUSH = MappingProxyType({"imap4": 30.0, "activesync": 0.0, "outlook_mac_legacy": 0.0})
"""Clients that hold their channel open, and how often a marker message measures it."""
CONNECTIONS = 10
"""Of a mailbox at once: at a dozen times the usual pace, more attempts overlap."""
LATE = 30.0
"""Seconds after the start of an incident at which its notice is published: half an hour of its time, which is early."""
NOTICES, LEAST_NOTICES = 15.0, 60.0
"""Seconds between two looks for notices, and the least that a configuration may say."""
SECRETS_LAST = timedelta(days=60)
SETTLING = 15.0
"""Seconds before an incident asked for on the command line: every client should have been well once."""
GRACE = 3.0


class UnknownIncidentError(Exception):
    """There is no such incident; the text names those there are."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of `demo`. `duration` in seconds, `None`: until a signal."""

    listen: Sequence[str] = (DEFAULT_LISTEN,)
    duration: float | None = None
    incidents: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Opened:
    """Where to look, once everything runs."""

    pages: str
    control: str
    known: Sequence[str] = field(default_factory=tuple)


def weather() -> Incident:
    """Return what is never quite absent: now and then an answer takes its time, and very rarely one fails."""
    return Incident(
        id="weather",
        title="the usual weather",
        faults=(
            Fault("delay", pct=1.0, arguments=MappingProxyType({"seconds": 0.8})),
            Fault("http", pct=0.1, arguments=MappingProxyType({"status": 503})),
        ),
    )


async def demo(options: Options, show: Callable[[Opened], None]) -> int:
    """Run until a signal or for the duration; return the exit code. Raises `ListenError`, `UnknownIncidentError`."""
    sockets = bind(options.listen)
    with TemporaryDirectory(prefix="prober-demo-") as folder, contextlib.ExitStack() as undo:
        for one in sockets:
            undo.callback(one.close)
        simulator = Simulator(found(default_layout()), Path(folder), catalogue=incidents())
        await simulator.start()
        try:
            bulletins = _bulletins(simulator)
            undo.callback(bulletins.stop)
            service, panel = _prober(simulator, bulletins, Path(folder))
            _check(options, panel)
            simulator.weather.begin(weather())
            post = Post(tuple(simulator.tenant.mailboxes.values()), POST)
            post.start()
            undo.callback(post.stop)
            show(Opened(f"http://{_local(name(sockets[0]))}/", simulator.control_url, panel.known))
            with stopping() as stop, _timers(options, panel, stop):
                return await service.serve(sockets, stop, GRACE)
        finally:
            await simulator.stop()


def _wishes() -> Wishes:
    """Return what the configuration should say: something to see for whatever can be shown."""
    expiry = datetime.now(UTC) + SECRETS_LAST
    return Wishes(
        interval=INTERVAL,
        control_interval=INTERVAL,
        push=PUSH,
        notices=LEAST_NOTICES,
        expiry=expiry.isoformat(timespec="seconds"),
        connections=CONNECTIONS,
    )


def _check(options: Options, panel: Incidents) -> None:
    for wanted in options.incidents:
        if wanted not in panel.known:
            raise UnknownIncidentError(f"there is no incident {wanted!r}; there are {', '.join(panel.known)}")


def _bulletins(simulator: Simulator) -> Bulletins:
    titles = {name: client.title for name, client in catalogue().items()}
    return Bulletins(simulator.graph.announcements, titles, LATE, time.time)


def _prober(simulator: Simulator, bulletins: Bulletins, folder: Path) -> tuple[Service, Incidents]:
    """Return a prober for the tenant, configured by a file like any other, and what it shows beside its own page."""
    settings = load([simulator.write_configuration(folder, _wishes())], catalogue())
    reading = settings.service_health and replace(settings.service_health, interval=NOTICES)
    settings = replace(settings, detector=DetectorSettings(budget=PAGE_BUDGET), service_health=reading)
    groups = Groups(time.monotonic)
    clients = sorted({assignment.client for assignment in settings.assignments})
    panel = Incidents(simulator.weather, incidents(), groups, clients, scale=SCALE, bulletins=bulletins)
    return Service(settings, catalogue(), Store.open(None), hear=groups.hear, panels=(panel,)), panel


@contextlib.contextmanager
def _timers(options: Options, panel: Incidents, stop: asyncio.Event) -> Iterator[None]:
    """Start the incidents asked for once all has been well, and end everything after the duration asked for."""
    loop = asyncio.get_running_loop()
    timers = [loop.call_later(SETTLING, panel.begin, wanted) for wanted in options.incidents]
    if options.duration is not None:
        timers.append(loop.call_later(options.duration, stop.set))
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()


def _local(address: str) -> str:
    """Return an address to open from this machine, where a socket listens on all of them."""
    host, _, port = address.rpartition(":")
    return f"127.0.0.1:{port}" if host in ("0.0.0.0", "[::]") else address  # noqa: S104 - compared, not bound
