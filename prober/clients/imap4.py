"""An IMAP4 mail program: signs in, looks at folders and the newest messages, and idles for news; it changes nothing."""

from prober.clients.imap4_channel import HeldInbox
from prober.clients.imap4_mailbox import (
    ENDPOINT,
    Imap4Options,
    MailProgram,
    authenticate,
    begin_idle,
    capability,
    capability_auth,
    greeting,
    options_of,
    select_inbox,
    token_request,
)
from prober.model import Assignment
from prober.protocols.imap.commands import (
    AskNamespace,
    FetchDate,
    FetchNewest,
    FindSubject,
    Identify,
    ListAll,
    Logout,
    Noop,
)
from prober.protocols.imap.session import AFTER_DONE
from prober.protocols.imap.status import IDLE_SILENT
from prober.transaction import Client, Scopes, SkipStep, Step, Transaction, has_canary, only_at, uses_oauth
from prober.vocabulary import Depth

NEWEST = 5
"""How many of the newest messages are looked at."""
LAST_UID = 2**32 - 1
"""Where nothing tells the next UID: a range from here to `*` holds the last message."""
SPECIAL_USES = frozenset({"\\all", "\\archive", "\\drafts", "\\flagged", "\\junk", "\\sent", "\\trash"})


async def id(tx: Transaction, program: MailProgram) -> None:  # noqa: A001 - the step's public name
    """Say who asks and hear who answers; a refusal is only noted."""
    if "ID" not in program.talk.offered:
        raise SkipStep
    options = options_of(tx.assignment)
    server = await program.talk.run(Identify(options.id_name, options.id_version))
    tx.note(id="refused" if server is None else "answered")


async def reach_logout(tx: Transaction, program: MailProgram) -> None:
    """Take leave before any sign-in."""
    await program.talk.run(Logout())


async def namespace(tx: Transaction, program: MailProgram) -> None:
    """Ask for the namespaces: the first command that needs the mailbox behind the front end."""
    if "NAMESPACE" not in program.talk.offered:
        raise SkipStep
    await program.talk.run(AskNamespace())


async def list(tx: Transaction, program: MailProgram) -> None:  # noqa: A001 - the step's public name
    """List all folders and find the inbox among them."""
    special_use = {"SPECIAL-USE", "LIST-EXTENDED"} <= program.talk.offered
    mailboxes = await program.talk.run(ListAll(special_use))
    used = sorted(SPECIAL_USES & {attribute for one in mailboxes for attribute in one.attributes})
    tx.note(mailboxes=len(mailboxes), special_uses=" ".join(used))


async def fetch_headers(tx: Transaction, program: MailProgram) -> None:
    """Fetch what a list of the newest messages shows, and one header field of the newest."""
    inbox = program.inbox
    if inbox is None or not inbox.exists:
        tx.saw_newest(None)
        raise SkipStep
    first = max(inbox.uid_next - NEWEST, 1) if inbox.uid_next else LAST_UID
    messages = await program.talk.run(FetchNewest(first))
    if not messages:
        return
    newest = max(messages, key=lambda message: message.uid)
    await program.talk.run(FetchDate(newest.uid))
    arrived = max(message.arrived for message in messages)
    tx.note(newest_internaldate=arrived.isoformat())
    tx.saw_newest(arrived.timestamp())


async def canary(tx: Transaction, program: MailProgram) -> None:
    """Find the canary item by its subject."""
    found = await program.talk.run(FindSubject(tx.target.canary or ""))
    tx.saw_canary(bool(found))


async def idle_start(tx: Transaction, program: MailProgram) -> None:
    """Ask to be told of news."""
    if not await begin_idle(program):
        raise SkipStep


async def idle_hold(tx: Transaction, program: MailProgram) -> None:
    """Stay in IDLE for a moment, then leave it."""
    if not program.talk.idling:
        raise SkipStep
    until, told = tx.timeline.clock() + options_of(tx.assignment).idle_seconds, 0
    while (left := until - tx.timeline.clock()) > 0:
        told += await program.talk.wait(left)
    await program.talk.done()
    tx.note(changes=told)


async def noop(tx: Transaction, program: MailProgram) -> None:
    """Show that the session still answers after IDLE."""
    await program.talk.run(Noop())


async def logout(tx: Transaction, program: MailProgram) -> None:
    """Take leave."""
    await program.talk.run(Logout())


OPENING = (greeting, capability, token_request, authenticate, capability_auth, select_inbox)


def _idle_limit(assignment: Assignment) -> float:
    """Longer than the hold and the 30 seconds for its end, so that a silent end is named as such."""
    return options_of(assignment).idle_seconds + AFTER_DONE + 5


CLIENT = Client(
    name="imap4",
    summary="An IMAP4 mail program such as Apple Mail or Thunderbird",
    title="IMAP4",
    memory=MailProgram,
    steps=(
        Step(greeting, Depth.REACH, 20),
        Step(capability, Depth.REACH, 15),
        Step(id, Depth.REACH, 15),
        Step(reach_logout, Depth.REACH, 5, tolerated=True, applies=only_at(Depth.REACH, Depth.TOKEN)),
        Step(token_request, Depth.TOKEN, 15, applies=uses_oauth),
        Step(authenticate, Depth.MAILBOX, 30),
        Step(capability_auth, Depth.MAILBOX, 15),
        Step(namespace, Depth.MAILBOX, 30),
        Step(list, Depth.MAILBOX, 30),
        Step(select_inbox, Depth.MAILBOX, 30),
        Step(fetch_headers, Depth.MAILBOX, 30),
        Step(canary, Depth.MAILBOX, 30, applies=has_canary),
        Step(idle_start, Depth.MAILBOX, 15),
        Step(idle_hold, Depth.MAILBOX, _idle_limit, overdue=IDLE_SILENT),
        Step(noop, Depth.MAILBOX, 15),
        Step(logout, Depth.MAILBOX, 5, tolerated=True),
    ),
    endpoints=(ENDPOINT,),
    scopes=Scopes(
        app="https://outlook.office365.com/.default",
        delegated="https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
    ),
    interval=60.0,
    options=Imap4Options,
    held=HeldInbox,
)
