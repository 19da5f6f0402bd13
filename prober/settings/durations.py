"""Durations as people write them: `30s`, `2m`, `1h30m`, `500ms`."""

import re
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
PATTERN = r"^([0-9]+(\.[0-9]+)?(ms|s|m|h|d))+$"
LONGEST = 3660 * 86_400.0
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")


def parse(text: object) -> float:
    """Return seconds. Raises `ValueError` for anything but a positive duration with its unit."""
    if not isinstance(text, str):
        raise ValueError("must be a duration with its unit, such as 30s, 2m or 1h30m")  # noqa: TRY004 - pydantic wants it
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise ValueError("must be a duration with its unit, such as 30s, 2m or 1h30m")
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if not 0 < seconds <= LONGEST:
        raise ValueError("must be a positive duration of at most ten years")
    return seconds


Duration = Annotated[float, BeforeValidator(parse), WithJsonSchema({"type": "string", "pattern": PATTERN})]


def _interval(seconds: float) -> float:
    if not 0.1 <= seconds <= 86_400.0:
        raise ValueError("must be between 100ms and 1d")
    return seconds


def _timeout(seconds: float) -> float:
    if not 0.1 <= seconds <= 3600.0:
        raise ValueError("must be between 100ms and 1h")
    return seconds


Interval = Annotated[Duration, AfterValidator(_interval)]
"""A typing error must neither hammer a server nor leave a target unwatched for days."""
Timeout = Annotated[Duration, AfterValidator(_timeout)]
