"""The prober's side of its workers: starts them, hears what they tell, and begins anew one that is gone.

Whatever counts is here: counters, detector, blame, state. A worker that dies takes with it what was under way, and
nothing else.

Rule of this file: a worker is ended by its own process and by no other name, and nobody waits for ever for one.
"""

import asyncio
import contextlib
import itertools
import logging
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from prober.faults.taxonomy import Reason
from prober.model import Assignment, Outcome
from prober.schedule.attempts import NotStarted, Tell, Watching
from prober.schedule.budgets import DEFAULTS
from prober.schedule.channels import ChannelState
from prober.schedule.governor import HeldBack
from prober.schedule.plan import slots
from prober.settings.settings import Settings
from prober.storage.store import Store
from prober.timeline import Clock
from prober.verdict import Judgement
from prober.workers.link import Link, Message, ProbersEnd
from prober.workers.orders import WISHES, Share, Standing
from prober.workers.shares import shares

LOG = logging.getLogger(__name__)
COMMAND = (sys.executable, "-m", "prober.worker")
SHARED = ("records", "governor", "identities")
"""Sections of the state that a worker begins with; the devices of its own assignments besides."""
LOOK = 5.0
SILENT = 6
"""So many looks in a row, five seconds apart, find a worker silent before it is taken to hang."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0
STEADY = 60.0
"""Seconds of work after which a worker that is lost is begun anew as soon as if it were the first time."""
LEAVING = 15.0
"""Seconds beyond the grace of attempts that a worker has to log out of channels and to end."""
NOT_THERE = NotStarted("busy", "the process that has it is just being started")

Finished = tuple[Outcome, Judgement]
Sleep = Callable[[float], Any]


@runtime_checkable
class Adopting(Protocol):
    """Who watches an attempt, and can be told afterwards what another process saw of it."""

    def adopt(self, text: str) -> None:
        """Take it over."""


class CrewWatch(Protocol):
    """Who counts what workers tell, and how they are: the metrics of a prober do."""

    def scheduler_lag(self, seconds: float) -> None:
        """An attempt started so late."""

    def loop_lag(self, seconds: float) -> None:
        """A loop was late."""

    def noted(self, result: str, count: int = 1) -> None:
        """So many of the kernel's notes of when bytes came were used, missing or ignored."""

    def inflight(self, delta: int) -> None:
        """So many transactions more or less are running."""

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        """Slots were skipped."""

    def confirmed(self, assignment: Assignment) -> None:
        """A second look was taken."""

    def worker_up(self, worker: int, *, up: bool) -> None:
        """A worker probes, or does not."""

    def worker_lost(self, worker: int) -> None:
        """A worker died or hung, and is begun anew."""

    def worker_dropped(self, worker: int, count: int) -> None:
        """So many outcomes found no room on their way."""

    def worker_uses(self, worker: int, cpu: float, memory: float) -> None:
        """A worker has used so many more seconds of a processor, and holds so many bytes."""


class TokenWatch(Protocol):
    """Who is told of the token service."""

    def requested(self, credential: str) -> None:
        """It was asked."""

    def failed(self, credential: str, reason: Reason) -> None:
        """It yielded no token."""

    def issued(self, credential: str, expires_at: float) -> None:
        """It yielded one."""


class PushWatch(Protocol):
    """Who is told of push channels and of starts that were held back."""

    def push_session(self, assignment: Assignment, seconds: float) -> None:
        """A session was held for so long."""

    def push_disconnect(self, assignment: Assignment, reason: Reason) -> None:
        """A session was lost."""

    def held_back(self, assignment: Assignment) -> None:
        """A start was held back."""

    def crashed(self, assignment: Assignment) -> None:
        """The machinery around an attempt or a session failed."""

    def notification_latency(self, assignment: Assignment, seconds: float) -> None:
        """A push told of a delivery."""

    def marker_failed(self, assignment: Assignment) -> None:
        """A marker could not be left, or did not arrive."""


@dataclass(frozen=True, slots=True)
class Ears:
    """Whoever hears of what workers tell: of counts, of tokens, of push channels, of attempts and of second looks.

    `lost` hears what is known of a channel that was lost.
    """

    watch: CrewWatch
    tokens: TokenWatch
    push: PushWatch
    attempt: Tell
    again: Tell
    lost: Tell


@dataclass(slots=True, eq=False)
class _Post:
    """One worker's place: what it has to do, who is there now, and what is known of it."""

    number: int
    assignments: tuple[Assignment, ...]
    link: Link | None = None
    process: asyncio.subprocess.Process | None = None
    working: bool = False
    up: bool = False
    running: int = 0
    heard: bool = False
    began: float = 0.0
    last_word: float = 0.0
    lost_at: float = 0.0
    losses: int = 0
    cpu: float = 0.0
    standing: Standing = field(default_factory=Standing)
    asked: set[int] = field(default_factory=set)


@dataclass(slots=True)
class _Question:
    """Something a worker was asked for: what it answered, once it has ended."""

    ended: "asyncio.Future[bool]"
    answer: Finished | NotStarted | None = None
    text: str = ""


class Crew:
    """The workers of one configuration: does for all of them what attempts and governor do for one process.

    `store` is where their state is kept; `command` starts one, the numbers of its ends of link and bell added.
    """

    def __init__(
        self,
        settings: Settings,
        store: Store,
        ears: Ears,
        *,
        command: Sequence[str] = COMMAND,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._store = store
        self._ears = ears
        self._grace = 0.0
        self._command = tuple(command)
        self._clock = clock
        self._wall = wall
        self._sleep = sleep
        self._by_key = {one.key: one for one in settings.assignments}
        split = shares(settings.assignments, settings.workers)
        self._posts = tuple(_Post(number, some) for number, some in enumerate(split))
        self._post_of = {one.key: post for post in self._posts for one in post.assignments}
        self._sections: dict[str, MutableMapping[str, str]] = {}
        self._questions: dict[int, _Question] = {}
        self._numbers = itertools.count(1)
        self._distrusted: dict[str, float] = {}
        self._keeping: dict[_Post, asyncio.Task[None]] = {}
        self._ending = False
        self._log = logging.getLogger().level
        self._of_worker: Mapping[str, Callable[..., None]] = {
            "alive": lambda _: None,
            "up": self._up,
            "running": self._running,
            "standing": self._stands,
            "kept": self._keep_state,
            "distrusted": self._distrust,
            "probed": self._probed,
            "ended": self._ended,
            "dropped": lambda post, count: ears.watch.worker_dropped(post.number, count),
        }
        self._counted: Mapping[str, Callable[..., None]] = {
            "scheduler_lag": ears.watch.scheduler_lag,
            "loop_lag": ears.watch.loop_lag,
            "noted": ears.watch.noted,
            "requested": ears.tokens.requested,
            "failed": ears.tokens.failed,
            "issued": ears.tokens.issued,
            "log": lambda name, level, text: logging.getLogger(name).log(level, "%s", text),
        }
        self._of_assignment: Mapping[str, Callable[..., None]] = {
            "attempt": ears.attempt,
            "again": ears.again,
            "lost": ears.lost,
            "missed": ears.watch.missed,
            "confirmed": ears.watch.confirmed,
            "crashed": ears.push.crashed,
            "held_back": ears.push.held_back,
            "push_session": ears.push.push_session,
            "push_disconnect": ears.push.push_disconnect,
            "notification_latency": ears.push.notification_latency,
            "marker_failed": ears.push.marker_failed,
        }
        for post in self._posts:
            ears.watch.worker_up(post.number, up=False)

    # -- what a prober does ------------------------------------------------------------------------------------------

    def start(self, grace: float) -> None:
        """Begin to start the workers; `grace`: seconds that attempts have to end should this process be gone."""
        self._grace = grace
        for post in self._posts:
            self._keeping[post] = asyncio.create_task(self._keep(post), name=f"worker {post.number}")

    async def run(self) -> None:
        """Look after them until cancelled: end those that hang, pass on the level of the log."""
        silent = dict.fromkeys((post.number for post in self._posts), 0)
        while True:
            await self._sleep(LOOK)
            for post in self._posts:
                silent[post.number] = 0 if post.heard or post.process is None else silent[post.number] + 1
                post.heard = False
                if silent[post.number] >= SILENT:
                    LOG.error("worker %d hangs and is ended", post.number)
                    _kill(post)
            self._pass_on_level()

    async def configure(self, settings: Settings) -> None:
        """Share `settings` out anew, and touch nothing that is the same.

        Whoever loses something has ended it, and told what is to be remembered of it, before somebody else begins.
        """
        self._settings, self._by_key = settings, {one.key: one for one in settings.assignments}
        split = shares(settings.assignments, settings.workers)
        for post, share in zip(self._posts, split, strict=True):
            had = {one.key for one in post.assignments}
            post.assignments = tuple(one for one in share if one.key in had)
        await self._share_out()
        for post, share in zip(self._posts, split, strict=True):
            post.assignments = share
        self._post_of = {one.key: post for post in self._posts for one in post.assignments}
        await self._share_out()

    async def _share_out(self) -> None:
        """Have every worker go by what is now its own, and wait until it does."""
        shares = ((post, self._share(post)) for post in self._posts if post.link is not None)
        asked = (self._ask(post, "settings", share.settings, dict(share.sections)) for post, share in shares)
        await asyncio.gather(*asked)

    async def drain(self, grace: float) -> None:
        """Have all of them end within `grace` seconds and a little; end by force whoever does not."""
        self._ending = True
        self._grace = grace
        for post, task in self._keeping.items():
            self._send(post, "end", grace)
            if not post.working:
                task.cancel()
        if self._keeping:
            await asyncio.wait(self._keeping.values(), timeout=grace + LEAVING)
        for post in self._posts:
            _kill(post)
        if self._keeping:
            await asyncio.wait(self._keeping.values())

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of those that are there now."""
        return tuple(post.process.pid for post in self._posts if post.process is not None)

    # -- what attempts do for one process ----------------------------------------------------------------------------

    def busy(self, key: str) -> bool:
        """Whether nobody need be asked: the worker knows what is under way, and leaves a look out that has no room."""
        return key not in self._post_of or not self._post_of[key].up

    async def second_look(self, assignment: Assignment) -> None:
        """Have the worker of `assignment` look at it again."""
        post = self._post_of.get(assignment.key)
        if post is not None and post.up:
            await self._ask(post, "look", assignment.key)

    async def on_demand(
        self, assignment: Assignment, seconds: float, watching: Watching | None = None
    ) -> Finished | NotStarted:
        """Have its worker run one attempt that somebody waits for, and return what it came to."""
        post = self._post_of.get(assignment.key)
        if post is None or not post.up:
            return NOT_THERE
        question = await self._ask(post, "probe", assignment.key, float(seconds), watching is not None)
        if isinstance(watching, Adopting):
            watching.adopt(question.text)
        return NOT_THERE if question.answer is None else question.answer

    # -- what the governor does for one process ----------------------------------------------------------------------

    @property
    def budgets(self) -> "Crew":
        """What is used of budgets."""
        return self

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Scope and name of every budget."""
        return tuple((one.scope.value, one.name) for one in DEFAULTS.values())

    def fullest(self, name: str) -> float:
        """Return what is used of a budget by whoever uses most of it."""
        return max((post.standing.used.get(name, 0.0) for post in self._posts), default=0.0)

    def quiet(self, kind: str) -> int:
        """Return from how many scopes of a kind servers want quiet: every worker hears of all of them."""
        return max((post.standing.quiet.get(kind, 0) for post in self._posts), default=0)

    def held_back(self, assignment: Assignment) -> HeldBack | None:
        """Return why `assignment` must not start, as of a few seconds ago at most."""
        post = self._post_of.get(assignment.key)
        found = None if post is None else post.standing.held.get(assignment.key)
        return found if found is not None and found.until > self._wall() else None

    def channels(self) -> Iterable[ChannelState]:
        """Give how every push channel fares, as of a few seconds ago at most."""
        return (one for post in self._posts for one in post.standing.channels)

    def until(self, assignment: Assignment) -> float:
        """Return when it may start again: 0 for now."""
        found = self.held_back(assignment)
        return 0.0 if found is None else found.until

    # -- one worker --------------------------------------------------------------------------------------------------

    async def _keep(self, post: _Post) -> None:
        """Start a worker, and another whenever it is gone, until the end."""
        while not self._ending:
            post.began, post.working = self._clock(), True
            try:
                await self._work(post)
            except OSError as exc:
                LOG.error("worker %d cannot be started: %s", post.number, exc.strerror)  # noqa: TRY400 - one clear line
            post.working = False
            if self._ending:
                return
            self._ears.watch.worker_lost(post.number)
            post.losses = 0 if self._clock() - post.began >= STEADY else post.losses + 1
            await self._sleep(min(FIRST_PAUSE * 2.0 ** min(post.losses, 10) / 2, LONGEST_PAUSE))

    async def _work(self, post: _Post) -> None:
        """Run one process from its start to its end."""
        gone = asyncio.Event()
        (ours, theirs), (bell, rope) = socket.socketpair(), socket.socketpair()
        try:
            link = ProbersEnd(lambda message: self._hear(post, message), gone.set, bell)
            await asyncio.get_running_loop().create_unix_connection(lambda: link, sock=ours)
        except BaseException:
            for one in (ours, theirs, bell, rope):
                one.close()
            raise
        try:
            post.process = await self._spawn(theirs, rope)
            post.link, post.heard = link, True
            link.send("share", self._share(post))
            if self._ending:
                link.send("end", self._grace)
            await gone.wait()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEAVING):
                    await post.process.wait()
        finally:
            theirs.close()
            rope.close()
            await link.close()
            await self._left(post)

    async def _spawn(self, theirs: socket.socket, rope: socket.socket) -> asyncio.subprocess.Process:
        """Start a process with those ends of link and bell, which this one then has no more. Raises `OSError`."""
        numbers = (theirs.fileno(), rope.fileno())
        process = await asyncio.create_subprocess_exec(
            *self._command,
            *map(str, numbers),
            pass_fds=numbers,
            stdin=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        theirs.close()
        rope.close()
        return process

    async def _left(self, post: _Post) -> None:
        """A worker is gone: take back what it had under way, and answer for it."""
        process = post.process
        _kill(post)
        if process is not None:
            code = await process.wait()
            if not self._ending:
                LOG.error("worker %d has ended with %d and is begun anew", post.number, code)
        post.lost_at = post.lost_at or (post.last_word if post.up else 0.0)
        post.link = post.process = None
        post.up, post.cpu, post.standing = False, 0.0, Standing()
        self._ears.watch.inflight(-post.running)
        self._ears.watch.worker_up(post.number, up=False)
        post.running = 0
        for number in tuple(post.asked):
            self._ended(post, number)

    def _share(self, post: _Post) -> Share:
        """Return what a worker begins with: nothing of the assignments and ways out of others."""
        names = {one.target.name for one in post.assignments}
        sections = (*SHARED, *(f"device {one.key}" for one in post.assignments))
        return Share(
            replace(
                self._settings,
                assignments=post.assignments,
                routes={name: route for name, route in self._settings.routes.items() if name in names},
                redacted="",
                lists=(),
            ),
            self._store.installation,
            {name: dict(self._section(name)) for name in sections},
            self._distrusted,
            self._grace,
            self._log,
        )

    def _section(self, name: str) -> MutableMapping[str, str]:
        if name not in self._sections:
            self._sections[name] = self._store.section(name)
        return self._sections[name]

    # -- what it is asked for ----------------------------------------------------------------------------------------

    async def _ask(self, post: _Post, word: str, *arguments: Any) -> _Question:
        """Ask a worker for something, and wait until it has ended, or the worker has."""
        number = next(self._numbers)
        question = self._questions[number] = _Question(asyncio.get_running_loop().create_future())
        post.asked.add(number)
        self._send(post, word, number, *arguments)
        try:
            await question.ended
        except asyncio.CancelledError:
            self._send(post, "leave", number)
            raise
        finally:
            self._questions.pop(number, None)
            post.asked.discard(number)
        return question

    def _ended(self, post: _Post, number: int) -> None:
        question = self._questions.get(number)
        if question is not None and not question.ended.done():
            question.ended.set_result(True)

    def _send(self, post: _Post, *message: Any) -> None:
        if post.link is not None:
            post.link.send(*message)

    def _tell_others(self, post: _Post, *message: Any) -> None:
        for other in self._posts:
            if other is not post:
                self._send(other, *message)

    def _pass_on_level(self) -> None:
        level = logging.getLogger().level
        if level != self._log:
            self._log = level
            for post in self._posts:
                self._send(post, "log", level)

    # -- what it tells -----------------------------------------------------------------------------------------------

    def _hear(self, post: _Post, message: Message) -> None:
        post.heard, post.last_word = True, self._wall()
        word, *rest = message
        if word in self._of_worker:
            self._of_worker[word](post, *rest)
        elif word in self._of_assignment:
            assignment = self._by_key.get(rest[0])
            if assignment is not None:
                self._of_assignment[word](assignment, *rest[1:])
        elif word in self._counted:
            self._counted[word](*rest)

    def _up(self, post: _Post, epoch: float) -> None:
        """A worker has begun at `epoch`; slots since the last word of the one before it were lost with that one."""
        for one in post.assignments if post.lost_at else ():
            missed = slots(one.key, one.interval, post.lost_at, epoch)
            if missed:
                self._ears.watch.missed(one, missed)
        post.up, post.lost_at = True, 0.0
        self._ears.watch.worker_up(post.number, up=True)
        LOG.info("worker %d probes %d assignments", post.number, len(post.assignments))

    def _running(self, post: _Post, count: int) -> None:
        self._ears.watch.inflight(count - post.running)
        post.running = count

    def _stands(self, post: _Post, standing: Standing) -> None:
        self._ears.watch.worker_uses(post.number, standing.cpu - post.cpu, standing.memory)
        post.cpu, post.standing = standing.cpu, standing

    def _distrust(self, post: _Post, control: str, until: float) -> None:
        self._distrusted[control] = until
        self._tell_others(post, "distrusted", control, until)

    def _probed(self, _: _Post, number: int, finished: Finished | NotStarted, text: str) -> None:
        question = self._questions.get(number)
        if question is not None:
            question.answer, question.text = finished, text

    def _keep_state(self, post: _Post, changes: Mapping[str, Mapping[str, str | None]]) -> None:
        """Keep what a worker has to remember, and let the others know what servers wish."""
        for name, values in changes.items():
            section = self._section(name)
            for key, value in values.items():
                if value is None:
                    section.pop(key, None)
                else:
                    section[key] = value
        if WISHES in changes:
            self._tell_others(post, "wishes", changes[WISHES])


def _kill(post: _Post) -> None:
    """End the process of one worker, if it is still there."""
    if post.process is not None and post.process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            post.process.kill()
