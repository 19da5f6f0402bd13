"""What the prober allows itself, two orders of magnitude below what servers allow, and how much of it is used.

Rule of this file: what somebody has configured is counted and never refused, for who sets an interval has decided; what
the prober adds of its own accord, a second look or a marker, has to find room.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import exp
from types import MappingProxyType

from prober.schedule.scopes import ScopeKind
from prober.timeline import Clock

LEAST = 0.5
"""Share of a budget that is there for what the prober adds, also where what is configured uses it up."""
TENTH = 0.1
"""Share of what is configured that may be added to it."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What one member of a scope may use: `limit` within `window` seconds, or at once where there is no window.

    A use within a window is averaged over `span` seconds, so that a few at once are no breach.
    """

    name: str
    scope: ScopeKind
    limit: float
    window: float = 0.0
    span: float = 1800.0


TRANSACTIONS = Budget("transactions_per_minute", ScopeKind.DEVICE, 1, 60.0, 600.0)
CONNECTIONS = Budget("open_connections", ScopeKind.MAILBOX, 3)
GRAPH_REQUESTS = Budget("graph_requests_per_minute", ScopeKind.MAILBOX, 10, 60.0)
GRAPH_AT_ONCE = Budget("graph_at_once", ScopeKind.APP, 4)
TOKEN_REQUESTS = Budget("tokens_per_hour", ScopeKind.CREDENTIAL, 1, 3600.0, 21_600.0)
DEFAULTS: Mapping[str, Budget] = MappingProxyType(
    {one.name: one for one in (TRANSACTIONS, CONNECTIONS, GRAPH_REQUESTS, GRAPH_AT_ONCE, TOKEN_REQUESTS)}
)
"""By name. Graph allows one application 10,000 requests in ten minutes at one mailbox and four at once; EWS 27 at once
and 10 that wait, IMAP 16 sessions. Tokens are asked for once in their life by whoever keeps them."""


class Use:
    """How much one member uses of one budget, as configured and beyond: two numbers that fade, or that are given back.

    Ten requests at once are a thirtieth of ten a minute, for a while; half an hour later a third of that is left.
    """

    __slots__ = ("_at", "_budget", "_share", "_span", "beyond", "configured")

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._span = budget.span if budget.window else 0.0
        self._share = budget.window / budget.span if budget.window else 1.0
        self._at = 0.0
        self.configured = 0.0
        self.beyond = 0.0

    def add(self, amount: float, now: float, *, beyond: bool = False) -> None:
        """Use `amount` more."""
        if self._span:
            self._fade(now)
        if beyond:
            self.beyond += amount * self._share
        else:
            self.configured += amount * self._share

    def take(self, *, beyond: bool = False) -> None:
        """Use one more at once, to `give_back` some time."""
        if beyond:
            self.beyond += 1.0
        else:
            self.configured += 1.0

    def give_back(self, *, beyond: bool = False) -> None:
        """Use one less at once."""
        if beyond:
            self.beyond -= 1.0
        else:
            self.configured -= 1.0

    def limit(self, budget: Budget) -> None:
        """Hold it to another budget, of the same window."""
        self._budget = budget

    def room(self, now: float) -> bool:
        """Whether something may be added to what is configured."""
        self._fade(now)
        limit = self._budget.limit
        return self.beyond < max(limit - self.configured, LEAST * limit, TENTH * self.configured)

    def ratio(self, now: float) -> float:
        """Return what is used of the budget, above 1 where the configuration goes beyond it."""
        self._fade(now)
        return (self.configured + self.beyond) / self._budget.limit

    def _fade(self, now: float) -> None:
        if now > self._at and self._span:
            left = exp((self._at - now) / self._span)
            self.configured *= left
            self.beyond *= left
            self._at = now


class Budgets:
    """The use of every budget, by member. `budgets` by name; `clock` is monotonic, in seconds."""

    def __init__(self, budgets: Mapping[str, Budget], clock: Clock) -> None:
        self._budgets = budgets
        self._clock = clock
        self._uses: dict[str, dict[str, Use]] = {name: {} for name in budgets}

    def use(self, budget: Budget, member: str, amount: float = 1.0, *, beyond: bool = False) -> None:
        """Count `amount` for `member` of the scope of `budget`."""
        self.of(budget, member).add(amount, self._clock(), beyond=beyond)

    def room(self, budget: Budget, member: str) -> bool:
        """Whether `member` may be asked something beyond what is configured."""
        use = self._uses[budget.name].get(member)
        return use is None or use.room(self._clock())

    def fullest(self, name: str) -> float:
        """Return how much the member that uses most of the budget `name` uses of it."""
        now = self._clock()
        return max((use.ratio(now) for use in self._uses[name].values()), default=0.0)

    def limit(self, budgets: Mapping[str, Budget]) -> None:
        """Hold the use so far, and what comes, to other `budgets` of the same names."""
        self._budgets = budgets
        for name, uses in self._uses.items():
            for use in uses.values():
                use.limit(budgets[name])

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """Scope and name of every budget."""
        return tuple((one.scope.value, one.name) for one in self._budgets.values())

    def of(self, budget: Budget, member: str) -> Use:
        """Return the use that `member` makes of `budget`: one and the same for good, whatever its limit becomes."""
        uses = self._uses[budget.name]
        use = uses.get(member)
        if use is None:
            use = uses[member] = Use(self._budgets[budget.name])
        return use
