"""What the prober's own change detector says, turned into alerts.

Rule of this file: no `for` where somebody is to be paged. The evidence is already sequential, so waiting would add
nothing but delay; push channels and throttling wait, since a single lost long poll is normal.
"""

from prober.alerting.rule import Alert, Case, Record, Rule, fires, quiet, series

EVIDENCE = "clientaccess_detector_evidence_ratio"
STATE = "clientaccess_detector_state"
RATIO = "clientaccess_detector_failure_ratio"
CHANGE = "clientaccess_detector_change_timestamp_seconds"
FIRING = "clientaccess:detector:firing"
ON = "job, instance"
"""Labels that tell one prober from another."""
KEEP = "2m"
SLOWLY = "15m"

GROUP = "group_kind='%s',group='%s',job='%s',instance='%s'"
LABELS = "$labels.group_kind $labels.group $labels.job $labels.instance"


def _looked_up(metric: str, more: str, shown: str, otherwise: str, only: str = "") -> str:
    """Return a Go template that asks for one sample of the alert's own group, if it meets the condition `only`."""
    return (
        f'{{{{ with printf "{metric}{{{GROUP}{more}}}{only}" {LABELS} | query }}}}'
        f"{{{{ . | first | value | {shown} }}}}{{{{ else }}}}{otherwise}{{{{ end }}}}"
    )


SHOWN = {
    "share": _looked_up(RATIO, ",bound='estimate'", "humanizePercentage", "an unknown share"),
    "least": _looked_up(RATIO, ",bound='lower'", "humanizePercentage", "?"),
    "most": _looked_up(RATIO, ",bound='upper'", "humanizePercentage", "?"),
    "usual": _looked_up("clientaccess_detector_baseline_ratio", "", "humanizePercentage", "?"),
    "since": _looked_up(CHANGE, "", "humanizeTimestamp", "an unknown time", " > 0"),
}
SAW = "Since {since}, {share} of the attempts fail (95 %: {least} to {most}), where {usual} is usual."


def _labelled(firing: str) -> str:
    """Return the firing groups with labels that can be routed by: environment, client and location."""
    scope = f'label_join({firing}, "scope", ":", "group_kind", "group")'
    for label, part, pattern in (
        ("environment", "$1", "[a-z]+:([^/@]+).*"),
        ("client", "$1", "(?:client|cell|push|throttled):[^/@]+/([^/@]+)(?:@.*)?"),
        ("location", "$1", "(?:cell|throttled):[^@]+@(.+)"),
        ("location", "$1", "vantage:[^/]+/(.+)"),
        ("scope", "", ".*"),
    ):
        scope = f'label_replace(\n  {scope},\n  "{label}", "{part}", "scope", "{pattern}"\n)'
    return scope


RECORDS: tuple[Rule, ...] = (Record(FIRING, _labelled(f"({EVIDENCE} >= 1 or {STATE} == 2)")),)


def _of(kinds: str) -> str:
    return f'{FIRING}{{group_kind=~"{kinds}",environment!="independent"}}'


CLIENT = Alert(
    "ClientAccessFailing",
    _of("client|cell"),
    "page",
    "mail",
    "{client} is failing in {environment}",
    f"{SAW} Detector group {{group}}; the step and the likeliest cause are on the prober's status page.",
    keep=KEEP,
    shown=SHOWN,
)
SERVICE = Alert(
    "ClientAccessServiceFailing",
    _of("fleet|family"),
    "page",
    "mail",
    "Several clients of {environment} are failing ({group_kind} {group})",
    f"{SAW} No single client need stand out: the evidence is pooled over {{group}}.",
    keep=KEEP,
    shown=SHOWN,
)
VANTAGE = Alert(
    "ClientAccessVantageFailing",
    _of("vantage"),
    "ticket",
    "network",
    "Clients fail from {location}",
    f"{SAW} They do so from one place, over several clients: look at its way out first.",
    keep=KEEP,
    shown=SHOWN,
)
PUSH = Alert(
    "ClientAccessPushLost",
    _of("push"),
    "ticket",
    "mail",
    "{client} loses its push channels in {environment}",
    f"{SAW} An attempt is here one hold of a channel. Mail still arrives when somebody asks, but nobody is told.",
    hold=SLOWLY,
    keep=KEEP,
    shown=SHOWN,
)
THROTTLED = Alert(
    "ClientAccessThrottled",
    _of("throttled"),
    "ticket",
    "prober",
    "The service throttles the prober ({group})",
    f"{SAW} A throttled attempt says nothing of the service; probe less often, or ask for a larger budget.",
    hold=SLOWLY,
    keep=KEEP,
    shown=SHOWN,
)
CONTROL = Alert(
    "ClientAccessControlFailing",
    f'{FIRING}{{group_kind="client",environment="independent"}}',
    "ticket",
    "network",
    "The prober's own way out is failing",
    f"{SAW} Pages that have nothing to do with mail cannot be fetched, so network faults of the mail clients are "
    "inconclusive and do not count.",
    keep=KEEP,
    shown=SHOWN,
)
ALERTS: tuple[Rule, ...] = (CLIENT, SERVICE, VANTAGE, PUSH, THROTTLED, CONTROL)

WHERE = {"job": "prober", "instance": "a:10143"}
SAID = {"share": "20%", "least": "11%", "most": "31%", "usual": "0.1%", "since": "1970-01-01 00:50:00 +0000 UTC"}
UNKNOWN = {"share": "an unknown share", "least": "?", "most": "?", "usual": "?", "since": "an unknown time"}
EXAMPLES: tuple[tuple[Alert, str, str, dict[str, str]], ...] = (
    (CLIENT, "client", "exchange_online/outlook_mobile", {"client": "outlook_mobile"}),
    (CLIENT, "cell", "exchange_online/imap4@fra1/na", {"client": "imap4", "location": "fra1/na"}),
    (SERVICE, "fleet", "exchange_server", {"environment": "exchange_server"}),
    (SERVICE, "family", "exchange_online/phones", {}),
    (VANTAGE, "vantage", "exchange_online/fra1/na", {"location": "fra1/na"}),
    (PUSH, "push", "exchange_online/imap4", {"client": "imap4"}),
    (THROTTLED, "throttled", "exchange_online/imap4", {"client": "imap4"}),
    (THROTTLED, "throttled", "exchange_online@fra1/na", {"location": "fra1/na"}),
    (CONTROL, "client", "independent/control", {"environment": "independent", "client": "control"}),
)


def cases() -> tuple[Case, ...]:
    """Return the tests: one per kind of group, and what holds for all."""
    per_kind = (_example(*example) for example in EXAMPLES)
    return (*per_kind, _explained(), _state_alone(), _each_prober())


def _alerts() -> tuple[Alert, ...]:
    return tuple(rule for rule in ALERTS if isinstance(rule, Alert))


def _example(alert: Alert, kind: str, group: str, found: dict[str, str]) -> Case:
    """Just under for ten minutes, over, and clear again: nothing else fires meanwhile."""
    where = {"group_kind": kind, "group": group, **WHERE}
    labels = {**where, "environment": "exchange_online", **found}
    late = 15 if alert.hold else 0
    clear = 15 + late
    others = tuple(quiet("11m", other) for other in _alerts() if other is not alert)
    return Case(
        f"{alert.name}: {kind} {group}",
        {
            series(EVIDENCE, **where): f"0.99x9 1x{clear - 11} 0.99x10",
            series(STATE, **where): f"1x{clear - 1} 3x10",
        },
        (
            quiet(f"{9 + late}m", alert),
            fires(f"{10 + late}m", alert, labels, **UNKNOWN),
            fires(f"{clear + 1}m", alert, labels, **UNKNOWN),
            quiet(f"{clear + 3}m", alert),
            *(() if late else others),
        ),
    )


def _explained() -> Case:
    where = {"group_kind": "client", "group": "exchange_online/imap4", **WHERE}
    measured = {"estimate": "0.2", "lower": "0.11", "upper": "0.31"}
    return Case(
        "it says what was seen, what is usual, and since when",
        {
            series(EVIDENCE, **where): "0x9 4x20",
            series(CHANGE, **where): "0x9 3000x20",
            series("clientaccess_detector_baseline_ratio", **where): "0.001x30",
            **{series(RATIO, **where, bound=bound): f"{value}x30" for bound, value in measured.items()},
        },
        (fires("20m", CLIENT, {**where, "environment": "exchange_online", "client": "imap4"}, **SAID),),
    )


def _state_alone() -> Case:
    where = {"group_kind": "client", "group": "exchange_online/imap4", **WHERE}
    labels = {**where, "environment": "exchange_online", "client": "imap4"}
    return Case(
        "a failing group stays so while its evidence ebbs, until the detector clears it; a suspect one does not fire",
        {
            series(EVIDENCE, **where): "0.5x20 1x4 0.2x60",
            series(STATE, **where): "1x20 2x30 3x30",
            series(CHANGE, **where): "0x90",
        },
        (quiet("20m", CLIENT), fires("40m", CLIENT, labels, **UNKNOWN), quiet("56m", CLIENT)),
    )


def _each_prober() -> Case:
    here = {"group_kind": "client", "group": "exchange_online/imap4", **WHERE}
    there = here | {"instance": "b:10143"}
    return Case(
        "of two probers the one that sees it says so",
        {series(EVIDENCE, **here): "0x60", series(EVIDENCE, **there): "0x20 2x40"},
        (fires("30m", CLIENT, {**there, "environment": "exchange_online", "client": "imap4"}, **UNKNOWN),),
    )
