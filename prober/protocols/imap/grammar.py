"""The words of RFC 3501 section 9 and RFC 9051 section 9, read one after another from a whole response.

Rule: every method consumes what it returns or raises `FaultError` (`bad_reply`) naming the rule that was not met, never
the bytes that were there: they may hold names and addresses.
"""

import re
from collections.abc import Callable
from typing import NoReturn, TypeAlias, TypeVar

from prober.faults.taxonomy import BAD_REPLY, FaultError

T = TypeVar("T")

Value: TypeAlias = "int | str | bytes | tuple[Value, ...] | None"
"""A number, an atom, a string, a parenthesised list, NIL."""

ATOM = re.compile(rb"[^\x00-\x20\x7f-\xff(){\"]+")
"""Wider than `atom`: flags begin with a backslash, PERMANENTFLAGS holds `\\*`, and servers put `]` into keywords."""
NUMBER = re.compile(rb"\d{1,20}")
QUOTED = re.compile(rb"\"((?:[^\"\\\r\n\x00]|\\[\"\\])*)\"")
ESCAPE = re.compile(rb"\\(.)")
LITERAL = re.compile(rb"~?\{(\d{1,20})\+?\}\r\n")
SPACES = re.compile(rb" +")
BETWEEN = re.compile(rb" *(?=(\)|\Z)?)")
"""What stands between the items of a list, and whether that was the last of them."""
ITEM_NAME = re.compile(rb"[A-Za-z0-9.\-/]+")
PARTIAL = re.compile(rb"<\d{1,20}>")
PLAIN_ITEM = re.compile(rb"([A-Za-z0-9.\-/]+) (?:(\d{1,20})|\"([^\"\\\r\n\x00]*)\")(?=[ )])")
"""A FETCH item as most are: no section, and a number or a string without escapes. One look instead of a dozen."""
DEPTH = 32
"""Parentheses deeper than this are nobody's mail."""


class Cursor:
    """A place in one whole response, moving forward."""

    __slots__ = ("_at", "_data", "_rule")

    def __init__(self, data: bytes, rule: str) -> None:
        self._data = data
        self._rule = rule
        self._at = 0

    def fail(self, wanted: str) -> NoReturn:
        """Raise: at this place there is not what the rule wants."""
        raise FaultError(BAD_REPLY, {"grammar": f"{wanted} in {self._rule}"})

    def peek(self, byte: bytes) -> bool:
        """Whether `byte` comes next."""
        return self._data.startswith(byte, self._at)

    def take(self, byte: bytes) -> bool:
        """Consume `byte` if it comes next."""
        here = self.peek(byte)
        self._at += len(byte) if here else 0
        return here

    def expect(self, byte: bytes) -> None:
        """Consume `byte`."""
        if not self.take(byte):
            self.fail(byte.decode("ascii"))

    def space(self) -> None:
        """Consume one or more spaces; the grammar knows one, some servers send two."""
        if self._match(SPACES) is None:
            self.fail("space")

    def more(self) -> bool:
        """Consume spaces; return whether anything follows them."""
        self._match(SPACES)
        return self._at < len(self._data)

    def end(self) -> None:
        """Insist that only spaces are left."""
        if self.more():
            self.fail("end")

    def rest(self) -> bytes:
        """Consume everything."""
        at, self._at = self._at, len(self._data)
        return self._data[at:]

    def whole(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        """Consume everything, where `pattern` is all of it."""
        found = pattern.fullmatch(self._data, self._at)
        if found:
            self._at = found.end()
        return found

    def atom(self) -> str:
        """Consume an atom or flag; ASCII."""
        found = self._match(ATOM)
        return found[0].decode("ascii") if found else self.fail("atom")

    def number(self) -> int:
        """Consume a number of at most 20 digits."""
        found = self._match(NUMBER)
        return int(found[0]) if found else self.fail("number")

    def string(self) -> bytes:
        """Consume a quoted string or a literal."""
        if self.peek(b'"'):
            found = self._match(QUOTED)
            if found is None:
                self.fail("quoted string")
            return ESCAPE.sub(rb"\1", found[1]) if b"\\" in found[1] else found[1]
        found = self._match(LITERAL)
        if found is None:
            self.fail("string")
        start, size = self._at, int(found[1])
        if start + size > len(self._data):
            self.fail("literal")
        self._at += size
        return self._data[start : self._at]

    def string_next(self) -> bool:
        """Whether a quoted string or a literal comes next."""
        return self.peek(b'"') or self.peek(b"{") or self.peek(b"~{")

    def astring(self) -> bytes:
        """Consume an atom or a string: a mailbox name may be the atom NIL."""
        return self.string() if self.string_next() else self.atom().encode("ascii")

    def nstring(self) -> bytes | None:
        """Consume a string or NIL."""
        if self.string_next():
            return self.string()
        self.nil()
        return None

    def nil(self) -> None:
        """Consume NIL."""
        if self.atom().upper() != "NIL":
            self.fail("NIL")

    def listed(self, item: Callable[[], T]) -> tuple[T, ...]:
        """Consume a parenthesised list of what `item` consumes, spaces between."""
        self.expect(b"(")
        items: list[T] = []
        while not self._last():
            items.append(item())
        self.expect(b")")
        return tuple(items)

    def _last(self) -> bool:
        """Consume spaces; return whether a list ends here, or the response does."""
        found = self._match(BETWEEN)
        return found is not None and found[1] is not None

    def value(self, depth: int = 0) -> Value:
        """Consume anything: what extensions may send."""
        if self.peek(b"("):
            if depth >= DEPTH:
                self.fail("shallower list")
            return self.listed(lambda: self.value(depth + 1))
        if self.string_next():
            return self.string()
        word = self.atom()
        if word.isdigit() and len(word) <= 20:
            return int(word)
        return None if word.upper() == "NIL" else word

    def item(self) -> tuple[str, Value]:
        """Consume a FETCH item: its name, in capitals, and its value."""
        plain = self._match(PLAIN_ITEM)
        if plain is not None:
            return plain[1].decode("ascii").upper(), plain[3] if plain[2] is None else int(plain[2])
        name = self.item_name()
        self.space()
        return name, self.value()

    def item_name(self) -> str:
        """Consume the name of a FETCH item, in capitals: `UID`, `BODY[HEADER.FIELDS (DATE)]`."""
        found = self._match(ITEM_NAME)
        if found is None:
            self.fail("item name")
        name = found[0].decode("ascii").upper()
        if self.take(b"["):
            name += f"[{self._section()}]"
        self._match(PARTIAL)
        return name

    def _section(self) -> str:
        """Consume a section specification and its closing bracket (RFC 9051 section 9 `section`)."""
        found = self._match(ITEM_NAME)
        section = found[0].decode("ascii").upper() if found else ""
        if self.more() and self.peek(b"("):
            fields = self.listed(self.astring)
            section += f" ({' '.join(field.decode('ascii', 'replace').upper() for field in fields)})"
        self.expect(b"]")
        return section

    def _match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes] | None:
        found = pattern.match(self._data, self._at)
        if found:
            self._at = found.end()
        return found
