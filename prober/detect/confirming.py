"""When to look again after a failure: at the fastest pace for a while, within a budget, never while throttled.

Rule of this file: two speeds only. A second look every five seconds halves the time to a page; slower ones do not, and
faster ones fall into the same hiccup of the network.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """`probes` follow a failure, `spacing` seconds apart; in the long run at most `share` of the scheduled attempts.

    `rest`: seconds without a second look after a server asked for quiet.
    """

    probes: int = 36
    spacing: float = 5.0
    share: float = 0.10
    rest: float = 600.0


class Confirming:
    """Decides for one client at one location. Times in epoch seconds."""

    __slots__ = ("_left", "_pace", "_quiet_until", "_tokens")

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._left = 0
        self._tokens = float(pace.probes)
        self._quiet_until = float("-inf")

    def attempted(self) -> None:
        """A scheduled attempt was finished: it pays for a tenth of a second look."""
        tokens, most = self._tokens + self._pace.share, self._pace.probes
        self._tokens = tokens if tokens < most else float(most)

    def failed(self, at: float) -> None:
        """A failure that no blip explains asks for second looks, unless the server asked for quiet."""
        if at >= self._quiet_until:
            self._left = self._pace.probes

    def throttled(self, at: float) -> None:
        """A server asked for quiet."""
        self._left = 0
        self._quiet_until = at + self._pace.rest

    def hushed(self, at: float) -> bool:
        """Return whether a server asked for quiet lately: a look that was already on its way is then left out."""
        return at < self._quiet_until

    def stop(self) -> None:
        """Trouble was found: there is nothing left to confirm."""
        self._left = 0

    def next(self, at: float) -> float | None:
        """Return when the next second look starts if one is wanted and paid for; it is taken by asking."""
        if self._left <= 0 or self._tokens < 1.0:
            return None
        self._left -= 1
        self._tokens -= 1.0
        return at + self._pace.spacing
