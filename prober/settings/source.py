"""YAML with positions: plain values, and where each of them stands.

Rules of this file: whatever the bytes are, only `SourceError` comes out; what is read is bounded; and no message
repeats what stands in the file, since a password with a `*` or `!` in front reads as an alias or a tag.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

LARGEST_FILE = 1 << 20
"""Bytes. PyYAML reads some 100 KiB a second, and a thousand targets are a tenth of this."""
MOST_VALUES = 200_000
DEEPEST = 64
PLAIN = {"int", "float", "bool", "null"}
CONTAINERS = {"seq", "map"}
TEXT = {"str", "timestamp", "value"}
MERGE = "tag:yaml.org,2002:merge"
FORBIDDEN = re.compile("[\x00\ud800-\udfff]")
"""What an escape may smuggle into a text although no file name and no encoding can hold it."""
JSON_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
TAGGED = "has a YAML tag, which means nothing here; put quotes around text that starts with '!'"
TOLD = {
    "found undefined alias": "names an alias that is not defined; put quotes around text that starts with '*'",
    "found undefined tag handle": TAGGED,
    "duplicate tag handle": "defines a tag handle twice",
    "second occurrence": "defines an anchor a second time",
}
"""PyYAML's messages that repeat a word of the file or need their context, and ours instead."""

Location = tuple[str | int, ...]
Value = str | int | float | bool | None | list["Value"] | dict[str, "Value"]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a file; line and column count from 1."""

    file: str
    line: int
    column: int


class SourceError(Exception):
    """One mistake in the YAML itself."""

    def __init__(self, position: Position, message: str, path: Location = ()) -> None:
        super().__init__(message)
        self.position = position
        self.message = message
        self.path = path


@dataclass(slots=True)
class Source:
    """One file: its values, and the position of each by its path (of the key, for what stands in a mapping)."""

    file: str
    value: dict[str, Value]
    positions: dict[Location, Position]

    def position(self, path: Location) -> Position:
        """Return where `path` stands, or the nearest thing around it that stands somewhere."""
        while path and path not in self.positions:
            path = path[:-1]
        return self.positions.get(path, Position(self.file, 1, 1))


def read(path: Path, listed: str = "") -> Source:
    """Return what the file at `path` holds: a mapping at the top. Raises `SourceError`.

    With `listed`, a list at the top, which is read as if it stood under that key.
    """
    return parse(str(path), content(path), listed)


def content(path: Path) -> bytes:
    """Return the bytes of the file at `path`, or enough of them to see that it is too large. Raises `SourceError`."""
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST_FILE + 1)
    except OSError as exc:
        start = Position(str(path), 1, 1)
        raise SourceError(start, f"cannot be read: {exc.strerror or type(exc).__name__}") from None


def parse(file: str, data: bytes, listed: str = "") -> Source:
    """Return what `data` holds, see `read`. Raises `SourceError`."""
    start = Position(file, 1, 1)
    if len(data) > LARGEST_FILE:
        raise SourceError(start, f"is larger than {LARGEST_FILE >> 20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        line = data.count(b"\n", 0, exc.start) + 1
        raise SourceError(Position(file, line, 1), "is not UTF-8 text") from None
    if text.lstrip()[:1] in ("[", "{"):
        text = _yaml_of(text)
    _check_characters(file, text)
    quick = _quickly(file, text, listed)
    return _carefully(file, text, listed) if quick is None else quick


def _yaml_of(text: str) -> str:
    """Return JSON (RFC 8259) as YAML that says the same, with every line where it was; other texts as they are.

    PyYAML knows no tab outside a text, where JSON has them only as white space, nor JSON's escaped slash and its pairs
    of surrogates: programs that write lists of targets use all three.
    """
    if "\t" not in text and "\\" not in text:
        return text
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    return JSON_STRING.sub(_unescaped, text).replace("\t", " ")


def _unescaped(found: re.Match[str]) -> str:
    """Return a text of JSON with no more escapes than YAML knows, too."""
    return json.dumps(json.loads(found[0]), ensure_ascii=False) if "\\" in found[0] else found[0]


def _quickly(file: str, text: str, listed: str) -> Source | None:
    """Return what `text` holds, scanned by libyaml, several times as fast; `None` where anything is wrong with it.

    Its nodes are composed by PyYAML all the same: libyaml's own composing knows no limit of depth, and would hold up
    every other thread until all is read.
    """
    if not yaml.__with_libyaml__:
        return None
    from yaml._yaml import CParser  # there only with libyaml

    class Quick(Composer, CParser, SafeConstructor, Resolver):
        def __init__(self) -> None:
            CParser.__init__(self, text)
            for part in (Composer, SafeConstructor, Resolver):
                part.__init__(self)

    try:
        loader = Quick()
        return _Reading(file, loader).source(loader.get_single_node(), listed)
    except (SourceError, yaml.YAMLError, ValueError, OverflowError, RecursionError):
        return None


def _carefully(file: str, text: str, listed: str) -> Source:
    """Return what `text` holds, or say what is wrong with it and where. Raises `SourceError`."""
    start = Position(file, 1, 1)
    loader = yaml.SafeLoader(text)
    try:
        node = loader.get_single_node()
        return _Reading(file, loader).source(node, listed)
    except yaml.MarkedYAMLError as exc:
        mark = exc.problem_mark or exc.context_mark
        at = Position(file, mark.line + 1, mark.column + 1) if mark else start
        raise SourceError(at, _told(exc)) from None
    except (yaml.YAMLError, ValueError, OverflowError):
        at = Position(file, loader.line + 1, loader.column + 1)
        raise SourceError(at, "is not valid YAML: an escape stands for no character") from None
    except RecursionError:
        raise SourceError(start, f"is nested deeper than {DEEPEST} levels") from None
    finally:
        loader.dispose()


def _told(exc: yaml.MarkedYAMLError) -> str:
    """Return what PyYAML says, without the words of the file."""
    text = exc.problem or exc.context or "cannot be read"
    return next((ours for theirs, ours in TOLD.items() if text.startswith(theirs)), f"is not valid YAML: {text}")


def _check_characters(file: str, text: str) -> None:
    """Refuse what YAML refuses, with a position: control characters and the like."""
    found = yaml.reader.Reader.NON_PRINTABLE.search(text)
    if found is None:
        return
    line = text.count("\n", 0, found.start()) + 1
    column = found.start() - (text.rfind("\n", 0, found.start()) + 1) + 1
    raise SourceError(Position(file, line, column), f"holds the character {ord(found[0]):#06x}, which YAML forbids")


class _Reading:
    """One walk over a document's nodes."""

    def __init__(self, file: str, loader: SafeConstructor) -> None:
        self._file = file
        self._loader = loader
        self._positions: dict[Location, Position] = {}
        self._values = 0
        self._inside: list[yaml.Node] = []

    def source(self, node: yaml.Node | None, listed: str) -> Source:
        if node is None:
            raise SourceError(Position(self._file, 1, 1), "is empty")
        if listed:
            found = self._value(node, (listed,))
            if not isinstance(found, list):
                raise SourceError(self._at(node), f"must be a list of {listed}")
            return Source(self._file, {listed: found}, self._positions)
        value = self._value(node, ())
        if not isinstance(value, dict):
            raise SourceError(self._at(node), "must be a mapping of sections such as `targets:`")
        return Source(self._file, value, self._positions)

    def _at(self, node: yaml.Node) -> Position:
        return Position(self._file, node.start_mark.line + 1, node.start_mark.column + 1)

    def _value(self, node: yaml.Node, path: Location) -> Value:
        self._positions.setdefault(path, self._at(node))
        self._count(node, path)
        if len(self._inside) >= DEEPEST:
            raise SourceError(self._at(node), f"is nested deeper than {DEEPEST} levels", path)
        if any(node is outer for outer in self._inside):
            raise SourceError(self._at(node), "contains itself", path)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        if node.tag.rpartition(":")[2] not in CONTAINERS:
            raise self._tagged(node, path)
        self._inside.append(node)
        try:
            if isinstance(node, yaml.SequenceNode):
                return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
            return dict(self._entries(node, path))
        finally:
            self._inside.pop()

    def _entries(self, node: yaml.Node, path: Location) -> Iterator[tuple[str, Value]]:
        assert isinstance(node, yaml.MappingNode)  # noqa: S101 - YAML has three kinds of node
        for key, (key_node, value_node) in self._pairs(node, path, 0).items():
            self._positions[(*path, key)] = self._at(key_node)
            yield key, self._value(value_node, (*path, key))

    def _pairs(self, node: yaml.MappingNode, path: Location, depth: int) -> dict[str, tuple[yaml.Node, yaml.Node]]:
        """Return a mapping's entries, with what `<<` names (YAML 1.1 merge keys) where it says nothing itself."""
        if depth > DEEPEST:
            raise SourceError(self._at(node), f"is nested deeper than {DEEPEST} levels", path)
        own: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        merged: dict[str, tuple[yaml.Node, yaml.Node]] = {}
        for key_node, value_node in node.value:
            self._count(key_node, path)
            if key_node.tag == MERGE:
                for other in self._merged(value_node, path):
                    merged = {**self._pairs(other, path, depth + 1), **merged}
                continue
            key = self._key(key_node, path)
            if key in own:
                first = self._at(own[key][0]).line
                message = f"stands here a second time, first in line {first}"
                raise SourceError(self._at(key_node), message, (*path, key))
            own[key] = (key_node, value_node)
        return {**merged, **own}

    def _merged(self, node: yaml.Node, path: Location) -> list[yaml.MappingNode]:
        """Return the mappings that the value of `<<` names, the first of which overrules the others."""
        named = node.value if isinstance(node, yaml.SequenceNode) else [node]
        mappings = [one for one in named if isinstance(one, yaml.MappingNode)]
        if len(mappings) != len(named):
            raise SourceError(self._at(node), "`<<` takes in mappings only", path)
        return mappings

    def _count(self, node: yaml.Node, path: Location) -> None:
        self._values += 1
        if self._values > MOST_VALUES:
            raise SourceError(self._at(node), f"holds more than {MOST_VALUES} values, aliases counted", path)

    def _key(self, node: yaml.Node, path: Location) -> str:
        if isinstance(node, yaml.ScalarNode) and node.tag.rpartition(":")[2] in TEXT:
            return self._text(node, path)
        raise SourceError(self._at(node), "keys must be plain text; put quotes around it", path)

    def _scalar(self, node: yaml.ScalarNode, path: Location) -> Value:
        kind = node.tag.removeprefix("tag:yaml.org,2002:")
        if kind in TEXT:
            return self._text(node, path)
        if kind not in PLAIN:
            raise self._tagged(node, path)
        try:
            plain: Value = self._loader.construct_object(node)
        except (LookupError, ValueError, OverflowError, yaml.YAMLError):  # an explicit tag on a text of another kind
            raise SourceError(self._at(node), f"is not a valid {kind}", path) from None
        return plain

    def _text(self, node: yaml.ScalarNode, path: Location) -> str:
        text = str(node.value)
        found = FORBIDDEN.search(text)
        if found is not None:
            raise SourceError(self._at(node), f"holds the character {ord(found[0]):#06x}, which no text may hold", path)
        return text

    def _tagged(self, node: yaml.Node, path: Location) -> SourceError:
        return SourceError(self._at(node), TAGGED, path)
