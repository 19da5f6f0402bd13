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
    """What one client saw: the newest item's time and, in order, since when it has seen one that new.

    `behind_at` and `missed_at` are when it first found itself behind others, and without the canary that others see.
    """

    newest: float | None = None
    looked: float = 0.0
    canary_seen: float | None = None
    behind_at: float | None = None
    missed_at: float | None = None
    since: deque[tuple[float, float]] = field(default_factory=deque)

    def saw(self, received: float | None, now: float) -> None:
        self.looked, self.newest = now, received
        while self.since and now - self.since[0][0] > MEMORY:
            self.since.popleft()
        due = not self.since or (now - self.since[-1][0] >= SPACING and (received or 0.0) > self.since[-1][1])
        if received is not None and due:
            self.since.append((now, received))

    def ahead(self, received: float | None, now: float) -> bool:
        """Whether it sees something newer than `received`, and has for longer than the limit."""
        if self.newest is None or self.newest <= (received or 0.0) or now - self.looked > MEMORY:
            return False
        return any(seen > (received or 0.0) and now - at > LIMIT for at, seen in self.since)


@dataclass(slots=True)
class Sightings:
    """The views of one mailbox by client. All times are seconds since the epoch."""

    _views: dict[str, _View] = field(default_factory=dict)

    def saw_newest(self, client: str, received: float | None, now: float) -> None:
        """Take down that `client` sees `received` as the newest item's time of receipt, `None` in an empty inbox.

        Raises `FaultError` (`view_stale`) when another client has seen a newer one for longer than the limit, and saw
        it again after this client had missed it: what somebody deletes in between is not held against anybody.
        """
        view = self._views.setdefault(client, _View())
        view.saw(received, now)
        newer = [other for name, other in self._views.items() if name != client and other.ahead(received, now)]
        since = view.behind_at if newer else None
        view.behind_at = (now if since is None else since) if newer else None
        confirmed = [other for other in newer if since is not None and other.looked > since]
        if confirmed:
            behind = max(other.newest or 0.0 for other in confirmed) - (received or 0.0)
            age = "empty" if received is None else str(round(behind))
            raise FaultError(VIEW_STALE, {"behind_seconds": age, "clients_ahead": str(len(confirmed))})

    def saw_canary(self, client: str, *, seen: bool, now: float) -> None:
        """Take down whether `client` sees the canary item.

        Raises `FaultError` (`canary_missing`) when it does not, and another client saw it after this one had missed it.
        """
        view = self._views.setdefault(client, _View())
        since = None if seen else view.missed_at
        view.canary_seen = now if seen else None
        view.missed_at = None if seen else now if since is None else since
        others = [other.canary_seen for name, other in self._views.items() if name != client]
        confirmed = sum(1 for at in others if at is not None and since is not None and since < at >= now - MEMORY)
        if confirmed:
            raise FaultError(CANARY_MISSING, {"clients_that_see_it": str(confirmed)})
