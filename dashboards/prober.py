"""The prober itself: whether it can be believed."""

from dashboards.board import Board, Row
from dashboards.choice import probers
from dashboards.panels import THIRD, Query, about, figures, lines, rows, spread
from dashboards.words import DAYS_LEFT, LOST, NONE_AT_BEST, YES

RATE = "$__rate_interval"
UNSERVED = "clientaccess_token_failures_total"
LATEST = ((None, "green"),)


def _quantile(quantile: float, series: str) -> str:
    return f"histogram_quantile({quantile}, sum by (instance, le) ({probers(f'rate({series}[{RATE}])')}))"


HEALTH = Row(
    "Health",
    (
        rows(
            about(
                "What runs",
                "A row per prober.",
                Query(probers("clientaccess_build_info"), "runs"),
                width=THIRD,
                height=5,
            ),
            {name: name for name in ("instance", "version", "revision", "python")},
        ),
        figures(
            about(
                "Configuration read",
                "Whether the last reading of the configuration succeeded.",
                Query(probers("clientaccess_config_last_reload_successful"), "{{instance}}"),
                width=4,
                height=5,
            ),
            LATEST,
            YES,
        ),
        figures(
            about(
                "State",
                "Whether what survives a restart is kept.",
                Query(probers("clientaccess_state_lost"), "{{instance}}"),
                width=4,
                height=5,
            ),
            LATEST,
            LOST,
        ),
        figures(
            about(
                "Up for",
                "Since the start of the process, and since the configuration was read.",
                Query(f"time() - {probers('process_start_time_seconds')}", "{{instance}} process"),
                Query(
                    f"time() - {probers('clientaccess_config_last_reload_success_timestamp_seconds')}",
                    "{{instance}} configuration",
                ),
                unit="s",
                width=4,
                height=5,
            ),
            LATEST,
        ),
        figures(
            about(
                "Crashes and sink errors, last hour",
                "Attempts that a bug around them cost, and outcomes that an observer failed to take in.",
                Query(f"sum({probers('increase(clientaccess_scheduler_crashes_total[1h])')})", "crashes"),
                Query(f"sum({probers('increase(clientaccess_sink_errors_total[1h])')}) or vector(0)", "sink errors"),
                width=4,
                height=5,
            ),
            NONE_AT_BEST,
        ),
    ),
)
TIMELINESS = Row(
    "Timeliness",
    (
        lines(
            about(
                "Event loop lag",
                "Above 250 ms again and again the prober cannot be believed.",
                Query(_quantile(0.5, "clientaccess_loop_lag_seconds_bucket"), "{{instance}} median"),
                Query(_quantile(0.99, "clientaccess_loop_lag_seconds_bucket"), "{{instance}} 99 %"),
                unit="s",
                width=THIRD,
            ),
            limit=0.25,
        ),
        lines(
            about(
                "Lateness of starts",
                "From the intended start of an attempt to the actual one.",
                Query(_quantile(0.5, "clientaccess_scheduler_lag_seconds_bucket"), "{{instance}} median"),
                Query(_quantile(0.99, "clientaccess_scheduler_lag_seconds_bucket"), "{{instance}} 99 %"),
                unit="s",
                width=THIRD,
            ),
            limit=1,
        ),
        spread(
            about(
                "Spread of the event loop lag",
                "How many samples were how late.",
                Query(f"sum by (le) ({probers(f'rate(clientaccess_loop_lag_seconds_bucket[{RATE}])')})", "{{le}}"),
                unit="s",
                width=THIRD,
            )
        ),
        lines(
            about(
                "Slots missed in five minutes",
                "Because the attempt before was still running.",
                Query(
                    f"300 * sum by (client, target) ({probers(f'rate(clientaccess_scheduler_missed_total[{RATE}])')})",
                    "{{client}} {{target}}",
                ),
                width=THIRD,
            ),
            stacked=True,
        ),
        lines(
            about(
                "Transactions running",
                "At the moment of the scrape.",
                Query(probers("clientaccess_inflight"), "{{instance}}"),
                width=THIRD,
            )
        ),
        lines(
            about(
                "Age of the detector's last word",
                "It grows when nothing is taken in any more.",
                Query(f"time() - {probers('clientaccess_detector_last_update_timestamp_seconds')}", "{{instance}}"),
                unit="s",
                width=THIRD,
            ),
            limit=300,
        ),
    ),
)
RESOURCES = Row(
    "Resources",
    (
        lines(
            about(
                "Memory",
                "Resident.",
                Query(probers("process_resident_memory_bytes"), "{{instance}}"),
                unit="bytes",
                width=6,
            )
        ),
        lines(
            about(
                "Processor",
                "Cores in use.",
                Query(probers(f"rate(process_cpu_seconds_total[{RATE}])"), "{{instance}}"),
                width=6,
            ),
            limit=0.9,
        ),
        lines(
            about(
                "File descriptors",
                "Share in use; above nine tenths the prober cannot be believed.",
                Query(probers("process_open_fds / process_max_fds"), "{{instance}}"),
                unit="percentunit",
                width=6,
            ),
            limit=0.9,
        ),
        lines(
            about(
                "Scrapes",
                "Series of a scrape.",
                Query(probers("scrape_samples_scraped"), "{{instance}} series"),
                width=6,
            )
        ),
        lines(
            about(
                "Duration of scrapes",
                "As Prometheus measures it.",
                Query(probers("scrape_duration_seconds"), "{{instance}}"),
                unit="s",
            )
        ),
        lines(
            about(
                "Series that are new",
                "In every scrape; it should fall to nothing.",
                Query(probers("scrape_series_added"), "{{instance}}"),
            )
        ),
    ),
)
RESTRAINT = Row(
    "Restraint",
    (
        lines(
            about(
                "Budgets used",
                "By whoever uses most of each; above 1 the configuration goes beyond it.",
                Query(probers("clientaccess_governor_used_ratio"), "{{scope}} {{budget}}"),
                unit="percentunit",
                width=THIRD,
            ),
            limit=1,
        ),
        lines(
            about(
                "Servers want quiet from",
                "How many tenants, apps, mailboxes, protocols, devices and credentials.",
                Query(probers("clientaccess_governor_quiet_scopes"), "{{scope}}"),
                width=THIRD,
            ),
            stacked=True,
        ),
        lines(
            about(
                "Throttled and held back in five minutes",
                "Attempts that a server turned away, and starts that did not take place.",
                Query(
                    "300 * sum by (client) ("
                    + probers(f'rate(clientaccess_excluded_total{{verdict="throttled"}}[{RATE}])')
                    + ")",
                    "{{client}} throttled",
                ),
                Query(
                    f"300 * sum by (client) ({probers(f'rate(clientaccess_held_back_total[{RATE}])')})",
                    "{{client}} held back",
                ),
                width=THIRD,
            ),
            stacked=True,
        ),
    ),
)
IDENTITY = Row(
    "Tokens, credentials, notices",
    (
        lines(
            about(
                "Token requests in an hour",
                "Requests to the token service, and those that yielded no token.",
                Query(
                    f"3600 * sum by (credential) ({probers(f'rate(clientaccess_token_requests_total[{RATE}])')})",
                    "{{credential}}",
                ),
                Query(
                    f"3600 * sum by (credential, reason) ({probers(f'rate({UNSERVED}[{RATE}])')}) > 0 or vector(0)",
                    "{{credential}} {{reason}}",
                ),
                width=THIRD,
            )
        ),
        lines(
            about(
                "Tokens expire in",
                "The token in hand of each credential.",
                Query(f"{probers('clientaccess_token_expiry_timestamp_seconds')} - time()", "{{credential}}"),
                unit="s",
                width=THIRD,
            )
        ),
        figures(
            about(
                "Credentials expire in",
                "Secrets and certificates whose end is known.",
                Query(f"{probers('clientaccess_credential_expiry_timestamp_seconds')} - time()", "{{credential}}"),
                unit="s",
                width=4,
            ),
            DAYS_LEFT,
        ),
        lines(
            about(
                "Readings of notices in an hour",
                "By what came of them.",
                Query(
                    f"3600 * sum by (result) ({probers(f'rate(clientaccess_advisory_reads_total[{RATE}])')})",
                    "{{result}}",
                ),
                width=4,
            ),
            stacked=True,
        ),
    ),
)
BOARD = Board(
    "prober",
    "Client access: prober",
    "Whether the prober itself can be believed.",
    ("vantage",),
    (HEALTH, TIMELINESS, RESOURCES, RESTRAINT, IDENTITY),
    since="now-3h",
)
