"""A phone's built-in mail app over Exchange ActiveSync.

A phone keeps its keys from one time to the next, and so does this client; now and then it begins anew with all keys at
zero, which makes the server show its whole hierarchy, Inbox included. In between, a server without its mail store shows
in folders that went and in an item that cannot be fetched; one that hides both is found out at the next cold start.
"""

from prober.clients.activesync_channel import HeldPhone, lost
from prober.clients.activesync_channel import ping as ask_ping
from prober.clients.activesync_inbox import estimate, folders, newest_received, prime, settle
from prober.clients.activesync_phone import (
    ENDPOINT,
    ActiveSyncOptions,
    Device,
    acknowledge,
    fetch_policy,
    negotiate,
    options_of,
    say,
    send,
)
from prober.clients.marker import message
from prober.faults.taxonomy import FaultError
from prober.model import Assignment
from prober.protocols.autodiscover.json import Discover
from prober.protocols.eas import status
from prober.protocols.eas.item_operations import Fetch
from prober.protocols.eas.options import AnonymousOptions
from prober.protocols.eas.search import Search
from prober.protocols.eas.settings import UserInformation
from prober.protocols.http.health_page import HealthPage, beside
from prober.protocols.http.oauth_challenge import OAuthChallenge
from prober.transaction import Client, Scopes, SkipStep, Step, Transaction, has_canary, only_in, uses_oauth
from prober.vocabulary import Depth, Environment

DISCOVERY = "autodiscover"


async def health_page(tx: Transaction, device: Device) -> None:
    """Read the page that Exchange Server makes for load balancers."""
    tx.note(server=await tx.ask(HealthPage(beside(tx.endpoint(ENDPOINT)))))


async def discover_eas(tx: Transaction, device: Device) -> None:
    """Ask Autodiscover where ActiveSync is."""
    if DISCOVERY not in tx.target.endpoints or not tx.target.mailbox:
        raise SkipStep
    found = await tx.ask(Discover(tx.endpoint(DISCOVERY), "ActiveSync", tx.target.mailbox))
    tx.note(redirect="hybrid" if found.hybrid else "none")


async def options_anonymous(tx: Transaction, device: Device) -> None:
    """Ask for the options without credentials, and be refused."""
    schemes = await tx.ask(AnonymousOptions(tx.endpoint(ENDPOINT)))
    tx.note(schemes=schemes)
    if tx.target.environment is Environment.EXCHANGE_ONLINE and "basic" in schemes.split():
        tx.note(open_path="basic")


async def oauth_challenge(tx: Transaction, device: Device) -> None:
    """Provoke the OAuth challenge."""
    tx.note(challenge=await tx.ask(OAuthChallenge(tx.endpoint(ENDPOINT), tx.target.mailbox or "")))


async def token_request(tx: Transaction, device: Device) -> None:
    """Obtain a token, unless one is in hand."""
    await tx.token()


async def options(tx: Transaction, device: Device) -> None:
    """Learn versions and commands, and settle on a version."""
    await negotiate(tx, device)


async def provision_fetch(tx: Transaction, device: Device) -> None:
    """Ask for the policy, unless its key is in hand."""
    if "policy_key" in tx.device.memory:
        raise SkipStep
    await fetch_policy(tx, device)


async def provision_ack(tx: Transaction, device: Device) -> None:
    """Acknowledge the policy with the temporary key."""
    if not device.policy_key:
        raise SkipStep
    await acknowledge(tx, device)


async def folder_sync(tx: Transaction, device: Device) -> None:
    """Learn the folders: all of them when starting cold, what changed since otherwise."""
    memory = tx.device.memory
    warm = int(memory.get("warm", "0") or 0)
    if warm <= 0 or "inbox" not in memory:
        tx.device.forget("folder_key", "inbox", "sync_key", "received")
        warm = options_of(tx.assignment).cold_every
    memory["warm"] = "0"
    await folders(tx, device)
    memory["warm"] = str(warm - 1)


async def settings_user(tx: Transaction, device: Device) -> None:
    """Ask whose mailbox this is; servers that do not tell are believed."""
    addresses = await say(tx, device, UserInformation)
    tx.note(shown=len(addresses))
    if addresses and tx.mailbox.lower() not in addresses:
        raise FaultError(status.ADDRESS_UNKNOWN, {"shown": str(len(addresses))})


async def sync_prime(tx: Transaction, device: Device) -> None:
    """Make the inbox known, unless its key is in hand."""
    if "sync_key" in tx.device.memory:
        raise SkipStep
    await prime(tx, device)


async def item_estimate(tx: Transaction, device: Device) -> None:
    """Ask how many items a Sync would bring."""
    device.estimate = await estimate(tx, device)
    tx.note(estimate=device.estimate)


async def sync_fetch(tx: Transaction, device: Device) -> None:
    """Fetch what is new in the inbox, until nothing is."""
    settled = await settle(tx, device)
    tx.note(items=settled.items, more=not settled.whole)
    newest = newest_received(tx)
    if settled.whole and newest is not None:
        tx.saw_newest(newest)


async def item_fetch(tx: Transaction, device: Device) -> None:
    """Fetch the newest known item from the store."""
    inbox, newest = tx.device.memory["inbox"], tx.device.memory.get("newest")
    if newest is None:
        raise SkipStep
    if not await say(tx, device, lambda asking: Fetch(asking, inbox, newest)):
        tx.device.forget("newest")
        tx.note(missing="newest item")


async def canary(tx: Transaction, device: Device) -> None:
    """Find the canary item by its marker."""
    marker, inbox = tx.target.canary or "", tx.device.memory["inbox"]
    tx.saw_canary(await say(tx, device, lambda asking: Search(asking, marker, inbox)) > 0)


async def search(tx: Transaction, device: Device) -> None:
    """Search the mailbox for a text."""
    text, inbox = options_of(tx.assignment).search_text, tx.device.memory["inbox"]
    tx.note(items=await say(tx, device, lambda asking: Search(asking, text, inbox)))


async def ping(tx: Transaction, device: Device) -> None:
    """Wait for a change for one heartbeat."""
    seconds = options_of(tx.assignment).ping_seconds
    try:
        tx.note(status=(await ask_ping(tx, device, seconds)).status)
    except FaultError as error:
        raise lost(error, status.PING_LOST) from None


async def send_mail(tx: Transaction, device: Device) -> None:
    """Send the mailbox a message of its own."""
    await send(tx, device, message(tx, "probe"))


def expects_oauth(assignment: Assignment) -> bool:
    """Whether the server ought to offer OAuth."""
    bare = assignment.credential is None and assignment.target.environment is Environment.EXCHANGE_ONLINE
    return bare or uses_oauth(assignment)


def _ping_limit(assignment: Assignment) -> float:
    return options_of(assignment).ping_seconds + 30.0


CLIENT = Client(
    name="activesync",
    summary="A phone's built-in mail app over Exchange ActiveSync",
    title="Exchange ActiveSync",
    memory=Device,
    steps=(
        Step(health_page, Depth.REACH, 10, opt_in=True, applies=only_in(Environment.EXCHANGE_SERVER)),
        Step(discover_eas, Depth.REACH, 15),
        Step(options_anonymous, Depth.REACH, 15),
        Step(oauth_challenge, Depth.REACH, 15, applies=expects_oauth),
        Step(token_request, Depth.TOKEN, 15, applies=uses_oauth),
        Step(options, Depth.MAILBOX, 20),
        Step(provision_fetch, Depth.MAILBOX, 30),
        Step(provision_ack, Depth.MAILBOX, 30),
        Step(folder_sync, Depth.MAILBOX, 30),
        Step(settings_user, Depth.MAILBOX, 30),
        Step(sync_prime, Depth.MAILBOX, 30),
        Step(item_estimate, Depth.MAILBOX, 30),
        Step(sync_fetch, Depth.MAILBOX, 30),
        Step(item_fetch, Depth.MAILBOX, 30),
        Step(canary, Depth.MAILBOX, 60, applies=has_canary),
        Step(search, Depth.MAILBOX, 60, opt_in=True),
        Step(ping, Depth.MAILBOX, _ping_limit, opt_in=True, overdue=status.PING_LOST),
        Step(send_mail, Depth.MAILBOX, 30, opt_in=True),
    ),
    endpoints=(ENDPOINT, DISCOVERY),
    scopes=Scopes(
        app="https://outlook.office365.com/.default",
        delegated="https://outlook.office.com/EAS.AccessAsUser.All offline_access",
    ),
    interval=60.0,
    options=ActiveSyncOptions,
    held=HeldPhone,
)
