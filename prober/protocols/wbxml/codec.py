"""Elements to bytes and back (MS-ASWBXML section 2.1.2; WAP-192-WBXML).

Rule of this file: whatever the bytes are, only `FaultError` comes out, and what is read is bounded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeAlias

from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.wbxml.pages import LEGACY, PAGES

HEADER = bytes((0x03, 0x01, 0x6A, 0x00))
SWITCH_PAGE, END, STR_I, OPAQUE = 0x00, 0x01, 0x03, 0xC3
CONTENT, ATTRIBUTES, IDENTITY = 0x40, 0x80, 0x3F
DEEPEST = 32
LARGEST = 8 << 20
MOST_ELEMENTS = 200_000
BAD_WBXML = Kind("wbxml_undecodable", Reason.PROTOCOL_VIOLATION)

Content: TypeAlias = "str | bytes | tuple[Element, ...] | None"


@dataclass(frozen=True, slots=True)
class Element:
    """One element. `content`: text, opaque bytes, children, or `None` for an empty element.

    `name` is written `Page:Tag`, such as `AirSync:Sync`.
    """

    name: str
    content: Content = field(default=None, repr=False)

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
        found: Element | None = self
        for name in path:
            found = next((child for child in found.children if child.name == name), None) if found else None
        return found

    def all(self, *path: str) -> Iterator["Element"]:
        """Give every element at `path` below this one, in order."""
        if not path:
            yield self
            return
        for child in self.children:
            if child.name == path[0]:
                yield from child.all(*path[1:])

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
        out += bytes((STR_I,)) + one.content.encode().replace(b"\0", b"") + b"\0"
    out.append(END)
    return page


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
    return _Reader(data).document()


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
    """One walk over one document, without recursion."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._page = 0
        self._count = 0

    def document(self) -> Element:
        self._header()
        stack: list[_Open] = []
        while True:
            finished = self._token(stack)
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
        version, charset = self._byte(), 0
        if version not in (0x01, 0x02, 0x03):
            raise _bad("not WBXML")
        self._number()
        charset = self._number()
        if charset not in (0x6A, 0x03):
            raise _bad("not UTF-8")
        if self._number() != 0:
            raise _bad("string table")

    def _byte(self) -> int:
        if self._at >= len(self._data):
            raise _bad("ends early")
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

    def _token(self, stack: list[_Open]) -> Element | None:
        """Read one token; return the element that it finished, if it did."""
        byte = self._byte()
        if byte == SWITCH_PAGE:
            self._page = self._byte()
        elif byte == END:
            if not stack:
                raise _bad("end without a start")
            return stack.pop().close()
        elif byte == STR_I:
            self._into(stack).text += self._string()
        elif byte == OPAQUE:
            inside = self._into(stack)
            inside.opaque = True
            inside.text += self._opaque()
        else:
            return self._start(byte, stack)
        return None

    def _into(self, stack: list[_Open]) -> _Open:
        if not stack:
            raise _bad("text outside of elements")
        return stack[-1]

    def _start(self, byte: int, stack: list[_Open]) -> Element | None:
        name = NAMES.get((self._page, byte & IDENTITY))
        if byte & ATTRIBUTES or byte & IDENTITY < 0x05 or name is None:
            raise _bad("unknown token", page=str(self._page), token=f"{byte:#04x}")
        self._count += 1
        if self._count > MOST_ELEMENTS:
            raise _bad("too many elements")
        if not byte & CONTENT:
            return Element(name)
        if len(stack) >= DEEPEST:
            raise _bad("nested too deep")
        stack.append(_Open(name))
        return None

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
