"""What an IMAP connection stands on and reports to."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from prober.simulator.faults.weather import Weather
from prober.simulator.service import Premises
from prober.simulator.wire import Attempt, Connection, Host

if TYPE_CHECKING:
    from prober.simulator.imap.line import Line


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds a connection may be quiet before and after login, by default as on Exchange Server.

    `keep_alive`: how often an idling one is told that all is well, 0 for never.
    """

    unauthenticated: float = 60.0
    authenticated: float = 1800.0
    keep_alive: float = 120.0


@dataclass(frozen=True, slots=True)
class ImapEntrance:
    """Shared by all connections.

    `admit` opens a session for a mailbox address that lasts as long as its context; raises `OverQuota`. `accepted`
    names the attempt of a new connection, `held` hears of one that waits for news, `closed` of its end.
    """

    premises: Premises
    weather: Weather
    admit: Callable[[str], AbstractContextManager[None]]
    accepted: Callable[[Host], Attempt]
    held: Callable[[Connection], None]
    closed: Callable[[Connection], None]
    limits: Limits = Limits()
    open: set["Line"] = field(default_factory=set)
