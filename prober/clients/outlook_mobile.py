"""Outlook for iOS and Android, as far as anybody can who is not the app: discovery, sign-in, and the same mailbox.

The app speaks a protocol that nobody publishes, to services that nobody else can reach. This client goes the public way
to the same mailbox and says so by its fidelity: what it finds well may still be ill for the app.
"""

from dataclasses import dataclass

from prober.clients import graph_mailbox as graph
from prober.clients.discovery import discover, not_supported
from prober.clients.graph_channel import HeldBeside
from prober.clients.graph_mailbox import GraphMailbox
from prober.faults.taxonomy import FaultError, Kind, Reason
from prober.model import Assignment
from prober.protocols.autodiscover.autodetect import AutoDetect
from prober.protocols.http.front_door import FrontDoor
from prober.protocols.http.oauth_challenge import OAuthChallenge
from prober.transaction import Client, SkipStep, Step, Transaction, has_canary, uses_oauth
from prober.vocabulary import Depth, Environment, Fidelity

NOTIFY_OVERDUE = Kind("notify_overdue", Reason.PUSH_CHANNEL_LOST)


@dataclass(frozen=True, slots=True)
class OutlookMobileOptions:
    """What configuration may say of this client.

    `cold_every`: transactions after which everything is followed anew. `notify_seconds`: how long `notify_wait` waits;
    from 15 on it also notices news that it is not told of.
    """

    cold_every: int = 15
    notify_seconds: float = 2.0

    def __post_init__(self) -> None:
        if self.cold_every < 1:
            raise ValueError("cold_every must be at least 1")
        if not 0 < self.notify_seconds <= 600:
            raise ValueError("notify_seconds must be above 0 and at most 600")


async def autodetect(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Ask what kind of account the address has."""
    if not tx.target.mailbox:
        raise SkipStep
    tx.note(protocol=await tx.ask(AutoDetect(tx.endpoint("autodetect"), tx.target.mailbox)))


async def discover_rest(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Ask Autodiscover for the REST interface; for ActiveSync where it is not known any more."""
    try:
        await discover(tx, "Rest")
    except FaultError as error:
        if not not_supported(error):
            raise
        tx.note(fallback="ActiveSync")
        await discover(tx, "ActiveSync")


async def discover_eas(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Ask Autodiscover where ActiveSync is."""
    await discover(tx, "ActiveSync")


async def oauth_challenge(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Provoke the OAuth challenge."""
    url, address = tx.endpoint("activesync"), tx.target.mailbox or ""
    tx.note(challenge=await tx.ask(OAuthChallenge(url, address, method="GET")))


async def outlook_service_front_door(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Ask the front door of the private service, and be refused by it."""
    if not await tx.ask(FrontDoor(tx.endpoint("outlook_service"))):
        tx.note(gone=True)
        raise SkipStep


def notify_limit(assignment: Assignment) -> float:
    """Return the seconds of `notify_wait`: what it waits, and what signing in and leaving may take."""
    return float(getattr(assignment.options, "notify_seconds", 2.0)) + 60.0


MAILBOX_STEPS: tuple[Step[GraphMailbox], ...] = (
    Step(graph.token_request, Depth.TOKEN, 15, applies=uses_oauth),
    Step(graph.list_folders, Depth.MAILBOX, 30),
    Step(graph.mail_delta_prime, Depth.MAILBOX, 60),
    Step(graph.mail_delta_next, Depth.MAILBOX, 30),
    Step(graph.calendar_delta, Depth.MAILBOX, 60),
    Step(graph.read_newest, Depth.MAILBOX, 30),
    Step(graph.canary, Depth.MAILBOX, 30, applies=has_canary),
    Step(graph.notify_wait, Depth.MAILBOX, notify_limit, overdue=NOTIFY_OVERDUE),
)

CLIENT = Client(
    name="outlook_mobile",
    summary="Outlook for iOS and Android, by the public path to the same mailbox",
    title="Outlook mobile",
    memory=GraphMailbox,
    steps=(
        Step(autodetect, Depth.REACH, 15, opt_in=True),
        Step(discover_rest, Depth.REACH, 15),
        Step(discover_eas, Depth.REACH, 15),
        Step(oauth_challenge, Depth.REACH, 15),
        Step(outlook_service_front_door, Depth.REACH, 15, opt_in=True),
        *MAILBOX_STEPS,
    ),
    endpoints=("autodiscover", "graph", "activesync", "imap4", "autodetect", "outlook_service"),
    scopes=graph.GRAPH,
    interval=120.0,
    fidelity=Fidelity.SURROGATE,
    family="outlook_service",
    options=OutlookMobileOptions,
    held=HeldBeside,
    natural={Environment.EXCHANGE_SERVER: Depth.REACH},
)
