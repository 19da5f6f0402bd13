"""The objective, the intervals of the probes, and the windows that fit them.

Rule of this file: a window holds at least five attempts, and no alert follows from a single failure or from a blip of a
minute and a half. Thresholds that are right at one interval are wrong at another, so they are computed.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from prober.alerting.rule import Severity
from prober.model import Assignment

CONTROL = "control"
NOT_CONTROL = f'client!="{CONTROL}"'
MONTH = 30 * 86_400.0
BLIP = 90.0
"""Seconds: failures of one such moment never suffice for an alert that counts."""
HEALTHY_SHARE = 0.2
"""A healthy service is taken to spend a fifth of its error budget."""
FALSE_ALARMS = 0.1
"""Per month and series, that a healthy service may cause by chance."""
FEWEST = 3
ATTEMPTS = 5
BURNS: tuple[tuple[float, float, float, Severity], ...] = (
    (3600.0, 300.0, 14.4, "page"),
    (6 * 3600.0, 1800.0, 6.0, "page"),
    (86_400.0, 7200.0, 3.0, "ticket"),
    (3 * 86_400.0, 6 * 3600.0, 1.0, "ticket"),
)
"""Long window, short window, how many times faster than the objective allows (Site Reliability Workbook, chapter 5)."""


@dataclass(frozen=True, slots=True)
class Slice:
    """Assignments of one interval (seconds). `selector` is PromQL for them; `client` and `target` are one of them."""

    interval: float
    selector: str = NOT_CONTROL
    client: str = "imap4"
    target: str = "hq"

    def window(self, shortest: float, attempts: float) -> float:
        """Return a window of at least `shortest` seconds and that many attempts, in whole minutes."""
        return max(shortest, math.ceil(attempts * self.interval / 60.0) * 60.0)


@dataclass(frozen=True, slots=True)
class Objective:
    """Share of attempts that must not fail, in percent; who is probed how often; the runbook; how many clients."""

    percent: float = 99.9
    slices: tuple[Slice, ...] = (Slice(60.0),)
    runbook: str = "docs/alerting.md"
    clients: int = 9

    @property
    def budget(self) -> float:
        """Share that may fail."""
        return round(1.0 - self.percent / 100.0, 10)

    @property
    def slowest(self) -> Slice:
        """The longest interval."""
        return max(self.slices, key=lambda one: one.interval)


@dataclass(frozen=True, slots=True)
class Burn:
    """One pair of windows (seconds): alert when both ratios exceed `ratio` and the long one holds `failures`."""

    long: float
    short: float
    factor: float
    severity: Severity
    ratio: float
    failures: int


def burns(objective: Objective, piece: Slice) -> tuple[Burn, ...]:
    """Return the pairs of windows for one interval. Where two pairs become the same windows, the lower factor stays."""
    pairs: dict[tuple[float, float], Burn] = {}
    for long, short, factor, severity in BURNS:
        briefly = piece.window(short, ATTEMPTS)
        lastingly = max(long, 12 * briefly)
        ratio = round(min(factor * objective.budget, 0.9), 10)
        failures = _failures(piece.interval, lastingly, briefly, objective.budget, ratio)
        pairs[lastingly, briefly] = Burn(lastingly, briefly, factor, severity, ratio, failures)
    return tuple(pairs.values())


def _failures(interval: float, long: float, short: float, budget: float, ratio: float) -> int:
    """Return how many failures in the long window are more than chance and more than one blip."""
    attempts = long / interval
    blip = math.floor(BLIP / interval) + 2
    mean = attempts * budget * HEALTHY_SHARE
    chance = _unlikely(mean, FALSE_ALARMS * short / MONTH)
    return max(FEWEST, blip, min(chance, math.ceil(attempts * ratio)))


def _unlikely(mean: float, probability: float) -> int:
    """Return the smallest k with P(X >= k) <= `probability` for X Poisson with `mean`."""
    term = math.exp(-mean)
    below, k = 0.0, 0
    while 1.0 - below > probability and term > 0.0:
        below += term
        k += 1
        term *= mean / k
    return k


def sliced(assignments: Iterable[Assignment]) -> tuple[Slice, ...]:
    """Return what is probed, by interval. Controls are left out; if nothing else is there, a slice of a minute."""
    mail = [one for one in assignments if one.client != CONTROL]
    intervals = sorted({one.interval for one in mail})
    if len(intervals) < 2:
        return tuple(_whole(mail, interval) for interval in intervals) or (Slice(60.0),)
    return tuple(piece for interval in intervals for piece in _pieces(mail, interval))


def clients(assignments: Iterable[Assignment]) -> int:
    """Return how many different clients there are besides controls, at least one."""
    return max(1, len({one.client for one in assignments} - {CONTROL}))


def _whole(mail: list[Assignment], interval: float) -> Slice:
    return Slice(interval, NOT_CONTROL, mail[0].client, mail[0].target.name)


def _pieces(mail: list[Assignment], interval: float) -> Iterable[Slice]:
    """Give one slice for all clients that have this interval on the same targets."""
    targets: dict[str, set[str]] = {}
    for one in mail:
        if one.interval == interval:
            targets.setdefault(one.client, set()).add(one.target.name)
    for names, clients in _inverted(targets).items():
        yield Slice(interval, f"{_matcher('client', clients)},{_matcher('target', names)}", clients[0], names[0])


def _inverted(targets: Mapping[str, set[str]]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Return clients by their targets."""
    found: dict[tuple[str, ...], tuple[str, ...]] = {}
    for client, names in sorted(targets.items()):
        key = tuple(sorted(names))
        found[key] = (*found.get(key, ()), client)
    return found


def _matcher(label: str, values: tuple[str, ...]) -> str:
    """Return PromQL that matches exactly these values of a label."""
    if len(values) == 1:
        return f'{label}="{values[0]}"'
    return f'{label}=~"{"|".join(map(_literal, values))}"'


def _literal(value: str) -> str:
    """Return a value as a regular expression within a PromQL string: a dot or plus is itself, its backslash doubled."""
    return "".join(character if character.isalnum() or character in "_-" else f"[{character}]" for character in value)


UNITS = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))


def duration(seconds: float) -> str:
    """Return whole seconds in PromQL's notation: `1h30m`."""
    rest, parts = round(seconds), []
    for unit, size in UNITS:
        count, rest = divmod(rest, size)
        parts += [f"{count}{unit}"] if count else []
    return "".join(parts) or "0s"
