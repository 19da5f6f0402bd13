"""Sets of message numbers and UIDs (RFC 3501, `sequence-set`): read once, resolved against what there is."""

import re
from bisect import bisect_right
from dataclasses import dataclass

from prober.simulator.imap.scanner import BadSyntax, Scanner

SET = re.compile(rb"(?:\*|[1-9]\d{0,9})(?::(?:\*|[1-9]\d{0,9}))?(?:,(?:\*|[1-9]\d{0,9})(?::(?:\*|[1-9]\d{0,9}))?)*")
LARGEST = 2**32 - 1


@dataclass(frozen=True, slots=True)
class SequenceSet:
    """Ranges as written; 0 stands for `*`."""

    ranges: tuple[tuple[int, int], ...]

    def within(self, largest: int) -> "Resolved":
        """Return the set with `*` as `largest`. A range may be written backwards."""
        pairs = sorted((min(pair), max(pair)) for pair in (_filled(one, largest) for one in self.ranges))
        merged: list[tuple[int, int]] = []
        for low, high in pairs:
            if merged and low <= merged[-1][1] + 1:
                merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
            else:
                merged.append((low, high))
        return Resolved(tuple(merged))


@dataclass(frozen=True, slots=True)
class Resolved:
    """Ranges in order that do not touch."""

    ranges: tuple[tuple[int, int], ...]

    def __contains__(self, number: int) -> bool:
        place = bisect_right(self.ranges, (number, LARGEST + 1)) - 1
        return place >= 0 and self.ranges[place][0] <= number <= self.ranges[place][1]

    @property
    def bounds(self) -> tuple[int, int]:
        """The smallest and the largest number."""
        return self.ranges[0][0], self.ranges[-1][1]


def read_set(scanner: Scanner) -> SequenceSet:
    """Take a set. Raises `BadSyntax`."""
    written = scanner.match(SET)[0].decode("ascii")
    pairs = [one.partition(":") for one in written.split(",")]
    return SequenceSet(tuple((_number(first), _number(last or first)) for first, _, last in pairs))


def write_set(numbers: list[int]) -> str:
    """Return the shortest set of `numbers`, in order (for UIDPLUS codes)."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(first) if first == last else f"{first}:{last}" for first, last in runs)


def _number(written: str) -> int:
    if written == "*":
        return 0
    if int(written) > LARGEST:
        raise BadSyntax
    return int(written)


def _filled(pair: tuple[int, int], largest: int) -> tuple[int, int]:
    return pair[0] or largest, pair[1] or largest
