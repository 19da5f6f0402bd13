"""What a configuration is read from: its files and the lists it names, and whether any of that has changed.

Rule of this file: what was read counts once it is in force; until then everything is as it was.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

from prober.settings.http_lists import label
from prober.settings.lists import Listed, ListState, Settled, key_of, packed, settle, states, unpacked
from prober.settings.load import LISTED, Part, configured, discovered, files, patterns, settings_of, together, urls
from prober.settings.mistakes import problem
from prober.settings.settings import Settings
from prober.settings.source import SourceError, content, parse
from prober.transaction import Client

ABSENT = ""
"""Mark of a file that cannot be read."""
SECTION = "lists"
"""Part of the state in which the last good lists are kept."""
NOWHERE = Path("/")
"""What relative names in a list that was fetched are relative to; it may hold none."""
Kept = Callable[[str | None], Mapping[str, str]]
"""Returns the lists that were kept in the directory of a state."""


@dataclass(frozen=True, slots=True)
class _Found:
    """A list that the configuration names: in the file at `path`, or at a URL."""

    key: str
    label: str
    place: str
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was read: the files of the configuration, the lists beside them, and what was made of all that."""

    parts: tuple[Part, ...]
    found: tuple[_Found, ...]
    lists: tuple[Listed, ...]
    settled: Settled


class Inputs:
    """The configuration in `paths`, with the lists that it names, again and again; `begin` comes first.

    The files that are named there and are a part of it (lists of targets, addresses, certificates, the password of a
    proxy) are looked at, too. Lists at URLs are `fetched` by somebody else.
    """

    def __init__(
        self, paths: Sequence[Path], catalogue: Mapping[str, Client[Any]], *, storage_path: str | None = None
    ) -> None:
        self._paths = tuple(path.absolute() for path in paths)
        self._catalogue = catalogue
        self._storage_path = storage_path
        self._named: tuple[str, ...] = ()
        self._patterns: tuple[str, ...] = ()
        self._newest: dict[str, bytes | SourceError] = {}
        self._good: dict[str, bytes] = {}
        self._parsed: dict[tuple[str, bytes], Part] = {}
        self._read: _Reading | None = None
        self._force: _Reading | None = None
        self._store: MutableMapping[str, str] = {}
        self._stored: dict[str, bytes] = {}

    def begin(self, kept: Kept = lambda _: {}) -> Settings:
        """Return what it says at the start, in force at once; a bad list counts as it was `kept`.

        Raises `ConfigurationError`, also for a list in a file that is bad and was not kept.
        """
        parts = configured(self._paths)
        found = tuple(_named(parts))
        if found:
            known = kept(self._settings(parts, (), patient=True).storage_path)
            told = ((one.key, unpacked(known.get(one.key, ""))) for one in found)
            self._good = {key: data for key, data in told if data}
        settings = self._settled(parts, found, starting=True)
        self.in_force()
        return settings

    def look(self) -> Mapping[str, str]:
        """Return a mark of the content of each file, links followed to wherever they lead now."""
        found = (*files(self._paths), *discovered(self._patterns), *map(Path, self._named))
        return {str(path): _mark(path) for path in found}

    def read(self) -> Settings:
        """Return what it says now; a bad list counts as it was. Raises `ConfigurationError`."""
        parts = configured(self._paths)
        return self._settled(parts, tuple(_named(parts)))

    def refresh(self) -> Settings | None:
        """Return what the configuration in force says with the lists that were fetched; `None`: the same as before.

        No file is read for it: what is being written is none of a list's business. Raises `ConfigurationError`.
        """
        before = self._begun()
        settings = self._settled(before.parts, before.found, reading=False)
        return settings if self._read is None or self._read.settled.choice != before.settled.choice else None

    def in_force(self) -> None:
        """What was read last is in force: that is how its lists were, from now on."""
        if self._read is None:
            return
        self._force, self._read = self._read, None
        lists, choice = self._force.lists, self._force.settled.choice
        self._good = {key: data for key, data in self._good.items() if key in {one.key for one in lists}}
        self._good |= {one.key: part.data for one, part in zip(lists, choice, strict=True) if part is not None}
        self._keep()

    # -- lists -------------------------------------------------------------------------------------------------------

    @property
    def lists(self) -> tuple[ListState, ...]:
        """How each list is gone by: those in files by pattern."""
        force = self._begun()
        return tuple(states(force.lists, force.settled))

    def keep(self, section: MutableMapping[str, str]) -> None:
        """Keep the last good lists in `section` from now on."""
        self._store, self._stored = section, {}
        self._keep()

    def fetched(self, url: str, data: bytes) -> bool:
        """Take in a list that was fetched; return whether it is one that has not been tried yet."""
        force, key = self._begun(), key_of("http", url)
        index = next((index for index, one in enumerate(force.lists) if one.key == key), None)
        if index is None:
            return False
        self._newest[key] = data
        part, listed = force.settled.choice[index], force.lists[index]
        if part is None or part.data != data:
            return listed.data != data
        self._force = _returned(force, index, part)
        return False

    def trouble(self, url: str) -> str:
        """Return what is wrong with the newest of a list that is fetched, in one line."""
        force, key = self._begun(), key_of("http", url)
        told = zip(force.lists, force.settled.problems, strict=True)
        return next((str(problem) for one, problem in told if one.key == key and problem is not None), "")

    def _begun(self) -> _Reading:
        if self._force is None:
            raise RuntimeError("begin comes first")
        return self._force

    def _settled(
        self, parts: tuple[Part, ...], found: tuple[_Found, ...], *, starting: bool = False, reading: bool = True
    ) -> Settings:
        if reading:
            self._newest = dict(self._news(found))
        lists = tuple(map(self._listed, found))

        def attempt(chosen: Sequence[Part], patient: bool) -> Settings:  # noqa: FBT001 - a callable takes no names
            return self._settings(parts, chosen, patient=patient)

        settled = settle(lists, attempt, starting=starting)
        self._read = _Reading(parts, found, lists, settled)
        self._parsed = {
            (one.place, part.data): part for one in lists for part in (one.newest, one.good) if part is not None
        }
        self._named, self._patterns = settled.settings.files, settled.settings.patterns
        return settled.settings

    def _settings(self, parts: Sequence[Part], chosen: Sequence[Part], *, patient: bool) -> Settings:
        return settings_of(parts, chosen, self._catalogue, storage_path=self._storage_path, patient=patient)

    def _news(self, found: Iterable[_Found]) -> Iterator[tuple[str, bytes | SourceError]]:
        """Give what each list holds now, or why it cannot be read; of one that is fetched, what came last."""
        for one in found:
            if one.path is None:
                if one.key in self._newest:
                    yield one.key, self._newest[one.key]
                continue
            try:
                yield one.key, content(one.path)
            except SourceError as exc:
                yield one.key, exc

    def _listed(self, one: _Found) -> Listed:
        newest, why = self._newest.get(one.key), None
        part, good = None, None
        data = newest if isinstance(newest, bytes) else None
        try:
            if isinstance(newest, SourceError):
                raise newest
            part = self._part(one, newest) if newest is not None else None
        except SourceError as exc:
            why = problem(exc.position, exc.path, exc.message)
        try:
            good = self._part(one, self._good[one.key]) if one.key in self._good else None
        except SourceError:
            good = None  # kept by a version that read it otherwise
        return Listed(one.key, one.label, one.place, part, good, data, why, fetched=one.path is None)

    def _part(self, one: _Found, data: bytes) -> Part:
        """Return a list that holds `data`, the same one for the same. Raises `SourceError`."""
        key = (one.place, data)
        if key not in self._parsed:
            folder = NOWHERE if one.path is None else one.path.parent
            self._parsed[key] = Part(parse(one.place, data, LISTED), folder, data)
        return self._parsed[key]

    def _keep(self) -> None:
        """Write down the good lists that are not written down yet, and drop those that nothing names."""
        for key in [key for key in self._store if key not in self._good]:
            del self._store[key]
        for key, data in self._good.items():
            if self._stored.get(key) != data:
                self._store[key] = packed(data)
        self._stored = dict(self._good)


def _returned(reading: _Reading, index: int, part: Part) -> _Reading:
    """Return a reading in which the newest of one list is what is gone by anyway."""
    lists, problems = list(reading.lists), list(reading.settled.problems)
    lists[index], problems[index] = replace(lists[index], newest=part, data=part.data, problem=None), None
    return replace(reading, lists=tuple(lists), settled=replace(reading.settled, problems=tuple(problems)))


def _named(parts: Iterable[Part]) -> Iterator[_Found]:
    """Give the lists that a configuration names, each once: those in files, then those at URLs."""
    merged = together(parts)
    seen: set[str] = set()
    for one in (*_in_files(patterns(merged)), *_at_urls(urls(merged))):
        if one.key not in seen:
            seen.add(one.key)
            yield one


def _in_files(named: Iterable[str]) -> Iterator[_Found]:
    for index, pattern in enumerate(named):
        for path in discovered([pattern]):
            yield _Found(key_of("file", str(path)), f"files[{index}]", str(path), path)


def _at_urls(named: Iterable[str]) -> Iterator[_Found]:
    for index, url in enumerate(named):
        if url:
            yield _Found(key_of("http", url), label(index), f"discovery.{label(index)}")


def _mark(path: Path) -> str:
    try:
        return blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ABSENT
