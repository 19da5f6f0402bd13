"""A sink that keeps what happened: it counts and queues on the loop, and has one thread write it down.

Rule of this file: what cannot be written in time is dropped and counted, never waited for.
"""

import asyncio
import itertools
import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from operator import add
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from prober.history.bundle import Origin, bundle, summary, written
from prober.history.database import CELL, Bounds, Database, Failure
from prober.model import Assignment, Outcome
from prober.observe.transcript import Transcript, private
from prober.timeline import Clock
from prober.verdict import Judgement
from prober.vocabulary import Verdict

T = TypeVar("T")
Key = tuple[int, str, str]

LOG = logging.getLogger(__name__)
QUEUED = 2_000
"""Failures that wait to be written."""
MOST_REMEMBERED = 100_000
"""Counts that wait to be written, and assignments whose last failure is known."""
REPEATS = 600.0
"""Seconds for which the transcript of a failure stands for those like it."""
OTHER = 3
COLUMNS = MappingProxyType({**dict.fromkeys(Verdict, OTHER), Verdict.OK: 0, Verdict.SLOW: 1, Verdict.FAILED: 2})
NONE = (0, 0, 0, 0)


class HistoryWatch(Protocol):
    """Counts what could not be kept."""

    def history_dropped(self, count: int) -> None:
        """So many failures are not in the history."""


@dataclass(frozen=True, slots=True)
class Noted:
    """One failure that waits to be written; `same_as` is the id of one like it."""

    id: str
    origin: Origin
    assignment: Assignment
    outcome: Outcome
    judgement: Judgement
    same_as: str | None


@dataclass(frozen=True, slots=True)
class Last:
    """The last failure of an assignment of which everything was kept: where it broke, and when (epoch)."""

    step: str
    code: str
    at: float
    id: str


class History:
    """What happened in the last days. `folder`: where it is kept; in memory where there is none."""

    def __init__(
        self,
        folder: Path | None,
        *,
        vantage: str,
        watch: HistoryWatch,
        bounds: Bounds | None = None,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
    ) -> None:
        self._vantage = vantage
        self._watch = watch
        self._clock = clock
        self._wall = wall
        self._database = Database(folder, bounds)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="history")
        self._counts: dict[Key, list[int]] = {}
        self._waiting: list[Noted] = []
        self._last: dict[tuple[Origin, str], Last] = {}
        self._numbers = itertools.count(secrets.randbits(16))
        self._failing = False

    @property
    def lost(self) -> bool:
        """Whether history was lost, or cannot be kept."""
        return self._database.lost or self._failing

    def record(self, assignment: Assignment) -> Transcript:
        """Return what takes down an attempt, or a push channel, in case that it fails."""
        return Transcript(self._clock, private(assignment))

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Take note of one finished attempt."""
        key = (int(outcome.started_at.timestamp()) // CELL * CELL, assignment.client, assignment.target.name)
        counts = self._counts.get(key)
        if counts is None:
            counts = self._counts[key] = [0, 0, 0, 0]
        counts[COLUMNS[judgement.verdict]] += 1
        if outcome.fault is not None or self._last:
            self._keep(Origin.SCHEDULE, assignment, outcome, judgement)

    def second_look(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Keep the evidence of a second look that failed. It is in no count."""
        self._keep(Origin.SECOND_LOOK, assignment, outcome, judgement)

    def channel_lost(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Keep the evidence of a push channel that was lost, or could not be opened. It is in no count."""
        self._keep(Origin.PUSH, assignment, outcome, judgement)

    def probed(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> str | None:
        """Keep the evidence of an attempt that somebody asked for; return its id, `None` where nothing is kept."""
        return self._keep(Origin.PROBE, assignment, outcome, judgement)

    async def flush(self) -> None:
        """Have everything written that was noted so far."""
        counts, waiting, now = self._counts, self._waiting, self._wall()
        if not counts and not waiting:
            return
        self._counts, self._waiting = {}, []
        try:
            await self._do(lambda: self._database.write(counts, self._made(waiting), now))
        except sqlite3.Error as exc:
            self._put_back(counts, waiting, exc)
        else:
            self._failing = False

    async def strips(self, hours: int, configured: Iterable[tuple[str, str]]) -> str:
        """Return, as JSON, how attempts went in each cell of the last `hours`, the oldest first, by client and target.

        Those that are `configured` come first, then those of which only the past is left. Raises `sqlite3.Error`.
        """
        end = int(self._wall()) // CELL * CELL + CELL
        start = end - hours * 3600
        await self.flush()
        return await self._do(lambda: _strips(self._database.cells(start, end), start, end, list(configured)))

    async def failures(self, **wanted: Any) -> list[dict[str, Any]]:
        """Return what is said in short of failures, as `Database.failures` does. Raises `sqlite3.Error`."""
        await self.flush()
        return await self._do(lambda: self._database.failures(**wanted))

    async def bundle(self, id_: str) -> dict[str, Any] | None:
        """Return the evidence of one failure, `None` where there is no such one. Raises `sqlite3.Error`."""
        await self.flush()
        return await self._do(lambda: self._database.bundle(id_))

    async def close(self) -> None:
        """Write the rest, and let go of the file. Nothing may be asked for any more."""
        await self.flush()
        await self._do(self._database.close)
        self._thread.shutdown(wait=False)

    async def _do(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _keep(self, origin: Origin, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> str | None:
        """Have what failed written, and return its id; what went well ends a row of failures alike."""
        if outcome.fault is not None:
            return self._queue(origin, assignment, outcome, judgement)
        if self._last:
            self._last.pop((origin, assignment.key), None)
        return None

    def _queue(self, origin: Origin, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> str | None:
        if len(self._waiting) >= QUEUED:
            self._watch.history_dropped(1)
            return None
        whose = (origin, assignment.key)
        now, broken = self._wall(), outcome.failure
        step, last = broken.step if broken else "", self._last.get(whose)
        id_ = f"{int(now * 1000):011x}{next(self._numbers) & 0xFFFF:04x}"
        like = last is not None and (last.step, last.code) == (step, judgement.code) and 0 <= now - last.at < REPEATS
        if not like:
            if len(self._last) >= MOST_REMEMBERED:
                self._last.clear()
            self._last[whose] = Last(step, judgement.code, now, id_)
        self._waiting.append(Noted(id_, origin, assignment, outcome, judgement, last.id if last and like else None))
        return id_

    def _made(self, waiting: Iterable[Noted]) -> list[Failure]:
        """Return what is to be written, made in the thread: it takes its time, and the loop goes on meanwhile."""
        made = []
        for one in waiting:
            try:
                made.append(self._failure(one))
            except Exception as exc:  # noqa: BLE001 - one that cannot be told must not cost the others
                LOG.error("no evidence of %s: %s", one.assignment.key, type(exc).__name__)  # noqa: TRY400 - no foreign text
        return made

    def _failure(self, one: Noted) -> Failure:
        all_of_it = bundle(
            *(one.assignment, one.outcome, one.judgement),
            vantage=self._vantage,
            same_as=one.same_as,
            origin=one.origin,
        )
        return Failure(
            one.id,
            one.assignment.client,
            one.assignment.target.name,
            one.outcome.started_at.timestamp(),
            one.same_as is None,
            json.dumps(summary(all_of_it)),
            written(one.assignment, all_of_it),
        )

    def _put_back(self, counts: Mapping[Key, Sequence[int]], waiting: Sequence[Noted], exc: Exception) -> None:
        """Keep for the next time what could not be written now, as far as there is room."""
        if not self._failing:
            LOG.error("history cannot be written: %s", type(exc).__name__)
        self._failing = True
        for key, many in counts.items():
            there = self._counts.setdefault(key, [0, 0, 0, 0])
            there[:] = map(add, there, many)
        for key in sorted(self._counts)[: max(0, len(self._counts) - MOST_REMEMBERED)]:
            del self._counts[key]
        together = [*waiting, *self._waiting]
        self._waiting = together[:QUEUED]
        if len(together) > QUEUED:
            self._last.clear()  # what the next ones would refer to may be among those that go
            self._watch.history_dropped(len(together) - QUEUED)


def _strips(
    found: Mapping[tuple[str, str], Mapping[int, Sequence[int]]],
    start: int,
    end: int,
    configured: Sequence[tuple[str, str]],
) -> str:
    """Return the JSON, made in small pieces: one large one would keep the loop waiting until it is done."""
    nothing: Mapping[int, Sequence[int]] = {}
    rows = (
        json.dumps(
            {
                "client": client,
                "target": target,
                "cells": [found.get((client, target), nothing).get(at, NONE) for at in range(start, end, CELL)],
            },
            separators=(",", ":"),
        )
        for client, target in dict.fromkeys((*configured, *found))
    )
    return f'{{"from": {start}, "to": {end}, "seconds_per_cell": {CELL}, "assignments": [{", ".join(rows)}]}}'
