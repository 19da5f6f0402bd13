"""Introduces everybody to everybody, and keeps them until a signal; `once` does the same for a single round."""

import asyncio
import contextlib
import gc
import importlib
import importlib.util
import logging
import os
import platform
import signal
import socket
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from prober.advisories.onsets import Onsets
from prober.assembly import Assembly
from prober.blame.blame import Blame
from prober.clients import catalogue
from prober.detect.detector import Policy
from prober.detect.group import Transition
from prober.detection import Detection, PushNews, sources
from prober.history import pages as past
from prober.history.database import Bounds
from prober.history.history import History
from prober.listen import DEFAULT_LISTEN, bind, name
from prober.model import Assignment
from prober.notices import Notices
from prober.observe.blame import BlameMetrics, BlamePanel
from prober.observe.detection import DetectorMetrics
from prober.observe.headline import HeadlinePanel
from prober.observe.log import OutcomeLog
from prober.observe.metrics import Metrics
from prober.observe.report import Finished
from prober.observe.restraints import RestraintPanel, export
from prober.observe.sink import Sink, fan_out
from prober.observe.status import StatusBoard
from prober.observe.trouble import TroublePanel
from prober.observe.upkeep import ExpiryPanel, PushPanel
from prober.observe.web import About, Panel, application
from prober.schedule.channels import Channels
from prober.schedule.confirmation import SecondLooks
from prober.schedule.judging import CONTROL
from prober.schedule.plan import Plan
from prober.schedule.runner import Runner
from prober.schedule.scopes import ScopeKind
from prober.serving.guard import Guard
from prober.serving.keeper import Keeper
from prober.serving.lifecycle import Reload, cannot_reload, configuration_route, lifecycle_routes
from prober.serving.probe import Probes
from prober.serving.server import WebServer
from prober.settings.settings import Settings
from prober.storage.store import Store, StoreBusyError
from prober.transaction import Client

T = TypeVar("T")

LOG = logging.getLogger(__name__)
SAVE_PERIOD = 5.0
TICK = 5.0
"""Seconds after which the detector notices what only time tells; shorter than any scrape interval in use."""
SIGNALS = (signal.SIGTERM, signal.SIGINT)
AT_ONCE = 16
"""Attempts that `once` runs side by side, so that a large configuration does not measure its own crowd."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line says of `run`. `grace`: seconds that running attempts have to end after a signal.

    `louder` switches the log to debug and back; SIGUSR1 calls it.
    `web` keeps what `--web.config.file` says, `lifecycle` lets the pages reload and end the prober.
    """

    listen: Sequence[str] = (DEFAULT_LISTEN,)
    grace: float = 30.0
    louder: Callable[[], None] | None = None
    web: Keeper | None = None
    lifecycle: bool = False


def main(program: Coroutine[Any, Any, T]) -> T:
    """Run `program` on uvloop where it is installed, on the standard loop everywhere else; return its result."""
    factory: Callable[[], asyncio.AbstractEventLoop] | None = None
    if importlib.util.find_spec("uvloop"):
        factory = importlib.import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(program)


async def run(settings: Settings, options: Options) -> int:
    """Probe until a signal; return the exit code. Raises `ListenError`, `NetworkSetupError`."""
    sockets = bind(options.listen)
    try:
        service = Service(
            settings,
            catalogue(),
            Store.open(settings.storage_path),
            web=options.web,
            lifecycle=options.lifecycle,
        )
        with stopping() as stop, answering(signal.SIGUSR1, options.louder):
            return await service.serve(sockets, stop, options.grace)
    finally:
        for bound in sockets:
            bound.close()


@contextlib.contextmanager
def stopping() -> Iterator[asyncio.Event]:
    """Give an event that the first signal sets; the second one exits at once with code 1."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def on_signal() -> None:
        if stop.is_set():
            os._exit(1)
        stop.set()

    for number in SIGNALS:
        loop.add_signal_handler(number, on_signal)
    try:
        yield stop
    finally:
        for number in SIGNALS:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def answering(number: signal.Signals, act: Callable[[], None] | None) -> Iterator[None]:
    """Call `act` on the running loop whenever that signal comes."""
    if act is None:
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)


class Service:
    """The running prober: schedule, push channels, web pages, state.

    `sinks` hear of every finished attempt besides the prober's own, `hear` of every change of state that the detector
    finds; `panels` add to the status page. `web` says who may see the pages, where that is configured, `lifecycle`
    whether they may `reload` and end the prober.
    """

    def __init__(
        self,
        settings: Settings,
        clients: Mapping[str, Client[Any]],
        store: Store,
        *,
        sinks: Sequence[Sink] = (),
        panels: Sequence[Panel] = (),
        hear: Callable[[Transition], None] | None = None,
        web: Keeper | None = None,
        lifecycle: bool = False,
        reload: Reload = cannot_reload,
    ) -> None:
        self._settings = settings
        self._asked_to_end = asyncio.Event()
        self._store = store
        self._ready = False
        self._ending = asyncio.Event()
        self._controls = [one for one in settings.assignments if one.client == CONTROL]
        self.metrics = self._metrics(settings, clients)
        self.history = self._history(settings)
        self._tell_lost()
        board = StatusBoard(settings.assignments, clients)
        expiry = ExpiryPanel({one.name: one.expires_at for one in settings.credentials.values()}, lambda: board.rows)
        onsets = Onsets(store.section("onsets"))
        self.detection = self._detection(settings, clients, hear)
        own = (onsets,) if settings.service_health else ()
        self._blame = Blame(settings.assignments, BlameMetrics(self.metrics), wall=time.time)
        hearers: tuple[Sink, ...] = (
            self.metrics,
            board,
            OutcomeLog(),
            self.detection,
            self._blame,
            self.history,
            *own,
            *sinks,
        )
        self.tell = partial(fan_out, hearers, watch=self.metrics)
        self.assembly = Assembly(
            settings,
            clients,
            store,
            watch=self.metrics,
            tell=self.tell,
            tell_again=partial(fan_out, (self.detection.second_look,), watch=self.metrics),
            lagged=self.metrics.loop_lag,
            token_observers=(self.metrics, expiry),
            record=self.history.record,
        )
        plan = Plan(settings.assignments, now=time.monotonic(), epoch=time.time())
        self._runner = Runner(plan, self.assembly.attempts.scheduled, self.metrics)
        self._channels = Channels(
            settings.assignments,
            clients,
            self.assembly.open,
            pacer=self.assembly.pacer,
            governor=self.assembly.governor,
            judging=self.assembly.judging,
            health=self.assembly.health,
            watch=PushNews(self.metrics, self.detection),
        )
        self._looks = self._second_looks(settings) if settings.detector.second_looks else None
        self._notices = self._reader(settings, onsets)
        restraints = RestraintPanel(settings.assignments, self.assembly.governor.held_back)
        export(self.metrics, self.assembly.governor, settings.assignments, ScopeKind)
        headline = HeadlinePanel(lambda: board.rows, self.detection.detector, self._blame, wall=time.time)
        shown = (
            headline,
            *panels,
            TroublePanel(self.detection.detector),
            BlamePanel(self._blame),
            restraints,
            *([self._notices.panel] if self._notices else []),
            PushPanel(self._channels.states),
            expiry,
        )
        self._probes = Probes(self._assignment, self.assembly.attempts, lambda: self._ready)
        routes = (
            self._probes.route,
            configuration_route(lambda: self._settings.redacted),
            *past.routes(self.history, lambda: ((one.client, one.target.name) for one in self._settings.assignments)),
            *lifecycle_routes(reload, self._asked_to_end.set, enabled=lifecycle),
        )
        about = About(settings.vantage, os.environ.get("PROBER_REVISION", ""), platform.python_version())
        pages = application(
            self.metrics, board, lambda: self._ready, shown, routes, states=headline.states, about=about
        )
        self._web = WebServer(Guard(pages, web.current if web else lambda: None), web)

    def _reader(self, settings: Settings, onsets: Onsets) -> Notices | None:
        """Return what reads Microsoft's own notices, where that is configured."""
        section = settings.service_health
        if section is None:
            return None
        return Notices(settings, section, self.assembly.networks, self._store, self.metrics, onsets)

    def _detection(
        self, settings: Settings, clients: Mapping[str, Client[Any]], hear: Callable[[Transition], None] | None
    ) -> Detection:
        return Detection(
            sources(settings.assignments, clients, settings.vantage),
            Policy(budget=settings.detector.budget, guaranteed=settings.detector.guaranteed),
            self._store.section("detector"),
            DetectorMetrics(self.metrics),
            wall=time.time,
            hear=hear,
        )

    def _second_looks(self, settings: Settings) -> SecondLooks:
        detector = self.detection.detector
        looks = SecondLooks(
            settings.assignments,
            detector.cells,
            self.assembly.attempts.second_look,
            confirming=detector.confirming,
            busy=lambda key: key in self._runner.running or self.assembly.attempts.busy(key),
            watch=self.metrics,
            wall=time.time,
        )
        self.detection.again = looks.consider
        return looks

    def _assignment(self, target: str, client: str) -> Assignment | None:
        """Return what is configured for a client on a target."""
        found = (one for one in self._settings.assignments if (one.target.name, one.client) == (target, client))
        return next(found, None)

    def _metrics(self, settings: Settings, clients: Mapping[str, Client[Any]]) -> Metrics:
        metrics = Metrics(
            settings.assignments,
            clients,
            vantage=settings.vantage,
            label_names=settings.label_names,
            credentials=settings.credentials,
        )
        for spec in settings.credentials.values():
            if spec.expires_at is not None:
                metrics.credential_expiry(spec.name, spec.expires_at.timestamp())
        metrics.reload(ok=True, at=time.time())
        return metrics

    def _history(self, settings: Settings) -> History:
        kept = settings.history
        bounds = Bounds(kept.counts, kept.failures, octets=kept.megabytes << 20)
        return History(self._store.folder, vantage=settings.vantage, watch=self.metrics, bounds=bounds, wall=time.time)

    def _tell_lost(self) -> None:
        self.metrics.state_lost(self._store.lost or self.history.lost)

    async def serve(self, sockets: list[socket.socket], stop: asyncio.Event, grace: float) -> int:
        """Work until `stop` is set; drain, log out, save. Return 0, or 1 when a part of the prober broke.

        The controls begin at once, so that the first verdicts know whether the way out is open.
        """
        _settle_memory()
        self.assembly.health.start()
        self._channels.start()
        if self._notices:
            self._notices.start()
        scheduling = asyncio.create_task(self._runner.run(), name="scheduling")
        saving = asyncio.create_task(self._keep_saving(), name="saving")
        ticking = asyncio.create_task(self._keep_ticking(), name="ticking")
        serving = asyncio.create_task(self._web.serve(sockets), name="serving")
        for control in self._controls:
            self._runner.begin(control)
        self._ready = True
        LOG.info("listening on %s", ", ".join(map(name, sockets)))
        broken = await _first_to_end((stop, self._asked_to_end), scheduling, saving, serving, ticking)
        self._ready = False
        LOG.info("stopping")
        scheduling.cancel()
        ticking.cancel()
        if self._looks:
            await self._looks.drain()
        await asyncio.gather(self._runner.drain(grace), self._channels.drain(), self._probes.drain())
        if self._notices:
            await self._notices.close()
        await self.assembly.close()
        self._ending.set()
        self._web.should_exit = True
        await asyncio.wait([scheduling, saving, serving, ticking])
        await self.history.close()
        self._store.close()
        return 1 if broken else 0

    async def _keep_saving(self) -> None:
        """Save every few seconds, in a thread: a slow disk must not look like a slow loop. Ends after a last save."""
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SAVE_PERIOD):
                    await self._ending.wait()
            self.detection.save()
            await asyncio.to_thread(self._store.save)
            await self.history.flush()
            self._tell_lost()

    async def _keep_ticking(self) -> None:
        """Let the detector notice that time passes."""
        while True:
            self.detection.tick()
            self._blame.tick()
            await asyncio.sleep(TICK)


def _settle_memory() -> None:
    """Take what was made at start out of the collector's sight: a full collection then takes no visible time."""
    gc.collect()
    gc.freeze()


async def _first_to_end(stops: Sequence[asyncio.Event], *parts: asyncio.Task[None]) -> bool:
    """Wait for one of `stops`, or for a part that ends although none should; return whether one did."""
    stopped = [asyncio.create_task(stop.wait()) for stop in stops]
    ended, _ = await asyncio.wait([*stopped, *parts], return_when=asyncio.FIRST_COMPLETED)
    for waiting in stopped:
        waiting.cancel()
    broken = [part for part in parts if part in ended]
    for part in broken:
        LOG.critical("%s ended unasked", part.get_name(), exc_info=part.exception())
    return bool(broken)


class Unwatched:
    """Hears how a schedule fares that does not exist: `once` has none."""

    def scheduler_lag(self, seconds: float) -> None:
        """Ignore it."""

    def inflight(self, delta: int) -> None:
        """Ignore it."""

    def held_back(self, assignment: Assignment) -> None:
        """Ignore it."""

    def confirmed(self, assignment: Assignment) -> None:
        """Ignore it."""


async def once(settings: Settings, selected: Sequence[Assignment], show: Callable[[Finished], None]) -> None:
    """Run each selected assignment once and `show` it, in the order of `selected`. Raises `NetworkSetupError`.

    The controls of the ways out that are taken run first, shown only where they are selected themselves, so that the
    verdicts know about them.
    """
    store = store_beside_others(settings.storage_path)
    assembly = Assembly(settings, catalogue(), store, watch=Unwatched(), tell=lambda *_: None, lagged=lambda _: None)
    assembly.health.start()
    try:
        await _show_in_order(assembly, _controls(settings, selected), selected, show)
    finally:
        await assembly.close()
        store.close()


def store_beside_others(path: str | None) -> Store:
    """Return the store, or a copy of it while another prober keeps it: a round by hand must be possible then too."""
    try:
        return Store.open(path)
    except StoreBusyError:
        return Store.copy(str(path))


async def _show_in_order(
    assembly: Assembly, controls: Sequence[Assignment], selected: Sequence[Assignment], show: Callable[[Finished], None]
) -> None:
    """Run the controls, then the rest, several at once; show each selected one as soon as its turn has come."""
    at_once = asyncio.Semaphore(AT_ONCE)

    async def attempt(assignment: Assignment) -> Finished:
        async with at_once:
            return assignment, *await assembly.attempts.by_hand(assignment)

    finished = {one[0].key: one for one in await asyncio.gather(*map(attempt, controls))}
    async with asyncio.TaskGroup() as group:
        rest = {one.key: group.create_task(attempt(one)) for one in selected if one.key not in finished}
        for one in selected:
            show(finished[one.key] if one.key in finished else await rest[one.key])


def _controls(settings: Settings, selected: Sequence[Assignment]) -> list[Assignment]:
    """Return the controls of the ways out that `selected` take."""
    wanted = {settings.control_of.get(assignment.target.name) for assignment in selected}
    wanted |= {assignment.target.name for assignment in selected if assignment.client == CONTROL}
    return [one for one in settings.assignments if one.client == CONTROL and one.target.name in wanted]
