"""Sets of clients or of locations as bits of a number, and how likely each is to be the one that fails.

Rule of this file: a probability depends on the size of a set and on whether its members are known to share something;
it says what is usual before anything was seen, and a handful of failures outweighs it.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb, log


@dataclass(frozen=True, slots=True)
class Usual:
    """Shares of the probability by kind of set. What falls to a kind of which there are none, the others share."""

    one: float
    two: float
    every: float
    family: float
    larger: float


CLIENTS = Usual(one=0.45, two=0.20, every=0.23, family=0.10, larger=0.02)
LOCATIONS = Usual(one=0.20, two=0.04, every=0.76, family=0.10, larger=0.02)
"""Most troubles of a service are seen from everywhere, and hardly one from just two places that share nothing."""


class Prior:
    """How likely each set of `count` members is the one that fails. `families`: sets whose members share something."""

    __slots__ = ("_by_size", "_families", "_family", "count")

    def __init__(self, usual: Usual, count: int, families: Iterable[int] = ()) -> None:
        everybody = (1 << count) - 1
        self.count = count
        self._families = frozenset(one for one in families if one.bit_count() > 1 and one != everybody)
        by_size = _by_size(usual, count)
        family = usual.family if self._families else 0.0
        total = family + sum(comb(count, size) * share for size, share in by_size.items())
        self._by_size = {size: share / total for size, share in by_size.items()}
        self._family = family / total / max(len(self._families), 1)

    def probability(self, members: int) -> float:
        """Return the probability that the set `members`, and no other, fails."""
        return self._by_size[members.bit_count()] + (self._family if members in self._families else 0.0)

    def log(self, members: int) -> float:
        """Return the logarithm of it."""
        return log(self.probability(members))

    def usual(self, *, pairs: bool) -> list[int]:
        """Return the sets that are likely before anything was seen: one, two if `pairs`, a family, and all."""
        bits = [1 << index for index in range(self.count)]
        two = [first | second for first, second in combinations(bits, 2)] if pairs else []
        return list(dict.fromkeys([*bits, *two, *sorted(self._families), (1 << self.count) - 1]))


def _by_size(usual: Usual, count: int) -> dict[int, float]:
    """Return the share of one set of each size; a set may be of two kinds, as the pair that is everybody."""
    shares = dict.fromkeys(range(1, count + 1), 0.0)
    shares[1] += usual.one / count
    if count >= 2:
        shares[2] += usual.two / comb(count, 2)
    between = range(3, count)
    for size in between:
        shares[size] += usual.larger / len(between) / comb(count, size)
    shares[count] += usual.every
    return shares


def union(sets: Iterable[int]) -> int:
    """Return the set of all that are in one of `sets`."""
    found = 0
    for one in sets:
        found |= one
    return found


def indices(members: int) -> Iterator[int]:
    """Give the numbers of the members of a set."""
    while members:
        lowest = members & -members
        yield lowest.bit_length() - 1
        members ^= lowest
