"""Burn rates: how fast the error budget of the objective is spent, over pairs of windows.

Rule of this file: a ratio alone alerts nobody. At one attempt a minute a single failure is more than one per cent of an
hour, so each pair of windows also asks for as many failures as neither chance nor one blip brings about.
"""

import math

from prober.alerting.detector import WHERE
from prober.alerting.objective import Burn, Objective, Slice, burns, duration
from prober.alerting.recording import COUNTED, ENVIRONMENT, FAILURES
from prober.alerting.rule import Alert, Alerts, Bundle, Case, Firing, Group, Record, Samples, no_data, series

NAME = "ClientAccessErrorBudgetBurn"
RATIO = "clientaccess:burn:failure_ratio_rate"
COUNT = "clientaccess:burn:failures_increase"
STEPS = (3600.0, 1800.0, 600.0, 300.0)
"""Evaluation intervals of the tests that take hours, in seconds: as long as fits."""
MANY = 10_000_000
LONG = 500
"""Samples: longer than any test."""
INFO = "clientaccess_probe_info"


def bundle(objective: Objective) -> Bundle:
    """Return the burn rates of every interval."""
    records = [record for piece in objective.slices for record in _records(objective, piece)]
    alerts = [_alert(objective, piece, burn) for piece in objective.slices for burn in burns(objective, piece)]
    about = f"Error budget of {objective.percent:g} %: pairs of windows that fit the interval, and enough failures."
    groups = (Group("clientaccess-burn", (*records, *alerts)),)
    cases = [case for piece in objective.slices for case in _cases(objective, piece)]
    return Bundle("burn", about, groups, (no_data(alerts), *cases))


def _records(objective: Objective, piece: Slice) -> list[Record]:
    pairs = burns(objective, piece)
    windows = sorted({window for burn in pairs for window in (burn.long, burn.short)})
    ratios = [Record(f"{RATIO}{duration(window)}", _ratio(piece, duration(window))) for window in windows]
    lengths = sorted({burn.long for burn in pairs})
    return ratios + [Record(f"{COUNT}{duration(window)}", _failures(piece, duration(window))) for window in lengths]


def _ratio(piece: Slice, window: str) -> str:
    return (
        f"sum without (reason) (rate({FAILURES}{{{piece.selector}}}[{window}]))\n"
        f"  / (rate({COUNTED}{{{piece.selector}}}[{window}]) > 0)"
    )


def _failures(piece: Slice, window: str) -> str:
    return f"sum without (reason) (round(increase({FAILURES}{{{piece.selector}}}[{window}])))"


def _alert(objective: Objective, piece: Slice, burn: Burn) -> Alert:
    long, short = duration(burn.long), duration(burn.short)
    chosen = f"{{{piece.selector}}}"
    return Alert(
        NAME,
        f"(\n  {RATIO}{long}{chosen} > {burn.ratio:g}\n"
        f"  and {RATIO}{short}{chosen} > {burn.ratio:g}\n"
        f"  and {COUNT}{long}{chosen} >= {burn.failures}\n) {ENVIRONMENT}",
        burn.severity,
        "mail",
        "{client} on {target} spends its error budget {factor} times as fast as it may",
        f"{{share}} of what counted within {long} failed, where {objective.percent:g} % must not. At this rate "
        "the budget of thirty days lasts {lasts}.",
        labels={"window": long},
        shown={
            "share": "{{ $value | humanizePercentage }}",
            "factor": f"{burn.factor:g}",
            "lasts": duration(30 * 86_400 / burn.factor),
        },
    )


def _cases(objective: Objective, piece: Slice) -> list[Case]:
    alerts = [_alert(objective, piece, burn) for burn in burns(objective, piece)]
    pairs = burns(objective, piece)
    found = [case for number in range(len(pairs)) for case in _ratio_cases(piece, pairs, alerts, number)]
    return [*found, _too_few(piece, pairs), _blip(piece, pairs), _gone(piece, pairs, alerts), _control(pairs)]


def _pair(piece: Slice) -> dict[str, str]:
    return {"client": piece.client, "target": piece.target, "environment": "exchange_online", **WHERE}


def _input(labels: dict[str, str], counted: str, failures: str) -> dict[str, str]:
    """Return the series of one pair, which is configured for as long as its counters are there."""
    pair = {name: text for name, text in labels.items() if name != "environment"}
    ends = f"1x{LONG}" if "stale" not in counted else f"1x{counted.split()[0].split('x')[1]} stale"
    return {
        series(INFO, **labels, depth="mailbox"): ends,
        series(COUNTED, **pair): counted,
        series(FAILURES, **pair, reason="server_busy"): failures,
    }


def _ratio_cases(piece: Slice, pairs: tuple[Burn, ...], alerts: list[Alert], number: int) -> list[Case]:
    """A ratio a tenth over the threshold alerts, one a tenth under does not; no guard matters, since counts are large.

    Of half of everything nothing is left when the short window is clean, although the long one is not.
    """
    burn, labels = pairs[number], _pair(piece)
    step, window = burn.short / 10, duration(burn.long)
    seldom = _seldom(20 * step)
    clean = math.ceil(32 * step / seldom) * seldom

    def case(name: str, counted: str, failures: str, *checks: Alerts | Samples) -> Case:
        given = _input(labels, counted, failures)
        return Case(f"{piece.client}: {window} {name}", given, checks, duration(step), duration(seldom))

    def steadily(name: str, share: float) -> Case:
        failures = round(MANY * burn.ratio * share)
        shown = {"share": f"{failures / MANY * 100:.4g}%"}
        over = (alert for alert, other in zip(alerts, pairs, strict=True) if other.ratio < burn.ratio * share)
        firing = tuple(Firing(alert, labels, shown | _fixed(alert)) for alert in over)
        return case(name, f"0+{MANY}x20", f"0+{failures}x20", Alerts(duration(20 * step), NAME, firing))

    mine = f'ALERTS{{alertname="{NAME}",window="{window}"}}'
    return [
        steadily("over the threshold", 1.1),
        steadily("just under the threshold", 0.9),
        case(
            "resolved when the short window is clean",
            f"0+{MANY}x60",
            f"0+{MANY // 2}x20 {MANY * 10}x39",
            Samples(duration(clean), f"count({mine}) or vector(0)", {"{}": 0}),
        ),
    ]


def _fixed(alert: Alert) -> dict[str, str]:
    return {name: text for name, text in alert.shown.items() if name != "share"}


def _seldom(until: float) -> float:
    """Return an evaluation interval that meets `until`."""
    return next((step for step in STEPS if until % step == 0), 60.0)


def _step(piece: Slice) -> str:
    return duration(max(60.0, piece.interval))


def _too_few(piece: Slice, pairs: tuple[Burn, ...]) -> Case:
    """One failure, whatever share of the window it is."""
    return Case(
        f"{piece.client}: one failure is no reason, however few attempts there are",
        _input(_pair(piece), "0+1x120", "0x60 1x60"),
        tuple(Alerts(duration(piece.interval * number), NAME) for number in (60, 61, 62, 66, 80, 110)),
        duration(piece.interval),
        _step(piece),
    )


def _blip(piece: Slice, pairs: tuple[Burn, ...]) -> Case:
    """As many failures in a row as fit into a minute and a half."""
    count = min(burn.failures for burn in pairs) - 1
    steps = " ".join(map(str, range(1, count + 1)))
    return Case(
        f"{piece.client}: {count} failures in a row are no reason",
        _input(_pair(piece), f"0+1x{120 + count}", f"0x60 {steps} {count}x60"),
        tuple(Alerts(duration(piece.interval * (60 + number)), NAME) for number in (count, count + 1, count + 5)),
        duration(piece.interval),
        _step(piece),
    )


def _gone(piece: Slice, pairs: tuple[Burn, ...], alerts: list[Alert]) -> Case:
    """Half of everything fails, which alerts; then the target is taken out of the configuration."""
    step = pairs[0].short / 10
    labels = _pair(piece)
    firing = tuple(
        Firing(alert, labels, {"share": "50%", **_fixed(alert)}) for alert in alerts if _exceeds(alert, pairs)
    )
    return Case(
        f"{piece.client}: what is no longer probed no longer alerts",
        _input(labels, "0+1000x20 stale", "0+500x20 stale"),
        (Alerts(duration(20 * step), NAME, firing), Alerts(duration(40 * step), NAME)),
        duration(step),
        duration(_seldom(20 * step)),
    )


def _exceeds(alert: Alert, pairs: tuple[Burn, ...]) -> bool:
    ratio = next(burn.ratio for burn in pairs if duration(burn.long) == alert.labels["window"])
    return ratio < 0.5


def _control(pairs: tuple[Burn, ...]) -> Case:
    """Its failures make others inconclusive; they spend nobody's budget."""
    return Case(
        "the control has no error budget",
        _input({"client": "control", "target": "control", **WHERE}, "0+1000x60", "0+1000x60"),
        (Alerts("1h", NAME),),
    )
