"""One small file of state, replaced as a whole: device ids, keys, rotated tokens, latches.

Rule of this file: losing state is never fatal and never silent: the prober goes on, and `lost` says so in a metric.
"""

import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

LOG = logging.getLogger(__name__)
VERSION = 1
FILE, LOCK = "state.json", "lock"


class StoreBusyError(Exception):
    """Another prober uses the same directory. The text is one sentence."""


class Section(MutableMapping[str, str]):
    """A live view of one named part of the state."""

    def __init__(self, store: "Store", values: dict[str, str]) -> None:
        self._store = store
        self._values = values

    def __getitem__(self, key: str) -> str:
        return self._values[key]

    def get(self, key: str, default: Any = None) -> Any:
        """Return what is kept under `key`: as every mapping does, at once, for this is asked for with every attempt."""
        return self._values.get(key, default)

    def __setitem__(self, key: str, value: str) -> None:
        if self._values.get(key) != value:
            self._values[key] = value
            self._store.dirty = True

    def __delitem__(self, key: str) -> None:
        del self._values[key]
        self._store.dirty = True

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Section({len(self._values)} entries)"


class Store:
    """What survives a restart. `lost` is true when there should have been state, or it cannot be kept."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._sections: dict[str, dict[str, str]] = {}
        self._lock: int | None = None
        self.installation = secrets.token_hex(16)
        self.lost = False
        self.dirty = True

    @classmethod
    def open(cls, path: str | None) -> "Store":
        """Return the store in directory `path`, made where it is missing; `None`: in memory only.

        Raises `StoreBusyError` when another process holds it.
        """
        store = cls(Path(path) if path is not None else None)
        store._start()
        return store

    @classmethod
    def copy(cls, path: str) -> "Store":
        """Return what directory `path` holds as a store in memory: for a look beside the prober that keeps it."""
        store = cls(None)
        try:
            state = _understood((Path(path) / FILE).read_bytes())
        except OSError as exc:
            store._lose("cannot be read", exc)
            return store
        if state is not None:
            store.installation, store._sections = state["installation"], state["sections"]
        return store

    @property
    def folder(self) -> Path | None:
        """The directory, for what is kept beside the state; `None`: in memory only."""
        return self._folder

    def section(self, name: str) -> MutableMapping[str, str]:
        """Return the named part; writing to it marks the store as changed."""
        return Section(self, self._sections.setdefault(name, {}))

    def save(self) -> None:
        """Write the state if it changed: a temporary file, synced, then renamed over the old one.

        May run in a thread, one at a time: what changes meanwhile is marked anew and written the next time.
        """
        if not self.dirty or self._folder is None:
            return
        self.dirty = False
        text = json.dumps({"version": VERSION, "installation": self.installation, "sections": self._sections})
        try:
            _replace(self._folder, text.encode())
        except OSError as exc:
            self.dirty = True
            self._lose("cannot be written", exc)

    def close(self) -> None:
        """Save, and let others have the directory."""
        self.save()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _start(self) -> None:
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = os.open(self._folder / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            self._lose("cannot be used", exc)
            return
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._lock)
            self._lock = None
            raise StoreBusyError(f"{self._folder} is in use by another prober") from None
        self._load(self._folder / FILE)
        self.save()

    def _load(self, file: Path) -> None:
        try:
            data = file.read_bytes()
        except FileNotFoundError:
            return
        except OSError as exc:
            self._lose("cannot be read", exc)
            return
        state = _understood(data)
        if state is None:
            self._set_aside(file)
            return
        self.installation, self._sections, self.dirty = state["installation"], state["sections"], False

    def _set_aside(self, file: Path) -> None:
        """Keep what is not understood for people to look at, and go on empty."""
        number = 1
        while (aside := file.with_name(f"{FILE}.bad-{number}")).exists():
            number += 1
        self._lose("is damaged or of a foreign version", None)
        try:
            file.rename(aside)
        except OSError as exc:
            self._lose("cannot be set aside", exc)

    def _lose(self, what: str, exc: OSError | None) -> None:
        if not self.lost:
            LOG.error("state in %s %s%s", self._folder, what, f": {exc.strerror}" if exc else "")
        self.lost = True


def glance(path: str | None, section: str) -> dict[str, str]:
    """Return a part of what directory `path` holds, without taking it into use; nothing where there is none."""
    if path is None:
        return {}
    try:
        state = _understood((Path(path) / FILE).read_bytes())
    except OSError:
        return {}
    return dict(state["sections"].get(section, {})) if state is not None else {}


def _understood(data: bytes) -> dict[str, Any] | None:
    """Return the state in `data`, or `None` when it is not exactly what we write."""
    try:
        state = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(state, dict) or state.get("version") != VERSION:
        return None
    sections = state.get("sections")
    well_formed = (
        isinstance(state.get("installation"), str)
        and isinstance(sections, dict)
        and all(
            isinstance(section, dict) and all(isinstance(value, str) for value in section.values())
            for section in sections.values()
        )
    )
    return state if well_formed else None


def _replace(folder: Path, data: bytes) -> None:
    """Replace the state file, so that a crash at any moment leaves the old one or the new one whole."""
    temporary = folder / f"{FILE}.new"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(folder / FILE)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    directory = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
