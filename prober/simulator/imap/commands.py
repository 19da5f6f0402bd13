"""Which commands there are: in which state each is taken, which step of a client it is, and who answers it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from prober.simulator.imap import filing, selected, session
from prober.simulator.imap.answer import Answer
from prober.simulator.imap.scanner import TAG, Scanner
from prober.simulator.imap.session import Command, Session, Until

NAME = re.compile(rb"[A-Za-z0-9.-]{1,30}")


class State(Enum):
    """In which state of a session (RFC 3501 section 3) a command is taken."""

    ANY = "any"
    MAILBOX = "authenticated"
    FOLDER = "selected"


Handler = Callable[[Session, Command, Until], Answer]


@dataclass(frozen=True, slots=True)
class Entry:
    """One command. `before` and `after` are its steps before and after login; `front`: it never asks the mailbox."""

    state: State
    handle: Handler
    before: str = ""
    after: str = ""
    front: bool = False


UNKNOWN = Entry(State.ANY, session.unknown, front=True)
COMMANDS: Mapping[str, Entry] = MappingProxyType(
    {
        "CAPABILITY": Entry(State.ANY, session.capability, "capability", "capability_auth", front=True),
        "ID": Entry(State.ANY, session.identify, "id", "id", front=True),
        "LOGOUT": Entry(State.ANY, session.logout, "reach_logout", "logout", front=True),
        "NOOP": Entry(State.ANY, session.noop, "", "noop"),
        "NAMESPACE": Entry(State.MAILBOX, session.namespace, after="namespace"),
        "LIST": Entry(State.MAILBOX, session.list_folders, after="list"),
        "LSUB": Entry(State.MAILBOX, session.list_folders),
        "STATUS": Entry(State.MAILBOX, session.status),
        "SELECT": Entry(State.MAILBOX, session.select, after="select_inbox"),
        "EXAMINE": Entry(State.MAILBOX, session.select, after="select_inbox"),
        "SUBSCRIBE": Entry(State.MAILBOX, session.subscribe),
        "UNSUBSCRIBE": Entry(State.MAILBOX, session.subscribe),
        "CREATE": Entry(State.MAILBOX, session.fixed),
        "DELETE": Entry(State.MAILBOX, session.fixed),
        "RENAME": Entry(State.MAILBOX, session.fixed),
        "APPEND": Entry(State.MAILBOX, filing.append),
        "CHECK": Entry(State.FOLDER, session.noop),
        "CLOSE": Entry(State.FOLDER, selected.close),
        "UNSELECT": Entry(State.FOLDER, selected.close),
        "EXPUNGE": Entry(State.FOLDER, selected.expunge),
        "UID EXPUNGE": Entry(State.FOLDER, selected.expunge),
        "FETCH": Entry(State.FOLDER, selected.fetch, after="fetch_headers"),
        "UID FETCH": Entry(State.FOLDER, selected.fetch, after="fetch_headers"),
        "SEARCH": Entry(State.FOLDER, selected.search, after="canary"),
        "UID SEARCH": Entry(State.FOLDER, selected.search, after="canary"),
        "STORE": Entry(State.FOLDER, selected.store),
        "UID STORE": Entry(State.FOLDER, selected.store),
        "COPY": Entry(State.FOLDER, filing.copy),
        "UID COPY": Entry(State.FOLDER, filing.copy),
        "MOVE": Entry(State.FOLDER, filing.move),
        "UID MOVE": Entry(State.FOLDER, filing.move),
    }
)


def read_command(line: bytes) -> tuple[Command, Entry]:
    """Return a command and what is known of it. Raises `BadSyntax` for a line without tag and name."""
    scanner = Scanner(line)
    tag = scanner.match(TAG)[0].decode("ascii")
    scanner.space()
    name = scanner.match(NAME)[0].decode("ascii").upper()
    by_uid = name == "UID"
    if by_uid:
        if not scanner.takes(b" "):
            return Command(tag, name, scanner), UNKNOWN
        name = scanner.match(NAME)[0].decode("ascii").upper()
    return Command(tag, name, scanner, by_uid), COMMANDS.get(f"UID {name}" if by_uid else name, UNKNOWN)


def taken(session: Session, state: State) -> bool:
    """Whether a command of `state` is in order now."""
    return {
        State.ANY: True,
        State.MAILBOX: session.authenticated,
        State.FOLDER: session.view is not None,
    }[state]
