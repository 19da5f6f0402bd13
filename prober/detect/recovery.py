"""Evidence that a trouble is over: the same argument backwards, in hours.

Rule of this file: while the failure rate stays above what is taken for the trouble, it is called over by mistake less
than once in the hours asked for.
"""

from prober.detect.mixture import GRID

HOUR = 3600.0
LEAST = GRID[0]
"""A trouble is over when its rate has fallen below this, or to half of what it was."""
UNLIKE_HEALTH = 5.0
"""The end of a smaller trouble, of a few mailboxes among many, is told from this many times the healthy rate on."""


class Recovery:
    """A reverse process: starts when a trouble was found. `hours` is the evidence that it is over.

    `least` is the failure rate down to which the trouble may fall and still be one: half of what it was when last
    something failed, where that is little. Else a trouble of one in a hundred would be called over, found and called
    over again.
    """

    __slots__ = ("hours", "least")

    def __init__(self, hours: float = 0.0, least: float = LEAST) -> None:
        self.hours = hours
        self.least = least

    def update(self, gap: float, *, failed: bool, blip: float, certainty: float, healthy: float, rate: float) -> None:
        """Take in one transaction, `gap` seconds after the one before.

        `rate` is the estimated failure rate of the trouble: as long as half of it lasts, the trouble does.
        """
        if failed:
            self.least = min(LEAST, max(UNLIKE_HEALTH * healthy, rate / 2.0))
        inside, outside = blip * certainty, 1.0 - blip
        well = inside + outside * healthy
        ill = inside + outside * max(self.least, rate / 2.0)
        ratio = well / ill if failed else (1.0 - well) / (1.0 - ill)
        self.hours = min((self.hours + gap / HOUR) * ratio, 1e6)

    def dump(self) -> list[float]:
        """Return what it takes to make it again."""
        return [self.hours, self.least]
