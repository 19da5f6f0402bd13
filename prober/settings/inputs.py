"""The files that a configuration is read from: what they hold, and whether that has changed."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import Any

from prober.settings.load import discovered, files, load
from prober.settings.settings import Settings
from prober.transaction import Client

ABSENT = ""
"""Mark of a file that cannot be read."""


class Inputs:
    """The configuration in `paths`, as `load` reads it, again and again.

    `settings` is what it said the last time; the files that are named there and are a part of it (lists of targets,
    addresses, certificates, the password of a proxy) are looked at, too.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        catalogue: Mapping[str, Client[Any]],
        settings: Settings,
        *,
        storage_path: str | None = None,
    ) -> None:
        self._paths = tuple(path.absolute() for path in paths)
        self._catalogue = catalogue
        self._storage_path = storage_path
        self._named, self._patterns = settings.files, settings.patterns

    def look(self) -> Mapping[str, str]:
        """Return a mark of the content of each file, links followed to wherever they lead now."""
        found = (*files(self._paths), *discovered(self._patterns), *map(Path, self._named))
        return {str(path): _mark(path) for path in found}

    def read(self) -> Settings:
        """Return what it says now. Raises `ConfigurationError`."""
        settings = load(self._paths, self._catalogue, storage_path=self._storage_path)
        self._named, self._patterns = settings.files, settings.patterns
        return settings


def _mark(path: Path) -> str:
    try:
        return blake2b(path.read_bytes(), digest_size=16).hexdigest()
    except OSError:
        return ABSENT
