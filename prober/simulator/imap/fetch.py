"""What FETCH can ask for and how each thing is written (RFC 3501 sections 6.4.5 and 7.4.2)."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from prober.simulator.imap import dates, flags
from prober.simulator.imap.message import Letter
from prober.simulator.imap.scanner import BadSyntax, Scanner, quoted
from prober.simulator.mailbox import Folder

NAME = re.compile(rb"[A-Za-z0-9]+(?:\.[A-Za-z]+)*")
SECTION = re.compile(rb"(?i)((?:\d{1,5}\.)*\d{1,5})?(\.?(?:HEADER\.FIELDS\.NOT|HEADER\.FIELDS|HEADER|TEXT|MIME))?")
PARTIAL = re.compile(rb"<(\d{1,10})\.([1-9]\d{0,9})>")
MACROS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ALL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"),
        "FAST": ("FLAGS", "INTERNALDATE", "RFC822.SIZE"),
        "FULL": ("FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"),
    }
)
WHOLE: Mapping[str, Callable[[Letter], bytes]] = MappingProxyType(
    {
        "UID": lambda letter: b"%d" % letter.item.uid,
        "INTERNALDATE": lambda letter: dates.written(letter.item.received),
        "RFC822.SIZE": lambda letter: b"%d" % len(letter.raw),
        "ENVELOPE": Letter.envelope,
        "BODY": lambda letter: letter.structure(extended=False),
        "BODYSTRUCTURE": lambda letter: letter.structure(extended=True),
        "RFC822": lambda letter: quoted(letter.raw),
        "RFC822.HEADER": lambda letter: quoted(letter.head),
        "RFC822.TEXT": lambda letter: quoted(letter.text),
    }
)
READING = frozenset({"RFC822", "RFC822.TEXT"})
"""Asking for these marks a message as read, as `BODY[…]` does without PEEK."""


@dataclass(frozen=True, slots=True)
class Wish:
    """One thing asked for. `section` is the body section in capitals, `None` where it is no section at all.

    `names`: the header fields it lists. `part`: first octet and how many. `label`: the name it is answered under.
    """

    label: bytes
    name: str
    reads: bool = False
    section: str | None = None
    names: frozenset[str] = frozenset()
    part: tuple[int, int] | None = None

    def written(self, letter: Letter, folder: Folder) -> bytes:
        """Return name and value."""
        if self.name == "FLAGS":
            return b"FLAGS " + flags.written(flags.of(folder, letter.item))
        if self.section is None:
            return self.label + b" " + WHOLE[self.name](letter)
        found = _section(letter, self.section, self.names)
        if found is not None and self.part is not None:
            found = found[self.part[0] : sum(self.part)]
        return self.label + b" " + (b"NIL" if found is None else quoted(found))


def read_wishes(scanner: Scanner) -> tuple[Wish, ...]:
    """Take what is asked for: one thing, a macro, or a list. Raises `BadSyntax`."""
    if not scanner.takes(b"("):
        return _wishes(scanner, macros=True)
    found = list(_wishes(scanner, macros=False))
    while not scanner.takes(b")"):
        scanner.space()
        found += _wishes(scanner, macros=False)
    return tuple(found)


def _wishes(scanner: Scanner, *, macros: bool) -> tuple[Wish, ...]:
    label = scanner.match(NAME)[0].upper()
    name = label.decode("ascii")
    if name in ("BODY", "BODY.PEEK") and scanner.takes(b"["):
        return (_section_wish(scanner, reads=name == "BODY"),)
    if macros and name in MACROS:
        return tuple(Wish(one.encode(), one) for one in MACROS[name])
    if name != "FLAGS" and name not in WHOLE:
        raise BadSyntax
    return (Wish(label, name, reads=name in READING),)


def _section_wish(scanner: Scanner, *, reads: bool) -> Wish:
    section = scanner.match(SECTION)[0].decode("ascii").upper()
    names: list[str] = []
    label = section
    if "FIELDS" in section:
        names = _field_names(scanner)
        label = f"{section} ({' '.join(names)})"
    scanner.expect(b"]")
    part = None
    written = f"BODY[{label}]"
    if scanner.sees(b"<"):
        found = scanner.match(PARTIAL)
        part = (int(found[1]), int(found[2]))
        written += f"<{part[0]}>"
    return Wish(written.encode(), "BODY", reads, section, frozenset(name.lower() for name in names), part)


def _field_names(scanner: Scanner) -> list[str]:
    scanner.space()
    scanner.expect(b"(")
    names = [scanner.astring()]
    while not scanner.takes(b")"):
        scanner.space()
        names.append(scanner.astring())
    if not all(re.fullmatch(r"[!-9;-~]+", name) for name in names):
        raise BadSyntax
    return names


def _section(letter: Letter, section: str, names: frozenset[str]) -> bytes | None:
    """Return a section; `None` for a part there is not. The only part is 1."""
    if section == "HEADER.FIELDS":
        return letter.fields(lambda name: name in names)
    if section == "HEADER.FIELDS.NOT":
        return letter.fields(lambda name: name not in names)
    if section == "1.MIME":
        return letter.fields(lambda name: name.startswith("content-") or name == "mime-version")
    return {"": letter.raw, "HEADER": letter.head, "TEXT": letter.text, "1": letter.text}.get(section)
