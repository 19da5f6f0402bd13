"""The plan as text: short aligned tables, and what they assume.

Rule of this file: a number stands beside what it has to be compared with.
"""

from collections.abc import Iterable, Mapping, Sequence

from prober.planning.budgets import Share
from prober.planning.detection import LONGEST, LOSSES, Expected
from prober.planning.requests import Cost

ASSUMED = (
    "Requests are those of full depth without optional steps{added}. Times are means: all attempts of the group alike "
    "and nobody else's, settled after two days, {looks}, time-outs aside (which add). Where everything fails at once, "
    "the first minutes may be a hiccup of the network and are taken for one."
)
ADDED = "; second looks add a tenth at most, and only while something fails"


def report(
    costs: Sequence[Cost],
    tokens: Mapping[str, float],
    shares: Iterable[Share],
    times: Iterable[Expected],
    series: int,
    *,
    second_looks: bool,
) -> str:
    """Return the whole plan. `second_looks`: whether they are taken."""
    return "\n".join(
        (
            *_requests(costs),
            "",
            *_table(("credential", "tokens per day"), [(name, _whole(count)) for name, count in tokens.items()]),
            "",
            *_table(("budget", "used", "limit", "share", ""), map(_share, shares)),
            "",
            *_table(("group", *(f"{loss:.0%} lost" for loss in LOSSES)), map(_time, times)),
            "",
            f"series: {_whole(series)}",
            assumed(second_looks=second_looks),
            "",
        )
    )


def assumed(*, second_looks: bool) -> str:
    """Return in words what the plan assumes."""
    return ASSUMED.format(
        added=ADDED if second_looks else "", looks="with second looks" if second_looks else "without second looks"
    )


def _requests(costs: Sequence[Cost]) -> list[str]:
    rows = [
        (one.assignment.client, one.assignment.target.name, f"{one.assignment.interval:g} s", _whole(one.requests))
        for one in costs
    ]
    return _table(
        ("client", "target", "every", "requests per day"),
        [*rows, ("all", "", "", _whole(sum(one.requests for one in costs)))],
    )


def _share(one: Share) -> tuple[str, ...]:
    return one.name, f"{one.used:.3g}", f"{one.limit:g}", f"{one.used / one.limit:.0%}", one.mark


def _time(one: Expected) -> tuple[str, ...]:
    longest = LONGEST * one.group.interval / 60.0
    name = one.group.name + (f" (slowest of {one.of})" if one.of > 1 else "")
    return name, *(_minutes(minutes, longest) for minutes in one.minutes)


def _minutes(minutes: float, longest: float) -> str:
    """Return minutes as people say them; a mean near the end of all runs is a lower limit."""
    more = "> " if minutes > longest / 2 else ""
    return f"{more}{minutes:.1f} min" if minutes < 120 else f"{more}{minutes / 60:.1f} h"


def _whole(number: float) -> str:
    return f"{number:,.0f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    lines = [head, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines]
