"""Lists of targets that others write: as they came, as they last were good, and which of the two is gone by.

Rule of this file: a list that is bad costs nothing but its own news.
"""

import base64
import binascii
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from prober.settings.load import Part
from prober.settings.settings import ConfigurationError, Problem, Settings
from prober.settings.source import LARGEST_FILE

Choice = tuple[Part | None, ...]
Attempt = Callable[[Sequence[Part], bool], Settings]
"""Makes settings of lists, beside a configuration; told `True`, there may be nothing to probe. Raises
`ConfigurationError`."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One list: `newest` as it came, `good` as it last was so.

    `data` are the bytes of the newest, if there are any; `problem` says why it cannot be read, where that is so.
    `label` stands for the list in metrics, `place` is what mistakes name as its file. One that is `fetched` may be
    missing.
    """

    key: str
    label: str
    place: str
    newest: Part | None
    good: Part | None
    data: bytes | None = None
    problem: Problem | None = None
    fetched: bool = False


@dataclass(frozen=True, slots=True)
class Settled:
    """Settings, what of each list they are made of, and what is wrong with the newest of those that are not."""

    settings: Settings
    choice: Choice
    problems: tuple[Problem | None, ...]


@dataclass(frozen=True, slots=True)
class ListState:
    """How a list, or all lists of one pattern, are gone by. `trouble`: what is wrong with the newest, in one line."""

    label: str
    trouble: str
    targets: int
    fetched: bool


def settle(lists: Sequence[Listed], attempt: Attempt, *, starting: bool) -> Settled:
    """Return settings of as many of the newest `lists` as go together. Raises `ConfigurationError`.

    One that does not counts as it last was good, or not at all if it never was. What is wrong without any news is the
    configuration's affair: an error, but when `starting`, which no list that is `fetched` may stop. A list in a file
    that never was good is an error then.
    """
    settled = _Settling(lists, attempt).settled(starting=starting)
    missing = [
        problem
        for one, part, problem in zip(lists, settled.choice, settled.problems, strict=True)
        if part is None and problem is not None and not one.fetched
    ]
    if starting and missing:
        raise ConfigurationError(tuple(missing))
    return settled


class _Settling:
    """Tries one choice after another."""

    def __init__(self, lists: Sequence[Listed], attempt: Attempt) -> None:
        self._lists = lists
        self._attempt = attempt
        self._patient = any(one.fetched for one in lists)
        self._problems = [one.problem for one in lists]

    def settled(self, *, starting: bool) -> Settled:
        newest = tuple(one.newest or one.good for one in self._lists)
        good = tuple(one.good for one in self._lists)
        tried, choice = newest, newest
        while True:
            try:
                return self._made(choice)
            except ConfigurationError as exc:
                tried, error = choice, exc
                choice = self._without_the_bad(choice, exc.problems)
            if choice == tried:
                break
        if good != tried:
            try:
                return self._upgraded(self._made(good))
            except ConfigurationError as exc:
                error = exc
        if starting:
            return self._from_nothing()
        raise error

    def _made(self, choice: Choice) -> Settled:
        patient = self._patient or None in choice
        return self._told(self._attempt([part for part in choice if part is not None], patient), choice)

    def _told(self, settings: Settings, choice: Choice) -> Settled:
        told = zip(self._lists, choice, self._problems, strict=True)
        problems = tuple(None if self._is_newest(one, part) else problem for one, part, problem in told)
        return Settled(settings, choice, problems)

    @staticmethod
    def _is_newest(one: Listed, part: Part | None) -> bool:
        return one.problem is None and part is (one.newest or one.good)

    def _without_the_bad(self, choice: Choice, problems: Sequence[Problem]) -> Choice:
        """Return the choice with those as they were whose newest have `problems`."""
        found = list(choice)
        for index, one in enumerate(self._lists):
            own = next((problem for problem in problems if problem.file == one.place), None)
            if own is not None and one.newest is not None and choice[index] is one.newest is not one.good:
                found[index], self._problems[index] = one.good, own
        return tuple(found)

    def _upgraded(self, best: Settled) -> Settled:
        """Put in the newest of each list, one after the other, wherever that goes well."""
        for index, one in enumerate(self._lists):
            if one.newest is not None and one.newest is not best.choice[index]:
                best = self._tried(best, index, one.newest) or best
        return self._told(best.settings, best.choice)

    def _from_nothing(self) -> Settled:
        """Begin with no list at all, and put in whatever goes well. Raises `ConfigurationError` for one in a file."""
        nothing: Choice = (None,) * len(self._lists)
        best = Settled(self._attempt([], True), nothing, ())  # noqa: FBT003 - a callable takes no names
        for index, one in enumerate(self._lists):
            for part in filter(None, (one.newest, one.good)):
                better = self._tried(best, index, part)
                if better is not None:
                    best = better
                    break
        return self._told(best.settings, best.choice)

    def _tried(self, best: Settled, index: int, part: Part) -> Settled | None:
        choice = (*best.choice[:index], part, *best.choice[index + 1 :])
        try:
            return self._made(choice)
        except ConfigurationError as exc:
            own = (problem for problem in exc.problems if problem.file == self._lists[index].place)
            self._problems[index] = next(own, exc.problems[0])
            return None


def states(lists: Sequence[Listed], settled: Settled) -> Iterator[ListState]:
    """Give how each list is gone by; those of one label together."""
    found: dict[str, ListState] = {}
    for one, part, problem in zip(lists, settled.choice, settled.problems, strict=True):
        known = found.get(one.label, ListState(one.label, "", 0, one.fetched))
        trouble = known.trouble or ("" if problem is None else str(problem))
        found[one.label] = ListState(one.label, trouble, known.targets + _entries(part), one.fetched)
    yield from found.values()


def _entries(part: Part | None) -> int:
    """Return how many targets a list holds: it is read as if it stood under one key."""
    held = [] if part is None else list(part.source.value.values())
    return sum(len(one) for one in held if isinstance(one, list))


def key_of(kind: str, name: str) -> str:
    """Return under what a list is kept: nothing that is in its URL, or the file's name, can be read from it."""
    return f"{kind} {blake2b(name.encode(), digest_size=16).hexdigest()}"


def packed(data: bytes) -> str:
    """Return a list as text that takes little room: entries are much alike."""
    return base64.b64encode(zlib.compress(data)).decode()


def unpacked(text: str) -> bytes | None:
    """Return what was packed, `None` for anything else."""
    try:
        data = zlib.decompressobj().decompress(base64.b64decode(text, validate=True), LARGEST_FILE + 1)
    except (binascii.Error, ValueError, zlib.error):
        return None
    return data if len(data) <= LARGEST_FILE else None
