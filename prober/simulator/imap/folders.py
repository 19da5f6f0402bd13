"""The folders of a mailbox under their IMAP names, and what LIST and STATUS say of them (RFC 3501 section 6.3)."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType

from prober.simulator.imap.scanner import quoted
from prober.simulator.mailbox import Folder, FolderKind, Item, Mailbox

SEPARATOR = "/"
USES: Mapping[FolderKind, str] = MappingProxyType(
    {
        FolderKind.DRAFTS: " \\Drafts",
        FolderKind.SENT: " \\Sent",
        FolderKind.DELETED: " \\Trash",
        FolderKind.JUNK: " \\Junk",
        FolderKind.ARCHIVE: " \\Archive",
    }
)


def name_of(folder: Folder) -> str:
    """Return the name of a folder."""
    return "INBOX" if folder.kind is FolderKind.INBOX else folder.name


def find(mailbox: Mailbox, name: str) -> Folder | None:
    """Return the folder of a name, whatever the case of its letters."""
    wanted = name.rstrip(SEPARATOR).lower()
    return next((folder for folder in mailbox.folders.values() if name_of(folder).lower() == wanted), None)


def listed(mailbox: Mailbox, word: str, pattern: str) -> list[bytes]:
    """Return the LIST (or LSUB) lines of the folders that fit `pattern`."""
    fits = _pattern(pattern)
    found = sorted((name_of(folder), folder.kind) for folder in _in_order(mailbox) if fits(name_of(folder)))
    return [_line(word, f"\\HasNoChildren{USES.get(kind, '')}", name) for name, kind in found]


def root(word: str) -> bytes:
    """Return the line that tells the hierarchy separator."""
    return _line(word, "\\Noselect", "")


def status(folder: Folder, items: list[Item], wanted: list[str], until: datetime | None) -> bytes:
    """Return the STATUS line. `items` are the messages there are to see."""
    following = folder.uid_next if until is None else max((item.uid for item in items), default=0) + 1
    values = {
        "MESSAGES": len(items),
        "RECENT": 0,
        "UIDNEXT": following,
        "UIDVALIDITY": folder.uid_validity,
        "UNSEEN": sum(not item.read for item in items),
    }
    shown = " ".join(f"{name} {values[name]}" for name in wanted)
    return b"* STATUS %b (%b)" % (written(name_of(folder)), shown.encode())


STATUS_ITEMS = frozenset({"MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN"})


def written(name: str) -> bytes:
    """Return a name the way Exchange writes it: quoted only where it must be."""
    return name.encode() if re.fullmatch(r"[A-Za-z0-9]+", name) else quoted(name.encode())


def _in_order(mailbox: Mailbox) -> list[Folder]:
    return list(mailbox.folders.values())


def _line(word: str, attributes: str, name: str) -> bytes:
    return f'* {word} ({attributes}) "{SEPARATOR}" '.encode() + written(name)


def _pattern(pattern: str) -> Callable[[str], bool]:
    """Return whether a name fits: `*` is anything, `%` anything within one level. INBOX has no case."""
    parts = re.split(r"([*%]+)", pattern)
    made = "".join(_wild(part) if part[:1] in ("*", "%") else re.escape(part) for part in parts)
    compiled = re.compile(made, re.IGNORECASE)
    return lambda name: compiled.fullmatch(name) is not None


def _wild(run: str) -> str:
    return ".*" if "*" in run else f"[^{SEPARATOR}]*"
