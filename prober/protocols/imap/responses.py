"""What a server says, as values: one whole response in, one frozen record out.

Rule: what is malformed raises `FaultError` (`bad_reply`); what is well formed but unknown becomes `Other` and is passed
on, because extensions may say anything at any time (RFC 9051 section 7). Texts from the server stay in memory: nothing
here is evidence.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from prober.faults.taxonomy import BAD_REPLY, FaultError
from prober.protocols.imap.grammar import ATOM, Cursor, Value
from prober.record import record


class Condition(StrEnum):
    """The five status responses (RFC 9051 section 7.1)."""

    OK = "OK"
    NO = "NO"
    BAD = "BAD"
    BYE = "BYE"
    PREAUTH = "PREAUTH"


@record
class Status:
    """A status response. `tag` is empty for untagged ones; `code` is the response code's name in capitals or empty."""

    tag: str
    condition: Condition
    code: str = ""
    arguments: str = field(default="", repr=False)
    text: str = field(default="", repr=False)


@record
class Continuation:
    """The server asks for more (RFC 9051 section 7.6); `text` is what follows the plus sign."""

    text: bytes = field(default=b"", repr=False)


@record
class Capability:
    """What the server offers, in capitals (RFC 9051 section 7.2.2)."""

    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class ServerId:
    """What the server says it is (RFC 2971 section 3.2); names of fields in small letters."""

    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Prefix:
    """One namespace: where its names begin and how they are divided (RFC 2342 section 6)."""

    prefix: str = field(repr=False)
    delimiter: str | None


@dataclass(frozen=True, slots=True)
class Namespace:
    """The three namespaces (RFC 2342 section 5)."""

    personal: tuple[Prefix, ...]
    others: tuple[Prefix, ...]
    shared: tuple[Prefix, ...]


@record
class Listed:
    """One mailbox (RFC 9051 section 7.3.1); attributes in small letters, special uses (RFC 6154) among them."""

    attributes: frozenset[str]
    delimiter: str | None
    name: str = field(repr=False)


@record
class Flags:
    """Flags that may be used in this mailbox (RFC 9051 section 7.3.5)."""

    names: frozenset[str] = field(repr=False)


@record
class Found:
    """The messages that SEARCH found, by number or UID as asked (RFC 3501 section 7.2.5)."""

    numbers: tuple[int, ...]


@record
class Exists:
    """How many messages there are (RFC 9051 section 7.4.1)."""

    messages: int


@record
class Recent:
    """How many arrived since somebody looked (RFC 3501 section 7.3.2)."""

    messages: int


@record
class Expunge:
    """The message of this number is gone (RFC 9051 section 7.5.1)."""

    number: int


@record
class Fetch:
    """Items of one message by name in capitals (RFC 9051 section 7.5.2); values may be content, so not printed."""

    number: int
    items: Mapping[str, Value] = field(repr=False)


@record
class Other:
    """A well-formed response of a kind nobody here asks for."""

    name: str


Response: TypeAlias = (
    Status
    | Continuation
    | Capability
    | ServerId
    | Namespace
    | Listed
    | Flags
    | Found
    | Exists
    | Recent
    | Expunge
    | Fetch
    | Other
)

NUMBERS: Mapping[str, Callable[[int], Response]] = MappingProxyType(
    {"EXISTS": Exists, "RECENT": Recent, "EXPUNGE": Expunge}
)
UNTAGGED = frozenset({Condition.BYE, Condition.PREAUTH})
CONDITIONS: Mapping[bytes, Condition] = MappingProxyType({one.value.encode("ascii"): one for one in Condition})
STATUS = re.compile(rb"(\*|[^\s*+(){%\"\\\x00-\x1f\x7f-\xff]+) (OK|NO|BAD|BYE|PREAUTH)(?: (.*))?", re.IGNORECASE)
CODE = re.compile(r"\[([A-Za-z][A-Za-z0-9!#$&'./:;<=>?@^_`|~+-]*)(?: ([^\]]*))?\] ?(.*)")
NUMBERED = re.compile(rb"\* (\d{1,10}) ([A-Za-z0-9.-]+)(?: |\Z)")
NAMED = re.compile(rb"\* ([A-Za-z][A-Za-z0-9.-]*)(?: |\Z)")
PLAIN_LIST = re.compile(
    rb"\((%b(?: %b)*|)\) (?:\"([^\"\\\r\n\x00])\"|NIL) (?:\"([^\"\\\r\n\x00]*)\"|(%b))" % (3 * (ATOM.pattern,))
)
"""What a LIST response says as most do: no escapes, no literal, nothing after the name."""
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DATE = re.compile(r"([ \d]\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", re.ASCII)


def parse(response: bytes) -> Response:
    """Return what one whole response (without its final CRLF) says. Raises `FaultError` (`bad_reply`)."""
    if response.startswith(b"+"):
        return Continuation(response[1:].removeprefix(b" "))
    status = STATUS.fullmatch(response)
    if status:
        return _status(status)
    numbered = NUMBERED.match(response)
    if numbered:
        return _numbered(int(numbered[1]), numbered[2].decode("ascii").upper(), response[numbered.end() :])
    named = NAMED.match(response)
    if named is None:
        raise FaultError(BAD_REPLY, {"grammar": "response"})
    name = named[1].decode("ascii").upper()
    reader = NAMED_READERS.get(name)
    return reader(Cursor(response[named.end() :], name)) if reader else Other(name)


def _status(found: re.Match[bytes]) -> Status:
    """RFC 9051 section 9 `resp-cond-state` and `resp-text`; Exchange's own bracket at the end of a text is no code."""
    mark, word, said = found.groups(b"")
    tag, condition, text = "" if mark == b"*" else mark.decode("ascii"), CONDITIONS[word.upper()], _text(said)
    if tag and condition in UNTAGGED:
        raise FaultError(BAD_REPLY, {"grammar": "tagged response"})
    code = CODE.match(text)
    if code is None:
        return Status(tag, condition, "", "", text)
    name, arguments, text = code.groups("")
    return Status(tag, condition, name.upper(), arguments, text)


def _numbered(number: int, name: str, rest: bytes) -> Response:
    cursor = Cursor(rest, name)
    if name == "FETCH":
        return Fetch(number, _fetched(cursor))
    kind = NUMBERS.get(name)
    if kind is None:
        return Other(name)
    cursor.end()
    return kind(number)


def _fetched(cursor: Cursor) -> Mapping[str, Value]:
    items = dict(cursor.listed(cursor.item))
    cursor.end()
    return MappingProxyType(items)


def capabilities(text: str) -> frozenset[str]:
    """Return the names in a CAPABILITY response or response code."""
    return frozenset(text.upper().split())


def _capability(cursor: Cursor) -> Response:
    return Capability(capabilities(cursor.rest().decode("ascii", "replace")))


def _server_id(cursor: Cursor) -> Response:
    if not cursor.peek(b"("):
        cursor.nil()
        cursor.end()
        return ServerId()
    words = cursor.listed(cursor.nstring)
    cursor.end()
    if len(words) % 2:
        cursor.fail("value of a field")
    pairs = zip(words[::2], words[1::2], strict=True)
    fields = {_text(name or b"").lower(): _text(value) for name, value in pairs if value is not None}
    return ServerId(MappingProxyType(fields))


def _namespace(cursor: Cursor) -> Response:
    personal = _prefixes(cursor)
    cursor.space()
    others = _prefixes(cursor)
    cursor.space()
    shared = _prefixes(cursor)
    cursor.end()
    return Namespace(personal, others, shared)


def _prefixes(cursor: Cursor) -> tuple[Prefix, ...]:
    def prefix() -> Prefix:
        cursor.expect(b"(")
        name = _text(cursor.string())
        cursor.space()
        delimiter = _delimiter(cursor)
        while cursor.more() and not cursor.peek(b")"):
            cursor.value()  # `namespace-response-extension`: said, not needed
        cursor.expect(b")")
        return Prefix(name, delimiter)

    if cursor.peek(b"("):
        return cursor.listed(prefix)
    cursor.nil()
    return ()


def _listed(cursor: Cursor) -> Response:
    plain = cursor.whole(PLAIN_LIST)
    if plain is not None:
        attributes, delimiter, quoted, atom = plain.groups()
        names = frozenset(attributes.decode("ascii").lower().split())
        return Listed(names, None if delimiter is None else _text(delimiter), _text(atom if quoted is None else quoted))
    return _listed_at_length(cursor)


def _listed_at_length(cursor: Cursor) -> Response:
    attributes = frozenset(name.lower() for name in cursor.listed(cursor.atom))
    cursor.space()
    delimiter = _delimiter(cursor)
    cursor.space()
    name = _text(cursor.astring())
    if cursor.more():
        cursor.value()  # `mbox-list-extended`: said, not needed
    cursor.end()
    return Listed(attributes, delimiter, name)


def _delimiter(cursor: Cursor) -> str | None:
    text = cursor.nstring()
    if text is None:
        return None
    return _text(text) if len(text) == 1 else cursor.fail("hierarchy delimiter")


def _flags(cursor: Cursor) -> Response:
    names = frozenset(cursor.listed(cursor.atom))
    cursor.end()
    return Flags(names)


def _found(cursor: Cursor) -> Response:
    """Read the numbers, with the spaces that some servers leave at the end; a MODSEQ may follow them (RFC 7162)."""
    words = (cursor.rest() if cursor.more() else b"").partition(b"(")[0].split()
    if not all(word.isdigit() and len(word) <= 10 for word in words):
        cursor.fail("number in SEARCH")
    return Found(tuple(int(word) for word in words))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


NAMED_READERS: Mapping[str, Callable[[Cursor], Response]] = MappingProxyType(
    {
        "CAPABILITY": _capability,
        "ID": _server_id,
        "NAMESPACE": _namespace,
        "LIST": _listed,
        "FLAGS": _flags,
        "SEARCH": _found,
    }
)


def internal_date(value: Value) -> datetime:
    """Return an INTERNALDATE (RFC 9051 section 9 `date-time`) in UTC. Raises `FaultError` (`bad_reply`)."""
    found = DATE.fullmatch(_text(value)) if isinstance(value, bytes) else None
    if found is None or found[2].lower() not in MONTHS:
        raise FaultError(BAD_REPLY, {"grammar": "date-time in INTERNALDATE"})
    year, month, day = int(found[3]), MONTHS.index(found[2].lower()) + 1, int(found[1])
    offset = timedelta(hours=int(found[8]), minutes=int(found[9])) * (-1 if found[7] == "-" else 1)
    try:
        local = datetime(year, month, day, int(found[4]), int(found[5]), int(found[6]), tzinfo=timezone(offset))
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise FaultError(BAD_REPLY, {"grammar": "date-time in INTERNALDATE"}) from None
