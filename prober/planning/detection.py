"""How long it will take to find a loss: the detector's own evidence, played against losses of a given size.

Rule of this file: the same seed gives the same minutes, so that two plans can be compared.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from random import Random

from prober.detect.baseline import USUAL, healthy
from prober.detect.blips import Blips
from prober.detect.group import GroupKind
from prober.detect.groups import Planned
from prober.detect.mixture import Evidence, ratios

LOSSES = (0.05, 0.20, 1.0)
RUNS = 60
LONGEST = 4000
"""Attempts after which a run is given up: the mean is then a lower limit."""
SHIPPED = 3.0
"""How many times less evidence than the guaranteed one is enough for a page."""


@dataclass(frozen=True, slots=True)
class Expected:
    """A group and the minutes it takes to find each of `LOSSES`, on the average."""

    group: Planned
    minutes: tuple[float, ...]


def expected(groups: Iterable[Planned], budget: float, *, guaranteed: bool = False) -> tuple[Expected, ...]:
    """Return the expectation for every client and environment. `budget`: days between two false pages."""
    return tuple(
        Expected(group, tuple(_minutes(group, budget if guaranteed else budget / SHIPPED, loss) for loss in LOSSES))
        for group in groups
        if group.kind in (GroupKind.CLIENT, GroupKind.FLEET)
    )


def _minutes(group: Planned, days: float, loss: float) -> float:
    return attempts_to_page(round(group.interval, 3), round(days / group.weight, 6), loss) * group.interval / 60.0


@lru_cache(maxsize=4096)
def attempts_to_page(interval: float, threshold: float, loss: float) -> float:
    """Return the mean number of attempts, `interval` seconds apart, until the evidence reaches `threshold` days.

    The loss begins half an interval before the first of them.
    """
    chance = Random(f"{interval} {threshold} {loss}")  # noqa: S311 - the same losses in every plan, no secret
    return sum(_run(chance, interval, threshold, loss) for _ in range(RUNS)) / RUNS - 0.5


def _run(chance: Random, interval: float, threshold: float, loss: float) -> int:
    usual = healthy(0.0, 0.0, USUAL)
    evidence, blips = Evidence(interval, usual), Blips()
    at = 0.0
    for count in range(1, LONGEST + 1):
        failed = chance.random() < loss
        blip = blips.probability(at)
        rate, ratio = ratios(blip, blips.certainty, usual, failed=failed)
        blips.saw(at, blip, rate, failed=failed)
        evidence.update(at, ratio, failed=failed)
        if failed and evidence.days(usual) >= threshold:
            return count
        at += interval
    return LONGEST
