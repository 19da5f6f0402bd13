"""Alerts on failing clients in PromQL alone, for those who would rather not trust a detector inside the prober.

Rule of this file: it is optional, and slower. `ClientAccessFailingCounted` counts, and lets one prober contribute
two failures at most, so a short blip at one place does not page. `ClientAccessFailingLikely` weighs how much likelier
the observed failure rate makes what was seen than the usual one does, over five windows (after G. Lorden, 1971); it has
nothing to tune but one threshold, and a burst at one place can set it off.
"""

import math
from collections.abc import Mapping

from prober.alerting.detector import ON
from prober.alerting.objective import NOT_CONTROL, Objective, duration
from prober.alerting.recording import COUNTED, FAILURES
from prober.alerting.rule import Alert, Alerts, Bundle, Case, Firing, Group, Record, fires, no_data, quiet, series

SHORTEST, ATTEMPTS = 900.0, 15.0
MOST, ENOUGH, ALONE, FEWEST = 2, 4, 8, 2
WINDOWS = (120.0, 300.0, 900.0, 3600.0, 10_800.0)
THRESHOLD = 9.5
"""Natural logarithm: one false page in 30 days and series at most, for intervals of 15 to 60 s, by simulation."""
USUAL = "clientaccess:plain:usual_ratio"
KEEP = "2m"


def bundle(objective: Objective) -> Bundle:
    """Return both kinds of alerts, for the slowest interval."""
    counted = _counted(objective)
    scale = max(1.0, objective.slowest.interval / 60.0)
    windows = {duration(window * scale): window * scale for window in WINDOWS}
    likely = [_likely(objective, window) for window in windows]
    records = (_usual(), *(record for window in windows for record in _records(window)))
    groups = (
        Group("clientaccess-plain-counted", (counted,)),
        Group("clientaccess-plain-likely", (*records, *likely)),
    )
    about = "Optional: failing clients in PromQL alone, for those who do not trust the detector in the prober."
    return Bundle("plain", about, groups, _cases(objective, counted, likely, tuple(windows.values())), optional=True)


def _counted(objective: Objective) -> Alert:
    window = duration(objective.slowest.window(SHORTEST, ATTEMPTS))
    failures = f"round(increase({FAILURES}{{{NOT_CONTROL}}}[{window}]))"
    return Alert(
        "ClientAccessFailingCounted",
        f"sum by (client) (clamp_max(sum by ({ON}, client) ({failures}), {MOST})) >= {ENOUGH}\n"
        f"  or sum by (client) ({failures}) >= {ALONE}",
        "page",
        "mail",
        "{client} is failing",
        f"{{count}} failures within {window}, no more than {MOST} from one prober, or {ALONE} and more from one.",
        keep=KEEP,
        shown={"count": '{{ $value | printf "%.0f" }}'},
    )


def _usual() -> Record:
    """The failure rate of a week, with a prior worth two failures of two thousand attempts; at first that alone."""
    failures, counted = (f"sum by (client) (increase({metric}[7d] offset 1h))" for metric in (FAILURES, COUNTED))
    return Record(
        USUAL,
        f"(2 + {failures})\n  / (2000 + {counted})\nor 0.001 + 0 * sum by (client) ({COUNTED}{{{NOT_CONTROL}}})",
    )


def _records(window: str) -> tuple[Record, ...]:
    k, n, weight = f"clientaccess:plain:failures{window}", f"clientaccess:plain:counted{window}", _weight(window)
    return (
        Record(k, f"sum by (client) (round(increase({FAILURES}{{{NOT_CONTROL}}}[{window}])))"),
        Record(n, f"sum by (client) (round(increase({COUNTED}{{{NOT_CONTROL}}}[{window}]))) > 0"),
        Record(
            weight,
            f"(\n  {k} * ln({k} / ({n} * {USUAL}))\n"
            f"  + clamp_min({n} - {k}, 0)\n    * ln(clamp_min(1 - {k} / {n}, 1e-9) / (1 - {USUAL}))\n)\n"
            f"  and {k} >= {FEWEST}\n  and {k} > {n} * {USUAL}",
        ),
    )


def _threshold(objective: Objective) -> float:
    """One false page in 30 days for all clients together."""
    return round(THRESHOLD + math.log(objective.clients), 1)


def _weight(window: str) -> str:
    return f"clientaccess:plain:weight{window}"


def _likely(objective: Objective, window: str) -> Alert:
    return Alert(
        "ClientAccessFailingLikely",
        f"{_weight(window)} > {_threshold(objective):g}",
        "page",
        "mail",
        "{client} is very likely failing",
        f"What was seen within {window} is e to the {{weight}} times likelier with failures than without.",
        keep=KEEP,
        labels={"window": window},
        shown={"weight": '{{ $value | printf "%.1f" }}'},
    )


def _cases(objective: Objective, counted: Alert, likely: list[Alert], windows: tuple[float, ...]) -> tuple[Case, ...]:
    """Return the tests; time in intervals, one attempt in each."""
    interval = objective.slowest.interval
    attempts = round(objective.slowest.window(SHORTEST, ATTEMPTS) / interval)
    begin, gone = 40, 40 + attempts + 12 + round(240 / interval)

    def at(number: int) -> str:
        return duration(number * interval)

    def case(name: str, failures: dict[str, str], *checks: Alerts) -> Case:
        made = {
            key: text for place, values in failures.items() for key, text in _place(place, values, 2 * gone).items()
        }
        return Case(name, made, checks, duration(interval), duration(interval))

    def counts(last: int) -> str:
        return f"0x{begin} {' '.join(map(str, range(1, last + 1)))} {last}x{2 * gone}"

    labels, none = {"client": "imap4"}, f"0x{3 * gone}"
    return (
        no_data((counted, *likely)),
        case(
            "two failures at each of two probers page, until the window has passed",
            {"a": counts(2), "b": counts(2)},
            quiet(at(begin), counted),
            fires(at(begin + 8), counted, labels, count="4"),
            quiet(at(gone), counted),
        ),
        case("seven at one prober do not, and none do not", {"a": counts(7), "b": none}, quiet(at(begin + 8), counted)),
        case("eight at one prober do", {"a": counts(8)}, fires(at(begin + 12), counted, labels, count="8")),
        case(
            "two failures in an hour are likely to be chance; the likelihood of none is none",
            {"a": f"0x{begin} 1x30 2x{3 * gone}", "b": none},
            *(quiet(at(number), likely[0]) for number in (begin, begin + 20, begin + 36)),
        ),
        _failing(dict(zip(windows, likely, strict=True)), objective),
    )


def _failing(likely: Mapping[float, Alert], objective: Objective) -> Case:
    """One attempt of ten fails for sixty attempts after forty good ones; the expectation is computed beside PromQL."""
    interval, now = objective.slowest.interval, 100
    failed = range(50, now + 1, 10)
    known = now - round(3600 / interval)
    usual = (2 + sum(one <= known for one in failed)) / (2000 + known) if known > 0 else 0.001
    weights = [(alert, _weigh(window / interval, failed, now, usual)) for window, alert in likely.items()]
    over = [(alert, weight) for alert, weight in weights if weight > _threshold(objective)]
    firing = tuple(Firing(alert, {"client": "imap4"}, {"weight": f"{weight:.1f}"}) for alert, weight in over)
    name, late = weights[0][0].name, now + round(max(likely) / interval) + 12
    steps = " ".join(f"{number}x9" for number in range(1, len(failed)))
    return Case(
        "one attempt of ten fails, until the longest window has passed",
        _place("a", f"0x49 {steps} {len(failed)}x{late}", late + 60),
        (
            Alerts(duration(45 * interval), name),
            Alerts(duration(now * interval), name, firing),
            Alerts(duration(late * interval), name),
        ),
        duration(interval),
        duration(interval),
    )


def _weigh(attempts: float, failed: range, now: int, usual: float) -> float:
    """Return the logarithm of the likelihood ratio of so many attempts, the last one being `now`."""
    n = min(now, round(attempts))
    k = sum(now - n < one for one in failed)
    if k < FEWEST or k <= n * usual:
        return 0.0
    return k * math.log(k / (n * usual)) + (n - k) * math.log((1 - k / n) / (1 - usual))


def _place(name: str, failures: str, attempts: int) -> dict[str, str]:
    pair = {"client": "imap4", "target": "hq", "job": "prober", "instance": name}
    return {
        series(COUNTED, **pair): f"0+1x{attempts}",
        series(FAILURES, **pair, reason="server_busy"): failures,
    }
