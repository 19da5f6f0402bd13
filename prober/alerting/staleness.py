"""Old pictures: a client that gets in and is shown what the mailbox was, not what it is.

Rule of this file: staleness pages slower than a failure to connect, since a view may lag for minutes and be well.
"""

from prober.alerting.detector import WHERE
from prober.alerting.objective import Objective, Slice, duration
from prober.alerting.recording import COUNTED, ENVIRONMENT, FAILURES
from prober.alerting.rule import Alert, Alerts, Case, Rule, fires, quiet, series

FEWEST = 3
SLOWLY = 900.0


def alert(piece: Slice) -> Alert:
    """Return the alert for one interval."""
    window = duration(piece.window(SLOWLY, 5))
    stale = f'{{{piece.selector},reason="stale_data"}}'
    return Alert(
        "ClientAccessStaleData",
        f"(\n  sum without (reason) (round(increase({FAILURES}{stale}[{window}]))) >= {FEWEST}\n"
        f"  and sum without (reason) (increase({FAILURES}{stale}[{window}]))\n"
        f"    >= 0.5 * increase({COUNTED}{{{piece.selector}}}[{window}])\n) {ENVIRONMENT}",
        "page",
        "mail",
        "{client} on {target} is shown old data",
        f"Half of the attempts of {window} or more found a mailbox that other clients see newer, "
        "or missed an item that is there.",
        hold=duration(SLOWLY),
    )


def rules(objective: Objective) -> tuple[Rule, ...]:
    """Return the alert for every interval."""
    return tuple(alert(piece) for piece in objective.slices)


def cases(objective: Objective) -> tuple[Case, ...]:
    """Return the tests."""
    return tuple(case for piece in objective.slices for case in _cases(piece))


def _cases(piece: Slice) -> tuple[Case, ...]:
    """Return the tests for one interval; times in minutes, two attempts per minute or one per interval."""
    rule, pair = alert(piece), {"client": piece.client, "target": piece.target, **WHERE}
    window, hold = round(piece.window(SLOWLY, 5) / 60), round(SLOWLY / 60)
    rate = 60.0 / piece.interval
    counted, stale = series(COUNTED, **pair), series(FAILURES, **pair, reason="stale_data")
    begun, ended = 10, 10 + 2 * window + hold
    total = (ended - begun) * rate

    def case(name: str, made: dict[str, str], *checks: Alerts) -> Case:
        known = {series("clientaccess_probe_info", **pair, environment="exchange_online", depth="mailbox"): "1x400"}
        return Case(f"{piece.client} every {duration(piece.interval)}: {name}", known | made, checks)

    return (
        case(
            "old data for a window and a quarter of an hour, then none",
            {
                counted: f"0+{rate:g}x{ended + window + 10}",
                stale: f"0x{begun} 0+{rate:g}x{ended - begun} {total:g}x{window + 10}",
            },
            quiet(f"{begun + hold}m", rule),
            fires(f"{ended}m", rule, {**pair, "environment": "exchange_online"}),
            quiet(f"{ended + window + 2}m", rule),
        ),
        case(
            "old data in two attempts of five is not half",
            {counted: f"0+{rate:g}x{ended}", stale: f"0+{0.4 * rate:g}x{ended}"},
            quiet(f"{ended}m", rule),
        ),
        case(
            "other failures are not old data",
            {counted: f"0+{rate:g}x{ended}", series(FAILURES, **pair, reason="server_busy"): f"0+{rate:g}x{ended}"},
            quiet(f"{ended}m", rule),
        ),
    )
