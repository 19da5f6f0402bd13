"""How late attempts start, at five hundred a second with half of a core at work, and whether starts ever drift.

The prober's own plan and runner start attempts that each keep the processor as long as a real one. Lateness is from the
deadline to the first instruction of the attempt. For the drift the same plan is asked with a clock that is moved by
hand, always a little late, for a thousand periods.
"""

import asyncio
import gc
import statistics
import time
from collections.abc import Iterator
from types import MappingProxyType

from benchmarks.figures import Figure, show
from prober.model import Assignment, Target
from prober.schedule.plan import Plan
from prober.schedule.runner import Runner
from prober.vocabulary import Depth, Environment

ROUNDS = 5
ASSIGNMENTS, INTERVAL = 1_000, 2.0
SECONDS = 4.0
WORK = 0.001
"""Seconds of CPU of one attempt: at 500 a second, half of a core."""
PERIODS = 1_000
LATE = 0.0007
"""Seconds by which the hand-moved clock comes too late each time."""


def main() -> bool:
    """Run the bench; return whether every goal is met."""
    rounds = [asyncio.run(_lateness()) for _ in range(ROUNDS)]
    median, worst, load, started = (statistics.median(values) for values in zip(*rounds, strict=True))
    return show(
        "accuracy",
        [
            Figure("starts a second", started / SECONDS, "1/s"),
            Figure("load of a core", load, "ratio"),
            Figure("start lateness, p50", 1000 * median, "ms"),
            Figure("start lateness, p99", 1000 * worst, "ms", 2.0),
            Figure(f"drift after {PERIODS:,} periods", 1000 * _drift(), "ms", 0.0),
        ],
    )


def _assignments(count: int) -> Iterator[Assignment]:
    nowhere: MappingProxyType[str, str] = MappingProxyType({})
    for number in range(count):
        target = Target(f"bench-{number}", Environment.EXCHANGE_SERVER, endpoints=nowhere)
        yield Assignment("imap4", target, Depth.REACH, interval=INTERVAL, timeout=INTERVAL)


class _Unwatched:
    """Nobody is told; a crash ends the bench by what it leaves out."""

    def missed(self, assignment: Assignment, count: int = 1) -> None:
        """A slot went by, which shows in the starts a second."""

    def crashed(self, assignment: Assignment) -> None:
        """The attempt raised."""
        raise SystemExit("accuracy: an attempt crashed")


async def _lateness() -> tuple[float, float, float, int]:
    """Return median and 99th percentile of lateness in seconds, load of a core and the number of starts."""
    late: list[float] = []

    async def work(assignment: Assignment, intended: float) -> None:
        late.append(time.monotonic() - intended)
        until = time.thread_time() + WORK
        while time.thread_time() < until:
            pass

    plan = Plan(_assignments(ASSIGNMENTS), now=time.monotonic(), epoch=time.time())
    running = asyncio.create_task(Runner(plan, work, _Unwatched()).run())
    gc.collect()
    gc.freeze()
    before = time.process_time()
    await asyncio.sleep(SECONDS)
    load = (time.process_time() - before) / SECONDS
    running.cancel()
    await asyncio.wait([running])
    centiles = statistics.quantiles(late, n=100)
    return centiles[49], centiles[98], load, len(late)


def _drift() -> float:
    """Return by how many seconds the deadline of the last period is not where the first one puts it."""
    plan = Plan(_assignments(1), now=0.0, epoch=0.0)
    first = plan.next_deadline
    assert first is not None
    for period in range(PERIODS):
        due = plan.take(first + period * INTERVAL + LATE)
        assert due is not None
        assert due.start
    last = plan.next_deadline
    assert last is not None
    return abs(last - (first + PERIODS * INTERVAL))


if __name__ == "__main__":
    main()
