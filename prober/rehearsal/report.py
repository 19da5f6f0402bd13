"""What a drill prints: expected and observed side by side for people, one JSON object per scenario for scripts."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from prober.rehearsal.expectation import Finding


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one scenario. `missing`: clients it needs that there are not; then it was not played.

    `minutes` are those of the scenario that were played, `seconds` what that took, `attempts` how many were made.
    `trouble`: what went wrong with the drill itself, which holds nothing.
    """

    name: str
    title: str = ""
    findings: tuple[Finding, ...] = ()
    missing: tuple[str, ...] = ()
    minutes: float = 0.0
    seconds: float = 0.0
    attempts: int = 0
    trouble: str = ""

    @property
    def played(self) -> bool:
        """Whether it was played at all."""
        return not self.missing

    @property
    def holds(self) -> bool:
        """Whether everything was as expected."""
        return self.played and not self.trouble and all(finding.holds for finding in self.findings)

    @property
    def detected(self) -> float | None:
        """Minutes from the onset until everything that was to turn red had; `None` where nothing was, or did not."""
        red = [finding for finding in self.findings if finding.expected.startswith("red ")]
        times = [finding.detected for finding in red if finding.detected is not None]
        return max(times) if red and len(times) == len(red) else None


def text(result: Result) -> str:
    """Return one scenario for people."""
    head = f"{result.name}  {result.title}".rstrip()
    if not result.played:
        return f"{head}\n  not yet drillable: no client {', '.join(result.missing)}\n"
    width = max((len(finding.expected) for finding in result.findings), default=8)
    lines = [f"  {'':4} {'expected':{width}}  observed"]
    lines += [f"  {_mark(one.holds):4} {one.expected:{width}}  {one.observed}" for one in result.findings]
    detected = "" if result.detected is None else f"detected after {result.detected:.1f} min; "
    lines.append(
        f"  {'held' if result.holds else 'did not hold'}: {detected}"
        f"{result.minutes:.0f} min played in {result.seconds:.0f} s, {result.attempts} attempts"
    )
    if result.trouble:
        lines.append(f"  trouble: {result.trouble}")
    return "\n".join([head, *lines, ""])


def as_json(result: Result) -> str:
    """Return one scenario as one line of JSON."""
    return json.dumps(
        {
            "id": result.name,
            "title": result.title,
            "played": result.played,
            "missing_clients": list(result.missing),
            "holds": result.holds,
            "detected_minutes": _rounded(result.detected),
            "expectations": [_as_dict(finding) for finding in result.findings],
            "played_minutes": _rounded(result.minutes),
            "duration_seconds": _rounded(result.seconds),
            "attempts": result.attempts,
            "trouble": result.trouble or None,
        },
        ensure_ascii=False,
    )


STYLES: Mapping[str, Callable[[Result], str]] = MappingProxyType({"text": text, "json": as_json})


def exit_code(results: Iterable[Result], asked_for: Iterable[str] = ()) -> int:
    """Return 0 if every expectation held, else 1. What cannot be played counts only where it was asked for by name."""
    named = frozenset(asked_for)
    good = (result.holds or (not result.played and result.name not in named) for result in results)
    return 0 if all(good) else 1


def _mark(holds: bool) -> str:  # noqa: FBT001 - the value shown
    return "ok" if holds else "NOT"


def _as_dict(finding: Finding) -> dict[str, Any]:
    return {
        "expected": finding.expected,
        "observed": finding.observed,
        "holds": finding.holds,
        "detected_minutes": _rounded(finding.detected),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
