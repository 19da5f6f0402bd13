"""Durations have units, and those that drive the schedule have bounds."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from prober.settings.durations import Interval, Timeout, parse


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30.0),
        ("2m", 120.0),
        ("1h30m", 5400.0),
        ("500ms", 0.5),
        ("1d", 86_400.0),
        ("1.5s", 1.5),
        ("1m500ms", 60.5),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert parse(text) == seconds


@pytest.mark.parametrize(
    "given", ["", "30", "s", "-1s", "0s", "0ms", "1 s", "1s ", "1x", "1e3s", "٣s", 30, 1.5, None, "9" * 30 + "s"]
)
def test_anything_else_is_refused(given: object) -> None:
    with pytest.raises(ValueError, match="must be a"):
        parse(given)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Interval, ("100ms", "60s", "1d"), ("99ms", "24h1s")),
        (Timeout, ("100ms", "60s", "1h"), ("99ms", "61m")),
    ],
)
def test_neither_haste_nor_sleep_is_scheduled(kind: Any, good: tuple[str, ...], bad: tuple[str, ...]) -> None:
    adapter: TypeAdapter[float] = TypeAdapter(kind)
    for text in good:
        assert adapter.validate_python(text) > 0
    for text in bad:
        with pytest.raises(ValidationError, match="must be between 100ms and"):
            adapter.validate_python(text)
