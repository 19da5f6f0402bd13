"""From files to `Settings`, or to every mistake in them at once, each with its place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from prober.settings.build import build
from prober.settings.foreign import screen
from prober.settings.merge import Merged
from prober.settings.mistakes import Mistakes, problem
from prober.settings.redacted import redacted
from prober.settings.settings import ConfigurationError, Problem, Settings
from prober.settings.shape import validate
from prober.settings.source import Source, SourceError, read
from prober.transaction import Client

LISTED = "targets"
"""The section as which a list is read."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a configuration, or one list, of which `data` is the content; its paths are relative to `folder`."""

    source: Source
    folder: Path
    data: bytes = field(default=b"", repr=False)


def load(
    paths: Sequence[Path],
    catalogue: Mapping[str, Client[Any]],
    *,
    storage_path: str | None = None,
    check_files: bool = True,
) -> Settings:
    """Return the configuration in `paths` (files, or directories of `*.yml`) taken together, with the lists in files.

    What is to be fetched is not. `check_files=False` leaves the files and variables that it names unread.
    `storage_path` overrules `storage.path`. Raises `ConfigurationError`.
    """
    parts, problems = _parts(paths)
    lists: list[Part] = []
    for path in discovered(patterns(together(parts))):
        try:
            lists.append(Part(read(path, LISTED), path.parent))
        except SourceError as exc:
            problems.append(problem(exc.position, exc.path, exc.message))
    if problems:
        raise _error([*problems, *together(parts, lists).problems])
    return settings_of(parts, lists, catalogue, storage_path=storage_path, check_files=check_files)


def configured(paths: Sequence[Path]) -> tuple[Part, ...]:
    """Return what `paths` hold, without any list. Raises `ConfigurationError` for what is wrong with it as YAML."""
    parts, problems = _parts(paths)
    if problems:
        raise _error(problems)
    return parts


def settings_of(
    parts: Iterable[Part],
    lists: Iterable[Part],
    catalogue: Mapping[str, Client[Any]],
    *,
    storage_path: str | None = None,
    check_files: bool = True,
    patient: bool = False,
) -> Settings:
    """Return what the `parts` of a configuration and `lists` say together. Raises `ConfigurationError`.

    `patient`: there may be nothing to probe yet.
    """
    merged = together(parts, lists)
    if merged.problems:
        raise _error(merged.problems)
    mistakes = Mistakes(merged)
    screen(merged, mistakes)
    document = None if mistakes else validate(merged.value, mistakes)
    if document is not None:
        settings = build(
            document,
            catalogue,
            mistakes,
            check_files=check_files,
            storage_path=storage_path,
            shown=redacted(merged.value),
            patterns=patterns(merged),
            patient=patient,
            foreign=merged.foreign,
        )
        if settings is not None:
            return settings
    raise _error(mistakes.found)


def together(parts: Iterable[Part], lists: Iterable[Part] = ()) -> Merged:
    """Return all of it as one."""
    merged = Merged()
    for part in parts:
        merged.add(part.source, part.folder)
    for part in lists:
        merged.add(part.source, part.folder, foreign=True)
    return merged


def _parts(paths: Sequence[Path]) -> tuple[tuple[Part, ...], list[Problem]]:
    """Return what can be read of the files, and what is wrong with the rest."""
    problems = [] if paths else [Problem("configuration", 1, 1, "", "no file was named")]
    empty = [path for path in paths if not _inside(path)]
    problems += [Problem(str(path), 1, 1, "", "is a directory without any *.yml file") for path in empty]
    parts = []
    for path in files(paths):
        try:
            parts.append(Part(read(path), path.parent))
        except SourceError as exc:
            problems.append(problem(exc.position, exc.path, exc.message))
    return tuple(parts), problems


def files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that `paths` mean, a directory being all its `*.yml` in the order of their names."""
    return [inside for path in paths for inside in _inside(path)]


def patterns(merged: Merged) -> tuple[str, ...]:
    """Return what `discovery.files` names, absolute; what is no text there is told of when its shape is looked at."""
    section = merged.value.get("discovery")
    named = section.get("files") if isinstance(section, dict) else None
    if not isinstance(named, list):
        return ()
    folder = merged.folder(("discovery",)).absolute()
    return tuple(str(folder / one) for one in named if isinstance(one, str) and one)


def urls(merged: Merged) -> tuple[str, ...]:
    """Return the URLs in `discovery.http`, as they stand there; empty for what has none."""
    section = merged.value.get("discovery")
    named = section.get("http") if isinstance(section, dict) else None
    given = [one.get("url") if isinstance(one, dict) else None for one in named] if isinstance(named, list) else []
    return tuple(url if isinstance(url, str) else "" for url in given)


def discovered(patterns: Iterable[str]) -> list[Path]:
    """Return the files that `patterns` mean: in the order of their names, and one without a wildcard in any case."""
    found: dict[Path, None] = {}
    for pattern in patterns:
        names = sorted(glob(pattern)) if has_magic(pattern) else [pattern]  # noqa: PTH207 - the pattern is absolute
        found.update(dict.fromkeys(map(Path, names)))
    return list(found)


def _inside(path: Path) -> list[Path]:
    try:
        return sorted(path.glob("*.yml")) if path.is_dir() else [path]
    except OSError:
        return [path]  # reading it will say why


def _error(problems: Iterable[Problem]) -> ConfigurationError:
    return ConfigurationError(tuple(sorted(problems, key=lambda one: (one.file, one.line, one.column))))
