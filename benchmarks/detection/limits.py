"""The limit that no rule can beat: worst-case mean delay for a known jump of one series, at a given false-alarm rate.

Rule of this file: the limit is that of CUSUM designed for the true rates, which attains the smallest worst-case mean
delay exactly (Moustakides 1986). Its mean run lengths are those of a Markov chain on a fine lattice; between two
thresholds of the lattice the value is interpolated in the run length to a false alarm.
"""

from bisect import bisect_right
from functools import lru_cache
from math import inf, log
from types import MappingProxyType

BASES = (0.001, 0.003, 0.01)
INTERVALS = (15, 30, 60)
RATES = (0.02, 0.05, 0.10, 0.20, 0.30, 0.50, 1.00)
BUDGET = 30.0
"""Days between two false alarms."""
FINENESS = 150
"""Lattice steps that a failure climbs."""

_PROBES: dict[tuple[float, int], tuple[float, ...]] = {
    (0.001, 15): (174, 58.6, 26.1, 11.4, 7.1, 4.0, 1.2),
    (0.001, 30): (160, 53.3, 23.2, 10.4, 6.7, 3.5, 1.1),
    (0.001, 60): (144, 46.8, 20.8, 10.0, 5.7, 2.8, 1.0),
    (0.003, 15): (318, 85.4, 34.6, 15.2, 9.4, 5.1, 2.0),
    (0.003, 30): (285, 77.7, 32.1, 14.4, 9.0, 4.8, 1.8),
    (0.003, 60): (253, 70.0, 30.2, 13.3, 8.1, 4.3, 1.4),
    (0.01, 15): (1359, 180, 59.4, 22.4, 13.3, 6.8, 2.2),
    (0.01, 30): (1185, 163, 54.6, 20.9, 12.2, 6.3, 2.1),
    (0.01, 60): (1014, 147, 49.7, 19.2, 11.3, 6.0, 2.0),
}
PROBES = MappingProxyType(
    {
        (base, interval, rate): probes
        for (base, interval), row in _PROBES.items()
        for rate, probes in zip(RATES, row, strict=True)
    }
)
"""The limit in transactions by healthy rate, interval in seconds and failure rate; as `limit` gives it."""


def limit(base: float, rate: float, run: float) -> float:
    """Return the least worst-case mean delay in transactions, if a false alarm may come once in `run` transactions."""
    if rate >= 1.0:
        return _in_a_row(base, run)
    down = max(1, round(FINENESS * _drop(base, rate) / log(rate / base)))
    up = round(down * log(rate / base) / _drop(base, rate))
    low, high = 1, 2
    while _run(base, high, up, down) < run:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _run(base, middle, up, down) < run else (low, middle)
    return _between(run, [(_run(base, one, up, down), _run(rate, one, up, down)) for one in (low, high)])


def _drop(base: float, rate: float) -> float:
    """Return by how much a success lowers the statistic."""
    return log((1.0 - base) / (1.0 - rate))


def _between(run: float, points: list[tuple[float, float]]) -> float:
    (before, first), (after, second) = points
    return first + (second - first) * (run - before) / (after - before) if before < run else first


def in_whole(base: float, run: float) -> int:
    """Return the limit for an outage in whole transactions: how many failures in a row come at most once in `run`.

    `limit` gives less, for it throws dice: of the alarms with one failure fewer it gives so many as are left to give.
    """
    return next(count for count in range(1, 40) if _mean_until(base, count) >= run)


def _mean_until(base: float, count: int) -> float:
    """Return the mean number of transactions until so many failures in a row: (1 - p^N) / ((1 - p) p^N)."""
    return (1.0 - base**count) / ((1.0 - base) * base**count)


def _in_a_row(base: float, run: float) -> float:
    """N failures in a row are mixed with N + 1 by their mean run lengths."""
    runs = [0.0] + [_mean_until(base, count) for count in range(1, 40)]
    count = bisect_right(runs, run) - 1
    return _between(run, [(runs[count], float(max(count, 1))), (runs[count + 1], float(count + 1))])


@lru_cache(maxsize=64)
def _run(p: float, levels: int, up: int, down: int) -> float:
    """Return the mean number of transactions from 0 to `levels` or above, if each fails with probability `p`.

    Every state's mean is written as a constant plus a combination of the `down` states below it, from the top on, so
    that of 0 depends on nothing but itself.
    """
    constants: list[float] = [0.0] * levels
    weights: list[list[float]] = [[]] * levels
    for state in range(levels - 1, -1, -1):
        constant, window = _above(state, up, levels, constants, weights, down)
        # window[j] belongs to state - j: the state itself first.
        stays = 1.0 - p * window[0]
        constants[state] = (1.0 + p * constant) / stays
        row = [p * one / stays for one in window[1:]] + [0.0]
        row[down - 1] += (1.0 - p) / stays
        weights[state] = row
    lost = 1.0 - sum(weights[0])  # whatever lies below 0 is 0
    return constants[0] / lost if lost > 0.0 else inf


def _above(
    state: int, up: int, levels: int, constants: list[float], weights: list[list[float]], down: int
) -> tuple[float, list[float]]:
    """Return the mean from `up` above a state, as a constant and weights of the state and the `down - 1` below it."""
    top = state + up
    if top >= levels:
        return 0.0, [0.0] * down
    constant, window = constants[top], weights[top]
    for one in range(top - 1, state, -1):
        share = window[0]
        constant += share * constants[one]
        window = [kept + share * more for kept, more in zip([*window[1:], 0.0], weights[one], strict=True)]
    return constant, window
