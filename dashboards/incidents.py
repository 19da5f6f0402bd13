"""What is wrong, since when, whose fault it is, and what Microsoft says of it."""

from dashboards.board import Board, Row
from dashboards.choice import bound, environments, groups, paths, probers
from dashboards.panels import THIRD, WHOLE, Query, about, figures, heat, lines, rows, states
from dashboards.words import ACTIVE, BLAMED, FAILING, NONE_AT_BEST, PLAIN, STATES

RATE = "$__rate_interval"
FIRING = '(ALERTS{alertname=~"ClientAccess.+",alertstate="firing"} or vector(0))'
BLAME = Row(
    "Blame",
    (
        rows(
            about(
                "Blamed now",
                "The narrowest domains that explain what is red and what is green; 0: not blamed.",
                Query(environments("clientaccess_blame"), "blamed"),
                width=THIRD,
            ),
            {"environment": "environment", "domain": "domain"},
        ),
        states(
            about(
                "Blame over time",
                "A row per domain.",
                Query(
                    f"max by (environment, domain) ({environments('clientaccess_blame')})", "{{environment}} {{domain}}"
                ),
                width=16,
            ),
            BLAMED,
        ),
        rows(
            about(
                "The best explanation",
                "Which clients fail from where at which step, and how probable that is; runners-up: status page.",
                Query(probers("clientaccess_attribution_probability"), "probability"),
            ),
            {"clients": "clients", "vantages": "vantages", "step": "step"},
            {"probability": "percentunit"},
        ),
        rows(
            about(
                "Alerts that fire",
                "Of the shipped rules; a row without a name: none.",
                Query(FIRING, "firing"),
            ),
            {name: name for name in ("alertname", "severity", "owner", "environment", "client", "instance")},
        ),
    ),
)
DETECTION = Row(
    "Detection",
    (
        states(
            about(
                "State of every group",
                "Clients, cells, the whole fleet, vantages, families, push and throttling.",
                Query(groups("clientaccess_detector_state"), "{{group_kind}} {{group}}"),
                height=14,
            ),
            STATES,
        ),
        lines(
            about(
                "Evidence of trouble",
                "Evidence divided by the threshold of the group: from 1 on it pages.",
                Query(groups("clientaccess_detector_evidence_ratio"), "{{group_kind}} {{group}}"),
                height=14,
            ),
            limit=1,
        ),
        rows(
            about(
                "Groups in trouble",
                "Failure rate since the change with its exact limits of 95 %, and the rate that is usual.",
                Query(f"{groups('clientaccess_detector_change_timestamp_seconds')} > 0", "since"),
                Query(groups("clientaccess_detector_evidence_days"), "evidence, days"),
                Query(groups("clientaccess_detector_threshold_days"), "pages at, days"),
                Query(
                    f"sum without (bound) ({groups('clientaccess_detector_failure_ratio', bound('lower'))})",
                    "at least",
                ),
                Query(
                    f"sum without (bound) ({groups('clientaccess_detector_failure_ratio', bound('estimate'))})",
                    "estimate",
                ),
                Query(
                    f"sum without (bound) ({groups('clientaccess_detector_failure_ratio', bound('upper'))})", "at most"
                ),
                Query(groups("clientaccess_detector_baseline_ratio"), "usual"),
                width=WHOLE,
            ),
            {"group_kind": "kind", "group": "group"},
            {
                "since": "dateTimeFromNow",
                **dict.fromkeys(("at least", "estimate", "at most", "usual"), "percentunit"),
            },
        ),
    ),
)
WHERE = Row(
    "Where it breaks",
    (
        lines(
            about(
                "Failures in five minutes, by reason",
                "Of all clients that were chosen.",
                Query(
                    f"300 * sum by (reason) ({paths('clientaccess_failures_total', over=RATE)})",
                    "{{reason}}",
                ),
            ),
            stacked=True,
        ),
        heat(
            about(
                "Failing steps",
                "A row per client and step that ever failed; the cells are failures in five minutes.",
                Query(
                    f"sum by (client, step) (300 * {paths('clientaccess_step_failures_total', over=RATE)})",
                    "{{client}} {{step}}",
                ),
            ),
            ((None, "transparent"), (0.5, "yellow"), (2, "orange"), (5, "red")),
        ),
        heat(
            about(
                "Failing share by vantage",
                "Of the last quarter of an hour.",
                Query(
                    'clientaccess:vantage:failure_ratio15m{environment=~"$environment",vantage=~"$vantage"}',
                    "{{environment}} from {{vantage}}",
                ),
                unit="percentunit",
            ),
            FAILING,
        ),
        lines(
            about(
                "Evidence by vantage",
                "The highest of each vantage: whether it is one place or all of them.",
                Query('max by (vantage) (clientaccess:vantage:evidence_ratio{vantage=~"$vantage"})', "{{vantage}}"),
            ),
            limit=1,
        ),
    ),
)
NOTICES = Row(
    "Microsoft's notices",
    (
        figures(
            about(
                "Open notices",
                "Services with an open notice, those that name a client beside them.",
                Query(f"count({probers('clientaccess_advisory_active')} == 1) or vector(0)", "open"),
                width=6,
            ),
            NONE_AT_BEST,
        ),
        states(
            about(
                "Notices over time",
                "A row per service, and per client that a notice names. Without a reader there are none.",
                Query(probers("clientaccess_advisory_active"), "{{service}} {{client}}"),
                width=6,
            ),
            ACTIVE,
        ),
        rows(
            about(
                "How far ahead we were",
                "From our onset to the publication of the notice that may be about it; negative: behind.",
                Query(probers("clientaccess_advisory_lead_seconds"), "ahead by"),
                width=6,
            ),
            {"service": "service", "client": "client"},
            {"ahead by": "s"},
        ),
        figures(
            about(
                "Last whole reading",
                "How long ago; a long time where nothing reads them.",
                Query(f"time() - {probers('clientaccess_advisory_last_read_timestamp_seconds')}", "{{instance}}"),
                unit="s",
                width=6,
            ),
            PLAIN,
        ),
    ),
)
BOARD = Board(
    "incidents",
    "Client access: blame and incidents",
    "What is wrong, since when, whose fault it is, and what Microsoft says of it.",
    ("environment", "vantage", "client", "target"),
    (BLAME, DETECTION, WHERE, NOTICES),
    since="now-3h",
)
