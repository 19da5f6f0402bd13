"""Whether the prober may be believed: alerts about itself, owned by whoever runs it.

Rule of this file: `ClientAccessProberSick` inhibits every other alert of the same prober, so only that stands there
which makes its results worthless. What an outage of the service can cause (missed slots, when attempts run into their
time limit) or what leaves results right (a configuration that could not be read again) is `ClientAccessProberImpaired`.
"""

from collections.abc import Mapping

from prober.alerting.detector import ON, WHERE
from prober.alerting.objective import Objective, duration
from prober.alerting.rule import Alert, Case, Rule, fires, quiet, series

INFO = "clientaccess_build_info"
UPDATED = "clientaccess_detector_last_update_timestamp_seconds"
STALE = 300.0
"""Seconds."""
HOLD = "2m"
KEEP = "5m"
BLOCKED = 'le="0.25"'
LATE = 'le=~"1([.]0)?"'


def _share(histogram: str, bound: str) -> str:
    """Return which share of a histogram's observations of five minutes lay beyond a bound."""
    return f"1 - rate({histogram}_bucket{{{bound}}}[5m]) / ignoring (le) rate({histogram}_count[5m])"


def _sick(cause: str, expr: str, description: str, hold: str = HOLD) -> Alert:
    summary = "The prober cannot be believed ({cause})"
    return Alert(
        "ClientAccessProberSick", expr, "ticket", "prober", summary, description, hold, KEEP, labels={"cause": cause}
    )


def _impaired(cause: str, expr: str, description: str, hold: str = "") -> Alert:
    summary = "The prober needs a hand ({cause})"
    return Alert(
        "ClientAccessProberImpaired", expr, "ticket", "prober", summary, description, hold, labels={"cause": cause}
    )


LOOP = _sick(
    "loop_lag",
    f"{_share('clientaccess_loop_lag_seconds', BLOCKED)} > 0.01",
    "Its event loop stands still for more than 250 ms again and again. Give it more processor time, or less to do.",
)
START = _sick(
    "late_starts",
    f"{_share('clientaccess_scheduler_lag_seconds', LATE)} > 0.05",
    "More than one attempt in twenty starts over a second late.",
)
DESCRIPTORS = _sick(
    "descriptors",
    f"process_open_fds / process_max_fds > 0.9\n  and on ({ON}) {INFO}",
    "Nine tenths of its file descriptors are in use.",
)


def detector(objective: Objective) -> Alert:
    """Return the dead man's handle of the detector."""
    patience = max(STALE, 2 * objective.slowest.interval)
    return _sick(
        "detector_stale",
        f"time() - {UPDATED} > {patience:g}",
        f"Its detector has taken nothing in for {duration(patience)}: what it says is old.",
        "5m",
    )


MISSED = _impaired(
    "missed",
    "sum without (reason) (increase(clientaccess_scheduler_missed_total[30m]))\n"
    "  > 0.2 * increase(clientaccess_attempts_total[30m]) + 2",
    "{client} on {target}: slots are skipped because the last attempt is still going. Attempts take longer than the "
    "interval; during an outage that is natural.",
    "15m",
)
CRASHES = _impaired(
    "crashes",
    "increase(clientaccess_scheduler_crashes_total[1h]) >= 1",
    "A bug cost attempts of {client} on {target}; the log has the trace.",
)
SINKS = _impaired(
    "sink_errors",
    "increase(clientaccess_sink_errors_total[1h]) >= 1\n"
    "  or clientaccess_sink_errors_total > 0 unless clientaccess_sink_errors_total offset 1h",
    "{sink} failed to take in outcomes: what it shows is incomplete.",
)
STATE = _impaired(
    "state_lost",
    "clientaccess_state_lost == 1",
    "Its state was lost or cannot be kept; after a restart it has forgotten what it learnt.",
    "5m",
)
RELOAD = _impaired(
    "config_reload",
    "clientaccess_config_last_reload_successful == 0",
    "Its configuration could not be read again; it goes on with the one before.",
    "5m",
)
LISTS = _impaired(
    "discovery",
    "clientaccess_discovery_last_refresh_successful == 0",
    "The list of targets {source} is bad or cannot be fetched: it counts as it last was good, and grows old.",
    "15m",
)
IMPAIRED: tuple[Alert, ...] = (MISSED, CRASHES, SINKS, STATE, RELOAD, LISTS)
PAIR = {"client": "imap4", "target": "hq", **WHERE}


def sick(objective: Objective) -> tuple[Rule, ...]:
    """Return the alerts that inhibit all others."""
    return (LOOP, START, DESCRIPTORS, detector(objective))


def sick_cases(objective: Objective) -> tuple[Case, ...]:
    """Return the tests of those."""
    return (
        _histogram(LOOP, "clientaccess_loop_lag_seconds", "0.25", calm=995, worse=980),
        _histogram(START, "clientaccess_scheduler_lag_seconds", "1.0", calm=955, worse=940),
        _descriptors(),
        _stale(objective),
    )


def impaired_cases() -> tuple[Case, ...]:
    """Return the tests of what impairs the prober."""
    missed = "clientaccess_scheduler_missed_total"
    return (
        Case(
            "slots missed: one in six is still borne, half are not",
            {
                series("clientaccess_attempts_total", **PAIR): "0+10x150",
                series(missed, **PAIR): "0+1x40 41+10x40 441x80",
            },
            (quiet("40m", MISSED), fires("75m", MISSED, PAIR), quiet("120m", MISSED)),
        ),
        _counted(CRASHES, "clientaccess_scheduler_crashes_total", PAIR, "0x30 1x200"),
        _counted(SINKS, "clientaccess_sink_errors_total", {"sink": "board", **WHERE}, "_x31 1x200"),
        _counted(SINKS, "clientaccess_sink_errors_total", {"sink": "log", **WHERE}, "1x30 2x200", settled="29m"),
        _gauge(STATE, "clientaccess_state_lost", "0x9 1x30 0x30"),
        _gauge(RELOAD, "clientaccess_config_last_reload_successful", "1x9 0x30 1x30"),
        _lists(),
    )


def _histogram(alert: Alert, name: str, bound: str, *, calm: int, worse: int) -> Case:
    """Of a thousand observations a minute, so many lie within the bound: just enough for half an hour, then too few."""
    total = 1000 * 30
    within = f"0+{calm}x30 {calm * 30}+{worse}x30 {(calm + worse) * 30}+1000x30"
    return Case(
        f"{alert.labels['cause']}: beyond the bound, not just under it",
        {
            series(f"{name}_bucket", **WHERE, le=bound): within,
            series(f"{name}_count", **WHERE): f"0+1000x30 {total}+1000x30 {2 * total}+1000x30",
        },
        (quiet("30m", alert), fires("45m", alert, WHERE), quiet("75m", alert)),
    )


def _descriptors() -> Case:
    other = {"job": "database", "instance": "d:1"}
    return Case(
        "descriptors: those of the prober, not of anything else",
        {
            series("process_open_fds", **WHERE): "890x30 910x30 100x30",
            series("process_max_fds", **WHERE): "1000x90",
            series("process_open_fds", **other): "999x90",
            series("process_max_fds", **other): "1000x90",
            series(INFO, **WHERE, version="1"): "1x90",
        },
        (quiet("30m", DESCRIPTORS), fires("40m", DESCRIPTORS, WHERE), quiet("70m", DESCRIPTORS)),
    )


def _stale(objective: Objective) -> Case:
    alert = detector(objective)
    minutes = round(max(STALE, 2 * objective.slowest.interval) / 60)
    return Case(
        "detector_stale: after its patience and five minutes more; it ends when the detector goes on",
        {series(UPDATED, **WHERE): f"0+60x10 600x{minutes + 20} {(11 + minutes + 21) * 60}+60x12"},
        (
            quiet(f"{10 + minutes + 5}m", alert),
            fires(f"{10 + minutes + 7}m", alert, WHERE),
            quiet(f"{10 + minutes + 21 + 8}m", alert),
        ),
    )


def _counted(alert: Alert, name: str, labels: Mapping[str, str], values: str, settled: str = "30m") -> Case:
    return Case(
        f"{alert.labels['cause']} of {labels.get('sink', 'an assignment')}: one is enough, for an hour",
        {series(name, **labels): values},
        (
            *(() if values.startswith("1") else (quiet(settled, alert),)),
            fires("40m", alert, labels),
            quiet("110m", alert),
        ),
    )


def _lists() -> Case:
    name, bad = "clientaccess_discovery_last_refresh_successful", {**WHERE, "source": "http[0]"}
    return Case(
        "discovery: the list that is bad for fifteen minutes, not one whose server was away for ten",
        {
            series(name, **bad): "1x9 0x30 1x30",
            series(name, **{**WHERE, "source": "http[1]"}): "1x9 0x9 1x50",
        },
        (quiet("24m", LISTS), fires("30m", LISTS, bad), quiet("41m", LISTS)),
    )


def _gauge(alert: Alert, name: str, values: str) -> Case:
    return Case(
        f"{alert.labels['cause']}: for five minutes",
        {series(name, **WHERE): values},
        (quiet("14m", alert), fires("20m", alert, WHERE), quiet("41m", alert)),
    )
