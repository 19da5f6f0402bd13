"""Outlook on the web: the way to its sign-in page, its service's refusal, and the same mailbox over Graph.

What lies behind the sign-in is a private interface of browsers. This client goes the public way to the mailbox and says
so by its fidelity.
"""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urljoin

from prober.clients import graph_mailbox as graph
from prober.clients.browsing import Landed, browse, told
from prober.clients.graph_mailbox import GraphMailbox
from prober.exchange import Reply
from prober.faults.taxonomy import FaultError
from prober.model import Assignment
from prober.protocols.http import phrases
from prober.protocols.http.health_page import HealthPage, beside
from prober.protocols.owa import landing
from prober.protocols.owa.asset import Asset
from prober.protocols.owa.service import ServiceUnauth
from prober.transaction import Client, SkipStep, Step, Transaction, has_canary, only_in, uses_oauth
from prober.vocabulary import Depth, Environment, Fidelity

ENDPOINT, MAIL = "owa", "mail"


@dataclass(frozen=True, slots=True)
class OwaOptions:
    """What configuration may say of this client.

    `error_phrases`: texts by which an error page is known, separated by `|`. `cold_every`: transactions after which the
    mailbox is followed anew.
    """

    error_phrases: str = phrases.DEFAULT
    cold_every: int = 15

    def __post_init__(self) -> None:
        if self.cold_every < 1:
            raise ValueError("cold_every must be at least 1")


@dataclass(slots=True)
class Browser:
    """What was seen on the way: the first script that a page loads."""

    script: str = ""

    def look(self, url: str, reply: Reply) -> None:
        """Keep the first script there is."""
        self.script = self.script or landing.script(url, reply)


async def health_page(tx: Transaction, browser: Browser) -> None:
    """Read the pages that Exchange Server makes for load balancers, of the web mail and of the settings."""
    owa = tx.endpoint(ENDPOINT)
    for name, directory in (("owa", owa), ("ecp", urljoin(owa, "/ecp/"))):
        try:
            tx.note(server=await tx.ask(HealthPage(beside(directory))))
        except FaultError as error:
            raise told(error, page=name) from None


async def landing_redirect(tx: Transaction, browser: Browser) -> None:
    """Open the landing pages, and be led to where people sign in."""
    for name in (ENDPOINT, MAIL):
        if name == ENDPOINT or name in tx.target.endpoints:
            await _land(tx, browser, name)


async def _land(tx: Transaction, browser: Browser, name: str) -> None:
    try:
        landed = await browse(tx, tx.endpoint(name), browser.look)
        tx.note(hops=landed.hops, ended=_ended(tx, landed))
    except FaultError as error:
        raise told(error, page=name) from None


def _ended(tx: Transaction, landed: Landed) -> str:
    unwanted = phrases.split(options_of(tx.assignment).error_phrases)
    on_premises = tx.target.environment is not Environment.EXCHANGE_ONLINE
    return landing.ended(landed.url, landed.reply, unwanted, on_premises=on_premises)


async def owa_service_unauth(tx: Transaction, browser: Browser) -> None:
    """Ask the private service without a credential, and be refused."""
    tx.note(refusal=await tx.ask(ServiceUnauth(tx.endpoint(ENDPOINT))))


async def static_asset(tx: Transaction, browser: Browser) -> None:
    """Load one script of the landing page, from wherever it lies."""
    if not browser.script:
        raise SkipStep
    tx.note(where="cdn")
    try:
        tx.note(bytes=await tx.ask(Asset(browser.script)))
    except FaultError as error:
        raise told(error, where="cdn") from None


async def token_request(tx: Transaction, browser: Browser) -> None:
    """Obtain a token for Graph, unless one is in hand."""
    await tx.token()


async def calendar_and_mail_surrogate(tx: Transaction, browser: Browser) -> None:
    """Look at the mailbox over Graph: folders, what is new in mail and calendar, and the newest message."""
    mailbox = _mailbox(tx)
    await graph.list_folders(tx, mailbox)
    with suppress(SkipStep):
        await graph.mail_delta_prime(tx, mailbox)
    await graph.mail_delta_next(tx, mailbox)
    await graph.calendar_delta(tx, mailbox)
    await graph.read_newest(tx, mailbox)


async def canary(tx: Transaction, browser: Browser) -> None:
    """Look for the canary item."""
    await graph.canary(tx, _mailbox(tx))


def _mailbox(tx: Transaction) -> GraphMailbox:
    """Begin to look over Graph, where it is configured: servers of one's own have none."""
    if graph.ENDPOINT not in tx.target.endpoints:
        raise SkipStep
    return GraphMailbox()


def options_of(assignment: Assignment) -> OwaOptions:
    """Return the options of an assignment."""
    chosen = assignment.options
    return chosen if isinstance(chosen, OwaOptions) else OwaOptions()


CLIENT = Client(
    name="owa",
    summary="Outlook on the web to its sign-in page, and the same mailbox over Graph",
    title="Outlook on the web",
    memory=Browser,
    steps=(
        Step(health_page, Depth.REACH, 10, opt_in=True, applies=only_in(Environment.EXCHANGE_SERVER)),
        Step(landing_redirect, Depth.REACH, 30),
        Step(owa_service_unauth, Depth.REACH, 15),
        Step(static_asset, Depth.REACH, 15, opt_in=True),
        Step(token_request, Depth.TOKEN, 15, applies=uses_oauth),
        Step(calendar_and_mail_surrogate, Depth.MAILBOX, 60),
        Step(canary, Depth.MAILBOX, 30, applies=has_canary),
    ),
    endpoints=(ENDPOINT, MAIL, graph.ENDPOINT),
    scopes=graph.GRAPH,
    interval=120.0,
    fidelity=Fidelity.SURROGATE,
    options=OwaOptions,
    natural={Environment.EXCHANGE_SERVER: Depth.REACH},
)
