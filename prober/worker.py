"""One of several processes that probe for one prober: it has a share of the assignments, and tells of all it sees.

It has no page, no file and no metric of its own; `prober/workers/crew.py` starts it and looks after it. Signals are
the prober's affair: it ends when it is told to, or when the prober is gone.

Rule of this file: an outcome and what was remembered because of it travel together, so that neither is lost alone.
"""

import asyncio
import logging
import os
import resource
import signal
import socket
import sys
import time
from collections import Counter
from collections.abc import Coroutine, Iterable, Iterator, Mapping
from typing import Any

from prober import app
from prober.assembly import Assembly
from prober.clients import catalogue
from prober.faults.classify import classify
from prober.faults.taxonomy import Reason
from prober.model import Assignment, Outcome
from prober.observe.transcript import Transcript, private
from prober.schedule.attempts import NotStarted
from prober.schedule.channels import Channels
from prober.schedule.governor import HeldBack
from prober.schedule.judging import CONTROL
from prober.schedule.plan import Plan
from prober.schedule.runner import Runner
from prober.schedule.scopes import ScopeKind
from prober.settings.difference import difference
from prober.settings.settings import Settings
from prober.storage.lent import LentStore
from prober.verdict import Judgement
from prober.workers.link import Link, Message, WorkersEnd
from prober.workers.orders import WISHES, Share, Standing, sendable

LOG = logging.getLogger(__name__)
IGNORED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1)
"""A terminal or a service manager sends them to every process; what they mean is said over the link."""
PULSE = 1.0
STANDING = 5
"""Seconds between two signs of life, every how manieth of which says how the worker stands."""
AT_ONCE = 100
"""Assignments whose standing is looked up in one pass of the loop."""
PAGE = os.sysconf("SC_PAGE_SIZE")


class Told:
    """Passes on what the schedule, the channels and the token service bring: the watch, and the sink, of everybody."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self.running = 0
        """How many transactions are under way."""
        self.notes: Counter[str] = Counter()
        """What became of the kernel's notes of when bytes came, since somebody was last told."""

    def attempt(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """A scheduled attempt has ended."""
        self._link.offer("attempt", assignment.key, sendable(outcome), judgement)

    def again(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """A second look has ended."""
        self._link.offer("again", assignment.key, sendable(outcome), judgement)

    def lost(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """A held session was lost, or could not be had: this is what is known of it."""
        self._link.offer("lost", assignment.key, sendable(outcome), judgement)

    def inflight(self, delta: int) -> None:
        """One transaction more or less is running."""
        self.running += delta

    def scheduler_lag(self, seconds: float) -> None:
        """An attempt started so late."""
        self._link.later("scheduler_lag", seconds)

    def loop_lag(self, seconds: float) -> None:
        """The loop was late."""
        self._link.later("loop_lag", seconds)

    def noted(self, result: str) -> None:
        """The kernel's note of when bytes came was used, missing or ignored: told with the next frame."""
        self.notes[result] += 1

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        """Slots were skipped."""
        self._link.tell("missed", assignment.key, count)

    def crashed(self, assignment: Assignment) -> None:
        """A bug cost an attempt or a channel."""
        self._link.tell("crashed", assignment.key)

    def held_back(self, assignment: Assignment) -> None:
        """A start was held back."""
        self._link.tell("held_back", assignment.key)

    def confirmed(self, assignment: Assignment) -> None:
        """A second look was taken."""
        self._link.tell("confirmed", assignment.key)

    def push_session(self, assignment: Assignment, seconds: float) -> None:
        """A held session ended."""
        self._link.tell("push_session", assignment.key, seconds)

    def push_disconnect(self, assignment: Assignment, reason: Reason) -> None:
        """A held session was lost."""
        self._link.tell("push_disconnect", assignment.key, reason)

    def notification_latency(self, assignment: Assignment, seconds: float) -> None:
        """A push told of a delivery."""
        self._link.tell("notification_latency", assignment.key, seconds)

    def marker_failed(self, assignment: Assignment) -> None:
        """A marker message could not be left."""
        self._link.tell("marker_failed", assignment.key)

    def requested(self, credential: str) -> None:
        """The token service was asked."""
        self._link.tell("requested", credential)

    def failed(self, credential: str, reason: Reason) -> None:
        """It yielded no token."""
        self._link.tell("failed", credential, reason)

    def issued(self, credential: str, expires_at: float) -> None:
        """It yielded one."""
        self._link.tell("issued", credential, expires_at)

    def distrusted(self, control: str, until: float) -> None:
        """A control failed: its way out is distrusted until then."""
        self._link.send("distrusted", control, until)


class ToldLog(logging.Handler):
    """Has every line written by the prober, so that one process alone writes the log."""

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def emit(self, record: logging.LogRecord) -> None:
        """Pass one line on; of an exception its kind only."""
        kind = record.exc_info[0] if record.exc_info else None
        self._link.offer(
            "log", record.name, record.levelno, record.getMessage() + (f": {kind.__name__}" if kind else "")
        )


class Worker:
    """Probes one share. `tell` is what it says, `link` how."""

    def __init__(self, share: Share, link: WorkersEnd) -> None:
        self._link = link
        self._told = Told(link)
        self._store = LentStore(share.installation, share.sections, link.soon)
        self._settings = share.settings
        self._assignments = {one.key: one for one in share.settings.assignments}
        clients = catalogue()
        self.assembly = Assembly(
            share.settings,
            clients,
            self._store,
            watch=self._told,
            tell=self._told.attempt,
            tell_again=self._told.again,
            lagged=self._told.loop_lag,
            noted=self._told.noted,
            token_observers=(self._told,),
            record=_transcript,
        )
        for control, until in share.distrusted.items():
            self.assembly.judging.distrust(control, until)
        self.assembly.judging.distrusted = self._told.distrusted
        self._began = time.time()
        plan = Plan(share.settings.assignments, now=time.monotonic(), epoch=self._began)
        self._runner = Runner(plan, self.assembly.attempts.scheduled, self._told)
        self._channels = Channels(
            share.settings.assignments,
            clients,
            self.assembly.open,
            pacer=self.assembly.pacer,
            governor=self.assembly.governor,
            judging=self.assembly.judging,
            health=self.assembly.health,
            watch=self._told,
            tell=self._told.lost,
            record=_transcript,
        )
        self._asked: dict[int, asyncio.Task[None]] = {}

    def besides(self) -> Iterator[Message]:
        """Give what goes with every frame: what has to be remembered, how many run, what found no room."""
        changes = self._store.take()
        if changes:
            if WISHES in changes:  # they bind the other workers, too
                self._link.hurry()
            yield "kept", changes
        yield "running", self._told.running
        for result, count in self._told.notes.items():
            yield "noted", result, count
        self._told.notes.clear()
        if self._link.dropped:
            dropped, self._link.dropped = self._link.dropped, 0
            yield "dropped", dropped

    def hear(self, message: Message) -> None:
        """Do what the prober says."""
        match message:
            case ("look", int(number), str(key)):
                self._ask(number, self._look(self._assignments[key]))
            case ("probe", int(number), str(key), float(seconds), bool(debug)):
                self._ask(number, self._probe(number, self._assignments[key], seconds, debug=debug))
            case ("settings", int(number), Settings() as settings, dict(sections)):
                self._ask(number, self._configure(settings, sections))
            case ("leave", int(number)):
                if number in self._asked:
                    self._asked[number].cancel()
            case ("distrusted", str(control), float(until)):
                self.assembly.judging.distrust(control, until)
            case ("wishes", dict(changes)):
                self.assembly.governor.adopt(changes)
            case ("log", int(level)):
                logging.getLogger().setLevel(level)

    async def run(self, ending: "asyncio.Future[float]") -> None:
        """Probe until `ending` says how many seconds running attempts have to end; then drain."""
        app.settle_memory()
        self.assembly.health.start()
        self._channels.start()
        scheduling = asyncio.create_task(self._runner.run(), name="scheduling")
        beating = asyncio.create_task(self._beat(), name="pulse")
        self._begin_controls(self._assignments.values())
        self._link.send("up", self._began)
        try:
            waiting: list[asyncio.Future[Any]] = [ending, scheduling, beating]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for part in (scheduling, beating):
                if part.done():
                    part.result()
        finally:
            scheduling.cancel()
            await self._drain(ending.result() if ending.done() else 0.0)
            beating.cancel()
            await asyncio.wait([scheduling, beating])

    async def _drain(self, grace: float) -> None:
        for task in self._asked.values():
            task.cancel()
        await asyncio.gather(self._runner.drain(grace), self._channels.drain())
        if self._asked:
            await asyncio.wait(list(self._asked.values()))
        await self.assembly.close()

    # -- what is asked for -------------------------------------------------------------------------------------------

    def _ask(self, number: int, asked: Coroutine[Any, Any, None]) -> None:
        """Do what was asked under `number`; however it ends, say that it has."""
        task = asyncio.create_task(asked, name=f"asked {number}")
        self._asked[number] = task
        task.add_done_callback(lambda ended: self._answered(number, ended))

    def _answered(self, number: int, task: "asyncio.Task[None]") -> None:
        del self._asked[number]
        exception = None if task.cancelled() else task.exception()
        if exception is not None:
            LOG.error("what was asked for crashed: %s", dict(classify(exception, None).evidence))
        self._link.send("ended", number)

    async def _configure(self, settings: Settings, sections: Mapping[str, Mapping[str, str]]) -> None:
        """Probe another share from now on, and touch nothing that is the same.

        What it loses has ended, and what was remembered of it is told, when this has.
        """
        networks = await asyncio.to_thread(self.assembly.ways_out, settings)
        change = difference(self._settings, settings)
        gone = [one.key for one in change.removed]
        before, self._settings = self.assembly.networks, settings
        self._assignments = {one.key: one for one in settings.assignments}
        self._store.lend(sections)
        self._runner.replan(settings.assignments, now=time.monotonic(), epoch=time.time())
        self._runner.drop(change.moved)
        caches = self.assembly.configure(settings, networks, gone)
        self._channels.replace(*change.channels)
        self._begin_controls(change.added)
        await self._runner.ended(gone)
        self._store.settle()
        for cache in caches:
            await cache.close()
        await before.retire(networks)

    def _begin_controls(self, assignments: Iterable[Assignment]) -> None:
        for one in assignments:
            if one.client == CONTROL:
                self._runner.begin(one)

    async def _look(self, assignment: Assignment) -> None:
        if not self.assembly.attempts.busy(assignment.key) and assignment.key not in self._runner.running:
            await self.assembly.attempts.second_look(assignment)

    async def _probe(self, number: int, assignment: Assignment, seconds: float, *, debug: bool) -> None:
        transcript = _transcript(assignment)
        attempts = self.assembly.attempts
        asked = (
            attempts.on_demand(assignment, seconds, transcript) if debug else attempts.on_demand(assignment, seconds)
        )
        finished = await asked
        answer = finished if isinstance(finished, NotStarted) else (sendable(finished[0]), finished[1])
        self._link.send("probed", number, answer, transcript.text() if debug else "")

    # -- signs of life -----------------------------------------------------------------------------------------------

    async def _beat(self) -> None:
        while True:
            self._link.tell("standing", await self._standing())
            for _ in range(STANDING):
                await asyncio.sleep(PULSE)
                self._link.tell("alive")

    async def _standing(self) -> Standing:
        governor = self.assembly.governor
        held: dict[str, HeldBack] = {}
        for number, one in enumerate(self._assignments.values(), start=1):
            found = governor.held_back(one)
            if found is not None:
                held[one.key] = found
            if number % AT_ONCE == 0:
                await asyncio.sleep(0)
        return Standing(
            held,
            {kind.value: governor.quiet(kind) for kind in ScopeKind},
            {name: governor.budgets.fullest(name) for _, name in governor.budgets.names},
            self._channels.states(),
            sum(resource.getrusage(resource.RUSAGE_SELF)[:2]),
            _resident(),
        )


def _transcript(assignment: Assignment) -> Transcript:
    return Transcript(time.monotonic, private(assignment))


def _resident() -> float:
    """Return the bytes of memory that this process holds (proc(5): `statm`)."""
    with open("/proc/self/statm", "rb") as file:  # noqa: PTH123 - every few seconds, on the loop
        return float(file.read().split()[1]) * PAGE


class Station:
    """The worker's end of the link, from the first word to the last: the share comes first."""

    def __init__(self, bell: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        self.share: asyncio.Future[Share] = loop.create_future()
        self.ending: asyncio.Future[float] = loop.create_future()
        self.worker: Worker | None = None
        self._grace = 0.0
        self._early: list[Message] = []
        self.link = WorkersEnd(self._hear, self._lost, self._besides, bell)

    def _hear(self, message: Message) -> None:
        match message:
            case ("share", Share() as share):
                self._grace = share.grace
                self.share.set_result(share)
            case ("end", float(grace)):
                self._end(grace)
            case _ if self.worker is None:
                self._early.append(message)
            case _:
                self.worker.hear(message)

    def begin(self, share: Share) -> Worker:
        """Return the worker of `share`, once it knows what was said meanwhile."""
        self.worker = worker = Worker(share, self.link)
        for message in self._early:
            worker.hear(message)
        return worker

    def _lost(self) -> None:
        """The prober is gone, and with it whoever could hear of anything."""
        self._end(self._grace)
        if not self.share.done():
            self.share.cancel()

    def _end(self, grace: float) -> None:
        if not self.ending.done():
            self.ending.set_result(grace)

    def _besides(self) -> Iterable[Message]:
        return self.worker.besides() if self.worker is not None else ()


async def work(end: socket.socket, bell: socket.socket) -> int:
    """Take a share over this end of the link, probe it until told to end; return the exit code.

    `bell` is rung when something was said.
    """
    station = Station(bell)
    await asyncio.get_running_loop().create_unix_connection(lambda: station.link, sock=end)
    try:
        share = await station.share
    except asyncio.CancelledError:
        return 0
    root = logging.getLogger()
    root.handlers[:] = [ToldLog(station.link)]
    root.setLevel(share.log)
    try:
        await station.begin(share).run(station.ending)
    except Exception as exc:  # noqa: BLE001 - the prober says so, and starts another one
        LOG.critical("broke: %s", dict(classify(exc, None).evidence))
        return 1
    finally:
        await station.link.close()
    return 0


def main(link: int, bell: int) -> int:
    """Work at the link and with the bell that are open under these numbers."""
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    return app.main(work(socket.socket(fileno=link), socket.socket(fileno=bell)))


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
