"""What a command works on: the mailbox, the device, the request's document, and what the view hides."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from prober.simulator.activesync.devices import Device
from prober.simulator.activesync.request import Line
from prober.simulator.activesync.wbxml import Node
from prober.simulator.faults.fault import Fault
from prober.simulator.mailbox import Mailbox
from prober.simulator.tenant import Tenant


@dataclass(frozen=True, slots=True)
class Session:
    """One command at work. `body` is `None` where none was sent. `until`: the time the view ends at, when stale."""

    tenant: Tenant
    mailbox: Mailbox
    device: Device
    line: Line
    body: Node | None
    raw: bytes
    fault: Fault | None = None
    until: datetime | None = None

    @property
    def now(self) -> datetime:
        """The tenant's time."""
        return self.tenant.clocks.now()


@dataclass(frozen=True, slots=True)
class Done:
    """What a command comes to: a document, nothing at all (an empty reply), or a status of HTTP."""

    document: Node | None = None
    status: int = 200
    cut_off: bool = False


Command = Callable[[Session], Awaitable[Done]]
