"""Logs: logfmt or JSON on standard error, and one line for each attempt that is news.

Rule of this file: what repeats itself is said a few times and then counted, and no line is lost at level debug.
"""

import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import structlog

from prober.model import Assignment, Outcome
from prober.observe import redact
from prober.verdict import Judgement
from prober.vocabulary import Verdict

Style = Literal["logfmt", "json"]
ATTEMPTS = logging.getLogger("prober.attempts")
REMIND_EVERY = 60
SAME_LINES, SAME_PERIOD = 5, 60.0
"""The same line is written so many times within so many seconds; what comes beyond is counted."""
LINES_KNOWN = 1024
NOISY = ("asyncio", "httpx", "uvicorn", "uvicorn.error", "uvicorn.access")


def configure(level: str, style: str) -> None:
    """Send everything that is logged to standard error, from `level` on, in `style`."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter("json" if style == "json" else "logfmt"))
    handler.addFilter(Repetition())
    logging.getLogger().handlers[:] = [handler]
    set_level(level)


def set_level(level: str) -> None:
    """Log from `level` on, from now on. Raises `ValueError` for a level that there is not."""
    root = logging.getLogger()
    root.setLevel(level.upper())
    for noisy in NOISY:
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))


class Verbosity:
    """The level of the log: as configured, or debug while somebody wants to see everything."""

    def __init__(self, level: str) -> None:
        self._usual = level

    def toggle(self) -> None:
        """Switch between the two, and say so in the log."""
        loud = logging.getLogger().level <= logging.DEBUG
        set_level("debug")
        logging.getLogger(__name__).info("logging from %s on", self._usual if loud else "debug")
        if loud:
            set_level(self._usual)


@dataclass(slots=True)
class _Line:
    """One line that was written: when its period began, how often since, and how many were kept back."""

    since: float
    written: int = 0
    kept_back: int = 0


class Repetition(logging.Filter):
    """Keeps back a line that was written often of late; the next one that is written says how many there were.

    `clock` in seconds. At level debug nothing is kept back. It remembers `LINES_KNOWN` lines.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._clock = clock
        self._lines: OrderedDict[tuple[str, int, str], _Line] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether to write `record`."""
        if record.name == ATTEMPTS.name or logging.getLogger().level <= logging.DEBUG:
            return True
        line = self._line(record)
        if line.written >= SAME_LINES:
            line.kept_back += 1
            return False
        line.written += 1
        if line.kept_back:
            record.kept_back, line.kept_back = line.kept_back, 0
        return True

    def _line(self, record: logging.LogRecord) -> _Line:
        """Return what is known of this line; its period begins anew when the last one is over."""
        now, key = self._clock(), (record.name, record.levelno, record.getMessage())
        line = self._lines.setdefault(key, _Line(now))
        self._lines.move_to_end(key)
        if now - line.since >= SAME_PERIOD:
            line.since, line.written = now, 0
        if len(self._lines) > LINES_KNOWN:
            self._lines.popitem(last=False)
        return line


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


@dataclass(slots=True)
class _Said:
    """What was last news of one assignment, and how often it was the same since."""

    news: tuple[str, ...]
    repeated: int = 0


class OutcomeLog:
    """A sink: what is news is information, what repeats itself is for debugging, with a reminder now and then."""

    def __init__(self) -> None:
        self._said: dict[str, _Said] = {}

    def __call__(self, assignment: Assignment, outcome: Outcome, judgement: Judgement) -> None:
        """Write one line."""
        key, failure = assignment.key, outcome.failure
        news = (judgement.verdict, judgement.code, failure.step if failure is not None else "")
        said = self._said.get(key)
        if said is not None and said.news == news:
            said.repeated += 1
            remind = news[0] is not Verdict.OK and said.repeated % REMIND_EVERY == 0
            level = logging.INFO if remind else logging.DEBUG
        else:
            level = logging.DEBUG if said is None and news[0] is Verdict.OK else logging.INFO
            said = self._said[key] = _Said(news)
        if ATTEMPTS.isEnabledFor(level):
            ATTEMPTS.log(level, "attempt", extra=self._fields(outcome, judgement, said.repeated))

    def _fields(self, outcome: Outcome, judgement: Judgement, repeated: int) -> dict[str, Any]:
        failure = outcome.failure
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
        if repeated:
            fields["repeated"] = repeated
        return fields
