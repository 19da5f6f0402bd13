"""A text that cannot be printed by accident."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final


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
    """Where a secret lies: exactly one of a file and an environment variable. Read anew each time it is needed."""

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


def _read_text(file: str) -> str:
    """Return the text of `file`, each end of a line as one newline: for every request anew, so without a text stream.

    Raises `OSError`, `UnicodeDecodeError`.
    """
    with open(file, "rb", buffering=0) as opened:  # noqa: PTH123 - a path object costs more than the reading
        text = opened.read().decode("utf-8")
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text
