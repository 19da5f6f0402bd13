"""One client from near: verdicts, reasons, steps, phases, push."""

from dashboards.board import EVERYTHING, Board, Row
from dashboards.choice import paths, recorded
from dashboards.panels import THIRD, WHOLE, Query, about, figures, heat, lines, rows, spread, states
from dashboards.words import AVAILABLE, DAYS_LEFT, OPEN, UP

RATE = "$__rate_interval"
PHASE = "clientaccess_phase_duration_seconds"
LOST = "clientaccess_push_disconnects_total"
SOME: tuple[tuple[float | None, str], ...] = ((None, "transparent"), (0.5, "yellow"), (2, "orange"), (5, "red"))


def _quantile(quantile: float, by: str, series: str, over: str = RATE) -> str:
    return f"histogram_quantile({quantile}, sum by ({by}, le) ({paths(series, over=over)}))"


VERDICTS = Row(
    "Verdicts",
    (
        figures(
            about(
                "Availability, last hour",
                "By client and target.",
                Query(recorded("clientaccess:availability:ratio_rate1h"), "{{client}} {{target}}"),
                unit="percentunit",
            ),
            AVAILABLE,
        ),
        states(
            about(
                "Last attempt that counted",
                "A row per client and target.",
                Query(paths("clientaccess_up"), "{{client}} {{target}}"),
            ),
            UP,
        ),
        lines(
            about(
                "Attempts in five minutes",
                "What became of them: ok is what counted and neither failed nor was slow.",
                Query(f"300 * sum({paths('clientaccess_counted_total', over=RATE)})", "counted"),
                Query(f"300 * sum({paths('clientaccess_failures_total', over=RATE)})", "failed"),
                Query(f"300 * sum({paths('clientaccess_slow_total', over=RATE)})", "slow"),
                Query(
                    f"300 * sum by (verdict) ({paths('clientaccess_excluded_total', over=RATE)})",
                    "{{verdict}}",
                ),
                Query(f"300 * sum({paths('clientaccess_confirm_attempts_total', over=RATE)})", "second looks"),
            )
        ),
        rows(
            about(
                "What is probed",
                "How deep, and how faithfully: a surrogate goes a public way in the place of the real one.",
                Query(paths("clientaccess_probe_info"), "probed"),
            ),
            {
                name: name
                for name in ("client", "target", "environment", "region", "vantage", "depth", "fidelity", "instance")
            },
        ),
    ),
)
FAILURES = Row(
    "Failures",
    (
        lines(
            about(
                "Failures in five minutes, by reason",
                "Attempts that counted as failed.",
                Query(
                    f"300 * sum by (client, reason) ({paths('clientaccess_failures_total', over=RATE)}) > 0"
                    f" or 0 * sum by (client) ({paths('clientaccess_counted_total', over=RATE)})",
                    "{{client}} {{reason}}",
                ),
            ),
            stacked=True,
        ),
        heat(
            about(
                "Where failures broke",
                "A row per step and reason that ever failed; the cells are failures in five minutes.",
                Query(
                    f"sum by (client, step, reason) (300 * {paths('clientaccess_step_failures_total', over=RATE)})",
                    "{{client}} {{step}}: {{reason}}",
                ),
            ),
            SOME,
        ),
        heat(
            about(
                "Targets that fail",
                "A row per client and target; the cells are failures in five minutes.",
                Query(
                    f"sum by (client, target) (300 * {paths('clientaccess_failures_total', over=RATE)})",
                    "{{client}} {{target}}",
                ),
                width=WHOLE,
            ),
            SOME,
        ),
    ),
)
LATENCY = Row(
    "How long it takes",
    (
        lines(
            about(
                "Duration of attempts",
                "Of attempts that counted.",
                Query(_quantile(0.5, "client", "clientaccess_duration_seconds_bucket"), "{{client}} median"),
                Query(_quantile(0.95, "client", "clientaccess_duration_seconds_bucket"), "{{client}} 95 %"),
                unit="s",
                width=THIRD,
            )
        ),
        spread(
            about(
                "Spread of the duration",
                "How many attempts took how long.",
                Query(f"sum by (le) ({paths('clientaccess_duration_seconds_bucket', over=RATE)})", "{{le}}"),
                unit="s",
                width=THIRD,
            )
        ),
        lines(
            about(
                "Slow",
                "Attempts in five minutes that succeeded beyond the latency objective.",
                Query(
                    f"300 * sum by (client, target) ({paths('clientaccess_slow_total', over=RATE)})",
                    "{{client}} {{target}}",
                ),
                width=THIRD,
            ),
            stacked=True,
        ),
        lines(
            about(
                "Duration of steps, 95 %",
                "The steps of the attempts above.",
                Query(
                    _quantile(0.95, "client, step", "clientaccess_step_duration_seconds_bucket"), "{{client}} {{step}}"
                ),
                unit="s",
            )
        ),
        lines(
            about(
                "Time in each network phase",
                "Mean of a phase: name, connection, TLS, sending, waiting, receiving.",
                Query(
                    f"sum by (client, phase) ({paths(f'{PHASE}_sum', over=RATE)})"
                    f" / (sum by (client, phase) ({paths(f'{PHASE}_count', over=RATE)}) > 0)",
                    "{{client}} {{phase}}",
                ),
                unit="s",
            ),
            stacked=True,
        ),
    ),
)
PUSH = Row(
    "Push channels",
    (
        lines(
            about(
                "Channels lost in an hour",
                "Held sessions that did not end as agreed.",
                Query(
                    f"3600 * sum by (client, target, reason) ({paths(LOST, over=RATE)})",
                    "{{client}} {{target}} {{reason}}",
                ),
                width=THIRD,
            ),
            stacked=True,
        ),
        spread(
            about(
                "Life of a channel",
                "How long held sessions lasted that have ended.",
                Query(
                    f"sum by (le) ({paths('clientaccess_push_session_duration_seconds_bucket', over=RATE)})", "{{le}}"
                ),
                unit="s",
                width=THIRD,
            )
        ),
        lines(
            about(
                "From delivery to push",
                "Mean over an hour, where marker messages measure it, and those that say nothing.",
                Query(
                    f"sum by (client) ({paths('clientaccess_notification_latency_seconds_sum', over='1h')})"
                    f" / (sum by (client) ({paths('clientaccess_notification_latency_seconds_count', over='1h')}) > 0)",
                    "{{client}}",
                ),
                Query(
                    f"3600 * sum by (client) ({paths('clientaccess_push_marker_failures_total', over='1h')})",
                    "{{client}} markers not left",
                ),
                unit="s",
                width=THIRD,
            )
        ),
    ),
)
STANDING = Row(
    "Certificates, retired paths, waiting",
    (
        figures(
            about(
                "Certificate ends in",
                "By client and target.",
                Query(
                    f"{paths('clientaccess_tls_certificate_not_after_timestamp_seconds')} - time()",
                    "{{client}} {{target}}",
                ),
                unit="s",
            ),
            DAYS_LEFT,
        ),
        states(
            about(
                "Withdrawn, but open",
                "Ways that Microsoft has withdrawn and that the last attempt found open.",
                Query(paths("clientaccess_retired_path_open"), "{{client}} {{target}} {{retirement}}"),
                width=6,
            ),
            OPEN,
        ),
        rows(
            about(
                "Since the last success, and until the next start",
                "Infinity: somebody has to change something first.",
                Query(f"time() - {paths('clientaccess_last_success_timestamp_seconds')}", "last success"),
                Query(f"time() - {paths('clientaccess_last_counted_timestamp_seconds')}", "last that counted"),
                Query(f"time() - {paths('clientaccess_last_attempt_timestamp_seconds')}", "last attempt"),
                Query(
                    f"clamp_min({paths('clientaccess_governor_wait_until_timestamp_seconds')} - time(), 0)",
                    "held back for",
                ),
                width=6,
            ),
            {"client": "client", "target": "target"},
            dict.fromkeys(("last success", "last that counted", "last attempt", "held back for"), "s"),
        ),
    ),
)
BOARD = Board(
    "client",
    "Client access: client",
    "One client from near: what fails at which step, what takes its time, whether news arrives.",
    EVERYTHING,
    (VERDICTS, FAILURES, LATENCY, PUSH, STANDING),
)
