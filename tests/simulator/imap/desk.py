"""A mailbox and a session upon it without any connection: commands in, lines out."""

from datetime import UTC, datetime, timedelta

from prober.simulator.imap import commands
from prober.simulator.imap.session import Session, Until
from prober.simulator.mailbox import Mailbox

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def alice(messages: int = 3) -> Mailbox:
    """Return a mailbox with messages of 09:00, 10:00, …, from one sender each."""
    mailbox = Mailbox("alice@contoso.example", "ams1", lambda: NOON)
    for number in range(1, messages + 1):
        mailbox.deliver(
            f"Report {number}",
            sender=f"sender{number}@fabrikam.example",
            body=f"Text {number}.\r\n",
            received=NOON.replace(hour=8) + timedelta(hours=number),
        )
    return mailbox


def at(mailbox: Mailbox) -> Session:
    """Return a session that has signed in."""
    return Session(authenticated=True, mailbox=mailbox)


def ask(session: Session, line: bytes, until: Until = None) -> list[bytes]:
    """Let a session answer one command, and return its lines. Raises `BadSyntax`."""
    command, entry = commands.read_command(b"t " + line)
    assert commands.taken(session, entry.state)
    return entry.handle(session, command, until).written("t").split(b"\r\n")[:-1]


def inbox(mailbox: Mailbox | None = None) -> Session:
    """Return a session that has selected the Inbox."""
    session = at(mailbox or alice())
    ask(session, b"SELECT INBOX")
    return session
