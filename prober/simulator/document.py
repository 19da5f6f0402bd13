"""YAML with places: every mistake in a file is one line that says where it stands, and all are told at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

Path = tuple[str | int, ...]
Place = tuple[int, int]
"""Line and column, from 1."""


class DocumentError(Exception):
    """All mistakes of a file: `problems` are lines of the form `file:line:column: path: what is wrong`."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, and where each part of it stands."""

    file: str
    data: Any
    places: Mapping[Path, Place]

    def problem(self, path: Path, message: str) -> str:
        """Return one line about the part at `path`, or about the nearest part around it that has a place."""
        known = path
        while known and known not in self.places:
            known = known[:-1]
        line, column = self.places.get(known, (1, 1))
        where = f"{dotted(path)}: " if path else ""
        return f"{self.file}:{line}:{column}: {where}{message}"

    def problems(self, error: ValidationError, prefix: Path = ()) -> list[str]:
        """Return one line per mistake that pydantic found in the part at `prefix`."""
        return [self.problem((*prefix, *one["loc"]), _worded(one)) for one in error.errors()]

    def unknown_keys(self, path: Path, given: Iterable[str], known: Iterable[str]) -> list[str]:
        """Return one line per key that is not known, with the known one that is nearest."""
        names = sorted(known)
        return [self.problem((*path, key), f"unknown key{meant(key, names)}") for key in given if key not in names]


def read(text: str, file: str) -> Document:
    """Return what `text` says. Raises `DocumentError` for what is no YAML, and for a key that stands there twice."""
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        if node is None:
            return Document(file, None, {})
        twice = [f"{file}:{line}:{column}: {key}: stands here twice" for key, (line, column) in _twice(node)]
        if twice:
            raise DocumentError(twice)
        return Document(file, yaml.safe_load(text), dict(_places(node, ())))
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        raise DocumentError([f"{file}:{line}:{column}: {exc.problem or 'not YAML'}"]) from None
    except (yaml.YAMLError, ValueError, RecursionError) as exc:
        raise DocumentError([f"{file}:1:1: not YAML: {str(exc).splitlines()[0]}"]) from None


def dotted(path: Path) -> str:
    """Return `faults[0].kind` for `("faults", 0, "kind")`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def meant(word: str, known: Iterable[str]) -> str:
    """Return `; did you mean …?`, or nothing where nothing is near."""
    near = get_close_matches(str(word), list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def fields(model: type[BaseModel]) -> tuple[str, ...]:
    """Return the keys of a section."""
    return tuple(model.model_fields)


def _worded(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return "unknown key"
    if error["type"] == "missing":
        return "is missing"
    text = str(error["msg"]).removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


def _places(node: yaml.Node, path: Path) -> Iterator[tuple[Path, Place]]:
    yield path, (node.start_mark.line + 1, node.start_mark.column + 1)
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            yield from _places(value, (*path, key.value))
            yield (*path, key.value), (key.start_mark.line + 1, key.start_mark.column + 1)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _places(value, (*path, index))


def _twice(node: yaml.Node) -> Iterator[tuple[str, Place]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)  # a key may be a list, which PyYAML refuses later
            if name in seen:
                yield name, (key.start_mark.line + 1, key.start_mark.column + 1)
            seen.add(name)
            yield from _twice(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _twice(value)
