"""The keys of SEARCH (RFC 3501 section 6.4.4), each read into a test of one message."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from prober.simulator.imap.dates import read_date
from prober.simulator.imap.message import Letter
from prober.simulator.imap.scanner import BadSyntax, Scanner
from prober.simulator.imap.sequence import Resolved, SequenceSet, read_set

DEPTH = 50
"""How deep keys may be nested."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One message under test, with its number and flags."""

    number: int
    letter: Letter
    flags: frozenset[str]

    @property
    def day(self) -> date:
        """The day it was received."""
        return self.letter.item.received.date()


@dataclass(frozen=True, slots=True)
class Extent:
    """What `*` stands for: how many messages there are, and the largest UID."""

    count: int
    last_uid: int


Test = Callable[[Candidate], bool]


def _flag(name: str, *, there: bool = True) -> Test:
    return lambda one: (name in one.flags) is there


PLAIN: Mapping[str, Test] = MappingProxyType(
    {
        "ALL": lambda one: True,
        "NEW": lambda one: False,
        "RECENT": lambda one: False,
        "OLD": lambda one: True,
        **{
            prefix + name.upper(): _flag(f"\\{name}", there=not prefix)
            for name in ("Answered", "Deleted", "Draft", "Flagged", "Seen")
            for prefix in ("", "UN")
        },
    }
)
FIELDS = frozenset({"BCC", "CC", "FROM", "SUBJECT", "TO"})
DAYS: Mapping[str, Callable[[date, date], bool]] = MappingProxyType(
    {
        "BEFORE": lambda there, asked: there < asked,
        "ON": lambda there, asked: there == asked,
        "SINCE": lambda there, asked: there >= asked,
    }
)


def read_keys(scanner: Scanner, extent: Extent, depth: int = 0) -> Test:
    """Take keys up to the end or a closing parenthesis; a message has to pass every one. Raises `BadSyntax`."""
    tests = [_key(scanner, extent, depth)]
    while scanner.takes(b" "):
        tests.append(_key(scanner, extent, depth))
    return lambda one: all(test(one) for test in tests)


def _key(scanner: Scanner, extent: Extent, depth: int) -> Test:
    if depth > DEPTH:
        raise BadSyntax
    if scanner.takes(b"("):
        inner = read_keys(scanner, extent, depth + 1)
        scanner.expect(b")")
        return inner
    if any(scanner.sees(mark) for mark in (b"*", *(b"%d" % digit for digit in range(10)))):
        return _numbered(read_set(scanner), extent)
    return _named(scanner, scanner.atom(), extent, depth)


def _named(scanner: Scanner, name: str, extent: Extent, depth: int) -> Test:
    if name in PLAIN:
        return PLAIN[name]
    scanner.space()
    if name == "NOT":
        inner = _key(scanner, extent, depth + 1)
        return lambda one: not inner(one)
    if name == "OR":
        return _either(scanner, extent, depth)
    if name == "UID":
        wanted = read_set(scanner).within(extent.last_uid)
        return lambda one: one.letter.item.uid in wanted
    return _about(scanner, name)


def _about(scanner: Scanner, name: str) -> Test:
    if name in FIELDS:
        return _field(name, scanner.astring())
    if name == "HEADER":
        field = scanner.astring()
        scanner.space()
        return _field(field, scanner.astring())
    if name in ("BODY", "TEXT"):
        return _text(scanner.astring().lower().encode(), whole=name == "TEXT")
    if name in ("LARGER", "SMALLER"):
        return _size(_number(scanner), larger=name == "LARGER")
    if name in ("KEYWORD", "UNKEYWORD"):
        return _flag(scanner.astring(), there=name == "KEYWORD")
    return _day(name.removeprefix("SENT"), read_date(scanner)) if name.removeprefix("SENT") in DAYS else _unknown()


def _either(scanner: Scanner, extent: Extent, depth: int) -> Test:
    first = _key(scanner, extent, depth + 1)
    scanner.space()
    second = _key(scanner, extent, depth + 1)
    return lambda one: first(one) or second(one)


def _numbered(wanted: SequenceSet, extent: Extent) -> Test:
    resolved: Resolved = wanted.within(extent.count)
    if resolved.bounds[1] > extent.count or resolved.bounds[0] < 1:
        raise BadSyntax
    return lambda one: one.number in resolved


def _field(name: str, text: str) -> Test:
    """Whether a field has `text` in it; an empty one asks whether the field is there (RFC 3501 `HEADER`)."""
    wanted = text.lower()

    def test(one: Candidate) -> bool:
        values = one.letter.header.get_all(name, [])
        shown = one.letter.item.subject if name.upper() == "SUBJECT" else ""
        return any(wanted in str(value).lower() for value in (*values, *([shown] if shown else ())))

    return test


def _text(wanted: bytes, *, whole: bool) -> Test:
    return lambda one: wanted in (one.letter.raw if whole else one.letter.text).lower()


def _size(limit: int, *, larger: bool) -> Test:
    return lambda one: len(one.letter.raw) > limit if larger else len(one.letter.raw) < limit


def _day(name: str, asked: date) -> Test:
    return lambda one: DAYS[name](one.day, asked)


def _number(scanner: Scanner) -> int:
    written = scanner.atom()
    if not (written.isascii() and written.isdigit() and len(written) <= 10):
        raise BadSyntax
    return int(written)


def _unknown() -> Test:
    raise BadSyntax
