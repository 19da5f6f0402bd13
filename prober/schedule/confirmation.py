"""Second looks: after a failure the same client at the same place is asked again, soon and several times.

Rule of this file: the schedule comes first. A second look never delays a scheduled attempt, obeys whatever holds one
back, and is heard of by the detector alone.
"""

import asyncio
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Mapping
from functools import partial
from typing import Protocol

from prober.detect.confirming import Confirming
from prober.faults.classify import classify
from prober.model import Assignment
from prober.schedule.pacing import Sleep
from prober.timeline import Clock

LOG = logging.getLogger(__name__)


class LookWatch(Protocol):
    """Who is told of second looks that came to nothing."""

    def crashed(self, assignment: Assignment) -> None:
        """The machinery around it failed, and the fault is ours."""


class SecondLooks:
    """Takes second looks by `look`: in turn at what failed and at another mailbox of its cell.

    What fails in one mailbox only is confirmed by the first, what fails everywhere by both.

    By key of an assignment, `cells` tells who its siblings are, `confirming` when to look, `busy` whether an attempt is
    under way. `wall` in epoch seconds, as the detector's.
    """

    def __init__(
        self,
        assignments: Iterable[Assignment],
        cells: Mapping[str, Hashable],
        look: Callable[[Assignment], Awaitable[None]],
        *,
        confirming: Callable[[str], Confirming],
        busy: Callable[[str], bool],
        watch: LookWatch,
        wall: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._look = look
        self._confirming = confirming
        self._busy = busy
        self._watch = watch
        self._wall = wall
        self._sleep = sleep
        self._siblings: dict[Hashable, deque[Assignment]] = {}
        self._waiting: dict[Hashable, tuple[str, asyncio.Task[None]]] = {}
        self._looking: dict[str, asyncio.Task[None]] = {}
        self.replace(assignments, cells)

    def replace(
        self, assignments: Iterable[Assignment], cells: Mapping[str, Hashable], gone: Collection[str] = ()
    ) -> None:
        """Look at `assignments` from now on; looks that began at the keys `gone` end. Others keep their turn."""
        ranks = {one.key: rank for siblings in self._siblings.values() for rank, one in enumerate(siblings)}
        self._cells, self._siblings = cells, {}
        for one in sorted(assignments, key=lambda one: ranks.get(one.key, 0)):
            self._siblings.setdefault(cells[one.key], deque()).append(one)
        ended = [task for key, task in self._waiting.values() if key in gone]
        for task in (*ended, *(task for key, task in self._looking.items() if key in gone)):
            task.cancel()

    def consider(self, assignment: Assignment) -> None:
        """Start looking again at the cell of `assignment` if that is due: every other time at the one that failed."""
        cell = self._cells[assignment.key]
        if cell in self._waiting:
            return
        at = self._confirming(assignment.key).next(self._wall())
        if at is None:
            return
        task = asyncio.create_task(self._keep_looking(cell, assignment, at), name=f"second looks at {assignment.key}")
        self._waiting[cell] = assignment.key, task
        task.add_done_callback(lambda _: self._waiting.pop(cell, None))

    async def drain(self) -> None:
        """End whatever is under way: nobody waits for it any more."""
        tasks = [*(task for _, task in self._waiting.values()), *self._looking.values()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _keep_looking(self, cell: Hashable, failed: Assignment, at: float | None) -> None:
        for count in itertools.count():
            if at is None:
                return
            await self._sleep(max(0.0, at - self._wall()))
            if self._confirming(failed.key).hushed(self._wall()):
                return
            others = self._others(cell, failed)
            self._start((failed, *others) if count % 2 == 0 else (*others, failed))
            at = self._confirming(failed.key).next(self._wall())

    def _others(self, cell: Hashable, failed: Assignment) -> list[Assignment]:
        """Return the siblings of `failed`, those first that were looked at longest ago."""
        return [one for one in self._siblings.get(cell, ()) if one.key != failed.key]

    def _start(self, choice: Iterable[Assignment]) -> None:
        """Look at the first of `choice` that nobody is looking at; where there is none, this look is left out."""
        for one in choice:
            if one.key not in self._looking and not self._busy(one.key):
                siblings = self._siblings[self._cells[one.key]]
                place = next(place for place, other in enumerate(siblings) if other.key == one.key)
                siblings.append(siblings[place])
                del siblings[place]
                task = asyncio.ensure_future(self._look(one))
                self._looking[one.key] = task
                task.add_done_callback(partial(self._ended, one))
                return

    def _ended(self, assignment: Assignment, task: "asyncio.Future[None]") -> None:
        del self._looking[assignment.key]
        exception = None if task.cancelled() else task.exception()
        if exception is not None:
            LOG.error("second look at %s crashed: %s", assignment.key, dict(classify(exception, None).evidence))
            self._watch.crashed(assignment)
