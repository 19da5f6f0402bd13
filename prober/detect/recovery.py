"""Evidence that a trouble is over: the same argument backwards, in hours.

Rule of this file: while the failure rate stays above what is taken for the trouble, it is called over by mistake less
than once in the hours asked for.
"""

from prober.detect.mixture import GRID

HOUR = 3600.0
LEAST = GRID[0]
"""A failure rate below which nobody is looking for the end of a trouble."""


class Recovery:
    """A reverse process: starts when a trouble was found. `hours` is the evidence that it is over."""

    __slots__ = ("hours",)

    def __init__(self, hours: float = 0.0) -> None:
        self.hours = hours

    def update(self, gap: float, *, failed: bool, blip: float, certainty: float, healthy: float, rate: float) -> None:
        """Take in one transaction, `gap` seconds after the one before.

        `rate` is the estimated failure rate of the trouble: as long as half of it lasts, the trouble does.
        """
        inside, outside = blip * certainty, 1.0 - blip
        well = inside + outside * healthy
        ill = inside + outside * max(LEAST, rate / 2.0)
        ratio = well / ill if failed else (1.0 - well) / (1.0 - ill)
        self.hours = min((self.hours + gap / HOUR) * ratio, 1e6)
