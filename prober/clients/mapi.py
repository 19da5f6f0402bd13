"""What classic Outlook says over MAPI over HTTP, and how it mends what may be mended: attempts and channel alike.

Rule: each of these is done once and then told as it is: connecting anew where the server has lost the session, asking
Autodiscover again for a mailbox that lives elsewhere.
"""

import hashlib
import re
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from prober.exchange import Exchange
from prober.faults.taxonomy import FaultError
from prober.model import Assignment
from prober.protocols.autodiscover import hybrid
from prober.protocols.autodiscover.pox import AskPox, PoxSettings
from prober.protocols.mapi import status
from prober.protocols.mapi.connect import Connect, Connected
from prober.protocols.mapi.envelope import Request
from prober.protocols.mapi.execute import LogOn, RegisterNotification
from prober.protocols.mapi.notification_wait import Waiting, begun, lost, wait_call
from prober.protocols.mapi.rops import Logon
from prober.transaction import Scopes, Transaction, uses_oauth

R = TypeVar("R")
ENDPOINT = "mapi"
ADDRESS_BOOK = "nspi"
DISCOVERY = "autodiscover_pox"
SOAP_DISCOVERY = "autodiscover_soap"
SCOPES = Scopes(
    app="https://outlook.office365.com/.default",
    delegated="https://outlook.office365.com/.default offline_access",
)
APPLICATION = re.compile(r"Outlook/\d{1,5}(\.\d{1,5}){3}")
LONGEST_WAIT = 300


@dataclass(frozen=True, slots=True)
class OutlookOptions:
    """What configuration may say of this client.

    `legacy_dn`: the user's name in the directory, where Autodiscover does not tell it. `client_application`: what
    the server is told of the client's version; servers may be set to refuse old ones. `wait_seconds`: how long the
    opt-in step `notification_wait` watches the request that waits for news.
    """

    legacy_dn: str = ""
    client_application: str = "Outlook/16.0.17928.20114"
    wait_seconds: int = 60

    def __post_init__(self) -> None:
        if self.legacy_dn and not (self.legacy_dn.startswith("/") and self.legacy_dn.isascii()):
            raise ValueError("legacy_dn must begin with a slash and be ASCII")
        if APPLICATION.fullmatch(self.client_application) is None:
            raise ValueError("client_application must read Outlook/ and four numbers with dots between them")
        if not 1 <= self.wait_seconds <= LONGEST_WAIT:
            raise ValueError(f"wait_seconds must be from 1 to {LONGEST_WAIT}")


def _guid() -> str:
    return f"{{{uuid.uuid4()}}}".upper()


@dataclass(slots=True)
class Outlook:
    """What the client knows within one transaction. `instance` and `number` make every request's id."""

    instance: str = field(default_factory=_guid)
    number: int = 0
    url: str = ""
    user_dn: str = ""
    connected: bool = False
    ping_owed: bool = False
    reconnected: bool = False
    followed: bool = False


def options_of(assignment: Assignment) -> OutlookOptions:
    """Return the client's options, the defaults where none are given."""
    return assignment.options if isinstance(assignment.options, OutlookOptions) else OutlookOptions()


def next_request(tx: Transaction, outlook: Outlook) -> Request:
    """Return the request that comes next, numbered."""
    outlook.number += 1
    url = outlook.url or tx.endpoint(ENDPOINT)
    return Request(url, outlook.instance, outlook.number, options_of(tx.assignment).client_application)


def at(tx: Transaction, url: str) -> Transaction:
    """Return the transaction as it signs in at `url`: a token is for one audience, and another host may be another."""
    there = hybrid.host_of(url)
    if not uses_oauth(tx.assignment) or there in (hybrid.host_of(tx.endpoint(ENDPOINT)), _discovery_host(tx)):
        return tx
    return tx.beside(SCOPES if hybrid.in_the_cloud(url) else SCOPES.at(there))


def _discovery_host(tx: Transaction) -> str:
    return hybrid.host_of(tx.target.endpoints.get(DISCOVERY, ""))


# -- asking --------------------------------------------------------------------------------------------------------


async def in_session(tx: Transaction, outlook: Outlook, once: Callable[[], Awaitable[R]]) -> R:
    """Do `once`, and where the server has lost the session, connect anew and do it once more."""
    try:
        return await once()
    except FaultError as error:
        if not _reconnects(tx, outlook, error):
            raise
    await connect(tx, outlook)
    return await once()


def _reconnects(tx: Transaction, outlook: Outlook, error: FaultError) -> bool:
    """Whether a fault is one to connect anew for; then it is noted, for it is done but once."""
    if outlook.reconnected or not status.context_lost(error.fault):
        return False
    outlook.reconnected = True
    tx.note(reconnected_after=status.response_code(error.fault))
    return True


async def ask(tx: Transaction, outlook: Outlook, make: Callable[[Request], Exchange[R]]) -> R:
    """Ask one question at the mailbox's URL."""
    asking = next_request(tx, outlook)
    return await at(tx, asking.url).ask(make(asking))


async def say(tx: Transaction, outlook: Outlook, make: Callable[[Request], Exchange[R]]) -> R:
    """Ask one question within the session, which is begun anew where the server has lost it."""
    return await in_session(tx, outlook, lambda: ask(tx, outlook, make))


# -- where, and who ------------------------------------------------------------------------------------------------


async def discover(tx: Transaction, outlook: Outlook) -> None:
    """Ask Autodiscover for the URL of the mailbox and the user's name; redirects are followed where they may be."""
    walk = hybrid.begin(tx.endpoint(DISCOVERY), tx.mailbox)
    found = await _settings(tx, walk)
    while found.redirect_url or found.redirect_address:
        walk = walk.to_url(found.redirect_url) if found.redirect_url else walk.to_address(found.redirect_address)
        found = await _settings(tx, walk)
    tx.note(redirect="hybrid" if walk.hybrid else "none")
    _take(tx, outlook, found)


async def _settings(tx: Transaction, walk: hybrid.Walk) -> PoxSettings:
    question = AskPox(walk.url, walk.address, mapi=True)
    return await at(tx, walk.url).ask(question)


def _take(tx: Transaction, outlook: Outlook, found: PoxSettings) -> None:
    """Keep what was found. A URL at somebody else's is not: our credentials do not go there."""
    missing = [name for name, url in (("MailStore", found.mapi_url), ("AddressBook", found.nspi_url)) if not url]
    if missing:
        raise FaultError(status.NOT_OFFERED, {"missing": " ".join(missing)})
    known = hybrid.trusted(found.mapi_url, tx.endpoint(ENDPOINT), tx.mailbox)
    outlook.url = found.mapi_url if known else ""
    outlook.user_dn = found.legacy_dn
    tx.note(url="discovered" if known else "configured")


# -- the session ---------------------------------------------------------------------------------------------------


async def connect(tx: Transaction, outlook: Outlook) -> Connected:
    """Begin a session; a server that takes it for the continuation of one it has lost is asked once more."""
    user_dn = outlook.user_dn or options_of(tx.assignment).legacy_dn
    if not user_dn:
        raise FaultError(status.NO_DN, {"missing": "legacy_dn"})

    def make(asking: Request) -> Connect:
        return Connect(asking, user_dn)

    try:
        found = await ask(tx, outlook, make)
    except FaultError as error:
        if not _reconnects(tx, outlook, error):
            raise _told_apart(tx, user_dn, error) from None
        found = await _connected_anew(tx, outlook, make)
    outlook.connected, outlook.user_dn = True, user_dn
    tx.device.memory["connected_as"] = _digest(user_dn)
    tx.note(server_version=found.version)
    return found


async def _connected_anew(tx: Transaction, outlook: Outlook, make: Callable[[Request], Connect]) -> Connected:
    """Connect once more. Raises `FaultError`, `mapi_no_session` where even a new session is called a lost one."""
    try:
        return await ask(tx, outlook, make)
    except FaultError as error:
        if not status.context_lost(error.fault):
            raise
        raise FaultError(status.NO_SESSION, error.fault.evidence) from None


def _told_apart(tx: Transaction, user_dn: str, error: FaultError) -> FaultError:
    """A name that is no mailbox's is ours to mend, unless it has been one before."""
    unknown = error.fault.kind is status.CONNECTS[status.UNKNOWN_USER]
    if unknown and tx.device.memory.get("connected_as") == _digest(user_dn):
        return FaultError(status.MAILBOX_GONE, error.fault.evidence)
    return error


def _digest(user_dn: str) -> str:
    return hashlib.sha256(user_dn.lower().encode()).hexdigest()[:16]


async def log_on(tx: Transaction, outlook: Outlook) -> Logon:
    """Log on to the mailbox; where it lives elsewhere, Autodiscover is asked again, once."""

    def make(asking: Request) -> LogOn:
        return LogOn(asking, outlook.user_dn)

    try:
        return await say(tx, outlook, make)
    except FaultError as error:
        if error.fault.kind is not status.ELSEWHERE or outlook.followed or DISCOVERY not in tx.target.endpoints:
            raise
    outlook.followed = True
    tx.note(moved="wrong server")
    await discover(tx, outlook)
    await connect(tx, outlook)
    return await say(tx, outlook, make)


async def register(tx: Transaction, outlook: Outlook, mailbox: Logon) -> None:
    """Ask to be told of new items."""
    await ask(tx, outlook, lambda asking: RegisterNotification(asking, mailbox.handle))


async def begin_wait(tx: Transaction, outlook: Outlook) -> Waiting:
    """Leave the request that waits for news. Raises `FaultError`."""
    return await tx.renewing(lambda: _left(tx, outlook))


async def _left(tx: Transaction, outlook: Outlook) -> Waiting:
    asking = next_request(tx, outlook)
    try:
        flow = await at(tx, asking.url).stream(wait_call(asking))
    except FaultError as error:
        raise lost(error) from None
    return await begun(asking, flow)
