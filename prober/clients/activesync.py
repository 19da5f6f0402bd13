"""A phone's built-in mail app over Exchange ActiveSync.

A phone keeps its keys from one time to the next, and so does this client; now and then it begins anew with all keys at
zero, which makes the server show its whole hierarchy, Inbox included. In between, a server without its mail store shows
in folders that went and in an item that cannot be fetched; one that hides both is found out at the next cold start.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from prober.exchange import Exchange
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.model import Assignment
from prober.protocols.autodiscover.json import Discover
from prober.protocols.eas import status
from prober.protocols.eas.command import MovedError, Phone
from prober.protocols.eas.folder_sync import FIRST, INBOX, FolderSync
from prober.protocols.eas.get_item_estimate import GetItemEstimate
from prober.protocols.eas.item_operations import Fetch
from prober.protocols.eas.options import AnonymousOptions, Options
from prober.protocols.eas.ping import CHANGED, HEARTBEAT, HIERARCHY, Ping, Pinged
from prober.protocols.eas.provision import DeviceInformation, Provision
from prober.protocols.eas.search import Search
from prober.protocols.eas.send_mail import SendMail
from prober.protocols.eas.settings import UserInformation
from prober.protocols.eas.sync import Changes, Sync, SyncPrime
from prober.protocols.http.health_page import HealthPage, beside
from prober.protocols.http.oauth_challenge import OAuthChallenge
from prober.transaction import Client, Scopes, SkipStep, Step, Transaction, only_in, uses_oauth
from prober.vocabulary import Depth, Environment

R = TypeVar("R")
ENDPOINT = "activesync"
DISCOVERY = "autodiscover"
OLDER_VERSIONS = ("14.1", "14.0", "12.1")
COMMANDS_USED = frozenset({"FolderSync", "Sync"})
NO_POLICY = "none"
SETTLING = 20
TOO_EARLY = 3
ONLINE = "office365.com"
"""Where a server of ours may send a mailbox that has moved to Exchange Online."""
POLICY_UNACKNOWLEDGED = Kind("eas_policy_not_acknowledged", Reason.ACCESS_POLICY)


@dataclass(frozen=True, slots=True)
class ActiveSyncOptions:
    """What configuration may say of this client.

    `protocol_version`: `auto` takes 16.1 in Exchange Online, and on Exchange Server the newest that both know.
    `acknowledge_policy`: tell the server that its policies are applied, which a prober cannot do; right for mailboxes
    that serve nothing but probing. `cold_every`: transactions after which all keys start at zero. `filter_type` as in
    MS-ASCMD section 2.2.3.68.2 (1: mail of one day). `ping_seconds`: heartbeat of the opt-in step `ping`.
    """

    protocol_version: Literal["auto", "16.1", "14.1", "14.0", "12.1"] = "auto"
    base64_query: bool = False
    device_type: str = "HealthProbe"
    acknowledge_policy: bool = True
    cold_every: int = 15
    window_size: int = 25
    filter_type: int = 1
    ping_seconds: int = 60
    search_text: str = "probe"

    def __post_init__(self) -> None:
        if not (self.device_type.isascii() and self.device_type.isalnum() and len(self.device_type) <= 32):
            raise ValueError("device_type must be up to 32 letters and digits")
        if not 1 <= self.window_size <= 512:
            raise ValueError("window_size must be from 1 to 512")
        if not 0 <= self.filter_type <= 5:
            raise ValueError("filter_type must be from 0 to 5")
        if not 1 <= self.ping_seconds <= 3540:
            raise ValueError("ping_seconds must be from 1 to 3540")
        if self.cold_every < 1:
            raise ValueError("cold_every must be at least 1")


@dataclass(slots=True)
class Device:
    """What the phone knows within one transaction; what it keeps longer is in the transaction's device memory."""

    version: str = ""
    url: str = ""
    provisioned_again: bool = False
    moved: bool = False
    policy_key: str = ""
    estimate: int = 0


def options_of(assignment: Assignment) -> ActiveSyncOptions:
    """Return the client's options, the defaults where none are given."""
    return assignment.options if isinstance(assignment.options, ActiveSyncOptions) else ActiveSyncOptions()


def expects_oauth(assignment: Assignment) -> bool:
    """Whether the server ought to offer OAuth."""
    bare = assignment.credential is None and assignment.target.environment is Environment.EXCHANGE_ONLINE
    return bare or uses_oauth(assignment)


# -- what the phone says -------------------------------------------------------------------------------------------


def phone(tx: Transaction, device: Device) -> Phone:
    """Return who asks, as things stand."""
    options = options_of(tx.assignment)
    kept = tx.device.memory.get("policy_key", "")
    return Phone(
        url=device.url or tx.endpoint(ENDPOINT),
        user=tx.identity.username,
        device_id=tx.device.id[:32],
        device_type=options.device_type,
        version=device.version or _default_version(tx.assignment),
        policy_key=device.policy_key or ("" if kept == NO_POLICY else kept),
        base64_query=options.base64_query,
    )


def _default_version(assignment: Assignment) -> str:
    chosen = options_of(assignment).protocol_version
    if chosen != "auto":
        return chosen
    return "16.1" if assignment.target.environment is Environment.EXCHANGE_ONLINE else "14.1"


async def say(tx: Transaction, device: Device, make: Callable[[Phone], Exchange[R]]) -> R:
    """Ask one command. A server that wants provisioning first gets it once; one that sends us elsewhere, too."""
    try:
        return await tx.ask(make(phone(tx, device)))
    except MovedError as error:
        _follow(tx, device, error)
        tx.note(redirect="451")
    except FaultError as error:
        wanted = error.fault.kind is status.NEEDS_PROVISIONING
        wanted = wanted or status.eas_status(error.fault) in status.NOT_PROVISIONED
        if not wanted or device.provisioned_again:
            raise _retired(tx, device, error) from None
        device.provisioned_again = True
        tx.note(policy="provisioned again")
        await _provision(tx, device)
    return await tx.ask(make(phone(tx, device)))


def _follow(tx: Transaction, device: Device, error: MovedError) -> None:
    """Go where the server sends us, once and only where our credential may go. Raises `error` otherwise."""
    if device.moved or not _trusted(tx, error.url):
        raise error
    device.moved, device.url = True, error.url


def _trusted(tx: Transaction, url: str) -> bool:
    """Whether a server may send our credentials there: to the configured host, its mail domain, or Exchange Online."""
    there, here = urlsplit(url).hostname or "", urlsplit(tx.endpoint(ENDPOINT)).hostname
    domains = (tx.mailbox.rpartition("@")[2].lower(), ONLINE)
    return bool(there) and (there == here or any(domain and f".{there}".endswith(f".{domain}") for domain in domains))


def _retired(tx: Transaction, device: Device, error: FaultError) -> FaultError:
    """A version that Exchange Online refuses is withdrawn, not broken: there is no server of ours to be old.

    138 refuses the version by name, whichever it is; 137 refuses a command, which means the same below 16.1 alone.
    """
    version = device.version or _default_version(tx.assignment)
    code = status.eas_status(error.fault)
    refused = code == "138" or (code == "137" and version != "16.1")
    if refused and tx.target.environment is Environment.EXCHANGE_ONLINE:
        return FaultError(status.VERSION_RETIRED, {"version": version, "status": code})
    return error


async def _provision(tx: Transaction, device: Device) -> None:
    """Both phases of the handshake, as far as they are needed."""
    tx.device.forget("policy_key")
    device.policy_key = ""
    await _first_phase(tx, device)
    if device.policy_key:
        await _second_phase(tx, device)


async def _first_phase(tx: Transaction, device: Device) -> None:
    asking = replace(phone(tx, device), policy_key="")
    policy = await tx.ask(Provision(asking, _information(asking)))
    device.policy_key = policy.key
    tx.note(policy="wanted" if policy.wanted else "none")
    if not policy.wanted:
        tx.device.memory["policy_key"] = NO_POLICY


async def _second_phase(tx: Transaction, device: Device) -> None:
    if not options_of(tx.assignment).acknowledge_policy:
        raise FaultError(POLICY_UNACKNOWLEDGED, {"option": "acknowledge_policy"})
    policy = await tx.ask(Provision(phone(tx, device), temporary_key=device.policy_key))
    tx.device.memory["policy_key"] = policy.key
    device.policy_key = ""


def _information(asking: Phone) -> DeviceInformation | None:
    if asking.version in ("12.1", "14.0"):
        return None
    return DeviceInformation("probe", "probe", "Linux", "client-access-prober/1.0")


# -- steps ---------------------------------------------------------------------------------------------------------


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
    tx.note(schemes=await tx.ask(AnonymousOptions(tx.endpoint(ENDPOINT))))


async def oauth_challenge(tx: Transaction, device: Device) -> None:
    """Provoke the OAuth challenge."""
    tx.note(challenge=await tx.ask(OAuthChallenge(tx.endpoint(ENDPOINT), tx.target.mailbox or "")))


async def token_request(tx: Transaction, device: Device) -> None:
    """Obtain a token, unless one is in hand."""
    await tx.token()


async def options(tx: Transaction, device: Device) -> None:
    """Learn versions and commands, and settle on a version."""
    try:
        offered = await tx.ask(Options(tx.endpoint(ENDPOINT)))
    except MovedError as error:
        _follow(tx, device, error)
        offered = await tx.ask(Options(device.url))
    device.version = _agreed(tx, offered.versions)
    tx.note(version=device.version, server_version=offered.server)
    missing = sorted(COMMANDS_USED - offered.commands)
    if missing:
        raise FaultError(status.COMMANDS_NOT_OFFERED, {"missing": " ".join(missing)})


def _agreed(tx: Transaction, offered: tuple[str, ...]) -> str:
    wanted = _default_version(tx.assignment)
    automatic = options_of(tx.assignment).protocol_version == "auto"
    on_premises = tx.target.environment is not Environment.EXCHANGE_ONLINE
    if automatic and on_premises:
        wanted = next((one for one in ("16.1", *OLDER_VERSIONS) if one in offered), wanted)
    if wanted in offered:
        return wanted
    evidence = {"version": wanted, "offered": " ".join(offered)[:60]}
    withdrawn = not on_premises and wanted != "16.1"
    raise FaultError(status.VERSION_RETIRED if withdrawn else status.VERSION_NOT_OFFERED, evidence)


async def provision_fetch(tx: Transaction, device: Device) -> None:
    """Ask for the policy, unless its key is in hand."""
    if "policy_key" in tx.device.memory:
        raise SkipStep
    await _first_phase(tx, device)


async def provision_ack(tx: Transaction, device: Device) -> None:
    """Acknowledge the policy with the temporary key."""
    if not device.policy_key:
        raise SkipStep
    await _second_phase(tx, device)


async def folder_sync(tx: Transaction, device: Device) -> None:
    """Learn the folders: all of them when starting cold, what changed since otherwise."""
    memory = tx.device.memory
    warm = int(memory.get("warm", "0") or 0)
    if warm <= 0 or "inbox" not in memory:
        tx.device.forget("folder_key", "inbox", "sync_key")
        warm = options_of(tx.assignment).cold_every
    memory["warm"] = "0"
    await _folders(tx, device)
    memory["warm"] = str(warm - 1)


async def _folders(tx: Transaction, device: Device) -> None:
    memory = tx.device.memory
    key = memory.get("folder_key", FIRST)
    try:
        found = await say(tx, device, lambda asking: FolderSync(asking, key))
    except FaultError as error:
        if key == FIRST or status.eas_status(error.fault) != "9":
            raise
        tx.note(key="refused")
        tx.device.forget("folder_key", "inbox", "sync_key")
        return await _folders(tx, device)
    inbox = found.first(INBOX) or memory.get("inbox", "")
    tx.note(folders=len(found.ids))
    if not inbox:
        raise FaultError(status.NO_INBOX, {"folders": str(len(found.ids))})
    if inbox in found.gone:
        tx.device.forget("folder_key", "inbox", "sync_key")
        raise FaultError(status.NO_INBOX, {"folders": "deleted"})
    if memory.get("inbox") != inbox:
        tx.device.forget("sync_key", "newest")
    memory["inbox"], memory["folder_key"] = inbox, found.sync_key
    return None


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
    await _prime(tx, device)


async def _prime(tx: Transaction, device: Device) -> None:
    inbox = tx.device.memory["inbox"]
    tx.device.memory["sync_key"] = await say(tx, device, lambda asking: SyncPrime(asking, inbox))


async def item_estimate(tx: Transaction, device: Device) -> None:
    """Ask how many items a Sync would bring."""
    filter_type = options_of(tx.assignment).filter_type

    def make(asking: Phone) -> GetItemEstimate:
        memory = tx.device.memory
        return GetItemEstimate(asking, memory["inbox"], memory["sync_key"], filter_type)

    try:
        device.estimate = await say(tx, device, make)
    except FaultError as error:
        if status.eas_status(error.fault) not in ("3", "4"):
            raise
        tx.note(key="refused")
        await _prime(tx, device)
        device.estimate = await say(tx, device, make)
    tx.note(estimate=device.estimate)


async def sync_fetch(tx: Transaction, device: Device) -> None:
    """Fetch what is new in the inbox, until nothing is."""
    count, settled = await _settle(tx, device)
    tx.note(items=count, more=not settled)


async def _settle(tx: Transaction, device: Device) -> tuple[int, bool]:
    """Sync until nothing comes any more; return how many items came, and whether it came to that."""
    count, memory = 0, tx.device.memory
    for _ in range(SETTLING):
        before = memory["sync_key"]
        changes = await _changes(tx, device)
        count += len(changes.added)
        if changes.added:
            memory["newest"] = changes.added[-1]
        if changes.sync_key:
            memory["sync_key"] = changes.sync_key
        if changes.quiet and not changes.more and (changes.empty or count == 0 or memory["sync_key"] == before):
            return count, True
    return count, False


async def _changes(tx: Transaction, device: Device) -> Changes:
    chosen = options_of(tx.assignment)

    def make(asking: Phone) -> Sync:
        memory = tx.device.memory
        return Sync(asking, memory["inbox"], memory["sync_key"], chosen.window_size, chosen.filter_type)

    try:
        return await say(tx, device, make)
    except FaultError as error:
        if error.fault.kind.code != "eas_sync_3":
            raise
        tx.note(key="refused")
        await _prime(tx, device)
        return await say(tx, device, make)


async def item_fetch(tx: Transaction, device: Device) -> None:
    """Fetch the newest known item from the store."""
    inbox, newest = tx.device.memory["inbox"], tx.device.memory.get("newest")
    if newest is None:
        raise SkipStep
    if not await say(tx, device, lambda asking: Fetch(asking, inbox, newest)):
        tx.device.forget("newest")
        tx.note(missing="newest item")


async def search(tx: Transaction, device: Device) -> None:
    """Search the mailbox for a text."""
    text, inbox = options_of(tx.assignment).search_text, tx.device.memory["inbox"]
    tx.note(items=await say(tx, device, lambda asking: Search(asking, text, inbox)))


async def ping(tx: Transaction, device: Device) -> None:
    """Wait for a change for one heartbeat."""
    seconds = options_of(tx.assignment).ping_seconds
    try:
        tx.note(status=(await _ping(tx, device, seconds)).status)
    except FaultError as error:
        raise _lost(error) from None


async def _ping(tx: Transaction, device: Device, heartbeat: int) -> Pinged:
    """Ping once; adopt the heartbeat that the server names, and learn the folders anew when it says so, once each."""
    inbox = tx.device.memory["inbox"]
    answer = await say(tx, device, lambda asking: Ping(asking, inbox, heartbeat))
    if answer.status == HEARTBEAT:
        allowed = answer.heartbeat
        if not allowed:
            raise FaultError(status.COMMAND["ping", HEARTBEAT], {"missing": "HeartbeatInterval"})
        tx.device.memory["heartbeat"] = str(allowed)
        answer = await say(tx, device, lambda asking: Ping(asking, inbox, allowed))
    elif answer.status == HIERARCHY:
        await _folders(tx, device)
        inbox = tx.device.memory["inbox"]
        answer = await say(tx, device, lambda asking: Ping(asking, inbox, heartbeat))
    if answer.status in (HEARTBEAT, HIERARCHY):
        raise FaultError(status.COMMAND["ping", answer.status], {"eas_status": answer.status, "command": "ping"})
    return answer


async def send_mail(tx: Transaction, device: Device) -> None:
    """Send the mailbox a message of its own."""
    unique = f"{tx.device.id[:20]}{int(tx.timeline.clock() * 1000) & 0xFFFFFFFFFF:x}"
    lines = (f"From: <{tx.mailbox}>", f"To: <{tx.mailbox}>", f"Subject: probe {unique}", "", "sent by a prober", "")
    message = "\r\n".join(lines).encode()
    await say(tx, device, lambda asking: SendMail(asking, unique, message))


# -- the held channel ----------------------------------------------------------------------------------------------


class HeldPing:
    """A Ping that is always waiting, as a phone in a pocket has it."""

    def __init__(self) -> None:
        self._device = Device()
        self._early = 0

    async def open(self, tx: Transaction) -> None:
        """Sign in, and bring the inbox to rest, so that Ping has something to wait for."""
        await options(tx, self._device)
        if "policy_key" not in tx.device.memory:
            await _provision(tx, self._device)
        if "inbox" not in tx.device.memory:
            await _folders(tx, self._device)
        if "sync_key" not in tx.device.memory:
            await _prime(tx, self._device)
        await _settle(tx, self._device)

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Ping again and again for up to `seconds`; return whether the mailbox changed. Raises `FaultError`."""
        clock = tx.timeline.clock
        until = clock() + seconds
        while (left := until - clock()) >= 1:
            if await self._hold(tx, int(left)):
                return True
        return False

    async def _hold(self, tx: Transaction, seconds: int) -> bool:
        clock = tx.timeline.clock
        heartbeat, began = min(seconds, int(tx.device.memory.get("heartbeat", "3540"))), clock()
        try:
            answer = await _ping(tx, self._device, heartbeat)
        except FaultError as error:
            raise _lost(error) from None
        if answer.status == CHANGED:
            self._early = 0
            await _settle(tx, self._device)
            return True
        asked = min(heartbeat, int(tx.device.memory.get("heartbeat", heartbeat)))
        self._early = self._early + 1 if clock() - began < asked / 2 else 0
        if self._early >= TOO_EARLY:
            raise FaultError(status.PING_TOO_EARLY, {"count": str(self._early)})
        return False

    async def close(self, tx: Transaction) -> None:
        """Hang up; a phone takes no leave."""
        with suppress(FaultError):
            await tx.close()


def _lost(error: FaultError) -> FaultError:
    """A connection that ends, or stays silent beyond the heartbeat, while it waits is a lost channel."""
    if error.fault.reason not in (Reason.CONNECTION_RESET, Reason.READ_TIMEOUT):
        return error
    return FaultError(status.PING_LOST, {"cause": error.fault.kind.code}, phase=error.fault.phase)


def _ping_limit(assignment: Assignment) -> float:
    return options_of(assignment).ping_seconds + 30.0


CLIENT = Client(
    name="activesync",
    summary="A phone's built-in mail app over Exchange ActiveSync",
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
    held=HeldPing,
)
