"""What several clients of one mailbox see of it, held side by side: a view that lags behind another's is stale.

Rule of this file: nobody's own word is evidence of staleness. One client alone, however old its newest item, is a quiet
mailbox; only another client that has seen more for longer than the limit tells that the first was shown an old picture.
"""

from collections import deque
from dataclasses import dataclass, field

from prober.faults.taxonomy import CANARY_MISSING, VIEW_STALE, FaultError

LIMIT = 300.0
"""Seconds that a client may lag behind another: views are replicated, and clients look at different times."""
MEMORY = 3600.0
"""Seconds for which what a client saw is held against others."""


SPACING = 30.0
"""Seconds between two moments that are kept of what a client saw: mail that keeps coming must not fill the memory."""


@dataclass(slots=True)
class _View:
    """What one client saw: the newest item's time and, in order, since when it has seen one that new."""

    newest: float | None = None
    looked: float = 0.0
    canary_seen: float | None = None
    since: deque[tuple[float, float]] = field(default_factory=deque)

    def saw(self, received: float | None, now: float) -> None:
        self.looked, self.newest = now, received
        while self.since and (received is None or self.since[-1][1] > received):
            self.since.pop()  # it is gone again: deleted, or never to be relied on
        while self.since and now - self.since[0][0] > MEMORY:
            self.since.popleft()
        newer = received is not None and (not self.since or received > self.since[-1][1])
        if newer and received is not None and (not self.since or now - self.since[-1][0] >= SPACING):
            self.since.append((now, received))

    def ahead(self, received: float | None, now: float) -> bool:
        """Whether it has seen something newer than `received` for longer than the limit, and still does."""
        if self.newest is None or now - self.looked > MEMORY:
            return False
        return any(seen > (received or 0.0) and now - at > LIMIT for at, seen in self.since)


@dataclass(slots=True)
class Sightings:
    """The views of one mailbox by client. All times are seconds since the epoch."""

    _views: dict[str, _View] = field(default_factory=dict)

    def saw_newest(self, client: str, received: float | None, now: float) -> None:
        """Take down that `client` sees `received` as the newest item's time of receipt, `None` in an empty inbox.

        Raises `FaultError` (`view_stale`) when another client has seen a newer one for longer than the limit. The view
        is taken down even then.
        """
        self._views.setdefault(client, _View()).saw(received, now)
        newer = [other for name, other in self._views.items() if name != client and other.ahead(received, now)]
        if newer:
            behind = max(other.newest or 0.0 for other in newer) - (received or 0.0)
            age = "empty" if received is None else str(round(behind))
            raise FaultError(VIEW_STALE, {"behind_seconds": age, "clients_ahead": str(len(newer))})

    def saw_canary(self, client: str, *, seen: bool, now: float) -> None:
        """Take down whether `client` sees the canary item.

        Raises `FaultError` (`canary_missing`) when it does not, and another client has seen it within the last hour.
        """
        view = self._views.setdefault(client, _View())
        view.canary_seen = now if seen else None
        if seen:
            return
        others = sum(1 for name, other in self._views.items() if name != client and _recent(other.canary_seen, now))
        if others:
            raise FaultError(CANARY_MISSING, {"clients_that_see_it": str(others)})


def _recent(seen: float | None, now: float) -> bool:
    return seen is not None and now - seen <= MEMORY
