"""A text that cannot be printed by accident."""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

FileState: TypeAlias = tuple[int, ...]
"""What changes when a file is written or replaced by another; the time of its last change comes first."""
SETTLED = 1_000_000_000
"""Nanoseconds after a file's change from which another one surely has another time: file systems count in ticks."""


class Secret:
    """Holds a password, token or key. Only `reveal` gives it out; every way of printing gives stars."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text: Final = text

    def reveal(self) -> str:
        """Return the text itself. Call it where the bytes are put on the wire, nowhere else."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return "***"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a secret is not to be stored")


class SecretUnreadableError(Exception):
    """A secret's file or variable cannot be read now. The text names the place, never the secret."""


@dataclass(frozen=True, slots=True)
class SecretSource:
    """Where a secret lies: exactly one of a file and an environment variable."""

    file: str | None = None
    environment: str | None = None

    def read(self) -> Secret:
        """Return the secret as it is now, one trailing newline removed. Raises `SecretUnreadableError`."""
        if self.environment is not None:
            text = os.environ.get(self.environment)
            if text is None:
                raise SecretUnreadableError(f"environment variable {self.environment} is not set")
            return Secret(text)
        try:
            return Secret(_read_text(self.file or ".").removesuffix("\n"))
        except (OSError, UnicodeDecodeError) as exc:
            name = Path(self.file or "").name
            raise SecretUnreadableError(f"cannot read {name} ({type(exc).__name__})") from None

    def state(self) -> FileState | None:
        """Return what changes with the file, `None` where there is none to ask."""
        if self.environment is not None:
            return None
        try:
            found = os.stat(self.file or ".")  # noqa: PTH116 - a path object costs more than the asking
        except OSError:
            return None
        return found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_ino, found.st_dev


class CurrentSecret:
    """A secret as it is now, for one transaction: its file is read again only when that has changed.

    `wall` tells nanoseconds since the epoch.
    """

    __slots__ = ("_secret", "_source", "_state", "_wall")

    def __init__(self, source: SecretSource, wall: Callable[[], int] = time.time_ns) -> None:
        self._source = source
        self._wall = wall
        self._state: FileState | None = None
        self._secret = Secret("")

    def read(self) -> Secret:
        """Return the secret as it is now. Raises `SecretUnreadableError`."""
        state = self._source.state()
        if state is None or state != self._state:
            self._state = None
            self._secret = self._source.read()
            self._state = state if state is not None and self._wall() - state[0] > SETTLED else None
        return self._secret


def _read_text(file: str) -> str:
    """Return the text of `file`, each end of a line as one newline. Done often, so without a text stream.

    Raises `OSError`, `UnicodeDecodeError`.
    """
    with open(file, "rb", buffering=0) as opened:  # noqa: PTH123 - a path object costs more than the reading
        text = opened.read().decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
