"""Writes `clientaccess.json`, the Grafana dashboard; run `python -m dashboards.generate` after a change."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("clientaccess.json")
SELECT = 'client=~"$client",target=~"$target"'
PANELS: tuple[tuple[str, str, str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Availability, last hour",
        "stat",
        "percentunit",
        (
            (
                (
                    f"1 - sum by (client, target) (rate(clientaccess_failures_total{{{SELECT}}}[1h]))"
                    f" / (sum by (client, target) (rate(clientaccess_counted_total{{{SELECT}}}[1h])) > 0)"
                ),
                "{{client}} {{target}}",
            ),
        ),
    ),
    ("Last attempt that counted", "stat", "bool_on_off", ((f"clientaccess_up{{{SELECT}}}", "{{client}} {{target}}"),)),
    (
        "Failures by reason",
        "timeseries",
        "short",
        (
            (
                f"sum by (client, target, reason) (increase(clientaccess_failures_total{{{SELECT}}}[5m])) > 0",
                "{{client}} {{target}} {{reason}}",
            ),
        ),
    ),
    (
        "Where failures broke",
        "timeseries",
        "short",
        (
            (
                f"sum by (client, step, reason) (increase(clientaccess_step_failures_total{{{SELECT}}}[5m])) > 0",
                "{{client}} {{step}} {{reason}}",
            ),
        ),
    ),
    (
        "Not counted",
        "timeseries",
        "short",
        (
            (
                f"sum by (client, target, verdict, reason) (increase(clientaccess_excluded_total{{{SELECT}}}[5m])) > 0",
                "{{client}} {{target}} {{verdict}} {{reason}}",
            ),
        ),
    ),
    (
        "Duration of attempts",
        "timeseries",
        "s",
        (
            (
                (
                    "histogram_quantile(0.5, sum by (client, le) "
                    f"(rate(clientaccess_duration_seconds_bucket{{{SELECT}}}[10m])))"
                ),
                "{{client}} median",
            ),
            (
                (
                    "histogram_quantile(0.95, sum by (client, le) "
                    f"(rate(clientaccess_duration_seconds_bucket{{{SELECT}}}[10m])))"
                ),
                "{{client}} 95 %",
            ),
        ),
    ),
    (
        "Duration of steps, 95 %",
        "timeseries",
        "s",
        (
            (
                (
                    "histogram_quantile(0.95, sum by (client, step, le) "
                    f"(rate(clientaccess_step_duration_seconds_bucket{{{SELECT}}}[10m])))"
                ),
                "{{client}} {{step}}",
            ),
        ),
    ),
    (
        "Time per network phase, mean",
        "timeseries",
        "s",
        (
            (
                (
                    f"sum by (client, phase) (rate(clientaccess_phase_duration_seconds_sum{{{SELECT}}}[10m]))"
                    " / (sum by (client, phase) "
                    f"(rate(clientaccess_phase_duration_seconds_count{{{SELECT}}}[10m])) > 0)"
                ),
                "{{client}} {{phase}}",
            ),
        ),
    ),
    (
        "Push channels lost",
        "timeseries",
        "short",
        (
            (
                f"sum by (client, target, reason) (increase(clientaccess_push_disconnects_total{{{SELECT}}}[10m])) > 0",
                "{{client}} {{target}} {{reason}}",
            ),
        ),
    ),
    (
        "Life of push channels, median",
        "timeseries",
        "s",
        (
            (
                (
                    "histogram_quantile(0.5, sum by (client, target, le) "
                    f"(rate(clientaccess_push_session_duration_seconds_bucket{{{SELECT}}}[1h])))"
                ),
                "{{client}} {{target}}",
            ),
        ),
    ),
    (
        "Certificates end in",
        "timeseries",
        "s",
        (
            (
                f"clientaccess_tls_certificate_not_after_timestamp_seconds{{{SELECT}}} - time()",
                "{{client}} {{target}}",
            ),
        ),
    ),
    (
        "Token service",
        "timeseries",
        "short",
        (
            ("sum by (credential) (increase(clientaccess_token_requests_total[10m]))", "{{credential}} requests"),
            (
                "sum by (credential, reason) (increase(clientaccess_token_failures_total[10m])) > 0",
                "{{credential}} {{reason}}",
            ),
        ),
    ),
    (
        "The prober itself",
        "timeseries",
        "s",
        (
            (
                "histogram_quantile(0.99, sum by (le) (rate(clientaccess_scheduler_lag_seconds_bucket[5m])))",
                "scheduler lag 99 %",
            ),
            ("histogram_quantile(0.99, sum by (le) (rate(clientaccess_loop_lag_seconds_bucket[5m])))", "loop lag 99 %"),
        ),
    ),
    (
        "Transactions running, slots missed",
        "timeseries",
        "short",
        (
            ("clientaccess_inflight", "running"),
            (
                f"sum by (client, target) (increase(clientaccess_scheduler_missed_total{{{SELECT}}}[10m])) > 0",
                "missed {{client}} {{target}}",
            ),
        ),
    ),
)


def queries() -> tuple[str, ...]:
    """Return every query of the dashboard."""
    return tuple(query for _, _, _, targets in PANELS for query, _ in targets)


def dashboard() -> dict[str, Any]:
    """Return the dashboard as Grafana reads it."""
    return {
        "uid": "clientaccess",
        "title": "Client access",
        "tags": ["clientaccess"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_source(), _variable("client"), _variable("target")]},
        "panels": [_panel(number, *panel) for number, panel in enumerate(PANELS)],
    }


def _source() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"}


def _variable(label: str) -> dict[str, Any]:
    return {
        "name": label,
        "type": "query",
        "datasource": {"type": "prometheus", "uid": "${datasource}"},
        "query": f"label_values(clientaccess_probe_info, {label})",
        "refresh": 2,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
    }


def _panel(number: int, title: str, kind: str, unit: str, targets: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    source = {"type": "prometheus", "uid": "${datasource}"}
    return {
        "id": number + 1,
        "title": title,
        "type": kind,
        "datasource": source,
        "gridPos": {"x": 12 * (number % 2), "y": 8 * (number // 2), "w": 12, "h": 8},
        "fieldConfig": {"defaults": {"unit": unit}, "overrides": []},
        "targets": [
            {"refId": chr(65 + index), "datasource": source, "expr": query, "legendFormat": legend}
            for index, (query, legend) in enumerate(targets)
        ],
    }


def render() -> str:
    """Return the file's text."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(render())
