"""What the arguments of faults may be: what can be acted out, so that no fault fails at the moment it strikes."""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A field name (RFC 9110 section 5.6.2)."""
PLACES = frozenset({"request", "headers", "body"})
LARGEST = 64 * 1024 * 1024
"""Octets of the largest answer that can be acted out."""
SAYS = frozenset({"no_change"})
NUMBERED = frozenset({"eas_status", "mapi_code"})
"""Kinds whose code is a number; that of the others is a name."""


def mistake(kind: str, name: str, value: Any) -> str:
    """Return what is wrong with the argument `name` of a fault of this kind, empty for nothing."""
    if name == "code":
        return _number(value) if kind in NUMBERED else _line(value)
    check = CHECKS.get(name)
    return check(value) if check else ""


def _number(value: Any) -> str:
    fits = _is_number(value) and math.isfinite(value) and value >= 0
    return "" if fits else "must be a number, 0 or more"


def _size(value: Any) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST
    return "" if fits else f"must be a number of octets, at most {LARGEST}"


def _status(value: Any) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and 200 <= value <= 599
    return "" if fits else "must be a status, 200 to 599"


def _place(value: Any) -> str:
    octets = isinstance(value, int) and not isinstance(value, bool) and value >= 0
    fits = octets or (isinstance(value, str) and value in PLACES)
    return "" if fits else "must be request, headers, body or a number of octets"


def _says(value: Any) -> str:
    return "" if isinstance(value, str) and value in SAYS else "must be no_change"


def _text(value: Any) -> str:
    return "" if isinstance(value, str) else "must be text"


def _line(value: Any) -> str:
    fits = isinstance(value, str) and value.isascii() and value.isprintable()
    return "" if fits else "must be one line of ASCII"


def _fields(value: Any) -> str:
    fits = isinstance(value, Mapping) and all(
        isinstance(name, str) and TOKEN.fullmatch(name) and (_is_number(one) or not _line(one))
        for name, one in value.items()
    )
    return "" if fits else "must map names of fields to one line of ASCII each"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


CHECKS: Mapping[str, Callable[[Any], str]] = MappingProxyType(
    {
        "seconds": _number,
        "aadsts": _number,
        "retry_after": _number,
        "age_min": _number,
        "back_off_ms": _number,
        "after": _number,
        "octets": _size,
        "status": _status,
        "at": _place,
        "says": _says,
        "text": _line,
        "diag": _line,
        "body": _text,
        "headers": _fields,
    }
)
"""By the name of the argument."""
