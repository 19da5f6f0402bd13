"""The new Outlook for Mac, as far as anybody can who is not the app: the phone's public way, and a desktop's habits.

Like the phone's app it speaks a protocol that nobody publishes. What is a desktop's here: free and busy times, and one
connection that is held for long.
"""

from dataclasses import dataclass
from typing import Literal

from prober.clients import graph_mailbox as graph
from prober.clients.discovery import discover, not_supported
from prober.clients.graph_channel import EVERY, HeldBeside, HeldConnection
from prober.clients.graph_mailbox import DAY, GraphMailbox
from prober.clients.outlook_mobile import MAILBOX_STEPS
from prober.faults.taxonomy import FaultError
from prober.model import Assignment
from prober.protocols.graph.calendar import GetSchedule
from prober.protocols.http.oauth_challenge import OAuthChallenge
from prober.transaction import Client, Held, SkipStep, Step, Transaction
from prober.vocabulary import Depth, Environment, Fidelity

GONE = frozenset({"http_403", "http_404", "http_410"})


@dataclass(frozen=True, slots=True)
class OutlookMacOptions:
    """What configuration may say of this client.

    `cold_every`, `notify_seconds`: as for `outlook_mobile`. `free_busy_with`: the address of somebody else, whose times
    are asked for too (across premises, where that is where they are). `held_seconds`: how long the opt-in step
    `held_connection` holds its connection. `channel`: which push channel is held, IMAP IDLE or a connection.
    """

    cold_every: int = 15
    notify_seconds: float = 2.0
    free_busy_with: str = ""
    held_seconds: float = 600.0
    channel: Literal["idle", "connection"] = "idle"

    def __post_init__(self) -> None:
        if self.cold_every < 1:
            raise ValueError("cold_every must be at least 1")
        if not 0 < self.notify_seconds <= 600:
            raise ValueError("notify_seconds must be above 0 and at most 600")
        if not 0 < self.held_seconds <= 3600:
            raise ValueError("held_seconds must be above 0 and at most 3600")
        if self.free_busy_with and "@" not in self.free_busy_with:
            raise ValueError("free_busy_with must be an address")


def options_of(assignment: Assignment) -> OutlookMacOptions:
    """Return the assignment's options, or the defaults."""
    return assignment.options if isinstance(assignment.options, OutlookMacOptions) else OutlookMacOptions()


async def discover_ews(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Ask Autodiscover where Exchange Web Services are; a service that is withdrawn may be known no more."""
    try:
        await discover(tx, "Ews")
    except FaultError as error:
        if not not_supported(error):
            raise
        tx.note(answer="not supported")


async def discover_substrate(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Ask Autodiscover where the store's own interface is."""
    try:
        await discover(tx, "Substrate")
    except FaultError as error:
        if not not_supported(error):
            raise
        raise SkipStep from None


async def oauth_challenge(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Provoke the OAuth challenge where web services are; in the cloud, one that is gone is withdrawn, not broken."""
    url, address = tx.endpoint("ews"), tx.target.mailbox or ""
    try:
        tx.note(challenge=await tx.ask(OAuthChallenge(url, address, method="GET")))
    except FaultError as error:
        withdrawn = tx.target.environment is Environment.EXCHANGE_ONLINE and error.fault.kind.code in GONE
        if not withdrawn:
            raise
        tx.note(retired="ews")


async def free_busy(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Ask when the mailbox's owner is free in the coming day, and somebody else where one is named."""
    other = options_of(tx.assignment).free_busy_with
    addresses = (tx.mailbox, other) if other else (tx.mailbox,)
    now = tx.wall()
    tx.note(schedules=await tx.ask(GetSchedule(graph.user(tx), addresses, now, now + DAY)))


async def held_connection(tx: Transaction, mailbox: GraphMailbox) -> None:
    """Hold one connection for minutes, and ask on it every minute what is new."""
    until, asked, before = tx.timeline.clock() + options_of(tx.assignment).held_seconds, 0, tx.connections
    while (left := until - tx.timeline.clock()) > 0:
        await tx.rest(min(left, EVERY))
        await graph.mail_delta_next(tx, mailbox)
        asked += 1
    tx.note(asked=asked, reopened=tx.connections - before)


class HeldByChoice:
    """The channel that configuration has chosen, once it is known."""

    def __init__(self) -> None:
        self._chosen: Held | None = None
        self._marks = HeldBeside()

    async def open(self, tx: Transaction) -> None:
        """Choose and open."""
        self._chosen = HeldConnection() if options_of(tx.assignment).channel == "connection" else HeldBeside()
        await self._chosen.open(tx)

    async def wait(self, tx: Transaction, seconds: float) -> bool:
        """Hold. Raises `FaultError`."""
        return self._chosen is not None and await self._chosen.wait(tx, seconds)

    async def close(self, tx: Transaction) -> None:
        """Take leave."""
        if self._chosen is not None:
            await self._chosen.close(tx)

    async def mark(self, tx: Transaction) -> None:
        """Put a marker into the inbox, by the same means whichever channel tells of it. Raises `FaultError`."""
        await self._marks.mark(tx)

    async def tidy(self, tx: Transaction) -> None:
        """Remove it again."""
        await self._marks.tidy(tx)


def _held_limit(assignment: Assignment) -> float:
    return options_of(assignment).held_seconds + 60.0


CLIENT = Client(
    name="outlook_mac",
    summary="The new Outlook for Mac, by the public path to the same mailbox",
    title="New Outlook for Mac",
    memory=GraphMailbox,
    steps=(
        Step(discover_ews, Depth.REACH, 15),
        Step(discover_substrate, Depth.REACH, 15, opt_in=True),
        Step(oauth_challenge, Depth.REACH, 15),
        *MAILBOX_STEPS,
        Step(free_busy, Depth.MAILBOX, 30),
        Step(held_connection, Depth.MAILBOX, _held_limit, opt_in=True),
    ),
    endpoints=("autodiscover", "graph", "ews", "imap4"),
    scopes=graph.GRAPH,
    interval=120.0,
    fidelity=Fidelity.SURROGATE,
    family="outlook_service",
    options=OutlookMacOptions,
    held=HeldByChoice,
    natural={Environment.EXCHANGE_SERVER: Depth.REACH},
)
