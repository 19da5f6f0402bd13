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

    `least` is the failure rate down to which the trouble may fall and still be one. It is looked at anew with every
    failure, never between them: successes after the end tell nothing about how bad it was, and would make its end ever
    harder to believe. Where the trouble is small it is half of what it was, else a trouble of one in a hundred would be
    called over, found and called over again.
    """

    __slots__ = ("hours", "least")

    def __init__(self, hours: float = 0.0, least: float = LEAST) -> None:
        self.hours = hours
        self.least = least

    @classmethod
    def of(cls, rate: float) -> "Recovery":
        """Begin for a trouble just found, of an estimated failure rate."""
        return cls(least=max(LEAST, rate / 2.0))

    def update(self, gap: float, *, failed: bool, blip: float, certainty: float, healthy: float, rate: float) -> None:
        """Take in one transaction, `gap` seconds after the one before.

        `rate` is the estimated failure rate of the trouble, heeded with a failure: as long as half of it lasts, the
        trouble does. 0 where a single failure says nothing about it.
        """
        inside, outside = blip * certainty, 1.0 - blip
        well = inside + outside * healthy
        ill = inside + outside * self.least
        ratio = well / ill if failed else (1.0 - well) / (1.0 - ill)
        self.hours = min((self.hours + gap / HOUR) * ratio, 1e6)
        if failed and rate:  # from the next transaction on: what it is judged by must not depend on what it shows
            self.least = max(min(LEAST, UNLIKE_HEALTH * healthy), rate / 2.0)

    def copy(self) -> "Recovery":
        """Return another of the same hours and rate."""
        return Recovery(self.hours, self.least)

    def dump(self) -> list[float]:
        """Return what it takes to make it again."""
        return [self.hours, self.least]


def rate_of(failures: int, transactions: int) -> float:
    """Return the failure rate of a trouble from its first failure to its last, both counted.

    One of them is left out: who counts from a failure on until a failure would else find too much in a few.
    Source: Haldane (1945), on inverse sampling.
    """
    return (failures - 1) / (transactions - 1) if transactions > 1 else 0.0
