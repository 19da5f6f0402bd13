"""Classic Outlook for Windows over MAPI over HTTP: Autodiscover, a session with the mailbox, and the wait for news.

In Exchange Online no permission for this protocol is published that a program may ask for, so with a credential alone
it goes no further than the front door there; `depth: mailbox` tells it to try.
"""

from types import MappingProxyType
from urllib.parse import urlsplit

from prober.clients.mapi import (
    ADDRESS_BOOK,
    DISCOVERY,
    ENDPOINT,
    SCOPES,
    SOAP_DISCOVERY,
    Outlook,
    OutlookOptions,
    ask,
    begin_wait,
    discover,
    in_session,
    log_on,
    next_request,
    options_of,
)
from prober.clients.mapi import connect as begin_session
from prober.clients.mapi_channel import HeldNotification
from prober.faults.taxonomy import FaultError
from prober.model import Assignment
from prober.protocols.autodiscover.pox import PoxChallenge
from prober.protocols.autodiscover.soap import GetUserSettings
from prober.protocols.http.health_page import HealthPage, beside
from prober.protocols.http.oauth_challenge import OAuthChallenge
from prober.protocols.mapi import status
from prober.protocols.mapi.disconnect import Disconnect
from prober.protocols.mapi.ping import Ping
from prober.transaction import Client, SkipStep, Step, Transaction, only_in, uses_oauth
from prober.vocabulary import Depth, Environment

OTHER_DIRECTORIES = ("rpc", "oab")
"""Virtual directories that classic Outlook uses too: the older protocol, and the offline address book."""


# -- without credentials -------------------------------------------------------------------------------------------


async def health_page(tx: Transaction, outlook: Outlook) -> None:
    """Read the page that Exchange Server makes for load balancers; those of Outlook's other directories are noted."""
    parts = urlsplit(tx.endpoint(ENDPOINT))
    origin = f"{parts.scheme}://{parts.netloc}"
    tx.note(server=await tx.ask(HealthPage(beside(f"{origin}/mapi"))))
    for directory in OTHER_DIRECTORIES:
        tx.note(**{directory: await _health(tx, beside(f"{origin}/{directory}"))})


async def _health(tx: Transaction, url: str) -> str:
    try:
        await tx.ask(HealthPage(url))
    except FaultError as error:
        return error.fault.kind.code
    return "healthy"


async def oauth_challenge(tx: Transaction, outlook: Outlook) -> None:
    """Provoke the challenge of the mailbox's endpoint."""
    tx.note(challenge=await _challenged(tx, outlook, tx.endpoint(ENDPOINT)))


async def nspi_challenge(tx: Transaction, outlook: Outlook) -> None:
    """Provoke the challenge of the address book's endpoint."""
    if ADDRESS_BOOK not in tx.target.endpoints:
        raise SkipStep
    tx.note(challenge=await _challenged(tx, outlook, tx.endpoint(ADDRESS_BOOK)))


async def _challenged(tx: Transaction, outlook: Outlook, url: str) -> str:
    asked = next_request(tx, outlook).call("PING").headers
    own = tx.target.environment is not Environment.EXCHANGE_ONLINE
    return await tx.ask(OAuthChallenge(url, tx.target.mailbox or "", "POST", asked, on_premises=own))


async def autodiscover_pox(tx: Transaction, outlook: Outlook) -> None:
    """Ask Autodiscover where the mailbox is; without a credential, be refused."""
    if DISCOVERY not in tx.target.endpoints:
        raise SkipStep
    if tx.assignment.depth is Depth.MAILBOX:
        await discover(tx, outlook)
    else:
        tx.note(challenge=await tx.ask(PoxChallenge(tx.endpoint(DISCOVERY))))


# -- with a mailbox ------------------------------------------------------------------------------------------------


async def token_request(tx: Transaction, outlook: Outlook) -> None:
    """Obtain a token, unless one is in hand."""
    await tx.token()


async def autodiscover_soap(tx: Transaction, outlook: Outlook) -> None:
    """Ask the SOAP dialect of Autodiscover the same."""
    if SOAP_DISCOVERY not in tx.target.endpoints:
        raise SkipStep
    question = GetUserSettings(tx.endpoint(SOAP_DISCOVERY), tx.mailbox)
    found = await tx.ask(question)
    if found.redirect_url or found.redirect_address:
        tx.note(redirect="hybrid")
        return
    if not found.user_dn:
        raise FaultError(status.NO_DN, {"missing": "UserDN"})
    agrees = not outlook.user_dn or outlook.user_dn.lower() == found.user_dn.lower()
    tx.note(mapi_http=found.mapi_http, same_user=agrees)
    outlook.user_dn = outlook.user_dn or found.user_dn


async def ping(tx: Transaction, outlook: Outlook) -> None:
    """See that the endpoint is there; a server that wants a session first gets one."""
    try:
        tx.note(server_version=await ask(tx, outlook, Ping))
    except FaultError as error:
        if status.response_code(error.fault) != status.MISSING_COOKIE:
            raise
        outlook.ping_owed = True
        tx.note(ping="after connect")


async def connect(tx: Transaction, outlook: Outlook) -> None:
    """Begin a session with the mailbox."""
    await begin_session(tx, outlook)
    if outlook.ping_owed:
        await ask(tx, outlook, Ping)
        tx.note(ping="answered")


async def execute_logon(tx: Transaction, outlook: Outlook) -> None:
    """Log on to the store of the mailbox."""
    mailbox = await log_on(tx, outlook)
    tx.note(folders=len(mailbox.folders))


async def notification_wait(tx: Transaction, outlook: Outlook) -> None:
    """Wait for news, and see that the server shows that it waits too."""
    clock = tx.timeline.clock
    waiting = await in_session(tx, outlook, lambda: begin_wait(tx, outlook))
    until, told = clock() + options_of(tx.assignment).wait_seconds, None
    try:
        while told is None and (left := until - clock()) > 0:
            told = await waiting.listen(left)
    finally:
        await waiting.close()
    tx.note(signs=waiting.signs, event=bool(told))


async def disconnect(tx: Transaction, outlook: Outlook) -> None:
    """End the session."""
    await ask(tx, outlook, Disconnect)


def _wait_limit(assignment: Assignment) -> float:
    return options_of(assignment).wait_seconds + 30.0


CLIENT = Client(
    name="outlook_desktop",
    summary="Classic Outlook for Windows over MAPI over HTTP",
    title="Classic Outlook",
    memory=Outlook,
    steps=(
        Step(health_page, Depth.REACH, 10, opt_in=True, applies=only_in(Environment.EXCHANGE_SERVER)),
        Step(oauth_challenge, Depth.REACH, 15),
        Step(nspi_challenge, Depth.REACH, 15),
        # before discovery: what the token service refuses is not Autodiscover's doing
        Step(token_request, Depth.TOKEN, 15, applies=uses_oauth),
        Step(autodiscover_pox, Depth.REACH, 20),
        Step(autodiscover_soap, Depth.MAILBOX, 20, opt_in=True),
        Step(ping, Depth.MAILBOX, 15),
        Step(connect, Depth.MAILBOX, 30),
        Step(execute_logon, Depth.MAILBOX, 30, opt_in=True),
        Step(notification_wait, Depth.MAILBOX, _wait_limit, opt_in=True, overdue=status.WAIT_SILENT),
        Step(disconnect, Depth.MAILBOX, 10, tolerated=True),
    ),
    endpoints=(ENDPOINT, ADDRESS_BOOK, DISCOVERY, SOAP_DISCOVERY),
    scopes=SCOPES,
    interval=120.0,
    options=OutlookOptions,
    held=HeldNotification,
    natural=MappingProxyType({Environment.EXCHANGE_ONLINE: Depth.REACH}),
)
