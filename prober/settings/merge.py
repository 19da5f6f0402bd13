"""Several files as one document, of which every part still knows its file."""

from pathlib import Path

from prober.settings.mistakes import problem
from prober.settings.settings import Problem
from prober.settings.source import Location, Position, Source, Value

LISTS = ("targets", "maintenance")
NAMED = ("credentials", "profiles")


class Merged:
    """Lists of `LISTS` and mappings of `NAMED` are taken together; every other section stands in one file only."""

    def __init__(self) -> None:
        self.value: dict[str, Value] = {}
        self.problems: list[Problem] = []
        self._origin: dict[Location, tuple[Source, Location, Path]] = {}
        self._foreign: set[int] = set()

    def add(self, source: Source, folder: Path, *, foreign: bool = False) -> None:
        """Take in one more file; its relative paths are relative to `folder`. `foreign`: others write it."""
        if foreign:
            self._foreign.add(id(source))
        self._origin.setdefault((), (source, (), folder))
        for section, value in source.value.items():
            if section in LISTS and isinstance(value, list):
                self._extend(section, value, source, folder)
            elif section in NAMED and isinstance(value, dict):
                self._unite(section, value, source, folder)
            elif section in self.value:
                self._double((section,), source)
            else:
                self.value[section] = value
                self._origin[(section,)] = (source, (section,), folder)

    def position(self, path: Location) -> Position:
        """Return where `path` of the whole stands."""
        source, there, _ = self._find(path)
        return source.position(there)

    def folder(self, path: Location) -> Path:
        """Return the folder of the file in which `path` stands."""
        return self._find(path)[2]

    def foreign(self, path: Location) -> bool:
        """Whether `path` stands in a list that others write."""
        return id(self._find(path)[0]) in self._foreign

    def _extend(self, section: str, value: list[Value], source: Source, folder: Path) -> None:
        whole = self.value.setdefault(section, [])
        if not isinstance(whole, list):
            self._double((section,), source)
            return
        self._origin.setdefault((section,), (source, (section,), folder))
        for index, item in enumerate(value):
            self._origin[(section, len(whole))] = (source, (section, index), folder)
            whole.append(item)

    def _unite(self, section: str, value: dict[str, Value], source: Source, folder: Path) -> None:
        whole = self.value.setdefault(section, {})
        if not isinstance(whole, dict):
            self._double((section,), source)
            return
        self._origin.setdefault((section,), (source, (section,), folder))
        for name, item in value.items():
            if name in whole:
                self._double((section, name), source)
                continue
            self._origin[(section, name)] = (source, (section, name), folder)
            whole[name] = item

    def _double(self, path: Location, source: Source) -> None:
        first = self.position(path)
        message = f"stands here a second time, first in {first.file}:{first.line}"
        self.problems.append(problem(source.position(path), path, message))

    def _find(self, path: Location) -> tuple[Source, Location, Path]:
        """Return the source that `path` of the whole came from, its path there, and that file's folder."""
        for length in range(len(path), -1, -1):
            if path[:length] in self._origin:
                source, there, folder = self._origin[path[:length]]
                return source, there + path[length:], folder
        raise KeyError(path)
