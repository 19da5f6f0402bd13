"""The one loop that starts attempts: exact deadlines, one start per pass, never two of one assignment at a time.

Rule of this file: nothing an attempt does, and no way in which it ends, stops the loop.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Coroutine, Iterable
from typing import Any, Protocol

from prober.faults.classify import classify
from prober.model import Assignment
from prober.schedule.plan import Due, Plan
from prober.timeline import Clock

LOG = logging.getLogger(__name__)
IDLE = 3600.0
CLOSING = 5.0
LEAST = 0.001
"""Seconds to rest when nothing is due yet: uvloop counts in whole milliseconds and may call up to half of one early;
for what is left it would go round in circles."""

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
    ) -> None:
        self._plan = plan
        self._job = job
        self._watch = watch
        self._clock = clock
        self._running: dict[str, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._broken: asyncio.Future[None] | None = None

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
        self._broken = asyncio.get_running_loop().create_future()
        try:
            self._look()
            await self._broken
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None

    def replan(self, assignments: Iterable[Assignment], *, now: float, epoch: float) -> None:
        """Go by `assignments` from now on. `now` and `epoch` are this instant on either clock."""
        self._plan.replace(assignments, now=now, epoch=epoch)
        if self._timer is not None:
            self._timer.cancel()
            self._rest(0.0)

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

    def _look(self) -> None:
        """Start the earliest slot if it is due, and come again for the next: not before the loop has gone round.

        A timer calls this itself, for a task that slept until then would wake only when the loop had gone round twice
        or more, and each time others would have gone before.
        """
        try:
            due = self._plan.take(self._clock())
            if due is not None:
                self._use(due)
            seconds = self._until_next()
            self._rest(seconds if due is not None else max(seconds, LEAST))
        except Exception as exc:  # noqa: BLE001 - whoever waits for `run` is told
            if self._broken is not None and not self._broken.done():
                self._broken.set_exception(exc)

    def _rest(self, seconds: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(seconds, self._look)

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
