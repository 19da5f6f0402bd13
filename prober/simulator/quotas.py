"""Budgets of those who ask: a service tells whoever overdoes it to slow down, as the real one does. Off as a whole.

Rule of this file: it counts and says no; how a refusal is worded is the business of the service.
"""

from collections import Counter, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import MappingProxyType

from prober.simulator.tenant import Tenant

GRAINS = 100
"""A window is kept in so many parts at most, so that it slides by a hundredth of itself."""
REMEMBERED = 4096
"""Windows kept at once; beyond that the one untouched for longest is forgotten."""

Key = tuple[str, str, str]


class OverQuota(Exception):  # noqa: N818 - a signal: the service words the refusal
    """A budget is used up; `retry_after` in seconds."""

    def __init__(self, why: str, retry_after: float) -> None:
        super().__init__(why)
        self.why = why
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Budget:
    """What one service allows; 0 is as much as anybody likes.

    `rate` requests within `window` seconds for each asker at each mailbox. `at_once`: requests under way at the same
    time, `pushes` the same for those that wait for news; who has too many is told to come back after `back_off`
    seconds. `by_asker`: requests under way are counted for the asker, whichever mailbox they are about, and those that
    name no asker are not counted at all.
    """

    rate: int = 0
    window: float = 60.0
    at_once: int = 0
    pushes: int = 0
    back_off: float = 60.0
    by_asker: bool = False


PUBLISHED: Mapping[str, Budget] = MappingProxyType(
    {
        "graph": Budget(rate=10_000, window=600.0, at_once=4, back_off=10.0, by_asker=True),
        "ews": Budget(at_once=27, pushes=10, back_off=300.0, by_asker=True),
        "activesync": Budget(rate=120, window=60.0),
        "imap": Budget(rate=30, window=60.0, at_once=16, back_off=90.0),
        "login": Budget(rate=15, window=300.0, by_asker=True),
    }
)
"""By service. Graph: Learn, "Microsoft Graph service-specific throttling limits" (Outlook); EWS: Learn, "EWS throttling
in Exchange": it is the calling user's budget, so that who has not signed in has none; IMAP sessions: Set-ImapSettings,
`MaxConnectionsFromSingleUser`. The rates of ActiveSync commands, IMAP logins and equal token requests are published
nowhere: far above what a client in order needs."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The budgets that are kept to, by service; one that is not named has none."""

    budgets: Mapping[str, Budget] = field(default_factory=lambda: PUBLISHED)


class _Window:
    """What was asked within the last so many seconds: times and amounts, those close together as one."""

    __slots__ = ("_entries", "_length", "_used")

    def __init__(self, length: float) -> None:
        self._length = length
        self._entries: deque[list[float]] = deque()
        self._used = 0.0

    def room(self, weight: int, rate: int, now: float) -> float:
        """Return after how many seconds there is room for `weight` more, 0 for at once."""
        while self._entries and self._entries[0][0] <= now - self._length:
            self._used -= self._entries.popleft()[1]
        excess = self._used + weight - rate
        for at, amount in self._entries:
            if excess <= 0:
                break
            excess -= amount
            if excess <= 0:
                return at + self._length - now
        return 0.0 if excess <= 0 else self._length

    def add(self, weight: int, now: float) -> None:
        """Count `weight` more."""
        self._used += weight
        if self._entries and now - self._entries[-1][0] < self._length / GRAINS:
            self._entries[-1][1] += weight
        else:
            self._entries.append([now, weight])


class Quotas:
    """Counts what is asked. Without `limits` nobody is refused anything."""

    def __init__(self, tenant: Tenant, limits: Limits | None = None) -> None:
        self._clock = tenant.clocks.monotonic
        self._budgets = limits.budgets if limits else MappingProxyType(dict[str, Budget]())
        self._windows: dict[Key, _Window] = {}
        self._inside: Counter[Key] = Counter()

    @contextmanager
    def enter(self, service: str, who: str, *, asker: str = "", push: bool = False, weight: int = 1) -> Iterator[None]:
        """Count one request about the mailbox (or from the address) `who` while it lasts. Raises `OverQuota`.

        `asker` is who asks where that is another budget than the mailbox's: an application, a device, a grant. `push`:
        it waits for news. `weight`: how many requests it stands for. What is refused uses up nothing.
        """
        budget = self._budgets.get(service)
        if budget is None or (budget.by_asker and not asker):
            yield
            return
        place = (service, "push" if push else "", asker if budget.by_asker else who.lower())
        self._admit(budget, place, push=push)
        self._spend(budget, (service, asker, who.lower()), weight)
        self._inside[place] += 1
        try:
            yield
        finally:
            self._leave(place)

    def _admit(self, budget: Budget, place: Key, *, push: bool) -> None:
        allowed = budget.pushes if push else budget.at_once
        if allowed and self._inside[place] >= allowed:
            raise OverQuota(f"{allowed} at once are as many as there may be", budget.back_off)

    def _spend(self, budget: Budget, key: Key, weight: int) -> None:
        if not budget.rate:
            return
        window = self._windows.pop(key, None) or _Window(budget.window)
        self._windows[key] = window
        if len(self._windows) > REMEMBERED:
            del self._windows[next(iter(self._windows))]
        now = self._clock()
        wait = window.room(weight, budget.rate, now)
        if wait > 0:
            raise OverQuota(f"{budget.rate} in {budget.window:g} s are as many as there may be", wait)
        window.add(weight, now)

    def _leave(self, place: Key) -> None:
        self._inside[place] -= 1
        if self._inside[place] <= 0:
            del self._inside[place]
