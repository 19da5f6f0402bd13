"""Whether there is anything to judge by: a prober that is gone, attempts that do not start, attempts that do not count.

Rule of this file: silence is not health, and it is nobody's outage either: tickets for whoever runs the prober. What is
meant to be quiet stays so: a withdrawn protocol, which is looked at by the hour, and a maintenance window, in which
attempts are excluded as `probe_internal`.
"""

from prober.alerting.detector import ON, WHERE
from prober.alerting.objective import Objective, Slice, duration
from prober.alerting.recording import COUNTED
from prober.alerting.rule import Alert, Alerts, Case, Rule, fires, quiet, series
from prober.alerting.sickness import INFO

ATTEMPTS = "clientaccess_attempts_total"
EXCLUDED = "clientaccess_excluded_total"
HELD = "clientaccess_held_back_total"
QUARTER = 900.0
"""Seconds: as long as nothing may have counted."""
RETIRED_PAUSE = 3600.0
"""Seconds between two looks at what has been withdrawn."""
UNINTENDED = 'verdict!="retired",reason!="probe_internal"'

DOWN = Alert(
    "ClientAccessProberDown",
    f"up == 0\n  and on ({ON}) present_over_time({INFO}[1d])",
    "ticket",
    "prober",
    "The prober at {instance} does not answer",
    "Prometheus cannot scrape it, so nothing is known of the clients from there.",
    hold="2m",
)
ABSENT = Alert(
    "ClientAccessNoData",
    f"absent({ATTEMPTS})",
    "ticket",
    "prober",
    "There is no prober",
    "Not one prober exports attempts: no alert about mail can come. Is Prometheus told where they are?",
    hold="10m",
)
NO_DETECTOR = Alert(
    "ClientAccessDetectorAbsent",
    f"max by ({ON}) ({INFO}) unless on ({ON}) clientaccess_detector_state",
    "ticket",
    "prober",
    "The prober at {instance} has no detector",
    "It probes, but exports no state of the detector: alerts about failing clients cannot come from there.",
    hold="10m",
)


def no_attempts(piece: Slice) -> Alert:
    """Return the alert on a client that is configured and never started."""
    window = duration(piece.window(QUARTER, 3))
    return Alert(
        "ClientAccessNoAttempts",
        f"increase({ATTEMPTS}{{{piece.selector}}}[{window}]) == 0\n"
        f"  and {ATTEMPTS} offset {window}\n"
        f"  unless increase({HELD}[{window}]) > 0",
        "ticket",
        "prober",
        "{client} on {target} is not probed",
        f"No attempt has finished for {window}, and none was held back.",
    )


def held_back(piece: Slice) -> Alert:
    """Return the alert on a client whose every start is held back."""
    window = duration(piece.window(1.5 * RETIRED_PAUSE, 3))
    return Alert(
        "ClientAccessHeldBack",
        f"increase({ATTEMPTS}{{{piece.selector}}}[{window}]) == 0\n  and increase({HELD}[{window}]) > 0",
        "ticket",
        "prober",
        "Every start of {client} on {target} is held back",
        f"For {window} the prober has kept from every attempt: a budget is spent, the service asked for quiet, or a "
        "password was rejected and is not sent again. The status page says which.",
        hold="10m",
    )


def excluded(piece: Slice) -> Alert:
    """Return the alert on a client of which every attempt is left out of availability."""
    window = duration(piece.window(QUARTER, 3))
    chosen = f"{{{piece.selector},{UNINTENDED}}}"
    mine = f"{{{piece.selector}}}"
    left_out = f"sum without (verdict, reason) (increase({EXCLUDED}{chosen}[{window}])) > 0"
    lately = f"increase({COUNTED}{mine}[{window}]) == 0\n    and {left_out}"
    ever = f"{COUNTED}{mine} == 0\n    and sum without (verdict, reason) ({EXCLUDED}{chosen}) > 0"
    return Alert(
        "ClientAccessEveryAttemptExcluded",
        f"(\n    {lately}\n  or\n    {ever}\n)\n  and {ATTEMPTS} offset {window}",
        "ticket",
        "prober",
        "Nothing of {client} on {target} counts",
        f"For {window} every attempt was throttled, excluded or inconclusive, so neither an outage nor health would "
        f"show. `{EXCLUDED}` names the reason.",
    )


def rules(objective: Objective) -> tuple[Rule, ...]:
    """Return the alerts, those by interval for every interval."""
    per_slice = (make(piece) for piece in objective.slices for make in (no_attempts, held_back, excluded))
    return (DOWN, ABSENT, NO_DETECTOR, *per_slice)


def cases(objective: Objective) -> tuple[Case, ...]:
    """Return the tests."""
    per_slice = (case for piece in objective.slices for case in _slice_cases(piece))
    return (_down(), _absent(), _nobody(), _no_detector(), *per_slice)


def _down() -> Case:
    other = {"job": "database", "instance": "d:1"}
    return Case(
        "a prober that is not scraped, and nobody else's server",
        {
            series("up", **WHERE): "1x30 0x30 1x30",
            series(INFO, **WHERE, version="1"): "1x30 stale _x29 1x30",
            series("up", **other): "0x90",
        },
        (quiet("31m", DOWN), fires("34m", DOWN, WHERE), quiet("62m", DOWN)),
    )


def _absent() -> Case:
    return Case(
        "no attempts exported by anybody",
        {series(ATTEMPTS, client="imap4", target="hq", **WHERE): "0+1x20 stale _x28 0+1x30"},
        (quiet("30m", ABSENT), fires("32m", ABSENT), quiet("51m", ABSENT)),
    )


def _nobody() -> Case:
    return Case("no prober at all, from the beginning", {}, (quiet("9m", ABSENT), fires("11m", ABSENT)))


def _no_detector() -> Case:
    return Case(
        "a prober without a detector",
        {
            series(INFO, **WHERE, version="1"): "1x90",
            series("clientaccess_detector_state", group_kind="client", group="g", **WHERE): "0x20 stale _x38 0x30",
        },
        (quiet("30m", NO_DETECTOR), fires("32m", NO_DETECTOR, WHERE), quiet("61m", NO_DETECTOR)),
    )


def _slice_cases(piece: Slice) -> tuple[Case, ...]:
    """Return the tests for one interval; times in minutes, counters advance by `rate` a minute."""
    rate = 60.0 / piece.interval
    quarter, rest, wait = (
        round(one / 60) for one in (piece.window(QUARTER, 3), piece.window(1.5 * RETIRED_PAUSE, 3), 600)
    )
    pair = {"client": piece.client, "target": piece.target, **WHERE}
    stopped, held, none = no_attempts(piece), held_back(piece), excluded(piece)
    attempts, starts, counted = series(ATTEMPTS, **pair), series(HELD, **pair), series(COUNTED, **pair)

    def left_out(verdict: str, reason: str) -> str:
        return series(EXCLUDED, **pair, verdict=verdict, reason=reason)

    def goes(*parts: tuple[int, bool]) -> str:
        """Return a counter that in each part, so many minutes long, advances or does not."""
        values, total = [], 0.0
        for minutes, advancing in parts:
            values.append(f"{total:g}{f'+{rate:g}' if advancing else ''}x{minutes - 1}")
            total += minutes * rate * advancing
        return " ".join(values)

    def case(name: str, made: dict[str, str], *checks: Alerts) -> Case:
        return Case(f"{piece.client} every {duration(piece.interval)}: {name}", made, checks)

    long = quarter + 60
    return (
        case(
            "attempts that stop, and go on",
            {attempts: goes((quarter + 20, True), (long, False), (60, True)), starts: goes((3 * long, False))},
            quiet(f"{2 * quarter + 18}m", stopped),
            fires(f"{2 * quarter + 22}m", stopped, pair),
            quiet(f"{quarter + 20 + long + 4}m", stopped),
        ),
        case(
            "a target that is gone is not missed",
            {attempts: goes((quarter + 20, True)) + " stale"},
            quiet(f"{2 * quarter + 22}m", stopped),
        ),
        case(
            "starts that are held back, each and every one",
            {
                attempts: goes((40, True), (rest + wait + 20, False), (20, True)),
                starts: goes((40, False), (rest + wait + 20, True), (20, False)),
            },
            quiet(f"{rest + wait + 38}m", held),
            quiet(f"{rest + wait + 45}m", stopped),
            fires(f"{rest + wait + 45}m", held, pair),
            quiet(f"{rest + wait + 64}m", held),
        ),
        case(
            "attempts of which none counts, until one does",
            {
                attempts: goes((3 * long, True)),
                counted: goes((quarter + 20, True), (long, False), (60, True)),
                left_out("throttled", "throttled"): goes((quarter + 20, False), (long, True), (60, False)),
            },
            quiet(f"{2 * quarter + 18}m", none),
            fires(f"{2 * quarter + 22}m", none, pair),
            quiet(f"{quarter + 20 + long + 4}m", none),
        ),
        case(
            "a first attempt that was excluded and never repeated",
            {
                attempts: f"1x{3 * long}",
                counted: f"0x{3 * long}",
                left_out("excluded", "auth_rejected"): f"1x{3 * long}",
                starts: goes((3 * long, True)),
            },
            quiet(f"{quarter - 2}m", none),
            fires(f"{quarter + 2}m", none, pair),
            fires(f"{2 * long}m", none, pair),
        ),
        *(
            case(
                f"{verdict} for {reason} is meant to be so",
                {
                    attempts: goes((2 * long, True)),
                    counted: f"0x{2 * long}",
                    left_out(verdict, reason): goes((2 * long, True)),
                },
                quiet(f"{quarter + 30}m", none),
            )
            for verdict, reason in (("retired", "client_misconfig"), ("excluded", "probe_internal"))
        ),
    )
