"""Availability as recording rules, for dashboards and objectives: ratios, counts, and what the counts can bear.

The intervals are Wilson's (E. B. Wilson, 1927) at 95 %: near their nominal coverage also for few attempts.
"""

from prober.alerting.objective import Objective
from prober.alerting.rule import Bundle, Case, Group, Record, Samples, series

FAILURES = "clientaccess_failures_total"
COUNTED = "clientaccess_counted_total"
BY = "sum by (client, target)"
ENVIRONMENT = (
    "* on (job, instance, client, target) group_left (environment)\n"
    "    max by (job, instance, client, target, environment) (clientaccess_probe_info)"
)
"""Adds the label to an alert about a client and target, and drops what is no longer probed: counters of the last hours
would go on speaking for it."""
SAMPLE = {"client": "imap4", "target": "hq"}
WINDOWS = ("1h", "1d")


def bundle(objective: Objective) -> Bundle:
    """Return the recording rules of availability; they are the same for every objective."""
    ratios = (
        Record("clientaccess:failures:ratio_rate5m", _ratio("5m")),
        *(Record(f"clientaccess:availability:ratio_rate{window}", f"1 - {_ratio(window)}") for window in WINDOWS),
    )
    intervals = tuple(rule for window in WINDOWS for rule in _interval(window))
    groups = (Group("clientaccess-availability", ratios), Group("clientaccess-intervals", intervals))
    about = "Availability per client and target, and the limits within which it lies (Wilson, 95 %)."
    return Bundle("availability", about, groups, _cases())


def _ratio(window: str) -> str:
    return f"{BY} (rate({FAILURES}[{window}]))\n  / ({BY} (rate({COUNTED}[{window}])) > 0)"


def _interval(window: str) -> tuple[Record, ...]:
    failures, counted = f"clientaccess:failures:increase{window}", f"clientaccess:counted:increase{window}"
    succeeded = f"clamp_min({counted} - {failures}, 0)"
    spread = f"1.96 * sqrt(\n    {failures} * {succeeded}\n      / {counted} + 0.96\n  )"
    return (
        Record(failures, f"{BY} (round(increase({FAILURES}[{window}])))"),
        Record(counted, f"{BY} (round(increase({COUNTED}[{window}]))) > 0"),
        *(
            Record(
                f"clientaccess:failures:wilson{window}",
                f"clamp(\n  ({failures} + 1.92 {sign} {spread})\n  / ({counted} + 3.84),\n  0, 1\n)",
                {"bound": bound},
            )
            for bound, sign in (("lower", "-"), ("upper", "+"))
        ),
    )


def _cases() -> tuple[Case, ...]:
    counted, busy = series(COUNTED, **SAMPLE), series(FAILURES, **SAMPLE, reason="server_busy")
    timeout = series(FAILURES, **SAMPLE, reason="read_timeout")
    hour, minutes = "clientaccess:availability:ratio_rate1h", "clientaccess:failures:ratio_rate5m"
    return (
        Case(
            "availability is what did not fail of what counted, whatever the reason",
            {counted: "0+1x240", busy: "0x119 0+0.25x120", timeout: "0+0x240"},
            (
                Samples("2h", hour, {series(hour, **SAMPLE): 0.75}),
                Samples("50m", minutes, {series(minutes, **SAMPLE): 0}),
            ),
            interval="30s",
        ),
        Case(
            "a restart of the prober costs nothing",
            {counted: "0+1x60 0+1x60", busy: "0+0.5x60 0+0.5x60"},
            (Samples("100m", f"round({hour}, 0.01)", {series("", **SAMPLE): 0.5}),),
        ),
        Case(
            "one failure of ten may be one in fifty or two in five",
            {counted: "0 1 2 3 4 5 6 7 8 9 10x50", busy: "0 1x59"},
            tuple(
                Samples(
                    "59m",
                    f'round(clientaccess:failures:wilson1h{{bound="{bound}"}}, 0.001)',
                    {series("", **SAMPLE, bound=bound): value},
                )
                for bound, value in (("lower", 0.018), ("upper", 0.404))
            ),
        ),
        Case(
            "a target that is gone has no availability after the window",
            {counted: "0+1x30 stale", busy: "0+1x30 stale"},
            (Samples("2h", hour),),
        ),
        Case(
            "no data is no ratio",
            {},
            (Samples("2h", hour), Samples("2h", minutes), Samples("2h", "clientaccess:failures:wilson1h")),
        ),
    )
