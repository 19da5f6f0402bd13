"""A mailbox over Microsoft Graph: the public path to the same store, for clients whose own protocol nobody publishes.

Rule of this file: links to what is new are kept as a real program keeps them, and begun anew once when the server no
longer knows them; now and then everything is begun anew, which makes the server show more than what changed.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b

from prober.clients.imap4_mailbox import MailProgram, begin_idle, select_inbox, sign_in
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.protocols.graph import status
from prober.protocols.graph.calendar import CalendarDelta
from prober.protocols.graph.mail import FindCanary, ListFolders, MailDelta, Newest, user_url
from prober.protocols.graph.reading import Page, usable
from prober.protocols.imap.commands import FetchNewest, Logout, Noop
from prober.transaction import Scopes, SkipStep, Transaction

ENDPOINT, PUSH_ENDPOINT = "graph", "imap4"
GRAPH = Scopes(
    app="https://graph.microsoft.com/.default",
    delegated="https://graph.microsoft.com/Mail.Read https://graph.microsoft.com/Calendars.Read offline_access",
)
IMAP = Scopes(
    app="https://outlook.office365.com/.default",
    delegated="https://outlook.office.com/IMAP.AccessAsUser.All offline_access",
)
DAY = 86_400.0
AHEAD = 7
"""Days of the calendar that are followed."""
PAGES = 20
"""Pages after which a round is given up: a mailbox for probing holds no thousands of messages a day."""
LATE = 10.0
"""Seconds that a message has been there, by its INTERNALDATE, when the channel ought to have told of it."""
NOTIFY_SILENT = Kind("notify_silent", Reason.PUSH_CHANNEL_LOST)
NOTIFY_LOST = Kind("notify_lost", Reason.PUSH_CHANNEL_LOST)

Follow = Callable[[Transaction, str], Awaitable[Page]]
"""Asks for the page behind a link; an empty link begins anew."""


@dataclass(slots=True)
class GraphMailbox:
    """What is known within one transaction: nothing, for the links are in the device's memory."""


def user(tx: Transaction) -> str:
    """Return the URL of the mailbox."""
    return user_url(tx.endpoint(ENDPOINT), tx.mailbox)


async def token_request(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Obtain a token for Graph, unless one is in hand."""
    await tx.token()


async def list_folders(tx: Transaction, mailbox: GraphMailbox) -> None:
    """List the mail folders."""
    tx.note(folders=await tx.ask(ListFolders(user(tx))))


async def mail_delta_prime(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Begin to follow the Inbox, unless it is followed already; from the last day on."""
    memory = tx.device.memory
    warm = int(memory.get("graph_warm", "0") or 0)
    if warm > 0 and "mail_delta" in memory:
        memory["graph_warm"] = str(warm - 1)
        raise SkipStep
    tx.device.forget("mail_delta", "calendar_delta", "graph_warm")
    tx.note(items=await _round(tx, "mail_delta", _mail))
    memory["graph_warm"] = str(getattr(tx.options, "cold_every", 15) - 1)


async def mail_delta_next(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Ask what is new in the Inbox since the last time."""
    tx.note(items=await _followed(tx, "mail_delta", _mail))


async def news(tx: Transaction, name: str) -> int:
    """Return how many items are new since the last time for who follows the Inbox as `name`; begun anew, none are."""
    try:
        known = bool(_kept(tx, name))
        count = await _round(tx, name, _mail)
    except FaultError as error:
        if not _begins_anew(tx, name, error):
            raise
        await _round(tx, name, _mail)
        return 0
    return count if known else 0


async def calendar_delta(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Ask what changed in the calendar of the coming days."""
    memory, today = tx.device.memory, _today(tx)
    if memory.get("calendar_day") != today:
        tx.device.forget("calendar_delta")
    memory["calendar_day"] = today
    tx.note(items=await _followed(tx, "calendar_delta", _calendar))


async def read_newest(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Read when the newest message came, and hold it against what other clients of this mailbox see."""
    received = await tx.ask(Newest(user(tx)))
    if received is not None:
        tx.note(newest_age=round(max(0.0, tx.wall() - received)))
    tx.saw_newest(received)


async def canary(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Look for the canary item."""
    tx.saw_canary(await tx.ask(FindCanary(user(tx), tx.target.canary or "")))


async def notify_wait(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Wait for news for a moment, over a public channel to the same mailbox: IMAP IDLE in place of the private one."""
    if PUSH_ENDPOINT not in tx.target.endpoints:
        raise SkipStep
    aside, program = tx.beside(IMAP), MailProgram()
    try:
        await sign_in(aside, program)
        await select_inbox(aside, program)
        if not await begin_idle(program):
            raise SkipStep
        await _listen(aside, program, float(getattr(tx.options, "notify_seconds", 2.0)))
    finally:
        await _leave(program)


async def _listen(tx: Transaction, program: MailProgram, seconds: float) -> None:
    """Stay in IDLE; where it told nothing, look whether it kept anything back. Raises `FaultError`."""
    talk, clock = program.talk, tx.timeline.clock
    until, told = clock() + seconds, 0
    try:
        while (left := until - clock()) > 0:
            told += await talk.wait(left)
        await talk.done()
    except FaultError as error:
        raise _lost(error) from None
    tx.note(changes=told)
    if not told:
        await _look(tx, program)


async def _look(tx: Transaction, program: MailProgram) -> None:
    """Look for messages that came since the inbox was opened: by their UIDs, for others may have gone meanwhile."""
    talk, first = program.talk, program.inbox.uid_next if program.inbox else None
    await talk.run(Noop())
    if not first or not talk.messages:
        return
    came = [one for one in await talk.run(FetchNewest(first)) if one.uid >= first]
    longest = max((tx.wall() - one.arrived.timestamp() for one in came), default=0.0)
    if longest >= LATE:
        raise FaultError(NOTIFY_SILENT, {"messages": str(len(came)), "seconds": str(round(longest))})


def _lost(error: FaultError) -> FaultError:
    if error.fault.reason not in (Reason.CONNECTION_RESET, Reason.READ_TIMEOUT):
        return error
    return FaultError(NOTIFY_LOST, {"cause": error.fault.kind.code}, phase=error.fault.phase)


async def _leave(program: MailProgram) -> None:
    if program.conversation is None:
        return
    with suppress(FaultError):
        if not program.talk.idling:
            await program.talk.run(Logout())
    await program.talk.close()


# -- links ---------------------------------------------------------------------------------------------------------


async def _followed(tx: Transaction, name: str, follow: Follow) -> int:
    """Follow what is kept under `name`; begin anew once where the server does not know it any more."""
    try:
        return await _round(tx, name, follow)
    except FaultError as error:
        if not _begins_anew(tx, name, error):
            raise
    return await _round(tx, name, follow)


def _begins_anew(tx: Transaction, name: str, error: FaultError) -> bool:
    """Whether a fault is that of a link no longer known; then it is forgotten, and noted."""
    if error.fault.kind is not status.RESYNC or name not in tx.device.memory:
        return False
    tx.note(link="refused")
    tx.device.forget(name)
    return True


async def _round(tx: Transaction, name: str, follow: Follow) -> int:
    """Read pages until the server says that this was all; keep its link; return how many items came."""
    link, count = _kept(tx, name), 0
    for _ in range(PAGES):
        page = await follow(tx, link)
        count += len(page.items)
        link = page.next_link
        if not link:
            break
    else:
        raise FaultError(status.TOO_MANY_PAGES, {"pages": str(PAGES)})
    if not page.delta_link:
        raise FaultError(status.WRONG_SHAPE, {"missing": "@odata.deltaLink"})
    tx.device.memory[name], tx.device.memory[f"{name}_of"] = page.delta_link, _owner(tx)
    return count


def _kept(tx: Transaction, name: str) -> str:
    """Return the link of the last round, if it is one of this mailbox at this host: configuration may have changed."""
    owner, link = tx.device.memory.get(f"{name}_of", ""), tx.device.memory.get(name, "")
    if link and owner == _owner(tx) and usable(link, user(tx)):
        return link
    tx.device.forget(name)
    return ""


def _owner(tx: Transaction) -> str:
    """Return a digest of the mailbox and where it is: an address does not belong in a state file."""
    return blake2b(user(tx).lower().encode(), digest_size=8).hexdigest()


async def _mail(tx: Transaction, link: str) -> Page:
    return await tx.ask(MailDelta(user(tx), tx.wall() - DAY, link))


async def _calendar(tx: Transaction, link: str) -> Page:
    start = datetime.fromisoformat(_today(tx)).replace(tzinfo=UTC).timestamp()
    return await tx.ask(CalendarDelta(user(tx), start, start + AHEAD * DAY, link))


def _today(tx: Transaction) -> str:
    return f"{datetime.fromtimestamp(tx.wall(), UTC):%Y-%m-%d}"
