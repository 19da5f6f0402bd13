"""What a phone says over ActiveSync, and how it mends what a server may rightly ask it to: attempts and channel alike.

Rule: each of these is done once and then told as it is: provisioning again, following a move, renewing a token that
the server calls expired. Folders and their keys are the business of `activesync_inbox`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, TypeVar
from urllib.parse import urlsplit

from prober.exchange import Exchange
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.model import Assignment
from prober.protocols.eas import status
from prober.protocols.eas.command import MovedError, Phone
from prober.protocols.eas.options import Options
from prober.protocols.eas.provision import DeviceInformation, Provision
from prober.protocols.eas.send_mail import SendMail
from prober.transaction import Transaction
from prober.vocabulary import Environment

R = TypeVar("R")
ENDPOINT = "activesync"
OLDER_VERSIONS = ("14.1", "14.0", "12.1")
COMMANDS_USED = frozenset({"FolderSync", "Sync"})
NO_POLICY = "none"
ONLINE = "office365.com"
"""Where a server of ours may send a mailbox that has moved to Exchange Online."""
POLICY_UNACKNOWLEDGED = Kind("eas_policy_not_acknowledged", Reason.ACCESS_POLICY)
WRONG_POLICY_KEY = "eas_policy_5"


@dataclass(frozen=True, slots=True)
class ActiveSyncOptions:
    """What configuration may say of this client.

    `protocol_version`: `auto` takes 16.1 in Exchange Online, and on Exchange Server the newest that both know.
    `acknowledge_policy`: tell the server that its policies are applied, which a prober cannot do; right for mailboxes
    that serve nothing but probing. `cold_every`: transactions after which all keys start at zero. `filter_type` as in
    MS-ASCMD section 2.2.3.68.2 (1: mail of one day). `ping_seconds`: heartbeat of the opt-in step `ping`. `channel`:
    what a held channel waits with, Ping or a long Sync.
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
    channel: Literal["ping", "sync"] = "ping"

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
    acknowledged_again: bool = False
    moved: bool = False
    policy_key: str = ""
    estimate: int = 0


def options_of(assignment: Assignment) -> ActiveSyncOptions:
    """Return the client's options, the defaults where none are given."""
    return assignment.options if isinstance(assignment.options, ActiveSyncOptions) else ActiveSyncOptions()


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
    """Ask one command. A server that wants provisioning first gets it; one that sends us elsewhere is followed."""
    try:
        return await tx.ask(make(phone(tx, device)))
    except MovedError as error:
        follow(tx, device, error)
    except FaultError as error:
        wanted = error.fault.kind is status.NEEDS_PROVISIONING
        wanted = wanted or status.eas_status(error.fault) in status.NOT_PROVISIONED
        if not wanted or device.provisioned_again:
            raise _retired(tx, device, error) from None
        device.provisioned_again = True
        tx.note(policy="provisioned again")
        await provision(tx, device)
    return await tx.ask(make(phone(tx, device)))


def follow(tx: Transaction, device: Device, error: MovedError) -> None:
    """Go where the server sends us, once and only where our credential may go. Raises `error` otherwise."""
    if device.moved or not _trusted(tx, error.url):
        raise error
    device.moved, device.url = True, error.url
    tx.note(redirect="451")


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


async def provision(tx: Transaction, device: Device) -> None:
    """Both phases of the handshake, as far as they are needed."""
    tx.device.forget("policy_key")
    await fetch_policy(tx, device)
    if device.policy_key:
        await acknowledge(tx, device)


async def fetch_policy(tx: Transaction, device: Device) -> None:
    """Ask for the policy and its temporary key."""
    device.policy_key = ""
    asking = replace(phone(tx, device), policy_key="")
    policy = await tx.ask(Provision(asking, _information(asking)))
    device.policy_key = policy.key
    tx.note(policy="wanted" if policy.wanted else "none")
    if not policy.wanted:
        tx.device.memory["policy_key"] = NO_POLICY


async def acknowledge(tx: Transaction, device: Device) -> None:
    """Acknowledge the policy. A server that calls the key wrong is asked for another one, once (MS-ASPROV 2.2.2.54)."""
    if not options_of(tx.assignment).acknowledge_policy:
        raise FaultError(POLICY_UNACKNOWLEDGED, {"option": "acknowledge_policy"})
    try:
        policy = await tx.ask(Provision(phone(tx, device), temporary_key=device.policy_key))
    except FaultError as error:
        if error.fault.kind.code != WRONG_POLICY_KEY or device.acknowledged_again:
            raise
        device.acknowledged_again = True
        tx.note(policy="acknowledged again")
        return await provision(tx, device)
    tx.device.memory["policy_key"] = policy.key
    device.policy_key = ""
    return None


def _information(asking: Phone) -> DeviceInformation | None:
    if asking.version in ("12.1", "14.0"):
        return None
    return DeviceInformation("probe", "probe", "Linux", "client-access-prober/1.0")


async def negotiate(tx: Transaction, device: Device) -> None:
    """Learn versions and commands, and settle on a version."""
    try:
        offered = await tx.ask(Options(tx.endpoint(ENDPOINT)))
    except MovedError as error:
        follow(tx, device, error)
        offered = await tx.ask(Options(device.url))
    device.version = _agreed(tx, offered.versions)
    tx.note(version=device.version, server_version=offered.server)
    if tx.target.environment is Environment.EXCHANGE_ONLINE and set(OLDER_VERSIONS) & set(offered.versions):
        tx.note(open_path="eas_below_16_1")
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


async def send(tx: Transaction, device: Device, message: bytes) -> None:
    """Hand in one message, without a copy among those sent."""
    unique = f"{tx.device.id[:20]}{int(tx.timeline.clock() * 1000) & 0xFFFFFFFFFF:x}"
    await say(tx, device, lambda asking: SendMail(asking, unique, message))
