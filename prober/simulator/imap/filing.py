"""Putting messages into folders: APPEND (RFC 3501 section 6.3.11), COPY, MOVE (RFC 6851), with UIDPLUS codes.

A message given to the store is taken apart and made anew when it is read, as Exchange does: subject, sender, text and
date survive, its exact octets do not.
"""

import re
from collections.abc import Callable
from datetime import datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.utils import parseaddr

from prober.simulator.imap import dates, flags, folders, texts
from prober.simulator.imap.answer import Answer, bad, no, ok
from prober.simulator.imap.scanner import Scanner
from prober.simulator.imap.sequence import read_set, write_set
from prober.simulator.imap.session import Command, Session, Until
from prober.simulator.imap.view import View
from prober.simulator.mailbox import Folder, Item, Mailbox

ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9.-]+")
NO_FOLDER = "[TRYCREATE] The requested folder could not be found."


def append(session: Session, command: Command, until: Until) -> Answer:
    """APPEND one message."""
    scanner = command.arguments
    scanner.space()
    name = scanner.astring()
    scanner.space()
    given, received = _options(scanner)
    text = scanner.string()
    scanner.end()
    folder = folders.find(session.store, name)
    if folder is None:
        return no(NO_FOLDER)
    item = _delivered(session.store, folder, text, received)
    flags.store(session.store, folder, item, flags.known(given))
    news = session.view.news(until) if session.view else []
    return ok(f"[APPENDUID {folder.uid_validity} {item.uid}] APPEND completed.", *news)


def _options(scanner: Scanner) -> tuple[frozenset[str], datetime | None]:
    given: frozenset[str] = frozenset()
    received = None
    if scanner.sees(b"("):
        given = scanner.flags()
        scanner.space()
    if scanner.sees(b'"'):
        received = dates.read_date_time(scanner)
        scanner.space()
    return given, received


def _delivered(mailbox: Mailbox, folder: Folder, text: bytes, received: datetime | None) -> Item:
    message = BytesParser().parsebytes(text)
    sender = parseaddr(str(message.get("From", "")))[1]
    return mailbox.deliver(
        _subject(str(message.get("Subject", ""))),
        sender=sender if ADDRESS.fullmatch(sender) else "",
        body=_body(message),
        folder=folder.kind,
        received=received,
    )


def _subject(written: str) -> str:
    try:
        text = str(make_header(decode_header(written)))
    except (HeaderParseError, LookupError, ValueError):
        text = written
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _body(message: Message) -> str:
    part = next((one for one in message.walk() if one.get_content_maintype() == "text"), message)
    octets = part.get_payload(decode=True)
    if not isinstance(octets, bytes):
        return ""
    try:
        return octets.decode(str(part.get_content_charset("utf-8")), "replace")
    except (LookupError, ValueError):
        return octets.decode("latin-1")


def copy(session: Session, command: Command, until: Until) -> Answer:
    """COPY and UID COPY."""
    return _filed(session, command, until, _copied)


def move(session: Session, command: Command, until: Until) -> Answer:
    """MOVE and UID MOVE: the code stands in an untagged line, before the messages go (RFC 6851 section 4.3)."""
    if session.selected.read_only:
        return no("The mailbox is read-only.")
    return _filed(session, command, until, _moved)


Filing = Callable[[View, list[Item], str, Until], Answer]


def _filed(session: Session, command: Command, until: Until, file: Filing) -> Answer:
    scanner, view = command.arguments, session.selected
    scanner.space()
    wanted = read_set(scanner)
    scanner.space()
    name = scanner.astring()
    scanner.end()
    chosen = view.chosen(wanted, by_uid=command.by_uid, until=until)
    if chosen is None:
        return bad(texts.INVALID_SET)
    target = folders.find(session.store, name)
    if target is None:
        return no(NO_FOLDER)
    items = [item for _, item in chosen]
    if not items:
        return ok(f"{command.name} completed.")
    made = [_duplicate(session.store, view.folder, target, item).uid for item in items]
    code = f"[COPYUID {target.uid_validity} {write_set([item.uid for item in items])} {write_set(made)}]"
    return file(view, items, code, until)


def _copied(view: View, items: list[Item], code: str, until: Until) -> Answer:
    return ok(f"{code} COPY completed.", *view.news(until))


def _moved(view: View, items: list[Item], code: str, until: Until) -> Answer:
    for item in items:
        view.mailbox.delete(view.folder.kind, item.uid)
    return ok("MOVE completed.", f"* OK {code} Moved.".encode(), *view.news(until))


def _duplicate(mailbox: Mailbox, source: Folder, target: Folder, item: Item) -> Item:
    kept = flags.of(source, item)
    made = mailbox.deliver(item.subject, sender=item.sender, body=item.body, folder=target.kind, received=item.received)
    flags.store(mailbox, target, made, kept)
    return made
