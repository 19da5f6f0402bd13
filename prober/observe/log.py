"""Logs: logfmt or JSON on standard error, and one line for each attempt that is news."""

import logging
import sys
from typing import Any, Literal

import structlog

from prober.model import Assignment, Outcome
from prober.observe import redact
from prober.verdict import Judgement
from prober.vocabulary import Verdict

Style = Literal["logfmt", "json"]
ATTEMPTS = logging.getLogger("prober.attempts")
REMIND_EVERY = 60


def configure(level: str, style: str) -> None:
    """Send everything that is logged to standard error, from `level` on, in `style`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter("json" if style == "json" else "logfmt"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for noisy in ("asyncio", "httpx", "uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


def formatter(style: Style) -> logging.Formatter:
    """Return what turns a record into one line."""
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
    ]
    renderer = (
        structlog.processors.JSONRenderer(default=str)
        if style == "json"
        else structlog.processors.LogfmtRenderer(key_order=["ts", "level", "logger", "event"], drop_missing=True)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _flat, renderer],
    )


def _flat(logger: object, method: str, event: Any) -> Any:
    """Make every value plain, so that logfmt stays one line of words."""
    return {key: value if isinstance(value, int | float | bool) else str(value) for key, value in event.items()}


class OutcomeLog:
    """A sink: what is news is information, what repeats itself is for debugging, with a reminder now and then."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[str, ...]] = {}
        self._repeated: dict[str, int] = {}

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Write one line."""
        failure = outcome.failure
        news = (judgement.verdict, judgement.code, failure.step if failure else "")
        level = self._level(assignment.key, news)
        if not ATTEMPTS.isEnabledFor(level):
            return
        fields: dict[str, Any] = {
            "client": outcome.client,
            "target": outcome.target,
            "verdict": judgement.verdict.value,
            "duration": round(outcome.duration, 6),
        }
        if judgement.reason is not None:
            fields |= {"reason": judgement.reason.value, "code": judgement.code, "blame": str(judgement.domain)}
        if failure is not None and failure.fault is not None:
            phase = failure.fault.phase
            fields |= {"step": failure.step, **({"phase": phase.value} if phase else {})}
            fields |= {f"evidence_{name}": value for name, value in redact.evidence(failure.fault.evidence).items()}
        repeated = self._repeated.get(assignment.key, 0)
        if repeated:
            fields["repeated"] = repeated
        ATTEMPTS.log(level, "attempt", extra=fields)

    def _level(self, key: str, news: tuple[str, ...]) -> int:
        if self._last.get(key) != news:
            first_and_fine = key not in self._last and news[0] == Verdict.OK
            self._last[key], self._repeated[key] = news, 0
            return logging.DEBUG if first_and_fine else logging.INFO
        self._repeated[key] += 1
        remind = news[0] != Verdict.OK and self._repeated[key] % REMIND_EVERY == 0
        return logging.INFO if remind else logging.DEBUG
