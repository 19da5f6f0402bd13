"""Reads the arguments of a command and writes strings back (RFC 3501 section 9). Names are the grammar's."""

import re

ATOM = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
ASTRING = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\]+')
LIST_MAILBOX = re.compile(rb'[^\x00-\x20\x7f-\xff(){"\\]+')
TAG = re.compile(rb'[^\x00-\x20\x7f-\xff(){%*"\\+]{1,100}')
QUOTED = re.compile(rb'"((?:[^"\\\r\n\x00]|\\["\\])*)"')
LITERAL = re.compile(rb"\{(\d{1,20})\+?\}\r?\n")
FLAG = re.compile(rb'\\?[^\x00-\x20\x7f-\xff(){%*"\\\]]+')
PLAIN = re.compile(rb'[^\x00-\x1f\x7f-\xff"\\]{0,200}')
ESCAPED = re.compile(rb"\\(.)")


class BadSyntax(Exception):  # noqa: N818 - what RFC 3501 calls it: the answer is BAD
    """The arguments are not what the grammar has."""


class Scanner:
    """A cursor over one command. Every method takes something off, or raises `BadSyntax`."""

    __slots__ = ("_at", "_text")

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._at = 0

    @property
    def done(self) -> bool:
        """Whether nothing is left."""
        return self._at >= len(self._text)

    def end(self) -> None:
        """Insist that nothing is left."""
        if not self.done:
            raise BadSyntax

    def sees(self, mark: bytes) -> bool:
        """Whether `mark` comes next."""
        return self._text.startswith(mark, self._at)

    def takes(self, mark: bytes) -> bool:
        """Take `mark` if it comes next, and say whether it did."""
        if not self.sees(mark):
            return False
        self._at += len(mark)
        return True

    def expect(self, mark: bytes) -> None:
        """Take `mark`."""
        if not self.takes(mark):
            raise BadSyntax

    def space(self) -> None:
        """Take the one space between two arguments."""
        self.expect(b" ")

    def rest(self) -> bytes:
        """Take all that is left."""
        start, self._at = self._at, len(self._text)
        return self._text[start:]

    def match(self, pattern: re.Pattern[bytes]) -> re.Match[bytes]:
        """Take what `pattern` matches."""
        found = pattern.match(self._text, self._at)
        if found is None:
            raise BadSyntax
        self._at = found.end()
        return found

    def atom(self) -> str:
        """Take an atom, in capitals."""
        return self.match(ATOM)[0].decode("ascii").upper()

    def astring(self, plain: re.Pattern[bytes] = ASTRING) -> str:
        """Take an atom or a string, as text."""
        return (self.string() if self._is_string() else self.match(plain)[0]).decode("utf-8", "replace")

    def nstring(self) -> str | None:
        """Take a string or NIL."""
        if self._is_string():
            return self.string().decode("utf-8", "replace")
        if self.atom() != "NIL":
            raise BadSyntax
        return None

    def string(self) -> bytes:
        """Take a quoted string or a literal."""
        if self.sees(b'"'):
            return ESCAPED.sub(rb"\1", self.match(QUOTED)[1])
        size = int(self.match(LITERAL)[1])
        start, self._at = self._at, self._at + size
        if self._at > len(self._text):
            raise BadSyntax
        return self._text[start : self._at]

    def flags(self) -> frozenset[str]:
        """Take a parenthesised list of flags."""
        self.expect(b"(")
        found: set[str] = set()
        while not self.takes(b")"):
            if found:
                self.space()
            found.add(self.match(FLAG)[0].decode("ascii"))
        return frozenset(found)

    def _is_string(self) -> bool:
        return self.sees(b'"') or self.sees(b"{")


def quoted(text: bytes) -> bytes:
    """Return `text` as a string: quoted where that can hold it, else as a literal."""
    if PLAIN.fullmatch(text):
        return b'"' + text + b'"'
    if len(text) <= 200 and PLAIN.fullmatch(text.replace(b"\\", b"").replace(b'"', b"")):
        return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'
    return b"{%d}\r\n%b" % (len(text), text)


def nstring(text: str | None) -> bytes:
    """Return `text` as a string, or NIL."""
    return b"NIL" if text is None else quoted(text.encode("utf-8", "replace"))
