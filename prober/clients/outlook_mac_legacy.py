"""Legacy Outlook for Mac over Exchange Web Services: mail, calendar, free/busy, out of office and notifications.

What the client knows of folders and items it keeps from one time to the next, as texts of the server. Now and then it
learns the folders from nothing, so that a server which has lost its store and tells of no change is found out.
"""

from dataclasses import dataclass
from urllib.parse import urlsplit

from prober.clients.ews import ENDPOINT, EwsOptions, Turn, caller, follow, options_of, say
from prober.clients.ews_stream import HeldStream, Stream, subscribe
from prober.clients.ews_stream import unsubscribe as leave
from prober.faults.taxonomy import FaultError
from prober.model import Assignment
from prober.protocols.autodiscover.pox import AskPox, PoxChallenge
from prober.protocols.ews import status
from prober.protocols.ews.find_item import FindItem
from prober.protocols.ews.get_folder import GetFolder
from prober.protocols.ews.get_item import GetItem
from prober.protocols.ews.get_user_availability import GetUserAvailability
from prober.protocols.ews.get_user_oof_settings import GetUserOofSettings
from prober.protocols.ews.streaming import SHORTEST
from prober.protocols.ews.sync_folder_hierarchy import SyncFolderHierarchy
from prober.protocols.http.health_page import HealthPage, beside
from prober.protocols.http.oauth_challenge import OAuthChallenge
from prober.transaction import Client, Scopes, SkipStep, Step, Transaction, has_canary, only_in, uses_oauth
from prober.vocabulary import Depth, Environment

DISCOVERY = "autodiscover_pox"
SUBSCRIPTION = "subscription"
PAGES = 20
HALF_HOUR = 1800.0


@dataclass(slots=True)
class Mailbox:
    """What the client knows within one transaction; what it keeps longer is in the transaction's device memory."""

    subscription: str = ""


def expects_oauth(assignment: Assignment) -> bool:
    """Whether the server ought to offer OAuth."""
    bare = assignment.credential is None and assignment.target.environment is Environment.EXCHANGE_ONLINE
    return bare or uses_oauth(assignment)


# -- without credentials -------------------------------------------------------------------------------------------


async def health_page(tx: Transaction, mailbox: Mailbox) -> None:
    """Read the page that Exchange Server makes for load balancers."""
    directory = tx.endpoint(ENDPOINT).rpartition("/")[0]
    tx.note(server=await tx.ask(HealthPage(beside(directory))))


async def oauth_challenge(tx: Transaction, mailbox: Mailbox) -> None:
    """Provoke the OAuth challenge."""
    tx.note(challenge=await say(tx, OAuthChallenge(tx.endpoint(ENDPOINT), tx.target.mailbox or "", method="GET")))


async def token_request(tx: Transaction, mailbox: Mailbox) -> None:
    """Obtain a token, unless one is in hand."""
    await tx.token()


async def autodiscover_pox(tx: Transaction, mailbox: Mailbox) -> None:
    """Ask Autodiscover where the web services are; without a credential, be refused."""
    if DISCOVERY not in tx.target.endpoints:
        raise SkipStep
    if tx.assignment.depth is not Depth.MAILBOX:
        tx.note(challenge=await tx.ask(PoxChallenge(tx.endpoint(DISCOVERY))))
        return
    found = await tx.ask(AskPox(tx.endpoint(DISCOVERY), tx.mailbox))
    if found.redirect_address or found.redirect_url:
        tx.note(redirect="hybrid")
        return
    told = found.ews_url or found.as_url
    if not told:
        raise FaultError(status.NO_URL, {"element": "EwsUrl"})
    tx.note(same_host=urlsplit(told).hostname == urlsplit(tx.endpoint(ENDPOINT)).hostname)


# -- with a mailbox ------------------------------------------------------------------------------------------------


async def get_folder(tx: Transaction, mailbox: Mailbox) -> None:
    """See that inbox and calendar are there."""
    found = await say(tx, GetFolder(caller(tx)))
    inbox, _ = found.ids
    if tx.device.memory.get("inbox", inbox) != inbox:
        tx.device.forget("hierarchy_state", "inbox_state", "newest", "newest_received")
    tx.device.memory["inbox"] = inbox
    tx.note(items=found.totals[0], entries=found.totals[1], server_version=found.build)
    if tx.target.environment is Environment.EXCHANGE_ONLINE:
        tx.note(open_path="ews")


async def sync_hierarchy(tx: Transaction, mailbox: Mailbox) -> None:
    """Learn the folders: all of them when starting cold, what changed since otherwise."""
    memory = tx.device.memory
    warm = int(memory.get("warm", "0") or 0)
    if warm <= 0:
        tx.device.forget("hierarchy_state")
        warm = options_of(tx.assignment).cold_every
    memory["warm"] = "0"
    try:
        await _folders(tx)
    except FaultError as error:
        if "hierarchy_state" not in memory or status.response_code(error.fault) != status.BAD_STATE:
            raise
        tx.note(state="refused")
        tx.device.forget("hierarchy_state")
        await _folders(tx)
    memory["warm"] = str(warm - 1)


async def _folders(tx: Transaction) -> None:
    memory, created = tx.device.memory, 0
    begun = memory.get("hierarchy_state", "")
    state = begun
    for _ in range(PAGES):
        found = await say(tx, SyncFolderHierarchy(caller(tx), state))
        state, created = found.state, created + found.created
        if found.last:
            break
    if not begun and not created:
        raise FaultError(status.NO_FOLDERS, {"folders": "0"})
    memory["hierarchy_state"] = state
    tx.note(folders=created)


async def sync_items(tx: Transaction, mailbox: Mailbox) -> None:
    """Fetch what is new in the inbox, until nothing is."""
    memory = tx.device.memory
    turn = await follow(tx, memory.get("inbox_state", ""), options_of(tx.assignment).max_changes)
    if turn.refused:
        tx.note(state="refused")
        tx.device.forget("newest", "newest_received")
    memory["inbox_state"] = turn.state
    tx.note(items=len(turn.arrived), gone=len(turn.gone), more=not turn.settled)
    _remember_newest(tx, turn)
    if memory.get("newest", "") in turn.gone:
        await _look_for_newest(tx)
    if turn.settled:
        tx.saw_newest(_received(tx))


def _received(tx: Transaction) -> float | None:
    kept = tx.device.memory.get("newest_received")
    return None if kept is None else float(kept)


def _remember_newest(tx: Transaction, turn: Turn) -> None:
    dated = [(one.received, one.id) for one in turn.arrived if one.received is not None and one.id not in turn.gone]
    kept = _received(tx)
    if dated and (kept is None or max(dated)[0] >= kept):
        _keep_newest(tx, *max(dated))


def _keep_newest(tx: Transaction, received: float, item: str) -> None:
    tx.device.memory["newest"], tx.device.memory["newest_received"] = item, repr(received)


async def _look_for_newest(tx: Transaction) -> None:
    """The newest item is gone, and which one follows it was told long ago: ask."""
    found = await say(tx, FindItem(caller(tx)))
    tx.device.forget("newest", "newest_received")
    if found.received is not None:
        _keep_newest(tx, found.received, found.newest)


async def get_item(tx: Transaction, mailbox: Mailbox) -> None:
    """Fetch the newest known item from the store; one deleted meanwhile is no fault the first time."""
    memory = tx.device.memory
    newest = memory.get("newest")
    if newest is None:
        raise SkipStep
    try:
        await say(tx, GetItem(caller(tx), newest))
    except FaultError as error:
        again = memory.get("missing") == newest
        if again or status.response_code(error.fault) != status.NOT_FOUND:
            raise
        memory["missing"] = newest
        tx.note(missing="newest item")


async def free_busy(tx: Transaction, mailbox: Mailbox) -> None:
    """Ask when the mailbox is free, and, where configured, another one that may be on other premises."""
    start = tx.wall() // HALF_HOUR * HALF_HOUR
    (own,) = await say(tx, GetUserAvailability(caller(tx), (tx.mailbox,), start))
    tx.note(entries=own.entries, view=own.view)
    other = options_of(tx.assignment).free_busy_with
    if other:
        tx.note(asked="other")
        (theirs,) = await say(tx, GetUserAvailability(caller(tx), (other,), start))
        tx.note(entries_other=theirs.entries, view_other=theirs.view)


async def out_of_office(tx: Transaction, mailbox: Mailbox) -> None:
    """Ask whether the mailbox says that its owner is away."""
    tx.note(state=await say(tx, GetUserOofSettings(caller(tx))))


async def canary(tx: Transaction, mailbox: Mailbox) -> None:
    """Look for the canary item."""
    found = await say(tx, FindItem(caller(tx), tx.target.canary or ""))
    tx.saw_canary(found.total > 0)


# -- notifications -------------------------------------------------------------------------------------------------


async def subscribe_streaming(tx: Transaction, mailbox: Mailbox) -> None:
    """Ask to be told of new mail."""
    mailbox.subscription = await subscribe(tx, SUBSCRIPTION)


async def stream_wait(tx: Transaction, mailbox: Mailbox) -> None:
    """Open the stream of notifications, and listen for a moment."""
    stream = await Stream.open(tx, mailbox.subscription, SHORTEST)
    try:
        notice = await stream.told(tx, options_of(tx.assignment).stream_seconds)
    finally:
        await stream.close()
    tx.note(told=notice is not None and notice.events > 0)


async def unsubscribe(tx: Transaction, mailbox: Mailbox) -> None:
    """End the subscription; one that is left behind would lapse by itself."""
    await leave(tx, SUBSCRIPTION)


def _stream_limit(assignment: Assignment) -> float:
    return options_of(assignment).stream_seconds + 60.0


CLIENT = Client(
    name="outlook_mac_legacy",
    summary="Legacy Outlook for Mac over Exchange Web Services",
    title="Legacy Outlook for Mac",
    memory=Mailbox,
    steps=(
        Step(health_page, Depth.REACH, 10, opt_in=True, applies=only_in(Environment.EXCHANGE_SERVER)),
        Step(oauth_challenge, Depth.REACH, 15, applies=expects_oauth),
        Step(token_request, Depth.TOKEN, 15, applies=uses_oauth),
        # after the token: what the token service refuses is not Autodiscover's doing
        Step(autodiscover_pox, Depth.REACH, 20),
        Step(get_folder, Depth.MAILBOX, 30),
        Step(sync_hierarchy, Depth.MAILBOX, 30),
        Step(sync_items, Depth.MAILBOX, 60),
        Step(get_item, Depth.MAILBOX, 30),
        Step(free_busy, Depth.MAILBOX, 30),
        Step(out_of_office, Depth.MAILBOX, 30),
        Step(canary, Depth.MAILBOX, 30, applies=has_canary),
        Step(subscribe_streaming, Depth.MAILBOX, 30),
        Step(stream_wait, Depth.MAILBOX, _stream_limit, overdue=status.STREAM_SILENT),
        Step(unsubscribe, Depth.MAILBOX, 15, tolerated=True),
    ),
    endpoints=(ENDPOINT, DISCOVERY),
    scopes=Scopes(
        app="https://outlook.office365.com/.default",
        delegated="https://outlook.office365.com/EWS.AccessAsUser.All offline_access",
    ),
    interval=120.0,
    options=EwsOptions,
    held=HeldStream,
)
