"""From files to `Settings`, or to every mistake in them at once, each with its place."""

from collections.abc import Iterable, Mapping, Sequence
from glob import glob, has_magic
from pathlib import Path
from typing import Any

from prober.settings.build import build
from prober.settings.merge import Merged
from prober.settings.mistakes import Mistakes, problem
from prober.settings.redacted import redacted
from prober.settings.settings import ConfigurationError, Problem, Settings
from prober.settings.shape import validate
from prober.settings.source import SourceError, read
from prober.transaction import Client


def load(
    paths: Sequence[Path],
    catalogue: Mapping[str, Client[Any]],
    *,
    storage_path: str | None = None,
    check_files: bool = True,
) -> Settings:
    """Return the configuration in `paths` (files, or directories of `*.yml`) taken together.

    `check_files=False` leaves the files and variables that it names unread. `storage_path` overrules `storage.path`.
    Raises `ConfigurationError`.
    """
    merged = _read(paths)
    mistakes = Mistakes(merged)
    document = validate(merged.value, mistakes)
    if document is not None:
        settings = build(
            document,
            catalogue,
            mistakes,
            check_files=check_files,
            storage_path=storage_path,
            shown=redacted(merged.value),
            patterns=_patterns(merged),
        )
        if settings is not None:
            return settings
    raise _error(mistakes.found)


def _read(paths: Sequence[Path]) -> Merged:
    """Return all files as one. Raises `ConfigurationError` for what is wrong with them as YAML."""
    problems = [] if paths else [Problem("configuration", 1, 1, "", "no file was named")]
    merged = Merged()
    empty = [path for path in paths if not _inside(path)]
    problems += [Problem(str(path), 1, 1, "", "is a directory without any *.yml file") for path in empty]
    for path in files(paths):
        try:
            merged.add(read(path), path.parent)
        except SourceError as exc:
            problems.append(problem(exc.position, exc.path, exc.message))
    for path in discovered(_patterns(merged)):
        try:
            merged.add(read(path, "targets"), path.parent)
        except SourceError as exc:
            problems.append(problem(exc.position, exc.path, exc.message))
    problems += merged.problems
    if problems:
        raise _error(problems)
    return merged


def files(paths: Iterable[Path]) -> list[Path]:
    """Return the files that `paths` mean, a directory being all its `*.yml` in the order of their names."""
    return [inside for path in paths for inside in _inside(path)]


def _patterns(merged: Merged) -> tuple[str, ...]:
    """Return what `discovery.files` names, absolute; what is no text there is told of when its shape is looked at."""
    section = merged.value.get("discovery")
    named = section.get("files") if isinstance(section, dict) else None
    if not isinstance(named, list):
        return ()
    folder = merged.folder(("discovery",)).absolute()
    return tuple(str(folder / one) for one in named if isinstance(one, str) and one)


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
