"""The state of one session, and the commands that need no selected folder (RFC 3501 sections 6.1 to 6.3).

Every handler takes the session, the command, and the moment up to which the store shows itself (`None`: as it is).
"""

from dataclasses import dataclass
from datetime import datetime

from prober.simulator.imap import folders, texts
from prober.simulator.imap.answer import Answer, bad, no, ok
from prober.simulator.imap.flags import KNOWN
from prober.simulator.imap.scanner import LIST_MAILBOX, BadSyntax, Scanner
from prober.simulator.imap.view import View
from prober.simulator.mailbox import Folder, Mailbox

Until = datetime | None
FLAGS = " ".join(KNOWN)


@dataclass(slots=True)
class Session:
    """`authenticated` without a `mailbox`: let in, but not connected. `expires`: of the token, 0 for never."""

    authenticated: bool = False
    mailbox: Mailbox | None = None
    view: View | None = None
    expires: float = 0.0

    @property
    def store(self) -> Mailbox:
        """The mailbox, for commands that are only let through with one."""
        if self.mailbox is None:
            raise BadSyntax
        return self.mailbox

    @property
    def selected(self) -> View:
        """The selected folder, likewise."""
        if self.view is None:
            raise BadSyntax
        return self.view


@dataclass(frozen=True, slots=True)
class Command:
    """One command. `arguments` stands behind its name; `by_uid`: it was said with UID in front."""

    tag: str
    name: str
    arguments: Scanner
    by_uid: bool = False


def capability(session: Session, command: Command, until: Until) -> Answer:
    """RFC 3501 section 6.1.1."""
    command.arguments.end()
    words = texts.AFTER_LOGIN if session.authenticated else texts.BEFORE_LOGIN
    return ok("CAPABILITY completed.", f"* CAPABILITY {' '.join(words)}".encode())


def identify(session: Session, command: Command, until: Until) -> Answer:
    """RFC 2971: up to thirty pairs, or NIL."""
    scanner = command.arguments
    scanner.space()
    if not scanner.takes(b"("):
        scanner.nstring()
    else:
        _pairs(scanner)
    scanner.end()
    said = b'* ID ("name" "Microsoft.Exchange.Imap4.Imap4Server" "version" "15.20")'
    return ok("ID completed", said)


def _pairs(scanner: Scanner) -> None:
    first = True
    while not scanner.takes(b")"):
        if not first:
            scanner.space()
        scanner.string()
        scanner.space()
        scanner.nstring()
        first = False


def noop(session: Session, command: Command, until: Until) -> Answer:
    """RFC 3501 sections 6.1.2 and 6.4.1: also tells what is new."""
    command.arguments.end()
    return ok(f"{command.name} completed.", *(session.view.news(until) if session.view else ()))


def logout(session: Session, command: Command, until: Until) -> Answer:
    """RFC 3501 section 6.1.3. The farewell comes before the tagged line; `after` is set by who can hang up."""
    command.arguments.end()
    return ok("LOGOUT completed.", f"* BYE {texts.SIGNING_OFF}".encode())


def namespace(session: Session, command: Command, until: Until) -> Answer:
    """RFC 2342."""
    command.arguments.end()
    return ok("NAMESPACE completed.", b'* NAMESPACE (("" "/")) NIL NIL')


def list_folders(session: Session, command: Command, until: Until) -> Answer:
    """LIST and LSUB, RFC 3501 sections 6.3.8 and 6.3.9: every folder is subscribed to."""
    scanner = command.arguments
    scanner.space()
    reference = scanner.astring()
    scanner.space()
    pattern = scanner.astring(LIST_MAILBOX)
    scanner.end()
    if not pattern:
        return ok(f"{command.name} completed.", folders.root(command.name))
    return ok(f"{command.name} completed.", *folders.listed(session.store, command.name, reference + pattern))


def status(session: Session, command: Command, until: Until) -> Answer:
    """RFC 3501 section 6.3.10."""
    scanner = command.arguments
    scanner.space()
    name = scanner.astring()
    scanner.space()
    wanted = _status_items(scanner)
    scanner.end()
    folder = folders.find(session.store, name)
    if folder is None:
        return _missing(name)
    return ok("STATUS completed.", folders.status(folder, folder.visible(until), wanted, until))


def _status_items(scanner: Scanner) -> list[str]:
    scanner.expect(b"(")
    wanted = [scanner.atom()]
    while not scanner.takes(b")"):
        scanner.space()
        wanted.append(scanner.atom())
    if not folders.STATUS_ITEMS.issuperset(wanted):
        raise BadSyntax
    return list(dict.fromkeys(wanted))


def select(session: Session, command: Command, until: Until) -> Answer:
    """SELECT and EXAMINE, RFC 3501 sections 6.3.1 and 6.3.2. A failed one leaves nothing selected."""
    folder, name = _folder(session, command)
    session.view = None
    if folder is None:
        return _missing(name)
    session.view = View(session.store, folder.kind, read_only=command.name == "EXAMINE", until=until)
    return _opened(session.view, command, until)


def _opened(view: View, command: Command, until: Until) -> Answer:
    unseen = next((number for number, item in view.items(until) if not item.read), 0)
    following = view.folder.uid_next if until is None else view.extent.last_uid + 1
    kept = "" if view.read_only else FLAGS
    lines = (
        f"* {len(view.uids)} EXISTS",
        "* 0 RECENT",
        f"* FLAGS ({FLAGS})",
        f"* OK [PERMANENTFLAGS ({kept})] Permanent flags",
        *((f"* OK [UNSEEN {unseen}] Is the first unseen message",) if unseen else ()),
        f"* OK [UIDVALIDITY {view.folder.uid_validity}] UIDVALIDITY value",
        f"* OK [UIDNEXT {following}] The next unique identifier value",
    )
    code = "[READ-ONLY]" if view.read_only else "[READ-WRITE]"
    return ok(f"{code} {command.name} completed.", *(line.encode() for line in lines))


def subscribe(session: Session, command: Command, until: Until) -> Answer:
    """SUBSCRIBE and UNSUBSCRIBE: every folder is subscribed to and stays so."""
    folder, name = _folder(session, command)
    return ok(f"{command.name} completed.") if folder else _missing(name)


def fixed(session: Session, command: Command, until: Until) -> Answer:
    """CREATE, DELETE and RENAME: a mailbox here has its default folders, no fewer and no others."""
    return no(f"{command.name} failed.")


def unknown(session: Session, command: Command, until: Until) -> Answer:
    """Whatever else is said."""
    return bad(texts.UNKNOWN_COMMAND)


def _folder(session: Session, command: Command) -> tuple[Folder | None, str]:
    command.arguments.space()
    name = command.arguments.astring()
    command.arguments.end()
    return folders.find(session.store, name), name


def _missing(name: str) -> Answer:
    shown = "".join(letter if letter.isprintable() else "?" for letter in name[:100])
    return no(f"{shown} doesn't exist.")
