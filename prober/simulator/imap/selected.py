"""The commands on a selected folder (RFC 3501 section 6.4, UIDPLUS of RFC 4315, UNSELECT of RFC 3691)."""

from prober.simulator.imap import flags, texts
from prober.simulator.imap.answer import Answer, bad, no, ok
from prober.simulator.imap.fetch import Wish, read_wishes
from prober.simulator.imap.message import Letter
from prober.simulator.imap.scanner import FLAG, BadSyntax, Scanner
from prober.simulator.imap.search import Candidate, read_keys
from prober.simulator.imap.sequence import read_set
from prober.simulator.imap.session import Command, Session, Until
from prober.simulator.imap.view import View
from prober.simulator.mailbox import Item

UID = Wish(b"UID", "UID")
FLAGS = Wish(b"FLAGS", "FLAGS")


def fetch(session: Session, command: Command, until: Until) -> Answer:
    """FETCH and UID FETCH. Reading a body marks the message as read, where the folder may be written."""
    scanner, view = command.arguments, session.selected
    scanner.space()
    wanted = read_set(scanner)
    scanner.space()
    wishes = read_wishes(scanner)
    scanner.end()
    chosen = view.chosen(wanted, by_uid=command.by_uid, until=until)
    if chosen is None:
        return bad(texts.INVALID_SET)
    if command.by_uid and UID not in wishes:
        wishes = (UID, *wishes)
    with view.own_changes():
        lines = [_fetched(view, number, item, wishes) for number, item in chosen]
    return ok("FETCH completed.", *lines)


def _fetched(view: View, number: int, item: Item, wishes: tuple[Wish, ...]) -> bytes:
    if not view.read_only and not item.read and any(wish.reads for wish in wishes):
        view.mailbox.mark_read(view.folder.kind, item.uid)
        item = view.folder.items[item.uid]
        wishes = wishes if FLAGS in wishes else (*wishes, FLAGS)
    letter = Letter(item)
    return b"* %d FETCH (%b)" % (number, b" ".join(wish.written(letter, view.folder) for wish in wishes))


def search(session: Session, command: Command, until: Until) -> Answer:
    """SEARCH and UID SEARCH, RFC 3501 section 6.4.4."""
    scanner, view = command.arguments, session.selected
    scanner.space()
    if scanner.sees(b"CHARSET ") or scanner.sees(b"charset "):
        scanner.atom()
        scanner.space()
        if scanner.astring().upper() not in ("US-ASCII", "UTF-8"):
            return no("[BADCHARSET (US-ASCII UTF-8)] The specified charset is not supported.")
        scanner.space()
    test = read_keys(scanner, view.extent)
    scanner.end()
    found = [(number, item) for number, item in view.items(until) if test(_candidate(view, number, item))]
    shown = "".join(f" {item.uid if command.by_uid else number}" for number, item in found)
    return ok("SEARCH completed.", f"* SEARCH{shown}".encode())


def _candidate(view: View, number: int, item: Item) -> Candidate:
    return Candidate(number, Letter(item), flags.of(view.folder, item))


def store(session: Session, command: Command, until: Until) -> Answer:
    """STORE and UID STORE, RFC 3501 section 6.4.6."""
    scanner, view = command.arguments, session.selected
    scanner.space()
    wanted = read_set(scanner)
    scanner.space()
    name = scanner.match(FLAG)[0].decode("ascii").upper()
    scanner.space()
    given = flags.known(_flag_list(scanner))
    scanner.end()
    if name.removesuffix(".SILENT") not in ("FLAGS", "+FLAGS", "-FLAGS"):
        raise BadSyntax
    chosen = view.chosen(wanted, by_uid=command.by_uid, until=until)
    if chosen is None:
        return bad(texts.INVALID_SET)
    if view.read_only:
        return no("The mailbox is read-only.")
    with view.own_changes():
        lines = [_stored(view, number, item, name[0], given, by_uid=command.by_uid) for number, item in chosen]
    return ok("STORE completed.", *(() if name.endswith(".SILENT") else lines))


def _flag_list(scanner: Scanner) -> frozenset[str]:
    """Take flags with or without parentheses around them."""
    if scanner.sees(b"("):
        return scanner.flags()
    found = {scanner.match(FLAG)[0].decode("ascii")}
    while scanner.takes(b" "):
        found.add(scanner.match(FLAG)[0].decode("ascii"))
    return frozenset(found)


def _stored(view: View, number: int, item: Item, sign: str, given: frozenset[str], *, by_uid: bool) -> bytes:
    now = flags.of(view.folder, item)
    wanted = {"+": now | given, "-": now - given}.get(sign, given)
    flags.store(view.mailbox, view.folder, item, wanted)
    uid = b"UID %d " % item.uid if by_uid else b""
    return b"* %d FETCH (%bFLAGS %b)" % (number, uid, flags.written(wanted))


def expunge(session: Session, command: Command, until: Until) -> Answer:
    """EXPUNGE, and UID EXPUNGE of RFC 4315."""
    scanner, view = command.arguments, session.selected
    wanted = None
    if command.by_uid:
        scanner.space()
        wanted = read_set(scanner).within(view.extent.last_uid)
    scanner.end()
    if view.read_only:
        return no("The mailbox is read-only.")
    remove_deleted(view, frozenset(uid for uid in view.uids if wanted is None or uid in wanted))
    return ok("EXPUNGE completed.", *view.news(until))


def close(session: Session, command: Command, until: Until) -> Answer:
    """CLOSE removes what is marked, UNSELECT does not; neither says what went."""
    command.arguments.end()
    view = session.selected
    if command.name == "CLOSE" and not view.read_only:
        remove_deleted(view, frozenset(view.uids))
    session.view = None
    return ok(f"{command.name} completed.")


def remove_deleted(view: View, among: frozenset[int]) -> None:
    """Delete the messages marked as deleted that are `among` these UIDs."""
    for uid in sorted(among):
        if uid in view.folder.items and flags.DELETED in view.folder.flags.get(uid, ()):
            view.mailbox.delete(view.folder.kind, uid)
