"""The one loop that starts attempts: exact deadlines, one start per pass, never two of one assignment at a time.

Rule of this file: nothing an attempt does, and no way in which it ends, stops the loop.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from typing import Any, Protocol

from prober.faults.classify import classify
from prober.model import Assignment
from prober.schedule.plan import Due, Plan
from prober.timeline import Clock

LOG = logging.getLogger(__name__)
IDLE = 3600.0
CLOSING = 5.0

Job = Callable[[Assignment, float], Coroutine[Any, Any, None]]
"""Runs one attempt of an assignment whose start was intended for that instant of the monotonic clock."""


class SlotWatch(Protocol):
    """Who is told of slots that came to nothing."""

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        """Slots went by because the last attempt was still going, or because the prober was held up."""

    def crashed(self, assignment: Assignment) -> None:
        """The machinery around an attempt failed: there is no outcome, and the fault is ours."""


class Runner:
    """Starts `job` for every slot of `plan`, each as a task of its own."""

    def __init__(
        self,
        plan: Plan,
        job: Job,
        watch: SlotWatch,
        *,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._plan = plan
        self._job = job
        self._watch = watch
        self._clock = clock
        self._sleep = sleep
        self._running: dict[str, asyncio.Task[None]] = {}
        self._resting: asyncio.Future[object] | None = None

    @property
    def running(self) -> frozenset[str]:
        """Keys of the assignments with an attempt under way, waiting for its turn included."""
        return frozenset(self._running)

    def begin(self, assignment: Assignment) -> None:
        """Start one attempt now, besides the plan, unless one is under way."""
        if assignment.key not in self._running:
            self._start(assignment, self._clock())

    async def run(self) -> None:
        """Start what is due when it is due, until cancelled."""
        while True:
            due = self._plan.take(self._clock())
            if due is None:
                await self._rest()
            else:
                self._use(due)
                await asyncio.sleep(0)

    def replan(self, assignments: Iterable[Assignment], *, now: float, epoch: float) -> None:
        """Go by `assignments` from now on. `now` and `epoch` are this instant on either clock."""
        self._plan.replace(assignments, now=now, epoch=epoch)
        if self._resting is not None:
            self._resting.cancel()

    def drop(self, keys: Collection[str]) -> None:
        """Cancel what is under way of these assignments: a cancelled attempt has no outcome."""
        for key in self._running.keys() & set(keys):
            self._running[key].cancel()

    async def ended(self, keys: Collection[str]) -> None:
        """Wait until nothing is under way of these assignments, but not for ever: they are being dropped."""
        tasks = [self._running[key] for key in self._running.keys() & set(keys)]
        if tasks:
            await asyncio.wait(tasks, timeout=CLOSING)

    async def drain(self, grace: float = 30.0) -> None:
        """Let running attempts end for up to `grace` seconds, then cancel them: a cancelled attempt has no outcome.

        Call it when `run` has been cancelled.
        """
        if self._running:
            await asyncio.wait(self._running.values(), timeout=grace)
        late = list(self._running.values())
        for task in late:
            task.cancel()
        if late:
            LOG.warning("cancelled %d attempts that did not end within %g s", len(late), grace)
            await asyncio.wait(late, timeout=CLOSING)

    async def _rest(self) -> None:
        """Sleep until the next deadline, or until there is another plan."""
        self._resting = resting = asyncio.ensure_future(self._sleep(self._until_next()))
        try:
            await asyncio.wait([resting])
        finally:
            self._resting = None
            resting.cancel()
        if not resting.cancelled():
            resting.result()

    def _until_next(self) -> float:
        deadline = self._plan.next_deadline
        return IDLE if deadline is None else max(0.0, deadline - self._clock())

    def _use(self, due: Due) -> None:
        """Start the slot, unless it came too late or its predecessor still runs; count what is not started."""
        occupied = due.start and due.assignment.key in self._running
        if due.missed or occupied:
            self._watch.missed(due.assignment, due.missed + occupied)
        if due.start and not occupied:
            self._start(due.assignment, due.intended)

    def _start(self, assignment: Assignment, intended: float) -> None:
        task = asyncio.create_task(self._job(assignment, intended), name=f"attempt {assignment.key}")
        self._running[assignment.key] = task
        task.add_done_callback(lambda ended: self._ended(assignment, ended))

    def _ended(self, assignment: Assignment, task: asyncio.Task[None]) -> None:
        del self._running[assignment.key]
        exception = None if task.cancelled() else task.exception()
        if exception is not None:
            evidence = classify(exception, None).evidence
            LOG.error("attempt of %s crashed: %s", assignment.key, dict(evidence))
            self._watch.crashed(assignment)
