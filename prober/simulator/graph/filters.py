"""`$filter`: OData's filter language as far as Outlook and service health understand it (OData 4.01 URL, 5.1.1).

Rule of this file: text becomes a function from an entity to true or false, or a `BadRequest` that quotes it.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

from prober.simulator.graph.errors import GraphError, bad_request

Entity = Mapping[str, Any]
Test = Callable[[Entity], bool]
TOKEN = re.compile(r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<mark>[(),])|(?P<word>[^\s(),']+))")
DEPTH = 20
FUNCTIONS: Mapping[str, Callable[[str, str], bool]] = MappingProxyType(
    {"contains": lambda a, b: b in a, "startswith": str.startswith, "endswith": str.endswith}
)
COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = MappingProxyType(
    {"eq": operator.eq, "ne": operator.ne, "gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}
)
EQUALITY = frozenset({operator.eq, operator.ne})


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter that was understood: whether an entity passes, and which properties and operators it names, in order."""

    passes: Test
    fields: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()


def read_filter(text: str, known: frozenset[str]) -> Filter:
    """Return the filter that `text` describes over the properties `known`. Raises `GraphError`."""
    if not text:
        return Filter(lambda entity: True)
    return _Reader(text, known).read()


def read_moment(text: str) -> datetime:
    """Return a point in time as OData writes it, in UTC where it names no offset. Raises `GraphError`."""
    try:
        moment = datetime.fromisoformat(text.strip())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise bad_request(f"The DateTimeOffset text '{text}' should be in format 'yyyy-mm-ddThh:mm:ss'.") from None


class _Reader:
    """Reads by recursive descent: `or` binds loosest, then `and`, then `not`."""

    def __init__(self, text: str, known: frozenset[str]) -> None:
        self._text = text
        self._known = {name.lower(): name for name in known}
        self._tokens = _tokens(text)
        self._at = 0
        self._fields: list[str] = []
        self._operators: list[str] = []

    def read(self) -> Filter:
        test = self._either(0)
        if self._at < len(self._tokens):
            raise self._wrong()
        return Filter(test, tuple(self._fields), tuple(self._operators))

    def _either(self, depth: int) -> Test:
        tests = [self._both(depth)]
        while self._takes("or"):
            tests.append(self._both(depth))
        return tests[0] if len(tests) == 1 else lambda entity: any(test(entity) for test in tests)

    def _both(self, depth: int) -> Test:
        tests = [self._single(depth)]
        while self._takes("and"):
            tests.append(self._single(depth))
        return tests[0] if len(tests) == 1 else lambda entity: all(test(entity) for test in tests)

    def _single(self, depth: int) -> Test:
        if depth > DEPTH:
            raise bad_request("The query specified in the URI is not valid. The node count limit has been exceeded.")
        if self._takes("not"):
            inner = self._single(depth + 1)
            return lambda entity: not inner(entity)
        if self._takes("("):
            inner = self._either(depth + 1)
            self._needs(")")
            return inner
        word = self._next()
        return self._call(word.lower()) if word.lower() in FUNCTIONS else self._comparison(word)

    def _call(self, name: str) -> Test:
        self._needs("(")
        field = self._field(self._next())
        self._needs(",")
        wanted = self._literal(self._next())
        self._needs(")")
        if not isinstance(wanted, str):
            raise self._wrong()
        function = FUNCTIONS[name]
        return lambda entity: function(str(entity_value(entity, field) or "").lower(), wanted.lower())

    def _comparison(self, word: str) -> Test:
        field = self._field(word)
        sign = self._next().lower()
        if sign not in COMPARISONS:
            raise self._wrong()
        self._operators.append(sign)
        wanted = self._literal(self._next())
        compare = COMPARISONS[sign]
        return lambda entity: _compared(compare, entity_value(entity, field), wanted)

    def _field(self, word: str) -> str:
        head, _, rest = word.partition("/")
        name = self._known.get(head.lower())
        if name is None:
            raise no_property(head)
        self._fields.append(name)
        return f"{name}/{rest}" if rest else name

    def _literal(self, word: str) -> Any:
        if word.startswith("'"):
            return word[1:-1].replace("''", "'")
        if word.lower() in ("true", "false", "null"):
            return {"true": True, "false": False, "null": None}[word.lower()]
        if re.fullmatch(r"-?[0-9]{1,18}", word):
            return int(word)
        return read_moment(word)

    def _takes(self, word: str) -> bool:
        found = self._at < len(self._tokens) and self._tokens[self._at].lower() == word
        self._at += found
        return found

    def _needs(self, word: str) -> None:
        if not self._takes(word):
            raise self._wrong()

    def _next(self) -> str:
        if self._at == len(self._tokens):
            raise self._wrong()
        self._at += 1
        return self._tokens[self._at - 1]

    def _wrong(self) -> GraphError:
        return bad_request(f"Invalid filter clause: A syntax error was found in '{self._text}'.")


def entity_value(entity: Entity, path: str) -> Any:
    """Return the value at `path`, whose parts are divided by slashes; `None` where there is none."""
    value: Any = entity
    for part in path.split("/"):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def no_property(name: str) -> GraphError:
    """Return the refusal of a property that the entity does not have."""
    return bad_request(f"Could not find a property named '{name}' on the type that was asked for.")


def _tokens(text: str) -> list[str]:
    found, at, end = [], 0, len(text.rstrip())
    while at < end:
        match = TOKEN.match(text, at)
        if match is None:
            raise bad_request(f"Invalid filter clause: There is an unterminated literal at position {at} in '{text}'.")
        found.append(match.group().strip())
        at = match.end()
    return found


def _compared(compare: Callable[[Any, Any], bool], value: Any, wanted: Any) -> bool:
    """Compare as the literal's kind says: points in time as such, text without case, and unlike kinds never."""
    if isinstance(wanted, datetime):
        return isinstance(value, str) and bool(value) and compare(read_moment(value), wanted)
    if isinstance(wanted, str) and isinstance(value, str):
        return compare(value.lower(), wanted.lower())
    if compare in EQUALITY:
        return compare(value, wanted)
    return type(value) is type(wanted) and value is not None and compare(value, wanted)
