"""The fleet at a glance: which client, how available, how sure."""

from dashboards.board import EVERYTHING, Board, Row
from dashboards.choice import bound, environments, groups, paths, probers, recorded
from dashboards.panels import THIRD, WHOLE, Query, about, figures, heat, lines, rows, states
from dashboards.words import AVAILABLE, DAYS_LEFT, FAILING, NONE_AT_BEST, PLAIN, STATES, UP

NOW = Row(
    "Now",
    (
        figures(
            about(
                "Failing groups",
                "Groups of the detector in state failing.",
                Query(f"count({groups('clientaccess_detector_state')} == 2) or vector(0)", "failing"),
                width=4,
                height=4,
            ),
            NONE_AT_BEST,
        ),
        figures(
            about(
                "Blamed domains",
                "The narrowest domains that explain what is red.",
                Query(f"sum({environments('clientaccess_blame')})", "blamed"),
                width=4,
                height=4,
            ),
            NONE_AT_BEST,
        ),
        figures(
            about(
                "Lowest availability, last hour",
                "Of all clients and targets that were chosen.",
                Query(f"min({recorded('clientaccess:availability:ratio_rate1h')})", "lowest"),
                unit="percentunit",
                width=4,
                height=4,
            ),
            AVAILABLE,
        ),
        figures(
            about(
                "Attempts a minute",
                "Finished attempts, whatever their verdict.",
                Query(f"60 * sum({paths('clientaccess_attempts_total', over='$__rate_interval')})", "attempts"),
                width=4,
                height=4,
            ),
            PLAIN,
        ),
        figures(
            about(
                "Counted",
                "Share of the attempts of the last hour that say anything about availability.",
                Query(
                    f"sum({paths('clientaccess_counted_total', over='1h')})"
                    f" / sum({paths('clientaccess_attempts_total', over='1h')})",
                    "counted",
                ),
                unit="percentunit",
                width=4,
                height=4,
            ),
            PLAIN,
        ),
        figures(
            about(
                "Probers",
                "Probers that are scraped.",
                Query(f"count({probers('clientaccess_build_info')})", "probers"),
                width=4,
                height=4,
            ),
            PLAIN,
        ),
    ),
)
AVAILABILITY = Row(
    "Availability",
    (
        figures(
            about(
                "Availability of each client, last hour",
                "The worst target of each client.",
                Query(f"min by (client) ({recorded('clientaccess:availability:ratio_rate1h')})", "{{client}}"),
                unit="percentunit",
            ),
            AVAILABLE,
        ),
        rows(
            about(
                "Failure rate and its limits, last hour",
                "Wilson's interval of 95 %: what the counted attempts can bear, and no more.",
                Query(f"{recorded('clientaccess:counted:increase1h')}", "counted"),
                Query(f"{recorded('clientaccess:failures:increase1h')}", "failed"),
                Query(
                    f"sum without (bound) ({recorded('clientaccess:failures:wilson1h', bound('lower'))})", "at least"
                ),
                Query(f"sum without (bound) ({recorded('clientaccess:failures:wilson1h', bound('upper'))})", "at most"),
            ),
            {"client": "client", "target": "target"},
            {"at least": "percentunit", "at most": "percentunit"},
        ),
        heat(
            about(
                "Failing share of the last five minutes",
                "A row per client, its worst target.",
                Query(f"max by (client) ({recorded('clientaccess:failures:ratio_rate5m')})", "{{client}}"),
                unit="percentunit",
            ),
            FAILING,
        ),
        states(
            about(
                "Last attempt that counted",
                "A row per client and target; one failure alone is no outage.",
                Query(paths("clientaccess_up"), "{{client}} {{target}}"),
            ),
            UP,
        ),
        lines(
            about(
                "Availability, last day",
                "The worst target of each client.",
                Query(f"min by (client) ({recorded('clientaccess:availability:ratio_rate1d')})", "{{client}}"),
                unit="percentunit",
                width=WHOLE,
            )
        ),
    ),
)
DETECTION = Row(
    "Detection",
    (
        states(
            about(
                "State of each client",
                "What the change detector makes of each client.",
                Query(groups("clientaccess_detector_state", 'group_kind="client"'), "{{group}}"),
            ),
            STATES,
        ),
        lines(
            about(
                "Evidence of trouble",
                "Evidence divided by the threshold of the group: from 1 on it pages.",
                Query(
                    f"max by (group_kind, group) ({groups('clientaccess_detector_evidence_ratio')}) > 0.01",
                    "{{group_kind}} {{group}}",
                ),
            ),
            limit=1,
        ),
    ),
)
REST = Row(
    "What does not count, and what ends soon",
    (
        lines(
            about(
                "Not counted, by verdict",
                "Attempts in five minutes that say nothing of availability, and why.",
                Query(
                    f"300 * sum by (verdict, reason) ({paths('clientaccess_excluded_total', over='$__rate_interval')})",
                    "{{verdict}} {{reason}}",
                ),
                width=THIRD,
            ),
            stacked=True,
        ),
        lines(
            about(
                "Held back",
                "Starts in five minutes that the governor or a maintenance window held back.",
                Query(
                    f"300 * sum by (client) ({paths('clientaccess_held_back_total', over='$__rate_interval')})",
                    "{{client}}",
                ),
                width=THIRD,
            ),
            stacked=True,
        ),
        figures(
            about(
                "Certificates end in",
                "The certificate of each target that ends first.",
                Query(
                    f"min by (target) ({paths('clientaccess_tls_certificate_not_after_timestamp_seconds')} - time())",
                    "{{target}}",
                ),
                unit="s",
                width=THIRD,
            ),
            DAYS_LEFT,
        ),
    ),
)
BOARD = Board(
    "fleet",
    "Client access: fleet",
    "Which client, how available, how sure.",
    EVERYTHING,
    (NOW, AVAILABILITY, DETECTION, REST),
)
