"""The table of targets: what was measured, within which limits, what was expected, and whether the target holds."""

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

from benchmarks.detection.metrics import Estimate
from benchmarks.figures import FOLDER


@dataclass(frozen=True, slots=True)
class Row:
    """One line. `goal` is the most it should be, or the least if `least`; `None`: reported only.

    `reference` is what another program found for the same, in words.
    """

    target: str
    name: str
    measured: Estimate
    unit: str
    goal: float | None = None
    least: bool = False
    reference: str = ""

    @property
    def holds(self) -> bool | None:
        """Whether the goal is met."""
        if self.goal is None:
            return None
        value = self.measured.value
        return value >= self.goal if self.least else value <= self.goal


def show(rows: Sequence[Row], conditions: str) -> bool:
    """Print the table, keep it as JSON; return whether every target holds."""
    print(f"\ndetection: {conditions}")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    width = max(len(row.name) for row in rows)
    print(f"  {'':<4}{'':<{width}}  {'measured':>10}  {'95 % limits':<21}{'':<9}{'target':<11}{'expected':<12}")
    for row in rows:
        print(_line(row, width))
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "detection.json").write_text(json.dumps([_figure(row) for row in rows], indent=2) + "\n")
    missed = [row.name for row in rows if row.holds is False]
    print(f"\n  {sum(row.holds is True for row in rows)} targets hold, {len(missed)} missed{':' if missed else ''}")
    print("".join(f"    {name}\n" for name in missed), end="")
    return not missed


def _line(row: Row, width: int) -> str:
    goal = "" if row.goal is None else f"{'>=' if row.least else '<='} {row.goal:g}"
    limits = f"{_short(row.measured.low)} - {_short(row.measured.high)}"
    said = "" if row.holds is None else "holds" if row.holds else "MISSED"
    known = f"{row.target:<4}{row.name:<{width}}  {_short(row.measured.value):>10}  {limits:<21}{row.unit:<9}"
    return f"  {known}{goal:<11}{row.reference:<12}{said}".rstrip()


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000.0 else f"{value:.0f}"


def _figure(row: Row) -> dict[str, object]:
    low, high = (one if isfinite(one) else None for one in (row.measured.low, row.measured.high))
    return {
        "name": f"{row.target} {row.name}".strip(),
        "value": row.measured.value,
        "unit": row.unit,
        "goal": row.goal,
        "holds": row.holds,
        "low": low,
        "high": high,
        "reference": row.reference,
    }
