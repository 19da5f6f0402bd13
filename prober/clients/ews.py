"""What every part of the legacy Mac client does over Exchange Web Services: who asks, and how a folder is followed.

Rule of this file: the state of a folder is the server's own text, kept as it came and never looked into.
"""

from dataclasses import dataclass
from typing import Literal, TypeVar

from prober.exchange import Exchange
from prober.faults.taxonomy import Fault, FaultError
from prober.model import Assignment
from prober.protocols.ews import status
from prober.protocols.ews.soap import Caller
from prober.protocols.ews.sync_folder_items import MOST, Arrived, Changes, SyncFolderItems
from prober.protocols.http import status as http
from prober.transaction import Transaction
from prober.vocabulary import Environment

R = TypeVar("R")
ENDPOINT = "ews"
APPLICATIONS = frozenset({"client_credentials", "managed_identity"})
"""Credentials whose tokens are an application's own and open no mailbox by themselves."""
WITHDRAWN = frozenset(http.STATUSES[code] for code in (403, 404, 410))
"""What a service that no longer offers the protocol is expected to say; nothing about it is published."""
PAGES = 20


@dataclass(frozen=True, slots=True)
class EwsOptions:
    """What configuration may say of this client.

    `impersonation`: whether requests act for the mailbox by `ExchangeImpersonation`; `auto` does so where the token is
    an application's. `cold_every`: transactions after which the folders are learnt from nothing. `max_changes`: of one
    SyncFolderItems. `free_busy_with`: a second address to ask about, best one whose mailbox is on the other premises of
    a hybrid organisation. `stream_seconds`: how long the step `stream_wait` listens after the stream has opened.
    """

    impersonation: Literal["auto", "always", "never"] = "auto"
    cold_every: int = 15
    max_changes: int = 100
    free_busy_with: str = ""
    stream_seconds: float = 1.0

    def __post_init__(self) -> None:
        if self.cold_every < 1:
            raise ValueError("cold_every must be at least 1")
        if not 10 <= self.max_changes <= MOST:
            raise ValueError(f"max_changes must be from 10 to {MOST}")
        if self.free_busy_with and "@" not in self.free_busy_with:
            raise ValueError("free_busy_with must be an address")
        if not 0 <= self.stream_seconds <= 60:
            raise ValueError("stream_seconds must be from 0 to 60")


def options_of(assignment: Assignment) -> EwsOptions:
    """Return the client's options, the defaults where none are given."""
    return assignment.options if isinstance(assignment.options, EwsOptions) else EwsOptions()


def caller(tx: Transaction, *, affinity: bool = False) -> Caller:
    """Return who asks."""
    wish = options_of(tx.assignment).impersonation
    impersonates = wish == "always" or (wish == "auto" and tx.identity.kind in APPLICATIONS)
    return Caller(tx.endpoint(ENDPOINT), tx.mailbox, impersonates, affinity)


async def say(tx: Transaction, exchange: Exchange[R]) -> R:
    """Ask one question of the web services.

    Raises `FaultError`, that of a withdrawn protocol where Exchange Online no longer has it.
    """
    try:
        return await tx.ask(exchange)
    except FaultError as error:
        raise understood(tx, error) from None


def understood(tx: Transaction, error: FaultError) -> FaultError:
    """Return what a refusal means of this protocol: in Exchange Online, that it has been withdrawn."""
    online = tx.target.environment is Environment.EXCHANGE_ONLINE
    withdrawn = error.fault.kind in WITHDRAWN or error.fault.kind is status.SWITCHED_OFF_FOR_TENANT
    return FaultError(status.RETIRED, _kept(error.fault)) if online and withdrawn else error


def _kept(fault: Fault) -> dict[str, str]:
    return {**fault.evidence, "was": fault.kind.code}


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of following the inbox: the state, what arrived and went, and whether that was all there is."""

    state: str
    arrived: tuple[Arrived, ...]
    gone: frozenset[str]
    settled: bool
    refused: bool = False


async def follow(tx: Transaction, state: str, most: int = MOST) -> Turn:
    """Ask for changes of the inbox until there are none; from the beginning where the state is refused, once."""
    try:
        return await _pages(tx, state, most)
    except FaultError as error:
        if not state or status.response_code(error.fault) != status.BAD_STATE:
            raise
    turn = await _pages(tx, "", most)
    return Turn(turn.state, turn.arrived, turn.gone, turn.settled, refused=True)


async def _pages(tx: Transaction, state: str, most: int) -> Turn:
    arrived: list[Arrived] = []
    gone: set[str] = set()
    for _ in range(PAGES):
        changes: Changes = await say(tx, SyncFolderItems(caller(tx), state, most))
        state = changes.state
        arrived += changes.arrived
        gone |= changes.gone
        if changes.last:
            return Turn(state, tuple(arrived), frozenset(gone), settled=True)
    return Turn(state, tuple(arrived), frozenset(gone), settled=False)
