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
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from prober.advisories.onsets import Onsets
from prober.assembly import Assembly, Networks, TokenNews, kernel_notes_in_force
from prober.blame.blame import Blame
from prober.clients import catalogue
from prober.detect.detector import Detector, Policy
from prober.detect.group import Transition
from prober.detect.groups import Source
from prober.detection import Detection, PushNews, sources
from prober.discovery.fetching import Fetching
from prober.discovery.reader import ListReader
from prober.history import pages as past
from prober.history.database import Bounds
from prober.history.history import History
from prober.identity.spec import unbound
from prober.identity.tokens import TokenCache
from prober.listen import DEFAULT_LISTEN, bind, name
from prober.model import Assignment, Outcome
from prober.net.network import NetworkSetupError
from prober.notices import Notices
from prober.observe.blame import BlameMetrics, BlamePanel, BlameWatch
from prober.observe.detection import DetectorMetrics
from prober.observe.discovery import DiscoveryMetrics
from prober.observe.headline import HeadlinePanel
from prober.observe.log import OutcomeLog
from prober.observe.metrics import Metrics
from prober.observe.report import Finished
from prober.observe.restraints import RestraintPanel, export, export_waits
from prober.observe.sink import Gathered, Sink, fan_out
from prober.observe.status import StatusBoard
from prober.observe.trouble import TroublePanel
from prober.observe.upkeep import ExpiryPanel, PushPanel
from prober.observe.web import About, Panel, application
from prober.reloading import Configuration, Reloading
from prober.schedule.channels import Channels
from prober.schedule.confirmation import SecondLooks
from prober.schedule.judging import CONTROL
from prober.schedule.plan import Plan
from prober.schedule.runner import Runner
from prober.schedule.scopes import ScopeKind
from prober.serving.guard import Guard
from prober.serving.keeper import Keeper
from prober.serving.lifecycle import cannot_reload, configuration_route, lifecycle_routes
from prober.serving.probe import Probes
from prober.serving.server import WebServer
from prober.settings.difference import Change, beyond_reload, difference
from prober.settings.inputs import SECTION
from prober.settings.settings import Settings
from prober.storage.store import Store, StoreBusyError
from prober.transaction import Client
from prober.verdict import Judgement
from prober.vocabulary import Environment
from prober.workers.crew import Crew, Ears

T = TypeVar("T")

LOG = logging.getLogger(__name__)
SAVE_PERIOD = 5.0
YOUNG = 5_000
"""Objects made and not given back, after which the collector looks at those; the interpreter's own number is 700."""
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


async def run(settings: Settings, options: Options, configuration: Configuration | None = None) -> int:
    """Probe until a signal; return the exit code. Raises `ListenError`, `NetworkSetupError`.

    `configuration` is where `settings` came from; SIGHUP has it read again.
    """
    sockets = bind(options.listen)
    try:
        service = Service(
            settings,
            catalogue(),
            Store.open(settings.storage_path),
            web=options.web,
            lifecycle=options.lifecycle,
            configuration=configuration,
        )
        again = service.reloading.soon if service.reloading else None
        with stopping() as stop, answering(signal.SIGUSR1, options.louder), answering(signal.SIGHUP, again):
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
    whether they may reload and end the prober. `configuration` is where the settings came from, and may say something
    else one day.
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
        configuration: Configuration | None = None,
    ) -> None:
        self._settings = settings
        self._clients = clients
        self._in_force = _by_key(settings)
        self._asked_to_end = asyncio.Event()
        self._store = store
        self._ready = False
        self._ending = asyncio.Event()
        self.metrics = self._metrics(settings, clients)
        self.history = self._history(settings)
        self._tell_lost()
        self._board = StatusBoard(settings.assignments, clients)
        self._expiry = ExpiryPanel(_expiries(settings), lambda: self._board.rows)
        self._onsets = Onsets(store.section("onsets"))
        self.detection = self._detection(settings, clients, hear)
        self.blame = Blame(settings.assignments, BlameMetrics(self.metrics), wall=time.time)
        own = (self.metrics, self._board, OutcomeLog(), self.detection, self.blame, self.history)
        self._sinks: tuple[Sink, ...] = (*own, *sinks)
        self._hearers = self._who_hears(settings)
        tokens, news = TokenNews((self.metrics, self._expiry)), PushNews(self.metrics, self.detection)
        ears = Ears(self.metrics, tokens, news, self.tell, self._tell_again, self._tell_of_loss)
        self._crew = Crew(settings, store, ears) if settings.workers > 1 else None
        self._gathered = Gathered(self.tell)
        probed = self._probed_here(settings)
        self.assembly = Assembly(
            probed,
            clients,
            store,
            watch=self.metrics,
            tell=self._gathered,
            tell_again=self._tell_again,
            lagged=self.metrics.loop_lag,
            noted=self.metrics.noted,
            token_observers=(tokens,),
            record=self.history.record,
        )
        self._attempts = self._crew or self.assembly.attempts
        self._governor = self._crew or self.assembly.governor
        plan = Plan(probed.assignments, now=time.monotonic(), epoch=time.time())
        self._runner = Runner(plan, self.assembly.attempts.scheduled, self.metrics)
        self._channels = Channels(
            probed.assignments,
            clients,
            self.assembly.open,
            pacer=self.assembly.pacer,
            governor=self.assembly.governor,
            judging=self.assembly.judging,
            health=self.assembly.health,
            watch=news,
            tell=self._tell_of_loss,
            record=self.history.record,
        )
        self._looks = self._second_looks(settings)
        self._consider(settings)
        self._notices = self._reader(settings)
        self._restraints = RestraintPanel(settings.assignments, self._governor.held_back)
        export(self.metrics, self._governor, settings.assignments, ScopeKind)
        headline = HeadlinePanel(lambda: self._board.rows, lambda: self.detection.detector, self.blame, wall=time.time)
        self._panels = [
            headline,
            *panels,
            TroublePanel(lambda: self.detection.detector),
            BlamePanel(self.blame),
            self._restraints,
            *([self._notices.panel] if self._notices else []),
            PushPanel(self._crew.channels if self._crew else self._channels.states),
            self._expiry,
        ]
        self._sources = DiscoveryMetrics(self.metrics)
        self.reloading = self._reloading(configuration) if configuration else None
        self._lists = self._list_reader(settings)
        self._probes = Probes(self._assignment, self._attempts, lambda: self._ready, self.history.probed)
        routes = (
            self._probes.route,
            configuration_route(lambda: self._settings.redacted),
            *past.routes(self.history, lambda: ((one.client, one.target.name) for one in self._settings.assignments)),
            *lifecycle_routes(self.reloading or cannot_reload, self._asked_to_end.set, enabled=lifecycle),
        )
        about = About(settings.vantage, os.environ.get("PROBER_REVISION", ""), platform.python_version())
        pages = application(
            *(self.metrics, self._board, lambda: self._ready, self._panels, routes), states=headline.states, about=about
        )
        self._web = WebServer(Guard(pages, web.current if web else lambda: None), web)

    def _reloading(self, configuration: Configuration) -> Reloading:
        """Return what reads the configuration again; its last good lists are kept from now on."""
        configuration.keep(self._store.section(SECTION))
        reloading = Reloading(configuration, self.reconfigure, self.metrics, self._sources)
        reloading.tell()
        return reloading

    def _list_reader(self, settings: Settings) -> ListReader | None:
        """Return what fetches lists of targets, where that is configured."""
        if not settings.lists or self.reloading is None:
            return None
        fetch = Fetching(lambda route: self.assembly.networks.along(route), settings.user_agent)
        return ListReader(settings.lists, fetch, self.reloading.offer, self._sources)

    def _probed_here(self, settings: Settings) -> Settings:
        """Return what this process has to probe itself: nothing where it has workers."""
        return settings if self._crew is None else replace(settings, assignments=())

    def tell(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Hand a finished attempt to whoever wants to hear of it; of what is not probed any more, nobody does."""
        now = self._in_force.get(assignment.key)
        if now is not None:
            fan_out(self._hearers, now, outcome, judgement, watch=self.metrics)

    def _tell_again(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        now = self._in_force.get(assignment.key)
        if now is not None:
            fan_out((self.detection.second_look, self.history.second_look), now, outcome, judgement, watch=self.metrics)

    def _tell_of_loss(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        now = self._in_force.get(assignment.key)
        if now is not None:
            fan_out((self.history.channel_lost,), now, outcome, judgement, watch=self.metrics)

    def _who_hears(self, settings: Settings) -> tuple[Sink, ...]:
        """Return all sinks; when failures began is noted only where notices are compared with it."""
        return (*self._sinks, self._onsets) if settings.service_health is not None else self._sinks

    def _reader(self, settings: Settings) -> Notices | None:
        """Return what reads Microsoft's own notices, where that is configured."""
        section = settings.service_health
        if section is None:
            return None
        return Notices(settings, section, self.assembly.networks, self._store, self.metrics, self._onsets)

    def _detection(
        self, settings: Settings, clients: Mapping[str, Client[Any]], hear: Callable[[Transition], None] | None
    ) -> Detection:
        return Detection(
            sources(settings.assignments, clients, settings.vantage),
            _policy(settings),
            self._store.section("detector"),
            DetectorMetrics(self.metrics),
            wall=time.time,
            hear=hear,
        )

    def _second_looks(self, settings: Settings) -> SecondLooks:
        return SecondLooks(
            settings.assignments,
            self.detection.detector.cells,
            self._attempts.second_look,
            confirming=lambda key: self.detection.detector.confirming(key),
            busy=lambda key: key in self._runner.running or self._attempts.busy(key),
            watch=self.metrics,
            wall=time.time,
        )

    def _consider(self, settings: Settings) -> None:
        """Have second looks taken where they are configured."""
        self.detection.again = self._looks.consider if settings.detector.second_looks else None

    def _assignment(self, target: str, client: str) -> Assignment | None:
        """Return what is configured for a client on a target."""
        return self._in_force.get(f"{client}/{target}")

    def _metrics(self, settings: Settings, clients: Mapping[str, Client[Any]]) -> Metrics:
        metrics = Metrics(
            settings.assignments,
            clients,
            vantage=settings.vantage,
            label_names=settings.label_names,
            credentials=settings.credentials,
        )
        _show_expiry(metrics, settings)
        metrics.kernel_notes(in_force=kernel_notes_in_force(settings))
        metrics.reload(ok=True, at=time.time())
        return metrics

    def _history(self, settings: Settings) -> History:
        kept = settings.history
        bounds = Bounds(kept.counts, kept.failures, octets=kept.megabytes << 20)
        return History(self._store.folder, vantage=settings.vantage, watch=self.metrics, bounds=bounds, wall=time.time)

    def _tell_lost(self) -> None:
        self.metrics.state_lost(self._store.lost or self.history.lost)

    # -- another configuration ---------------------------------------------------------------------------------------

    async def reconfigure(self, settings: Settings) -> Sequence[str]:
        """Put `settings` in force, whole or not at all; return what stands in the way, a line each.

        What is the same as before is not touched: an attempt under way ends as it would have, a channel stays open,
        counters, tokens and devices go on.
        """
        mistakes = tuple(beyond_reload(self._settings, settings))
        if mistakes:
            return mistakes
        watched, policy = sources(settings.assignments, self._clients, settings.vantage), _policy(settings)
        try:
            networks = await asyncio.to_thread(self.assembly.ways_out, self._probed_here(settings))
        except NetworkSetupError as exc:
            return (str(exc),)
        detector = await asyncio.to_thread(self.detection.prepared, watched, policy)
        change = difference(self._settings, settings)
        here = change if self._crew is None else Change()
        for one in (*change.added, *change.changed):
            self.metrics.add(one)
            await asyncio.sleep(0)
        if not self._ready:
            return ("the prober is not ready, or ending",)
        before, was = self.assembly.networks, self._settings
        caches = self._switch(settings, change, here, networks, detector, watched)
        if self._crew is not None:
            await self._crew.configure(settings)
        await self._tidy(caches, before)
        if _notices(was) != _notices(settings):
            await self._read_notices(settings)
        if (was.lists, was.user_agent) != (settings.lists, settings.user_agent):
            await self._read_lists(settings)
        LOG.info("the configuration is in force: %s", change.words)
        return ()

    def _switch(
        self,
        settings: Settings,
        change: Change,
        here: Change,
        networks: Networks,
        detector: Detector | None,
        watched: Mapping[str, Source],
    ) -> tuple[TokenCache, ...]:
        """Go by `settings` from now on, everybody at once; return what is to be closed.

        `here` is what changes of that which this process probes itself.
        """
        self._gathered.flush()
        gone = [one.key for one in change.removed]
        assignments = settings.assignments
        self._settings, self._in_force, self._hearers = settings, _by_key(settings), self._who_hears(settings)
        self._runner.replan(self._probed_here(settings).assignments, now=time.monotonic(), epoch=time.time())
        self._runner.drop(here.moved)
        self._probes.drop(change.moved)
        caches = self.assembly.configure(self._probed_here(settings), networks, gone)
        self.metrics.kernel_notes(in_force=kernel_notes_in_force(settings))
        if detector is not None:
            self.detection.replace(detector, watched)
        self._looks.replace(assignments, self.detection.detector.cells, change.moved)
        self._consider(settings)
        self._channels.replace(*here.channels)
        self.blame.replace(assignments)
        self._board.configure(assignments)
        self._restraints.configure(assignments)
        self._expiry.configure(_expiries(settings))
        export_waits(self.metrics, self._governor, assignments)
        self.metrics.forget(gone)
        self.metrics.credentials(settings.credentials)
        _show_expiry(self.metrics, settings)
        for control in (one for one in here.added if one.client == CONTROL):
            self._runner.begin(control)
        return caches

    async def _tidy(self, caches: Sequence[TokenCache], before: Networks) -> None:
        """Close and drop what nothing needs any more, without holding up what does run."""
        for cache in caches:
            await cache.close()
        await before.retire(self.assembly.networks)
        for _ in self.metrics.sweep():
            await asyncio.sleep(0)

    async def _read_notices(self, settings: Settings) -> None:
        """Read Microsoft's own notices as `settings` say, in place of how it was done before."""
        if self._notices is not None:
            self._panels.remove(self._notices.panel)
            await self._notices.close()
        self._notices = self._reader(settings)
        if self._notices is not None:
            self._panels.insert(self._panels.index(self._restraints) + 1, self._notices.panel)
            self._notices.start()

    async def _read_lists(self, settings: Settings) -> None:
        """Fetch lists of targets as `settings` say, in place of how it was done before.

        A list itself never brings this about, and so never waits for its own end.
        """
        if self._lists is not None:
            await self._lists.close()
        self._lists = self._list_reader(settings)
        if self._lists is not None:
            self._lists.start()

    async def serve(self, sockets: list[socket.socket], stop: asyncio.Event, grace: float) -> int:
        """Work until `stop` is set; drain, log out, save. Return 0, or 1 when a part of the prober broke.

        The controls begin at once, so that the first verdicts know whether the way out is open.
        """
        settle_memory()
        self.assembly.health.start()
        self._channels.start()
        if self._notices:
            self._notices.start()
        scheduling = asyncio.create_task(self._runner.run(), name="scheduling")
        saving = asyncio.create_task(self._keep_saving(), name="saving")
        ticking = asyncio.create_task(self._keep_ticking(), name="ticking")
        serving = asyncio.create_task(self._web.serve(sockets), name="serving")
        blaming = asyncio.create_task(BlameWatch(self.blame).run(TICK), name="blaming")
        watching = asyncio.create_task(self._keep_watching(), name="watching the configuration")
        tending = asyncio.create_task(self._tend(grace), name="looking after workers")
        for control in self._probed_here(self._settings).assignments:
            if control.client == CONTROL:
                self._runner.begin(control)
        self._ready = True
        if self._lists:
            self._lists.start()
        LOG.info("listening on %s", ", ".join(map(name, sockets)))
        parts = (scheduling, saving, serving, ticking, blaming, watching, tending)
        broken = await _first_to_end((stop, self._asked_to_end), *parts)
        self._ready = False
        LOG.info("stopping")
        for task in (scheduling, ticking, blaming, watching, tending):
            task.cancel()
        if self._lists:
            await self._lists.close()
        if self.reloading is not None:
            await self.reloading.close()
        await self._looks.drain()
        await asyncio.gather(self._runner.drain(grace), self._channels.drain(), self._probes.drain())
        if self._crew:
            await self._crew.drain(grace)
        if self._notices:
            await self._notices.close()
        self._gathered.flush()
        await self.assembly.close()
        self._ending.set()
        self._web.should_exit = True
        await asyncio.wait(parts)
        await self.history.close()
        self._store.close()
        return 1 if broken else 0

    async def _keep_watching(self) -> None:
        """Read the configuration whenever its files have changed; where there are none, do nothing for ever."""
        if self.reloading is None:
            await asyncio.Event().wait()
        else:
            await self.reloading.watch()

    async def _keep_saving(self) -> None:
        """Save every few seconds, in a thread: a slow disk must not look like a slow loop. Ends after a last save."""
        while not self._ending.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(SAVE_PERIOD):
                    await self._ending.wait()
            for _ in self.detection.saving():
                await asyncio.sleep(0)
            await asyncio.to_thread(self._store.save)
            await self.history.flush()
            self._tell_lost()

    async def _tend(self, grace: float) -> None:
        """Start the workers and look after them; where there are none, do nothing for ever."""
        if self._crew is None:
            await asyncio.Event().wait()
        else:
            self._crew.start(grace)
            await self._crew.run()

    async def _keep_ticking(self) -> None:
        """Let the detector notice that time passes."""
        while True:
            for _ in self.detection.ticking():
                await asyncio.sleep(0)
            await asyncio.sleep(TICK)


def _by_key(settings: Settings) -> dict[str, Assignment]:
    return {one.key: one for one in settings.assignments}


def _policy(settings: Settings) -> Policy:
    return Policy(budget=settings.detector.budget, guaranteed=settings.detector.guaranteed)


def _expiries(settings: Settings) -> dict[str, datetime | None]:
    return {one.name: one.expires_at for one in settings.credentials.values()}


def _show_expiry(metrics: Metrics, settings: Settings) -> None:
    for spec in settings.credentials.values():
        if spec.expires_at is not None:
            metrics.credential_expiry(spec.name, spec.expires_at.timestamp())


def _notices(settings: Settings) -> object:
    """Return all that the reading of notices depends on."""
    section = settings.service_health
    if section is None:
        return None
    clients = {one.client for one in settings.assignments if one.target.environment is Environment.EXCHANGE_ONLINE}
    return section, unbound(settings.credentials.get(section.credential)), settings.token_route, clients


def settle_memory() -> None:
    """Take what was made at start out of the collector's sight: a full collection then takes no visible time.

    And have it look less often: nothing of an attempt goes round in a circle, so that it finds next to nothing.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG)


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
    rest = {one.key: asyncio.create_task(attempt(one)) for one in selected if one.key not in finished}
    try:
        for one in selected:
            show(finished[one.key] if one.key in finished else await rest[one.key])
    finally:  # what `show` raises is for the caller as it is: nobody reads on, say
        for task in rest.values():
            task.cancel()
        await asyncio.gather(*rest.values(), return_exceptions=True)


def _controls(settings: Settings, selected: Sequence[Assignment]) -> list[Assignment]:
    """Return the controls of the ways out that `selected` take."""
    wanted = {settings.control_of.get(assignment.target.name) for assignment in selected}
    wanted |= {assignment.target.name for assignment in selected if assignment.client == CONTROL}
    return [one for one in settings.assignments if one.client == CONTROL and one.target.name in wanted]
