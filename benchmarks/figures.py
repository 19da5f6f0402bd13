"""A figure, its goal, and how a bench shows and keeps them."""

import json
import os
import platform
import ssl
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "build" / "bench"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `goal` is the most it should be; `None`: reported only."""

    name: str
    value: float
    unit: str
    goal: float | None = None

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met."""
        return None if self.goal is None else self.value <= self.goal


def show(bench: str, figures: Sequence[Figure]) -> bool:
    """Print the table, keep it as JSON; return whether every goal is met."""
    print(f"\n{bench}: {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(f"{ssl.OPENSSL_VERSION}\n")
    width = max(len(figure.name) for figure in figures)
    for figure in figures:
        goal = "" if figure.goal is None else f"  goal <= {figure.goal:g}: {'holds' if figure.holds else 'MISSED'}"
        print(f"  {figure.name:<{width}}  {figure.value:10.3f} {figure.unit:<10}{goal}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    rows = [{**asdict(figure), "holds": figure.holds} for figure in figures]
    (FOLDER / f"{bench}.json").write_text(json.dumps(rows, indent=2) + "\n")
    return all(figure.holds is not False for figure in figures)
