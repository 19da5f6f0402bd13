"""From files to `Settings`, or to every mistake in them at once, each with its place."""

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from prober.settings.build import Builder
from prober.settings.document import Document
from prober.settings.settings import ConfigurationError, Problem, Settings
from prober.settings.source import Location, Position, Source, SourceError, Value, read
from prober.transaction import Client

LISTS = ("targets", "maintenance")
NAMED = ("credentials", "profiles")


def load(
    paths: Sequence[Path],
    catalogue: Mapping[str, Client[Any]],
    *,
    storage_path: str | None = None,
    check_files: bool = True,
) -> Settings:
    """Return the configuration in `paths` (files, or directories of `*.yml`) taken together.

    `check_files=False` leaves the files that it names unread. Raises `ConfigurationError`.
    """
    problems: list[Problem] = []
    merged = Merged()
    for path in _files(paths, problems):
        try:
            merged.add(read(path), path.parent)
        except SourceError as exc:
            problems.append(_problem(exc.position, exc.path, exc.message))
    problems += merged.problems
    if not problems:
        document = merged.validate(problems)
        if document is not None:
            settings = Builder(document, merged, catalogue, check_files=check_files).build(storage_path, problems)
            if settings is not None and not problems:
                return settings
    raise ConfigurationError(tuple(sorted(problems, key=lambda one: (one.file, one.line, one.column))))


def _files(paths: Sequence[Path], problems: list[Problem]) -> list[Path]:
    """Return the files that `paths` mean, a directory being all its `*.yml`."""
    files: list[Path] = []
    for path in paths:
        inside = sorted(path.glob("*.yml")) if path.is_dir() else [path]
        if not inside:
            problems.append(Problem(str(path), 1, 1, "", "is a directory without any *.yml file"))
        files += inside
    return files


def dotted(path: Location) -> str:
    """Return `('targets', 2, 'name')` as `targets[2].name`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _problem(position: Position, path: Location, message: str) -> Problem:
    return Problem(position.file, position.line, position.column, dotted(path), message)


class Merged:
    """Several files as one document. Remembers, per path of the whole, the source and the path there."""

    def __init__(self) -> None:
        self.value: dict[str, Value] = {}
        self.problems: list[Problem] = []
        self._origin: dict[Location, tuple[Source, Location, Path]] = {}

    def add(self, source: Source, folder: Path) -> None:
        """Take in one more file; its relative paths are relative to `folder`."""
        self._origin.setdefault((), (source, (), folder))
        for section, value in source.value.items():
            if section in LISTS and isinstance(value, list):
                self._extend(section, value, source, folder)
            elif section in NAMED and isinstance(value, dict):
                self._unite(section, value, source, folder)
            elif section in self.value:
                self._double((section,), source, (section,))
            else:
                self.value[section] = value
                self._origin[(section,)] = (source, (section,), folder)

    def _extend(self, section: str, value: list[Value], source: Source, folder: Path) -> None:
        whole = self.value.setdefault(section, [])
        self._origin.setdefault((section,), (source, (section,), folder))
        if not isinstance(whole, list):
            return self._double((section,), source, (section,))
        for index, item in enumerate(value):
            self._origin[(section, len(whole))] = (source, (section, index), folder)
            whole.append(item)
        return None

    def _unite(self, section: str, value: dict[str, Value], source: Source, folder: Path) -> None:
        whole = self.value.setdefault(section, {})
        self._origin.setdefault((section,), (source, (section,), folder))
        if not isinstance(whole, dict):
            return self._double((section,), source, (section,))
        for name, item in value.items():
            if name in whole:
                self._double((section, name), source, (section, name))
                continue
            self._origin[(section, name)] = (source, (section, name), folder)
            whole[name] = item
        return None

    def _double(self, path: Location, source: Source, there: Location) -> None:
        first = self.position(path)
        message = f"stands here a second time, first in {first.file}:{first.line}"
        self.problems.append(_problem(source.position(there), path, message))

    def origin(self, path: Location) -> tuple[Source, Location, Path]:
        """Return the source that `path` of the whole came from, its path there, and that file's folder."""
        for length in range(len(path), -1, -1):
            if path[:length] in self._origin:
                source, there, folder = self._origin[path[:length]]
                return source, there + path[length:], folder
        raise KeyError(path)

    def position(self, path: Location) -> Position:
        """Return where `path` of the whole stands."""
        source, there, _ = self.origin(path)
        return source.position(there)

    def problem(self, path: Location, message: str) -> Problem:
        """Return a mistake at `path`."""
        return _problem(self.position(path), path, message)

    def validate(self, problems: list[Problem]) -> Document | None:
        """Return the document, or `None` after adding what is wrong with its shape."""
        try:
            return Document.model_validate(self.value)
        except ValidationError as exc:
            for error in exc.errors(include_url=False):
                path = _without_tags(error["loc"], self.value)
                problem = self.problem(path, _message(error, path))
                if all((one.path, one.line) != (problem.path, problem.line) for one in problems):
                    problems.append(problem)  # the members of a union complain one by one
            return None


def _without_tags(loc: tuple[str | int, ...], value: Value) -> Location:
    """Drop what pydantic adds to a location for the members of a union."""
    path: list[str | int] = []
    for position, part in enumerate(loc):
        last = position == len(loc) - 1
        inside = (isinstance(value, dict) and part in value) or (isinstance(value, list) and isinstance(part, int))
        if inside:
            value = value[part]  # type: ignore[index]  # just looked
            path.append(part)
        elif last and isinstance(value, dict) and part not in _TAGS and part != "[key]":
            path.append(part)
    return tuple(path)


_TAGS = {"ProxySection", "Push", "bool", "literal['none']", "none"}


def _message(error: ErrorDetails, path: Location) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return _unknown(str(path[-1]), path)
    if kind == "missing":
        return "is required"
    if kind == "value_error":
        return str(context["error"])
    if kind == "string_pattern_mismatch":
        return "must be letters, digits, '-', '_' and '.', starting and ending with a letter or digit"
    if kind in ("enum", "literal_error"):
        return f"must be {context['expected']}" + _nearest(error["input"], str(context["expected"]))
    wanted = _WANTED.get(kind)
    return wanted or sentence(error["msg"])


def sentence(message: str) -> str:
    """Return one of pydantic's messages in our tone."""
    return message.replace("Input should be", "must be").replace(" a valid ", " a ")


_WANTED = {
    "string_type": "must be text; put quotes around it",
    "bool_type": "must be true or false",
    "int_type": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping of keys",
    "too_short": "must not be empty",
    "string_too_short": "must not be empty",
}


def _nearest(given: object, expected: str) -> str:
    near = get_close_matches(str(given), expected.replace("'", "").replace(" or ", ", ").split(", "), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _unknown(key: str, path: Location) -> str:
    if key in ("password", "client_secret"):
        return f"secrets do not stand in the configuration: use {key}_file or {key}_env"
    known = keys_at(path[:-1])
    near = get_close_matches(key, known, n=1)
    return "is not a known key" + (f"; did you mean {near[0]!r}?" if near else f"; known here: {', '.join(known)}")


def keys_at(path: Location) -> list[str]:
    """Return the keys that the section at `path` may have."""
    section: Any = Document
    for part in path:
        section = _inside(section, part)
    if isinstance(section, type) and issubclass(section, BaseModel):
        return [field.alias or name for name, field in section.model_fields.items()]
    return []


def _inside(section: Any, part: str | int) -> Any:
    """Return the model or annotation one step below `section`."""
    if isinstance(section, type) and issubclass(section, BaseModel):
        found = [field for name, field in section.model_fields.items() if (field.alias or name) == part]
        return _model_of(found[0].annotation) if found else None
    arguments = getattr(section, "__args__", ())
    return _model_of(arguments[-1]) if arguments else None


def _model_of(annotation: Any) -> Any:
    """Return the model that a union or annotation may hold; containers stay as they are."""
    for argument in getattr(annotation, "__args__", ()):
        if isinstance(argument, type) and issubclass(argument, BaseModel) and "Union" in repr(type(annotation)):
            return argument
    return annotation
