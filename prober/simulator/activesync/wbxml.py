"""WAP Binary XML as ActiveSync uses it: inline strings, opaque data, code pages, and nothing else (MS-ASWBXML 2.1).

Rule of this file: tags are numbers here. What they are called is nobody's business on the wire.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from prober.simulator.activesync.tags import LAST_TOKENS, Tag

HEADER = b"\x03\x01\x6a\x00"
SWITCH_PAGE, END, INLINE, OPAQUE = 0x00, 0x01, 0x03, 0xC3
CONTENT = 0x40
DEPTH = 32
SIZE = 32 * 1024 * 1024


class Malformed(Exception):  # noqa: N818 - what the bytes are
    """These bytes are no such document."""


@dataclass(frozen=True, slots=True)
class Node:
    """One element: its children, or its text, or opaque `data`. An element may be empty."""

    tag: Tag
    children: tuple["Node", ...] = ()
    text: str = ""
    data: bytes = b""

    def find(self, *path: Tag) -> "Node | None":
        """Return the first descendant along `path`."""
        node: Node | None = self
        for tag in path:
            node = next((child for child in node.children if child.tag == tag), None) if node else None
        return node

    def all(self, tag: Tag) -> list["Node"]:
        """Return every child with this tag."""
        return [child for child in self.children if child.tag == tag]

    def value(self, *path: Tag) -> str:
        """Return the text of the first descendant along `path`, empty when there is none."""
        found = self.find(*path)
        return found.text if found else ""


def node(tag: Tag, *children: Node) -> Node:
    """Return an element with children, or an empty one."""
    return Node(tag, children)


def text(tag: Tag, value: object) -> Node:
    """Return an element with text."""
    return Node(tag, text=str(value))


def encode(root: Node) -> bytes:
    """Return the document."""
    out = bytearray(HEADER)
    _write(out, root, 0)
    return bytes(out)


def decode(document: bytes) -> Node:
    """Return the root element. Raises `Malformed`."""
    if not document.startswith(HEADER[:1]) or len(document) < 5:
        raise Malformed("no WBXML header")
    if document[:4] != HEADER:
        raise Malformed("not version 1.3, public id 1, UTF-8, empty string table")
    reader = _Reader(document, 4)
    root = reader.element(reader.byte(), 0)
    if reader.at != len(document):
        raise Malformed("more after the root element")
    return root


def _write(out: bytearray, element: Node, page: int) -> int:
    """Append `element`, `page` being current; return the page that is current afterwards."""
    if element.tag[0] != page:
        page = element.tag[0]
        out += bytes((SWITCH_PAGE, page))
    full = bool(element.children or element.text or element.data)
    out.append(element.tag[1] | (CONTENT if full else 0))
    if not full:
        return page
    if element.text:
        out.append(INLINE)
        out += element.text.replace("\0", "").encode() + b"\0"
    if element.data:
        out.append(OPAQUE)
        out += bytes(_multi_byte(len(element.data))) + element.data
    for child in element.children:
        page = _write(out, child, page)
    out.append(END)
    return page


def _multi_byte(number: int) -> Iterator[int]:
    """Give an mb_u_int32: seven bits to the byte, the high bit meaning that more follow."""
    groups = [number & 0x7F]
    while number := number >> 7:
        groups.append(number & 0x7F | 0x80)
    return reversed(groups)


class _Reader:
    """Reads on from `at`; `page` is the code page that is current."""

    def __init__(self, document: bytes, at: int) -> None:
        self._document = document
        self.at = at
        self._page = 0

    def byte(self) -> int:
        if self.at >= len(self._document):
            raise Malformed("ends within an element")
        self.at += 1
        return self._document[self.at - 1]

    def element(self, token: int, depth: int) -> Node:
        while token == SWITCH_PAGE:
            self._page = self.byte()
            token = self.byte()
        tag = (self._page, token & 0x3F)
        if token & 0x80 or not 5 <= tag[1] <= LAST_TOKENS.get(tag[0], 0):
            raise Malformed(f"no tag {token:#04x} in code page {self._page}")
        if depth > DEPTH:
            raise Malformed("too deep")
        return self._content(tag, depth) if token & CONTENT else Node(tag)

    def _content(self, tag: Tag, depth: int) -> Node:
        children: list[Node] = []
        words: list[bytes] = []
        opaque: list[bytes] = []
        while (token := self.byte()) != END:
            if token == INLINE:
                words.append(self._string())
            elif token == OPAQUE:
                opaque.append(self._opaque())
            elif token == SWITCH_PAGE:
                self._page = self.byte()
            else:
                children.append(self.element(token, depth + 1))
        try:
            return Node(tag, tuple(children), b"".join(words).decode(), b"".join(opaque))
        except UnicodeDecodeError:
            raise Malformed("not UTF-8") from None

    def _string(self) -> bytes:
        end = self._document.find(b"\0", self.at)
        if end < 0:
            raise Malformed("a string without an end")
        found, self.at = self._document[self.at : end], end + 1
        return found

    def _opaque(self) -> bytes:
        length = 0
        while (part := self.byte()) & 0x80:
            length = length << 7 | part & 0x7F
            if length > SIZE:
                raise Malformed("opaque data too long")
        length = length << 7 | part
        if self.at + length > len(self._document):
            raise Malformed("opaque data beyond the end")
        found, self.at = self._document[self.at : self.at + length], self.at + length
        return found
