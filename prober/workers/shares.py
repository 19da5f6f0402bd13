"""Who works on what: assignments that share something are never parted, and the starts are spread evenly.

Rule of this file: the answer depends on the assignments alone, not on their order, and a change moves little: whoever
moves loses its tokens and its channel.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from prober.model import Assignment

ROOM = 1.25
"""How far above the mean a worker may be loaded so that what it has stays where it is."""


@dataclass(frozen=True, slots=True)
class Group:
    """Assignments that stay together. `starts`: how many attempts begin per second; `name` is the least of its keys."""

    name: str
    starts: float
    assignments: tuple[Assignment, ...]


def ties(assignment: Assignment) -> frozenset[tuple[str, str]]:
    """Return what binds `assignment` to others: target, credentials and mailbox, however that is written."""
    target = assignment.target
    found = {("target", target.name)}
    found |= {("credential", name) for name in (assignment.credential, assignment.push_credential) if name is not None}
    if target.mailbox is not None:
        found.add(("mailbox", target.mailbox.lower()))
    return frozenset(found)


def groups(assignments: Iterable[Assignment]) -> list[Group]:
    """Return those that share something, also by way of others, as groups, in the order of their names."""
    leader: dict[tuple[str, str], tuple[str, str]] = {}

    def find(tie: tuple[str, str]) -> tuple[str, str]:
        while (above := leader.setdefault(tie, tie)) != tie:
            leader[tie] = leader[above]
            tie = above
        return tie

    listed = sorted(assignments, key=lambda one: one.key)
    for one in listed:
        first, *others = ties(one)
        for other in others:
            leader[find(other)] = find(first)
    together: dict[tuple[str, str], list[Assignment]] = {}
    for one in listed:
        together.setdefault(find(("target", one.target.name)), []).append(one)
    return [Group(some[0].key, sum(1 / one.interval for one in some), tuple(some)) for some in together.values()]


def shares(assignments: Iterable[Assignment], workers: int) -> tuple[tuple[Assignment, ...], ...]:
    """Return what each of so many workers has to do; some have nothing where there are fewer groups than workers.

    The heaviest groups choose first. Each has its own order of preference among the workers (rendezvous hashing), and
    takes the first that is not yet loaded by a quarter more than the mean; where none is, the one with least to do.
    """
    found = sorted(groups(assignments), key=lambda one: (-one.starts, one.name))
    most = ROOM * sum(one.starts for one in found) / workers
    loads = [0.0] * workers
    chosen: list[list[Assignment]] = [[] for _ in range(workers)]
    for one in found:
        number = _choose(one, loads, most)
        loads[number] += one.starts
        chosen[number] += one.assignments
    return tuple(tuple(some) for some in chosen)


def _choose(group: Group, loads: Sequence[float], most: float) -> int:
    fitting = (number for number in preferred(group.name, len(loads)) if loads[number] + group.starts <= most)
    least = min(range(len(loads)), key=lambda number: (loads[number], number))
    return next(fitting, least)


def preferred(name: str, workers: int) -> Iterator[int]:
    """Give the workers in the order in which the group `name` prefers them: one more or less moves only its share."""
    yield from sorted(range(workers), key=lambda number: _weight(name, number), reverse=True)


def _weight(name: str, number: int) -> bytes:
    return blake2b(f"{name}\0{number}".encode(), digest_size=8).digest()
