"""Streams of made outcomes, bit for bit the same on every machine: SplitMix64, one stream for each purpose.

Rule of this file: whatever is asked for, in whatever order, a draw depends on scenario, replicate, stream and position
only. Times in integer milliseconds. Source of the generator: Steele, Lea, Flood, OOPSLA 2014.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from math import floor, log

MASK = (1 << 64) - 1
STEP = 0x9E3779B97F4A7C15
FIRST, SECOND = 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
ROOT = 0x4D41494C50524F42
UNIT = 2.0**-53
BLIPS = 32
"""First stream of the blips; those below are of the cells."""
PHASE = 63
PERIOD = 30_000
"""Milliseconds between two transactions of a cell."""
STAGGER = 2_000
DAY = 86_400_000
CLIENTS, LOCATIONS = 5, 3
CELLS = CLIENTS * LOCATIONS
LANES = 512
"""Numbers that are made at once where many are wanted."""
_ONES = sum(1 << 128 * lane for lane in range(LANES))
_RAMP = sum((lane * STEP & MASK) << 128 * lane for lane in range(LANES))
_MASKS, _MASKS_30, _MASKS_27, _MASKS_31 = (_ONES * (MASK >> shift) for shift in (0, 30, 27, 31))


def mixed(state: int) -> int:
    """Return the output of SplitMix64 for a state that was already advanced."""
    state = ((state ^ (state >> 30)) * FIRST) & MASK
    state = ((state ^ (state >> 27)) * SECOND) & MASK
    return state ^ (state >> 31)


class Stream:
    """Uniform numbers in [0, 1), each by its position, the first at 0."""

    __slots__ = ("_root",)

    def __init__(self, scenario: int, replicate: int, stream: int) -> None:
        self._root = (ROOT + (scenario << 40) + (replicate << 16) + stream) & MASK

    def u(self, position: int) -> float:
        """Return one number."""
        return (mixed((self._root + (position + 1) * STEP) & MASK) >> 11) * UNIT

    def below(self, probability: float, start: int, stop: int) -> list[int]:
        """Return the positions in [start, stop) whose number is below `probability`."""
        # u < p as integers: (z >> 11) * 2^-53 < p, and p * 2^53 is exact in binary.
        limit, found = probability / UNIT, list[int]()
        if limit <= 0.0:
            return found
        for first in range(start, stop, LANES):
            outputs = _outputs(self._root + (first + 1) * STEP & MASK)
            for lane in _low(outputs[7::16], int(limit) >> 45, min(LANES, stop - first)):
                if int.from_bytes(outputs[16 * lane : 16 * lane + 8], "little") >> 11 < limit:
                    found.append(first + lane)
        return found


def _outputs(state: int) -> bytes:
    """Return the outputs for `LANES` states from this one on, 16 bytes for each, of which the last 8 are zero.

    All at once, as one large number: no product of two 64-bit numbers leaves its lane of 128 bits.
    """
    z = _RAMP + _ONES * state & _MASKS
    z = (z ^ z >> 30 & _MASKS_30) * FIRST & _MASKS
    z = (z ^ z >> 27 & _MASKS_27) * SECOND & _MASKS
    return (z ^ z >> 31 & _MASKS_31).to_bytes(16 * LANES, "little")


def _low(tops: bytes, limit: int, count: int) -> Iterator[int]:
    """Give the lanes, among the first `count`, whose highest byte does not exceed `limit`."""
    if limit > 0:
        yield from (lane for lane, top in enumerate(tops[:count]) if top <= limit)
        return
    lane = tops.find(0, 0, count)
    while lane >= 0:
        yield lane
        lane = tops.find(0, lane + 1, count)


class Hiccups:
    """Blips of one location in time order, made as far as somebody asks. `rate` per day, `mean` in seconds."""

    __slots__ = ("_draws", "_ends", "_mean", "_rate", "_starts", "_stream")

    def __init__(self, stream: Stream, rate: float, mean: float) -> None:
        self._stream = stream
        self._rate = rate
        self._mean = mean
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._draws = 0

    def inside(self, at: int) -> bool:
        """Return whether a blip is on at `at`."""
        if self._rate <= 0.0:
            return False
        while not self._ends or self._ends[-1] <= at:
            self._another()
        index = bisect_right(self._starts, at) - 1
        return index >= 0 and at < self._ends[index]

    def until(self, end: int) -> list[tuple[int, int]]:
        """Return the blips that begin before `end`, as start and end."""
        self.inside(end)
        return [pair for pair in zip(self._starts, self._ends, strict=True) if pair[0] < end]

    def _another(self) -> None:
        start = (self._ends[-1] if self._ends else 0) + floor(self._exponential() * DAY / self._rate)
        self._starts.append(start)
        self._ends.append(start + floor(self._exponential() * 1000.0 * self._mean))

    def _exponential(self) -> float:
        u = self._stream.u(self._draws)
        self._draws += 1
        return -log(1.0 - u)


def checksum(failures: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """Return how many failures there are, and their checksum; each is (time, number of its cell), in time order."""
    count = value = 0
    for at, cell in failures:
        count += 1
        value = (31 * value + at + cell) % (2**31 - 1)
    return count, value
