"""Several vantages: probers as plain containers, one at each place, told apart by `clientaccess_probe_info`.

Rule of this file: one place can contribute at most two failures to the verdict on a service, so trouble at one
place never looks like trouble of the service; and a place is to blame only while another finds the same service well.
"""

from prober.alerting.detector import EVIDENCE, ON
from prober.alerting.objective import NOT_CONTROL, Objective, duration
from prober.alerting.recording import COUNTED, FAILURES
from prober.alerting.rule import Alert, Bundle, Case, Group, Record, Samples, fires, no_data, quiet, series

INFO = "clientaccess_probe_info"
KNOWN = "clientaccess:vantage:info"
PROBERS = "clientaccess:vantage:prober"
PAIR = f"{ON}, client, target"
SHORTEST, ATTEMPTS = 900.0, 15.0
MOST = 2
"""Failures that one vantage can contribute."""
ENOUGH = 4
"""Failures of all vantages that page: with three vantages every 30 s a false page in 43 days, by simulation."""
SOUND = 0.01
BROKEN = 0.1


def bundle(objective: Objective) -> Bundle:
    """Return records per vantage and the two alerts."""
    window = duration(objective.slowest.window(SHORTEST, ATTEMPTS))
    failures, counted = (
        f"clientaccess:vantage:failures_increase{window}",
        f"clientaccess:vantage:counted_increase{window}",
    )
    records = (
        Record(KNOWN, f"max by ({PAIR}, environment, vantage) ({INFO})"),
        Record(PROBERS, f"max by ({ON}, vantage) ({INFO})"),
        Record(failures, _joined(FAILURES, window)),
        Record(counted, _joined(COUNTED, window)),
        Record(
            f"clientaccess:vantage:failure_ratio{window}",
            f"sum by (environment, vantage) ({failures})\n  / (sum by (environment, vantage) ({counted}) > 0)",
        ),
        Record("clientaccess:vantage:evidence_ratio", f"{EVIDENCE} * on ({ON}) group_left (vantage) {PROBERS}"),
    )
    alerts = (_several(failures, window), _one(failures, window))
    about = "Several probers, each at a vantage of its own: what fails everywhere, and where alone something fails."
    group = Group("clientaccess-vantages", (*records, *alerts))
    return Bundle("vantages", about, (group,), _cases(objective, window, *alerts))


def _joined(metric: str, window: str) -> str:
    return (
        "sum by (environment, client, vantage) (\n"
        f"  sum by ({PAIR}) (round(increase({metric}{{{NOT_CONTROL}}}[{window}])))\n"
        f"    * on ({PAIR}) group_left (environment, vantage) {KNOWN}\n"
        ")"
    )


def _several(failures: str, window: str) -> Alert:
    return Alert(
        "ClientAccessFailingAtSeveralVantages",
        f"sum by (environment, client) (clamp_max({failures}, {MOST})) >= {ENOUGH}",
        "page",
        "mail",
        "{client} fails in {environment} from several vantages",
        f"{{count}} failures within {window}, where each vantage contributes no more than {MOST}.",
        keep="2m",
        shown={"count": '{{ $value | printf "%.0f" }}'},
    )


def _one(failures: str, window: str) -> Alert:
    ratio = f"clientaccess:vantage:failure_ratio{window}"
    return Alert(
        "ClientAccessOneVantageFailing",
        f"{ratio} >= {BROKEN}\n"
        f"  and sum by (environment, vantage) ({failures}) >= {ENOUGH}\n"
        f"  and on (environment) min by (environment) ({ratio}) < {SOUND}",
        "ticket",
        "network",
        "{environment} fails from {vantage} alone",
        f"{{share}} of what counted there within {window} failed, while another vantage finds {{environment}} well.",
        keep="2m",
        shown={"share": "{{ $value | humanizePercentage }}"},
    )


def _cases(objective: Objective, window: str, several: Alert, one: Alert) -> tuple[Case, ...]:
    """Return the tests; time in intervals, one attempt in each."""
    interval = objective.slowest.interval
    attempts = round(objective.slowest.window(SHORTEST, ATTEMPTS) / interval)

    def at(number: int) -> str:
        return duration(number * interval)

    def case(name: str, failures: dict[str, str], *checks: object) -> Case:
        made = {
            key: text for place, values in failures.items() for key, text in _place(place, values, 3 * attempts).items()
        }
        return Case(name, made, checks, duration(interval), duration(interval))  # type: ignore[arg-type]

    begin, end = 40, 40 + attempts
    first, second, third = (f"0x{begin} {values}x{3 * attempts}" for values in ("1", "1 2", "1 2 3"))
    labels = {"environment": "exchange_online", "client": "imap4"}
    everything = f"0x{begin - 1} 0+1x{attempts // 2} {attempts // 2}x{3 * attempts}"
    where = {"environment": "exchange_online", "vantage": "fra1"}
    half = attempts // 2
    return (
        no_data((several, one)),
        case(
            "two failures from each of two vantages page, until the window has passed",
            {"fra1": second, "nyc1": second},
            quiet(at(begin), several),
            fires(at(begin + 8), several, labels, count="4"),
            quiet(at(end + 8 + round(240 / interval)), several),
        ),
        case("three and one do not", {"fra1": third, "nyc1": first}, quiet(at(begin + 8), several)),
        case(
            "however many from one vantage do not, but they are its own trouble while another is well",
            {"fra1": everything, "nyc1": "0x400"},
            quiet(at(begin + half), several),
            fires(at(begin + half), one, where, share=f"{half / attempts * 100:.4g}%"),
            quiet(at(end + half + 8 + round(240 / interval)), one),
        ),
        case(
            "a vantage is not alone when the other fails, too",
            {"fra1": everything, "nyc1": third},
            quiet(at(begin + half), one),
        ),
        case("a lone vantage is nobody's exception", {"fra1": everything}, quiet(at(begin + half), one)),
        Case(
            "the evidence of each detector has its vantage",
            {
                series(INFO, job="p", instance="a", client="imap4", target="hq", vantage="fra1"): "1x20",
                series(INFO, job="p", instance="a", client="owa", target="hq", vantage="fra1"): "1x20",
                series(EVIDENCE, job="p", instance="a", group_kind="client", group="g"): "0.5x20",
            },
            (
                Samples(
                    "10m",
                    "clientaccess:vantage:evidence_ratio",
                    {
                        series(
                            "clientaccess:vantage:evidence_ratio",
                            group="g",
                            group_kind="client",
                            instance="a",
                            job="p",
                            vantage="fra1",
                        ): 0.5
                    },
                ),
            ),
        ),
    )


def _place(vantage: str, failures: str, attempts: int) -> dict[str, str]:
    """Return the series of one prober: one attempt per interval, and its failures."""
    pair = {"client": "imap4", "target": "hq", "job": "prober", "instance": f"{vantage}:10143"}
    info = {"depth": "mailbox", "fidelity": "protocol", "environment": "exchange_online", "vantage": vantage}
    return {
        series(INFO, **pair, **info): f"1x{attempts + 400}",
        series(COUNTED, **pair): f"0+1x{attempts + 400}",
        series(FAILURES, **pair, reason="server_busy"): failures,
    }
