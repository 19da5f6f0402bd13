"""How the prober itself is: a loop that lags, descriptors that run out, a wall clock that jumps.

Rule of this file: what is noticed here never changes what was measured, only what it is taken to mean.
"""

import asyncio
import os
import resource
import time
from collections.abc import Callable
from typing import NamedTuple

from prober.faults import taxonomy as kinds
from prober.faults.taxonomy import Kind
from prober.timeline import Clock
from prober.verdict import Condition

PERIOD = 0.1
BLOCKED = 0.25
NOISE = 0.05
"""Seconds of a sample's delay below which it is the ordinary business of a loop, and no lag."""
JUMP = 2.0
DESCRIPTOR_PERIOD = 1.0
FRESH, SCARCE = 0.05, 256
"""Seconds for which a count will do for attempts that succeed, and descriptors below which it will not."""
AILING = (kinds.NO_DESCRIPTORS, kinds.LOOP_BLOCKED, kinds.CLOCK_WRONG)


def free_descriptors() -> int:
    """Return how many more descriptors this process may open, at least.

    POSIX gives out the lowest free number, so one `open` tells: everything below it is in use.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        lowest = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return 0
    os.close(lowest)
    return 1 << 30 if limit == resource.RLIM_INFINITY else limit - lowest


class Mark(NamedTuple):
    """An instant (monotonic), and the lag that had been seen until then, in seconds."""

    at: float
    lag: float


class Health:
    """Samples the loop every 100 ms. `lagged` is told each sample's delay in seconds.

    A sickness is remembered by when it was last seen; an attempt is sick if that is within its own time. What the loop
    lags without being blocked adds up. A delay of less than 150 ms may fall between two samples and go unseen.
    """

    def __init__(
        self,
        lagged: Callable[[float], None],
        *,
        clock: Clock = time.monotonic,
        wall: Clock = time.time,
        descriptors: Callable[[], int] = free_descriptors,
        reserve: int = 16,
    ) -> None:
        self._lagged = lagged
        self._clock = clock
        self._wall = wall
        self._descriptors = descriptors
        self._reserve = reserve
        self._free, self._counted_at = 0, self._clock()
        self._seen: dict[Kind, float] = {}
        self._lag = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._expect(clock())
        self._offset = wall() - clock()
        self._descriptors_due = self._expected

    def start(self) -> None:
        """Begin sampling on the running loop."""
        self._expect(self._clock())
        self._offset = self._wall() - self._expected
        self._sample()

    def stop(self) -> None:
        """Stop sampling."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._expect(self._expected)

    def mark(self) -> Mark:
        """Return this instant, to be asked about later."""
        now = self._clock()
        return Mark(now, self._lagged_until(now))

    def condition(self, since: Mark, late: float = 0.0, *, failed: bool = True) -> Condition:
        """Return how the prober was between `since` and now. `late`: seconds by which that began too late.

        Descriptors are counted when an attempt ends. Where it has not `failed`, it had what it needed: a fresh count of
        them will do, unless that says that they are scarce.
        """
        now = self._clock()
        self._look(now)
        if failed or self._free < SCARCE or now - self._counted_at >= FRESH:
            self._count_descriptors(now)
        lag = self._lagged_until(now) - since.lag
        return Condition(self._seen_since(since.at) if self._seen else None, lag if lag > 0.0 else 0.0, late)

    def sickness(self, since: float) -> Kind | None:
        """Return what ailed the prober between `since` (monotonic) and now, `None` when nothing did."""
        return self.condition(Mark(since, 0.0)).sickness

    def _seen_since(self, since: float) -> Kind | None:
        return next((kind for kind in AILING if self._seen.get(kind, float("-inf")) >= since), None)

    def _sample(self) -> None:
        now = self._clock()
        self._lagged(max(0.0, now - self._expected))
        self._look(now)
        self._lag = self._lagged_until(now)
        if now >= self._descriptors_due:
            self._descriptors_due = now + DESCRIPTOR_PERIOD
            self._count_descriptors(now)
        self._timer = asyncio.get_running_loop().call_later(PERIOD, self._sample)
        self._expect(now + PERIOD)

    def _expect(self, sample: float) -> None:
        """Know when the next sample is due, and from when on its delay is lag and a blocked loop; never without one."""
        self._expected = sample
        due = sample if self._timer is not None else float("inf")
        self._noisy_until, self._blocked_after = due + NOISE, due + BLOCKED

    def _look(self, now: float) -> None:
        """Note a blocked loop, also before its overdue sample has run, and a wall clock that left the monotonic one."""
        if now > self._blocked_after:
            self._seen[kinds.LOOP_BLOCKED] = now
        offset = self._wall() - now
        if not -JUMP <= offset - self._offset <= JUMP:
            self._seen[kinds.CLOCK_WRONG] = now
        self._offset = offset

    def _lagged_until(self, now: float) -> float:
        """Return the lag that has been seen, with that of the sample that is due where it is beyond the ordinary."""
        return self._lag + now - self._expected if now > self._noisy_until else self._lag

    def _count_descriptors(self, now: float) -> None:
        self._free, self._counted_at = self._descriptors(), now
        if self._free < self._reserve:
            self._seen[kinds.NO_DESCRIPTORS] = now
