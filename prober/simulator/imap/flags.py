"""The flags of a message: the read one belongs to the store, the others are kept beside it."""

from prober.simulator.mailbox import Folder, Item, Mailbox

SEEN = "\\Seen"
DELETED = "\\Deleted"
KNOWN = (SEEN, "\\Answered", "\\Flagged", DELETED, "\\Draft", "$MDNSent")
"""The flags Exchange keeps, in the order it names them; others are taken and forgotten."""
SPELLING = {flag.lower(): flag for flag in KNOWN}


def of(folder: Folder, item: Item) -> frozenset[str]:
    """Return the flags of `item`."""
    others = folder.flags.get(item.uid, frozenset())
    return others | {SEEN} if item.read else others


def written(flags: frozenset[str]) -> bytes:
    """Return a flag list."""
    return ("(" + " ".join(flag for flag in KNOWN if flag in flags) + ")").encode()


def known(flags: frozenset[str]) -> frozenset[str]:
    """Return those that are kept, in their usual spelling."""
    return frozenset(SPELLING[flag.lower()] for flag in flags if flag.lower() in SPELLING)


def store(mailbox: Mailbox, folder: Folder, item: Item, wanted: frozenset[str]) -> None:
    """Give `item` the flags `wanted`; what is so already stays untouched."""
    now = of(folder, item)
    if (SEEN in now) != (SEEN in wanted):
        mailbox.mark_read(folder.kind, item.uid, SEEN in wanted)
    if now - {SEEN} != wanted - {SEEN}:
        mailbox.set_flags(folder.kind, item.uid, wanted - {SEEN})
