"""One message as IMAP shows it: its text, its parts, its envelope and its structure (RFC 3501 section 7.4.2)."""

from collections.abc import Callable
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import getaddresses

from prober.simulator.imap.scanner import nstring, quoted
from prober.simulator.mailbox import Item

ADDRESSES = ("From", "Sender", "Reply-To", "To", "Cc", "Bcc")


class Letter:
    """An item made readable. Everything is worked out when it is asked for, and the text only once."""

    __slots__ = ("_raw", "item")

    def __init__(self, item: Item) -> None:
        self.item = item
        self._raw: bytes | None = None

    @property
    def raw(self) -> bytes:
        """The whole message."""
        if self._raw is None:
            self._raw = self.item.mime()
        return self._raw

    @property
    def head(self) -> bytes:
        """The header with the empty line that ends it."""
        return self.raw[: self._border()]

    @property
    def text(self) -> bytes:
        """The body."""
        return self.raw[self._border() :]

    @property
    def header(self) -> Message:
        """The header, parsed."""
        return BytesHeaderParser().parsebytes(self.head)

    def fields(self, wanted: Callable[[str], bool]) -> bytes:
        """Return the fields whose lower-case names are `wanted`, and the empty line."""
        kept: list[bytes] = []
        keep = False
        for line in self.head.removesuffix(b"\r\n").splitlines(keepends=True):
            if not line.startswith((b" ", b"\t")):
                keep = wanted(line.partition(b":")[0].decode("latin-1").lower())
            if keep:
                kept.append(line)
        return b"".join(kept) + b"\r\n"

    def envelope(self) -> bytes:
        """Return the ENVELOPE."""
        header = self.header
        sender = _addresses(header, "From")
        lists = {name: _addresses(header, name) for name in ADDRESSES}
        for name in ("Sender", "Reply-To"):
            lists[name] = sender if lists[name] == b"NIL" else lists[name]
        return b"(%b)" % b" ".join(
            (
                nstring(header["Date"]),
                nstring(header["Subject"]),
                *lists.values(),
                nstring(header["In-Reply-To"]),
                nstring(header["Message-ID"]),
            )
        )

    def structure(self, *, extended: bool) -> bytes:
        """Return the BODYSTRUCTURE, or the BODY without its extensions. Messages of this store have one part."""
        header = self.header
        charset = str(header.get_param("charset", "us-ascii"))
        coding = str(header.get("Content-Transfer-Encoding", "7bit"))
        parts = (
            b'"text"',
            quoted(header.get_content_subtype().encode()),
            b'("charset" %b)' % quoted(charset.encode("ascii", "replace")),
            b"NIL NIL",
            quoted(coding.encode("ascii", "replace")),
            b"%d %d" % (len(self.text), self.text.count(b"\n")),
            *((b"NIL NIL NIL NIL",) if extended else ()),
        )
        return b"(%b)" % b" ".join(parts)

    def _border(self) -> int:
        return self.raw.index(b"\r\n\r\n") + 4


def _addresses(header: Message, name: str) -> bytes:
    pairs = getaddresses([str(value) for value in header.get_all(name, [])])
    made = [_address(shown, address) for shown, address in pairs if address]
    return b"(%b)" % b"".join(made) if made else b"NIL"


def _address(shown: str, address: str) -> bytes:
    local, _, domain = address.rpartition("@")
    return b"(%b NIL %b %b)" % (nstring(shown or None), nstring(local), nstring(domain))
