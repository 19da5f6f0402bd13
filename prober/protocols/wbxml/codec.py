"""Elements to bytes and back (MS-ASWBXML section 2.1.2; WAP-192-WBXML).

Rule of this file: whatever the bytes are, only `FaultError` comes out, and what is read is bounded.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple, TypeAlias

from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.wbxml.pages import LEGACY, PAGES

HEADER = bytes((0x03, 0x01, 0x6A, 0x00))
SWITCH_PAGE, END, STR_I, OPAQUE = 0x00, 0x01, 0x03, 0xC3
CONTENT, WITHOUT_CONTENT = 0x40, 0xBF
WITHIN = frozenset({SWITCH_PAGE, STR_I, OPAQUE})
BLANK = "\U0010fffd"
"""A text that stands for one to be filled in: a character that no request of ours has."""
LEAF = re.compile(rb"\x03([^\x00]*)\x00\x01")
"""One text and the end of the element that it is in: most elements have nothing else."""
DEEPEST = 32
LARGEST = 8 << 20
MOST_ELEMENTS = 200_000
BAD_WBXML = Kind("wbxml_undecodable", Reason.PROTOCOL_VIOLATION)

Content: TypeAlias = "str | bytes | tuple[Element, ...] | None"


class Element(NamedTuple):
    """One element. `content`: text, opaque bytes, children, or `None` for an empty element.

    `name` is written `Page:Tag`, such as `AirSync:Sync`. An answer has dozens, hence not a dataclass.
    """

    name: str
    content: Content = None

    def __repr__(self) -> str:
        """Name it; what is inside may be somebody's mail."""
        return f"Element({self.name!r})"

    @property
    def children(self) -> tuple["Element", ...]:
        """The elements inside."""
        return self.content if isinstance(self.content, tuple) else ()

    @property
    def text(self) -> str:
        """The text inside, opaque bytes read as UTF-8; empty where there are elements or nothing."""
        if isinstance(self.content, bytes):
            return self.content.decode("utf-8", "replace")
        return self.content if isinstance(self.content, str) else ""

    def find(self, *path: str) -> "Element | None":
        """Return the first element at `path` below this one."""
        found = self
        for name in path:
            for child in found.children:
                if child.name == name:
                    found = child
                    break
            else:
                return None
        return found

    def all(self, *path: str) -> "list[Element]":
        """Return every element at `path` below this one, in order."""
        found = [self]
        for name in path:
            found = [child for one in found for child in one.children if child.name == name]
        return found

    def at(self, *path: str) -> str:
        """Return the text at `path`, or nothing."""
        found = self.find(*path)
        return found.text if found is not None else ""


def element(name: str, *content: "Element | str | bytes") -> Element:
    """Return an element with children, with one text or opaque content, or with nothing."""
    if len(content) == 1 and not isinstance(content[0], Element):
        return Element(name, content[0])
    children = tuple(one for one in content if isinstance(one, Element))
    return Element(name, children or None)


def _numbers() -> dict[str, tuple[int, int]]:
    return {f"{page}:{tag}": (number, token) for number, (page, tags) in PAGES.items() for token, tag in tags.items()}


def _names() -> dict[tuple[int, int], str]:
    current = {place: name for name, place in _numbers().items()}
    legacy = {(page, token): f"{PAGES[page][0]}:{tag}" for page, tags in LEGACY.items() for token, tag in tags.items()}
    return legacy | current


NUMBERS: Mapping[str, tuple[int, int]] = MappingProxyType(_numbers())
NAMES: Mapping[tuple[int, int], str] = MappingProxyType(_names())


def _by_page() -> dict[int, dict[int, str]]:
    found: dict[int, dict[int, str]] = {}
    for (page, token), name in NAMES.items():
        found.setdefault(page, {})[token] = name
    return found


BY_PAGE: Mapping[int, Mapping[int, str]] = MappingProxyType(_by_page())
NOTHING: Mapping[int, str] = MappingProxyType({})


def encode(root: Element) -> bytes:
    """Return a document. Raises `KeyError` for a name that is in no code page: a mistake of ours."""
    out = bytearray(HEADER)
    _write(root, out, 0)
    return bytes(out)


def _write(one: Element, out: bytearray, page: int) -> int:
    """Append `one`; return the page that is current afterwards."""
    wanted, token = NUMBERS[one.name]
    if wanted != page:
        out += bytes((SWITCH_PAGE, wanted))
        page = wanted
    if one.content is None:
        out.append(token)
        return page
    out.append(token | CONTENT)
    if isinstance(one.content, tuple):
        for child in one.content:
            page = _write(child, out, page)
    elif isinstance(one.content, bytes):
        out += bytes((OPAQUE,)) + _multibyte(len(one.content)) + one.content
    else:
        out += bytes((STR_I,)) + _string(one.content) + b"\0"
    out.append(END)
    return page


def _string(text: str) -> bytes:
    return text.encode().replace(b"\0", b"")


class Form:
    """A document whose bytes are made once, for the texts in it that are `BLANK` to be filled in time and again."""

    __slots__ = ("_pattern",)

    def __init__(self, root: Element) -> None:
        self._pattern = encode(root).replace(b"%", b"%%").replace(BLANK.encode(), b"%b")

    def fill(self, *texts: str) -> bytes:
        """Return the document with `texts` in its blanks, in order. Raises `TypeError` for too few or too many."""
        return self._pattern % tuple(map(_string, texts))


def _multibyte(number: int) -> bytes:
    """Return `number` in groups of seven bits, highest first; all but the last have their high bit set."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append((number & 0x7F) | 0x80)
    return bytes(reversed(groups))


def decode(data: bytes) -> Element:
    """Return the document's root. Raises `FaultError` (`wbxml_undecodable`)."""
    if len(data) > LARGEST:
        raise _bad("larger than allowed")
    try:
        return _Reader(data).document()
    except IndexError:
        raise _bad("ends early") from None


def _bad(error: str, **evidence: str) -> FaultError:
    return FaultError(BAD_WBXML, {"error": error, **evidence})


class _Open:
    """An element whose end has not come yet."""

    __slots__ = ("children", "name", "opaque", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.children: list[Element] = []
        self.text = bytearray()
        self.opaque = False

    def close(self) -> Element:
        """Return the finished element; text between elements is no content."""
        if self.children:
            return Element(self.name, tuple(self.children))
        if self.opaque:
            return Element(self.name, bytes(self.text))
        return Element(self.name, self.text.decode("utf-8", "replace") if self.text else None)


class _Reader:
    """One walk over one document, without recursion. Where that ends early, `IndexError` comes out."""

    __slots__ = ("_at", "_count", "_data", "_names", "_page", "_stack")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._page = 0
        self._names = BY_PAGE[0]
        self._count = 0
        self._stack: list[_Open] = []

    def document(self) -> Element:
        self._header()
        data, stack = self._data, self._stack
        while True:
            byte = data[self._at]
            self._at += 1
            if byte in WITHIN:
                self._go_on(byte)
                continue
            finished = self._ended() if byte == END else self._started(byte)
            if finished is None:
                continue
            if not stack:
                return self._last(finished)
            stack[-1].children.append(finished)

    def _last(self, root: Element) -> Element:
        if self._at != len(self._data):
            raise _bad("bytes after the end")
        return root

    def _header(self) -> None:
        if self._data.startswith(HEADER):  # as servers write it
            self._at = len(HEADER)
            return
        if self._byte() not in (0x01, 0x02, 0x03):
            raise _bad("not WBXML")
        self._number()
        if self._number() not in (0x6A, 0x03):
            raise _bad("not UTF-8")
        if self._number() != 0:
            raise _bad("string table")

    def _byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def _number(self) -> int:
        number = 0
        for _ in range(5):
            byte = self._byte()
            number = (number << 7) | (byte & 0x7F)
            if not byte & 0x80:
                return number
        raise _bad("number too long")

    def _go_on(self, byte: int) -> None:
        """Read what neither starts nor ends an element: another page, a text, opaque data."""
        if byte == SWITCH_PAGE:
            self._page = self._byte()
            self._names = BY_PAGE.get(self._page, NOTHING)
            return
        if not self._stack:
            raise _bad("text outside of elements")
        inside = self._stack[-1]
        if byte == STR_I:
            inside.text += self._string()
        else:
            inside.opaque = True
            inside.text += self._opaque()

    def _ended(self) -> Element:
        if not self._stack:
            raise _bad("end without a start")
        return self._stack.pop().close()

    def _started(self, byte: int) -> Element | None:
        """Return the element that starts here where it also ends, with nothing or one text in it."""
        name = self._names.get(byte & WITHOUT_CONTENT)
        if name is None:
            raise _bad("unknown token", page=str(self._page), token=f"{byte:#04x}")
        self._count += 1
        if self._count > MOST_ELEMENTS:
            raise _bad("too many elements")
        if not byte & CONTENT:
            return Element(name)
        if len(self._stack) >= DEEPEST:
            raise _bad("nested too deep")
        leaf = LEAF.match(self._data, self._at)
        if leaf is None:
            self._stack.append(_Open(name))
            return None
        self._at = leaf.end()
        return Element(name, leaf[1].decode("utf-8", "replace") or None)

    def _string(self) -> bytes:
        end = self._data.find(b"\0", self._at)
        if end < 0:
            raise _bad("text without an end")
        text = self._data[self._at : end]
        self._at = end + 1
        return text

    def _opaque(self) -> bytes:
        length = self._number()
        if length > len(self._data) - self._at:
            raise _bad("opaque data longer than the document")
        self._at += length
        return self._data[self._at - length : self._at]
