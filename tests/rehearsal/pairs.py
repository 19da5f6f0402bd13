"""Pairs of faults that strike at once, each with its cause, whom it strikes and where, and who is to be blamed.

Rule of this file: what is right is written down as `docs/blame.md` promises it, and never asked of the solver.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, product
from types import MappingProxyType

from prober.simulator.faults.fault import KINDS, Fault, Level
from prober.simulator.faults.read import Incident
from tests.rehearsal.faults import CLIENTS, WIRES, Cell

REGIONS = ("eu", "na")
EVERYBODY = tuple(client for client in CLIENTS if client not in ("m365_signin", "control"))
"""Those who go to the mailbox."""
LONERS = ("imap4", "outlook_mobile", "owa")
"""Those whom a fault of one client strikes, one after the other."""
BY_WIRE: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "dns": ("dns_timeout",),
        "network": ("connect_refuse",),
        "tls": ("tls_expired",),
        "identity": ("token_503",),
        "policy": ("aadsts_53003",),
        "identity shown": ("diagnostic_2000001",),
        "frontend": ("http_503", "imap_busy"),
        "mailbox": (
            *("eas_114", "soap_ErrorMailboxStoreUnavailable", "graph_MailboxInfoStale"),
            *("mapi_10_connect", "imap_not_connected"),
        ),
        "protocol": ("garbage",),
        "prober": ("http_400", "imap_throttled"),
    }
)
"""By cause, the faults of the matrix that show it, each to its clients; a throttled one says nothing of anybody."""
DEPTHS = ("prober itself", "proxy", "dns", "network", "tls", "identity", "policy", "identity shown")
"""Causes in the order in which an attempt meets them; it meets all others where it asks for data."""
TOGETHER = frozenset({"identity shown", "frontend", "mailbox"})
"""Causes that clients have in common: if only one of them suffers where others are well, it is its protocol."""


BY_NAME = MappingProxyType({wire.name: wire for wire in WIRES})


def _cells() -> dict[str, dict[str, Cell]]:
    found = {
        cause: {cell.client: cell for name in names for cell in BY_NAME[name].cells} for cause, names in BY_WIRE.items()
    }
    # What no tenant can do to a prober: its way out is shut, or its own loop stood still.
    found["proxy"] = {one: Cell("proxy", one, "", "excluded", "probe_internal", "proxy") for one in EVERYBODY}
    found["prober itself"] = {
        one: Cell("blocked", one, "", "inconclusive", "probe_internal", "prober") for one in EVERYBODY
    }
    return found


CELLS: Mapping[str, Mapping[str, Cell]] = MappingProxyType(_cells())
"""By cause and client, what an attempt comes to. Those with a fault behind them are proved by the matrix."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One cause, whom it strikes, and in which regions."""

    cause: str
    clients: tuple[str, ...]
    regions: tuple[str, ...]

    def __str__(self) -> str:
        whom = self.clients[0] if len(self.clients) == 1 else "everybody"
        return f"{self.cause} of {whom} in {' and '.join(self.regions)}"

    @property
    def struck(self) -> frozenset[tuple[str, str]]:
        """Client and region of every assignment it would show itself to."""
        return frozenset(product(self.clients, self.regions))

    @property
    def depth(self) -> int:
        """When an attempt meets it."""
        return DEPTHS.index(self.cause) if self.cause in DEPTHS else len(DEPTHS)

    @property
    def incident(self) -> Incident:
        """The same for the tenant; what no tenant can do does nothing."""
        cells = [CELLS[self.cause][client] for client in self.clients if CELLS[self.cause][client].fault in BY_NAME]
        return Incident(str(self), faults=tuple(map(_fault, cells)), regions=self.regions)

    @property
    def right(self) -> str:
        """The narrowest domain that explains it alone."""
        if self.cause in TOGETHER and len(self.clients) == 1:
            return "protocol"
        return self.cause.split()[0]


Pair = tuple[Trouble, Trouble]


def _fault(cell: Cell) -> Fault:
    does = dict(BY_NAME[cell.fault].does)
    kind = does.pop("kind")
    steps = {cell.step} if KINDS[kind].level is Level.REQUEST else {"any"}
    return Fault(kind, frozenset({cell.client}), frozenset(steps), arguments=MappingProxyType(does))


def troubles() -> tuple[Trouble, ...]:
    """Return every cause, of everybody and of one client, in one region and in both."""
    whom = (EVERYBODY, *((one,) for one in LONERS))
    where = (("eu",), ("na",), REGIONS)
    return tuple(
        Trouble(cause, clients, regions)
        for cause, clients, regions in product(CELLS, whom, where)
        if all(client in CELLS[cause] for client in clients) and not _of_one_only(cause, clients)
    )


def _of_one_only(cause: str, clients: tuple[str, ...]) -> bool:
    """Whether it would strike everybody with what by its nature is one client's, or a throttled one alone."""
    return (cause == "protocol" and len(clients) > 1) or (cause == "prober" and clients == ("imap4",))


def pairs() -> Iterator[Pair]:
    """Return every pair that two domains explain, in which neither hides the other wholly."""
    for first, second in combinations(troubles(), 2):
        upper, lower = sorted((first, second), key=lambda one: one.depth)
        undecided = first.cause != second.cause and upper.depth == lower.depth and upper.struck & lower.struck
        if first.right != second.right and not undecided and _shown(upper, lower):
            yield first, second


def _shown(upper: Trouble, lower: Trouble) -> bool:
    """Whether what is met later is still met as what it is: by as many clients as make it that, wherever it is."""
    left = {client for client, region in lower.struck - upper.struck}
    return len(left) >= min(2, len(lower.clients))


def met(pair: Pair, client: str, region: str) -> Cell | None:
    """Return what an attempt comes to, `None` for success."""
    struck = [one for one in pair if (client, region) in one.struck]
    return CELLS[min(struck, key=lambda one: one.depth).cause][client] if struck else None
