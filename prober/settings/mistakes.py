"""Collects what is wrong, each thing once and with its place, and helps with names that are almost right.

Rule of this file: a message is one line, whatever stands in the configuration.
"""

import json
import re
from collections.abc import Iterable
from difflib import get_close_matches
from itertools import islice
from pathlib import Path
from typing import Protocol

from prober.settings.settings import Problem
from prober.settings.source import Location, Position

GUESSES = 200
"""Names that get a guess: comparing all of a thousand names with all of another thousand takes minutes."""
COMPARED = 1000
LISTED = 12
LONGEST = 64
PLAIN_KEY = re.compile(r"[\w.-]{1,64}")


class Places(Protocol):
    """Where things stand: what the merged files know."""

    def position(self, path: Location) -> Position:
        """Return where `path` stands."""

    def folder(self, path: Location) -> Path:
        """Return the folder of the file in which `path` stands."""


def dotted(path: Location) -> str:
    """Return `('targets', 2, 'name')` as `targets[2].name`; unusual keys in quotes."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif PLAIN_KEY.fullmatch(part):
            text += f".{part}" if text else part
        else:
            text += f"[{json.dumps(part[:LONGEST])}]"
    return text


def shown(name: str) -> str:
    """Return `name` in quotes, on one line, and not all of it where it is long."""
    return repr(name if len(name) <= LONGEST else name[:LONGEST] + "…")


def problem(position: Position, path: Location, message: str) -> Problem:
    """Return one mistake."""
    return Problem(position.file, position.line, position.column, dotted(path), message)


class Guesses:
    """Which known name may have been meant. The number of guesses is bounded."""

    def __init__(self) -> None:
        self._left = GUESSES

    def near(self, name: str, known: Iterable[str]) -> str | None:
        """Return the known name that is most like `name`, if one is."""
        self._left -= 1
        if self._left < 0:
            return None
        return next(iter(get_close_matches(name[:LONGEST], islice(known, COMPARED), n=1)), None)


class Mistakes:
    """What is wrong with one configuration."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.guesses = Guesses()
        self._found: dict[Problem, None] = {}

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def found(self) -> tuple[Problem, ...]:
        """All of them, in the order in which they were found."""
        return tuple(self._found)

    def add(self, path: Location, message: str) -> None:
        """Take down one; what is found twice (a profile serves many targets) is kept once."""
        self._found[problem(self.places.position(path), path, message)] = None

    def unknown(self, path: Location, what: str, name: str, known: Iterable[str]) -> None:
        """Take down that `name` is none of the `known`, with the one that may have been meant."""
        names = list(known)
        near = self.guesses.near(name, names)
        if near is not None:
            hint = f"; did you mean {near!r}?"
        elif names:
            hint = f"; known: {', '.join(sorted(names)[:LISTED])}" + (", …" if len(names) > LISTED else "")
        else:
            hint = ""
        self.add(path, f"{shown(name)} is no {what}{hint}")
