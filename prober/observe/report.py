"""What `once` prints: a waterfall for people, one JSON object per line for scripts, a plug-in line for Nagios."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC
from types import MappingProxyType
from typing import Any

from prober.model import Assignment, Outcome, StepResult
from prober.observe import redact
from prober.verdict import Judgement
from prober.vocabulary import Verdict

WIDTH = 40
BLOCKS = MappingProxyType({"dns": "d", "connect": "c", "tls": "t", "send": "s", "wait": "w", "receive": "r"})
NAGIOS_CODES = MappingProxyType({Verdict.OK: 0, Verdict.SLOW: 1, Verdict.FAILED: 2})
NAGIOS_WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
NAGIOS_WORST_FIRST = (2, 3, 1, 0)

Finished = tuple[Assignment, Outcome, Judgement]


def as_json(outcome: Outcome, judgement: Judgement) -> dict[str, Any]:
    """Return the JSON object of one attempt. A phase that did not happen is absent."""
    return {
        "client": outcome.client,
        "target": outcome.target,
        "verdict": judgement.verdict.value,
        "reason": judgement.reason.value if judgement.reason else None,
        "code": judgement.code or None,
        "blame": judgement.domain.value if judgement.domain else None,
        "because": judgement.because,
        "started_at": outcome.started_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "duration_seconds": outcome.duration,
        "steps": [_step(result, judgement) for result in outcome.results],
        "skipped": list(outcome.skipped),
    }


def _step(result: StepResult, judgement: Judgement) -> dict[str, Any]:
    fault = result.fault
    shown = redact.evidence({**result.facts, **(fault.evidence if fault else {})})
    return {
        "step": result.step,
        "verdict": judgement.verdict.value if fault else Verdict.OK.value,
        "reason": fault.reason.value if fault else None,
        "code": fault.kind.code if fault else None,
        "phase": fault.phase.value if fault and fault.phase else None,
        "duration_seconds": result.elapsed,
        "phases": {phase.value: seconds for phase, seconds in result.phases.items()},
        "evidence": shown,
    }


def json_line(assignment: Assignment, outcome: Outcome, judgement: Judgement) -> str:
    """Return one attempt as one line of JSON."""
    return json.dumps(as_json(outcome, judgement), ensure_ascii=False)


def text(assignment: Assignment, outcome: Outcome, judgement: Judgement) -> str:
    """Return one attempt as a waterfall: a line per step, drawn over the whole attempt's time."""
    head = f"{outcome.client} on {outcome.target} ({assignment.depth}): {judgement.verdict.upper()}"
    if judgement.reason is not None:
        head += f" {judgement.reason} ({judgement.code}), blame {judgement.domain}"
    lines = [f"{head} in {_seconds(outcome.duration)}"]
    started = 0.0
    for result in outcome.results:
        lines.append(_line(result, started, outcome.duration))
        started += result.elapsed or 0.0
    if judgement.because and judgement.verdict is not Verdict.OK:
        lines.append(f"  because {judgement.because}")
    if outcome.skipped:
        lines.append(f"  not reached or not needed: {', '.join(outcome.skipped)}")
    return "\n".join(lines)


def _line(result: StepResult, started: float, whole: float) -> str:
    mark = "x" if result.fault else "+"
    took = "cached" if result.elapsed is None else _seconds(result.elapsed)
    line = f"  {mark} {result.step:<20} {took:>9} |{_bar(result, started, whole):<{WIDTH}}|"
    phases = " ".join(f"{phase}={_seconds(spent)}" for phase, spent in result.phases.items())
    if result.fault:
        shown = redact.evidence(result.fault.evidence)
        phase = f" during {result.fault.phase}" if result.fault.phase else ""
        phases += f" {result.fault.kind.code}{phase}" + "".join(f" {name}={value}" for name, value in shown.items())
    if "timestamps" in result.facts:  # it was asked for, so say whether it was to be had
        phases += f" timestamps={result.facts['timestamps']}"
    return f"{line} {phases}".rstrip()


def _bar(result: StepResult, started: float, whole: float) -> str:
    """Draw the step where it lies in the attempt, a letter per phase and dots for what is no phase."""
    scale = WIDTH / whole if whole > 0 else 0.0
    offset = min(int(started * scale), WIDTH - 1)
    length = max(1, round((result.elapsed or 0.0) * scale))
    drawn = "".join(BLOCKS[phase] * round(spent * scale) for phase, spent in result.phases.items())
    return (" " * offset + drawn[:length].ljust(length, "."))[:WIDTH]


def _seconds(value: float) -> str:
    return f"{value * 1000:.1f}ms" if value < 1 else f"{value:.2f}s"


STYLES: Mapping[str, Callable[[Assignment, Outcome, Judgement], str]] = MappingProxyType(
    {"text": text, "json": json_line}
)


def nagios(finished: Iterable[Finished]) -> tuple[str, int]:
    """Return the plug-in line with performance data, and the plug-in code: 0 ok, 1 warning, 2 critical, 3 unknown."""
    done = list(finished)
    codes = [NAGIOS_CODES.get(judgement.verdict, 3) for _, _, judgement in done] or [3]
    worst = next(code for code in NAGIOS_WORST_FIRST if code in codes)
    bad = [_short(*one) for one in done if NAGIOS_CODES.get(one[2].verdict, 3) != 0]
    said = "; ".join(bad) if bad else f"{len(done)} of {len(done)} succeeded"
    data = " ".join(f"'{one.key}'={outcome.duration:.6f}s" for one, outcome, _ in done)
    return f"CLIENTACCESS {NAGIOS_WORDS[worst]} - {said} | {data}", worst


def _short(assignment: Assignment, outcome: Outcome, judgement: Judgement) -> str:
    step = f" at {outcome.failure.step}" if outcome.failure else ""
    return f"{assignment.client} on {assignment.target.name} {judgement.verdict} {judgement.reason or ''}{step}".strip()
