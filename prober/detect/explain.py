"""What was found, in a sentence for whoever is woken by it: what was seen, what was expected, and since when.

Rule of this file: no number without the one it has to be compared with.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from types import MappingProxyType

from prober.detect.group import Group, GroupKind
from prober.detect.interval import clopper_pearson

MIXED = "mixed"
"""Failures at several steps, none of which has most of them."""
CERTAIN, PROBABLE = 0.9, 0.5
"""Probabilities from which a scope is stated as a fact, and from which as a probable one."""
HAPPENED: Mapping[GroupKind, str] = MappingProxyType(
    {GroupKind.PUSH: "holds were lost", GroupKind.THROTTLED: "attempts were throttled"}
)
"""What happened to the transactions of a group; to those of all others: attempts failed."""


def sentence(group: Group, budget: float, now: float) -> str:
    """Return what a group saw since its failure rate rose. `budget`: days between two false pages of its fleet."""
    failures, transactions = group.evidence.since_change
    home, name = parted(group.name)
    return trouble(
        name,
        home,
        what=HAPPENED.get(group.kind, "attempts failed"),
        failures=failures,
        transactions=transactions,
        since=group.evidence.change,
        healthy=group.healthy,
        days=budget * group.days / group.guaranteed,
        now=now,
    )


def parted(group: str) -> tuple[str, str]:
    """Return the environment in a group's name, and what is said of it there: client, cell, location or family."""
    at = min((index for index in (group.find("/"), group.find("@")) if index > 0), default=len(group))
    return group[:at], group[at + 1 :]


def trouble(
    name: str,
    home: str,
    *,
    what: str,
    failures: int,
    transactions: int,
    since: float,
    healthy: float,
    days: float,
    now: float,
) -> str:
    """Return what a group saw since its failure rate rose, and how far that is from what is healthy.

    `name` is the client, location or family, empty for the whole fleet, and `home` its environment. `what` happened to
    `failures` of the `transactions`. `since` and `now` are epoch seconds, `healthy` is the healthy failure rate, `days`
    how often a healthy fleet shows as much.
    """
    who = f"{name} in {home}" if name else home
    lower, upper = (percent(limit) for limit in clopper_pearson(failures, transactions))
    seen = f"{failures} of {transactions} {what} since {moment(since, now)}"
    share = f"{percent(failures / transactions)} %" if transactions else "unknown"
    limits = f"({share}, 95 % limits {lower} to {upper} %)"
    return f"{who}: {seen} {limits}; healthy is {percent(healthy)} %; {rarity(days)}."


def rarity(days: float) -> str:
    """Return how often a healthy fleet shows as much evidence as this, in a clause."""
    if days < 1.0:
        return "a healthy fleet shows this more than once a day"
    if days < 2.0:
        return "a healthy fleet would show this about once a day"
    if days > 36_500.0:
        return "a healthy fleet would not show this in a hundred years"
    return f"a healthy fleet would show this once in {days:.0f} days"


def scope(clients: Sequence[str], locations: Sequence[str], step: str, probability: float) -> str:
    """Return which clients fail where and at what step, as surely as it is known; nothing named means all of them."""
    fails = "fails" if len(clients) <= 1 else "fail"
    place = f" from {listed(locations)}" if locations else ""
    at = " at several steps" if step == MIXED else f" at step {step}"
    said = f"{listed(clients) or 'every client'} {fails}{place}{at}"
    if probability >= CERTAIN:
        return said
    return f"probably {said}" if probability >= PROBABLE else f"scope not yet clear, best guess: {said}"


def listed(names: Sequence[str]) -> str:
    """Return names as people list them: a, b and c."""
    *most, last = names or ("",)
    return f"{', '.join(most)} and {last}" if most else last


def percent(ratio: float) -> str:
    """Return a ratio in percent, to two figures that count: 23, 4.1, 0.06; nearly all is not all: 99.7, 99.9."""
    value = 100.0 * ratio
    if 99.9 < value < 100.0:
        return "99.9"
    whole = 9.95 <= value < 99.5 or value in (0.0, 100.0)
    places = 0 if whole else 1 if value >= 0.995 else 2
    return f"{value:.{places}f}"


def moment(at: float, now: float) -> str:
    """Return a time of today by the clock, and an earlier one with its date; UTC."""
    when = datetime.fromtimestamp(at, UTC)
    today = when.date() == datetime.fromtimestamp(now, UTC).date()
    return f"{when:%H:%M} UTC" if today else f"{when:%Y-%m-%d %H:%M} UTC"
