"""How much of each budget a configuration uses: our own, and what servers publish.

Rule of this file: the fullest member of each budget is shown; one that stays within it says that all do.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prober.model import Assignment
from prober.planning.requests import Cost

GRAPH = frozenset({"outlook_mobile", "outlook_mac"})
PUBLISHED_GRAPH = 10_000.0
"""Requests in ten minutes that Graph allows one application at one mailbox."""
NEAR, FULL = 0.8, 1.0


@dataclass(frozen=True, slots=True)
class Share:
    """What is used of a budget, in its own unit."""

    name: str
    used: float
    limit: float

    @property
    def mark(self) -> str:
        """`!` where little is left, `!!` where the configuration goes beyond it."""
        share = self.used / self.limit
        return "!!" if share > FULL else "!" if share > NEAR else ""


def shares(costs: Iterable[Cost], tokens: Mapping[str, float], limits: Mapping[str, float]) -> tuple[Share, ...]:
    """Return the share of each budget. `limits` are our own, by name; `tokens` a day by credential.

    A token is kept for its hour whoever asks; a client whose business it is to sign in is not held to that.
    """
    listed = tuple(costs)
    transactions = max((60.0 / one.assignment.interval for one in listed), default=0.0)
    graph = _fullest((one for one in listed if one.assignment.client in GRAPH), 24 * 60.0)
    held = _held(one.assignment for one in listed)
    return (
        Share("transactions per client and minute", transactions, limits["transactions_per_minute"]),
        Share("open connections of a mailbox", held, limits["open_connections"]),
        Share("Graph requests of a mailbox and minute", graph, limits["graph_requests_per_minute"]),
        Share("Graph requests in ten minutes (published)", 10 * graph, PUBLISHED_GRAPH),
        Share("tokens of a credential, resource and hour", 1.0 if tokens else 0.0, limits["tokens_per_hour"]),
    )


def _fullest(costs: Iterable[Cost], parts: float) -> float:
    """Return the requests of the mailbox that is asked most, in one of so many parts of a day."""
    found: dict[str, float] = {}
    for one in costs:
        found[_mailbox(one.assignment)] = found.get(_mailbox(one.assignment), 0.0) + one.requests / parts
    return max(found.values(), default=0.0)


def _held(assignments: Iterable[Assignment]) -> float:
    """Return the connections of the mailbox that has most: every held channel, and one attempt at a time beside."""
    found: dict[str, float] = {}
    for one in assignments:
        found[_mailbox(one)] = found.get(_mailbox(one), 1.0) + (one.push is not None)
    return max(found.values(), default=0.0)


def _mailbox(one: Assignment) -> str:
    return (one.target.mailbox or one.target.name).lower()
